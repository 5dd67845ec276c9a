// SPDX-License-Identifier: MIT
/* What programs call to read and write. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clients/bypass/bypass.h"

#define RW_MAX 0x7ffff000
#define FEW    16 /* parts of a vector for which there is room on the stack */

/*
 * The program's vector, as it is now, for us to look at. It may be anywhere: the kernel finds out, and what is wrong is
 * the kernel's to answer. (One part is our own: read, write and their kin.)
 */
static bool copy_vector(struct iovec *to, const struct iovec *from, int n)
{
	const struct iovec local = {to, (size_t)n * sizeof(*to)}, remote = {(void *)from, local.iov_len};

	if (n < 1 || n > IOV_MAX)
		return false;
	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)local.iov_len;
}

/* All that the kernel would look at before it does any I/O. -EINVAL, or the bytes, cut to what one call moves. */
static ssize_t sum(const struct iovec *iov, int n)
{
	size_t total = 0;

	if (n < 0 || n > IOV_MAX)
		return -EINVAL;
	for (int i = 0; i < n; i++) {
		if ((ssize_t)iov[i].iov_len < 0)
			return -EINVAL;
		total += iov[i].iov_len < RW_MAX ? iov[i].iov_len : RW_MAX;
	}
	return total < RW_MAX ? (ssize_t)total : RW_MAX;
}

/* At a place that the caller names. */
static ssize_t at(struct file *f, int fd, bool write, const struct iovec *iov, int n, off_t offset)
{
	ssize_t done = session_rw(f, write, iov, n, (uint64_t)offset);

	if (write && done > 0)
		file_grown(f, fd, (uint64_t)offset + (uint64_t)done);
	return done;
}

/*
 * At the kernel's offset, which is everybody's who shares the open file, in this process or another. It is moved first,
 * in one step, so that no two of them get the same bytes; what was not moved after all is given back.
 * -EAGAIN: the kernel has to do it.
 */
static ssize_t at_offset(struct file *f, int fd, bool write, const struct iovec *iov, int n, ssize_t len)
{
	ssize_t done;
	off_t end;

	pthread_mutex_lock(&f->offset);
	end = lseek(fd, (off_t)len, SEEK_CUR);
	if (end < 0) {
		done = -EAGAIN;
	} else {
		done = at(f, fd, write, iov, n, end - len);
		if (done < len)
			lseek(fd, (off_t)(done > 0 ? done : 0) - len, SEEK_CUR);
	}
	pthread_mutex_unlock(&f->offset);
	return done;
}

/* Whether the ring did it; then *ret is what the caller returns, with errno set. offset -1: the file's own. */
static bool ring(int fd, bool write, const struct iovec *iov, int n, off_t offset, ssize_t *ret)
{
	struct file *f = file_get(fd);
	struct bypass_guard g;
	ssize_t len;
	int error = 0;
	bool taken = false;

	if (!f)
		return false;
	bypass_enter(&g);
	len = sum(iov, n);
	/* what is wrong, or nothing, is the kernel's to answer */
	if (len > 0 && offset >= -1 && session_ready(f, fd)) {
		*ret = offset < 0 ? at_offset(f, fd, write, iov, n, len)
				  : at(f, fd, write, iov, n, offset);
		taken = *ret != -EAGAIN;
	}
	if (!taken) {
		count(&counts.passed, 1);
		if (write && atomic_load(&f->append))
			file_ask_size(f, fd); /* another one may have written by its ring */
	}
	if (taken && *ret < 0) {
		error = (int)-*ret;
		*ret = -1;
	}
	bypass_leave(&g);
	file_put(f);
	if (error)
		errno = error;
	return taken;
}

static bool ring_vector(int fd, bool write, const struct iovec *iov, int n, off_t offset, ssize_t *ret)
{
	struct iovec few[FEW], *own = few;
	struct file *f = file_get(fd);
	bool taken;

	if (!f)
		return false;
	file_put(f);
	if (n > FEW && n <= IOV_MAX)
		own = malloc((size_t)n * sizeof(*own));
	if (own && copy_vector(own, iov, n)) {
		taken = ring(fd, write, own, n, offset, ret);
	} else {
		count(&counts.passed, 1);
		taken = false;
	}
	if (own != few) {
		int error = errno;

		free(own);
		errno = error;
	}
	return taken;
}

EXPORT ssize_t read(int fd, void *buf, size_t len)
{
	const struct iovec v = {buf, len};
	ssize_t ret;

	return ring(fd, false, &v, 1, -1, &ret) ? ret : real()->read(fd, buf, len);
}

EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
	const struct iovec v = {(void *)buf, len};
	ssize_t ret;

	return ring(fd, true, &v, 1, -1, &ret) ? ret : real()->write(fd, buf, len);
}

EXPORT ssize_t pread(int fd, void *buf, size_t len, off_t offset)
{
	const struct iovec v = {buf, len};
	ssize_t ret;

	return offset >= 0 && ring(fd, false, &v, 1, offset, &ret) ? ret
								   : real()->pread(fd, buf, len, offset);
}

EXPORT ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	const struct iovec v = {(void *)buf, len};
	ssize_t ret;

	return offset >= 0 && ring(fd, true, &v, 1, offset, &ret) ? ret
								  : real()->pwrite(fd, buf, len, offset);
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	ssize_t ret;

	return ring_vector(fd, false, iov, n, -1, &ret) ? ret : real()->readv(fd, iov, n);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	ssize_t ret;

	return ring_vector(fd, true, iov, n, -1, &ret) ? ret : real()->writev(fd, iov, n);
}

EXPORT ssize_t preadv(int fd, const struct iovec *iov, int n, off_t offset)
{
	ssize_t ret;

	return offset >= 0 && ring_vector(fd, false, iov, n, offset, &ret)
		       ? ret
		       : real()->preadv(fd, iov, n, offset);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
	ssize_t ret;

	return offset >= 0 && ring_vector(fd, true, iov, n, offset, &ret)
		       ? ret
		       : real()->pwritev(fd, iov, n, offset);
}

/* Here -1 is the file's own offset, and flags (but for polling) mean something that the kernel has to do. */
EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	ssize_t ret;

	return !(flags & ~RWF_HIPRI) && ring_vector(fd, false, iov, n, offset, &ret)
		       ? ret
		       : real()->preadv2(fd, iov, n, offset, flags);
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	ssize_t ret;

	return !(flags & ~RWF_HIPRI) && ring_vector(fd, true, iov, n, offset, &ret)
		       ? ret
		       : real()->pwritev2(fd, iov, n, offset, flags);
}

/* off_t has 64 bits: these are the same functions. */
EXPORT ssize_t pread64(int fd, void *buf, size_t len, off_t offset) __attribute__((alias("pread")));
EXPORT ssize_t pwrite64(int fd, const void *buf, size_t len, off_t offset)
	__attribute__((alias("pwrite")));
EXPORT ssize_t preadv64(int fd, const struct iovec *iov, int n, off_t offset)
	__attribute__((alias("preadv")));
EXPORT ssize_t pwritev64(int fd, const struct iovec *iov, int n, off_t offset)
	__attribute__((alias("pwritev")));
EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
	__attribute__((alias("preadv2")));
EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
	__attribute__((alias("pwritev2")));

/* What these become with _FORTIFY_SOURCE: `room` is what the compiler knows of the buffer. */
EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
	if (len > room)
		abort();
	return read(fd, buf, len);
}

EXPORT ssize_t __pread_chk(int fd, void *buf, size_t len, off_t offset, size_t room);
EXPORT ssize_t __pread_chk(int fd, void *buf, size_t len, off_t offset, size_t room)
{
	if (len > room)
		abort();
	return pread(fd, buf, len, offset);
}

EXPORT ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t offset, size_t room)
	__attribute__((alias("__pread_chk")));
