// SPDX-License-Identifier: MIT
/* Proves that the payload pattern is the same however it is made, and that whatever could happen to
 * a payload is found: a flipped bit at its very byte, another seed, another place in the file. */
#include <stdlib.h>

#include "lib/pattern.h"
#include "tests/unit/unit.h"

#define LARGE ((1u << 20) + 3)
#define GUARD 0xa5

static unsigned char buf[256], whole[256];
static unsigned char large[LARGE];

/* Fills between two guards, and says whether they are untouched. */
static void fill_guarded(size_t len, uint64_t offset, uint64_t seed)
{
	memset(buf, GUARD, sizeof(buf));
	pattern_fill(buf + 16, len, offset, seed);
	for (size_t i = 0; i < 16; i++) {
		assert_int_equal(buf[i], GUARD);
		assert_int_equal(buf[16 + len + i], GUARD);
	}
}

static void test_every_alignment_and_length(void **state)
{
	(void)state;
	pattern_fill(whole, sizeof(whole), 0, 1);
	for (uint64_t offset = 0; offset <= 17; offset++)
		for (size_t len = 0; len <= 70; len++) {
			fill_guarded(len, offset, 1);
			assert_memory_equal(buf + 16, whole + offset, len);
			assert_int_equal(pattern_check(buf + 16, len, offset, 1), -1);
		}
}

/* The buffer's own alignment must not matter either. */
static void test_every_alignment_of_the_buffer(void **state)
{
	(void)state;
	pattern_fill(whole, sizeof(whole), 1000, 2);
	for (size_t at = 0; at < 64; at++) {
		pattern_fill(buf + at, 150, 1000, 2);
		assert_memory_equal(buf + at, whole, 150);
		assert_int_equal(pattern_check(buf + at, 150, 1000, 2), -1);
	}
}

/* Where the fill ends and begins again, nothing shows. */
static void test_in_two_pieces(void **state)
{
	const uint64_t offset = (1ull << 40) + 5;

	(void)state;
	pattern_fill(whole, sizeof(whole), offset, 3);
	for (size_t cut = 0; cut <= sizeof(buf); cut++) {
		memset(buf, 0, sizeof(buf));
		pattern_fill(buf, cut, offset, 3);
		pattern_fill(buf + cut, sizeof(buf) - cut, offset + cut, 3);
		assert_memory_equal(buf, whole, sizeof(buf));
		assert_int_equal(pattern_check(whole, cut, offset, 3), -1);
		assert_int_equal(pattern_check(whole + cut, sizeof(buf) - cut, offset + cut, 3), -1);
	}
}

static void test_large_in_random_pieces(void **state)
{
	unsigned char *pieces = malloc(LARGE);
	uint64_t seed = 11;

	(void)state;
	assert_non_null(pieces);
	pattern_fill(large, LARGE, 77, 4);
	assert_int_equal(pattern_check(large, LARGE, 77, 4), -1);
	for (size_t at = 0; at < LARGE;) {
		size_t len = random64(&seed) % 5000;

		if (len > LARGE - at)
			len = LARGE - at;
		pattern_fill(pieces + at, len, 77 + at, 4);
		assert_int_equal(pattern_check(large + at, len, 77 + at, 4), -1);
		at += len;
	}
	assert_memory_equal(pieces, large, LARGE);
	free(pieces);
}

/* What pattern.h promises: the words of a file are an arithmetic progression with an odd step. */
static void test_words(void **state)
{
	uint64_t words[32], step;

	(void)state;
	pattern_fill(words, sizeof(words), 0, 5);
	step = words[1] - words[0];
	assert_int_equal(step & 1, 1);
	for (size_t i = 1; i < ARRAY_SIZE(words); i++)
		assert_int_equal(words[i] - words[i - 1], step);
	/* far into the file too */
	pattern_fill(&words[1], 8, 8ull << 50, 5);
	assert_int_equal(words[1], words[0] + (1ull << 50) * step);
}

static void test_every_flipped_bit(void **state)
{
	const uint64_t offset = 4093;

	(void)state;
	pattern_fill(buf, sizeof(buf), offset, 6);
	for (size_t i = 0; i < sizeof(buf); i++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			buf[i] ^= 1u << bit;
			assert_int_equal(pattern_check(buf, sizeof(buf), offset, 6), i);
			buf[i] ^= 1u << bit;
		}
	assert_int_equal(pattern_check(buf, sizeof(buf), offset, 6), -1);
}

static void test_flipped_bits_in_a_large_one(void **state)
{
	uint64_t seed = 13;

	(void)state;
	pattern_fill(large, LARGE, 1, 7);
	for (int k = 0; k < 20; k++) {
		size_t i = k ? random64(&seed) % LARGE : LARGE - 1;

		large[i] ^= 0x80;
		assert_int_equal(pattern_check(large, LARGE, 1, 7), i);
		large[i] ^= 0x80;
	}
}

/* The first of several is told. */
static void test_two_wrong_bytes(void **state)
{
	(void)state;
	pattern_fill(buf, sizeof(buf), 0, 8);
	buf[201] ^= 1;
	buf[100] ^= 1;
	assert_int_equal(pattern_check(buf, sizeof(buf), 0, 8), 100);
	assert_int_equal(pattern_check(buf + 101, sizeof(buf) - 101, 101, 8), 100);
}

/* A page of stale bytes in the middle: from an earlier transfer, or not written at all. */
static void test_a_stale_page(void **state)
{
	(void)state;
	pattern_fill(large, LARGE, 0, 9);
	pattern_fill(large + 8192, 4096, 8192, 8);
	assert_in_range(pattern_check(large, LARGE, 0, 9), 8192, 8199);
	memset(large + 8192, 0, 4096);
	assert_in_range(pattern_check(large, LARGE, 0, 9), 8192, 8199);
	pattern_fill(large + 8192, 4096, 8192, 9);
	assert_int_equal(pattern_check(large, LARGE, 0, 9), -1);
}

static void test_another_seed(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		pattern_fill(buf, 64, 4096, seed);
		assert_in_range(pattern_check(buf, 64, 4096, seed + 1), 0, 7);
		assert_in_range(pattern_check(buf, 64, 4096, seed ^ 1ull << 63), 0, 7);
		assert_in_range(pattern_check(buf, 64, 4096, ~seed), 0, 7);
	}
}

static void test_another_offset(void **state)
{
	static const uint64_t shifts[] = {1, 8, 512, 4096, 65536, 1 << 20, 1ull << 40};

	(void)state;
	for (uint64_t offset = 0; offset < 1u << 20; offset += 4096 + 1)
		for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
			pattern_fill(buf, 64, offset, 10);
			assert_in_range(pattern_check(buf, 64, offset + shifts[i], 10), 0, 15);
			pattern_fill(buf, 64, offset + shifts[i], 10);
			assert_in_range(pattern_check(buf, 64, offset, 10), 0, 15);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_alignment_and_length),
		cmocka_unit_test(test_every_alignment_of_the_buffer),
		cmocka_unit_test(test_in_two_pieces),
		cmocka_unit_test(test_large_in_random_pieces),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_every_flipped_bit),
		cmocka_unit_test(test_flipped_bits_in_a_large_one),
		cmocka_unit_test(test_two_wrong_bytes),
		cmocka_unit_test(test_a_stale_page),
		cmocka_unit_test(test_another_seed),
		cmocka_unit_test(test_another_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
