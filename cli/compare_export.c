// SPDX-License-Identifier: MIT
/* A comparison for machines: JUnit, JSON, and what dashboards of benchmark results read; see compare.h. */
#include <math.h>
#include <string.h>

#include "cli/compare.h"
#include "lib/control.h"

/* XML 1.0 has no way to write most control characters: they become '?'. */
static void print_xml(FILE *f, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '&')
			fprintf(f, "&amp;");
		else if (c == '<')
			fprintf(f, "&lt;");
		else if (c == '>')
			fprintf(f, "&gt;");
		else if (c == '"')
			fprintf(f, "&quot;");
		else
			fputc(c < 0x20 ? '?' : c, f);
	}
}

static void junit_case(FILE *f, const struct comparison *c, const struct compare_report *r)
{
	char cell[500], text[500];

	fprintf(f, "    <testcase classname=\"");
	print_xml(f, comparison_cell(cell, sizeof(cell), c));
	fprintf(f, "\" name=\"");
	print_xml(f, c->metric);
	fprintf(f, "\" time=\"0\">\n");
	comparison_explain(text, sizeof(text), c);
	if (comparison_is_regression(c, r->c->complete)) {
		fprintf(f, "      <failure type=\"%s\" message=\"", verdict_names[c->verdict]);
		print_xml(f, text);
		fprintf(f, "\"></failure>\n");
	} else if (c->verdict == VERDICT_FEW || c->verdict == VERDICT_MISSING) {
		fprintf(f, "      <skipped message=\"%s\"></skipped>\n", verdict_texts[c->verdict]);
	}
	fprintf(f, "      <system-out>%s: ", verdict_texts[c->verdict]);
	print_xml(f, text);
	fprintf(f, "</system-out>\n    </testcase>\n");
}

static void junit_lost_cell(FILE *f, const struct result_cell *c, bool complete)
{
	char text[400];

	fprintf(f, "    <testcase classname=\"");
	print_xml(f, c->label);
	fputc(' ', f);
	print_xml(f, result_cell_describe(text, sizeof(text), c, 0));
	fprintf(f,
		"\" name=\"present\" time=\"0\">\n      <%s message=\"only in base\"></%s>\n    "
		"</testcase>\n",
		complete ? "failure type=\"missing\"" : "skipped", complete ? "failure" : "skipped");
}

void compare_junit(FILE *f, const struct compare_report *r)
{
	const struct comparisons *c = r->c;
	const size_t tests = c->n + c->nonly_base, failures = compare_regressions(c);
	size_t skipped = c->count[VERDICT_FEW];

	if (!c->complete)
		skipped += c->count[VERDICT_MISSING] + c->nonly_base;
	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	fprintf(f, "<testsuites tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\">\n", tests,
		failures);
	fprintf(f,
		"  <testsuite name=\"zcbench compare\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
		"skipped=\"%zu\" time=\"0\">\n    <properties>\n",
		tests, failures, skipped);
	fprintf(f, "      <property name=\"base\" value=\"");
	print_xml(f, r->base);
	fprintf(f, "\"></property>\n      <property name=\"new\" value=\"");
	print_xml(f, r->now);
	fprintf(f, "\"></property>\n");
	for (size_t i = 0; i < r->ndiffers; i++) {
		fprintf(f, "      <property name=\"differs: ");
		print_xml(f, r->differs[i].member);
		fprintf(f, "\" value=\"");
		print_xml(f, r->differs[i].base);
		fprintf(f, " / ");
		print_xml(f, r->differs[i].now);
		fprintf(f, "\"></property>\n");
	}
	fprintf(f, "    </properties>\n");
	for (size_t i = 0; i < c->n; i++)
		junit_case(f, &c->v[i], r);
	for (size_t i = 0; i < c->nonly_base; i++)
		junit_lost_cell(f, c->only_base[i], c->complete);
	fprintf(f, "  </testsuite>\n</testsuites>\n");
}

/* JSON has no infinity. */
static void set_number(json_t *obj, const char *name, double v)
{
	if (isfinite(v))
		json_object_set_new(obj, name, json_real(v));
}

static json_t *cell_json(const struct result_cell *c)
{
	json_t *out = json_object();

	for (int d = DIM_PATH; d < DIM_COUNT; d++) {
		json_t *v = json_object_get(c->json, dimension_names[d]);

		if (v)
			json_object_set(out, dimension_names[d], v);
	}
	json_object_set(out, "path_options", json_object_get(c->json, "path_options"));
	return out;
}

static json_t *side_json(double median, size_t rounds)
{
	json_t *out = json_pack("{s:I}", "rounds", (json_int_t)rounds);

	set_number(out, "median", median);
	return out;
}

static json_t *comparison_json(const struct comparison *c)
{
	static const char *const better[] = {
		[BETTER_HIGHER] = "higher", [BETTER_LOWER] = "lower", [BETTER_NEITHER] = "neither"};
	json_t *out =
		json_pack("{s:o, s:s, s:s, s:s, s:b, s:o, s:o, s:s}", "cell", cell_json(c->base),
			  "metric", c->metric, "unit", c->unit, "better", better[c->better], "exact",
			  (int)c->exact, "base", side_json(c->base_median, c->nbase), "new",
			  side_json(c->now_median, c->nnow), "verdict", verdict_names[c->verdict]);
	json_t *ratio;

	/* the sides of an ab can be different cells */
	if (strcmp(c->base->label, c->now->label) != 0)
		json_object_set_new(out, "new_cell", cell_json(c->now));
	if (c->exact)
		return out;
	ratio = json_object();
	set_number(ratio, "median", c->ratio.median);
	set_number(ratio, "lo", c->ratio.lo);
	set_number(ratio, "hi", c->ratio.hi);
	json_object_set_new(out, "ratio", ratio);
	set_number(out, "p", c->p);
	set_number(out, "p_adjusted", c->adjusted);
	set_number(out, "threshold", c->threshold);
	set_number(out, "allowance", c->allowance);
	return out;
}

static json_t *file_json(const char *name, const json_t *root, double busy)
{
	json_t *out = json_pack("{s:o, s:f}", "name", json_text(name), "others_cpu_share", busy);

	json_object_set(out, "git", json_object_get(root, "git"));
	json_object_set(out, "started", json_object_get(json_object_get(root, "run"), "started"));
	return out;
}

static json_t *cells_json(const struct result_cell *const *cells, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, cell_json(cells[i]));
	return out;
}

void compare_json(FILE *f, const struct compare_report *r)
{
	json_t *list = json_array(), *totals = json_object(), *differs = json_array(), *root;

	for (size_t i = 0; i < r->c->n; i++)
		json_array_append_new(list, comparison_json(&r->c->v[i]));
	for (int v = 0; v < VERDICT_COUNT; v++)
		json_object_set_new(totals, verdict_names[v], json_integer((json_int_t)r->c->count[v]));
	for (size_t i = 0; i < r->ndiffers; i++)
		json_array_append_new(
			differs, json_pack("{s:s, s:s, s:o, s:o}", "kind", r->differs[i].kind, "member",
					   r->differs[i].member, "base", json_text(r->differs[i].base),
					   "new", json_text(r->differs[i].now)));
	root = json_pack("{s:i, s:o, s:o, s:o, s:f, s:b, s:o, s:o, s:o, s:o}", "schema", 1, "base",
			 file_json(r->base, r->base_root, r->c->busy_base), "new",
			 file_json(r->now, r->now_root, r->c->busy_now), "differs", differs, "alpha",
			 r->rules->alpha, "regression", compare_regressions(r->c) > 0, "totals", totals,
			 "comparisons", list, "only_in_base",
			 cells_json(r->c->only_base, r->c->nonly_base), "only_in_new",
			 cells_json(r->c->only_now, r->c->nonly_now));
	json_dumpf(root, f, JSON_INDENT(1));
	fputc('\n', f);
	json_decref(root);
}

static json_t *benchmark_json(const struct comparison *c)
{
	char cell[500], name[600], range[80] = "exact", extra[600], text[500];
	json_t *out;

	snprintf(name, sizeof(name), "%s: %s", comparison_cell(cell, sizeof(cell), c), c->metric);
	if (!c->exact)
		snprintf(range, sizeof(range), "ratio %.3f .. %.3f", c->ratio.lo, c->ratio.hi);
	snprintf(extra, sizeof(extra), "%s\n%s", verdict_texts[c->verdict],
		 comparison_explain(text, sizeof(text), c));
	out = json_pack("{s:s, s:s, s:f, s:s, s:o}", "name", name, "unit", c->unit, "value",
			c->now_median, "range", range, "extra", json_text(extra));
	return out;
}

/* Dashboards take one direction for a whole file: what is better when lower, or if nothing is, what is
 * better when higher. */
void compare_benchmark_action(FILE *f, const struct compare_report *r)
{
	enum better direction = BETTER_HIGHER;
	json_t *list = json_array();
	const char *left_out = NULL;

	for (size_t i = 0; i < r->c->n; i++)
		if (r->c->v[i].better == BETTER_LOWER)
			direction = BETTER_LOWER;
	for (size_t i = 0; i < r->c->n; i++) {
		const struct comparison *c = &r->c->v[i];

		if (c->better == direction && isfinite(c->now_median))
			json_array_append_new(list, benchmark_json(c));
		else if (c->better == BETTER_HIGHER && !c->exact)
			left_out = c->metric;
	}
	if (left_out)
		warn("one such file has one direction, here smaller is better: %s is not in it "
		     "(--metric %s makes a file of its own)",
		     left_out, left_out);
	json_dumpf(list, f, JSON_INDENT(1));
	fputc('\n', f);
	json_decref(list);
}
