// SPDX-License-Identifier: MIT
/* pwrite(2) and pread(2) with O_DIRECT on the mounted file: depth 1. And the way to nowhere, which
 * measures the driver itself. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "clients/bounce.h"
#include "clients/io.h"

static int syscall_open(struct io *io, struct err *e)
{
	int fd = open(io->path, O_RDWR | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, -errno, "opening %s", io->path);
	io->state = (void *)(intptr_t)fd;
	if (bounce_open(io, e)) {
		close(fd);
		return e->code;
	}
	return 0;
}

static void syscall_close(struct io *io)
{
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

	if (n < 0)
		return -errno;
	bounce_after(io, op, buffer_offset, n);
	return n;
}

const struct io_ops io_syscall = {
	.name = "syscall",
	.open = syscall_open,
	.close = syscall_close,
	.rw = syscall_rw,
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
