/* SPDX-License-Identifier: MIT */
/*
 * A sink: what a server does with the payload of a WRITE, and where that of a READ comes from.
 * To add one: a file sink_NAME.c that ends in its table, and a line in sinks.c.
 */
#ifndef ZC_SINK_H
#define ZC_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/err.h"
#include "lib/types.h"

/* How a path hands a WRITE's payload to a sink, or takes a READ's from there. */
enum handing {
	HANDS_MEMORY,    /* in memory that is aligned to pages (for blocks that are) */
	HANDS_UNALIGNED, /* in memory, behind a header */
	HANDS_UNPINNED,  /* in memory that the kernel cannot pin: a mapping of the client's dma-buf */
	HANDS_PIPE,      /* WRITE: in a pipe; READ: as a descriptor to splice from */
	HANDS_SLOT,      /* as pages in a registered buffer, which no program can look at */
	HANDS_FILE,      /* not at all: the kernel does the I/O on the sink's file */
};

/* --send: how what is forwarded gets to the network. */
enum sink_send {
	SEND_AUTO,      /* by reference where the path brought the payload without a copy */
	SEND_COPY,      /* through the socket's buffer */
	SEND_ZERO_COPY, /* by reference from whatever memory can be registered */
};

struct sink_config {
	const char *file;   /* --file, or NULL */
	unsigned int files; /* how many files the mount has: each has its own contents */
	uint64_t file_size; /* bytes for each */
	bool direct;        /* whether every offset and length is a multiple of 4 KiB, so that
			     * O_DIRECT can be tried */
	bool overwrite;     /* --overwrite: an existing file may be lost */
	bool fill;          /* contents will be read: have them allocated and written */
	bool tree;          /* files come and go: file is a folder, file_size a limit for each file */
	const char *tcp;    /* --tcp HOST:PORT, or NULL */
	enum sink_send send;
};

/* What a sink did with payloads, in bytes, added to what is there. */
struct sink_tally {
	uint64_t copied;      /* by the CPU, in user space (a bounce buffer) */
	uint64_t zero_copy;   /* handed to the network by reference: SEND_ZC, splice */
	uint64_t copied_late; /* ... but then copied by the kernel, as it says itself (loopback) */
};

/* Keeps its state to itself; one sink for a server process. */
struct sink {
	const struct sink_ops *ops;
	struct sink_config config;
	void *state;
	/* Set by open. All files of the mount share a descriptor (a block device), each with its own part of
	 * that many bytes; 0: each has its own. */
	uint64_t stride;
	/* Set by open: ops->stores does not hold for this one (a device that drops what is written). */
	bool forgets;
};

#define SINK_HEADER_MAX 64

struct sink_ops {
	const char *name;
	const char *help; /* one line for `zcbench list` */
	bool needs_file;  /* refuses to open without --file */
	bool needs_tcp;   /* refuses to open without --tcp */
	bool ignores;     /* write and read do nothing with the payload: it need not be in memory */
	bool stores;      /* what was written can be read back: verification checks the store */

	/* Optional. Called once, before any request. Sets sink->state. */
	int (*open)(struct sink *sink, struct err *e);
	/* Optional. Called once, after the last request. */
	void (*close)(struct sink *sink);
	/* Optional. For each server thread, before its first request; *thread is then its own. */
	int (*thread_init)(struct sink *sink, void **thread);
	void (*thread_exit)(struct sink *sink, void *thread);

	/*
	 * Required; called by many threads at once, each with its own `thread`. `data` is the
	 * server's or (ipc) the client's memory: it may change while the call runs, and must not be
	 * kept. Return 0 for all of it, or a negative errno.
	 */
	int (*write)(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		     const void *data, size_t len, struct sink_tally *tally);
	int (*read)(struct sink *sink, void *thread, unsigned int file, uint64_t offset, void *data,
		    size_t len, struct sink_tally *tally);

	/* Optional: consumes exactly len bytes from a pipe without bringing them to user space.
	 * Without it the path reads the pipe into memory and calls write. */
	int (*write_pipe)(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
			  int pipe_fd, size_t len, struct sink_tally *tally);

	/* Optional: the descriptor behind a file, for what works on descriptors (splice,
	 * passthrough), where the file's bytes are at sink_place. The sink keeps owning it. -1 if there
	 * is none. */
	int (*fd)(struct sink *sink, unsigned int file);

	/* Optional: the connection of this thread, for a path that moves the payload itself. `header`
	 * (SINK_HEADER_MAX bytes) gets what has to be sent before a WRITE's payload, or to ask for
	 * a READ's; its length goes to *header_len. One request after the other: the caller sees to it.
	 * A descriptor, or a negative errno. */
	int (*stream)(struct sink *sink, void *thread, bool write, unsigned int file, uint64_t offset,
		      size_t len, void *header, size_t *header_len);

	/* Optional: memory in which payloads will lie for long, and the end of that: nothing is in flight
	 * there, but other memory may be used meanwhile. Called by any thread. */
	void (*share)(struct sink *sink, void *memory, size_t len);
	void (*unshare)(struct sink *sink, void *memory);

	/* Required of a sink with needs_tcp: the bytes that TCP had to send again, so far, headers of requests among
	 * them. Called by any thread. */
	uint64_t (*resent)(struct sink *sink);

	/* Only for sinks whose payloads another process checks, or makes. verify: from now on, against the
	 * pattern of `seed` + file; verified: as of now, how many bytes it checked since. 0 or -errno with
	 * a message. */
	int (*verify)(struct sink *sink, uint64_t seed, struct err *e);
	int (*verified)(struct sink *sink, uint64_t *bytes, struct err *e);

	/* Optional: what follows a change of a file's size (truncate), so that bytes beyond the end
	 * read as zeros when it grows again. */
	int (*truncate)(struct sink *sink, unsigned int file, uint64_t size);

	/* Optional, for files that come and go: the file is new and empty; it is gone, and will not come back.
	 * 0 or a negative errno. */
	int (*add)(struct sink *sink, unsigned int file);
	void (*drop)(struct sink *sink, unsigned int file);

	/* Optional: fsync. */
	int (*sync)(struct sink *sink, unsigned int file);

	/* Optional: the copies of each payload byte that this sink adds to its path's, in the kernel and by
	 * itself; without it, none. `evidence` is the server's, with what `describe` says. What a sink sends
	 * by reference, and tallies as such, is counted as copied here. */
	double (*copies)(enum op op, enum handing how, const json_t *evidence);

	/* Optional: adds what a reader of the result should know ("io": "direct", "fs": "ext4"). */
	void (*describe)(struct sink *sink, json_t *evidence);
};

/* Where a byte of a file is in its descriptor. */
static inline uint64_t sink_place(const struct sink *sink, unsigned int file, uint64_t offset)
{
	return file * sink->stride + offset;
}

/* Whether what was written can be read back. */
static inline bool sink_stores(const struct sink *sink)
{
	return sink->ops->stores && !sink->forgets;
}

extern const struct sink_ops *const sinks[]; /* ends with NULL */
extern const char *sink_names[];             /* the same, for option tables */

/* NULL if there is no sink of that name. */
const struct sink_ops *sink_find(const char *name);

#endif
