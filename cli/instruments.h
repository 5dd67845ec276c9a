/* SPDX-License-Identifier: MIT */
/* What a run watches beside the clock: which events are counted, in which processes. */
#ifndef ZC_INSTRUMENTS_H
#define ZC_INSTRUMENTS_H

#include <jansson.h>

#include "cli/cmd.h"
#include "measure/counters.h"

struct instruments {
	struct events events;     /* what this machine can count, of what was asked for */
	char *names;              /* of these, as one would type them: for servers and clients */
	json_t *missing;          /* event: why, of the others */
	struct events cpu_events; /* of these, what is counted for the whole machine */
	struct counters *cpus;    /* and by which CPU; NULL: it is not */
	int ncpus;
	bool asked; /* for more than the default: the user wants to see it */
};

/* Chooses the events, tries each, and opens the machine's own counters if they are wanted. An event that
 * the user named and that cannot be counted is warned about, and the rest goes on. -EINVAL with a message
 * for a name that is none. */
int instruments_open(struct instruments *ins, const struct config *config, struct err *e);
void instruments_close(struct instruments *ins);

/* The events that client and server count, as an array of names; ins may be NULL. A new reference. */
json_t *instruments_names(const struct instruments *ins);

/* The whole machine's counts until now, by CPU; NULL if they are not wanted. A new reference. */
json_t *instruments_read(const struct instruments *ins);

/* A round's {ROLE: {EVENT: ...}} from the clients' answers, the server's before and after, and those of
 * instruments_read (or NULL). What has no value is left out, and its reason added to *missing as
 * {"ROLE EVENT": why}. NULL if nothing is counted. */
json_t *instruments_counters(const struct instruments *ins, const json_t *clients, const json_t *before,
			     const json_t *after, const json_t *cpus_before, const json_t *cpus_after,
			     json_t *missing);

#endif
