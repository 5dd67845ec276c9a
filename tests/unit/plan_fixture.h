/* SPDX-License-Identifier: MIT */
/* A temporary folder with a workload file, and a plan made from it, for test_workload*.c. */
#ifndef ZC_PLAN_FIXTURE_H
#define ZC_PLAN_FIXTURE_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/plan.h"
#include "tests/unit/unit.h"

/* Names of a list and values of a workload live as long as the process: cells point to them. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:set_list\nleak:on_setting\n";
}

static struct options o;
static struct plan plan;
static struct err e;
static char folder[64];

/* The process works in the folder: the file is w.ini. */
static int start(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/zcbench-unit-XXXXXX");
	memset(&plan, 0, sizeof(plan));
	memset(&e, 0, sizeof(e));
	return mkdtemp(folder) && chdir(folder) == 0 && mkdir("workloads", 0700) == 0 ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	plan_free(&plan);
	unlink("w.ini");
	unlink("workloads/mine.ini");
	rmdir("workloads");
	return chdir("/") || rmdir(folder) ? -1 : 0;
}

static inline void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* As main() does: the command line is read, then the plan is made. */
static int make_plan(char **argv)
{
	int argc = 0, ret;

	while (argv[argc])
		argc++;
	plan_free(&plan);
	options_init(&o);
	assert_int_equal(opts_parse(o.sets, o.nsets, CMD_RUN, argc, argv, 2, &o.rest, &e), 0);
	o.argc = argc;
	o.argv = argv;
	ret = plan_make(&plan, &o, &e);
	if (ret)
		assert_int_equal(e.code, ret);
	return ret;
}

/* The plan of "zcbench run ..." */
#define plan_of(...) make_plan((char *[]){"zcbench", "run", __VA_ARGS__, NULL})

/* The plan of a workload file with this text. */
#define plan_of_file(text, ...) (write_file("w.ini", text), plan_of("w.ini", ##__VA_ARGS__))

#define assert_refused(text, what_)                                                                     \
	do {                                                                                            \
		assert_int_equal(plan_of_file(text), -EINVAL);                                          \
		assert_string_equal(e.what, what_);                                                     \
	} while (0)

/* "copy memfd null write 4096 1 1": path, source, sink, op, block size, depth, clients. */
static inline void assert_cell(unsigned int i, const char *want)
{
	const struct cell *c = &plan.cells[i];
	char got[200];

	assert_true(i < plan.n);
	snprintf(got, sizeof(got), "%s %s %s %s %" PRIu64 " %u %u", c->path->name, c->source->name,
		 c->sink->name, op_names[c->op], c->bs, c->depth, c->clients);
	assert_string_equal(got, want);
}

#endif
