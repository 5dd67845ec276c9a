/* SPDX-License-Identifier: MIT */
/* Queues and entries of the FUSE io_uring engine, shared by fuse_ring*.c and nobody else. */
#ifndef ZC_FUSE_RING_INTERNAL_H
#define ZC_FUSE_RING_INTERNAL_H

#include <semaphore.h>
#include <sys/uio.h>

#include <liburing.h>

#include "servers/fuse_ring.h"

struct entry {
	struct fuse_uring_req_header *header;
	void *payload; /* the buffer of its own; with a pool: set for each request */
	struct iovec iov[2];
	uint16_t slot;            /* zero copy: its registered buffer */
	struct fuse_in_header in; /* of the request that is being served */
	int64_t moving;           /* zero copy: bytes that the move in flight shall move */
	bool in_sink;             /* and it is from or to the sink's own descriptor */
	int64_t moved;            /* what the move has done so far: bytes, or a negative errno */
	struct entry *behind;     /* the next in the line for the connection */
	int stream_fd;
	char stream_header[SINK_HEADER_MAX];
	int staging_fd; /* zero copy: where payload goes that must be in memory; -1: not made */
	char *staging;
};

struct queue {
	struct fuse_ring *ring;
	struct io_uring io;
	pthread_t thread;
	bool started;
	uint16_t id;
	int cpu; /* that its thread is bound to */
	struct entry *entries;
	void *memory; /* headers, then payload buffers or the pool */
	size_t memory_size;
	char *pool;
	int setup;        /* 0, or the errno of the first step that failed */
	const char *step; /* which */
	_Atomic uint64_t served;
	struct entry *line; /* requests that wait for this thread's connection */
	bool streaming;     /* it is in use */
	bool stream_broken;
	_Atomic uint32_t holds; /* 1 + the index of the shared buffer that this thread is in; 0: none */
};

struct fuse_ring {
	struct fuse_dev *dev;
	struct fuse_ring_config config;
	unsigned int nqueues;
	size_t payload_size;
	struct queue *queues;
	struct ipc_buffer *_Atomic *shared; /* by index; NULL where there are none */
	sem_t set_up;                       /* posted once by each queue thread */
	_Atomic int probe; /* what became of the request that proves the ring: PROBE_*, or an errno */
};

/* user_data is the entry's address; what completed is in its low bits. A request that another is linked to
 * has IOSQE_CQE_SKIP_SUCCESS: it completes only when it fails, and then the other one, canceled, does not. */
enum {
	CQE_FETCH = 0,  /* a request, or the end of the connection */
	CQE_MOVE = 1,   /* a READ_FIXED or WRITE_FIXED of zero copy */
	CQE_STREAM = 2, /* payload from or to a connection */
	CQE_HEADER =
		3, /* the header before it; completes only when it fails, and what follows does too */
	CQE_MASK = 7,
};

/* A commit of this much payload is not held back until the rest of the batch is done: its client
 * would wait longer than the system call costs. */
#define FLUSH_BYTES (32u << 10)
#define CMD_OFFSET  48 /* of struct fuse_uring_cmd_req in the 128-byte SQE */

/* Registered buffers of a queue's ring: slot 0 is for the pool, 1 + i for entry i. */
#define POOL_SLOT 0

/* Answers the request in ent with `ret` (bytes of reply, or a negative errno) and asks for the next.
 * `now`: hand it to the kernel at once. */
void ring_commit(struct queue *q, struct entry *ent, int64_t ret, bool now);

/* Begins to serve a READ or WRITE whose pages are in ent->slot. */
void ring_zero_copy(struct queue *q, struct worker *w, struct entry *ent);
/* Goes on after the move: res is its result. */
void ring_zero_copy_moved(struct queue *q, struct worker *w, struct entry *ent, int res);

/* Serves a READ or WRITE whose payload is in a shared buffer. */
void ring_shared(struct queue *q, struct worker *w, struct entry *ent);

/* The parts of a request, for those that serve it. */
static inline bool ring_is_write(const struct entry *ent)
{
	return ent->in.opcode == FUSE_WRITE;
}

/* The arguments of READ and WRITE begin alike. */
static inline const struct fuse_write_in *ring_args(const struct entry *ent)
{
	return (const void *)ent->header->op_in;
}

/* The bytes of a READ or WRITE within its file; 0 and negative errnos are final. */
static inline int64_t ring_range(const struct queue *q, const struct entry *ent)
{
	struct minifs *fs = &q->ring->dev->srv->fs;
	const struct fuse_write_in *in = ring_args(ent);

	return ring_is_write(ent) ? minifs_write_range(fs, ent->in.nodeid, in->offset, in->size)
				  : minifs_read_range(fs, ent->in.nodeid, in->offset, in->size);
}

static inline unsigned int ring_file(const struct queue *q, const struct entry *ent)
{
	return (unsigned int)minifs_file(&q->ring->dev->srv->fs, ent->in.nodeid);
}

/* Answers a zero-copy request: n bytes were moved, or a negative errno. */
void ring_finish(struct queue *q, struct entry *ent, int64_t n);

/* Moves n bytes between the slot and the connection of this thread. */
void ring_stream(struct queue *q, struct worker *w, struct entry *ent, int64_t n);
/* Goes on after a completion of it. */
void ring_streamed(struct queue *q, struct worker *w, struct entry *ent, int res, unsigned int flags);

#endif
