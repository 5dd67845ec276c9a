// SPDX-License-Identifier: MIT
/* The pointer chase; see chase.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/clock.h"
#include "measure/random.h"
#include "measure/chase.h"

#define HUGE_PAGE ((size_t)2 << 20)

/* Whether all of the mapping that begins at `at` is in huge pages, by /proc/self/smaps. */
static bool in_huge_pages(const void *at, size_t bytes)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	bool found = false, huge = false;
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		uintptr_t start, end;
		uint64_t kib;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2)
			found = start <= (uintptr_t)at && (uintptr_t)at < end;
		else if (found && sscanf(line, "AnonHugePages: %" SCNu64, &kib) == 1) {
			huge = kib << 10 >= bytes;
			break;
		}
	}
	if (f)
		fclose(f);
	return huge;
}

/* One cycle through all lines, each as likely as any other: Sattolo, Information Processing Letters 22
 * (1986). `order` is room for one index for each line. */
static void link_lines(struct chase *c, uint32_t *order, uint64_t seed)
{
	for (size_t i = 0; i < c->lines; i++)
		order[i] = (uint32_t)i;
	for (size_t i = c->lines - 1; i > 0; i--) {
		size_t k = (size_t)((next_random(&seed) >> 32) * i >> 32);
		uint32_t other = order[k];

		order[k] = order[i];
		order[i] = other;
	}
	/* order is a cyclic permutation: i is followed by order[i] */
	for (size_t i = 0; i < c->lines; i++)
		*(char **)(c->first + i * c->line) = c->first + order[i] * c->line;
}

int chase_open(struct chase *c, size_t bytes, size_t line, uint64_t seed, struct err *e)
{
	const size_t whole = (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	uint32_t *order;

	*c = (struct chase){.line = line, .lines = bytes / line};
	if (line < 16 || line & (line - 1) || c->lines < 2 || c->lines > UINT32_MAX)
		return err_set(e, -EINVAL, "a pointer chase over %zu bytes in lines of %zu", bytes,
			       line);
	c->mapped = whole + HUGE_PAGE;
	c->map = mmap(NULL, c->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	order = malloc(c->lines * sizeof(*order));
	if (c->map == MAP_FAILED || !order) {
		if (c->map != MAP_FAILED)
			munmap(c->map, c->mapped);
		free(order);
		c->map = NULL;
		return err_sys(e, -ENOMEM, "a pointer chase over %zu bytes", bytes);
	}
	c->first = (char *)(((uintptr_t)c->map + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	madvise(c->first, whole, MADV_HUGEPAGE);
	memset(c->first, 0, whole);
	link_lines(c, order, seed | 1);
	free(order);
	c->huge = in_huge_pages(c->first, whole);
	return 0;
}

void chase_close(struct chase *c)
{
	if (c->map)
		munmap(c->map, c->mapped);
	c->map = NULL;
}

static void walk(const struct chase *c, size_t steps)
{
	char *at = c->first;

	while (steps--)
		at = *(char **)at;
	__asm__ __volatile__("" : : "r"(at)); /* or the compiler would leave it out */
}

void chase_warm(const struct chase *c, unsigned int laps)
{
	walk(c, laps * c->lines);
}

static uint64_t thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

double chase_time(const struct chase *c, size_t lines)
{
	uint64_t began = thread_ns();

	walk(c, lines);
	return (double)(thread_ns() - began) / (double)lines;
}

bool chase_flush(const struct chase *c)
{
#if defined(__x86_64__)
	for (size_t i = 0; i < c->lines; i++)
		__builtin_ia32_clflush(c->first + i * c->line);
	__builtin_ia32_mfence();
	return true;
#elif defined(__aarch64__)
	for (size_t i = 0; i < c->lines; i++)
		__asm__ __volatile__("dc civac, %0" : : "r"(c->first + i * c->line) : "memory");
	__asm__ __volatile__("dsb ish" : : : "memory");
	return true;
#else
	(void)c;
	return false;
#endif
}

size_t chase_cycle(const struct chase *c)
{
	const char *at = c->first;
	size_t n = 0;

	do {
		if (at < c->first || at >= c->first + c->lines * c->line ||
		    (size_t)(at - c->first) % c->line)
			return 0;
		at = *(char *const *)at;
		n++;
	} while (at != c->first && n <= c->lines);
	return n;
}
