/* SPDX-License-Identifier: MIT */
/*
 * The control channel between zcbench and the servers and clients that it starts: JSON messages
 * over a SOCK_SEQPACKET pair. Never on the data path, and silent while a round is being timed.
 */
#ifndef ZC_CONTROL_H
#define ZC_CONTROL_H

#include <jansson.h>
#include <stdint.h>

#include "lib/err.h"

/* Makes a connected pair with buffers large enough for a result message. 0 or a negative errno. */
int control_pair(int fds[2]);

/* Sends msg and drops the caller's reference to it. 0 or a negative errno (-EPIPE: peer is gone). */
int control_send(int fd, json_t *msg);

/* Waits up to timeout_ns for a message; UINT64_MAX waits for ever. Returns 0 and a new reference in
 * *msg, -ETIMEDOUT, -EPIPE when the peer is gone, -EPROTO for what is not JSON, -EINTR for a signal. */
int control_recv(int fd, json_t **msg, uint64_t timeout_ns);

/* A string of any bytes (a file name, an argument) as JSON, which is UTF-8: what is not becomes '?'. */
json_t *json_text(const char *text);

/* An err as a message {"error": WHAT, "remedy": ..., "errno": n}, and back (0 if there is none). */
json_t *control_error(const struct err *e);
int control_is_error(const json_t *msg, struct err *e);

/* Writes obj to path by way of a temporary file in the same folder, fsync and rename, so that a
 * reader never sees half of it. What is there and is no regular file (a device, a pipe, a link) is
 * written to as it is. 0 or -errno with a message. */
int json_write_file(const json_t *obj, const char *path, struct err *e);

#endif
