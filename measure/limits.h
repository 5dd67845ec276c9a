/* SPDX-License-Identifier: MIT */
/*
 * The limits of the machine: what the cheapest conceivable step of a transfer costs here, whatever the path.
 * docs/metrics.md defines each.
 *
 * All are sampled in turns, round by round, so that a machine that drifts drifts for all of them. A limit
 * that could not be measured is absent, with the reason in "not_measured".
 */
#ifndef ZC_LIMITS_H
#define ZC_LIMITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define LIMITS_SIZES_MAX 80

/* A file on the mount of a reference server; with path NULL: why there is none. */
struct limits_mount {
	const char *path;
	const char *why;
};

struct limits_config {
	int client, server;  /* the two CPUs; server -1: there is only one, and nothing is handed over */
	unsigned int rounds; /* samples of each limit */
	bool levels;         /* bandwidth for each cache level and for memory */
	size_t sizes[LIMITS_SIZES_MAX]; /* and for passes over so many bytes */
	unsigned int nsizes;
	struct limits_mount dev, ring; /* served over /dev/fuse, and over io_uring */
	volatile int *interrupted;     /* gives up when it becomes true */
};

/* Measures, in the calling thread, which it leaves bound to the client's CPU. Takes about a
 * second for 15 rounds with levels. Returns the object "limits" of the result file
 * (docs/result-schema.md), or NULL with -ENOMEM or -EINTR and a message in e. */
json_t *limits_measure(const struct limits_config *c, struct err *e);

/* One way to pass over memory. */
struct limits_pass {
	const char *name;
	const char *help;
	void (*run)(char *dst, char *src, size_t len);
	bool two; /* writes dst; else all of it is src */
};

extern const struct limits_pass limits_passes[]; /* ends with a row without a name */

/* A limit that is a time. */
struct limits_step {
	const char *name;
	const char *help;
	/* Optional: sets up *state. 0, or -errno with the reason why it cannot be measured here. */
	int (*open)(const struct limits_config *c, void **state, struct err *e);
	/* Required: one sample in ns, about a millisecond long. NAN: none this time. */
	double (*sample)(const struct limits_config *c, void *state);
	void (*close)(void *state);
};

extern const struct limits_step limits_steps[]; /* ends with a row without a name */

#endif
