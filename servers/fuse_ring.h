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

/* Registers all entries of all queues on a connection whose INIT accepted FUSE_OVER_IO_URING, checks
 * every completion of the set-up, and proves that requests take the ring by sending one. On failure
 * everything is torn down (the mount is the caller's). *out gets the engine. */
int fuse_ring_start(struct fuse_ring **out, struct fuse_dev *dev, unsigned int entries,
		    struct err *e);

/* Joins the threads; call it after the mount is gone. */
void fuse_ring_stop(struct fuse_ring *ring);

#endif
