/* SPDX-License-Identifier: MIT */
/* The one table of metrics: terminal, JSON summaries, CSV and (later) plots and comparisons all take
 * names, units, direction and computation from here. docs/metrics.md says what each covers. */
#ifndef ZC_METRICS_H
#define ZC_METRICS_H

#include <jansson.h>
#include <stdbool.h>

enum better {
	BETTER_HIGHER,
	BETTER_LOWER,
	BETTER_NEITHER,
};

struct metric {
	const char *name;
	const char *unit; /* "bytes/s", "ns", "ns/KiB", "1/op", "1" */
	enum better better;
	/* From one round's object: the sample, or NAN if this round does not have it. Over rounds the
	 * median and its bootstrap interval are taken. */
	double (*value)(const json_t *round);
	bool counted; /* taken from the rounds in which counters were read, and not from the timed ones */
};

extern const struct metric metrics[]; /* ends with a row without a name */

/* The row of that name, or NULL. */
const struct metric *metric_find(const char *name);

/* The summary of a cell's timed and counted rounds: {name: {"median", "lo", "hi"}, ...}, without the
 * metrics that no round has. */
json_t *metrics_summarise(const json_t *rounds, const json_t *counted_rounds);

/* A member of a summary, as "median", "lo" or "hi"; NAN if it is not there. */
double summary_value(const json_t *summary, const char *metric, const char *which);

#endif
