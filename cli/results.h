/* SPDX-License-Identifier: MIT */
/*
 * Result files, read again: what plot, report and compare start from. docs/result-schema.md describes the
 * files. Whatever is not a whole result of a schema that we know is refused with its name, so a cell that
 * is here has all its dimensions, and its summary has numbers.
 */
#ifndef ZC_RESULTS_H
#define ZC_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "measure/metrics.h"
#include "measure/stats.h"

struct result_file {
	char *name; /* as it was given; for a folder, with /result.json */
	json_t *root;
	const json_t *host;
	bool emulated; /* ran where times are not a machine's: QEMU's TCG */
	bool uml;      /* ran in user-mode Linux, whose system calls and page faults are slow */
};

/* A text of an object in a result, or `absent`. */
const char *result_text(const json_t *obj, const char *name, const char *absent);

/* What tells cells apart, in the order in which people say it. */
enum dimension {
	DIM_FILE, /* the result file it is from */
	DIM_PATH, /* with the path's own options */
	DIM_OP,
	DIM_ACCESS,
	DIM_SINK,
	DIM_STORE, /* where sink file stores */
	DIM_BS,
	DIM_SOURCE,
	DIM_VIA,
	DIM_DEPTH,
	DIM_CLIENTS,
	DIM_PIN,
	DIM_PRODUCE,
	DIM_REGISTER,
	DIM_PATTERN,
	DIM_DRIVER,
	DIM_ENGINE,
	DIM_FILE_SIZE,
	DIM_MAX_IO,
	DIM_COUNT,
};
#define DIM_BIT(d) (1u << (d))

struct result_cell {
	const struct result_file *file;
	const json_t *json;    /* its object, for what has no member here */
	const json_t *rounds;  /* an array, perhaps empty */
	const json_t *summary; /* an object, perhaps empty */
	const char *path;
	char *label; /* the path with its own options: "ipc", "uring-zc --pool=plain" */
	const char *op, *access, *sink, *source, *pin, *produce, *registers, *pattern, *driver;
	const char *engine; /* of a foreign driver, else "" */
	const char *store;  /* the file or block device of sink file, else "" */
	const char *via;    /* "memfd", or "" for the usual way of the source */
	uint64_t bs, depth, clients, file_size, max_io;
	bool path_ok, verified;
	const char *error; /* why a round failed, or NULL */
};

struct results {
	struct result_file *files;
	struct result_cell *cells; /* of all files, one after the other, in plan order */
	unsigned int nfiles, ncells;
};

/* Loads result files, or folders that hold a result.json. Unless `mixed`, all have to be of one host: the
 * same CPU model, CPUs, kernel. 0, or a negative errno with a message that names the file. */
int results_load(struct results *r, const char *const *names, unsigned int n, bool mixed, struct err *e);
void results_free(struct results *r);

/* Where something that is made from the file belongs, by default: NAME beside it. Returns buf. */
char *path_beside(char *buf, size_t len, const char *file, const char *name);

/* Whether two cells are equal in every dimension but those in `except` (DIM_BIT of each). Cells of BASE
 * and NEW are the same cell if they are equal except DIM_FILE (and perhaps DIM_STORE). */
bool result_cells_equal(const struct result_cell *a, const struct result_cell *b, unsigned int except);

/* "write, sink null, 64k blocks, source memfd, depth 1, 1 client, pin split": the cell without the
 * dimensions in `except`, and without those that are as usual (access direct, pattern seq, ...). File and
 * path are never in it. Returns buf. */
char *result_cell_describe(char *buf, size_t len, const struct result_cell *c, unsigned int except);

/* The dimension's name as in the file, and a cell's value of it as people write it ("64k", "null"). */
extern const char *const dimension_names[DIM_COUNT];
char *result_cell_value(char *buf, size_t len, const struct result_cell *c, enum dimension d);

/* With sink null and no copy expected nobody touches the payload: bytes per second are no data rate
 * (docs/method.md). */
bool result_cell_moves_nothing(const struct result_cell *c);

/* A metric (measure/metrics.h) of the cell's summary; false, and NANs, if it is not there. */
bool result_cell_metric(const struct result_cell *c, const char *metric, struct summary *s);

/* The metric of each round by itself (of each counted round, if it is taken from those), NAN for a round
 * that lacks it. Returns their number; values has room for one of each. Rounds of one file with the same
 * index were run side by side: ratios of theirs are paired. */
size_t result_cell_samples(const struct result_cell *c, const struct metric *m, double *values);

#endif
