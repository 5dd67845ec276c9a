/* SPDX-License-Identifier: MIT */
/* After how many transfers what is paid once has paid. */
#ifndef ZC_PAYBACK_H
#define ZC_PAYBACK_H

#include <stddef.h>

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

#endif
