// SPDX-License-Identifier: MIT
/*
 * Shared buffers on the FUSE io_uring engine (zcbench's kernel series). A client has sent an fd over the back
 * channel, and the server has mapped it and registers that mapping. When the client does direct I/O from its own
 * mapping of the same fd, the request names the buffer and a place in it: nothing was copied, and the payload is
 * in the server's memory, to be read or filled where it lies.
 *
 * The kernel waits for the requests that it knows of before it lets go of a buffer; but a connection can be
 * aborted while this process is still in a payload. So each queue's thread says which buffer it is in before it
 * looks it up, and who removes a buffer takes it out of the table first and then waits for those threads.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "servers/fuse_ring_internal.h"
#include "servers/ipc_session.h"
#include "servers/sigbus.h"

#define POLL_US      100
#define WARNINGS_MAX 8

struct ring_control {
	struct io_uring io;
	struct fuse_ring *ring;
};

int ring_control_open(struct ring_control **out, struct fuse_ring *ring, struct err *e)
{
	struct ring_control *c = calloc(1, sizeof(*c));
	int ret = c ? io_uring_queue_init(2, &c->io, IORING_SETUP_SQE128) : -ENOMEM;

	if (ret) {
		free(c);
		return err_sys(e, ret, "an io_uring for shared buffers");
	}
	sigbus_catch();
	c->ring = ring;
	*out = c;
	return 0;
}

void ring_control_close(struct ring_control *c)
{
	io_uring_queue_exit(&c->io);
	free(c);
}

/* A command, for the caller to fill in. */
static struct fuse_uring_cmd_req *command(struct ring_control *c, unsigned int cmd, unsigned int index)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&c->io);
	struct fuse_uring_cmd_req *req;

	if (!sqe)
		abort(); /* cannot be: one command at a time */
	memset(sqe, 0, 128);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = c->ring->dev->fd;
	sqe->cmd_op = cmd;
	req = (void *)((char *)sqe + CMD_OFFSET);
	req->shared_buf.index = index;
	return req;
}

/* Sends it, and waits for its result. */
static int run(struct ring_control *c)
{
	struct io_uring_cqe *cqe;
	int ret;

	do {
		ret = io_uring_submit_and_wait(&c->io, 1);
	} while (ret == -EINTR);
	if (ret >= 0)
		ret = io_uring_wait_cqe(&c->io, &cqe);
	if (ret < 0)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(&c->io, cqe);
	return ret;
}

/* A free index: b is in the table before the kernel can name it. */
static int take_index(struct fuse_ring *ring, struct ipc_buffer *b)
{
	for (unsigned int i = 0; i < FUSE_URING_SHARED_BUF_MAX; i++) {
		struct ipc_buffer *none = NULL;

		b->index = i;
		if (atomic_compare_exchange_strong(&ring->shared[i], &none, b))
			return 0;
	}
	return -ENOSPC;
}

/* After this no thread is in b. */
static void drop_index(struct fuse_ring *ring, const struct ipc_buffer *b)
{
	atomic_store(&ring->shared[b->index], NULL);
	for (unsigned int i = 0; i < ring->nqueues; i++)
		while (atomic_load(&ring->queues[i].holds) == b->index + 1)
			usleep(POLL_US);
}

int ring_buffer_add(struct ring_control *c, struct ipc_buffer *b, struct err *e)
{
	struct server *srv = c->ring->dev->srv;
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size = (b->size + page - 1) & ~(page - 1);
	struct fuse_uring_cmd_req *req;
	int ret = take_index(c->ring, b);

	if (ret)
		return err_set(e, ret, "more than %d shared buffers", FUSE_URING_SHARED_BUF_MAX);
	if (srv->sink.ops->share)
		srv->sink.ops->share(&srv->sink, b->map, b->size);
	req = command(c, FUSE_IO_URING_CMD_REG_BUF, b->index);
	req->flags = b->writable ? 0 : FUSE_URING_SHARED_BUF_READ_ONLY;
	req->shared_buf.uaddr = (uintptr_t)b->map;
	req->shared_buf.len = srv->fault == FAULT_FALLBACK ? (size / 2 + page - 1) & ~(page - 1) : size;
	ret = run(c);
	if (!ret)
		return 0;
	drop_index(c->ring, b);
	if (srv->sink.ops->unshare)
		srv->sink.ops->unshare(&srv->sink, b->map);
	return err_sys(e, ret, "FUSE_IO_URING_CMD_REG_BUF");
}

void ring_buffer_remove(struct ring_control *c, struct ipc_buffer *b)
{
	struct server *srv = c->ring->dev->srv;
	int ret;

	command(c, FUSE_IO_URING_CMD_UNREG_BUF, b->index);
	ret = run(c);
	/* ENOENT, ENOTCONN: the connection has ended, and the kernel let go of all of them */
	if (ret && ret != -ENOENT && ret != -ENOTCONN)
		warn("%s: FUSE_IO_URING_CMD_UNREG_BUF: %s", c->ring->config.name, strerror(-ret));
	drop_index(c->ring, b);
	if (srv->sink.ops->unshare)
		srv->sink.ops->unshare(&srv->sink, b->map);
}

/* The buffer that a request names, if what it names is ours to touch. It is held then. */
static struct ipc_buffer *hold(struct queue *q, const struct entry *ent, uint64_t *offset)
{
	static _Atomic unsigned int warnings;
	const uint64_t addr = ent->header->ring_ent_in_out.shared_addr;
	const uint32_t index = (uint32_t)(addr >> FUSE_URING_SHARED_OFF_BITS);
	const uint32_t size = ring_args(ent)->size;
	struct ipc_buffer *b = NULL;

	*offset = addr & ((1ull << FUSE_URING_SHARED_OFF_BITS) - 1);
	if (index < FUSE_URING_SHARED_BUF_MAX && q->ring->shared) {
		atomic_store(&q->holds, index + 1);
		b = atomic_load(&q->ring->shared[index]);
	}
	if (b && *offset <= b->size && size <= b->size - *offset && (ring_is_write(ent) || b->writable))
		return b;
	atomic_store_explicit(&q->holds, 0, memory_order_release);
	if (atomic_fetch_add(&warnings, 1) < WARNINGS_MAX)
		warn("%s: a request names %u bytes at %llu of buffer %u, which the server does not have",
		     q->ring->config.name, size, (unsigned long long)*offset, index);
	return NULL;
}

/* Hands the payload on, or has it produced. */
static int pass_on(struct queue *q, struct worker *w, const struct entry *ent, char *data, int64_t n)
{
	const uint64_t offset = ring_args(ent)->offset;
	sigjmp_buf jump;
	int ret;

	sigbus_guard = &jump;
	if (sigsetjmp(jump, 0))
		ret = -EFAULT; /* the client took the pages away; no sink keeps anything that is half done */
	else if (ring_is_write(ent))
		ret = server_write(w, ROUTE_SHARED, ring_file(q, ent), offset, data, (size_t)n);
	else
		ret = server_read(w, ROUTE_SHARED, ring_file(q, ent), offset, data, (size_t)n);
	sigbus_guard = NULL;
	return ret;
}

void ring_shared(struct queue *q, struct worker *w, struct entry *ent)
{
	const bool write = ring_is_write(ent), now = ring_args(ent)->size >= FLUSH_BYTES;
	int64_t n = ring_range(q, ent);
	struct ipc_buffer *b;
	uint64_t offset;

	if (n > 0) {
		b = hold(q, ent, &offset);
		if (b) {
			int ret;

			ipc_buffer_access(b, true, write);
			ret = pass_on(q, w, ent, b->map + offset, n);
			ipc_buffer_access(b, false, write);
			atomic_store_explicit(&q->holds, 0, memory_order_release);
			n = ret ? ret : n;
		} else {
			n = -EIO;
		}
	}
	if (n >= 0 && write) {
		*(struct fuse_write_out *)ent->payload = (struct fuse_write_out){.size = (uint32_t)n};
		n = sizeof(struct fuse_write_out);
	}
	ring_commit(q, ent, n, now);
}
