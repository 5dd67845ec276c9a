// SPDX-License-Identifier: MIT
/* The page, from its head to its end; see report.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/data.h"
#include "cli/report.h"
#include "cli/version.h"

struct page {
	const struct report *r;
	FILE *f;
	char folder[4096]; /* where figures are drawn */
	bool keep, figures;
	struct err no_figures;
	/* of the file that is being written */
	struct results one;
	char drawn[64][200]; /* names of its figures so far */
	unsigned int ndrawn;
};

/* The cells of one file alone; they lie one after the other. */
static struct results only(const struct results *r, const struct result_file *file)
{
	struct results one = {.files = (struct result_file *)file, .nfiles = 1};

	for (unsigned int i = 0; i < r->ncells; i++) {
		if (r->cells[i].file != file)
			continue;
		if (!one.ncells)
			one.cells = &r->cells[i];
		one.ncells++;
	}
	return one;
}

/* --- figures --- */

static bool drawn_before(struct page *p, const struct drawing *d)
{
	for (unsigned int i = 0; i < p->ndrawn; i++)
		if (!strcmp(p->drawn[i], d->name))
			return true;
	return false;
}

/* A picture of one path compares nothing; of many block sizes the largest is drawn (where markers are few, the
 * smallest, too), and of other dimensions the plain cell. The tables have all, and zcbench plot draws all. */
static bool worth_drawing(const struct page *p, const struct drawing *d)
{
	const unsigned int alike = DIM_BIT(DIM_BS) | DIM_BIT(DIM_PATH) | figure_along(d->figure);
	const bool bars = d->figure->along == DIM_PATH;
	bool several = !bars, largest = true, smallest = !bars, plain = false;

	for (unsigned int i = 0; i < d->n; i++)
		several |= strcmp(d->cells[i]->label, d->cells[0]->label) != 0;
	for (unsigned int i = 0; i < p->one.ncells; i++) {
		const struct result_cell *c = &p->one.cells[i];

		plain |= cell_plain(c);
		if (d->figure->along == DIM_BS || !result_cells_equal(c, d->cells[0], alike))
			continue;
		largest &= c->bs <= d->cells[0]->bs;
		smallest &= c->bs >= d->cells[0]->bs;
	}
	return several && (largest || smallest) && (!bars || !plain || cell_plain(d->cells[0]));
}

static void remove_files(const struct page *p, const struct drawing *d)
{
	static const char *const endings[] = {"tsv", "gp", "svg"};
	char path[4400];

	for (size_t i = 0; i < 3 && !p->keep; i++) {
		snprintf(path, sizeof(path), "%s/%s.%s", p->folder, d->name, endings[i]);
		unlink(path);
	}
}

static int draw_one(struct page *p, const struct drawing *d, struct err *e)
{
	char path[4400];
	int ret = drawing_write(d, p->folder, e);

	if (ret == -ENODATA)
		return 0;
	if (!ret && (ret = drawing_draw(d, p->folder, "svg", e)) == -EIO) {
		/* gnuplot's own trouble with one picture is no reason to have no page */
		warn("%s", e->what);
		fputs("<p class=\"about\">", p->f);
		html_text(p->f, "The figure \"%s\" could not be drawn: %s", d->figure->title, e->what);
		fputs("</p>\n", p->f);
		remove_files(p, d);
		return 0;
	}
	if (!ret) {
		fputs("<figure><img alt=\"", p->f);
		html_text(p->f, "%s: %s", d->figure->title, d->fixed);
		fputs("\" src=\"data:image/svg+xml;base64,", p->f);
		snprintf(path, sizeof(path), "%s/%s.svg", p->folder, d->name);
		ret = html_base64(p->f, path);
		fputs("\"></figure>\n", p->f);
		if (ret)
			err_sys(e, ret, "reading %s", path);
	}
	remove_files(p, d);
	return ret;
}

static int draw(struct page *p, const char *name, struct err *e)
{
	const struct figure *figure = figure_find(name);
	struct drawings all = {0};
	struct err none = {0};
	int ret;

	if (!p->figures || (figure->times && p->one.files->emulated))
		return 0;
	ret = drawings_add(&all, figure, &p->one, &none);
	if (ret == -ENODATA)
		ret = 0;
	else if (ret)
		*e = none;
	for (unsigned int i = 0; i < all.n && !ret; i++) {
		if (drawn_before(p, &all.v[i]) || !worth_drawing(p, &all.v[i]))
			continue;
		if (p->ndrawn < 64)
			memcpy(p->drawn[p->ndrawn++], all.v[i].name, sizeof(p->drawn[0]));
		ret = draw_one(p, &all.v[i], e);
	}
	drawings_free(&all);
	return ret;
}

/* --- questions --- */

static const char *verdict(const struct ratio *r)
{
	if (r->rounds < CROSSING_ROUNDS)
		return "too few rounds to tell";
	return r->s.lo > 1 ? "more" : r->s.hi < 1 ? "less" : "no difference shown";
}

static void ratio_columns(FILE *f, const struct ratio *r)
{
	char a[24], lo[24], hi[24];

	if (!r->rounds) {
		fputs("<td class=\"none\">-</td><td class=\"none\">-</td>", f);
		return;
	}
	fputs("<td>", f);
	html_text(f, "%s", format_times(a, sizeof(a), r->s.median, r->s.median));
	fputs("<br><small>", f);
	html_text(f, "%s to %s", format_times(lo, sizeof(lo), r->s.lo, r->s.median),
		  format_times(hi, sizeof(hi), r->s.hi, r->s.median));
	fprintf(f, "</small></td><td class=\"words\">%s</td>", verdict(r));
}

static void pairs_table(FILE *f, const struct question *q, const struct pairs *pairs)
{
	fputs("<div class=\"wide\"><table><thead><tr><th>path</th><th "
	      "class=\"words\">cell</th><th>against</th>"
	      "<th>compared</th><th>ratio</th><th class=\"words\">shown</th><th>CPU per KiB</th><th "
	      "class=\"words\">shown</th><th>rounds</th></tr>"
	      "</thead>\n<tbody>\n",
	      f);
	for (unsigned int i = 0; i < pairs->n; i++) {
		const struct pair *p = &pairs->v[i];
		char text[700], base[300];

		fputs("<tr><th scope=\"row\"><code>", f);
		html_text(f, "%s", p->a->label);
		fputs("</code></th><td class=\"words\">", f);
		html_text(f, "%s", cell_where(text, sizeof(text), p->a, 0));
		fputs("</td><td><code>", f);
		html_text(f, "%s", result_cell_value(base, sizeof(base), p->base, q->dim));
		fprintf(f, "</code></td><td>%s</td>",
			strcmp(p->metric, "latency_p50_ns") ? "throughput" : "p50");
		ratio_columns(f, &p->main);
		ratio_columns(f, &p->cpu);
		fprintf(f, "<td>%u</td></tr>\n", p->main.rounds);
		cell_marks(text, sizeof(text), p->a);
		if (text[0]) {
			fputs("<tr class=\"remark\"><td colspan=\"9\">", f);
			html_words(f, text);
			fputs("</td></tr>\n", f);
		}
	}
	fputs("</tbody></table></div>\n", f);
}

/* Its sentences as items; at most `max` of them. */
static void sentences(FILE *f, const struct question *q, const struct pairs *pairs, unsigned int max)
{
	char text[2000];

	if (q->say) {
		q->say(f, pairs);
		return;
	}
	for (unsigned int i = 0; i < pairs->n && max; i++) {
		if (!pair_leads(q, pairs, &pairs->v[i]))
			continue;
		fputs("<li>", f);
		html_words(f, pair_sentence(text, sizeof(text), q->dim, &pairs->v[i]));
		fputs("</li>\n", f);
		max--;
	}
}

static int answer(struct page *p, const struct question *q, struct err *e)
{
	struct pairs pairs;
	int ret = pairs_find(&pairs, q, &p->one, p->one.files);

	if (ret)
		return err_sys(e, ret, "question %s", q->name);
	if (pairs.n) {
		fprintf(p->f, "<section>\n<h3>");
		html_text(p->f, "%s", q->asks);
		fputs("</h3>\n<ul class=\"says\">\n", p->f);
		sentences(p->f, q, &pairs, ~0u);
		fputs("</ul>\n<p class=\"about\">", p->f);
		html_words(p->f, q->about);
		fputs("</p>\n", p->f);
		for (size_t i = 0; i < 4 && q->figures[i] && !ret; i++)
			ret = draw(p, q->figures[i], e);
		if (!q->say)
			pairs_table(p->f, q, &pairs);
		fputs("</section>\n", p->f);
	}
	pairs_free(&pairs);
	return ret;
}

/* --- the page --- */

static void file_name(FILE *f, const char *tag, const struct result_file *file)
{
	fprintf(f, "<%s class=\"file\">", tag);
	html_text(f, "%s", file->name);
	fprintf(f, "</%s>\n", tag);
}

static int write_file(struct page *p, const struct result_file *file, struct err *e)
{
	int ret = 0;

	p->one = only(p->r->results, file);
	p->ndrawn = 0;
	if (p->r->results->nfiles > 1)
		file_name(p->f, "h2", file);
	if (!file->emulated)
		fputs("<h2>Questions and answers</h2>\n", p->f);
	for (const struct question *q = questions; q->name && !ret; q++)
		ret = answer(p, q, e);
	if (ret)
		return ret;
	fputs("<h2>Where bytes are copied</h2>\n<p class=\"about\">Copied bytes for each byte of "
	      "payload, on "
	      "each hop between the client's buffer and the sink. Those in the kernel are counted "
	      "there, by BPF; our own code declares its own as it makes them.</p>\n",
	      p->f);
	fputs("<ul class=\"says\">\n", p->f);
	report_copies(p->f, &p->one, file, ~0u);
	fputs("</ul>\n", p->f);
	report_maps(p->f, &p->one, file);
	ret = draw(p, "copies", e);
	fputs("<h2>All cells</h2>\n<p class=\"about\">Median over rounds, and its 95 % bootstrap "
	      "interval (up to "
	      "5 rounds: lowest to highest).</p>\n",
	      p->f);
	report_cells(p->f, &p->one, file);
	fputs("<h2>Conditions</h2>\n", p->f);
	report_conditions(p->f, file);
	return ret;
}

static int write_page(struct page *p, struct err *e)
{
	const struct results *r = p->r->results;
	char title[400];
	int ret;

	if (p->r->title)
		snprintf(title, sizeof(title), "%s", p->r->title);
	else if (r->nfiles > 1)
		snprintf(title, sizeof(title), "zcbench: %u results", r->nfiles);
	else
		snprintf(title, sizeof(title), "zcbench on %s, Linux %s",
			 result_text(r->files[0].host, "cpu_model", "an unknown CPU"),
			 result_text(r->files[0].host, "kernel", "?"));
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      p->f);
	html_text(p->f, "%s", title);
	fputs("</title>\n<style>\n", p->f);
	ret = data_append_plot(p->f, "report.css", e);
	fputs("</style>\n</head>\n<body>\n<main>\n<h1>", p->f);
	html_text(p->f, "%s", title);
	fputs("</h1>\n", p->f);
	fputs("<h2>In short</h2>\n", p->f);
	for (unsigned int i = 0; i < r->nfiles; i++) {
		p->one = only(r, &r->files[i]);
		if (r->nfiles > 1)
			file_name(p->f, "h3", &r->files[i]);
		report_short(p->f, &p->one);
	}
	if (!p->figures) {
		fputs("<p class=\"callout\">", p->f);
		html_text(p->f, "No figures: %s; %s", p->no_figures.what, p->no_figures.remedy);
		fputs("</p>\n", p->f);
	}
	if (r->nfiles > 1) {
		fputs("<h2>Side by side</h2>\n<p class=\"callout\">These results were not run side by "
		      "side in time: "
		      "what differs between columns may be the machine, or its load. No ratio is taken "
		      "across them; "
		      "<code>zcbench compare</code> and <code>zcbench ab</code> can.</p>\n",
		      p->f);
		report_side_by_side(p->f, r);
	}
	for (unsigned int i = 0; i < r->nfiles && !ret; i++)
		ret = write_file(p, &r->files[i], e);
	fprintf(p->f,
		"<footer>Written by zcbench %s (%s) from result files. Sentences hold the median ratio "
		"of "
		"rounds that were run side by side, with its interval; where it contains 1, no "
		"difference "
		"was shown, which does not mean that there is "
		"none.</footer>\n</main>\n</body>\n</html>\n",
		ZCBENCH_VERSION, ZCBENCH_GIT);
	return ret;
}

/* Where figures are drawn: where they are to stay, or in a folder that goes away. */
static int prepare_figures(struct page *p, struct err *e)
{
	const char *tmp = getenv("TMPDIR");

	p->figures = !figure_check_gnuplot(&p->no_figures);
	p->keep = p->r->figures;
	if (!p->figures) {
		warn("the report has no figures: %s; try: %s", p->no_figures.what, p->no_figures.remedy);
		return 0;
	}
	if (p->keep) {
		snprintf(p->folder, sizeof(p->folder), "%s", p->r->figures);
		return 0;
	}
	snprintf(p->folder, sizeof(p->folder), "%s/zcbench-report-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(p->folder) ? 0 : err_sys(e, -errno, "making folder %s", p->folder);
}

int report_write(const struct report *report, struct err *e)
{
	struct page *p = calloc(1, sizeof(*p));
	char part[4200];
	int ret;

	if (!p)
		return err_sys(e, -ENOMEM, "writing a report");
	p->r = report;
	ret = prepare_figures(p, e);
	if (ret) {
		free(p);
		return ret;
	}
	/* under another name until it is whole */
	snprintf(part, sizeof(part), "%s.new", report->output);
	p->f = fopen(part, "we");
	if (!p->f) {
		ret = err_sys(e, -errno, "writing %s", report->output);
	} else {
		bool bad;

		ret = write_page(p, e);
		bad = ferror(p->f);
		bad |= fclose(p->f) != 0;
		if (!ret && (bad || rename(part, report->output)))
			ret = err_sys(e, errno ? -errno : -EIO, "writing %s", report->output);
		if (ret)
			unlink(part);
	}
	if (p->figures && !p->keep)
		rmdir(p->folder);
	free(p);
	return ret;
}
