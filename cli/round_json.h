/* SPDX-License-Identifier: MIT */
/* What the processes of a round answered, as the round's object for the result file. */
#ifndef ZC_ROUND_JSON_H
#define ZC_ROUND_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/child.h"
#include "lib/err.h"
#include "measure/hist.h"
#include "measure/ledger.h"
#include "measure/usage.h"

/* The sums over all clients. Throughput adds the clients' own rates: each is timed by itself, without
 * its production. */
struct round_totals {
	uint64_t ops, payload, produce_ns, produce_cpu_ns, wall_ns, copied, passes, drop_cpu_ns;
	double rate; /* bytes/s */
	struct usage usage;
	bool no_switches; /* the driver does not tell context switches */
	struct hist latency;
};

/* Adds up the clients' answers (see clients/client.h). -EPROTO or -EIO with a message if they make no
 * sense or nothing was done. */
int round_sum_clients(const json_t *results, struct round_totals *t, struct err *e);

/* What the server counted by route between two of its answers, for one op: `after` minus `before`. */
json_t *round_route_diff(const json_t *before, const json_t *after);

/* The memory of a server and the mean of n clients', in bytes; what cannot be read is absent. */
json_t *round_memory(pid_t server, const struct child *clients, unsigned int n);

/* The object, without setup_ns. sys is the machine's time in the round, kernel what the kernel copied: NULL
 * if that is not known. Takes the reference to routes; before and after are the server's answers to "stats". */
json_t *round_json(const struct round_totals *t, const json_t *before, const json_t *after,
		   const struct system_usage *sys, const struct ledger_counts *kernel, json_t *routes,
		   const json_t *results);

#endif
