/* SPDX-License-Identifier: MIT */
/* The receiver for sink tcp: the one that --tcp or ZCBENCH_TCP names, or one that a run starts. */
#ifndef ZC_FAR_END_H
#define ZC_FAR_END_H

#include "cli/plan.h"
#include "lib/child.h"

/* Starts `zcbench sink` on a free port of 127.0.0.1. 0 or -errno with a message. */
int far_end_receiver(struct child *receiver, int *port, struct err *e);

/* Starts one if a cell needs a receiver and names none, and gives such cells its
 * address. 0 or -errno with a message. End it with child_end. */
int far_end_start(struct child *receiver, struct plan *plan, struct err *e);

#endif
