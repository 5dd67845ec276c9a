// SPDX-License-Identifier: MIT
/* A comparison for people: on a terminal, and as markdown for a pull request; see compare.h. */
#include <math.h>
#include <string.h>

#include "cli/compare.h"
#include "lib/units.h"

char *format_metric(char *buf, size_t len, double v, const char *unit)
{
	if (!isfinite(v))
		snprintf(buf, len, "-");
	else if (!strcmp(unit, "bytes/s"))
		format_rate(buf, len, v);
	else if (!strcmp(unit, "bytes"))
		format_bytes(buf, len, v);
	else if (!strcmp(unit, "ns"))
		format_time(buf, len, v);
	else if (!strcmp(unit, "ns/KiB") || !strcmp(unit, "ns/MiB") || !strcmp(unit, "ns/op"))
		snprintf(buf, len, v < 99.95 ? "%.3g %s" : "%.0f %s", v, unit);
	else
		snprintf(buf, len, v < 9999.5 ? "%.2f" : "%.4g", v);
	return buf;
}

/* "0.913  0.88 .. 0.95" */
static void format_ratio(char *buf, size_t len, const struct comparison *c, const char *before_interval)
{
	if (c->exact)
		snprintf(buf, len, "exact");
	else
		snprintf(buf, len, "%.3f%s%.3f .. %.3f", c->ratio.median, before_interval, c->ratio.lo,
			 c->ratio.hi);
}

static void print_side(FILE *f, const char *what, const char *name, const json_t *root)
{
	const char *git = json_string_value(json_object_get(root, "git"));
	const char *kernel = json_string_value(json_object_get(json_object_get(root, "host"), "kernel"));
	const char *when = json_string_value(json_object_get(json_object_get(root, "run"), "started"));

	fprintf(f, "%s %s  (%s, Linux %s, %s)\n", what, name, git ? git : "?", kernel ? kernel : "?",
		when ? when : "?");
}

/* "2 worse, 1 better, 40 no difference shown" */
static void print_totals(FILE *f, const struct comparisons *c)
{
	static const enum verdict order[] = {VERDICT_WORSE,  VERDICT_CHANGED, VERDICT_MISSING,
					     VERDICT_BETTER, VERDICT_NONE,    VERDICT_FEW,
					     VERDICT_EQUAL};
	const char *before = "";

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!c->count[order[i]])
			continue;
		fprintf(f, "%s%zu %s", before, c->count[order[i]], verdict_texts[order[i]]);
		before = ", ";
	}
	fprintf(f, "%s\n", *before ? "" : "nothing to compare");
}

static void print_few(FILE *f, const struct comparisons *c, const struct compare_rules *rules)
{
	if (c->count[VERDICT_FEW])
		fprintf(f,
			"too few rounds: with %zu tests, finding anything at %g %% takes at least %zu "
			"rounds "
			"a side\n",
			c->tests, 100 * rules->alpha, c->rounds);
}

/* Above a tenth, it is worth a line. */
static void print_busy(FILE *f, const struct comparisons *c)
{
	const double most = c->busy_base > c->busy_now ? c->busy_base : c->busy_now;

	if (most > 0.1 && c->tests)
		fprintf(f,
			"others took %.0f %% of the CPUs in base and %.0f %% in new: timed ratios up to "
			"%.2f may be "
			"theirs\n",
			100 * c->busy_base, 100 * c->busy_now, 1 / (1 - most));
}

static void print_only(FILE *f, const char *what, const struct result_cell *const *cells, size_t n)
{
	char text[400];

	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s: %s %s\n", what, cells[i]->label,
			result_cell_describe(text, sizeof(text), cells[i], 0));
}

/* Exact ones that are equal are only counted. */
static size_t print_cell(FILE *f, const struct comparisons *all, size_t i)
{
	const struct comparison *first = &all->v[i];
	size_t equal = 0;
	char cell[500];

	fprintf(f, "\n%s\n", comparison_cell(cell, sizeof(cell), first));
	for (; i < all->n && all->v[i].base == first->base; i++) {
		const struct comparison *c = &all->v[i];
		char base[48], now[48], ratio[64];

		equal += c->verdict == VERDICT_EQUAL;
		if (c->verdict == VERDICT_EQUAL)
			continue;
		format_metric(base, sizeof(base), c->base_median, c->unit);
		format_metric(now, sizeof(now), c->now_median, c->unit);
		format_ratio(ratio, sizeof(ratio), c, "  ");
		fprintf(f, "  %c %-24s %12s %12s  %-23s %s\n",
			comparison_is_regression(c, all->complete) ? '!'
			: c->verdict == VERDICT_BETTER             ? '+'
								   : ' ',
			c->metric, base, now, ratio, verdict_texts[c->verdict]);
	}
	if (equal)
		fprintf(f, "    %zu exact %s equal\n", equal, equal == 1 ? "metric is" : "metrics are");
	return i;
}

static void print_regressions(FILE *f, const struct comparisons *all)
{
	char cell[500], text[500];

	for (size_t i = 0; i < all->n; i++)
		if (comparison_is_regression(&all->v[i], all->complete))
			fprintf(f, "regression: %s: %s\n",
				comparison_cell(cell, sizeof(cell), &all->v[i]),
				comparison_explain(text, sizeof(text), &all->v[i]));
}

void compare_table(FILE *f, const struct compare_report *r)
{
	print_side(f, "base", r->base, r->base_root);
	print_side(f, "new ", r->now, r->now_root);
	for (size_t i = 0; i < r->ndiffers; i++)
		fprintf(f, "differs: %s: %s / %s\n", r->differs[i].member, r->differs[i].base,
			r->differs[i].now);
	fprintf(f, "\n    %-24s %12s %12s  %-23s %s\n", "metric", "base", "new", "ratio  95 % interval",
		"verdict");
	for (size_t i = 0; i < r->c->n;)
		i = print_cell(f, r->c, i);
	fprintf(f, "\n");
	print_only(f, "only in base", r->c->only_base, r->c->nonly_base);
	print_only(f, "only in new", r->c->only_now, r->c->nonly_now);
	print_totals(f, r->c);
	print_few(f, r->c, r->rules);
	print_busy(f, r->c);
	print_regressions(f, r->c);
}

/* What would end a table's cell or begin markup, made harmless. */
static void print_escaped(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (strchr("|\\`*_<>[]&", *text))
			fputc('\\', f);
		fputc(*text == '\n' ? ' ' : *text, f);
	}
}

static void markdown_rows(FILE *f, const struct comparisons *all, bool findings)
{
	fprintf(f, "| cell | metric | base | new | ratio (95 %% interval) | verdict |\n"
		   "|---|---|--:|--:|--:|---|\n");
	for (size_t i = 0; i < all->n; i++) {
		const struct comparison *c = &all->v[i];
		const bool bad = comparison_is_regression(c, all->complete);
		char cell[500], base[48], now[48], ratio[64];

		if (c->verdict == VERDICT_EQUAL || (findings && !bad && c->verdict != VERDICT_BETTER))
			continue;
		fprintf(f, "| ");
		print_escaped(f, comparison_cell(cell, sizeof(cell), c));
		fprintf(f, " | ");
		print_escaped(f, c->metric);
		format_ratio(ratio, sizeof(ratio), c, " (");
		fprintf(f, " | %s | %s | %s%s | %s%s%s |\n",
			format_metric(base, sizeof(base), c->base_median, c->unit),
			format_metric(now, sizeof(now), c->now_median, c->unit), ratio,
			c->exact ? "" : ")", bad ? "**" : "", verdict_texts[c->verdict],
			bad ? "**" : "");
	}
}

static void markdown_item(FILE *f, const char *what, const char *a, const char *between, const char *b)
{
	fprintf(f, "- ");
	print_escaped(f, what);
	fprintf(f, ": ");
	print_escaped(f, a);
	fprintf(f, "%s", between);
	print_escaped(f, b);
	fputc('\n', f);
}

void compare_markdown(FILE *f, const struct compare_report *r)
{
	const size_t bad = compare_regressions(r->c);
	char cell[500], text[500];

	fprintf(f, "### zcbench: %s\n\n", bad ? "a regression was found" : "no regression was found");
	print_totals(f, r->c);
	print_few(f, r->c, r->rules);
	print_busy(f, r->c);
	fprintf(f, "\n");
	markdown_item(f, "base", r->base, "", "");
	markdown_item(f, "new", r->now, "", "");
	for (size_t i = 0; i < r->ndiffers; i++)
		markdown_item(f, r->differs[i].member, r->differs[i].base, " / ", r->differs[i].now);
	for (size_t i = 0; i < r->c->nonly_base; i++)
		markdown_item(f, "only in base", r->c->only_base[i]->label, " ",
			      result_cell_describe(text, sizeof(text), r->c->only_base[i], 0));
	for (size_t i = 0; i < r->c->n; i++)
		if (comparison_is_regression(&r->c->v[i], r->c->complete))
			markdown_item(f, "regression", comparison_cell(cell, sizeof(cell), &r->c->v[i]),
				      ": ", comparison_explain(text, sizeof(text), &r->c->v[i]));
	if (bad || r->c->count[VERDICT_BETTER]) {
		fprintf(f, "\n");
		markdown_rows(f, r->c, true);
	}
	fprintf(f,
		"\n<details><summary>All comparisons but the exact ones that are equal</summary>\n\n");
	markdown_rows(f, r->c, false);
	fprintf(f, "\n</details>\n");
}
