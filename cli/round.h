/* SPDX-License-Identifier: MIT */
/* One round of one cell: starts a server and its clients, verifies, warms up, measures, ends them. */
#ifndef ZC_ROUND_H
#define ZC_ROUND_H

#include <jansson.h>

#include "cli/plan.h"
#include "cli/talk.h"
#include "lib/rundir.h"
#include "measure/ledger.h"

struct round_result {
	json_t *round;    /* the round's object for the result file */
	bool started;     /* the server got ready: the path works here */
	json_t *evidence; /* what the server negotiated */
	bool path_ok; /* every request took the route that the path promises, copied as often as it does */
	double expected_copies; /* for each payload byte; NAN if unknown */
	char problem[256];      /* else: what happened */
	bool verified;          /* a verification pass was made and found nothing wrong */
	uint64_t verified_bytes;
	json_t *missing; /* "ROLE EVENT": why it was not counted in this round; NULL: nothing to say */
};

/* Runs it. `ledger` counts what the kernel copies, or is NULL. `verify`: make a verification pass first. `measure`: false for a probe, which only starts
 * and verifies. Processes are fresh each time, so that rounds are independent of each other. 0, or
 * -errno with a message; -EOPNOTSUPP: this kernel cannot run the path; -EINTR: interrupted. Whatever
 * happens, nothing is left behind. The caller owns the references in *out. */
int round_run(struct rundir *dir, const struct cell *cell, struct ledger *ledger, bool verify,
	      bool measure, struct round_result *out, struct err *e);

#endif
