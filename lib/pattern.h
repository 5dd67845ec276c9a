/* SPDX-License-Identifier: MIT */
/*
 * The payload pattern of --verify and of every producer: byte b at file offset o is a function of
 * (o, seed) alone, so that either side can make it and check it, in any order and in any pieces.
 *
 * The 64-bit little-endian word at offset 8k is mix(seed) + k * odd constant. All words of a file
 * below 2^67 bytes differ, so that a payload which arrives at the wrong offset, twice, or from an
 * earlier transfer (another seed) is seen. An arithmetic progression is what a CPU can produce at
 * memory speed: a producer must not be slower than the path that it feeds.
 */
#ifndef ZC_PATTERN_H
#define ZC_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Writes the bytes of (seed, offset .. offset + len) to buf. */
void pattern_fill(void *buf, size_t len, uint64_t offset, uint64_t seed);

/* Compares buf with the bytes of (seed, offset .. offset + len). Returns -1 when all are equal,
 * else the index of the first byte that differs. */
int64_t pattern_check(const void *buf, size_t len, uint64_t offset, uint64_t seed);

#endif
