// SPDX-License-Identifier: MIT
/* Ways to pass over memory; see limits.h. */
#include <stdint.h>
#include <string.h>

#include "lib/checksum.h"
#include "lib/pattern.h"
#include "measure/limits.h"

/* The compiler must not leave out, or join, passes whose result nobody looks at. */
static void keep(void *p)
{
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

static void pass_memcpy(char *dst, char *src, size_t len)
{
	memcpy(dst, src, len);
	keep(dst);
}

#if defined(__x86_64__)
/* What the kernel copies user data with on CPUs that are fast at it (FSRM, ERMS). */
static void pass_rep_movsb(char *dst, char *src, size_t len)
{
	__asm__ __volatile__("rep movsb" : "+D"(dst), "+S"(src), "+c"(len) : : "memory");
}
#endif

typedef uint64_t vec __attribute__((vector_size(16), aligned(1), may_alias));

/* Loads and nothing else to speak of: four independent sums, so that no load waits for one. */
static void pass_read(char *dst, char *src, size_t len)
{
	vec a = {0}, b = {0}, c = {0}, d = {0};
	uint64_t rest = 0;
	size_t i = 0;

	(void)dst;
	for (; i + 64 <= len; i += 64) {
		a ^= *(const vec *)(src + i);
		b ^= *(const vec *)(src + i + 16);
		c ^= *(const vec *)(src + i + 32);
		d ^= *(const vec *)(src + i + 48);
	}
	for (; i < len; i++)
		rest += (unsigned char)src[i];
	a ^= b ^ c ^ d;
	keep(&a);
	keep(&rest);
}

static void pass_checksum(char *dst, char *src, size_t len)
{
	uint64_t sum = checksum(src, len);

	(void)dst;
	keep(&sum);
}

static void pass_fill(char *dst, char *src, size_t len)
{
	(void)dst;
	pattern_fill(src, len, 0, 1);
	keep(src);
}

const struct limits_pass limits_passes[] = {
	{"memcpy", "memcpy(3)", pass_memcpy, true},
#if defined(__x86_64__)
	{"rep_movsb", "rep movsb, as the kernel copies", pass_rep_movsb, true},
#endif
	{"read", "loads only", pass_read, false},
	{"checksum", "a checksum, as sink read reads", pass_checksum, false},
	{"fill", "new contents, as producers write", pass_fill, false},
	{0},
};
