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

struct sink_config {
	const char *file;   /* --file, or NULL */
	unsigned int files; /* how many files the mount has: each has its own contents */
	uint64_t file_size; /* bytes for each */
	bool direct;        /* whether every offset and length is a multiple of 4 KiB, so that
			     * O_DIRECT can be tried */
	bool overwrite;     /* --overwrite: an existing file may be lost */
	bool fill;          /* contents will be read: have them allocated and written */
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

struct sink_ops {
	const char *name;
	const char *help; /* one line for `zcbench list` */
	bool needs_file;  /* refuses to open without --file */
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
	 * kept. Return 0 for all of it, or a negative errno. `copied` takes the bytes that the sink
	 * itself had to copy in user space (a bounce buffer), added to what is there.
	 */
	int (*write)(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		     const void *data, size_t len, uint64_t *copied);
	int (*read)(struct sink *sink, void *thread, unsigned int file, uint64_t offset, void *data,
		    size_t len, uint64_t *copied);

	/* Optional: consumes exactly len bytes from a pipe without bringing them to user space.
	 * Without it the path reads the pipe into memory and calls write. */
	int (*write_pipe)(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
			  int pipe_fd, size_t len);

	/* Optional: the descriptor behind a file, for what works on descriptors (splice,
	 * passthrough), where the file's bytes are at sink_place. The sink keeps owning it. -1 if there
	 * is none. */
	int (*fd)(struct sink *sink, unsigned int file);

	/* Optional: what follows a change of a file's size (truncate), so that bytes beyond the end
	 * read as zeros when it grows again. */
	int (*truncate)(struct sink *sink, unsigned int file, uint64_t size);

	/* Optional: fsync. */
	int (*sync)(struct sink *sink, unsigned int file);

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
