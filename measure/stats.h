/* SPDX-License-Identifier: MIT */
/* Statistics over rounds: the median and a bootstrap interval for it. */
#ifndef ZC_STATS_H
#define ZC_STATS_H

#include <stddef.h>

struct summary {
	double median;
	double lo, hi; /* 95 % percentile bootstrap interval of the median; both the median for n < 2 */
};

/* The median of n values; sorts them. n >= 1. */
double stats_median(double *values, size_t n);

/* Median and interval of n >= 1 values, which are left alone. 2000 resamples drawn by a generator with
 * a fixed seed: the same samples give the same interval. Method: Efron and Tibshirani, An Introduction
 * to the Bootstrap (1993), chapter 13. */
struct summary stats_summarise(const double *values, size_t n);

#endif
