/* SPDX-License-Identifier: MIT */
/* The data caches of a CPU, as sysfs describes them. */
#ifndef ZC_CACHES_H
#define ZC_CACHES_H

#include <stdbool.h>
#include <stddef.h>

struct caches {
	size_t line;   /* bytes of a cache line */
	size_t l1, l2; /* bytes */
	size_t llc;    /* the last level; equal to l2 where there is no third */
	bool assumed;  /* sysfs does not say: these are common sizes, and not this machine's */
};

/* Those of a CPU; where sysfs does not know a level, a common size is assumed. */
void caches_of(int cpu, struct caches *c);

/* The same from a folder like /sys/devices/system/cpu/cpu0/cache. */
void caches_read(const char *folder, struct caches *c);

#endif
