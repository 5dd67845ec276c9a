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

/* Whether an error says that this kernel, machine or user cannot run the path, and not that something broke. */
bool round_cannot_run_here(int code);

/* Runs it. `ledger` counts what the kernel copies, or is NULL. `verify`: make a verification pass first. `measure`: false for a probe, which only starts
 * and verifies. Processes are fresh each time, so that rounds are independent of each other. 0, or
 * -errno with a message; -EOPNOTSUPP: this kernel cannot run the path; -EINTR: interrupted. Whatever
 * happens, nothing is left behind. The caller owns the references in *out. */
int round_run(struct rundir *dir, const struct cell *cell, struct ledger *ledger, bool verify,
	      bool measure, struct round_result *out, struct err *e);

/* A round in its parts, for what keeps server and clients up between two measurements. One process may have
 * several open; only one measures at a time. */
struct round;

/* Starts server and clients, which then wait. *round is to be closed also after an error (NULL: out of
 * memory). cell and ledger must outlive it. 0 or -errno as above. */
int round_open(struct rundir *dir, const struct cell *cell, struct ledger *ledger, struct round **round,
	       struct err *e);

/* Warms up and measures once, as cell->config says. The caller owns out->round and out->missing. */
int round_measure(struct round *r, struct round_result *out, struct err *e);

/* Lets the clients run, and kills the server (SIGKILL) in the middle: after_ns (less than a second) from the
 * start. What a client was told is in *told and returned; 0: none of them noticed. Then only round_close. */
int round_kill(struct round *r, uint64_t after_ns, struct err *told);

/* Ends clients and server and unmounts. `failed`: do not expect answers. NULL is fine. */
void round_close(struct round *r, bool failed);

#endif
