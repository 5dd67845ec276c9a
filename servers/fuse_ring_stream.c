// SPDX-License-Identifier: MIT
/*
 * Zero copy on the FUSE io_uring engine into a connection: the payload of a WRITE is sent from its slot
 * (SEND_ZC), that of a READ received into it (READ_FIXED). A queue's thread has one connection, on which a
 * header and its payload must not be torn apart: one request streams at a time, the others wait in a line.
 * A WRITE leaves the line when all of it is queued to the socket, but is committed only when the kernel has
 * let go of its pages, because the client may use them again from then on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "servers/fuse_ring_internal.h"
#include "servers/send_zc.h"

static struct io_uring_sqe *get_sqe(struct queue *q)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->io);

	if (!sqe)
		abort(); /* cannot be: there are three SQEs for each entry */
	memset(sqe, 0, 128);
	return sqe;
}

static void tag(struct io_uring_sqe *sqe, struct entry *ent, unsigned int what)
{
	sqe->user_data = (uintptr_t)ent | what;
}

/* The address is an offset inside the slot. */
static void read_rest(struct queue *q, struct entry *ent)
{
	struct io_uring_sqe *sqe = get_sqe(q);

	io_uring_prep_read_fixed(sqe, ent->stream_fd, (void *)(uintptr_t)ent->moved,
				 (unsigned int)(ent->moving - ent->moved), 0, ent->slot);
	tag(sqe, ent, CQE_STREAM);
}

static void start(struct queue *q, struct worker *w, struct entry *ent)
{
	struct sink *sink = &w->srv->sink;
	const bool write = ring_is_write(ent);
	struct io_uring_sqe *header;
	size_t len;

	ent->moved = 0;
	ent->stream_fd =
		sink->ops->stream(sink, w->sink_thread, write, ring_file(q, ent), ring_args(ent)->offset,
				  (size_t)ent->moving, ent->stream_header, &len);
	header = get_sqe(q);
	if (write) {
		struct io_uring_sqe *payload = get_sqe(q);

		send_zc_prepare(header, payload, ent->stream_fd, ent->stream_header, len, NULL,
				(size_t)ent->moving, ent->slot, sink->config.send != SEND_COPY);
		tag(payload, ent, CQE_STREAM);
	} else {
		io_uring_prep_send(header, ent->stream_fd, ent->stream_header, len,
				   MSG_WAITALL | MSG_NOSIGNAL);
		header->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
		read_rest(q, ent);
	}
	tag(header, ent, CQE_HEADER);
}

static void start_next(struct queue *q, struct worker *w)
{
	struct entry *ent;

	q->streaming = false;
	while ((ent = q->line) && !q->streaming) {
		q->line = ent->behind;
		if (q->stream_broken) {
			ring_finish(q, ent, -EPIPE);
			continue;
		}
		q->streaming = true;
		start(q, w, ent);
	}
}

void ring_stream(struct queue *q, struct worker *w, struct entry *ent, int64_t n)
{
	struct entry **last = &q->line;

	ent->moving = n;
	ent->behind = NULL;
	while (*last)
		last = &(*last)->behind;
	*last = ent;
	if (!q->streaming)
		start_next(q, w);
}

/* The payload has left (or arrived), or something went wrong on the way: what follows on this connection
 * would then be taken for its rest. */
static void leave_line(struct queue *q, struct worker *w, bool ok)
{
	q->stream_broken |= !ok;
	start_next(q, w);
}

static void answer(struct queue *q, struct worker *w, struct entry *ent)
{
	if (ent->moved == ent->moving)
		server_count(w, ring_is_write(ent) ? OP_WRITE : OP_READ, ROUTE_ZERO_COPY,
			     (size_t)ent->moving);
	ring_finish(q, ent, ent->moved);
}

void ring_streamed(struct queue *q, struct worker *w, struct entry *ent, int res, unsigned int flags)
{
	struct sink_tally tally = {0};

	if (flags & IORING_CQE_F_NOTIF) {
		send_zc_notified(res, (size_t)ent->moving, &tally);
		server_tally(w, &tally);
		answer(q, w, ent);
	} else if (ring_is_write(ent)) {
		ent->moved = res == ent->moving || res < 0 ? res : -EIO;
		leave_line(q, w, ent->moved > 0);
		if (!(flags & IORING_CQE_F_MORE))
			answer(q, w, ent);
	} else if (res > 0 && ent->moved + res < ent->moving) {
		ent->moved += res;
		read_rest(q, ent);
	} else {
		ent->moved = res > 0 ? ent->moved + res : res < 0 ? res : -EPIPE;
		leave_line(q, w, ent->moved > 0);
		answer(q, w, ent);
	}
}
