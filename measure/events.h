/* SPDX-License-Identifier: MIT */
/*
 * Events that the kernel can count, by the names of libpfm4: "cycles", "LLC-LOAD-MISSES", or what the
 * CPU's own manual calls them ("RETIRED_INSTRUCTIONS:u").
 *
 * User and kernel are told apart by an event each. Some software events cannot tell them apart: those
 * have a total only.
 */
#ifndef ZC_EVENTS_H
#define ZC_EVENTS_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/err.h"

enum domain {
	DOMAIN_USER,
	DOMAIN_KERNEL,
	DOMAIN_TOTAL, /* both, not told apart */
	DOMAIN_COUNT,
};
extern const char *const domain_names[]; /* "user", "kernel", "total"; ends with NULL */

#define EVENTS_MAX 64 /* of one run */

struct event {
	char name[96];        /* as it was asked for, or as events_default spells it */
	unsigned int domains; /* bits */
	bool hardware;        /* needs a counter of the CPU */
	struct perf_event_attr attr[DOMAIN_COUNT];
};

struct events {
	struct event v[EVENTS_MAX];
	unsigned int n;
};

/* What is counted if nobody says otherwise; ends with NULL. */
extern const char *const events_default[];

/* Adds the event of that name; "default" adds the default set, "none" nothing, and one that is there
 * already is not added again. -EINVAL with a message: there is no event of that name (the remedy names
 * the nearest), or the list is full. Says nothing about what this machine can count. */
int events_add(struct events *list, const char *name, struct err *e);

/* Calls fn for every event that libpfm4 knows for this machine's kernel and CPU, with a name that
 * events_add takes and its description. */
void events_each(void (*fn)(void *user, const char *name, const char *description, bool raw),
		 void *user);

/* What the CPU's raw events are called ("AMD64 Fam19h Zen3"), or NULL if libpfm4 does not know it. */
const char *events_cpu(void);

#endif
