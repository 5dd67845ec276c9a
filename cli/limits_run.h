/* SPDX-License-Identifier: MIT */
/* The limits of the machine with the servers that FUSE round trips need, and what they mean for cells. */
#ifndef ZC_LIMITS_RUN_H
#define ZC_LIMITS_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/plan.h"
#include "lib/rundir.h"

struct limits_wanted {
	unsigned int rounds;
	bool levels;             /* bandwidth for each cache level and memory */
	bool dev, ring;          /* round trips of a FUSE server on /dev/fuse, and over io_uring */
	const struct plan *plan; /* bandwidth for its block sizes; may be NULL */
};

/* Adds what it takes to bind a cell. */
void limits_need(struct limits_wanted *w, const struct cell *cell);

/* Measures on the CPUs that --pin split gives to client and server: see measure/limits.h. The calling
 * thread's own binding stays. NULL with a message in e; -EINTR: interrupted; -ETIMEDOUT: a server hung. */
json_t *limits_run(struct rundir *dir, const struct limits_wanted *w, struct err *e);

/* Gives each cell of the plan that the limits bind (measure/bound.h) its object "limit". */
void limits_bind(struct plan *plan, const json_t *limits);

/* As tables for people. */
void limits_print(FILE *f, const json_t *limits);

#endif
