/* SPDX-License-Identifier: MIT */
/*
 * Sampling: what code client and server are in, some thousand times a second, and the share of each class
 * of code (classes.h) in that. A share, and no count.
 *
 * All CPUs are sampled, by cycles or, where there is no PMU, by a timer, and the samples of the processes
 * of interest are kept. That needs root or CAP_PERFMON, and the addresses of the kernel's functions. A timer
 * cannot interrupt code that has interrupts off: what happens there is seen where they are switched on
 * again.
 */
#ifndef ZC_SAMPLING_H
#define ZC_SAMPLING_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

#define SAMPLES_HZ 3989 /* a prime: nothing that ticks keeps step with it */

enum sample_role {
	ROLE_CLIENT,
	ROLE_SERVER,
	ROLE_COUNT,
};
extern const char *const role_names[]; /* ends with NULL */

struct sampled {
	pid_t pid;
	enum sample_role role;
	uint64_t from_ns, to_ns; /* CLOCK_MONOTONIC: samples outside are not looked at */
};

struct sampler;

/* Opens it on every CPU. 0, or -EPERM or another negative errno with a message and a remedy. */
int sampler_open(struct sampler **out, struct err *e);
void sampler_close(struct sampler *s);

/* Starts and stops taking samples of these processes, with all their threads; `who` must live until
 * sampler_take, which looks at the times. In between a thread of the
 * calling process fetches them ten times a second. 0 or a negative errno. */
int sampler_start(struct sampler *s, const struct sampled *who, unsigned int n);
void sampler_stop(struct sampler *s);

/* Names and classifies the samples since the last start, while the processes live. Adds to
 * shares: {ROLE: {"samples": n, "classes": {CLASS: n}}, "lost": n}, and to
 * stacks: {"ROLE;OUTERMOST;...;INNERMOST": n}, with _[k] behind the kernel's functions. */
void sampler_take(struct sampler *s, json_t *shares, json_t *stacks);

/* "cycles" or "cpu-clock" */
const char *sampler_event(const struct sampler *s);

#endif
