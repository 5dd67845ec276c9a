/* SPDX-License-Identifier: MIT */
/* What memory a process holds. */
#ifndef ZC_MEMORY_H
#define ZC_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

/* Its proportional set size in bytes: its own pages, and of those that n processes map one n-th
 * (/proc/PID/smaps_rollup, Linux 4.14). 0 or a negative errno. The kernel walks the page tables for it: about
 * 1 ms for each GiB in small pages. */
int memory_pss(pid_t pid, uint64_t *bytes);

#endif
