// SPDX-License-Identifier: MIT
/* XXH3 by libxxhash, compiled here once for the baseline and, in checksum_avx2.c, once for AVX2:
 * the packaged library has the baseline only. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/checksum.h"

#if defined(__x86_64__)
uint64_t checksum_avx2(const void *data, size_t len);

uint64_t checksum(const void *data, size_t len)
{
	if (__builtin_cpu_supports("avx2"))
		return checksum_avx2(data, len);
	return XXH3_64bits(data, len);
}

const char *checksum_name(void)
{
	return __builtin_cpu_supports("avx2") ? "XXH3 (avx2)" : "XXH3 (sse2)";
}
#else
uint64_t checksum(const void *data, size_t len)
{
	return XXH3_64bits(data, len);
}

const char *checksum_name(void)
{
	return "XXH3";
}
#endif
