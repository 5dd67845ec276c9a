// SPDX-License-Identifier: MIT
/* io_uring on the mounted file: depth > 1. What the kernel cannot do without
 * blocking it hands to worker threads of this process; their CPU time counts as the client's. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <liburing.h>

#include "clients/bounce.h"
#include "clients/io.h"
#include "clients/shared.h"

struct uring_state {
	struct io_uring ring;
	int fd;
	struct {
		enum op op;
		size_t buffer_offset;
	} slots[]; /* what flies in each */
};

static int uring_open(struct io *io, struct err *e)
{
	struct uring_state *u = calloc(1, sizeof(*u) + io->depth * sizeof(u->slots[0]));
	int ret;

	if (!u)
		return err_sys(e, -ENOMEM, "io_uring client");
	u->fd = io_open_file(io, e);
	if (u->fd < 0) {
		ret = u->fd;
		free(u);
		return ret;
	}
	ret = io_uring_queue_init(io->depth, &u->ring, 0);
	if (ret) {
		err_sys(e, ret, "io_uring_setup for --depth %u", io->depth);
		if (ret == -EPERM)
			err_remedy(e, "sysctl kernel.io_uring_disabled=0, or --depth 1");
		close(u->fd);
		free(u);
		return ret;
	}
	io->state = u;
	ret = shared_open(io, u->fd, e);
	if (!ret)
		ret = bounce_open(io, e);
	if (ret) {
		shared_close(io);
		io_uring_queue_exit(&u->ring);
		close(u->fd);
		free(u);
	}
	return ret;
}

static void uring_close(struct io *io)
{
	struct uring_state *u = io->state;

	io_uring_queue_exit(&u->ring);
	shared_close(io);
	close(u->fd);
	free(u);
	bounce_close(io);
}

static int uring_submit(struct io *io, enum op op, uint32_t slot, size_t buffer_offset, size_t len,
			uint64_t file_offset)
{
	struct uring_state *u = io->state;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	char *p;

	if (!sqe)
		return -EAGAIN;
	p = bounce_before(io, op, buffer_offset, len);
	u->slots[slot].op = op;
	u->slots[slot].buffer_offset = buffer_offset;
	if (op == OP_WRITE)
		io_uring_prep_write(sqe, u->fd, p, (unsigned int)len, file_offset);
	else
		io_uring_prep_read(sqe, u->fd, p, (unsigned int)len, file_offset);
	io_uring_sqe_set_data64(sqe, slot);
	return 0;
}

static int uring_reap(struct io *io, struct io_completion *out, int max)
{
	struct uring_state *u = io->state;
	struct io_uring_cqe *cqe;
	unsigned int head;
	int n = 0, ret;

	do {
		ret = io_uring_submit_and_wait(&u->ring, 1);
	} while (ret == -EINTR);
	if (ret < 0)
		return ret;
	io_uring_for_each_cqe (&u->ring, head, cqe) {
		if (n == max)
			break;
		bounce_after(io, u->slots[cqe->user_data].op, u->slots[cqe->user_data].buffer_offset,
			     cqe->res);
		out[n++] = (struct io_completion){(uint32_t)cqe->user_data, cqe->res};
	}
	io_uring_cq_advance(&u->ring, (unsigned int)n);
	return n;
}

const struct io_ops io_uring_ops = {
	.name = "io_uring",
	.open = uring_open,
	.close = uring_close,
	.submit = uring_submit,
	.reap = uring_reap,
	.drop_cache = io_drop_cache,
};
