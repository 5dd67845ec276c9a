// SPDX-License-Identifier: MIT
/* What programs call to make, copy and close descriptors, and to map memory. Each does what it always does, and the
 * library takes note. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clients/bypass/bypass.h"

/* open(2) has a mode where a file can be made. */
#define MODE_OF(flags, last)                                                                            \
	({                                                                                              \
		mode_t mode_ = 0;                                                                       \
		if ((flags)&O_CREAT || ((flags)&O_TMPFILE) == O_TMPFILE) {                              \
			va_list ap_;                                                                    \
			va_start(ap_, last);                                                            \
			mode_ = va_arg(ap_, mode_t);                                                    \
			va_end(ap_);                                                                    \
		}                                                                                       \
		mode_;                                                                                  \
	})

static int opened(int fd, int flags)
{
	if (fd >= 0 && !bypass_inside && bypass_active()) {
		file_forget(fd); /* a close that we did not see */
		if (flags & O_TRUNC)
			file_shrunk();
		file_opened(fd, flags);
	}
	return fd;
}

EXPORT int open(const char *path, int flags, ...)
{
	return opened(real()->open(path, flags, MODE_OF(flags, flags)), flags);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	return opened(real()->openat(dir, path, flags, MODE_OF(flags, flags)), flags);
}

EXPORT int creat(const char *path, mode_t mode)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC;

	return opened(real()->open(path, flags, mode), flags);
}

/* What open becomes with _FORTIFY_SOURCE where there is no mode. */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
	return opened(real()->open(path, flags), flags);
}

EXPORT int __openat_2(int dir, const char *path, int flags);
EXPORT int __openat_2(int dir, const char *path, int flags)
{
	return opened(real()->openat(dir, path, flags), flags);
}

/* off_t has 64 bits: these are the same functions. */
EXPORT int open64(const char *path, int flags, ...) __attribute__((alias("open")));
EXPORT int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));
EXPORT int creat64(const char *path, mode_t mode) __attribute__((alias("creat")));
EXPORT int __open64_2(const char *path, int flags) __attribute__((alias("__open_2")));
EXPORT int __openat64_2(int dir, const char *path, int flags) __attribute__((alias("__openat_2")));

EXPORT int close(int fd)
{
	if (!bypass_inside && own_fd(fd) && bypass_active()) {
		errno = EBADF; /* the program never opened it */
		return -1;
	}
	file_forget(fd);
	return real()->close(fd);
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	int ret = 0;

	if (bypass_inside || !bypass_active() || flags)
		return real()->close_range(first, last, flags);
	file_forget_range(first, last);
	/* around our own */
	for (unsigned int fd = first; fd <= last && fd < FDS_MAX && !ret; fd++) {
		if (!own_fd((int)fd))
			continue;
		if (fd > first)
			ret = real()->close_range(first, fd - 1, 0);
		first = fd + 1;
	}
	return ret || first > last ? ret : real()->close_range(first, last, 0);
}

EXPORT void closefrom(int first)
{
	close_range(first < 0 ? 0 : (unsigned int)first, ~0u, 0);
}

EXPORT int dup(int fd)
{
	int to = real()->dup(fd);

	file_dup(fd, to);
	return to;
}

EXPORT int dup2(int from, int to)
{
	if (!bypass_inside && from != to && own_fd(to) && bypass_active()) {
		errno = EBUSY;
		return -1;
	}
	to = real()->dup2(from, to);
	file_dup(from, to);
	return to;
}

EXPORT int dup3(int from, int to, int flags)
{
	if (!bypass_inside && own_fd(to) && bypass_active()) {
		errno = EBUSY;
		return -1;
	}
	to = real()->dup3(from, to, flags);
	file_dup(from, to);
	return to;
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	struct file *f;
	void *arg;
	va_list ap;
	int ret;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	ret = real()->fcntl(fd, cmd, arg);
	if (ret < 0)
		return ret;
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) {
		file_dup(fd, ret);
	} else if (cmd == F_SETFL) {
		f = file_get(fd);
		if (f) {
			atomic_store(&f->append, ((intptr_t)arg & (O_APPEND | O_SYNC | O_DSYNC)) != 0);
			file_put(f);
		}
	}
	return ret;
}

EXPORT int fcntl64(int fd, int cmd, ...) __attribute__((alias("fcntl")));

/* From now on stdio reads, writes and closes it, and does not tell us. */
EXPORT FILE *fdopen(int fd, const char *mode)
{
	FILE *f = real()->fdopen(fd, mode);

	if (f)
		file_forget(fd);
	return f;
}

EXPORT int ftruncate(int fd, off_t size)
{
	struct file *f = file_get(fd);
	int ret = real()->ftruncate(fd, size);

	if (f && !ret)
		file_shrunk();
	if (f)
		file_put(f);
	return ret;
}

EXPORT int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

EXPORT void *mmap(void *address, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *map = real()->mmap(address, len, prot, flags, fd, offset);
	struct file *f;

	if (map == MAP_FAILED || bypass_inside || !bypass_active())
		return map;
	f = fd >= 0 && !(flags & MAP_ANONYMOUS) ? file_get(fd) : NULL;
	if (f) {
		/* its pages are the kernel's: so is all else, from now on */
		file_mapped(f);
		file_put(f);
	}
	memory_mapped(map, len, flags, fd, (uint64_t)offset);
	return map;
}

EXPORT void *mmap64(void *address, size_t len, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));

EXPORT int munmap(void *address, size_t len)
{
	/* before: at once afterwards another thread's mapping may be there */
	if (!bypass_inside && bypass_active())
		memory_unmapped(address, len);
	return real()->munmap(address, len);
}

EXPORT void *mremap(void *old, size_t old_len, size_t len, int flags, ...)
{
	void *to, *map;
	va_list ap;

	va_start(ap, flags);
	to = va_arg(ap, void *);
	va_end(ap);
	if (!bypass_inside && bypass_active())
		memory_unmapped(old, old_len);
	map = real()->mremap(old, old_len, len, flags, to);
	if (map != MAP_FAILED && !bypass_inside && bypass_active())
		memory_unmapped(map, len);
	return map;
}
