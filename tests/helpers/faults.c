/* Faults of a disk, for one process, below one path. Preloaded; it stands between the program and the C library.
 *
 *   FAULTS_BELOW  only files whose absolute path begins like this
 *   FAULTS_CALLS  which calls: write, fdatasync, fsync, rename, create; several with commas
 *   FAULTS_AT     which of them fails, from 1; 0: none, they are only counted
 *   FAULTS_HOW    EIO, ENOSPC; torn: half of it is written, then ENOSPC; lie: it says that it worked and does nothing;
 *                 stop: it works, then the process stands still until it is continued (fdatasync)
 *   FAULTS_STAY   if set: so do all calls after it
 *   FAULTS_WATCH  a file whose length is noted when the first call fails
 *   FAULTS_NOTE   where the number of calls, and that length, are written at the end
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;
static atomic_long watched = -2;

static const char *setting(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "";
}

/* Whether the name stands in the comma-separated list. */
static int listed(const char *list, const char *name)
{
	size_t length = strlen(name);
	const char *at = list;

	while ((at = strstr(at, name))) {
		if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length]))
			return 1;
		at += length;
	}
	return 0;
}

static int below(const char *path)
{
	const char *prefix = setting("FAULTS_BELOW");
	char whole[2 * PATH_MAX];

	if (*path != '/') {
		if (!getcwd(whole, PATH_MAX))
			return 0;
		strcat(whole, "/");
		strncat(whole, path, PATH_MAX - 2);
		path = whole;
	}
	return *prefix && !strncmp(path, prefix, strlen(prefix));
}

/* Counts a call, and says whether it is to fail. */
static int fails(const char *name, const char *path)
{
	long at = atol(setting("FAULTS_AT"));
	long number;
	int strikes;

	if (!listed(setting("FAULTS_CALLS"), name) || !below(path))
		return 0;
	number = atomic_fetch_add(&calls, 1) + 1;
	strikes = at && (number == at || (number > at && getenv("FAULTS_STAY")));
	if (strikes && atomic_load(&watched) == -2) {
		struct stat there;
		atomic_store(&watched, stat(setting("FAULTS_WATCH"), &there) ? -1 : (long)there.st_size);
	}
	return strikes;
}

static int fails_on(const char *name, int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	if (!listed(setting("FAULTS_CALLS"), name))
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof path - 1);
	if (length <= 0)
		return 0;
	path[length] = 0;
	return fails(name, path);
}

static int refuse(void)
{
	errno = strcmp(setting("FAULTS_HOW"), "EIO") ? ENOSPC : EIO;
	return -1;
}

static int is(const char *how)
{
	return !strcmp(setting("FAULTS_HOW"), how);
}

#define NEXT(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t length)
{
	if (!fails_on("write", fd))
		return NEXT(write)(fd, bytes, length);
	if (is("lie"))
		return length;
	if (is("torn") && length > 1)
		NEXT(write)(fd, bytes, length / 2);
	return refuse();
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
	if (!fails_on("write", fd))
		return NEXT(pwrite64)(fd, bytes, length, offset);
	if (is("lie"))
		return length;
	if (is("torn") && length > 1)
		NEXT(pwrite64)(fd, bytes, length / 2, offset);
	return refuse();
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return fails_on("write", fd) ? refuse() : NEXT(writev)(fd, parts, count);
}

int fdatasync(int fd)
{
	int done;

	if (!fails_on("fdatasync", fd))
		return NEXT(fdatasync)(fd);
	if (is("stop")) {
		done = NEXT(fdatasync)(fd);
		raise(SIGSTOP);
		return done;
	}
	return is("lie") ? 0 : refuse();
}

int fsync(int fd)
{
	if (!fails_on("fsync", fd))
		return NEXT(fsync)(fd);
	return is("lie") ? 0 : refuse();
}

int rename(const char *from, const char *to)
{
	if (!fails("rename", from))
		return NEXT(rename)(from, to);
	return is("lie") ? 0 : refuse();
}

int open64(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
	va_end(more);
	if ((flags & O_CREAT) && fails("create", path))
		return refuse();
	return NEXT(open64)(path, flags, mode);
}

__attribute__((destructor)) static void note(void)
{
	const char *path = setting("FAULTS_NOTE");
	FILE *file = *path ? fopen(path, "w") : NULL;

	if (file) {
		fprintf(file, "%ld %ld\n", atomic_load(&calls), atomic_load(&watched));
		fclose(file);
	}
}
