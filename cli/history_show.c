// SPDX-License-Identifier: MIT
/* What a history says: its runs, and where metrics moved; and all of it for other programs. See history.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/history.h"
#include "lib/control.h"

const char *const history_format_names[] = {"csv", "json", NULL};

static char *format_when(char *buf, size_t len, int64_t started)
{
	time_t t = (time_t)started;
	struct tm tm;

	if (!started || !gmtime_r(&t, &tm) || !strftime(buf, len, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(buf, len, "unknown");
	return buf;
}

struct show {
	FILE *f;
	const struct history_view *v;
	const struct history_run *runs;
	size_t nruns;
	size_t series, moved;
	char *host, *cell; /* of the last line's heading */
};

static const struct history_run *run_of(const struct show *s, int64_t id)
{
	for (size_t i = 0; i < s->nruns; i++)
		if (s->runs[i].id == id)
			return &s->runs[i];
	return NULL;
}

/* The cell's name, and the host's, above the first line about it. */
static void head(struct show *s, const struct history_series *h)
{
	if (!s->host || strcmp(s->host, h->host) != 0) {
		free(s->host);
		s->host = strdup(h->host);
		fprintf(s->f, "\n%s\n", h->host);
		free(s->cell);
		s->cell = NULL;
	}
	if (!s->cell || strcmp(s->cell, h->cell) != 0) {
		free(s->cell);
		s->cell = strdup(h->cell);
		fprintf(s->f, "\n%s\n", h->cell);
	}
}

static void print_run(struct show *s, int64_t id)
{
	const struct history_run *r = run_of(s, id);
	char when[32];

	fprintf(s->f, "run %" PRId64 " (%s, commit %s, Linux %s)", id,
		format_when(when, sizeof(when), r->started), r->commit, r->kernel);
}

static void print_moves(struct show *s, const struct history_series *h,
			const struct compared_metric *what, const struct history_move *moves, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char a[48], b[48];

		fprintf(s->f, "  %-24s %s -> %s, %s, at ", h->metric,
			format_metric(a, sizeof(a), moves[i].before, what->unit),
			format_metric(b, sizeof(b), moves[i].after, what->unit), moves[i].how);
		print_run(s, h->run[moves[i].at]);
		fputc('\n', s->f);
	}
}

static void print_values(struct show *s, const struct history_series *h,
			 const struct compared_metric *what)
{
	char text[48];

	fprintf(s->f, "  %s\n", h->metric);
	for (size_t i = 0; i < h->n; i++) {
		fprintf(s->f, "    %12s  ", format_metric(text, sizeof(text), h->median[i], what->unit));
		print_run(s, h->run[i]);
		fputc('\n', s->f);
	}
}

static int show_series(void *arg, const struct history_series *h, struct err *e)
{
	struct show *s = arg;
	struct compared_metric what;
	struct history_move *moves;
	size_t n;
	int ret = history_moves(h, s->v->rules, &what, &moves, &n, e);

	if (ret)
		return ret;
	s->series++;
	s->moved += n > 0;
	if (n || s->v->values)
		head(s, h);
	if (s->v->values)
		print_values(s, h, &what);
	print_moves(s, h, &what, moves, n);
	free(moves);
	return 0;
}

int history_no_series(const struct history *h, struct err *e)
{
	err_set(e, -ENOENT, "%s has no such cell and metric", h->file);
	return err_remedy(e, "zcbench history export, which names all of them");
}

int history_show(FILE *f, struct history *h, const struct history_view *v, struct err *e)
{
	struct show s = {.f = f, .v = v};
	struct history_run *runs;
	int ret = history_runs(h, v->last, &runs, &s.nruns, e);

	if (ret)
		return ret;
	s.runs = runs;
	fprintf(f, "%5s  %-19s  %-20s %-24s %s\n", "run", "started (UTC)", "commit", "kernel", "file");
	for (size_t i = 0; i < s.nruns; i++) {
		char when[32];

		fprintf(f, "%5" PRId64 "  %-19s  %-20s %-24s %s\n", runs[i].id,
			format_when(when, sizeof(when), runs[i].started), runs[i].commit, runs[i].kernel,
			runs[i].file);
	}
	ret = history_each_series(h, v, show_series, &s, e);
	if (!ret && !s.series) {
		ret = history_no_series(h, e);
	} else if (!ret) {
		fprintf(f, "\n%zu of %zu series moved\n", s.moved, s.series);
	}
	free(s.host);
	free(s.cell);
	history_runs_free(runs, s.nruns);
	return ret;
}

struct export
{
	FILE *f;
	json_t *samples; /* NULL: CSV */
	const struct history_run *runs;
	size_t nruns;
};

/* Fields with what CSV reserves, in quotes. */
static void csv_field(FILE *f, const char *text, const char *after)
{
	const bool quote = strpbrk(text, ",\"\n\r") != NULL;

	if (quote)
		fputc('"', f);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', f);
		fputc(*text, f);
	}
	fprintf(f, "%s%s", quote ? "\"" : "", after);
}

static int export_sample(void *arg, int64_t run, const char *cell, const char *metric, int round,
			 double value)
{
	struct export *x = arg;
	const struct history_run *r = NULL;

	for (size_t i = 0; i < x->nruns && !r; i++)
		r = x->runs[i].id == run ? &x->runs[i] : NULL;
	if (x->samples) {
		json_array_append_new(x->samples,
				      json_pack("{s:I, s:o, s:o, s:i, s:f}", "run", (json_int_t)run,
						"cell", json_text(cell), "metric", json_text(metric),
						"round", round, "value", value));
		return 0;
	}
	fprintf(x->f, "%" PRId64 ",%" PRId64 ",", run, r ? r->started : 0);
	csv_field(x->f, r ? r->commit : "", ",");
	csv_field(x->f, r ? r->kernel : "", ",");
	csv_field(x->f, r ? r->host : "", ",");
	csv_field(x->f, cell, ",");
	csv_field(x->f, metric, ",");
	fprintf(x->f, "%d,%.17g\n", round, value);
	return 0;
}

static json_t *runs_json(const struct history_run *runs, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			out,
			json_pack("{s:I, s:I, s:o, s:o, s:o, s:o}", "run", (json_int_t)runs[i].id,
				  "started", (json_int_t)runs[i].started, "commit",
				  json_text(runs[i].commit), "kernel", json_text(runs[i].kernel), "host",
				  json_text(runs[i].host), "file", json_text(runs[i].file)));
	return out;
}

int history_export(FILE *f, struct history *h, const struct history_view *v, const char *format,
		   struct err *e)
{
	struct export x = {.f = f};
	struct history_run *runs;
	json_t *root = NULL;
	int ret = history_runs(h, v->last, &runs, &x.nruns, e);

	if (ret)
		return ret;
	x.runs = runs;
	if (!strcmp(format, "json")) {
		x.samples = json_array();
		root = json_pack("{s:i, s:o, s:o}", "schema", 1, "runs", runs_json(runs, x.nruns),
				 "samples", x.samples);
	} else {
		fprintf(f, "run,started,commit,kernel,host,cell,metric,round,value\n");
	}
	ret = history_each_sample(h, v, export_sample, &x, e);
	if (!ret && root) {
		json_dumpf(root, f, JSON_INDENT(1));
		fputc('\n', f);
	}
	json_decref(root);
	history_runs_free(runs, x.nruns);
	return ret;
}
