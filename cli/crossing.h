/* SPDX-License-Identifier: MIT */
/* From where on one path is faster than another: ratios of paired rounds, and where they pass 1. */
#ifndef ZC_CROSSING_H
#define ZC_CROSSING_H

#include "cli/results.h"

struct ratio {
	double x; /* of the block size, say; for the caller to fill in */
	struct summary s;
	unsigned int rounds; /* that both have */
};

/* A metric of cell a by that of cell b: the median over rounds of the ratio of the two, which were run side
 * by side, and its interval. false if there is no round that both have. Only for cells of one file. */
bool ratio_of(const struct result_cell *a, const struct result_cell *b, const char *metric,
	      struct ratio *r);

/* -1, 0, 1: the interval lies below 1, has it in it, lies above. */
int summary_side(const struct summary *s);

/* An interval of fewer rounds misses the median too often (that of n <= 5, lowest to highest, in 2 of 2^n
 * cases) to say on which side of 1 it lies. */
#define CROSSING_ROUNDS 5

/* A side is 1 where the whole interval lies above 1, -1 where it lies below, and 0 where it does not
 * tell. */
struct crossing {
	int side;     /* the only one that was shown anywhere, or the one behind the crossing; 0: none */
	bool crosses; /* the other one was shown before it */
	double lo, hi;      /* then: the last x on the side before, and the first on the side behind */
	unsigned int shown; /* at how many x a side was shown */
	bool few_rounds;    /* at some x there were too few rounds to tell */
};

/* What n ratios of rising x show. There is a crossing only if all that is before it (by the medians) lies on
 * one side and all behind it on the other; a picture that goes back and forth shows nothing (side 0). */
void crossing_find(const struct ratio *r, unsigned int n, struct crossing *c);

/* It in words, of n block sizes: "overtakes at 16k..64k", "always faster", "no difference shown". Returns buf. */
char *crossing_describe(char *buf, size_t len, const struct crossing *c, unsigned int n);

#endif
