// SPDX-License-Identifier: MIT
/* Proves that quantiles of the histogram are within the 0.4 % that it promises of the exact ones,
 * that its buckets have no gaps, and that merging and JSON lose nothing. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "measure/hist.h"
#include "tests/unit/unit.h"

#define SAMPLES_MAX 20000
#define LAST_BUCKET (HIST_BUCKETS - 1)

static uint64_t samples[SAMPLES_MAX];
static struct hist h, a, b;
static uint64_t seed;

static int start(void **state)
{
	(void)state;
	seed = 0x1234567890abcdefULL;
	hist_init(&h);
	hist_init(&a);
	hist_init(&b);
	return 0;
}

static int compare(const void *x, const void *y)
{
	uint64_t p = *(const uint64_t *)x, q = *(const uint64_t *)y;

	return (p > q) - (p < q);
}

/* The nearest-rank quantile of sorted samples, in whole numbers: no rounding to get wrong. */
static uint64_t exact_quantile(size_t n, unsigned int permille)
{
	size_t rank = (n * permille + 999) / 1000;

	return samples[rank ? rank - 1 : 0];
}

/* The histogram of samples[0..n) against the samples themselves. */
static void check_quantiles(const char *name, size_t n)
{
	static const unsigned int permille[] = {1, 10, 500, 900, 990, 999, 1000};
	uint64_t sum = 0;

	hist_init(&h);
	for (size_t i = 0; i < n; i++) {
		hist_add(&h, samples[i]);
		sum += samples[i];
	}
	qsort(samples, n, sizeof(samples[0]), compare);
	assert_int_equal(h.total, n);
	assert_int_equal(h.sum, sum);
	assert_int_equal(h.min, samples[0]);
	assert_int_equal(h.max, samples[n - 1]);
	for (size_t i = 0; i < ARRAY_SIZE(permille); i++) {
		double want = (double)exact_quantile(n, permille[i]);
		double got = hist_quantile(&h, permille[i] / 1000.0);
		double allowed = want < 256 || permille[i] == 1000 ? 0 : want * 0.004;

		if (fabs(got - want) > allowed)
			fail_msg("%s, %zu samples, %u/1000: %.17g, exactly %.17g", name, n, permille[i],
				 got, want);
	}
}

static const size_t sizes[] = {1, 2, 3, 5, 10, 99, 100, 101, 1000, 1001, SAMPLES_MAX};

static void test_uniform(void **state)
{
	static const uint64_t limits[] = {2, 256, 1000, 100000, 1000000000};

	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(limits); l++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
			for (size_t i = 0; i < sizes[s]; i++)
				samples[i] = random64(&seed) % limits[l];
			check_quantiles("uniform", sizes[s]);
		}
}

/* 1 ns to 100 s, every magnitude as likely. */
static void test_log_uniform(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (size_t i = 0; i < sizes[s]; i++)
			samples[i] = (uint64_t)pow(10, 11 * random_unit(&seed));
		check_quantiles("log-uniform", sizes[s]);
	}
}

static void test_constant(void **state)
{
	static const uint64_t values[] = {0, 1, 127, 128, 255, 256, 257, 12345, 99999999999};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
		for (size_t i = 0; i < 1000; i++)
			samples[i] = values[k];
		check_quantiles("constant", 1000);
		/* never outside [min, max]: with one value, exact at every quantile */
		for (double q = 0; q <= 1; q += 0.125)
			assert_double(hist_quantile(&h, q), (double)values[k]);
	}
}

/* Cache hits and disk accesses: the quantile jumps from one hump to the other. */
static void test_bimodal(void **state)
{
	(void)state;
	for (unsigned int slow = 0; slow <= 1000; slow += 50) {
		for (size_t i = 0; i < SAMPLES_MAX; i++)
			samples[i] = random64(&seed) % 1000 < slow
					     ? 50000000 + random64(&seed) % 10000000
					     : 1500 + random64(&seed) % 500;
		check_quantiles("bimodal", SAMPLES_MAX);
	}
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(h.total, 0);
	assert_double(hist_quantile(&h, 0), 0);
	assert_double(hist_quantile(&h, 0.5), 0);
	assert_double(hist_quantile(&h, 1), 0);
}

static void test_buckets_have_no_gaps(void **state)
{
	unsigned int last = 0;

	(void)state;
	assert_int_equal(hist_bucket(0), 0);
	for (uint64_t ns = 1; ns < 1 << 21; ns++) {
		unsigned int bucket = hist_bucket(ns);

		if (bucket != last && bucket != last + 1)
			fail_msg("%u after %u at %llu ns", bucket, last, (unsigned long long)ns);
		if (ns < 256)
			assert_int_equal(bucket, ns);
		last = bucket;
	}
	assert_int_equal(last, (21 - HIST_SUB_BITS + 1) * 128 - 1);
}

static void test_buckets_at_powers_of_two(void **state)
{
	(void)state;
	for (unsigned int shift = HIST_SUB_BITS; shift < HIST_MAX_BITS; shift++) {
		uint64_t power = 1ull << shift;
		unsigned int bucket = (shift - HIST_SUB_BITS + 1) * 128;

		assert_int_equal(hist_bucket(power), bucket);
		assert_int_equal(hist_bucket(power - 1), bucket - 1);
		/* the first value of the second bucket, and the last of the first */
		assert_int_equal(hist_bucket(power + (power >> HIST_SUB_BITS)), bucket + 1);
		assert_int_equal(hist_bucket(power + (power >> HIST_SUB_BITS) - 1), bucket);
		assert_int_equal(hist_bucket(power + 1), bucket + (shift == HIST_SUB_BITS));
	}
}

static void test_what_is_too_long(void **state)
{
	static const uint64_t values[] = {1ull << HIST_MAX_BITS, (1ull << HIST_MAX_BITS) + 1, 1ull << 38,
					  1ull << 62, UINT64_MAX};
	const uint64_t last_width = 1ull << (HIST_MAX_BITS - 1 - HIST_SUB_BITS);

	(void)state;
	assert_int_equal(hist_bucket((1ull << HIST_MAX_BITS) - 1), LAST_BUCKET);
	assert_int_equal(hist_bucket((1ull << HIST_MAX_BITS) - last_width), LAST_BUCKET);
	assert_int_equal(hist_bucket((1ull << HIST_MAX_BITS) - last_width - 1), LAST_BUCKET - 1);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_int_equal(hist_bucket(values[i]), LAST_BUCKET);
		hist_init(&h);
		hist_add(&h, 5);
		hist_add(&h, values[i]);
		assert_int_equal(h.count[LAST_BUCKET], 1);
		assert_int_equal(h.max, values[i]);
		assert_double(hist_quantile(&h, 1), (double)values[i]);
		assert_double(hist_quantile(&h, 0.5), 5);
	}
}

static void fill_log_uniform(struct hist *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hist_add(to, (uint64_t)pow(10, 11.5 * random_unit(&seed)));
}

static void test_merge_is_as_adding_all_to_one(void **state)
{
	(void)state;
	for (int i = 0; i < 5000; i++) {
		uint64_t ns = random64(&seed) >> (24 + random64(&seed) % 40);

		hist_add(&h, ns);
		hist_add(i % 3 ? &a : &b, ns);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &h, sizeof(h));
}

static void test_merge_with_an_empty_one(void **state)
{
	(void)state;
	fill_log_uniform(&h, 100);
	memcpy(&a, &h, sizeof(a));
	hist_merge(&a, &b);
	assert_memory_equal(&a, &h, sizeof(h));
	hist_merge(&b, &h);
	assert_memory_equal(&b, &h, sizeof(h));
}

static void test_json_text(void **state)
{
	json_t *obj;
	char *text;

	(void)state;
	hist_add(&h, 7);
	hist_add(&h, 300);
	hist_add(&h, 301);
	obj = hist_to_json(&h);
	text = json_dumps(obj, JSON_COMPACT);
	assert_string_equal(text, "{\"total\":3,\"min\":7,\"max\":301,\"sum\":608,"
				  "\"buckets\":[[7,1],[278,2]]}");
	free(text);
	json_decref(obj);
}

static void round_trip(void)
{
	json_t *obj = hist_to_json(&h), *again;
	char *text = json_dumps(obj, JSON_COMPACT);

	again = json_loads(text, 0, NULL);
	fill_log_uniform(&a, 3); /* what was there is gone afterwards */
	assert_int_equal(hist_from_json(&a, again), 0);
	assert_memory_equal(&a, &h, sizeof(h));
	json_decref(again);
	json_decref(obj);
	free(text);
}

static void test_json_round_trip(void **state)
{
	(void)state;
	round_trip(); /* empty */
	hist_add(&h, 0);
	round_trip();
	fill_log_uniform(&h, 10000);
	hist_add(&h, 1ull << 40);
	round_trip();
}

static void test_malformed_json(void **state)
{
	static const char *const texts[] = {
		"[]",
		"{}",
		"{\"buckets\":[]}",
		"{\"total\":0,\"min\":0,\"max\":0,\"sum\":0}",
		"{\"total\":0,\"min\":0,\"max\":0,\"sum\":0,\"buckets\":{}}",
		"{\"total\":0,\"min\":0,\"max\":0,\"sum\":0,\"buckets\":null}",
		"{\"min\":5,\"max\":5,\"sum\":5,\"buckets\":[[5,1]]}",
		"{\"total\":1,\"max\":5,\"sum\":5,\"buckets\":[[5,1]]}",
		"{\"total\":1,\"min\":5,\"sum\":5,\"buckets\":[[5,1]]}",
		"{\"total\":1,\"min\":5,\"max\":5,\"buckets\":[[5,1]]}",
		"{\"total\":\"1\",\"min\":5,\"max\":5,\"sum\":5,\"buckets\":[[5,1]]}",
		"{\"total\":1.0,\"min\":5,\"max\":5,\"sum\":5,\"buckets\":[[5,1]]}",
		"{\"total\":-1,\"min\":5,\"max\":5,\"sum\":5,\"buckets\":[[5,-1]]}",
		"{\"total\":1,\"min\":6,\"max\":5,\"sum\":5,\"buckets\":[[5,1]]}",
		"{\"total\":1,\"min\":-5,\"max\":5,\"sum\":5,\"buckets\":[[5,1]]}",
	};

	(void)state;
	assert_int_equal(hist_from_json(&h, NULL), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *obj = json_loads(texts[i], 0, NULL);

		assert_non_null(obj);
		if (hist_from_json(&h, obj) != -EINVAL)
			fail_msg("accepted: %s", texts[i]);
		json_decref(obj);
	}
}

static void test_malformed_buckets(void **state)
{
	/* clang-format off */
	static const char *const buckets[] = {
		"", "5", "[5]", "[5,2]", "[5,1,1]",
		"[5,0]", "[5,-1]", "[-1,1]", "[3968,1]", "[\"5\",1]",
		"[5,\"1\"]", "[5,1.0]", "[5.0,1]", "null", "{}",
		"[[5,1]]", "[]", "\"5,1\"", "[5,1],[5,0]", "[5,1],[6,1]",
		"[5,2],[6,-1]", "[5,9223372036854775807],[6,9223372036854775807],[7,3]",
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(buckets); i++) {
		char text[200];
		json_t *obj;

		snprintf(text, sizeof(text),
			 "{\"total\":1,\"min\":5,\"max\":5,\"sum\":5,\"buckets\":[%s]}", buckets[i]);
		obj = json_loads(text, 0, NULL);
		assert_non_null(obj);
		if (hist_from_json(&h, obj) != -EINVAL)
			fail_msg("accepted: %s", text);
		json_decref(obj);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
	const struct CMUnitTest tests[] = {
		TEST(test_uniform),
		TEST(test_log_uniform),
		TEST(test_constant),
		TEST(test_bimodal),
		TEST(test_empty),
		TEST(test_buckets_have_no_gaps),
		TEST(test_buckets_at_powers_of_two),
		TEST(test_what_is_too_long),
		TEST(test_merge_is_as_adding_all_to_one),
		TEST(test_merge_with_an_empty_one),
		TEST(test_json_text),
		TEST(test_json_round_trip),
		TEST(test_malformed_json),
		TEST(test_malformed_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
