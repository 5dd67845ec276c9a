/* SPDX-License-Identifier: MIT */
/* The client side of the bypass (lib/ipc.h). One thread for each client; nothing here is locked. */
#ifndef ZC_IPC_CLIENT_H
#define ZC_IPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/ipc.h"

struct ipc_client {
	struct ipc_ring *ring;
	struct ipc_cqe *cqes;
	uint32_t entries;
	uint32_t submitted, completed; /* numbers of operations, modulo 2^32 */
	uint32_t published;            /* <= submitted: what the server may see */
	uint64_t spin_ns;
	int sock;
};

/* Finds the back channel of an open file on the mount, and connects with at least `entries`
 * operations in flight allowed. The file's handle is 0. 0 entries: without a ring, for servers that
 * only take memory there. -ENOTTY: this server has no back channel. */
int ipc_client_connect(struct ipc_client *c, int file_fd, uint32_t entries, uint64_t spin_ns,
		       struct err *e);

/* Ends the session. Operations in flight may or may not happen. */
void ipc_client_close(struct ipc_client *c);

/* Shares a memfd, sealed with F_SEAL_SHRINK. Returns the buffer number or -errno with a message. */
int ipc_client_register(struct ipc_client *c, int fd, struct err *e);

/* Without a ring only (with one, it is an operation): the server has unmapped it when this returns. 0, or
 * -errno with a message. */
int ipc_client_unregister(struct ipc_client *c, int buffer, struct err *e);

/* Another open file of the same mount. Returns its handle, or -errno. */
int ipc_client_open(struct ipc_client *c, int file_fd, struct err *e);

/* Queues an operation; the caller fills all but seq of `d` and keeps at most `entries` in flight
 * (-EBUSY otherwise). The server sees it at the next ipc_client_flush. */
int ipc_client_submit(struct ipc_client *c, const struct ipc_sqe *d);
void ipc_client_flush(struct ipc_client *c);

/* Takes one completion if there is one. */
bool ipc_client_poll(struct ipc_client *c, uint64_t *tag, int32_t *result);

/* Waits for one: spins, then sleeps. 0, or -ENOTCONN when the server is gone. */
int ipc_client_wait(struct ipc_client *c, uint64_t *tag, int32_t *result);

#endif
