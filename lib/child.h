/* SPDX-License-Identifier: MIT */
/* Processes that zcbench starts: itself again, with a control channel, in a process group of its own
 * (a Ctrl-C on the terminal is for zcbench to handle, not for them). */
#ifndef ZC_CHILD_H
#define ZC_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

struct child {
	pid_t pid; /* 0: none */
	int pidfd;
	int control; /* our end of the channel */
	int status;  /* of waitpid(2), once it has ended */
};

/* Starts argv (argv[0] is replaced by this very program) with "--control-fd" and the channel's number
 * added at the end, bound to `cpus` if n > 0. argv must have room for three more pointers. */
int child_start(struct child *c, char **argv, const int *cpus, int n, struct err *e);

/* Waits until the child has ended, at most timeout_ns. 0 (then `status` is set and pid 0) or
 * -ETIMEDOUT. */
int child_wait(struct child *c, uint64_t timeout_ns);

/* Closes the channel, waits grace_ns, then kills. Returns true if it had to be killed, or had died of
 * a signal. Safe on a child that was never started. */
bool child_end(struct child *c, uint64_t grace_ns);

/* "exited with status 1", "was killed by signal 9 (Killed)". Static storage. */
const char *child_fate(const struct child *c);

#endif
