/* SPDX-License-Identifier: MIT */
/*
 * The server side of the back channel (lib/ipc.h): tickets, clients, their memory. A path hands out tickets
 * from its FUSE ioctl (ipc_hooks) and says what happens to memory that clients register:
 *
 *	ipc        the requests come past the kernel, too: each client gets a ring
 *	uring-shm  the memory is registered with the kernel, and requests come through the mount
 *
 * One thread accepts, one for each client answers its messages, and where it has a ring one more serves that,
 * so that a client which misbehaves only delays itself.
 */
#ifndef ZC_IPC_SERVER_H
#define ZC_IPC_SERVER_H

#include "lib/ipc.h"
#include "servers/fuse_dispatch.h"
#include "servers/server.h"

#define IPC_SESSIONS_MAX     256
#define IPC_SESSIONS_PROCESS 128  /* of one client process: one that hoards leaves room for others */
#define IPC_FILES_MAX        4096 /* open files, of all clients */
#define IPC_TICKETS_FILE     64   /* of one open file */

struct ipc_server;
struct ipc_session;
struct ipc_buffer;

/* What a path does with clients' memory. All but `remove` are called by the thread that answers the client's
 * messages; `remove` in a session with a ring also by the thread that serves it. */
struct ipc_memory_ops {
	bool ring; /* requests come over a ring of the session's; else through the mount */
	/* Optional: before the first buffer; sets s->memory_state. */
	int (*begin)(struct ipc_session *s, struct err *e);
	/* After the last one, if memory_state was set. */
	void (*end)(struct ipc_session *s);
	/* Required. b is checked and mapped, and is so until `remove` has returned: then nothing may use it. 0 or a
	 * negative errno with a message. */
	int (*add)(struct ipc_session *s, struct ipc_buffer *b, struct err *e);
	void (*remove)(struct ipc_session *s, struct ipc_buffer *b);
};

extern const struct ipc_memory_ops
	ipc_memory_ring; /* of ipc: it is there for the ring, and shared with the sink */

struct ipc_server_config {
	const struct ipc_memory_ops *memory;
	uint64_t spin_ns; /* how long a service thread polls an idle ring before it sleeps */
	/* ... even where other threads want the CPU: with more clients than CPUs that costs more than it gains */
	bool spin_always;
};

/* Starts listening. *out is set on success. 0 or -errno. */
int ipc_server_start(struct ipc_server **out, struct server *srv, const struct ipc_server_config *config,
		     struct err *e);

/* A ticket for a file just opened by `uid` with open(2) flags: fills `out` for IPC_IOC_CHANNEL. Tickets
 * die with the open file (ipc_server_revoke) and are good for one HELLO or OPEN each. 0 or -errno. */
int ipc_server_ticket(struct ipc_server *is, uint64_t fh, uint64_t ino, uint32_t flags, uint32_t uid,
		      struct ipc_channel *out);
void ipc_server_revoke(struct ipc_server *is, uint64_t fh);

/* Serves one client on the caller's thread, until it leaves or is cut off: what the thread of an accepted client
 * does. sock stays the caller's. *worker: what an earlier call left there, or NULL. For tests. */
void ipc_server_attend(struct ipc_server *is, int sock, struct worker **worker);

/* Ends all sessions and threads. */
void ipc_server_stop(struct ipc_server *is);

/* Clients turned away or cut off so far, and the last reason, for the evidence. */
uint64_t ipc_server_refused(struct ipc_server *is);

/* A back channel for a path that is served by fuse_dispatch: its sockets and the hooks of its mount, which
 * give open files their tickets. Start it before the mount, stop it after the last request. 0 or -errno. */
int ipc_channel_start(struct server *srv, const struct ipc_server_config *config, struct err *e);
void ipc_channel_stop(struct server *srv);
extern const struct fuse_hooks ipc_hooks;

#endif
