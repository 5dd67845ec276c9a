/* SPDX-License-Identifier: MIT */
/* From where on one path is faster than another: ratios of paired rounds, and where they pass 1. */
#ifndef ZC_CROSSING_H
#define ZC_CROSSING_H

#include "cli/results.h"

struct ratio {
	double x; /* of the block size, say; for the caller to fill in */
	struct summary s;
};

/* A metric of cell a by that of cell b: the median over rounds of the ratio of the two, which were run side
 * by side, and its interval. false if there is no round that both have. Only for cells of one file. */
bool ratio_of(const struct result_cell *a, const struct result_cell *b, const char *metric,
	      struct ratio *r);

/* A side is 1 where the whole interval lies above 1, -1 where it lies below, and 0 where it does not
 * tell. */
struct crossing {
	int side_before;    /* 0: no crossing was shown */
	int side_after;     /* the side at the end, or the only one; 0: no difference shown anywhere */
	double lo, hi;      /* the last x on the side before, and the first on the side after */
	double first, last; /* the first and last x of which a side was shown */
	bool everywhere;    /* one was shown at each x */
};

/* The last crossing along n ratios of rising x. */
void crossing_find(const struct ratio *r, unsigned int n, struct crossing *c);

#endif
