// SPDX-License-Identifier: MIT
/* Pictures of a history: a metric over runs, a line for each path, and where it moved; see history.h. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/figure.h"
#include "cli/history.h"
#include "cli/version.h"
#include "lib/units.h"

struct line {
	char *label, *path; /* the path with its options, and without */
	size_t n, nmoves;
	double *x; /* index of the run */
	struct summary *y;
	struct history_move *moves;
};

/* Cells that differ in nothing but the path. */
struct picture {
	struct drawing d; /* has no cells: what is drawn is below */
	struct figure figure;
	char *host, *rest, *metric, title[100];
	struct compared_metric what;
	struct line lines[SERIES_MAX];
	unsigned int nlines;
	const struct history_run *runs;
	size_t nruns;
};

struct gallery {
	const struct history_view *view;
	const struct history_run *runs;
	size_t nruns;
	struct picture **v;
	size_t n;
};

/* "uring-zc --pool plain write, sink null, ...": the path ends before the op, which ends at the comma. */
static size_t length_of_path(const char *cell)
{
	size_t at = strcspn(cell, ",");

	while (at && cell[at - 1] != ' ')
		at--;
	return at ? at - 1 : 0;
}

static void free_line(struct line *l)
{
	free(l->label);
	free(l->path);
	free(l->x);
	free(l->y);
	free(l->moves);
}

static void gallery_free(struct gallery *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct picture *p = g->v[i];

		for (unsigned int k = 0; k < p->nlines; k++)
			free_line(&p->lines[k]);
		free(p->host);
		free(p->rest);
		free(p->metric);
		free(p);
	}
	free(g->v);
}

/* The picture in which a series belongs, perhaps a new one. NULL: no memory. */
static struct picture *picture_of(struct gallery *g, const struct history_series *h, const char *rest)
{
	struct picture **v, *p;

	for (size_t i = 0; i < g->n; i++)
		if (!strcmp(g->v[i]->host, h->host) && !strcmp(g->v[i]->rest, rest) &&
		    !strcmp(g->v[i]->metric, h->metric))
			return g->v[i];
	v = realloc(g->v, (g->n + 1) * sizeof(struct picture *));
	if (!v)
		return NULL;
	g->v = v;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	g->v[g->n++] = p;
	p->host = strdup(h->host);
	p->rest = strdup(rest);
	p->metric = strdup(h->metric);
	p->runs = g->runs;
	p->nruns = g->nruns;
	return p->host && p->rest && p->metric ? p : NULL;
}

static double index_of(const struct gallery *g, int64_t run)
{
	for (size_t i = 0; i < g->nruns; i++)
		if (g->runs[i].id == run)
			return (double)i;
	return NAN;
}

static int hang_series(void *arg, const struct history_series *h, struct err *e)
{
	struct gallery *g = arg;
	const size_t path = length_of_path(h->cell);
	struct picture *p = picture_of(g, h, h->cell + path + (h->cell[path] == ' '));
	struct line l = {.label = strndup(h->cell, path),
			 .path = strndup(h->cell, strcspn(h->cell, " ")),
			 .n = h->n};
	int ret;

	l.x = calloc(h->n, sizeof(*l.x));
	l.y = calloc(h->n, sizeof(*l.y));
	if (!p || !l.label || !l.path || !l.x || !l.y) {
		free_line(&l);
		return err_sys(e, -ENOMEM, "drawing a history");
	}
	ret = history_moves(h, g->view->rules, &p->what, &l.moves, &l.nmoves, e);
	if (ret || p->nlines == SERIES_MAX) {
		free_line(&l);
		return ret;
	}
	for (size_t i = 0; i < h->n; i++) {
		l.x[i] = index_of(g, h->run[i]);
		l.y[i] = h->spread[i];
	}
	p->lines[p->nlines++] = l;
	return 0;
}

/* Runs along the axis: at most ten have a label, the last one always. */
static void write_runs(struct chart *c, const struct picture *p)
{
	const size_t every = 1 + (p->nruns - 1) / 10;

	fprintf(c->script, "set xrange [-0.5:%g]\nset xtics (", (double)p->nruns - 0.5);
	for (size_t i = 0; i < p->nruns; i++) {
		char label[64];

		label[0] = '\0';
		if ((p->nruns - 1 - i) % every == 0)
			snprintf(label, sizeof(label), "%" PRId64 "  %.14s", p->runs[i].id,
				 p->runs[i].commit);
		fprintf(c->script, "%s", i ? ", " : "");
		chart_quote(c, label);
		fprintf(c->script, " %zu", i);
	}
	fprintf(c->script, ")\n");
}

static void write_moves(struct chart *c, const struct picture *p)
{
	char note[900] = "";
	size_t at = 0;

	chart_block(c, "where lines moved", "x\tmedian\tline type");
	for (unsigned int i = 0; i < p->nlines; i++) {
		const struct line *l = &p->lines[i];

		for (size_t k = 0; k < l->nmoves; k++) {
			const struct history_move *m = &l->moves[k];
			const struct history_run *r = &p->runs[(size_t)l->x[m->at]];
			char before[40], after[40];

			fprintf(c->data, "%g\t%.10g\t%u\n", l->x[m->at], l->y[m->at].median, i + 1);
			if (at < sizeof(note))
				at += (size_t)snprintf(
					note + at, sizeof(note) - at,
					"%s%s %s at run %" PRId64 " (%.14s): %s to %s", at ? ";  " : "",
					l->label, m->how, r->id, r->commit,
					format_metric(before, sizeof(before), m->before, p->what.unit),
					format_metric(after, sizeof(after), m->after, p->what.unit));
		}
	}
	fprintf(c->script, "moves = %d\n", at > 0);
	chart_text(c, "note", "%s", note);
}

static int write_history(struct chart *c, struct err *e)
{
	const struct picture *p = (const struct picture *)c->d; /* its first member */
	const bool timed = !(p->what.exact > 0), emulated = strcasestr(p->host, "tcg") != NULL;
	struct line_end ends[SERIES_MAX];
	struct axis y = axis_make(false);
	bool has[SERIES_MAX];

	(void)e;
	for (unsigned int i = 0; i < p->nlines; i++) {
		const struct line *l = &p->lines[i];

		has[i] = true;
		chart_add_series(c, l->label, l->path);
		chart_block(c, l->label, "x\tmedian\tlo\thi");
		for (size_t k = 0; k < l->n; k++) {
			fprintf(c->data, "%g\t%.10g\t%.10g\t%.10g\n", l->x[k], l->y[k].median,
				l->y[k].lo, l->y[k].hi);
			axis_add(&y, l->y[k].lo);
			axis_add(&y, l->y[k].hi);
		}
		ends[i] = (struct line_end){.x = l->x[l->n - 1], .y = l->y[l->n - 1].median};
		ends[i].inside = ends[i].x + 1 < (double)p->nruns;
		snprintf(ends[i].text, sizeof(ends[i].text), "%s", l->label);
	}
	chart_lines(c, "lines", has);
	axis_widen(&y);
	chart_axis(c, 'y', &y, p->what.unit);
	write_runs(c, p);
	write_moves(c, p);
	chart_label_lines(c, &y, ends, p->nlines);
	chart_text(c, "x_label", "run and commit, in order of time");
	chart_text(c, "small",
		   "medians of each run and their intervals; circles: change points.   %s.   zcbench %s",
		   p->host, ZCBENCH_VERSION);
	chart_text(c, "stamp", "%s", emulated && timed ? "emulated: times mean nothing" : "");
	return 0;
}

/* Letters, digits and single dashes. */
static void slug(char *out, size_t len, const char *text)
{
	size_t at = 0;

	for (; *text && at + 1 < len; text++)
		if (isalnum((unsigned char)*text) || *text == '.' || *text == '_')
			out[at++] = *text;
		else if (at && out[at - 1] != '-')
			out[at++] = '-';
	while (at && out[at - 1] == '-')
		at--;
	out[at] = '\0';
}

static int draw(struct gallery *g, size_t i, const char *folder, struct err *e)
{
	static const char *const formats[] = {"svg", "png"};
	struct picture *p = g->v[i];
	char name[150], number[24] = "";
	int ret;

	snprintf(p->title, sizeof(p->title), "%s, run by run", p->metric);
	p->figure = (struct figure){
		.name = "history", .title = p->title, .script = "history", .write = write_history};
	p->d.figure = &p->figure;
	snprintf(p->d.fixed, sizeof(p->d.fixed), "%.299s", p->rest);
	slug(name, sizeof(name), p->rest);
	for (size_t k = 0; k < i; k++) /* another host */
		if (!strcmp(g->v[k]->rest, p->rest) && !strcmp(g->v[k]->metric, p->metric))
			snprintf(number, sizeof(number), "-%zu", i + 1);
	snprintf(p->d.name, sizeof(p->d.name), "history-%.30s-%.130s%s", p->metric, name, number);
	ret = drawing_write(&p->d, folder, e);
	for (int f = 0; f < 2 && !ret; f++) {
		ret = drawing_draw(&p->d, folder, formats[f], e);
		if (!ret)
			printf("%s/%s.%s\n", folder, p->d.name, formats[f]);
	}
	return ret;
}

int history_plot(struct history *h, const struct history_view *v, const char *folder, struct err *e)
{
	struct history_run *runs;
	struct gallery g = {.view = v};
	int ret = history_runs(h, v->last, &runs, &g.nruns, e);

	if (ret)
		return ret;
	g.runs = runs;
	ret = history_each_series(h, v, hang_series, &g, e);
	if (!ret && !g.n)
		ret = history_no_series(h, e);
	for (size_t i = 0; i < g.n && !ret; i++)
		ret = draw(&g, i, folder, e);
	gallery_free(&g);
	history_runs_free(runs, g.nruns);
	return ret;
}
