/* SPDX-License-Identifier: MIT */
/*
 * Rank tests: do two sets of samples come from one distribution? They ask for nothing of its shape, and
 * one wild sample counts no more than any other high one.
 *
 * Exact: the p is counted over all ways to deal the ranks that were seen (midranks for ties) to the two
 * sides, up to RANK_EXACT_MAX samples. With few samples an approximation by the normal distribution is
 * wrong just where decisions are made. Beyond that it is used, with corrections for ties and continuity.
 * Two-sided: as far from the middle or farther, in either direction.
 */
#ifndef ZC_RANK_H
#define ZC_RANK_H

#include <stddef.h>

#define RANK_EXACT_MAX 50

/* Mann-Whitney's U, which is Wilcoxon's rank sum: two independent sets, na and nb >= 1.
 * (Mann and Whitney 1947; Hollander and Wolfe, Nonparametric Statistical Methods, 1999, chapter 4.) */
double rank_test(const double *a, size_t na, const double *b, size_t nb);

/* The smallest p that rank_test can give for so many samples without ties: 2 / C(na + nb, na). */
double rank_test_smallest(size_t na, size_t nb);

/* Wilcoxon's signed ranks: n differences of pairs, symmetric around 0 if nothing changed. Differences
 * of 0 say nothing and are left out; 1 if no other is there. (Wilcoxon 1945; Hollander and Wolfe,
 * chapter 3.) */
double signed_rank_test(const double *differences, size_t n);

/* The smallest p that signed_rank_test can give for n pairs: 2 / 2^n. */
double signed_rank_test_smallest(size_t n);

#endif
