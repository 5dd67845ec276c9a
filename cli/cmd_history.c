// SPDX-License-Identifier: MIT
/* zcbench history: results over time. See history.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/figure.h"
#include "cli/history.h"
#include "cli/result.h"

static int failed(const struct err *e)
{
	err_print(e);
	return EXIT_FAILED;
}

static int usage(const char *what, const char *remedy)
{
	struct err e = {0};

	err_set(&e, -EINVAL, "%s", what);
	err_remedy(&e, "%s", remedy);
	err_print(&e);
	return EXIT_USAGE;
}

/* Each file by itself: one that cannot be read does not keep the others out. */
static int add(const struct config *c, struct history *h, const struct names *files)
{
	int status = EXIT_OK;

	for (unsigned int i = 1; i < files->n; i++) {
		struct results r;
		struct err e = {0};
		int64_t run = 0;
		bool fresh;
		int ret = results_load(&r, &files->v[i], 1, true, &e);

		if (!ret) {
			ret = history_add(h, &r, &r.files[0], c->history.commit, &run, &fresh, &e);
			if (!ret)
				printf("run %" PRId64 ": %s%s\n", run, r.files[0].name,
				       fresh ? "" : " (was there already)");
			results_free(&r);
		}
		if (ret)
			status = failed(&e);
	}
	return status;
}

static int prune(const struct config *c, struct history *h)
{
	struct err e = {0};
	uint64_t removed;

	if (history_prune(h, c->history.keep, &removed, &e))
		return failed(&e);
	printf("%" PRIu64 " runs removed\n", removed);
	return EXIT_OK;
}

/* What show looks at when nobody says: the rest (setup, maxima, the whole system's CPU time) follows the load
 * of the machine more than anything else. */
static const struct names usual = {
	.n = 13,
	.v = {"throughput_bytes_per_s", "latency_p10_ns", "latency_p50_ns", "latency_p99_ns",
	      "cpu_ns_per_kib", "requests_per_op", "copy_factor", "declared_copy_factor", "copies",
	      "route", "sent_by_reference", "completed", "path_ok"},
};

/* And plot. */
static const struct names headline = {.n = 1, .v = {"throughput_bytes_per_s"}};

static int plot(const struct config *c, struct history *h, struct history_view *view, struct err *e)
{
	char folder[4096];

	if (c->history.output)
		snprintf(folder, sizeof(folder), "%s", c->history.output);
	else
		path_beside(folder, sizeof(folder), c->history.db, "figures");
	view->intervals = true;
	return make_folder(folder, e) ? e->code : history_plot(h, view, folder, e);
}

static int look(const struct config *c, struct history *h, const char *verb)
{
	static const struct names none = {0};
	struct compare_rules rules;
	struct history_view view = {.last = c->history.last,
				    .cell = c->history.cell,
				    .wanted = c->compare.metric.n || !strcmp(verb, "export")
						      ? &c->compare.metric
					      : !strcmp(verb, "plot") ? &headline
								      : &usual,
				    .rules = &rules,
				    .values = c->history.values};
	struct err e = {0};
	int ret;

	if (compare_rules_init(&rules, &c->compare.threshold, &none, c->compare.alpha, &e)) {
		err_print(&e);
		return EXIT_USAGE;
	}
	if (!strcmp(verb, "plot") && figure_check_gnuplot(&e)) {
		err_print(&e);
		return EXIT_NOTHING;
	}
	if (!strcmp(verb, "export"))
		ret = history_export(stdout, h, &view, c->history.format, &e);
	else
		ret = !strcmp(verb, "plot") ? plot(c, h, &view, &e) : history_show(stdout, h, &view, &e);
	return ret ? failed(&e) : EXIT_OK;
}

int cmd_history(struct options *o)
{
	static const char *const verbs[] = {"add", "show", "plot", "export", "prune", NULL};
	const struct config *c = &o->config;
	const char *verb = o->rest.n ? o->rest.v[0] : "";
	struct history h;
	struct err e = {0};
	int v = 0, status;

	while (verbs[v] && strcmp(verb, verbs[v]) != 0)
		v++;
	if (!verbs[v])
		return usage("history takes add, show, plot, export or prune",
			     "zcbench history add results/...; zcbench history show");
	if (!strcmp(verb, "add") ? o->rest.n < 2 : o->rest.n > 1)
		return usage(!strcmp(verb, "add") ? "history add takes results"
						  : "history takes one word",
			     "zcbench history --help");
	if (!strcmp(verb, "prune") && !c->history.keep)
		return usage("history prune needs --keep N, the number of runs that stay", "--keep 100");
	if (history_open(&h, c->history.db, !strcmp(verb, "add"), c->history.wait_ns, &e))
		return failed(&e);
	if (!strcmp(verb, "add"))
		status = add(c, &h, &o->rest);
	else if (!strcmp(verb, "prune"))
		status = prune(c, &h);
	else
		status = look(c, &h, verb);
	history_close(&h);
	return status;
}
