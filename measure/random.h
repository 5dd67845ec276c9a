/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same on every machine. */
#ifndef ZC_RANDOM_H
#define ZC_RANDOM_H

#include <stdint.h>

/* xorshift64* (Vigna 2016): good enough to draw indices. *state is not 0. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

#endif
