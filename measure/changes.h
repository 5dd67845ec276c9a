/* SPDX-License-Identifier: MIT */
/*
 * Change points of a series: where what is measured began to be something else.
 *
 * E-divisive with means (Matteson and James, A Nonparametric Approach for Multiple Change Point Analysis
 * of Multivariate Data, 2014), as used for performance series by Daly and others (The Use of Change Point
 * Detection to Identify Software Performance Regressions, 2020). It asks nothing of the noise's shape: the
 * best split of a segment is where the energy distance between its two sides is largest, and it stands if
 * hardly any shuffling of the segment has a split as good. Then both sides are looked at in the same way.
 */
#ifndef ZC_CHANGES_H
#define ZC_CHANGES_H

#include <stddef.h>

/* Shuffles for each segment; the smallest p is 1 / (CHANGES_SHUFFLES + 1). */
#define CHANGES_SHUFFLES 999

/* Shorter sides cannot be told from chance. */
#define CHANGES_SIDE_MIN 3

/* Puts the index of the first value after each change into at[], rising; room for n. Returns their number.
 * alpha: how often a segment without a change may be split. Shuffles come from a generator with a fixed
 * seed: the same series has the same changes. Time and memory grow with n * n. */
size_t changes_find(const double *values, size_t n, double alpha, size_t *at);

#endif
