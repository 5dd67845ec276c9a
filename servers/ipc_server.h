/* SPDX-License-Identifier: MIT */
/*
 * The server side of the bypass (lib/ipc.h): tickets, sessions, the service threads. A path embeds it:
 * it hands out tickets from its FUSE ioctl and lends the sink; the sessions do the rest.
 *
 * One thread accepts and answers control messages for all clients, one more for each client serves
 * its ring, so that a client which misbehaves only delays itself.
 */
#ifndef ZC_IPC_SERVER_H
#define ZC_IPC_SERVER_H

#include "lib/ipc.h"
#include "servers/server.h"

#define IPC_SESSIONS_MAX 256
#define IPC_TICKETS_MAX  4096

struct ipc_server;

struct ipc_server_config {
	uint64_t spin_ns; /* how long a service thread polls an idle ring before it sleeps */
};

/* Starts listening. *out is set on success. 0 or -errno. */
int ipc_server_start(struct ipc_server **out, struct server *srv, const struct ipc_server_config *config,
		     struct err *e);

/* A ticket for a file just opened by `uid` with open(2) flags: fills `out` for IPC_IOC_CHANNEL. Tickets
 * die with the open file (ipc_server_revoke) and are good for one HELLO or OPEN each. 0 or -errno. */
int ipc_server_ticket(struct ipc_server *is, uint64_t fh, uint64_t ino, uint32_t flags, uint32_t uid,
		      struct ipc_channel *out);
void ipc_server_revoke(struct ipc_server *is, uint64_t fh);

/* Ends all sessions and threads. */
void ipc_server_stop(struct ipc_server *is);

/* Clients turned away or cut off so far, and the last reason, for the evidence. */
uint64_t ipc_server_refused(struct ipc_server *is);

#endif
