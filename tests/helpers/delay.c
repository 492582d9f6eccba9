/* Hands on what comes in, each piece so many milliseconds later. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) : 0;
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
	static char piece[65536];
	ssize_t length, done, more;

	while ((length = read(0, piece, sizeof piece)) > 0) {
		nanosleep(&pause, NULL);
		for (done = 0; done < length; done += more)
			if ((more = write(1, piece + done, length - done)) <= 0)
				return 1;
	}
	return 0;
}
