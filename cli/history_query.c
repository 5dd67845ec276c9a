// SPDX-License-Identifier: MIT
/* Reading a history; see history.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/history.h"

static char *column(sqlite3_stmt *s, int at)
{
	const char *text = (const char *)sqlite3_column_text(s, at);

	return strdup(text ? text : "");
}

int history_runs(struct history *h, uint64_t last, struct history_run **runs, size_t *n, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int code, ret = 0;

	*runs = NULL;
	*n = 0;
	code = sqlite3_prepare_v2(
		h->db,
		"SELECT * FROM (SELECT id, started, revision, kernel, host, file FROM runs"
		" ORDER BY started DESC, id DESC LIMIT ?) ORDER BY started, id",
		-1, &s, NULL);
	if (code)
		return history_error(h, code, "reading", e);
	sqlite3_bind_int64(s, 1, (int64_t)last);
	while (!ret && (code = sqlite3_step(s)) == SQLITE_ROW) {
		struct history_run *more = realloc(*runs, (*n + 1) * sizeof(*more));

		if (!more) {
			ret = err_sys(e, -ENOMEM, "reading %s", h->file);
			break;
		}
		*runs = more;
		more[(*n)++] = (struct history_run){
			.id = sqlite3_column_int64(s, 0),
			.started = sqlite3_column_int64(s, 1),
			.commit = column(s, 2),
			.kernel = column(s, 3),
			.host = column(s, 4),
			.file = column(s, 5),
		};
	}
	if (!ret && code != SQLITE_DONE)
		ret = history_error(h, code, "reading", e);
	sqlite3_finalize(s);
	if (!ret && !*n) {
		err_set(e, -ENOENT, "the history %s is empty", h->file);
		ret = err_remedy(e, "zcbench history add results/...");
	}
	if (ret) {
		history_runs_free(*runs, *n);
		*runs = NULL;
		*n = 0;
	}
	return ret;
}

void history_runs_free(struct history_run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(runs[i].commit);
		free(runs[i].kernel);
		free(runs[i].host);
		free(runs[i].file);
	}
	free(runs);
}

/* A statement over the samples of the newest runs, those of one series together. */
static int select_samples(struct history *h, const struct history_view *v, sqlite3_stmt **s,
			  struct err *e)
{
	int code = sqlite3_prepare_v2(
		h->db,
		"SELECT r.host, s.cell, s.metric, r.id, s.round, s.value FROM samples s"
		" JOIN (SELECT id, host, started FROM runs ORDER BY started DESC, id DESC LIMIT ?) r"
		" ON r.id = s.run WHERE instr(s.cell, ?) > 0"
		" ORDER BY r.host, s.cell, s.metric, r.started, r.id, s.round",
		-1, s, NULL);

	if (code)
		return history_error(h, code, "reading", e);
	sqlite3_bind_int64(*s, 1, (int64_t)v->last);
	sqlite3_bind_text(*s, 2, v->cell ? v->cell : "", -1, SQLITE_TRANSIENT);
	return 0;
}

static bool is_wanted(const struct names *wanted, const char *metric)
{
	for (unsigned int i = 0; i < wanted->n; i++) {
		const char *name = wanted->v[i];

		/* "copies" names "copies.fuse", too */
		if (!strcmp(name, "all") || names_metric(name, metric) ||
		    (!strncmp(name, metric, strlen(name)) && metric[strlen(name)] == '.'))
			return true;
	}
	return !wanted->n;
}

int history_each_sample(struct history *h, const struct history_view *v,
			int (*use)(void *arg, int64_t run, const char *cell, const char *metric,
				   int round, double value),
			void *arg, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int code, ret = select_samples(h, v, &s, e);

	if (ret)
		return ret;
	while (!ret && (code = sqlite3_step(s)) == SQLITE_ROW) {
		const char *metric = (const char *)sqlite3_column_text(s, 2);

		if (is_wanted(v->wanted, metric))
			ret = use(arg, sqlite3_column_int64(s, 3),
				  (const char *)sqlite3_column_text(s, 1), metric,
				  sqlite3_column_int(s, 4), sqlite3_column_double(s, 5));
	}
	if (!ret && code != SQLITE_DONE)
		ret = history_error(h, code, "reading", e);
	sqlite3_finalize(s);
	return ret;
}

/* What is collected of one series until the next begins. */
struct collect {
	char *host, *cell, *metric;
	int64_t *run;
	double *median, *rounds;
	struct summary *spread;
	bool intervals;
	bool wanted; /* the others are only passed over */
	size_t n, nrounds, room;
};

static int grow(struct collect *c)
{
	size_t room = c->room ? 2 * c->room : 64;
	int64_t *run = realloc(c->run, room * sizeof(*run));
	double *median, *rounds;
	struct summary *spread;

	if (run)
		c->run = run;
	median = realloc(c->median, room * sizeof(*median));
	if (median)
		c->median = median;
	rounds = realloc(c->rounds, room * sizeof(*rounds));
	if (rounds)
		c->rounds = rounds;
	spread = realloc(c->spread, room * sizeof(*spread));
	if (spread)
		c->spread = spread;
	if (!run || !median || !rounds || !spread)
		return -ENOMEM;
	c->room = room;
	return 0;
}

static void end_run(struct collect *c)
{
	if (c->nrounds && c->wanted && c->intervals)
		c->spread[c->n] = stats_summarise(c->rounds, c->nrounds);
	if (c->nrounds)
		c->median[c->n++] = stats_median(c->rounds, c->nrounds);
	c->nrounds = 0;
}

static bool same(const struct collect *c, sqlite3_stmt *s)
{
	return c->cell && !strcmp(c->cell, (const char *)sqlite3_column_text(s, 1)) &&
	       !strcmp(c->metric, (const char *)sqlite3_column_text(s, 2)) &&
	       !strcmp(c->host, (const char *)sqlite3_column_text(s, 0));
}

static void free_names(struct collect *c)
{
	free(c->host);
	free(c->cell);
	free(c->metric);
	c->host = c->cell = c->metric = NULL;
}

int history_each_series(struct history *h, const struct history_view *v,
			int (*use)(void *arg, const struct history_series *s, struct err *e), void *arg,
			struct err *e)
{
	struct collect c = {.intervals = v->intervals};
	sqlite3_stmt *s = NULL;
	int code = SQLITE_ROW, ret = select_samples(h, v, &s, e);

	while (!ret && code == SQLITE_ROW) {
		code = sqlite3_step(s);
		if (c.cell && (code != SQLITE_ROW || !same(&c, s))) {
			end_run(&c);
			if (c.wanted)
				ret = use(arg,
					  &(struct history_series){c.host, c.cell, c.metric, c.n, c.run,
								   c.median,
								   v->intervals ? c.spread : NULL},
					  e);
			free_names(&c);
			c.n = 0;
		}
		if (ret || code != SQLITE_ROW)
			break;
		if (!c.cell) {
			c.host = column(s, 0);
			c.cell = column(s, 1);
			c.metric = column(s, 2);
			c.wanted = is_wanted(v->wanted, c.metric);
		}
		if (c.nrounds && c.run[c.n] != sqlite3_column_int64(s, 3))
			end_run(&c);
		if ((c.n + 1 >= c.room || c.nrounds + 1 >= c.room) && grow(&c)) {
			ret = err_sys(e, -ENOMEM, "reading %s", h->file);
			break;
		}
		c.run[c.n] = sqlite3_column_int64(s, 3);
		c.rounds[c.nrounds++] = sqlite3_column_double(s, 5);
	}
	if (!ret && code != SQLITE_DONE)
		ret = history_error(h, code, "reading", e);
	sqlite3_finalize(s);
	free_names(&c);
	free(c.run);
	free(c.median);
	free(c.spread);
	free(c.rounds);
	return ret;
}
