// SPDX-License-Identifier: MIT
/* zcbench limits: the ceilings of this machine. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/limits_run.h"
#include "cli/talk.h"
#include "lib/control.h"
#include "lib/units.h"
#include "measure/limits.h"
#include "servers/server.h"

static int measure(struct options *o, json_t **limits, struct err *e)
{
	const struct limits_wanted w = {.rounds = (unsigned int)o->config.limits_rounds,
					.levels = true,
					.dev = true,
					.ring = true};
	const struct path_ops *uring = path_find("uring");
	struct rundir dir;
	int ret;

	ret = rundir_open(&dir, e);
	if (ret)
		return ret;
	if (o->config.setup)
		ret = rundir_set(&dir, uring->setting, uring->setting_value, e);
	if (!ret) {
		*limits = limits_run(&dir, &w, e);
		ret = *limits ? 0 : e->code;
	}
	rundir_close(&dir);
	return ret;
}

int cmd_limits(struct options *o)
{
	const struct config *c = &o->config;
	const bool to_stdout = c->json && !strcmp(c->json, "-");
	json_t *limits = NULL;
	struct err e = {0};
	int ret;

	if (o->rest.n) {
		fprintf(stderr, "zcbench: error: limits takes no arguments: %s\n", o->rest.v[0]);
		return EXIT_USAGE;
	}
	catch_interrupts();
	ret = measure(o, &limits, &e);
	if (!ret && c->json && !to_stdout)
		ret = json_write_file(limits, c->json, &e);
	if (!ret && to_stdout) {
		json_dumpf(limits, stdout, JSON_INDENT(1));
		fputc('\n', stdout);
	} else if (!ret) {
		limits_print(stdout, limits);
	}
	json_decref(limits);
	if (ret)
		err_print(&e);
	return ret ? EXIT_FAILED : EXIT_OK;
}
