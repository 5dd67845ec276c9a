/* SPDX-License-Identifier: MIT */
/*
 * The native driver: the measured loop.
 *
 * Depth 1: produce, operate, produce, operate. Only the operations are timed; the sum of their times
 * is the elapsed time.
 * Depth n: with production, bursts: n payloads are produced with nothing in flight, then n operations
 * are submitted together and all awaited; bursts are timed. Without (produce once, or READ), a sliding
 * window of n, timed from the first submission to the last completion.
 * In place (a mapping of the file): production is the operation, and timed.
 * READ through the page cache: in passes over the file, each block once, with the cache emptied between
 * two passes and nothing in flight then. A block is so never read twice from one filling of the cache:
 * the server has sent every byte that was counted.
 * So the time of the producer never hides in, or dilutes, the time of the path.
 */
#ifndef ZC_NATIVE_H
#define ZC_NATIVE_H

#include "clients/io.h"
#include "measure/hist.h"

struct native {
	struct io *io;
	enum op op;
	size_t bs;
	size_t stride; /* between two slots of the source */
	unsigned int depth;
	uint64_t file_size;
	bool random;  /* offsets: uniformly random blocks, else sequential with wrap-around */
	bool produce; /* rewrite the payload before every WRITE */
	bool cached; /* READ through a cache that io->ops->drop_cache empties; random: each block once */

	uint64_t next; /* sequential and cached: number of the next block */
	uint64_t random_state;
};

struct native_result {
	uint64_t ops, payload_bytes;
	uint64_t elapsed_ns;     /* in which operations were in flight */
	uint64_t wall_ns;        /* all of it */
	uint64_t produce_ns;     /* wall time of production */
	uint64_t produce_cpu_ns; /* and the CPU time in it, estimated: see native_produce_cpu */
	uint64_t drop_cpu_ns;    /* cached: CPU time of emptying the cache */
	uint64_t passes;         /* cached: how often the cache was emptied */
	struct hist produce;     /* of each production: of one payload, or of a burst's */
	struct hist latency;     /* of each operation, from submission to completion */
};

/* Runs for runtime_ns of wall time, or, when count is not 0, for exactly count operations. 0, or -errno
 * with a message; the result is then of what was done before. */
int native_run(struct native *n, uint64_t runtime_ns, uint64_t count, struct native_result *result,
	       struct err *e);

/* `ops` operations and nothing else: no production, no clock, no histogram; at depth n in bursts of n. For
 * the pollution pass, where whatever else the client touched would count. 0, or -errno with a
 * message. */
int native_batch(struct native *n, uint64_t ops, struct err *e);

/* CPU time of production out of the histogram of its wall times. Production is the same work each time:
 * what took more than four times the median was interrupted, and counts as the median. */
uint64_t native_produce_cpu(const struct hist *produce);

/* One verification pass of `ops` operations, sequential from block 0: a WRITE writes the pattern of
 * seed, a READ checks it. Adds the bytes to *bytes. 0, or -EILSEQ or another -errno with a message. */
int native_verify(struct native *n, uint64_t ops, uint64_t seed, uint64_t *bytes, struct err *e);

#endif
