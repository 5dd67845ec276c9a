/* SPDX-License-Identifier: MIT */
/* The kernel's ring buffers of samples, one for each CPU. */
#ifndef ZC_SAMPLING_RING_H
#define ZC_SAMPLING_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

#define RING_FRAMES_MAX 128 /* of one sample, markers included */

struct ring_set {
	struct ring {
		int fd;
		void *map;
	} * v;
	unsigned int n;
	bool hardware; /* cycles; else the CPU's clock */
};

/* On every CPU that is online, stopped. 0, or a negative errno with message and remedy. */
int rings_open(struct ring_set *set, unsigned int hz, struct err *e);
void rings_close(struct ring_set *set);
void rings_enable(struct ring_set *set, bool on);

/* Calls sample for each that has come: the process, when (CLOCK_MONOTONIC), and its addresses, innermost first, with markers in
 * between; and lost with the number of those for which there was no room. */
void rings_drain(struct ring_set *set,
		 void (*sample)(void *user, pid_t pid, uint64_t when, const uint64_t *ips, uint64_t n),
		 void (*lost)(void *user, uint64_t n), void *user);

/* Is this "address" a marker, and are the kernel's next? */
bool ring_is_marker(uint64_t ip);
bool ring_marks_kernel(uint64_t ip);

#endif
