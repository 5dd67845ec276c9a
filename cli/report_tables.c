// SPDX-License-Identifier: MIT
/* The report's tables of cells; see report.h. Numbers and units are those of the metric table. */
#include <math.h>
#include <string.h>

#include "cli/format.h"
#include "cli/path_style.h"
#include "cli/report.h"

/* Columns of both tables. */
static const struct column {
	const char *metric, *title;
	bool interval, times;
} columns[] = {
	{"throughput_bytes_per_s", "throughput", true, true},
	{"limit_share", "of limit", false, true},
	{"latency_p50_ns", "p50", false, true},
	{"latency_p99_ns", "p99", false, true},
	{"client_cpu_ns_per_kib", "client CPU", false, true},
	{"server_cpu_ns_per_kib", "server CPU", false, true},
	{"copy_factor", "copies", false, false},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static bool shown(const struct column *col, const struct result_cell *c, struct summary *s)
{
	return !(col->times && c->file->emulated) && result_cell_metric(c, col->metric, s);
}

/* Behind a throughput that is none. */
static void no_rate(FILE *f, const struct result_cell *c)
{
	if (result_cell_moves_nothing(c))
		fputs("<br><small>no data rate: no byte is moved</small>", f);
}

static void cell_value(FILE *f, const struct column *col, const struct result_cell *c)
{
	const char *unit = metric_find(col->metric)->unit;
	char text[48], lo[48], hi[48];
	struct summary s;

	if (!shown(col, c, &s)) {
		fputs("<td class=\"none\">-</td>", f);
		return;
	}
	fputs("<td>", f);
	html_text(f, "%s", format_metric(text, sizeof(text), s.median, unit));
	if (col->interval) {
		fputs("<br><small>", f);
		html_text(f, "%s to %s", format_metric(lo, sizeof(lo), s.lo, unit),
			  format_metric(hi, sizeof(hi), s.hi, unit));
		fputs("</small>", f);
		no_rate(f, c);
	}
	fputs("</td>", f);
}

static void path_head(FILE *f, const struct result_cell *c)
{
	fprintf(f, "<th scope=\"row\"><span class=\"swatch\" style=\"background:%s\"></span><code>",
		path_style(c->path)->colour);
	html_text(f, "%s", c->label);
	fputs("</code></th>", f);
}

static bool any_has(const struct column *col, const struct result_cell *const *cells, unsigned int n)
{
	struct summary s;

	for (unsigned int i = 0; i < n; i++)
		if (shown(col, cells[i], &s))
			return true;
	return false;
}

static void cell_row(FILE *f, const struct result_cell *c, const bool *has)
{
	const json_t *expected = json_object_get(json_object_get(c->json, "expected"), "copy_factor");
	const char *note =
		json_string_value(json_object_get(json_object_get(c->json, "evidence"), "note"));
	char marks[700];

	fputs("<tr>", f);
	path_head(f, c);
	for (size_t k = 0; k < COLUMNS; k++)
		if (has[k])
			cell_value(f, &columns[k], c);
	fputs("<td>", f);
	if (json_is_number(expected))
		html_text(f, "%.2f", json_number_value(expected));
	else
		fputs("-", f);
	fprintf(f, "</td><td>%zu</td><td class=\"%s\">%s</td><td class=\"%s\">%s</td></tr>\n",
		json_array_size(c->rounds), c->verified ? "good" : "bad", c->verified ? "yes" : "NO",
		!cell_measured(c) ? "none"
		: c->path_ok      ? "good"
				  : "bad",
		!cell_measured(c) ? "not measured"
		: c->path_ok      ? "ok"
				  : "NOT AS CLAIMED");
	cell_marks(marks, sizeof(marks), c);
	if (!cell_measured(c) && !c->error)
		snprintf(marks, sizeof(marks), "`%s` was not measured: the run ended before", c->label);
	if (marks[0] || note) {
		fputs("<tr class=\"remark\"><td colspan=\"12\">", f);
		html_words(f, marks);
		if (marks[0] && note)
			fputs("; ", f);
		if (note)
			html_text(f, "%s: %s", c->label, note);
		fputs("</td></tr>\n", f);
	}
}

void report_cells(FILE *f, const struct results *r, const struct result_file *file)
{
	for (unsigned int i = 0; i < r->ncells; i++) {
		const struct result_cell *cells[SERIES_MAX];
		bool seen = false, has[COLUMNS];
		unsigned int n = 0;
		char what[400];

		if (r->cells[i].file != file)
			continue;
		for (unsigned int k = 0; k < i && !seen; k++)
			seen = result_cells_equal(&r->cells[k], &r->cells[i], DIM_BIT(DIM_PATH));
		for (unsigned int k = i; k < r->ncells && n < SERIES_MAX && !seen; k++)
			if (result_cells_equal(&r->cells[k], &r->cells[i], DIM_BIT(DIM_PATH)))
				cells[n++] = &r->cells[k];
		if (!n)
			continue;
		result_cell_describe(what, sizeof(what), cells[0], DIM_BIT(DIM_PATH));
		fputs("<div class=\"wide\"><table><caption>", f);
		html_text(f, "%s", what);
		fputs("</caption>\n<thead><tr><th>path</th>", f);
		for (size_t k = 0; k < COLUMNS; k++) {
			has[k] = any_has(&columns[k], cells, n);
			if (!has[k])
				continue;
			fprintf(f, "<th>%s</th>", columns[k].title);
		}
		fputs("<th>expected "
		      "copies</th><th>rounds</th><th>verified</th><th>way</th></tr></thead>\n"
		      "<tbody>\n",
		      f);
		for (unsigned int k = 0; k < n; k++)
			cell_row(f, cells[k], has);
		fputs("</tbody></table></div>\n", f);
	}
}

static const struct result_cell *same_in(const struct results *r, const struct result_file *file,
					 const struct result_cell *like)
{
	for (unsigned int i = 0; i < r->ncells; i++)
		if (r->cells[i].file == file &&
		    result_cells_equal(&r->cells[i], like, DIM_BIT(DIM_FILE) | DIM_BIT(DIM_STORE)))
			return &r->cells[i];
	return NULL;
}

/* "9.1 GiB/s (8.9 to 9.3 GiB/s), 1.00 copies", and what is wrong with it. */
static void side_value(FILE *f, const struct result_cell *c)
{
	struct summary s;
	char marks[700];

	if (!c) {
		fputs("<td class=\"none\">not in this result</td>", f);
		return;
	}
	if (!cell_measured(c)) {
		fputs("<td class=\"bad\">", f);
		html_text(f, "%s", c->error ? c->error : "not measured");
		fputs("</td>", f);
		return;
	}
	fputs("<td>", f);
	if (c->file->emulated) {
		fputs("<small>times: emulated</small>", f);
	} else if (result_cell_metric(c, columns[0].metric, &s)) {
		const char *unit = metric_find(columns[0].metric)->unit;
		char a[48], lo[48], hi[48];

		html_text(f, "%s", format_metric(a, sizeof(a), s.median, unit));
		fputs("<br><small>", f);
		html_text(f, "%s to %s", format_metric(lo, sizeof(lo), s.lo, unit),
			  format_metric(hi, sizeof(hi), s.hi, unit));
		fputs("</small>", f);
		no_rate(f, c);
	}
	fputs("<br>", f);
	if (result_cell_metric(c, "copy_factor", &s))
		html_text(f, "copies %.2f", s.median);
	else
		fputs("<small>copies not counted</small>", f);
	cell_marks(marks, sizeof(marks), c);
	if (marks[0]) {
		fputs("<br><span class=\"bad\">", f);
		html_words(f, marks);
		fputs("</span>", f);
	}
	fputs("</td>", f);
}

void report_side_by_side(FILE *f, const struct results *r)
{
	fputs("<div class=\"wide\"><table><thead><tr><th>path</th><th class=\"words\">cell</th>", f);
	for (unsigned int i = 0; i < r->nfiles; i++) {
		fputs("<th>", f);
		html_text(f, "%s", r->files[i].name);
		fputs("</th>", f);
	}
	fputs("</tr></thead>\n<tbody>\n", f);
	for (unsigned int i = 0; i < r->ncells; i++) {
		const struct result_cell *c = &r->cells[i];
		char what[400];
		bool seen = false;

		for (const struct result_file *file = r->files; file < c->file && !seen; file++)
			seen = same_in(r, file, c);
		if (seen)
			continue;
		fputs("<tr>", f);
		path_head(f, c);
		fputs("<td class=\"words\">", f);
		html_text(f, "%s",
			  result_cell_describe(what, sizeof(what), c,
					       DIM_BIT(DIM_PATH) | DIM_BIT(DIM_STORE)));
		fputs("</td>", f);
		for (unsigned int k = 0; k < r->nfiles; k++)
			side_value(f, same_in(r, &r->files[k], c));
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}
