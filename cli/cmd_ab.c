// SPDX-License-Identifier: MIT
/* zcbench ab: two builds, settings or paths, in turns, until the interval is narrow enough. See docs/compare.md. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/ab.h"
#include "cli/cmd.h"
#include "cli/compare.h"
#include "cli/round.h"
#include "lib/clock.h"
#include "lib/units.h"

struct ab {
	const struct config *c;
	const struct names *words; /* of the workload */
	struct side a, b;
	struct compare_rules rules;
	struct rundir dir;
	bool has_dir;
	char folder[4000];
	uint64_t start_ns, pairs, longest_ns;
	double width; /* of the widest interval that --until is about, half of it, as a share */
};

/* What --until is about: the metrics that were asked for, else the throughput. */
static bool steers(const struct ab *ab, const struct metric *m)
{
	if (m->better == BETTER_NEITHER || m->exact > 0 || m->counted)
		return false;
	if (!ab->rules.metrics->n)
		return !strcmp(m->name, "throughput_bytes_per_s");
	for (unsigned int i = 0; i < ab->rules.metrics->n; i++)
		if (names_metric(ab->rules.metrics->v[i], m->name))
			return true;
	return false;
}

/* Half the interval of the ratio of one metric of one cell, as a share of the ratio; 0 if it has none. */
static double width_of(const struct metric *m, const json_t *a, const json_t *b, double *x, double *y)
{
	const json_t *ra = json_object_get(a, "rounds"), *rb = json_object_get(b, "rounds");
	size_t n = json_array_size(ra) < json_array_size(rb) ? json_array_size(ra) : json_array_size(rb);
	size_t k = 0;
	struct summary s;

	for (size_t i = 0; i < n; i++) {
		x[k] = m->value(json_array_get(ra, i));
		y[k] = m->value(json_array_get(rb, i));
		k += isfinite(x[k]) && isfinite(y[k]) && x[k] > 0;
	}
	if (!k)
		return 0;
	s = stats_ratio_paired(y, x, k);
	return s.median > 0 ? (s.hi - s.lo) / 2 / s.median : 0;
}

static void find_width(struct ab *ab)
{
	const json_t *ca = json_object_get(ab->a.root, "cells"),
		     *cb = json_object_get(ab->b.root, "cells");
	double *x = malloc((ab->pairs + 1) * sizeof(*x)), *y = malloc((ab->pairs + 1) * sizeof(*y));

	ab->width = 0;
	for (size_t i = 0; x && y && i < json_array_size(ca) && i < json_array_size(cb); i++)
		for (const struct metric *m = metrics; m->name; m++) {
			double w = steers(ab, m) ? width_of(m, json_array_get(ca, i),
							    json_array_get(cb, i), x, y)
						 : 0;

			ab->width = w > ab->width ? w : ab->width;
		}
	free(x);
	free(y);
}

static int one_pair(struct ab *ab, struct err *e)
{
	/* A B, B A, A B, ...: what drifts steadily favours neither */
	struct side *first = ab->pairs % 2 ? &ab->b : &ab->a, *second = ab->pairs % 2 ? &ab->a : &ab->b;
	const uint64_t start = clock_ns();
	int ret = side_round(first, ab->words, ab->pairs == 0, ab->folder, &ab->dir, e);

	if (!ret && !interrupted)
		ret = side_round(second, ab->words, ab->pairs == 0, ab->folder, &ab->dir, e);
	if (ret || interrupted)
		return interrupted ? 0 : ret;
	if (!ab->pairs && json_array_size(json_object_get(ab->a.root, "cells")) !=
				  json_array_size(json_object_get(ab->b.root, "cells"))) {
		err_set(e, -EINVAL, "side '%s' has %zu cells, and side '%s' %zu", ab->a.text,
			json_array_size(json_object_get(ab->a.root, "cells")), ab->b.text,
			json_array_size(json_object_get(ab->b.root, "cells")));
		return err_remedy(e, "name the paths: -- --path copy");
	}
	ab->pairs++;
	if (clock_ns() - start > ab->longest_ns)
		ab->longest_ns = clock_ns() - start;
	return 0;
}

static void show_progress(const struct ab *ab)
{
	if (isatty(STDERR_FILENO) && !ab->c->ab.quiet)
		fprintf(stderr, "\r\033[Kpair %llu, +- %.1f %%, %llu s of %llu s",
			(unsigned long long)ab->pairs, 100 * ab->width,
			(unsigned long long)((clock_ns() - ab->start_ns) / NSEC_PER_SEC),
			(unsigned long long)(ab->c->ab.budget_ns / NSEC_PER_SEC));
}

/* Pairs until the interval is narrow enough, and enough of them for the tests to find something. When it
 * ends must not depend on which side is ahead: that would find differences where none are. */
static int all_pairs(struct ab *ab, struct err *e)
{
	size_t needed = 1, cells;
	int ret = 0;

	ab->start_ns = clock_ns();
	while (!interrupted && !ret) {
		ret = one_pair(ab, e);
		if (ret || interrupted || ab->a.failed || ab->b.failed || ab->rules.exact_only)
			break;
		cells = json_array_size(json_object_get(ab->a.root, "cells"));
		needed = compare_rounds_needed(cells * compare_timed_metrics(&ab->rules), &ab->rules);
		find_width(ab);
		show_progress(ab);
		if (ab->pairs >= needed && ab->width <= ab->c->ab.until)
			break;
		if (clock_ns() - ab->start_ns + ab->longest_ns > ab->c->ab.budget_ns)
			break;
	}
	if (isatty(STDERR_FILENO) && !ab->c->ab.quiet)
		fprintf(stderr, "\r\033[K");
	return ret;
}

static int write_results(struct ab *ab, struct err *e)
{
	char path[4100];
	int ret = side_write(&ab->a, ab->folder, "a", e);

	if (!ret)
		ret = side_write(&ab->b, ab->folder, "b", e);
	snprintf(path, sizeof(path), "%s/work/result.json", ab->folder);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	return ret;
}

static void print_end(const struct ab *ab)
{
	const char *why = ab->width <= ab->c->ab.until   ? "narrow enough"
			  : ab->a.failed || ab->b.failed ? "a cell failed"
			  : interrupted                  ? "interrupted"
							 : "the budget ended (--budget)";

	if (ab->c->ab.quiet)
		return;
	if (ab->rules.exact_only)
		fprintf(stderr, "results: %s/a and b\n", ab->folder);
	else
		fprintf(stderr, "%llu pairs in %llu s, +- %.1f %%: %s\nresults: %s/a and b\n",
			(unsigned long long)ab->pairs,
			(unsigned long long)((clock_ns() - ab->start_ns) / NSEC_PER_SEC),
			100 * ab->width, why, ab->folder);
}

static int print_comparison(struct ab *ab, struct err *e)
{
	char a[4100], b[4100];
	const struct result_cell *base[512], *now[512];
	struct comparisons all = {0};
	struct results r;
	size_t n;
	int ret;

	snprintf(a, sizeof(a), "%s/a", ab->folder);
	snprintf(b, sizeof(b), "%s/b", ab->folder);
	ret = results_load(&r, (const char *const[]){a, b}, 2, true, e);
	if (ret)
		return ret;
	/* by their order: the sides may differ in a dimension */
	n = r.ncells / 2 < 512 ? r.ncells / 2 : 512;
	for (size_t i = 0; i < n; i++) {
		base[i] = &r.cells[i];
		now[i] = &r.cells[r.ncells / 2 + i];
	}
	if (r.files[0].emulated && !ab->rules.exact_only) {
		warn("times of an emulated machine mean nothing: only exact metrics are compared");
		ab->rules.exact_only = true;
	}
	ret = compare_cells(&all, base, now, n, &ab->rules, e);
	if (!ret) {
		struct difference differs[DIFFERENCES_MAX];
		struct compare_report report = {.c = &all,
						.differs = differs,
						.rules = &ab->rules,
						.base = ab->a.text,
						.now = ab->b.text,
						.base_root = r.files[0].root,
						.now_root = r.files[1].root};

		report.ndiffers = compare_hosts(&r.files[0], &r.files[1], differs);
		compare_print(stdout, ab->c->compare.format, &report);
		ret = compare_regressions(&all) ? EXIT_REGRESSION : EXIT_OK;
	}
	compare_free(&all);
	results_free(&r);
	return ret;
}

static int make_folders(struct ab *ab, struct err *e)
{
	char now[40];
	time_t t = time(NULL);
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(now, sizeof(now), "results/ab-%Y%m%d-%H%M%S", &tm);
	snprintf(ab->folder, sizeof(ab->folder), "%s", ab->c->ab.output ? ab->c->ab.output : now);
	if (!ab->c->ab.output && mkdir("results", 0755) && errno != EEXIST)
		return err_sys(e, -errno, "making folder results");
	if (mkdir(ab->folder, 0755) && errno != EEXIST)
		return err_remedy((err_sys(e, -errno, "making folder %s", ab->folder), e),
				  "--output DIR with a place that you can write to");
	return 0;
}

static int measure(struct ab *ab, struct err *e)
{
	int ret = make_folders(ab, e);

	if (!ret && (ab->a.setting[0] || ab->b.setting[0])) {
		ret = rundir_open(&ab->dir, e);
		ab->has_dir = !ret;
	}
	if (ret)
		return ret;
	catch_interrupts();
	ret = all_pairs(ab, e);
	if (ab->has_dir)
		rundir_close(&ab->dir);
	if (!ret && ab->a.root && ab->b.root)
		ret = write_results(ab, e);
	return ret;
}

static int usage(const struct err *e)
{
	err_print(e);
	return EXIT_USAGE;
}

int cmd_ab(struct options *o)
{
	static struct ab ab;
	const struct config *c = &o->config;
	struct err e = {0};
	int ret;

	ab.c = c;
	ab.words = &o->rest;
	if (!c->ab.a || !c->ab.b) {
		err_set(&e, -EINVAL, "ab needs two sides, --a and --b");
		err_remedy(&e, "zcbench ab --a copy --b uring -- --sink read --bs 1m");
		return usage(&e);
	}
	if (compare_rules_init(&ab.rules, &c->compare.threshold, &c->compare.metric, c->compare.alpha,
			       &e) ||
	    side_init(&ab.a, c->ab.a, &e) || side_init(&ab.b, c->ab.b, &e))
		return usage(&e);
	ab.rules.paired = true;
	ab.rules.exact_only = c->compare.exact;
	ab.rules.complete = c->compare.complete;
	ret = measure(&ab, &e);
	if (!ret && (!ab.a.root || !ab.b.root || !ab.pairs))
		ret = err_set(&e, -EINTR, "interrupted before both sides had a round");
	if (!ret) {
		print_end(&ab);
		ret = print_comparison(&ab, &e);
	}
	side_free(&ab.a);
	side_free(&ab.b);
	if (ret < 0)
		err_print(&e);
	return ret < 0 || interrupted ? EXIT_FAILED : ret;
}
