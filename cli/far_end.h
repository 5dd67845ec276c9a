/* SPDX-License-Identifier: MIT */
/* The receiver for sink tcp: the one that --tcp or ZCBENCH_TCP names, or one that a run starts. */
#ifndef ZC_FAR_END_H
#define ZC_FAR_END_H

#include "cli/plan.h"
#include "lib/child.h"

/* Starts `zcbench sink` on loopback if a cell needs a receiver and names none, and gives such cells its
 * address. 0 or -errno with a message. End it with child_end. */
int far_end_start(struct child *receiver, struct plan *plan, struct err *e);

#endif
