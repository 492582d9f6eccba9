/* Cuts a file system off as a power cut would: nothing more reaches the device, its log is not flushed.
 *   cut MOUNT-POINT
 * One ioctl, the same for ext4 and XFS. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define SHUTDOWN _IOR('X', 125, uint32_t)
#define NO_LOG_FLUSH 2

int main(int argc, char **argv)
{
	uint32_t how = NO_LOG_FLUSH;
	int dir;

	if (argc != 2) {
		fprintf(stderr, "usage: cut MOUNT-POINT\n");
		return 2;
	}
	dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (dir < 0 || ioctl(dir, SHUTDOWN, &how) < 0) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
