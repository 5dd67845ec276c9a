/* SPDX-License-Identifier: MIT */
/* One client of the bypass, as the server has it: its ring, buffers and handles. Internal to ipc_*.c. */
#ifndef ZC_IPC_SESSION_H
#define ZC_IPC_SESSION_H

#include "servers/ipc_server.h"

struct ipc_buffer {
	char *map;
	uint64_t size;
	bool writable;     /* READ may write to it */
	int dmabuf_fd;     /* a dma-buf: CPU access has to be announced on it; else -1 */
	atomic_bool ready; /* published by the client's thread, withdrawn by the service thread */
};

struct ipc_handle {
	uint64_t ino;
	bool readable, writable;
	atomic_bool ready;
};

struct ipc_session {
	struct server *srv;
	int sock; /* the caller's; shut down when the session ends by itself */
	uint64_t spin_ns;
	struct ipc_ring *ring;
	uint32_t entries;
	pthread_t thread;
	bool started;
	atomic_bool stop;        /* the service thread shall end */
	atomic_bool broken;      /* it ended: the client's memory went away under it */
	uint32_t first;          /* number of the first operation; not 0 in tests only */
	struct worker *worker;   /* see ipc_session_start */
	_Atomic uint64_t mapped; /* bytes of all buffers */
	struct ipc_buffer buffers[IPC_BUFFERS_MAX];
	struct ipc_handle handles[IPC_HANDLES_MAX];
};

/* Makes the ring, starts the service thread; *ring_fd is the caller's to send and close (-1 on error).
 * s is all zeros but for what ipc_session_open did, and s->worker: the counters that an earlier
 * session left there (ipc_session_stop), which go on being used, or NULL. */
int ipc_session_start(struct ipc_session *s, struct server *srv, int sock, uint64_t entries,
		      uint64_t spin_ns, int *ring_fd);

/* Checks and maps a client's memfd or dma-buf; fd stays the caller's. Returns the buffer number, or a
 * negative errno with a reason in e: -EPERM not sealed, -EINVAL neither of the two or empty, -EDQUOT too
 * much, -ENODATA pages missing. */
int ipc_session_register(struct ipc_session *s, int fd, struct err *e);

/* Returns the handle number, or -EMFILE. */
int ipc_session_open(struct ipc_session *s, uint64_t ino, uint32_t flags);

/* Stops the thread and frees everything but the socket and s->worker. Also after a start that failed,
 * or none. */
void ipc_session_stop(struct ipc_session *s);

#endif
