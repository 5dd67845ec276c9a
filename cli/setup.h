/* SPDX-License-Identifier: MIT */
/* --setup: switches on what the cells of a plan need, for the time of the run. */
#ifndef ZC_SETUP_H
#define ZC_SETUP_H

#include "cli/plan.h"
#include "lib/rundir.h"

/* Sets paths' kernel settings and reserves huge pages; each change is said on stderr and restored when
 * the run ends, however it ends. A setting that this kernel does not have is left to the path to
 * complain about. 0, or -errno with a message. */
int setup(struct rundir *dir, const struct plan *plan, struct err *e);

#endif
