/* SPDX-License-Identifier: MIT */
/* The result of a run: one JSON object (docs/result-schema.md), written after every round. */
#ifndef ZC_RESULT_H
#define ZC_RESULT_H

#include <jansson.h>

#include "cli/plan.h"
#include "cli/round.h"

#define RESULT_SCHEMA 1

struct result {
	json_t *root;
	char path[4096]; /* of the file */
};

/* Makes the folder (config's --output or results/DATE-TIME) and the object, with an entry for each cell
 * of the plan that is not skipped. */
int result_open(struct result *r, struct plan *plan, const struct options *o, struct err *e);

/* Adds the entry of a cell that came into the plan later. */
void result_add_cell(struct result *r, struct cell *cell);

enum round_kind {
	ROUND_TIMED,
	ROUND_COUNTED, /* its counters are used, and its times are not */
	ROUND_SAMPLED, /* only its samples are used */
};

/* Adds what a round gave. */
void result_add_round(struct cell *cell, struct round_result *round, enum round_kind kind);
/* Adds the reason why a cell failed, and what the server had negotiated, if it got that far. */
void result_add_error(struct cell *cell, const struct round_result *round, const struct err *e);
/* Moves a cell to the list of what was left out, with the reason. */
void result_skip(struct result *r, struct cell *cell, const char *why);

/* Says why a member of the result is missing; why NULL: it is there. */
void result_missing(struct result *r, const char *what, const char *why);
/* Adds to `not_measured` what `missing` has, {NAME: why}, as "PREFIX NAME". NULL: nothing. */
void result_not_measured(struct result *r, const char *prefix, json_t *missing);

/* Writes the file. 0, or -errno with a message. */
int result_write(struct result *r, struct err *e);
void result_close(struct result *r);

/* What the cells of a group share, for a title. Returns buf. */
const char *cell_group_title(const struct cell *cell, char *buf, size_t len);
/* The same without the block size: what the cells of a sweep share. */
const char *cell_sweep_title(const struct cell *cell, char *buf, size_t len);
/* The table on f: cells in groups, the best of each group marked. */
void table_print(FILE *f, const struct plan *plan);
/* Its part on --pollution, for the group of cells that `first` begins; nothing without that option. */
void table_pollution(FILE *f, const struct plan *plan, const struct cell *first);
/* Its part on groups with several clients; nothing for others (cli/table_clients.c). */
void table_clients(FILE *f, const struct plan *plan, const struct cell *first);
/* What was counted in each cell, for each operation and KiB (cli/counters_report.c). */
void counters_print(FILE *f, const struct plan *plan);
/* The same as {ROLE: {EVENT: {"user", "kernel" or "total": {"per_op", "per_kib"}, "scaled"}}}, medians over
 * counted rounds. */
json_t *counters_summary(const json_t *counted_rounds);
/* What CPU time went to, by the cell's samples (cli/breakdown.c): as its member `breakdown`, as a table, and
 * as folded stacks, a file for each cell in folder dir. The last: 0, or -errno with a message. */
json_t *breakdown_json(const struct cell *cell);
void breakdown_print(FILE *f, const struct plan *plan);
int breakdown_flames(const struct plan *plan, const char *dir, struct err *e);
/* Makes a folder with all that lead to it. 0, or -errno with a message. */
int make_folder(char *path, struct err *e);
/* A header line, then a line for each cell with every metric's median, lo and hi. */
void csv_print(FILE *f, const struct plan *plan);

#endif
