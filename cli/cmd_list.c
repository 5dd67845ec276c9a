// SPDX-License-Identifier: MIT
/* zcbench list: what works here, found out by trying it: each path is started on a mount of its own and
 * moves a few verified blocks. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/round.h"
#include "cli/version.h"
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
	printf("\nsources\n");
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
	printf("\nsinks\n");
	for (const struct sink_ops *const *s = sinks; *s; s++) {
		printf("  %-12s %-4s %s\n", (*s)->name, "yes", (*s)->help);
		for (const struct path_ops *const *p = paths; *p; p++) {
			const char *why = (*p)->refuses_sink ? (*p)->refuses_sink(*s) : NULL;

			if (why)
				printf("  %-12s      not on %s: %s\n", "", (*p)->name, why);
		}
	}
}

/* Each with what its file says of itself in the line "description = ...". */
static void list_workloads(void)
{
	static const char *const folders[] = {"workloads", ZCBENCH_DATADIR "/workloads"};

	printf("\nworkloads (zcbench run NAME)\n");
	for (size_t i = 0; i < 2; i++) {
		char pattern[300], line[400];
		glob_t g;

		snprintf(pattern, sizeof(pattern), "%s/*.ini", folders[i]);
		if (glob(pattern, 0, NULL, &g))
			continue;
		for (size_t k = 0; k < g.gl_pathc; k++) {
			const char *name = strrchr(g.gl_pathv[k], '/') + 1;
			FILE *f = fopen(g.gl_pathv[k], "re");
			char text[300] = "";

			while (f && fgets(line, sizeof(line), f) && !text[0])
				sscanf(line, " description = %299[^\n]", text);
			if (f)
				fclose(f);
			printf("  %-14.*s %s\n", (int)strcspn(name, "."), name, text);
		}
		globfree(&g);
		break; /* the tree's hide the installed ones, as they do for run */
	}
}

static void list_metrics(void)
{
	static const char *const better[] = {"higher is better", "lower is better", "for information"};

	printf("\nmetrics\n");
	for (const struct metric *m = metrics; m->name; m++)
		printf("  %-24s %-8s %s\n", m->name, m->unit, better[m->better]);
}

int cmd_list(struct options *o)
{
	int ret;

	if (o->rest.n) {
		fprintf(stderr, "zcbench: error: list takes no arguments: %s\n", o->rest.v[0]);
		return EXIT_USAGE;
	}
	if (o->config.list_events)
		return list_events();
	ret = list_paths(o);
	if (ret)
		return ret;
	list_sources();
	list_sinks();
	list_workloads();
	list_metrics();
	return EXIT_OK;
}
