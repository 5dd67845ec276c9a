/* SPDX-License-Identifier: MIT */
/* Statistics over rounds: the median, the ratio of two medians, bootstrap intervals for them, and the
 * correction of many tests. measure/rank.h has the tests. */
#ifndef ZC_STATS_H
#define ZC_STATS_H

#include <stddef.h>

struct summary {
	double median;
	double lo, hi; /* 95 % percentile bootstrap interval of the median; both the median for n < 2 */
};

/* The median of n values; sorts them. n >= 1. */
double stats_median(double *values, size_t n);
/* The same of values that stay in their order. */
double stats_median_of(const double *values, size_t n);

/* Median and interval of n >= 1 values, which are left alone. 2000 resamples drawn by a generator with
 * a fixed seed: the same samples give the same interval. Method: Efron and Tibshirani, An Introduction
 * to the Bootstrap (1993), chapter 13. */
struct summary stats_summarise(const double *values, size_t n);

/* The ratio of the medians of two independent sets, `of` / `base`, with an interval made in the same way;
 * each side is drawn by itself. Where a median of base is 0, a ratio is infinite, or 1 if the other is 0
 * too. Values are >= 0, nof and nbase >= 1. */
struct summary stats_ratio(const double *of, size_t nof, const double *base, size_t nbase);

/* The median of the n ratios of pairs, of[i] / base[i]; pairs are drawn. */
struct summary stats_ratio_paired(const double *of, const double *base, size_t n);

/* Makes n p-values (in any order) such that calling those up to q findings lets at most a share of q of
 * them be false. Benjamini and Hochberg, Controlling the False Discovery Rate (1995). */
void stats_adjust(double *p, size_t n);

#endif
