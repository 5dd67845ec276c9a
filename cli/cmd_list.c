// SPDX-License-Identifier: MIT
/* zcbench list: what works here, found out by trying it: each path is started on a mount of its own and
 * moves a few verified blocks. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/data.h"
#include "cli/figure.h"
#include "cli/plan.h"
#include "cli/round.h"
#include "lib/clock.h"
#include "lib/units.h"
#include "measure/metrics.h"

#define PROBE_BS 4096

static void print_line(const char *name, bool ok, const char *help, const struct err *e)
{
	printf("  %-12s %-4s %s\n", name, ok ? "yes" : "no", help);
	if (ok)
		return;
	printf("  %-12s      why: %s\n", "", e->what);
	if (e->remedy[0])
		printf("  %-12s      try: %s\n", "", e->remedy);
}

/* Tries one small cell: both ops, verified. */
static int try_path(struct rundir *dir, struct options *o, const struct path_ops *path, struct err *e)
{
	struct cell c = {
		.path = path,
		.source = source_find("memfd"),
		.sink = sink_find("null"),
		.driver = &driver_native,
		.bs = PROBE_BS,
		.depth = 1,
		.clients = 1,
		.config = o->config,
	};
	int ret = 0;

	c.config.size = 1 << 20;
	for (int op = 0; op < OP_COUNT && !ret; op++) {
		struct round_result rr;

		c.op = (enum op)op;
		ret = round_run(dir, &c, NULL, true, false, &rr, e);
		json_decref(rr.evidence);
	}
	return ret;
}

static int list_paths(struct options *o)
{
	struct rundir dir;
	struct err e = {0};

	if (rundir_open(&dir, &e)) {
		err_print(&e);
		return EXIT_FAILED;
	}
	/* only `run` has options with these; the probe takes their defaults */
	printf("paths (each tried on this machine just now)\n");
	for (const struct path_ops *const *p = paths; *p; p++) {
		int ret = try_path(&dir, o, *p, &e);

		print_line((*p)->name, !ret, (*p)->help, &e);
		printf("  %-12s      needs: %s; the server reads: %s\n", "", (*p)->needs, (*p)->reads);
	}
	rundir_close(&dir);
	return EXIT_OK;
}

static void list_sources(void)
{
	printf("sources\n");
	for (const struct source_ops *const *s = sources; *s; s++) {
		struct source src = {.ops = *s};
		struct err e = {0};
		int ret = (*s)->alloc(&src, PROBE_BS, &e);

		if (!ret)
			(*s)->free(&src);
		print_line((*s)->name, !ret, (*s)->help, &e);
	}
}

static void list_sinks(void)
{
	printf("sinks\n");
	for (const struct sink_ops *const *s = sinks; *s; s++) {
		printf("  %-12s %-4s %s\n", (*s)->name, "yes", (*s)->help);
		for (const struct path_ops *const *p = paths; *p; p++) {
			const char *why = (*p)->refuses_sink ? (*p)->refuses_sink(*s) : NULL;

			if (why)
				printf("  %-12s      not on %s: %s\n", "", (*p)->name, why);
		}
	}
}

/* How long it runs at most: with all paths, and ROUND_NS for start, verification and end of each round. */
#define ROUND_NS (100 * NSEC_PER_MSEC)

static uint64_t duration(const struct plan *plan)
{
	uint64_t ns = 0;

	for (unsigned int i = 0; i < plan->n; i++) {
		const struct config *c = &plan->cells[i].config;

		if (!plan->cells[i].skipped)
			ns += (c->rounds + c->counted_rounds) *
			      (c->runtime_ns + c->warmup_ns + ROUND_NS);
	}
	return ns;
}

static void list_workload(const char *file)
{
	const char *name = strrchr(file, '/') + 1;
	char *argv[] = {"zcbench", "run"};
	static struct options o;
	struct err e = {0};
	struct plan plan;

	options_init(&o);
	o.argc = 2;
	o.argv = argv;
	o.rest = (struct names){.n = 1, .v = {file}};
	printf("  %-14.*s ", (int)strcspn(name, "."), name);
	if (plan_make(&plan, &o, &e)) {
		printf("cannot be used: %s\n", e.what);
	} else {
		double s = (double)duration(&plan) / NSEC_PER_SEC;

		printf("%s\n  %-14s up to %.0f %s\n", plan.description ? plan.description : "", "",
		       s < 100 ? s : s / 60, s < 100 ? "s" : "min");
	}
	plan_free(&plan);
}

/* Each with what its file says of itself in the line "description = ...": the user's own, and those of zcbench that they
 * do not hide. */
static void list_workloads(void)
{
	char own[4096], path[4096], pattern[4096 + 8];
	const char *const folders[] = {"workloads",
				       data_path(own, sizeof(own), "workloads", NULL) ? NULL : own};

	printf("workloads (zcbench run NAME)\n");
	for (size_t i = 0; i < 2 && folders[i]; i++) {
		glob_t g;

		snprintf(pattern, sizeof(pattern), "%s/*.ini", folders[i]);
		if (glob(pattern, 0, NULL, &g))
			continue;
		for (size_t k = 0; k < g.gl_pathc; k++)
			if (!data_workload(path, sizeof(path), strrchr(g.gl_pathv[k], '/') + 1) &&
			    !strcmp(path, g.gl_pathv[k]))
				list_workload(path);
		globfree(&g);
	}
}

static void list_figures(void)
{
	printf("figures (zcbench plot RESULT --figure NAME)\n");
	for (const struct figure *f = figures; f->name; f++)
		printf("  %-14s %s\n  %-14s needs %s: %s\n", f->name, f->title, "", f->needs, f->remedy);
}

static void list_metrics(void)
{
	static const char *const better[] = {"higher is better", "lower is better", "for information"};

	printf("metrics\n");
	for (const struct metric *m = metrics; m->name; m++)
		printf("  %-24s %-8s %s\n", m->name, m->unit, better[m->better]);
}

static const struct {
	const char *name;
	void (*list)(void);
} lists[] = {
	{"sources", list_sources}, {"sinks", list_sinks},     {"workloads", list_workloads},
	{"figures", list_figures}, {"metrics", list_metrics},
};
#define LISTS (sizeof(lists) / sizeof(lists[0]))

int cmd_list(struct options *o)
{
	const char *what = o->rest.n ? o->rest.v[0] : NULL;
	bool known = !what || !strcmp(what, "paths");
	int ret = EXIT_OK;

	for (size_t i = 0; i < LISTS && what; i++)
		known |= !strcmp(what, lists[i].name);
	if (!known || o->rest.n > 1) {
		fprintf(stderr,
			"zcbench: error: list takes one of paths, sources, sinks, workloads, figures, "
			"metrics: %s\n",
			o->rest.v[known]);
		return EXIT_USAGE;
	}
	if (o->config.list_events)
		return list_events();
	if (!what || !strcmp(what, "paths"))
		ret = list_paths(o);
	for (size_t i = 0; i < LISTS && !ret; i++) {
		if (what && strcmp(what, lists[i].name) != 0)
			continue;
		if (!what)
			putchar('\n');
		lists[i].list();
	}
	return ret;
}
