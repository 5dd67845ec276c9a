/* SPDX-License-Identifier: MIT */
/* How the native driver gets an operation to a server: one table for each way. */
#ifndef ZC_IO_H
#define ZC_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "clients/source.h"
#include "lib/err.h"
#include "lib/types.h"

struct io {
	const struct io_ops *ops;
	struct source *source; /* payload; offsets below are into its mapping */
	const char *path;      /* the file on the mount */
	enum access access;    /* how it is opened; the bypass does not care */
	size_t bs;
	unsigned int depth;
	const json_t *server; /* what the server negotiated (its evidence) */
	void *state;
	char *bounce;               /* see bounce.h; NULL where none is needed */
	bool share;                 /* the source has to be shared with the server first, see shared.h */
	struct ipc_client *shared;  /* the back channel on which it was */
	int shared_buffer;          /* ... and its number there */
	const struct io_ops *inner; /* of io_each: what does the operations */
	uint64_t copied;            /* user-space copies that this way needs, in bytes */
	/* What is paid once and is not the opening of a file; `open` sets it. */
	struct {
		uint64_t connect_ns; /* to reach the server past the kernel: ticket, socket, ring */
		uint64_t
			register_ns; /* to share the payload's memory: its fd is sent, the server maps it */
		uint64_t registered_bytes;
	} once;
};

struct io_completion {
	uint32_t slot;
	int32_t result; /* bytes, or a negative errno */
};

/* All are called by the client's only thread. */
struct io_ops {
	const char *name;

	/* Required. Opens the file and sets up what is paid once. 0, or -errno with a message. */
	int (*open)(struct io *io, struct err *e);
	void (*close)(struct io *io);

	/* Required for depth 1: one operation, start to end. Bytes, or a negative errno. */
	ssize_t (*rw)(struct io *io, enum op op, size_t buffer_offset, size_t len, uint64_t file_offset);

	/* Required for depth > 1. submit queues (at most `depth` at a time), reap pushes what is
	 * queued, waits for at least one completion and returns how many of max it filled in, or a
	 * negative errno when nothing will ever complete again. */
	int (*submit)(struct io *io, enum op op, uint32_t slot, size_t buffer_offset, size_t len,
		      uint64_t file_offset);
	int (*reap)(struct io *io, struct io_completion *out, int max);

	/* Optional: where the payload for this place in the file is, if it is not in the source: it is
	 * produced, and looked at, there. A WRITE is then done when it has been produced: its production is
	 * the operation, and timed as such. */
	char *(*place)(struct io *io, uint64_t file_offset);

	/* Optional: empties the cache that can answer a READ without the server, and waits for what is
	 * being read ahead. Called with nothing in flight. 0 or a negative errno. */
	int (*drop_cache)(struct io *io);

	/* Optional: shares the source with the server, which `open` did once, and takes it back; with nothing in
	 * flight. 0 or a negative errno. */
	int (*share)(struct io *io);
	int (*unshare)(struct io *io);
};

/* The mounted file's descriptor, opened as io->access says, or -errno with a message. */
int io_open_file(const struct io *io, struct err *e);
/* drop_cache of those who use it. */
int io_drop_cache(struct io *io);

extern const struct io_ops io_syscall;   /* pwrite(2), pread(2); depth 1 */
extern const struct io_ops io_uring_ops; /* io_uring; depth > 1 */
extern const struct io_ops io_ipc;       /* the bypass; any depth */
extern const struct io_ops io_mmap;      /* a mapping of the file; depth 1 */
extern const struct io_ops io_each;      /* around another: shares the source each time; depth 1 */
extern const struct io_ops io_nop;       /* completes at once: what the driver itself costs */

#endif
