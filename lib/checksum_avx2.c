// SPDX-License-Identifier: MIT
/* XXH3 compiled for AVX2 (the Makefile gives -mavx2 for this file alone); see checksum.c. */
#if defined(__x86_64__)
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/checksum.h"

uint64_t checksum_avx2(const void *data, size_t len);

uint64_t checksum_avx2(const void *data, size_t len)
{
	return XXH3_64bits(data, len);
}
#endif
