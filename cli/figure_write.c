// SPDX-License-Identifier: MIT
/* Writing a drawing's two files, what all figures have in them, and running gnuplot; see figure.h. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/data.h"
#include "cli/figure.h"
#include "cli/path_style.h"
#include "cli/version.h"
#include "lib/program.h"
#include "lib/units.h"

/* In single quotes nothing is special but the quote. */
void chart_quote(struct chart *c, const char *text)
{
	fputc('\'', c->script);
	for (; *text; text++)
		fprintf(c->script, *text == '\'' ? "''" : "%c", *text == '\n' ? ' ' : *text);
	fputc('\'', c->script);
}

void chart_text(struct chart *c, const char *name, const char *fmt, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(c->script, "%s = ", name);
	chart_quote(c, text);
	fputc('\n', c->script);
}

void chart_block(struct chart *c, const char *title, const char *columns)
{
	/* gnuplot tells blocks apart by two empty lines */
	fprintf(c->data, "%s# %s\n# %s\n", c->nblocks++ ? "\n\n" : "", title, columns);
}

void chart_lines(struct chart *c, const char *name, const bool *has)
{
	fprintf(c->script, "%s = '", name);
	for (unsigned int i = 0; i < c->nseries; i++)
		if (has[i])
			fprintf(c->script, " %u", i + 1);
	fprintf(c->script, "'\n");
}

void chart_axis(struct chart *c, char letter, const struct axis *a, const char *unit)
{
	double ticks[AXIS_TICKS];
	size_t n = axis_ticks(a, unit, ticks, AXIS_TICKS);

	if (a->log)
		fprintf(c->script, "set logscale %c\n", letter);
	fprintf(c->script, "set %crange [%.10g:%.10g]\nset %ctics (", letter, a->lo, a->hi, letter);
	for (size_t i = 0; i < n; i++) {
		char label[40];

		axis_tick_label(label, sizeof(label), ticks[i], unit);
		fprintf(c->script, "%s'%s' %.10g", i ? ", " : "", label, ticks[i]);
	}
	fprintf(c->script, ")\n");
}

double chart_along(const struct chart *c, const struct result_cell *cell)
{
	switch (c->d->figure->along) {
	case DIM_BS:
		return (double)cell->bs;
	case DIM_CLIENTS:
		return (double)cell->clients;
	case DIM_DEPTH:
		return (double)cell->depth;
	default:
		return 0;
	}
}

unsigned int chart_steps(const struct chart *c, const struct result_cell **steps, unsigned int max)
{
	unsigned int except = ~figure_along(c->d->figure), n = 0;

	for (unsigned int i = 0; i < c->d->n && n < max; i++) {
		const struct result_cell *cell = c->d->cells[i];
		unsigned int at = 0, k;

		for (k = 0; k < n && !result_cells_equal(steps[k], cell, except); k++)
			at += chart_along(c, steps[k]) <= chart_along(c, cell);
		if (k < n)
			continue;
		for (k = n++; k > at; k--)
			steps[k] = steps[k - 1];
		steps[at] = cell;
	}
	return n;
}

void chart_axis_along(struct chart *c)
{
	const struct result_cell *steps[STEPS_MAX];
	unsigned int n = chart_steps(c, steps, STEPS_MAX), every = 1 + (n - 1) / 9;
	double lo, hi, room;

	if (!n)
		return;
	lo = chart_along(c, steps[0]);
	hi = chart_along(c, steps[n - 1]);
	room = fmax(pow(hi / lo, 0.03), 1.05);
	fprintf(c->script, "set logscale x 2\nset xrange [%.10g:%.10g]\nset xtics (", lo / room,
		hi * room);
	for (unsigned int i = 0; i < n; i++) {
		char value[40] = "";

		/* the last has a label, and from there each so many */
		if ((n - 1 - i) % every == 0)
			result_cell_value(value, sizeof(value), steps[i], c->d->figure->along);
		fprintf(c->script, "%s'%s' %.10g", i ? ", " : "", value, chart_along(c, steps[i]));
	}
	fprintf(c->script, ")\n");
}

void chart_label_lines(struct chart *c, const struct axis *y, const struct line_end *ends,
		       unsigned int n)
{
	double at[SERIES_MAX];
	unsigned int of[SERIES_MAX], k = 0;

	for (unsigned int i = 0; i < n; i++)
		if (isfinite(ends[i].y)) {
			of[k] = i;
			at[k++] = fmin(fmax(axis_fraction(y, ends[i].y), 0), 1);
		}
	axis_spread(at, k, 0.075);
	for (unsigned int i = 0; i < k; i++) {
		const struct line_end *end = &ends[of[i]];
		unsigned int line = of[i] + 1;

		if (!end->inside)
			fprintf(c->script,
				"set arrow from first %.10g, first %.10g to graph 1.035, graph %.4f "
				"nohead "
				"lt %u lw 1 dt 3\n",
				end->x, end->y, at[i], line);
		fprintf(c->script, "set label ");
		chart_quote(c, end->text);
		fprintf(c->script,
			" at graph 1.045, graph %.4f left tc lt %u point lt %u ps 1.6 offset 1,0 font "
			"label_font\n",
			at[i], line, line);
	}
}

const struct result_cell *chart_cell(const struct chart *c, unsigned int i,
				     const struct result_cell *like)
{
	for (unsigned int k = 0; k < c->d->n; k++) {
		const struct result_cell *cell = c->d->cells[k];

		if (!strcmp(cell->label, c->series[i].label) &&
		    (!like || result_cells_equal(cell, like, ~figure_along(c->d->figure))))
			return cell;
	}
	return NULL;
}

void chart_add_series(struct chart *c, const char *label, const char *path)
{
	const struct path_style *style = path_style(path);
	unsigned int dash = 1;

	for (unsigned int i = 0; i < c->nseries; i++) {
		if (!strcmp(c->series[i].label, label))
			return;
		dash += !strcmp(c->series[i].path, path);
	}
	if (c->nseries == SERIES_MAX)
		return;
	c->series[c->nseries++] = (struct series){label, path};
	fprintf(c->script, "set linetype %u lc rgb '%s' pt %d dt %u lw 3 ps 1.6\n", c->nseries,
		style->colour, style->marker, dash);
}

/* ", label" for each series with a cell of which `is` holds, to text. */
static void list_series(const struct chart *c, bool (*is)(const struct result_cell *), char *text,
			size_t len)
{
	text[0] = '\0';
	for (unsigned int i = 0; i < c->nseries; i++) {
		bool any = false;
		size_t at = strlen(text);

		for (unsigned int k = 0; k < c->d->n; k++)
			any |= !strcmp(c->d->cells[k]->label, c->series[i].label) && is(c->d->cells[k]);
		if (any)
			snprintf(text + at, len - at, "%s%s", at ? ", " : "", c->series[i].label);
	}
}

static bool not_as_claimed(const struct result_cell *c)
{
	return !c->path_ok;
}

static bool not_verified(const struct result_cell *c)
{
	return !c->verified;
}

/* What a reader has to know: warnings, and in small print where and how it was measured. */
static void write_notes(struct chart *c)
{
	static const struct {
		bool (*is)(const struct result_cell *);
		const char *text;
		bool rate; /* only where the figure shows throughput */
	} notes[] = {
		{not_as_claimed, "NOT THE WAY IT CLAIMS: ", false},
		{not_verified, "bytes not verified: ", false},
		{result_cell_moves_nothing,
		 "no byte is moved with sink null, so this is no data rate: ", true},
	};
	const struct result_file *f = c->d->cells[0]->file;
	const char *metric = c->d->figure->metric;
	bool rate = metric && !strcmp(metric, "throughput_bytes_per_s");
	size_t rounds = 0, at = 0;
	char text[600] = "", list[200];

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		if (notes[i].rate && !rate)
			continue;
		list_series(c, notes[i].is, list, sizeof(list));
		if (list[0])
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s%s", at ? ";  " : "",
					       notes[i].text, list);
		if (at >= sizeof(text))
			break;
	}
	if (c->d->missing[0] && at < sizeof(text))
		snprintf(text + at, sizeof(text) - at, "%snot in the picture: %s", at ? ";  " : "",
			 c->d->missing);
	chart_text(c, "note", "%s", text);
	for (unsigned int i = 0; i < c->d->n; i++)
		if (json_array_size(c->d->cells[i]->rounds) > rounds)
			rounds = json_array_size(c->d->cells[i]->rounds);
	chart_text(c, "small", "%zu round%s: %s.   %s, Linux %s%s.   zcbench %s (%s)", rounds,
		   rounds == 1 ? "" : "s",
		   rounds == 1  ? "no interval"
		   : rounds < 6 ? "median, and lowest to highest"
				: "median and its 95 % interval",
		   result_text(f->host, "cpu_model", result_text(f->host, "machine", "unknown CPU")),
		   result_text(f->host, "kernel", "?"),
		   f->emulated ? ", EMULATED"
		   : f->uml    ? ", user-mode Linux"
			       : "",
		   result_text(f->root, "zcbench", "?"), result_text(f->root, "git", "?"));
	chart_text(c, "stamp", "%s",
		   f->emulated && c->d->figure->times ? "emulated: times mean nothing" : "");
}

static int append_script(FILE *to, const char *name, struct err *e)
{
	char file[100];

	snprintf(file, sizeof(file), "%s.gp", name);
	fputc('\n', to);
	return data_append_plot(to, file, e);
}

static FILE *open_part(const struct drawing *d, const char *folder, const char *ending, struct err *e)
{
	char path[4500];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.%s", folder, d->name, ending);
	f = fopen(path, "we");
	if (!f)
		err_sys(e, -errno, "writing %s", path);
	return f;
}

static void remove_part(const struct drawing *d, const char *folder, const char *ending)
{
	char path[4500];

	snprintf(path, sizeof(path), "%s/%s.%s", folder, d->name, ending);
	unlink(path);
}

static int close_part(FILE *f, const char *what, int ret, struct err *e)
{
	bool bad = ferror(f);

	bad |= fclose(f) != 0;
	return bad && !ret ? err_sys(e, -errno, "writing %s", what) : ret;
}

int drawing_write(const struct drawing *d, const char *folder, struct err *e)
{
	struct chart c = {.d = d};
	int ret;

	c.data = open_part(d, folder, "tsv", e);
	if (!c.data)
		return e->code;
	c.script = open_part(d, folder, "gp", e);
	if (!c.script) {
		fclose(c.data);
		return e->code;
	}
	fprintf(c.script,
		"# Figure %s of zcbench plot. Here, `gnuplot %s.gp` draws %s.svg anew from %s.tsv;\n"
		"# with  -e \"format = 'png'\"  before the name, %s.png.\n",
		d->figure->name, d->name, d->name, d->name, d->name);
	chart_text(&c, "name", "%s", d->name);
	chart_text(&c, "title_text", "%s", d->figure->title);
	chart_text(&c, "fixed", "%s", d->fixed);
	chart_text(&c, "y_label", "%s", d->figure->axis ? d->figure->axis : "");
	fprintf(c.script, "label_font = ',20'\n");
	if (d->n) {
		for (unsigned int i = 0; i < d->n; i++)
			chart_add_series(&c, d->cells[i]->label, d->cells[i]->path);
		fprintf(c.script, "n = %u\n", c.nseries);
		write_notes(&c);
	}
	ret = d->figure->write(&c, e);
	if (!ret)
		ret = append_script(c.script, "common", e);
	if (!ret)
		ret = append_script(c.script, d->figure->script, e);
	ret = close_part(c.data, "a figure's data", ret, e);
	ret = close_part(c.script, "a figure's script", ret, e);
	if (ret) {
		remove_part(d, folder, "tsv");
		remove_part(d, folder, "gp");
	}
	return ret;
}

int figure_check_gnuplot(struct err *e)
{
	char path[4096];

	if (!program_find("gnuplot", path, sizeof(path)))
		return 0;
	err_set(e, -ENOENT, "figures are drawn by gnuplot, which is not installed");
	return err_remedy(e, "apt-get install gnuplot-nox   (sudo make deps)");
}

int drawing_draw(const struct drawing *d, const char *folder, const char *format, struct err *e)
{
	char setup[9000], script[300], out[4096];
	size_t at = (size_t)snprintf(setup, sizeof(setup), "format = '%s'; cd '", format);
	char *argv[] = {"gnuplot", "-e", setup, script, NULL};
	int ret;

	for (const char *p = folder; *p && at < sizeof(setup) - 3; p++) {
		if (*p == '\'')
			setup[at++] = '\'';
		setup[at++] = *p;
	}
	snprintf(setup + at, sizeof(setup) - at, "'");
	snprintf(script, sizeof(script), "%s.gp", d->name);
	ret = program_run(argv, out, sizeof(out));
	if (ret)
		remove_part(d, folder, format); /* no half picture */
	if (ret < 0)
		return err_sys(e, ret, "starting gnuplot");
	if (ret)
		return err_set(e, -EIO, "gnuplot ended with status %d on %s/%s", ret, folder, script);
	return 0;
}
