/* SPDX-License-Identifier: MIT */
/* zcbench's side of the control channel of a process that it started: orders, and answers in time. */
#ifndef ZC_TALK_H
#define ZC_TALK_H

#include <jansson.h>
#include <stdint.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/err.h"

/* How long a server may take to start, or to check what it stored: sink file may have to fill a disk file. */
#define SETUP_NS (120 * NSEC_PER_SEC)

/* Every wait looks at it. */
extern volatile int interrupted;
/* Has SIGINT, SIGTERM and SIGHUP set it, and nothing else: no system call is restarted, so that every wait
 * notices. */
void catch_interrupts(void);

/* Waits for an answer of `who` ("the server"): a new reference in *msg. What the process says went wrong,
 * its death, silence for timeout_ns (-ETIMEDOUT) and an interrupted run (-EINTR) are errors. */
int answer(struct child *c, const char *who, json_t **msg, uint64_t timeout_ns, struct err *e);

/* Sends `question`, whose reference it takes, and waits for the answer as above. */
int ask(struct child *c, const char *who, json_t *question, json_t **msg, uint64_t timeout_ns,
	struct err *e);

#endif
