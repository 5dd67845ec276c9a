// SPDX-License-Identifier: MIT
/* The latency histogram; see hist.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "measure/hist.h"

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

void hist_merge(struct hist *a, const struct hist *b)
{
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		a->count[i] += b->count[i];
	a->total += b->total;
	a->sum += b->sum;
	if (b->min < a->min)
		a->min = b->min;
	if (b->max > a->max)
		a->max = b->max;
}

/* Bucket i of octave `shift` holds [m << shift, (m + 1) << shift). */
double hist_value(unsigned int bucket)
{
	unsigned int shift;
	uint64_t low;

	if (bucket < 2u << HIST_SUB_BITS)
		return bucket; /* one value each */
	shift = (bucket >> HIST_SUB_BITS) - 1;
	low = ((bucket & ((1u << HIST_SUB_BITS) - 1)) + (1ull << HIST_SUB_BITS)) << shift;
	return (double)low + (double)((1ull << shift) - 1) / 2;
}

double hist_quantile(const struct hist *h, double q)
{
	uint64_t rank, seen = 0;

	if (!h->total)
		return 0;
	rank = (uint64_t)ceil(q * (double)h->total);
	if (rank < 1)
		rank = 1;
	if (rank >= h->total)
		return (double)h->max;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen += h->count[i];
		if (seen >= rank) {
			double v = hist_value(i);

			if (v < (double)h->min)
				return (double)h->min;
			return v > (double)h->max ? (double)h->max : v;
		}
	}
	return (double)h->max;
}

json_t *hist_to_json(const struct hist *h)
{
	json_t *buckets = json_array();

	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		if (h->count[i])
			json_array_append_new(buckets,
					      json_pack("[i, I]", (int)i, (json_int_t)h->count[i]));
	return json_pack("{s:I, s:I, s:I, s:I, s:o}", "total", (json_int_t)h->total, "min",
			 (json_int_t)(h->total ? h->min : 0), "max", (json_int_t)h->max, "sum",
			 (json_int_t)h->sum, "buckets", buckets);
}

int hist_from_json(struct hist *h, const json_t *obj)
{
	json_int_t total, min, max, sum, seen = 0;
	json_t *buckets;

	hist_init(h);
	if (json_unpack((json_t *)obj, "{s:I, s:I, s:I, s:I, s:o}", "total", &total, "min", &min, "max",
			&max, "sum", &sum, "buckets", &buckets) ||
	    !json_is_array(buckets) || min < 0 || max < min || sum < 0)
		return -EINVAL;
	for (size_t k = 0; k < json_array_size(buckets); k++) {
		json_int_t i, n;

		if (json_unpack(json_array_get(buckets, k), "[I, I!]", &i, &n) || i < 0 ||
		    i >= HIST_BUCKETS || n <= 0 || n > total - seen)
			return -EINVAL;
		h->count[i] += (uint64_t)n;
		seen += n;
	}
	if (seen != total)
		return -EINVAL;
	h->total = (uint64_t)total;
	h->sum = (uint64_t)sum;
	h->max = (uint64_t)max;
	if (total)
		h->min = (uint64_t)min;
	return 0;
}
