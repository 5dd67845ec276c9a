/* SPDX-License-Identifier: MIT */
/* After how many transfers what is paid once has paid. */
#ifndef ZC_PAYBACK_H
#define ZC_PAYBACK_H

#include <stddef.h>

#include "cli/results.h"

/* In transfers; HUGE_VAL: never. Median over rounds, with an interval of order statistics that holds the median
 * with 95 % (up to 5 rounds: lowest to highest), since not every round has a number. */
struct payback {
	double median, lo, hi;
	size_t rounds;
};

/* extra[i]: what is paid once in round i above what the other path pays once; saved[i]: what each transfer
 * then saves. In the same unit; n >= 1. A round in which nothing extra is paid and nothing lost has paid
 * after 0 transfers; one in which no transfer saves anything never has. */
struct payback payback_find(const double *extra, const double *saved, size_t n);

/* What cell a pays once above what cell base does: after how many transfers its faster ones have saved it. For
 * cells of one client with one operation in flight. False if no round has both. */
bool payback_of(const struct result_cell *a, const struct result_cell *base, struct payback *p);

/* What was paid once, path_setup_ns, and for each transfer, payload / throughput, in ns, round by round: arrays
 * for free(*once). Returns the number of rounds, 0 without memory. */
size_t payback_costs(const struct result_cell *c, double **once, double **each);

#endif
