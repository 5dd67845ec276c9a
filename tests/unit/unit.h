/* SPDX-License-Identifier: MIT */
/* What unit tests include: cmocka with the headers that it wants first, and asserts that it lacks.
 */
#ifndef ZC_UNIT_H
#define ZC_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Equal to the last bit (cmocka 1.1.5 compares floats only). */
#define assert_double(got, want)                                                                        \
	do {                                                                                            \
		double got_ = (got), want_ = (want);                                                    \
		if (!(got_ == want_))                                                                   \
			fail_msg("%s is %.17g, not %.17g", #got, got_, want_);                          \
	} while (0)

#define assert_contains(text, part)                                                                     \
	do {                                                                                            \
		const char *text_ = (text), *part_ = (part);                                            \
		if (!strstr(text_, part_))                                                              \
			fail_msg("'%s' does not contain '%s'", text_, part_);                           \
	} while (0)

/* A generator with a fixed seed (xorshift64*, Vigna 2016): the same numbers in every run. */
static inline uint64_t random64(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* In [0, 1). */
static inline double random_unit(uint64_t *state)
{
	return (double)(random64(state) >> 11) / 9007199254740992.0;
}

#endif
