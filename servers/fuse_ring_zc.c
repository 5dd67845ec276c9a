// SPDX-License-Identifier: MIT
/*
 * Zero copy on the FUSE io_uring engine (Linux 7.3): the client's pages are in a registered-buffer slot
 * of the queue's ring. The server cannot look at them; it can only have the kernel move them.
 *
 *   sink ignores the payload   nothing moves
 *   sink has a descriptor      WRITE_FIXED or READ_FIXED between the slot and the file: no copy with O_DIRECT
 *   sink has a connection      SEND_ZC or READ_FIXED between the slot and the socket: fuse_ring_stream.c
 *   sink wants memory          through a memfd that the server has mapped: one copy, and the finding
 *
 * A WRITE's reply is a fuse_write_out in the pool; a READ has no pool buffer, only payload_sz. The kernel
 * does not check that a READ's pages were filled, so a short move is an error here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "servers/fuse_ring_internal.h"

void ring_finish(struct queue *q, struct entry *ent, int64_t n)
{
	if (n >= 0 && ring_is_write(ent)) {
		*(struct fuse_write_out *)ent->payload = (struct fuse_write_out){.size = (uint32_t)n};
		n = sizeof(struct fuse_write_out);
	}
	ring_commit(q, ent, n, true);
}

/* Has the kernel move n bytes between the slot and a descriptor. `whole`: nothing is left to do then. */
static void move(struct queue *q, struct entry *ent, int fd, uint64_t offset, int64_t n, bool whole)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->io);

	if (!sqe)
		abort(); /* cannot be: there are two SQEs for each entry */
	memset(sqe, 0, 128);
	/* the address is an offset inside the slot */
	if (ring_is_write(ent))
		io_uring_prep_write_fixed(sqe, fd, NULL, (unsigned int)n, offset, ent->slot);
	else
		io_uring_prep_read_fixed(sqe, fd, NULL, (unsigned int)n, offset, ent->slot);
	sqe->user_data = (uintptr_t)ent | CQE_MOVE;
	ent->moving = n;
	if (!q->ring->config.link || !whole)
		return;
	/* A short move breaks the chain as an error does; else nothing completes before the next request. */
	sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	ring_finish(q, ent, n);
}

static int make_staging(struct queue *q, struct entry *ent)
{
	const size_t size = q->ring->payload_size;

	if (ent->staging)
		return 0;
	ent->staging_fd = memfd_create("zcbench-extract", MFD_CLOEXEC);
	if (ent->staging_fd < 0 || ftruncate(ent->staging_fd, (off_t)size))
		return -errno;
	ent->staging =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ent->staging_fd, 0);
	if (ent->staging == MAP_FAILED) {
		ent->staging = NULL;
		return -ENOMEM;
	}
	return 0;
}

void ring_zero_copy(struct queue *q, struct worker *w, struct entry *ent)
{
	struct server *srv = w->srv;
	const uint64_t offset = ring_args(ent)->offset;
	int64_t n = ring_range(q, ent);
	int fd, ret;

	if (n <= 0) {
		ring_finish(q, ent, n);
		return;
	}
	if (srv->sink.ops->ignores && !atomic_load(&srv->verify) && !srv->fault) {
		server_count(w, ring_is_write(ent) ? OP_WRITE : OP_READ, ROUTE_ZERO_COPY, (size_t)n);
		ring_finish(q, ent, n);
		return;
	}
	if (srv->sink.ops->stream && !srv->fault) {
		ring_stream(q, w, ent, n);
		return;
	}
	fd = server_fd(srv, ring_file(q, ent));
	ent->in_sink = fd >= 0;
	if (ent->in_sink) {
		/* now, not when it is done: with a linked commit nothing comes back then */
		server_count(w, ring_is_write(ent) ? OP_WRITE : OP_READ, ROUTE_ZERO_COPY, (size_t)n);
		move(q, ent, fd, sink_place(&srv->sink, ring_file(q, ent), offset), n, true);
		return;
	}
	ret = make_staging(q, ent);
	if (!ret && !ring_is_write(ent))
		ret = server_read(w, ROUTE_ZERO_COPY, ring_file(q, ent), offset, ent->staging,
				  (size_t)n);
	if (ret)
		ring_finish(q, ent, ret);
	else
		move(q, ent, ent->staging_fd, 0, n, !ring_is_write(ent));
}

void ring_zero_copy_moved(struct queue *q, struct worker *w, struct entry *ent, int res)
{
	int64_t n = res == ent->moving ? res : res < 0 ? res : -EIO;

	if (n > 0 && !ent->in_sink && ring_is_write(ent)) {
		int ret = server_write(w, ROUTE_ZERO_COPY, ring_file(q, ent), ring_args(ent)->offset,
				       ent->staging, (size_t)n);

		if (ret)
			n = ret;
	}
	ring_finish(q, ent, n);
}
