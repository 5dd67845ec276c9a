/* SPDX-License-Identifier: MIT */
/*
 * Results over time: an SQLite file with one table of runs and one of samples. docs/history.md describes it.
 *
 * Several programs may use it at once (write-ahead log; a writer waits for the other), and one that is
 * killed, or a power cut, leaves whole runs only: each is added in one transaction that is on the disk when
 * it ends.
 */
#ifndef ZC_HISTORY_H
#define ZC_HISTORY_H

#include <sqlite3.h>
#include <stdint.h>

#include "cli/compare.h"
#include "cli/results.h"

#define HISTORY_SCHEMA 2

struct history {
	sqlite3 *db;
	const char *file;
};

/* Opens the file, and makes it if `create`; brings an older schema up to ours. Waits up to wait_ns for
 * others. 0, or a negative errno with a message: -ENOENT, -EINVAL for what is no history of ours, -ENOTSUP
 * for a newer schema, -EBUSY, -EIO. */
int history_open(struct history *h, const char *file, bool create, uint64_t wait_ns, struct err *e);
void history_close(struct history *h);

/* Adds one file of `r` with all its samples, as of `commit` (NULL: the revision in the result). *run is its
 * number; *fresh is false if the very same result was there already. */
int history_add(struct history *h, const struct results *r, const struct result_file *f,
		const char *commit, int64_t *run, bool *fresh, struct err *e);

/* Removes all but the newest `keep` runs; *removed is how many went. */
int history_prune(struct history *h, uint64_t keep, uint64_t *removed, struct err *e);

/* What SQLite's error code means, and what to do. `doing`: "adding to". Returns the negative errno. */
int history_error(const struct history *h, int code, const char *doing, struct err *e);

struct history_run {
	int64_t id;
	int64_t started; /* seconds since 1970 */
	char *commit, *kernel, *host, *file;
};

/* The runs, oldest first, the newest `last` of them; at least one. For history_runs_free. 0, or a negative errno
 * with a message: -ENOENT if there are none. */
int history_runs(struct history *h, uint64_t last, struct history_run **runs, size_t *n, struct err *e);
void history_runs_free(struct history_run *runs, size_t n);

/* The medians of one metric of one cell on one host, run by run, oldest first. */
struct history_series {
	const char *host, *cell, *metric;
	size_t n;
	const int64_t *run;
	const double *median;
	const struct summary *spread; /* with intervals; NULL unless the view asks for them */
};

/* What to look at. */
struct history_view {
	uint64_t last;                     /* the newest so many runs */
	const char *cell;                  /* cells whose description contains this; NULL: all */
	const struct names *wanted;        /* metrics, or the beginnings of their names; none: all */
	const struct compare_rules *rules; /* threshold and alpha of change points */
	bool values;                       /* each run's median, too */
	bool intervals;                    /* compute each run's interval */
};

/* Calls `use` for each series. What is not 0 from `use` ends it and is returned. */
int history_each_series(struct history *h, const struct history_view *v,
			int (*use)(void *arg, const struct history_series *s, struct err *e), void *arg,
			struct err *e);

/* Every sample: use(arg, run's id, cell, metric, round, value). */
int history_each_sample(struct history *h, const struct history_view *v,
			int (*use)(void *arg, int64_t run, const char *cell, const char *metric,
				   int round, double value),
			void *arg, struct err *e);

/* ---- history_moves.c */

struct history_move {
	size_t at;            /* index of the first run behind it */
	double before, after; /* medians of the runs between this move and its neighbours */
	const char *how;      /* "worse", "better", "changed" */
};

/* Where a series moved, and what its metric is. *moves has *n, and is for free(). 0 or -ENOMEM. */
int history_moves(const struct history_series *h, const struct compare_rules *rules,
		  struct compared_metric *what, struct history_move **moves, size_t *n, struct err *e);

/* ---- history_plot.c */

/* A picture for each metric and group of cells that differ in nothing but the path, into an existing
 * folder; prints the files' names. 0, or a negative errno with a message. */
int history_plot(struct history *h, const struct history_view *v, const char *folder, struct err *e);

/* ---- history_show.c */

/* -ENOENT: there is not what the view asks for. */
int history_no_series(const struct history *h, struct err *e);

/* The runs, and where metrics moved. */
int history_show(FILE *f, struct history *h, const struct history_view *v, struct err *e);

/* All samples: "csv", or "json". */
int history_export(FILE *f, struct history *h, const struct history_view *v, const char *format,
		   struct err *e);

extern const char *const history_format_names[];

#endif
