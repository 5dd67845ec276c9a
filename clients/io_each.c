// SPDX-License-Identifier: MIT
/* --register each: the payload's memory is shared with the server before each operation, and taken back after it,
 * as a program does that hands over a new buffer each time. All three steps are the operation, and timed as such. */
#include "clients/io.h"

/* What is paid once is then only the way to the server: the memory that `open` shared is taken back. */
static int each_open(struct io *io, struct err *e)
{
	int ret = io->inner->open(io, e);

	if (ret)
		return ret;
	ret = io->inner->unshare(io);
	if (!ret)
		return 0;
	io->inner->close(io);
	return err_sys(e, ret, "taking the payload's memory back");
}

static void each_close(struct io *io)
{
	io->inner->close(io);
}

static ssize_t each_rw(struct io *io, enum op op, size_t buffer_offset, size_t len, uint64_t file_offset)
{
	int ret = io->inner->share(io);
	ssize_t n;

	if (ret)
		return ret;
	n = io->inner->rw(io, op, buffer_offset, len, file_offset);
	ret = io->inner->unshare(io);
	return ret ? ret : n;
}

const struct io_ops io_each = {
	.name = "each",
	.open = each_open,
	.close = each_close,
	.rw = each_rw,
};
