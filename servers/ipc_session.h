/* SPDX-License-Identifier: MIT */
/* One client of the back channel, as the server has it: its buffers, handles, and ring if it has one. Internal
 * to ipc_*.c, and to paths that do something with the buffers. */
#ifndef ZC_IPC_SESSION_H
#define ZC_IPC_SESSION_H

#include "servers/ipc_server.h"

struct ipc_buffer {
	char *map;
	uint64_t size;
	bool writable;      /* READ may write to it */
	int dmabuf_fd;      /* a dma-buf: CPU access has to be announced on it; else -1 */
	unsigned int index; /* the path's own number for it (ipc_memory_ops.add) */
	atomic_bool ready;  /* published by the client's thread, withdrawn by who unregisters */
};

struct ipc_handle {
	uint64_t ino;
	bool readable, writable;
	atomic_bool ready;
};

struct ipc_session {
	struct server *srv;
	const struct ipc_memory_ops *memory;
	void *memory_state; /* its own */
	int sock;           /* the caller's; shut down when the session ends by itself */
	bool greeted;       /* HELLO was accepted */
	uint64_t spin_ns;
	bool spin_always; /* set before the start; else only while no other thread wants the CPU */
	unsigned int cpus, own_cpus; /* of the machine; those that this process may run on */
	struct ipc_ring *ring;
	uint32_t entries;
	pthread_t thread;
	bool started;
	atomic_bool stop; /* the service thread shall end */
	const char
		*cut_off;   /* why it ended the session by itself, when it has ended; NULL: it did not */
	atomic_bool broken; /* it ended: the client's memory went away under it */
	/* Optional: the service thread tells the first operation that it refused as no right client's. */
	void (*complain)(struct ipc_session *s, const char *why);
	bool complained;
	void *owner;             /* the server's own */
	uint32_t first;          /* number of the first operation; not 0 in tests only */
	bool awake;              /* the service thread does not sleep; its own */
	struct worker *worker;   /* see ipc_session_start */
	_Atomic uint64_t mapped; /* bytes of all buffers */
	struct ipc_buffer buffers[IPC_BUFFERS_MAX];
	struct ipc_handle handles[IPC_HANDLES_MAX];
};

/* Makes the ring, starts the service thread; *ring_fd is the caller's to send and close (-1 on error).
 * s is all zeros but for `srv`, `memory`, `spin_always`, what ipc_session_open did, and s->worker: the counters that an earlier
 * session left there (ipc_session_stop), which go on being used, or NULL. */
int ipc_session_start(struct ipc_session *s, struct server *srv, int sock, uint64_t entries,
		      uint64_t spin_ns, int *ring_fd);

/*
 * What the service thread does, over and over; apart, so that tests can take the steps one by one.
 * look: 1 when the descriptor of operation n is in the ring, 0 when it is not yet, or -EPROTO, with s->cut_off
 * set, when another number is in its place. serve: takes that descriptor, executes and answers it.
 */
int ipc_session_look(struct ipc_session *s, uint32_t n);
void ipc_session_serve(struct ipc_session *s, struct worker *w, uint32_t n);

/* Checks and maps a client's memfd or dma-buf, and hands it to the path; fd stays the caller's. Returns the
 * buffer number, or a negative errno with a reason in e: -EPERM not sealed, -EINVAL neither of the two or
 * empty, -EDQUOT too much, -ENODATA pages missing. */
int ipc_session_register(struct ipc_session *s, int fd, struct err *e);

/* Takes it from the path and unmaps it. 0, or -EBADF: no such buffer. In a session with a ring only its own
 * thread may do that. */
int ipc_session_unregister(struct ipc_session *s, uint64_t buffer);

/* Begins or ends an access of this process to a buffer, which for a dma-buf has to be said. `write`: of the
 * client, so that the access reads. */
void ipc_buffer_access(const struct ipc_buffer *b, bool begin, bool write);

/* Returns the handle number, or -EMFILE, or -ESTALE: the file has been removed and forgotten. */
int ipc_session_open(struct ipc_session *s, uint64_t ino, uint32_t flags);

/* Stops the thread and frees everything but the socket and s->worker. Also after a start that failed,
 * or none. */
void ipc_session_stop(struct ipc_session *s);

#endif
