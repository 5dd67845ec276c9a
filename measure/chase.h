/* SPDX-License-Identifier: MIT */
/*
 * A pointer chase: what an application's data costs it while it is in a cache, and after something else
 * went through that cache. Each line of a working set holds the address of the next one, in one cycle through
 * all lines in random order, so that no prefetcher guesses the next and no two loads overlap.
 */
#ifndef ZC_CHASE_H
#define ZC_CHASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct chase {
	char *map;
	size_t mapped;
	char *first;
	size_t line, lines;
	bool huge; /* all of it lies in huge pages: the TLB holds it */
};

/* Makes a working set of `bytes` in lines of `line` bytes (a power of two, at least 16). In huge pages where
 * the system gives them on advice. The same seed gives the same order. 0, or -ENOMEM or -EINVAL with
 * a message. */
int chase_open(struct chase *c, size_t bytes, size_t line, uint64_t seed, struct err *e);
void chase_close(struct chase *c);

/* Goes through all lines `laps` times: brings them into the cache. */
void chase_warm(const struct chase *c, unsigned int laps);

/* Goes through the first `lines` lines of the cycle once; returns ns for each line. The clock is the thread's CPU time: what others
 * got of this CPU meanwhile does not count. */
double chase_time(const struct chase *c, size_t lines);

/* Puts all lines out of all caches. False where user code cannot do that on this CPU. */
bool chase_flush(const struct chase *c);

/* How many lines the cycle that starts at the first has: `lines`, or the order is broken. */
size_t chase_cycle(const struct chase *c);

#endif
