// SPDX-License-Identifier: MIT
/* zcbench compare: is NEW worse than BASE? See compare.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/compare.h"
#include "lib/units.h"

const char *const compare_format_names[] = {"table", "markdown",         "junit",
					    "json",  "benchmark-action", NULL};

void compare_print(FILE *f, const char *format, const struct compare_report *r)
{
	static void (*const print[])(FILE *, const struct compare_report *) = {
		compare_table, compare_markdown, compare_junit, compare_json, compare_benchmark_action,
	};

	for (size_t i = 0; compare_format_names[i]; i++)
		if (!strcmp(format, compare_format_names[i]))
			print[i](f, r);
}

static int usage(struct err *e)
{
	err_print(e);
	return EXIT_USAGE;
}

static int compare(const struct config *c, const struct results *r, struct compare_rules *rules)
{
	struct difference differs[DIFFERENCES_MAX];
	struct comparisons all;
	struct compare_report report = {
		.c = &all,
		.differs = differs,
		.rules = rules,
		.base = r->files[0].name,
		.now = r->files[1].name,
		.base_root = r->files[0].root,
		.now_root = r->files[1].root,
	};
	struct err e = {0};
	int status = EXIT_FAILED;

	report.ndiffers = compare_hosts(&r->files[0], &r->files[1], differs);
	if (compare_check_hosts(differs, report.ndiffers, &c->compare.across, &e)) {
		err_print(&e);
		return EXIT_FAILED;
	}
	if ((r->files[0].emulated || r->files[1].emulated) && !rules->exact_only) {
		warn("times of an emulated machine mean nothing: only exact metrics are compared");
		rules->exact_only = true;
	}
	if (compare_files(&all, r, rules, &e)) {
		err_print(&e);
	} else {
		compare_print(stdout, c->compare.format, &report);
		status = compare_regressions(&all) ? EXIT_REGRESSION : EXIT_OK;
	}
	compare_free(&all);
	return status;
}

int cmd_compare(struct options *o)
{
	const struct config *c = &o->config;
	struct compare_rules rules;
	struct results r;
	struct err e = {0};
	int status;

	if (o->rest.n != 2) {
		err_set(&e, -EINVAL, "compare takes two results, BASE and NEW");
		err_remedy(&e, "zcbench compare results/before results/after");
		return usage(&e);
	}
	if (compare_rules_init(&rules, &c->compare.threshold, &c->compare.metric, c->compare.alpha, &e))
		return usage(&e);
	rules.exact_only = c->compare.exact;
	rules.complete = c->compare.complete;
	if (results_load(&r, o->rest.v, 2, true, &e)) {
		err_print(&e);
		return EXIT_FAILED;
	}
	status = compare(c, &r, &rules);
	results_free(&r);
	return status;
}
