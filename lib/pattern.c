// SPDX-License-Identifier: MIT
/* The payload pattern; see pattern.h. */
#include <string.h>

#include "lib/pattern.h"

#define STEP 0x9e3779b97f4a7c15ULL /* odd: 2^64 / golden ratio */

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014): neighbouring seeds give unlike words. */
static uint64_t mix(uint64_t x)
{
	x += STEP;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static uint64_t word_at(uint64_t index, uint64_t base)
{
	return base + index * STEP;
}

static unsigned char byte_at(uint64_t offset, uint64_t base)
{
	return (unsigned char)(word_at(offset / 8, base) >> (offset % 8 * 8));
}

/* Vectorised by the compiler, once for the baseline and once for AVX2. (Not by target_clones: resolvers
 * run before a sanitizer is set up.) */
static inline __attribute__((always_inline)) void fill_loop(unsigned char *p, size_t words,
							    uint64_t first)
{
	for (size_t i = 0; i < words; i++) {
		uint64_t w = first + i * STEP;

		memcpy(p + 8 * i, &w, 8);
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2"), optimize("O3"))) static void fill_words_avx2(unsigned char *p,
									    size_t words, uint64_t first)
{
	fill_loop(p, words, first);
}
#endif

__attribute__((optimize("O3"))) static void fill_words(unsigned char *p, size_t words, uint64_t first)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		fill_words_avx2(p, words, first);
		return;
	}
#endif
	fill_loop(p, words, first);
}

void pattern_fill(void *buf, size_t len, uint64_t offset, uint64_t seed)
{
	const uint64_t base = mix(seed);
	unsigned char *p = buf;

	for (; len && offset % 8; len--)
		*p++ = byte_at(offset++, base);
	fill_words(p, len / 8, word_at(offset / 8, base));
	p += len & ~(size_t)7;
	offset += len & ~(size_t)7;
	for (len %= 8; len; len--)
		*p++ = byte_at(offset++, base);
}

int64_t pattern_check(const void *buf, size_t len, uint64_t offset, uint64_t seed)
{
	const uint64_t base = mix(seed);
	const unsigned char *p = buf;
	size_t i = 0;

	while (i < len) {
		if ((offset + i) % 8 == 0 && len - i >= 8) {
			uint64_t w;

			memcpy(&w, p + i, 8);
			if (w == word_at((offset + i) / 8, base)) {
				i += 8;
				continue;
			}
		}
		if (p[i] != byte_at(offset + i, base))
			return (int64_t)i;
		i++;
	}
	return -1;
}
