/* SPDX-License-Identifier: MIT */
/* A checksum that runs at memory speed: what a server does that reads its data. */
#ifndef ZC_CHECKSUM_H
#define ZC_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* XXH3, 64 bits, of len bytes; with AVX2 where the CPU has it. */
uint64_t checksum(const void *data, size_t len);

/* "XXH3 (avx2)": which variant this machine runs. */
const char *checksum_name(void);

#endif
