/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share: reading an input as a list of choices, claims whose failure is a finding, and the
 * account of what the server holds.
 *
 * The link step wraps mmap, munmap, pthread_create and pthread_join (Makefile): each shared mapping of a descriptor
 * gets a page on either side that nobody may touch, and what is not given back is known.
 */
#ifndef ZC_FUZZ_H
#define ZC_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define FILE_SIZE   (1u << 20)
#define BUFFER_SIZE 8192u

/* An input is read from its start; past its end everything is 0. */
struct input {
	const uint8_t *p, *end;
};

static inline bool more(const struct input *in)
{
	return in->p < in->end;
}

/* The next n bytes, little-endian, n <= 8. */
uint64_t take(struct input *in, unsigned int n);

/* A number from the table of those that go wrong, or eight bytes of the input. */
uint64_t take_value(struct input *in);

/* Ends the run as a crash, with the reason; libFuzzer keeps the input. */
#define claim(is_true, ...)                                                                             \
	do {                                                                                            \
		if (!(is_true)) {                                                                       \
			fprintf(stderr, "zcbench: fuzz: not true: %s: ", #is_true);                     \
			fprintf(stderr, __VA_ARGS__);                                                   \
			fprintf(stderr, "\n");                                                          \
			abort();                                                                        \
		}                                                                                       \
	} while (0)

/* What this process holds now. (Between two inputs that can change: a sanitizer starts its symbolizer.) */
struct held {
	uint64_t mapped;      /* bytes of shared mappings */
	unsigned int threads; /* started and not joined */
	uint32_t fds;         /* a bit for each of the first 32 */
};
struct held held(void);

/* All of it is as it was. */
void claim_held(const struct held *before);

/* A memfd with these seals; `full`: without holes. */
int fuzz_memfd(uint64_t size, bool full, int seals);

/* If set: called by the server's code (ipc_*.c) before each load, with its address. */
extern void (*fuzz_on_load)(const void *p);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
