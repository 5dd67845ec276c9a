// SPDX-License-Identifier: MIT
/*
 * Zero copy on the FUSE io_uring engine (Linux 7.3): the client's pages are in a registered-buffer slot
 * of the queue's ring. The server cannot look at them; it can only have the kernel move them.
 *
 *   sink ignores the payload   nothing moves
 *   sink has a descriptor      WRITE_FIXED or READ_FIXED between the slot and the file: no copy with O_DIRECT
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

/* The arguments of READ and WRITE begin alike. */
static const struct fuse_write_in *arg_of(const struct entry *ent)
{
	return (const void *)ent->header->op_in;
}

static bool is_write(const struct entry *ent)
{
	return ent->in.opcode == FUSE_WRITE;
}

static unsigned int file_of(const struct queue *q, const struct entry *ent)
{
	return (unsigned int)minifs_file(&q->ring->dev->srv->fs, ent->in.nodeid);
}

/* The bytes of this request within the file; 0 and negative errnos are final. */
static int64_t range_of(const struct queue *q, const struct entry *ent)
{
	struct minifs *fs = &q->ring->dev->srv->fs;
	const struct fuse_write_in *in = arg_of(ent);

	return is_write(ent) ? minifs_write_range(fs, ent->in.nodeid, in->offset, in->size)
			     : minifs_read_range(fs, ent->in.nodeid, in->offset, in->size);
}

static void finish(struct queue *q, struct entry *ent, int64_t n)
{
	if (n >= 0 && is_write(ent)) {
		*(struct fuse_write_out *)ent->payload = (struct fuse_write_out){.size = (uint32_t)n};
		n = sizeof(struct fuse_write_out);
	}
	ring_commit(q, ent, n, true);
}

/* Has the kernel move n bytes between the slot and a descriptor. */
static void move(struct queue *q, struct entry *ent, int fd, uint64_t offset, int64_t n)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->io);

	if (!sqe)
		abort(); /* cannot be: there are two SQEs for each entry */
	memset(sqe, 0, 128);
	/* the address is an offset inside the slot */
	if (is_write(ent))
		io_uring_prep_write_fixed(sqe, fd, NULL, (unsigned int)n, offset, ent->slot);
	else
		io_uring_prep_read_fixed(sqe, fd, NULL, (unsigned int)n, offset, ent->slot);
	sqe->user_data = (uintptr_t)ent | CQE_MOVE;
	ent->moving = n;
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
	const uint64_t offset = arg_of(ent)->offset;
	int64_t n = range_of(q, ent);
	int fd, ret;

	if (n <= 0) {
		finish(q, ent, n);
		return;
	}
	if (srv->sink.ops->ignores && !atomic_load(&srv->verify) && !srv->fault) {
		server_count(w, is_write(ent) ? OP_WRITE : OP_READ, ROUTE_ZERO_COPY, (size_t)n);
		finish(q, ent, n);
		return;
	}
	fd = server_fd(srv, file_of(q, ent));
	ent->in_sink = fd >= 0;
	if (ent->in_sink) {
		move(q, ent, fd, sink_place(&srv->sink, file_of(q, ent), offset), n);
		return;
	}
	ret = make_staging(q, ent);
	if (!ret && !is_write(ent))
		ret = server_read(w, ROUTE_ZERO_COPY, file_of(q, ent), offset, ent->staging, (size_t)n);
	if (ret)
		finish(q, ent, ret);
	else
		move(q, ent, ent->staging_fd, 0, n);
}

void ring_zero_copy_moved(struct queue *q, struct worker *w, struct entry *ent, int res)
{
	int64_t n = res == ent->moving ? res : res < 0 ? res : -EIO;

	if (n > 0 && ent->in_sink) {
		server_count(w, is_write(ent) ? OP_WRITE : OP_READ, ROUTE_ZERO_COPY, (size_t)n);
	} else if (n > 0 && is_write(ent)) {
		int ret = server_write(w, ROUTE_ZERO_COPY, file_of(q, ent), arg_of(ent)->offset,
				       ent->staging, (size_t)n);

		if (ret)
			n = ret;
	}
	finish(q, ent, n);
}
