/* SPDX-License-Identifier: MIT */
/*
 * `--refine`: block sizes at which to look again, since one path overtakes another near them; and, in
 * words, where it does.
 */
#ifndef ZC_REFINE_H
#define ZC_REFINE_H

#include <stdio.h>

#include "cli/plan.h"

/* For each pair of paths of which one overtakes the other (cli/crossing.h), adds cells of both at a size
 * between the last at which the one was faster and the next, and at one between the first at which the other
 * was and the size before. Sizes closer than a fifth to others are not added. Returns how many cells were
 * added, at the end of the plan; they have no JSON yet. */
unsigned int refine_plan(struct plan *plan);

/* A line for each pair of paths. */
void refine_print(FILE *f, const struct plan *plan);

#endif
