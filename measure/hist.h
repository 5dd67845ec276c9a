/* SPDX-License-Identifier: MIT */
/*
 * A log-linear latency histogram: 128 equal buckets in each power of two, so that a bucket is at most
 * 1/128 of its lower bound wide and its midpoint at most 0.4 % off. From 1 ns (exact up to 255 ns) to
 * 137 s; what is longer counts in the last bucket. Adding costs a few instructions: no allocation, no
 * lock, no system call.
 */
#ifndef ZC_HIST_H
#define ZC_HIST_H

#include <jansson.h>
#include <stdint.h>

#define HIST_SUB_BITS 7
#define HIST_MAX_BITS 37 /* 2^37 ns = 137 s */
#define HIST_BUCKETS  ((HIST_MAX_BITS - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
	uint64_t total;
	uint64_t min, max; /* exact; UINT64_MAX and 0 when empty */
	uint64_t sum;
	uint64_t count[HIST_BUCKETS];
};

void hist_init(struct hist *h);

static inline unsigned int hist_bucket(uint64_t ns)
{
	unsigned int shift;

	if (ns < (1u << HIST_SUB_BITS))
		return (unsigned int)ns;
	if (ns >> HIST_MAX_BITS)
		return HIST_BUCKETS - 1;
	shift = 63 - (unsigned int)__builtin_clzll(ns) - HIST_SUB_BITS;
	return (shift << HIST_SUB_BITS) + (unsigned int)(ns >> shift);
}

static inline void hist_add(struct hist *h, uint64_t ns)
{
	h->count[hist_bucket(ns)]++;
	h->total++;
	h->sum += ns;
	if (ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
}

/* The middle of the values that a bucket stands for, in ns. */
double hist_value(unsigned int bucket);

/* Adds b's counts to a. */
void hist_merge(struct hist *a, const struct hist *b);

/* The value at quantile q in [0, 1] by nearest rank: the midpoint of the bucket that holds it, never
 * outside [min, max]. 0 when empty. */
double hist_quantile(const struct hist *h, double q);

/* Sparse: {"total", "min", "max", "sum", "buckets": [[index, count], ...]}. */
json_t *hist_to_json(const struct hist *h);
/* 0, or -EINVAL for what hist_to_json does not write. */
int hist_from_json(struct hist *h, const json_t *obj);

#endif
