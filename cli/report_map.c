// SPDX-License-Identifier: MIT
/* The copy map: for each path the hops of a payload, and how often it was copied on each. Drawn from the
 * ledger's members in the rounds; a hop that was not counted is drawn as such, and never as 0. */
#include <math.h>
#include <string.h>

#include "cli/report.h"

struct hop {
	const char *name;  /* in copied_bytes */
	const char *title; /* two lines */
	const char *below;
	const char *kind;
};

static const struct hop hops[] = {
	{"client_user", "client", "its own code", "user"},
	{"client_syscall", "client", "its system calls", "kernel"},
	{"fuse", "FUSE", "/dev/fuse or ring", "kernel"},
	{"server_user", "server", "its own code", "user"},
	{"sink", "sink", "server's system calls", "kernel"},
};

#define HOPS  (sizeof(hops) / sizeof(hops[0]))
#define LEFT  150
#define STEP  128
#define ROW   58
#define TOP   64
#define WIDTH (LEFT + (int)HOPS * STEP + 130)

/* The hop between client and server is another one on each route. */
static const char *fuse_of(const struct result_cell *c)
{
	static const char *const routes[][2] = {
		{"dev", "/dev/fuse"},
		{"small", "/dev/fuse"},
		{"pipe", "/dev/fuse, pipe"},
		{"ring", "ring"},
		{"pool", "ring, pool"},
		{"zero_copy", "ring, by reference"},
		{"shared", "ring, shared buffer"},
		{"ipc", "shared memory"},
		{"none", "not used"},
	};
	const char *route =
		json_string_value(json_object_get(json_object_get(c->json, "expected"), "route"));

	for (size_t i = 0; route && i < sizeof(routes) / sizeof(routes[0]); i++)
		if (!strcmp(route, routes[i][0]))
			return routes[i][1];
	return route ? route : "";
}

/* Copied bytes of a hop for each payload byte, over all rounds; NAN unless each of them counted it. */
static double copies_on(const struct result_cell *c, const struct hop *hop)
{
	double copied = 0, payload = 0;
	const json_t *round;
	size_t i;

	json_array_foreach (c->rounds, i, round) {
		const json_t *v = json_object_get(
			json_object_get(json_object_get(round, "copied_bytes"), hop->name), hop->kind);

		if (!json_is_number(v))
			return NAN;
		copied += json_number_value(v);
		payload += json_number_value(json_object_get(round, "payload_bytes"));
	}
	return payload > 0 ? copied / payload : NAN;
}

static void draw_hop(FILE *f, const struct result_cell *c, unsigned int i, int y)
{
	const double copies = copies_on(c, &hops[i]);
	const int x = LEFT + (int)i * STEP + STEP / 2;
	const bool counted = isfinite(copies), some = counted && copies >= 0.005;

	fprintf(f, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"86\" height=\"28\" rx=\"14\"/>",
		some      ? "copied"
		: counted ? "free"
			  : "unknown",
		x - 43, y - 14);
	fprintf(f, "<text class=\"%s\" x=\"%d\" y=\"%d\">", some ? "on" : "off", x, y + 5);
	if (counted)
		html_text(f, "%.2f", copies);
	else
		html_text(f, "not counted");
	fputs("</text>\n", f);
	if (!strcmp(hops[i].name, "fuse")) {
		fprintf(f, "<text class=\"small\" x=\"%d\" y=\"%d\">", x, y + 27);
		html_text(f, "%s", fuse_of(c));
		fputs("</text>\n", f);
	}
}

static void draw_sum(FILE *f, const struct result_cell *c, int y)
{
	const json_t *expected = json_object_get(json_object_get(c->json, "expected"), "copy_factor");
	struct summary s;
	bool counted = result_cell_metric(c, "copy_factor", &s);
	const int x = LEFT + (int)HOPS * STEP + 66;

	fprintf(f, "<text class=\"%s\" x=\"%d\" y=\"%d\">", counted ? "sum" : "small", x, y + 2);
	if (counted)
		html_text(f, "%.2f", s.median);
	else
		html_text(f, "not counted");
	fprintf(f, "</text><text class=\"small\" x=\"%d\" y=\"%d\">", x, y + 20);
	if (json_is_number(expected))
		html_text(f, "expected %.2f", json_number_value(expected));
	else
		html_text(f, "nothing promised");
	fputs("</text>\n", f);
}

static void draw_row(FILE *f, const struct result_cell *c, unsigned int row)
{
	const int y = TOP + (int)row * ROW + 22, end = LEFT + (int)HOPS * STEP;
	char marks[700];

	cell_marks(marks, sizeof(marks), c);
	fprintf(f, "<text class=\"path\" x=\"8\" y=\"%d\">", y + 5);
	html_text(f, "%.17s%s", c->label, marks[0] ? " (!)" : "");
	fputs("</text>\n", f);
	fprintf(f, "<line class=\"way\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", LEFT, y, end, y);
	if (!strcmp(c->op, "write"))
		fprintf(f, "<path class=\"tip\" d=\"M%d %d l-9 -5 v10 z\"/>\n", end + 4, y);
	else
		fprintf(f, "<path class=\"tip\" d=\"M%d %d l9 -5 v10 z\"/>\n", LEFT - 4, y);
	for (unsigned int i = 0; i < HOPS; i++)
		draw_hop(f, c, i, y);
	draw_sum(f, c, y);
}

static void draw_map(FILE *f, const struct result_cell *const *cells, unsigned int n)
{
	char what[300];

	result_cell_describe(what, sizeof(what), cells[0], DIM_BIT(DIM_PATH));
	fputs("<figure><figcaption>", f);
	html_text(f, "%s", what);
	fprintf(f,
		"</figcaption>\n<div class=\"wide\"><svg class=\"map\" viewBox=\"0 0 %d %d\" "
		"role=\"img\" "
		"aria-label=\"copies on each hop\">\n",
		WIDTH, TOP + (int)n * ROW);
	for (unsigned int i = 0; i < HOPS; i++) {
		const int x = LEFT + (int)i * STEP + STEP / 2;

		fprintf(f,
			"<text class=\"head\" x=\"%d\" y=\"20\">%s</text><text class=\"small\" x=\"%d\" "
			"y=\"38\">%s</text>\n",
			x, hops[i].title, x, hops[i].below);
	}
	fprintf(f, "<text class=\"head\" x=\"%d\" y=\"20\">all hops</text>\n",
		LEFT + (int)HOPS * STEP + 66);
	for (unsigned int i = 0; i < n; i++)
		draw_row(f, cells[i], i);
	fputs("</svg></div></figure>\n", f);
}

static bool larger_block(const struct results *r, const struct result_cell *c)
{
	for (unsigned int i = 0; i < r->ncells; i++)
		if (cell_measured(&r->cells[i]) && r->cells[i].bs > c->bs &&
		    result_cells_equal(&r->cells[i], c, DIM_BIT(DIM_PATH) | DIM_BIT(DIM_BS)))
			return true;
	return false;
}

/* Copies do not depend on these: one map stands for all their values. */
#define ALIKE (DIM_BIT(DIM_DEPTH) | DIM_BIT(DIM_CLIENTS) | DIM_BIT(DIM_PIN) | DIM_BIT(DIM_PATTERN))

/* The cells that make one map with r->cells[i]: those that differ in nothing but the path. 0 unless it is the
 * first of them, and of its likes. */
static unsigned int gather(const struct results *r, const struct result_file *file, unsigned int i,
			   const struct result_cell *cells[SERIES_MAX])
{
	const struct result_cell *first = &r->cells[i];
	unsigned int n = 0;

	if (first->file != file || !cell_measured(first) || larger_block(r, first))
		return 0;
	for (unsigned int k = 0; k < i; k++)
		if (cell_measured(&r->cells[k]) && !larger_block(r, &r->cells[k]) &&
		    result_cells_equal(&r->cells[k], first, DIM_BIT(DIM_PATH) | ALIKE))
			return 0;
	for (unsigned int k = i; k < r->ncells && n < SERIES_MAX; k++)
		if (cell_measured(&r->cells[k]) &&
		    result_cells_equal(&r->cells[k], first, DIM_BIT(DIM_PATH)))
			cells[n++] = &r->cells[k];
	return n;
}

static double factor(const struct result_cell *c)
{
	struct summary s;

	return result_cell_metric(c, "copy_factor", &s) ? round(100 * s.median) / 100 : NAN;
}

/* "1.00 times by `copy`, `uring`": the paths that agree, once for each figure, from the lowest. */
static void say_factors(FILE *f, const struct result_cell *const *cells, unsigned int n)
{
	double last = -1;
	const char *before = "";
	char text[900], marks[700];

	for (;;) {
		double next = HUGE_VAL;
		const char *comma = " by ";

		for (unsigned int i = 0; i < n; i++)
			if (factor(cells[i]) > last)
				next = fmin(next, factor(cells[i]));
		if (!isfinite(next))
			break;
		html_text(f, "%s%.2f times", before, next);
		for (unsigned int i = 0; i < n; i++) {
			if (factor(cells[i]) != next)
				continue;
			cell_marks(marks, sizeof(marks), cells[i]);
			snprintf(text, sizeof(text), "%s`%s`%s%s%s", comma, cells[i]->label,
				 marks[0] ? " (" : "", marks, marks[0] ? ")" : "");
			html_words(f, text);
			comma = ", ";
		}
		before = "; ";
		last = next;
	}
}

void report_copies(FILE *f, const struct results *r, const struct result_file *file, unsigned int max)
{
	for (unsigned int i = 0; i < r->ncells && max; i++) {
		const struct result_cell *cells[SERIES_MAX];
		unsigned int n = gather(r, file, i, cells);
		bool any = false;
		char what[300];

		for (unsigned int k = 0; k < n; k++)
			any |= isfinite(factor(cells[k]));
		if (!any)
			continue;
		cell_where(what, sizeof(what), cells[0], ALIKE);
		fputs("<li>", f);
		html_text(f, "%s: each byte was copied ", what);
		say_factors(f, cells, n);
		fputs(".</li>\n", f);
		max--;
	}
}

void report_maps(FILE *f, const struct results *r, const struct result_file *file)
{
	const char *why = json_string_value(
		json_object_get(json_object_get(file->root, "not_measured"), "copy_factor"));

	if (why) {
		fputs("<p class=\"note\">What the kernel copied was not counted: ", f);
		html_words(f, why);
		fputs(". What our own code copies it counts itself.</p>\n", f);
	}
	for (unsigned int i = 0; i < r->ncells; i++) {
		const struct result_cell *cells[SERIES_MAX];
		unsigned int n = gather(r, file, i, cells);

		if (n)
			draw_map(f, cells, n);
	}
}
