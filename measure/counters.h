/* SPDX-License-Identifier: MIT */
/*
 * Counting events of perf_event_open(2): of the calling process with all threads that it starts later
 * (io_uring workers too), or of one CPU.
 *
 * Events are opened in groups, which the kernel counts all at the same time or not at all, so that a
 * group's values belong together. A group takes as many events as the kernel lets in and really runs:
 * the kernel does not know of counters that somebody else holds (the NMI watchdog) when it lets an event
 * in, so each new member is tried. Where the groups do not fit the CPU's counters at the same time, the
 * kernel takes turns, and values are scaled by the time enabled over the time running.
 */
#ifndef ZC_COUNTERS_H
#define ZC_COUNTERS_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "measure/events.h"

#define COUNTERS_MAX (2 * EVENTS_MAX)

/* The system calls: a test puts its own here. Like the calls, but negative errnos. */
struct counters_ops {
	int (*open)(struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd);
	int (*enable)(int leader_fd, bool on); /* the whole group, in all threads that inherited it */
	ssize_t (*read)(int leader_fd, void *buf, size_t len);
	void (*close)(int fd);
};
extern const struct counters_ops counters_kernel;
extern const struct counters_ops *counters_ops;

struct counters {
	unsigned int n;
	struct counter {
		const struct event *event;
		enum domain domain;
		int fd;
		int group; /* the index of its leader, before it in this list */
	} v[COUNTERS_MAX];
	json_t *missing; /* event: why, for each that could not be opened, or only in part */
};

/* The values of one moment, in the order of the counters. */
struct counts {
	struct count {
		uint64_t value, enabled_ns, running_ns;
		bool known;
	} v[COUNTERS_MAX];
};

/* Opens the events of list, which must live as long, and starts them. pid 0, cpu -1: the calling
 * process and its later threads, so call it before there are any; pid -1: one CPU. What cannot be opened
 * goes into c->missing with the reason and the remedy; nothing else fails. */
void counters_open(struct counters *c, const struct events *list, pid_t pid, int cpu);
void counters_close(struct counters *c);

/* What has been counted since the start. A few microseconds for each group: not for timed parts. Takes
 * no memory, so that it counts no page faults of its own. */
void counters_read(const struct counters *c, struct counts *counts);

/* The same as {EVENT: {"user": [count, enabled_ns, running_ns], "kernel": [...]}}, or "total" for both,
 * for the processes that add them up. What could not be read is left out. A new reference. */
json_t *counts_to_json(const struct counters *c, const struct counts *counts);

/*
 * One process's part of a role: adds what was counted from `before` (NULL: from nothing) to `after`, both
 * of counts_to_json, to role, {EVENT: {"user", "kernel" or "total", "enabled_ns", "running_ns", "scaled"}}.
 * A count is scaled by enabled / running, rounded, where the kernel took turns; enabled and running are
 * those of the domain that ran least. An event has no value in this role if a process does not have all of
 * its domains in `list`, or if it was enabled there and never ran: it is removed, for good, and goes into
 * missing with the reason.
 */
void counters_add(json_t *role, const struct events *list, const json_t *before, const json_t *after,
		  json_t *missing);

/* For one count: the estimate for all of the enabled time. False if there is none: enabled, but never
 * running. */
bool counters_scale(uint64_t count, uint64_t enabled_ns, uint64_t running_ns, uint64_t *value);

/* Why the kernel refused this domain of an event (a negative errno) in a process, or on a CPU (system), for
 * people, with the remedy. */
void counters_explain(const struct event *event, enum domain domain, bool system, int code,
		      struct err *e);

#endif
