/* SPDX-License-Identifier: MIT */
/*
 * The FUSE server of the kernel tests, as a child process. It keeps what is written in memory of its own, so that
 * what arrived can be read back through a path that copies. One thread serves all queues; another does what the
 * client asks for by server_*.
 */
#ifndef KT_SERVER_H
#define KT_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STORE_SIZE (32ul << 20) /* of each file */
#define MAX_IO     (1ul << 20)  /* of a request */

struct server_config {
	bool pool;      /* payload in a buffer pool instead of a buffer for each entry */
	bool zero_copy; /* the queues offer the kernel's zero copy as well: needs pool */
	bool async_dio; /* FUSE_ASYNC_DIO: requests in the background */
};

struct counters {
	atomic_long shared, copied, zero_copied; /* READs and WRITEs */
	atomic_long shared_bytes, copied_bytes;
	atomic_long index, offset; /* of the last one that was shared */
	atomic_long gated;         /* requests that wait for the gate now */
	atomic_bool gate_open;
	atomic_bool fill_short;   /* READs: put in half of what is asked for, say half */
	atomic_bool lie_more;     /* answer more bytes than were asked for */
	atomic_long errors;       /* what the server could not believe, said on stdout */
	_Atomic double committed; /* when the last gated request was answered */
	_Atomic double unregistered;
};
extern struct counters *counters;
extern pid_t server_pid;

/* Mounts on MOUNTPOINT. False: this kernel's INIT offers no shared buffers (the server runs all the same). */
bool server_start(const struct server_config *c);
/* Unmounts, waits for its end. Returns its status as of waitpid. */
int server_stop(void);
/* After its death or an abort: only cleans up. */
int server_reap(void);
bool server_alive(void);

#define MOUNTPOINT "/tmp/kernel-tests"

/* A wish of the client; fd is sent along unless it is -1. */
struct wish {
	enum {
		WISH_REGISTER,        /* map fd (or not: raw) and register it */
		WISH_UNREGISTER,      /* wait for the completion, then unmap */
		WISH_UNREGISTER_EXIT, /* destroy the io_uring that it was submitted to after 50 ms */
		WISH_COMMAND,         /* the raw command */
		WISH_WRITE_SHARED,    /* fill the server's mapping of index with seed */
		WISH_FILLED,          /* is it? */
	} what;
	uint32_t index;
	int prot, map_flags; /* of its mapping */
	uint64_t map_offset, map_len;
	uint64_t skip, len; /* the registered part of the mapping; len 0: all of it */
	uint64_t flags;
	uint32_t cmd; /* WISH_COMMAND */
	uint64_t uaddr, reserved;
	uint64_t seed;
};
/* Returns what the command completed with: 0 or a negative errno, -EPIPE without a server. */
int server_do(const struct wish *w, int fd);

/* The usual: all of n bytes of fd, at a free index. Returns the index, or a negative errno. */
int server_register(int fd, size_t n);
int server_unregister(int index);

#endif
