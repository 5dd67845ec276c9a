/* SPDX-License-Identifier: MIT */
/* SEND_ZC (Linux 6.0) from registered buffers: the network takes references to the pages, and a second
 * completion, the notification, says when it has let go of them and whether it had to copy after all
 * (IORING_SEND_ZC_REPORT_USAGE, 6.2). */
#ifndef ZC_SEND_ZC_H
#define ZC_SEND_ZC_H

#include <liburing.h>

#include "servers/sink.h"

/* A ring with a table of `slots` registered buffers, all empty. 0 or a negative errno. */
int send_zc_ring(struct io_uring *ring, unsigned int slots);

/* 0 or a negative errno: -EFAULT for what cannot be pinned (a dma-buf's mapping), -ENOMEM for RLIMIT_MEMLOCK. */
int send_zc_register(struct io_uring *ring, int slot, void *memory, size_t len);
void send_zc_unregister(struct io_uring *ring, int slot);

/* Prepares the two linked requests: the header (it completes only if it fails, and the payload then does
 * not), then the payload from
 * `slot`, at `data` in a registered buffer, or at an offset from 0 in a slot that the kernel filled.
 * `zc` false: SEND, which copies to the socket. The caller sets user_data of both. */
void send_zc_prepare(struct io_uring_sqe *header_sqe, struct io_uring_sqe *payload_sqe, int fd,
		     const void *header, size_t header_len, const void *data, size_t len, int slot,
		     bool zc);

/* Adds what a notification's result says to the tally. */
void send_zc_notified(int res, size_t len, struct sink_tally *tally);

/* Sends a header and len bytes at data, which lies in registered buffer `slot`, and waits for the
 * notification. 0 or a negative errno. */
int send_zc(struct io_uring *ring, int fd, const void *header, size_t header_len, const void *data,
	    size_t len, int slot, struct sink_tally *tally);

#endif
