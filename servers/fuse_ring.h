/* SPDX-License-Identifier: MIT */
/*
 * The FUSE io_uring engine: one queue for each possible CPU, one thread and one ring for each queue,
 * a number of entries for each. A request is fetched, dispatched and committed by the same thread;
 * commits and the next fetches go to the kernel in one io_uring_enter(2).
 */
#ifndef ZC_FUSE_RING_H
#define ZC_FUSE_RING_H

#include "servers/fuse_dev.h"

struct fuse_ring;

/* Where the payload of a request is. */
enum ring_memory {
	RING_BUFFERS,         /* a buffer of each entry's own (protocol 7.42) */
	RING_POOL,            /* a pool for each queue (7.46) */
	RING_POOL_REGISTERED, /* the same, pinned once as a registered buffer of the ring */
};

struct fuse_ring_config {
	unsigned int entries; /* for each queue */
	enum ring_memory memory;
	bool link;        /* zero copy: a commit is linked to the move before it */
	bool zero_copy;   /* queues with FUSE_URING_ZERO_COPY; needs a pool */
	bool shared;      /* takes requests whose payload is in a shared buffer */
	const char *name; /* of the path, for messages */
};

/* Registers all entries of all queues on a connection whose INIT accepted FUSE_OVER_IO_URING, checks
 * every completion of the set-up, and proves that requests take the ring by sending one. On failure the
 * mount is still the caller's, and threads may hang in the kernel until it ends. *out gets the
 * engine. */
int fuse_ring_start(struct fuse_ring **out, struct fuse_dev *dev, const struct fuse_ring_config *config,
		    struct err *e);

/* Joins the threads; call it after the mount is gone. */
void fuse_ring_stop(struct fuse_ring *ring);

/*
 * Shared buffers (of zcbench's kernel series; fuse_ring_shm.c). `control` sends the commands, on an io_uring of
 * its own: it belongs to one thread, and there may be many.
 */
struct ipc_buffer;
struct ring_control;
int ring_control_open(struct ring_control **out, struct fuse_ring *ring, struct err *e);
void ring_control_close(struct ring_control *control);

/* From now on the kernel may name b (of ipc_session.h; its index is set) in requests. Remove returns when no
 * request is in it any more, and none will be. 0 or a negative errno with a message. */
int ring_buffer_add(struct ring_control *control, struct ipc_buffer *b, struct err *e);
void ring_buffer_remove(struct ring_control *control, struct ipc_buffer *b);

/* What paths on this engine share: the --entries option, and a start and stop for all of them. */
extern const struct opt fuse_ring_option_table[];
struct fuse_ring_options {
	uint64_t entries;
	const char *pool;
	bool link;
	bool allow_unmatched;
};
extern struct fuse_ring_options fuse_ring_options;

#define FUSE_RING_SETTING "/sys/module/fuse/parameters/enable_uring"

int fuse_ring_path_start(struct server *srv, const struct fuse_hooks *hooks,
			 struct fuse_ring_config config, struct err *e);
void fuse_ring_path_stop(struct server *srv);
struct fuse_ring *fuse_ring_path_ring(struct server *srv); /* after the start */

#endif
