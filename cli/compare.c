// SPDX-License-Identifier: MIT
/* Tests and verdicts; see compare.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"
#include "lib/units.h"
#include "measure/rank.h"

const char *const verdict_names[VERDICT_COUNT] = {
	[VERDICT_NONE] = "none",       [VERDICT_FEW] = "few_rounds", [VERDICT_EQUAL] = "equal",
	[VERDICT_BETTER] = "better",   [VERDICT_WORSE] = "worse",    [VERDICT_CHANGED] = "changed",
	[VERDICT_MISSING] = "missing",
};

const char *const verdict_texts[VERDICT_COUNT] = {
	[VERDICT_NONE] = "no difference shown",
	[VERDICT_FEW] = "too few rounds",
	[VERDICT_EQUAL] = "equal",
	[VERDICT_BETTER] = "better",
	[VERDICT_WORSE] = "worse",
	[VERDICT_CHANGED] = "changed",
	[VERDICT_MISSING] = "not measured",
};

bool names_metric(const char *name, const char *metric)
{
	size_t len = strlen(name);

	return !strncmp(metric, name, len) && (metric[len] == '\0' || metric[len] == '_');
}

static int check_name(const char *name, const char *where, struct err *e)
{
	const char *all[128];
	size_t n = 0;

	for (const struct metric *m = metrics; m->name && n < 127; m++) {
		if (names_metric(name, m->name))
			return 0;
		all[n++] = m->name;
	}
	all[n] = NULL;
	err_set(e, -EINVAL, "%s: there is no metric '%s'", where, name);
	return err_remedy(e, "%s",
			  nearest(name, all) ? nearest(name, all) : "a metric of docs/metrics.md");
}

int compare_rules_init(struct compare_rules *rules, const struct names *thresholds,
		       const struct names *wanted, double alpha, struct err *e)
{
	if (alpha <= 0)
		return err_set(e, -EINVAL, "--alpha: has to be above 0: at 0 nothing is ever found");
	*rules = (struct compare_rules){.metrics = wanted, .alpha = alpha, .threshold = 0.05};
	for (unsigned int i = 0; i < wanted->n; i++)
		if (strcmp(wanted->v[i], "all") != 0 && check_name(wanted->v[i], "--metric", e))
			return e->code;
	for (unsigned int i = 0; i < thresholds->n; i++) {
		const char *text = thresholds->v[i], *equals = strchr(text, '=');
		char *metric = equals ? strndup(text, (size_t)(equals - text)) : NULL;
		double share;

		/* the names live as long as the process */
		if (equals && !metric)
			return err_sys(e, -ENOMEM, "--threshold");
		if (metric && check_name(metric, "--threshold", e)) {
			free(metric);
			return e->code;
		}
		if (parse_share(equals ? equals + 1 : text, &share)) {
			free(metric);
			return err_set(e, -EINVAL,
				       "--threshold: '%s' is not a share such as 5%% or latency=10%%",
				       text);
		}
		if (!metric) {
			rules->threshold = share;
		} else if (rules->nthresholds == THRESHOLDS_MAX) {
			free(metric);
			return err_set(e, -EINVAL, "--threshold: more than %d metrics", THRESHOLDS_MAX);
		} else {
			rules->thresholds[rules->nthresholds].metric = metric;
			rules->thresholds[rules->nthresholds++].share = share;
		}
	}
	return 0;
}

/* The longest name that fits wins: latency_p99_ns=20% over latency=10%. */
double compare_threshold(const struct compare_rules *rules, const char *metric)
{
	double share = rules->threshold;
	size_t best = 0;

	for (unsigned int i = 0; i < rules->nthresholds; i++) {
		size_t len = strlen(rules->thresholds[i].metric);

		if (len >= best && names_metric(rules->thresholds[i].metric, metric)) {
			best = len;
			share = rules->thresholds[i].share;
		}
	}
	return share;
}

/* Leaves out what was not measured. With pairs, both of a pair. */
static void drop_missing(double *a, size_t *na, double *b, size_t *nb, bool paired)
{
	size_t i, k;

	if (paired) {
		const size_t n = *na < *nb ? *na : *nb;

		for (i = k = 0; i < n; i++) {
			a[k] = a[i];
			b[k] = b[i];
			k += isfinite(a[i]) && isfinite(b[i]);
		}
		*na = *nb = k;
		return;
	}
	for (i = k = 0; i < *na; i++) {
		a[k] = a[i];
		k += isfinite(a[i]);
	}
	*na = k;
	for (i = k = 0; i < *nb; i++) {
		b[k] = b[i];
		k += isfinite(b[i]);
	}
	*nb = k;
}

static void range(const double *values, size_t n, double *lo, double *hi)
{
	*lo = *hi = values[0];
	for (size_t i = 1; i < n; i++) {
		*lo = values[i] < *lo ? values[i] : *lo;
		*hi = values[i] > *hi ? values[i] : *hi;
	}
}

/* A count is the same in every round, and so has no interval; where it is not, sides whose rounds overlap
 * are not told apart. */
static void compare_exactly(struct comparison *c, const double *a, const double *b, double resolution)
{
	double alo, ahi, blo, bhi;

	c->exact = true;
	if (!c->nnow) {
		c->verdict = VERDICT_MISSING;
		return;
	}
	range(a, c->nbase, &alo, &ahi);
	range(b, c->nnow, &blo, &bhi);
	if (blo <= ahi + resolution && alo <= bhi + resolution)
		c->verdict = VERDICT_EQUAL;
	else if (c->better == BETTER_NEITHER)
		c->verdict = VERDICT_CHANGED;
	else
		c->verdict =
			(blo > ahi) == (c->better == BETTER_HIGHER) ? VERDICT_BETTER : VERDICT_WORSE;
}

/* By what share the second half of a run differs from the first: the machine's doing, for nothing else
 * changed. */
static double drift_of(const double *values, size_t n)
{
	double first, second;

	if (n < 4)
		return 0;
	first = stats_median_of(values, n / 2);
	second = stats_median_of(values + (n + 1) / 2, n / 2);
	if (!(first > 0) || !(second > 0))
		return 0;
	return first > second ? first / second - 1 : second / first - 1;
}

/* With a share of the CPUs taken by others, what is measured can be 1 / (1 - share) times as slow. */
static double allowance_of(const struct comparisons *all, double drift)
{
	const double busy = all->busy_base > all->busy_now ? all->busy_base : all->busy_now;
	const double slower = 1 / (1 - busy) - 1;

	return slower > drift ? slower : drift;
}

static void test(struct comparison *c, const double *a, const double *b, const struct comparisons *all,
		 const struct compare_rules *rules)
{
	c->threshold = compare_threshold(rules, c->metric);
	if (rules->paired) {
		double *d = malloc(c->nbase * sizeof(*d));

		if (!d)
			abort();
		/* of ratios, so that 2 and 1/2 are as far; equal values (0 and 0) are no difference */
		for (size_t i = 0; i < c->nbase; i++)
			d[i] = b[i] > a[i] || b[i] < a[i] ? log(b[i] / a[i]) : 0;
		c->ratio = stats_ratio_paired(b, a, c->nbase);
		c->p = signed_rank_test(d, c->nbase);
		free(d);
	} else {
		c->allowance = allowance_of(all, fmax(drift_of(a, c->nbase), drift_of(b, c->nnow)));
		c->ratio = stats_ratio(b, c->nnow, a, c->nbase);
		c->p = rank_test(a, c->nbase, b, c->nnow);
	}
}

/* Differences of two times can be below 0; a ratio of such says nothing. */
static bool any_negative(const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (values[i] < 0)
			return true;
	return false;
}

static void compare_series(struct comparisons *out, const struct result_cell *base,
			   const struct result_cell *now, const struct compared_metric *s,
			   const struct compare_rules *rules, double *a, double *b)
{
	struct comparison *c = &out->v[out->n];
	size_t na = series_samples(s, base, a), nb = series_samples(s, now, b);

	drop_missing(a, &na, b, &nb, rules->paired && !s->exact);
	/* NEW measures more than BASE did, or it has no rounds, as `completed` says */
	if (!na || (!nb && (!(s->exact > 0) || !json_array_size(now->rounds))))
		return;
	if (!(s->exact > 0) && (any_negative(a, na) || any_negative(b, nb)))
		return;
	*c = (struct comparison){.base = base,
				 .now = now,
				 .unit = s->unit,
				 .better = s->better,
				 .nbase = na,
				 .nnow = nb,
				 .base_median = stats_median_of(a, na),
				 .now_median = nb ? stats_median_of(b, nb) : NAN,
				 .p = 1,
				 .adjusted = 1};
	snprintf(c->metric, sizeof(c->metric), "%s", s->name);
	if (s->exact > 0)
		compare_exactly(c, a, b, s->exact);
	else
		test(c, a, b, out, rules);
	out->n++;
}

/* Rounds of each side without which no test among so many can find anything. */
size_t compare_rounds_needed(size_t tests, const struct compare_rules *rules)
{
	size_t n = 2;

	while (n < 1000 && (double)tests * (rules->paired ? signed_rank_test_smallest(n)
							  : rank_test_smallest(n, n)) >
				   rules->alpha)
		n++;
	return n;
}

static enum verdict judge(const struct comparison *c, size_t tests, const struct compare_rules *rules)
{
	const double smallest = rules->paired ? signed_rank_test_smallest(c->nnow)
					      : rank_test_smallest(c->nbase, c->nnow);
	const double enough = c->threshold + c->allowance;
	const bool more = c->ratio.lo > 1 + enough, less = c->ratio.hi < 1 / (1 + enough);

	if (c->adjusted > rules->alpha && smallest * (double)tests > rules->alpha)
		return VERDICT_FEW;
	if (c->adjusted > rules->alpha || (!more && !less))
		return VERDICT_NONE;
	return more == (c->better == BETTER_HIGHER) ? VERDICT_BETTER : VERDICT_WORSE;
}

static int judge_all(struct comparisons *out, const struct compare_rules *rules, struct err *e)
{
	double *p = malloc((out->n + 1) * sizeof(*p));
	size_t k = 0;

	if (!p)
		return err_sys(e, -ENOMEM, "comparing");
	for (size_t i = 0; i < out->n; i++)
		if (!out->v[i].exact)
			p[k++] = out->v[i].p;
	stats_adjust(p, k);
	out->tests = k;
	out->rounds = compare_rounds_needed(k, rules);
	k = 0;
	for (size_t i = 0; i < out->n; i++) {
		struct comparison *c = &out->v[i];

		if (!c->exact) {
			c->adjusted = p[k++];
			c->verdict = judge(c, out->tests, rules);
		}
		out->count[c->verdict]++;
	}
	free(p);
	return 0;
}

int compare_cells(struct comparisons *out, const struct result_cell *const *base,
		  const struct result_cell *const *now, size_t n, const struct compare_rules *rules,
		  struct err *e)
{
	struct compared_metric *series = malloc(COMPARED_MAX * sizeof(*series));
	size_t rounds = 1;
	double *a, *b;
	int ret = 0;

	for (size_t i = 0; i < n; i++) {
		size_t most = series_samples_max(base[i]), other = series_samples_max(now[i]);

		most = other > most ? other : most;
		rounds = most > rounds ? most : rounds;
	}
	a = malloc(rounds * sizeof(*a));
	b = malloc(rounds * sizeof(*b));
	out->v = malloc((n * COMPARED_MAX + 1) * sizeof(*out->v));
	out->complete = rules->complete;
	if (!series || !a || !b || !out->v) {
		ret = err_sys(e, -ENOMEM, "comparing");
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		size_t k = series_of(base[i], now[i], rules, series);

		for (size_t j = 0; j < k; j++)
			if (!rules->exact_only || series[j].exact > 0)
				compare_series(out, base[i], now[i], &series[j], rules, a, b);
	}
	if (!ret)
		ret = judge_all(out, rules, e);
	free(series);
	free(a);
	free(b);
	return ret;
}

static double cpu_of(const json_t *cpu_ns, const char *role)
{
	const json_t *r = json_object_get(cpu_ns, role);

	return json_number_value(json_object_get(r, "user")) +
	       json_number_value(json_object_get(r, "kernel"));
}

static const struct result_cell *same_cell(const struct results *r, const struct result_file *f,
					   const struct result_cell *like)
{
	for (unsigned int i = 0; i < r->ncells; i++)
		if (r->cells[i].file == f && result_cells_equal(&r->cells[i], like, DIM_BIT(DIM_FILE)))
			return &r->cells[i];
	return NULL;
}

double compare_busy_share(const struct results *r, const struct result_file *f)
{
	const double cpus = json_number_value(json_object_get(f->host, "cpus_allowed"));
	double others = 0, all = 0, share;

	for (unsigned int i = 0; i < r->ncells; i++) {
		const json_t *round;
		size_t k;

		if (r->cells[i].file != f)
			continue;
		json_array_foreach (r->cells[i].rounds, k, round) {
			const json_t *cpu = json_object_get(round, "cpu_ns");
			const double system = json_number_value(json_object_get(cpu, "system"));

			if (!json_object_get(cpu, "system"))
				continue;
			others += system + json_number_value(json_object_get(round, "stolen_ns")) -
				  json_number_value(json_object_get(round, "produce_cpu_ns")) -
				  cpu_of(cpu, "client") - cpu_of(cpu, "server");
			all += cpus * json_number_value(json_object_get(round, "wall_ns"));
		}
	}
	share = all > 0 ? others / all : 0;
	return share < 0 ? 0 : share > 0.99 ? 0.99 : share;
}

int compare_files(struct comparisons *out, const struct results *r, const struct compare_rules *rules,
		  struct err *e)
{
	const struct result_cell **base = calloc(4 * (r->ncells + 1ul), sizeof(*base)), **now;
	size_t n = 0;
	int ret;

	*out = (struct comparisons){.busy_base = compare_busy_share(r, &r->files[0]),
				    .busy_now = compare_busy_share(r, &r->files[1])};
	if (!base)
		return err_sys(e, -ENOMEM, "comparing");
	now = base + r->ncells + 1;
	out->only_base = calloc(r->ncells + 1ul, sizeof(*base));
	out->only_now = calloc(r->ncells + 1ul, sizeof(*base));
	if (!out->only_base || !out->only_now) {
		free(base);
		return err_sys(e, -ENOMEM, "comparing");
	}
	for (unsigned int i = 0; i < r->ncells; i++) {
		const struct result_cell *c = &r->cells[i];
		const bool in_base = c->file == &r->files[0];
		const struct result_cell *other = same_cell(r, &r->files[in_base ? 1 : 0], c);

		if (!other && in_base)
			out->only_base[out->nonly_base++] = c;
		else if (!other)
			out->only_now[out->nonly_now++] = c;
		else if (in_base) {
			base[n] = c;
			now[n++] = other;
		}
	}
	if (!n) {
		err_set(e, -ENOENT, "%s and %s have no cell in common", r->files[0].name,
			r->files[1].name);
		ret = err_remedy(e, "two results of the same command");
	} else {
		ret = compare_cells(out, base, now, n, rules, e);
	}
	free(base);
	return ret;
}

void compare_free(struct comparisons *c)
{
	free(c->v);
	free(c->only_base);
	free(c->only_now);
	*c = (struct comparisons){0};
}

bool comparison_is_regression(const struct comparison *c, bool complete)
{
	return c->verdict == VERDICT_WORSE || c->verdict == VERDICT_CHANGED ||
	       (c->verdict == VERDICT_MISSING && complete);
}

size_t compare_regressions(const struct comparisons *c)
{
	size_t n = c->complete ? c->nonly_base : 0;

	for (size_t i = 0; i < c->n; i++)
		n += comparison_is_regression(&c->v[i], c->complete);
	return n;
}

char *comparison_cell(char *buf, size_t len, const struct comparison *c)
{
	const bool same_path = !strcmp(c->base->label, c->now->label);
	char text[400];
	int n;

	result_cell_describe(text, sizeof(text), c->base, 0);
	/* the sides of an ab may differ in any dimension */
	if (result_cells_equal(c->base, c->now, DIM_BIT(DIM_FILE) | DIM_BIT(DIM_PATH))) {
		snprintf(buf, len, "%s%s%s %s", c->base->label, same_path ? "" : " / ",
			 same_path ? "" : c->now->label, text);
		return buf;
	}
	n = snprintf(buf, len, "%s %s / ", c->base->label, text);
	result_cell_describe(text, sizeof(text), c->now, 0);
	if (n > 0 && (size_t)n < len)
		snprintf(buf + n, len - (size_t)n, "%s %s", c->now->label, text);
	return buf;
}

char *comparison_explain(char *buf, size_t len, const struct comparison *c)
{
	const char *text = json_string_value(json_object_get(
		c->now->json, !strcmp(c->metric, "completed") ? "error" : "path_problem"));
	char before[48], after[48];

	format_metric(before, sizeof(before), c->base_median, c->unit);
	format_metric(after, sizeof(after), c->now_median, c->unit);
	if (c->verdict == VERDICT_MISSING)
		snprintf(buf, len, "%s was not measured", c->metric);
	else if (c->exact && !comparison_is_regression(c, true))
		snprintf(buf, len, "%s: %s -> %s", c->metric, before, after);
	else if (!strncmp(c->metric, "copies.", 7))
		snprintf(buf, len, "hop %s copies each byte %s times, not %s times", c->metric + 7,
			 after, before);
	else if (!strncmp(c->metric, "route.", 6))
		snprintf(buf, len, "%.0f %% of the payload came by route %s, not %.0f %%",
			 100 * c->now_median, c->metric + 6, 100 * c->base_median);
	else if (!strcmp(c->metric, "completed"))
		snprintf(buf, len, "%s", text ? text : "it was not measured");
	else if (!strcmp(c->metric, "path_ok"))
		snprintf(buf, len, "%s", text ? text : "the path is not what it claims to be");
	else if (c->exact)
		snprintf(buf, len, "%s is %s, not %s", c->metric, after, before);
	else
		snprintf(buf, len, "%s: %s -> %s, %.3f times (%.3f .. %.3f)", c->metric, before, after,
			 c->ratio.median, c->ratio.lo, c->ratio.hi);
	return buf;
}
