/* SPDX-License-Identifier: MIT */
/* The plan of a run: workload and options become a list of cells, in the order in which a round takes
 * them. */
#ifndef ZC_PLAN_H
#define ZC_PLAN_H

#include <jansson.h>

#include "clients/driver.h"
#include "clients/source.h"
#include "cli/cmd.h"
#include "cli/instruments.h"
#include "measure/sampling.h"
#include "servers/server.h"

struct cell {
	const struct path_ops *path;
	const struct source_ops *source;
	const struct sink_ops *sink;
	const struct driver *driver;
	enum op op;
	enum access access;
	uint64_t bs;
	unsigned int depth, clients;

	struct instruments *instruments;  /* what is counted in this round; NULL: nothing */
	struct sampler *sampler;          /* what takes samples in this round; NULL: nothing */
	json_t *shares, *stacks;          /* of all sampled rounds: see sampler_take */
	struct config config;             /* the options of this cell's section */
	char *server_args[OPT_TABLE_MAX]; /* the path's own options as given, "--name=value" */
	unsigned int nargs;

	char *skipped;    /* why it is left out of the run; NULL: it runs */
	bool failed;      /* a round failed; no more rounds */
	bool unavailable; /* ... because this kernel or user cannot run the path at all */
	json_t *json;     /* its object in the result */
};

struct plan {
	struct cell *cells;
	unsigned int n, allocated;
	uint64_t rounds;                         /* the most that any section asks for */
	uint64_t counted_rounds, sampled_rounds; /* likewise */
	char *description;                       /* of the workload, or NULL */
};

/* Makes the plan from the command line and, if o->rest names one, a workload: a file, or the name of
 * one in the workload folders. Cells of one group (all but the path equal) are neighbours. 0 or
 * a negative errno with a message that names file and line. */
int plan_make(struct plan *plan, struct options *o, struct err *e);
void plan_free(struct plan *plan);

/* Adds a cell that is as cell `like` but for its block size, if its path and sink can have it. (Cells move in
 * memory.) It has no JSON yet. */
void plan_add_size(struct plan *plan, unsigned int like, uint64_t bs);

/* What a cell asks of its driver. */
struct driver_wants cell_wants(const struct cell *c);

/* Whether two cells differ in nothing but their path. */
/* Whether its clients share their memory with the server again for each operation (--register each). */
bool cell_registers_each(const struct cell *c);

bool cell_same_group(const struct cell *a, const struct cell *b);

#endif
