/* SPDX-License-Identifier: MIT */
/* What a process and the machine spent: CPU time, context switches, page faults. */
#ifndef ZC_USAGE_H
#define ZC_USAGE_H

#include <jansson.h>
#include <stdint.h>

struct usage {
	uint64_t user_ns, kernel_ns;
	uint64_t voluntary_switches, involuntary_switches;
	uint64_t minor_faults, major_faults;
};

/* The calling process: all its threads (io_uring workers too) and the children it has waited for.
 * getrusage(2): the sum of user and kernel time is exact to the microsecond; on kernels that account
 * by tick (CONFIG_TICK_CPU_ACCOUNTING) the split between the two is sampled. */
void usage_self(struct usage *u);

/* *out = b - a */
void usage_diff(struct usage *out, const struct usage *a, const struct usage *b);
void usage_add(struct usage *sum, const struct usage *u);

json_t *usage_to_json(const struct usage *u);
/* Missing members are 0. */
void usage_from_json(struct usage *u, const json_t *obj);

struct system_usage {
	uint64_t busy_ns;   /* all but idle, iowait, steal and guest time (which user time contains) */
	uint64_t stolen_ns; /* in which a hypervisor ran somebody else */
};

/* CPU time of the whole machine since boot, all CPUs together, from /proc/stat. Resolution: a clock
 * tick (10 ms). 0 or a negative errno. */
int usage_system(struct system_usage *u);

/* *out = b - a; a counter that went back (the kernel allows itself that for steal) gives 0. */
void usage_system_diff(struct system_usage *out, const struct system_usage *a,
		       const struct system_usage *b);

#endif
