// SPDX-License-Identifier: MIT
/* pwrite(2) and pread(2) on the mounted file: depth 1. And the way to nowhere, which measures the driver
 * itself. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "clients/bounce.h"
#include "clients/io.h"
#include "clients/shared.h"

int io_open_file(const struct io *io, struct err *e)
{
	int fd = open(io->path, O_RDWR | O_CLOEXEC | (io->access == ACCESS_DIRECT ? O_DIRECT : 0));

	return fd < 0 ? err_sys(e, -errno, "opening %s", io->path) : fd;
}

/* FUSE forgets what it has cached of a file whenever somebody opens it, unless the server says
 * FOPEN_KEEP_CACHE. Unlike POSIX_FADV_DONTNEED that waits for pages which are just being read. */
int io_drop_cache(struct io *io)
{
	int fd = open(io->path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || close(fd) ? -errno : 0;
}

static int syscall_open(struct io *io, struct err *e)
{
	int fd = io_open_file(io, e);

	if (fd < 0)
		return fd;
	io->state = (void *)(intptr_t)fd;
	if (shared_open(io, fd, e) || bounce_open(io, e)) {
		shared_close(io);
		close(fd);
		return e->code;
	}
	return 0;
}

static void syscall_close(struct io *io)
{
	shared_close(io);
	close((int)(intptr_t)io->state);
	bounce_close(io);
}

static ssize_t syscall_rw(struct io *io, enum op op, size_t buffer_offset, size_t len,
			  uint64_t file_offset)
{
	int fd = (int)(intptr_t)io->state;
	char *p = bounce_before(io, op, buffer_offset, len);
	ssize_t n = op == OP_WRITE ? pwrite(fd, p, len, (off_t)file_offset)
				   : pread(fd, p, len, (off_t)file_offset);

	n = n < 0 ? -errno : n;
	bounce_after(io, op, buffer_offset, n);
	return n;
}

const struct io_ops io_syscall = {
	.name = "syscall",
	.open = syscall_open,
	.close = syscall_close,
	.rw = syscall_rw,
	.drop_cache = io_drop_cache,
	.share = shared_register,
	.unshare = shared_unregister,
};

static int nop_open(struct io *io, struct err *e)
{
	(void)io, (void)e;
	return 0;
}

static void nop_close(struct io *io)
{
	(void)io;
}

static ssize_t nop_rw(struct io *io, enum op op, size_t buffer_offset, size_t len, uint64_t file_offset)
{
	(void)io, (void)op, (void)buffer_offset, (void)file_offset;
	return (ssize_t)len;
}

const struct io_ops io_nop = {
	.name = "nop",
	.open = nop_open,
	.close = nop_close,
	.rw = nop_rw,
};
