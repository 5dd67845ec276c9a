/* SPDX-License-Identifier: MIT */
/*
 * What sink `tcp` and its far end (`zcbench sink`) say to each other. A server thread has a connection of
 * its own; each request is a frame, followed by the payload: of a WRITE towards the receiver, of a READ
 * back to the server. Nothing is answered but a READ and a TOTALS.
 *
 * All numbers are little-endian on the wire.
 */
#ifndef ZC_STREAM_H
#define ZC_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define STREAM_MAGIC 0x3153435au /* "ZCS1" */

enum stream_op {
	STREAM_WRITE = 1,
	STREAM_READ = 2,
	STREAM_TOTALS = 3, /* answered by a struct stream_totals of the session */
};

#define STREAM_VERIFY (1u << 0) /* the payload is the pattern of (seed, offset): check it, or make it */

struct stream_frame {
	uint32_t magic;
	uint16_t op;
	uint16_t flags;
	uint64_t session; /* of one server process: its connections are counted together */
	uint64_t offset;
	uint64_t seed;
	uint32_t length; /* payload bytes */
	uint32_t file;
};

struct stream_totals {
	uint64_t payload_bytes;            /* of WRITEs, received in full */
	uint64_t verified_bytes;           /* of those, checked; right or wrong */
	uint64_t wrong;                    /* payloads with a wrong byte */
	uint64_t wrong_file, wrong_offset; /* of the first */
};

/* A frame for the wire. */
struct stream_frame stream_frame(enum stream_op op, uint64_t session, uint32_t file, uint64_t offset,
				 uint32_t length);

/* "HOST:PORT" or "[IPV6]:PORT": connects with TCP_NODELAY, or binds and listens (port 0: any). The
 * descriptor, or -errno with a message. */
int stream_connect(const char *address, struct err *e);
int stream_listen(const char *address, struct err *e);

/* The port that a socket is bound to, or -errno. */
int stream_port(int fd);

/* All of len bytes, or -errno (-EPIPE: the peer is gone). */
int stream_send(int fd, const void *data, size_t len, int flags);
int stream_recv(int fd, void *data, size_t len, int flags);

#endif
