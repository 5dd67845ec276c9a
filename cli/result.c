// SPDX-License-Identifier: MIT
/* The result of a run; see result.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/copies.h"
#include "cli/result.h"
#include "cli/version.h"
#include "lib/control.h"
#include "measure/host.h"
#include "measure/metrics.h"

int make_folder(char *path, struct err *e)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return err_remedy((err_sys(e, -errno, "making folder %s", path), e),
					  "--output DIR with a place that you can write to");
		*p = c;
		if (!c)
			return 0;
	}
}

/* Absent until it can be known. */
static void set_expected_copies(json_t *cell, double copies)
{
	if (isfinite(copies))
		json_object_set_new(json_object_get(cell, "expected"), "copy_factor", json_real(copies));
}

static json_t *cell_json(const struct cell *c)
{
	const struct expect *x = &c->path->expect[c->op];
	const struct driver_wants wants = cell_wants(c);
	json_t *j, *options = json_array();

	for (unsigned int i = 0; i < c->nargs; i++)
		json_array_append_new(options, json_text(c->server_args[i]));
	j = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:{s:s}, s:o, "
		      "s:o, s:o}",
		      "path", c->path->name, "source", c->source->name, "sink", c->sink->name, "op",
		      op_names[c->op], "bs", (json_int_t)c->bs, "depth", (json_int_t)c->depth, "clients",
		      (json_int_t)c->clients, "driver", c->driver->name, "pin", c->config.pin, "produce",
		      c->op == OP_WRITE ? c->config.produce : "none", "register", c->config.registers,
		      "pattern", c->config.pattern, "file_size", (json_int_t)c->config.size, "expected",
		      "route", route_names[x->route], "rounds", json_array(), "counted_rounds",
		      json_array(), "summary", json_object());
	set_expected_copies(j, copies_expected(c, NULL, NULL));
	json_object_set_new(j, "warmup_ns", json_integer((json_int_t)c->config.warmup_ns));
	if (c->config.count)
		json_object_set_new(j, "count", json_integer((json_int_t)c->config.count));
	else
		json_object_set_new(j, "runtime_ns", json_integer((json_int_t)c->config.runtime_ns));
	json_object_set_new(j, "max_io", json_integer((json_int_t)c->config.max_io));
	if (c->sink->needs_file)
		json_object_set_new(j, "file", json_text(c->config.file));
	if (c->source->on_memfd)
		json_object_set_new(j, "via", json_text(c->config.via));
	json_object_set_new(j, "access", json_string(access_names[c->access]));
	json_object_set_new(j, "path_options", options);
	if (c->driver->engine && !c->skipped) {
		json_object_set_new(j, "engine", json_text(c->driver->engine(&wants)));
		json_object_set_new(j, "driver_version", json_text(c->driver->version(wants.program)));
	}
	return j;
}

/* What DESIGN promises and this version or machine does not measure: absent, with the reason. */
static json_t *not_measured(void)
{
	return json_pack("{s:s}", "limits", "nothing was run");
}

int result_open(struct result *r, struct plan *plan, const struct options *o, struct err *e)
{
	char folder[4000], now[40];
	time_t t = time(NULL);
	json_t *command = json_array(), *cells = json_array();
	struct tm tm;
	int ret;

	localtime_r(&t, &tm);
	if (o->config.output) {
		snprintf(folder, sizeof(folder), "%s", o->config.output);
	} else {
		strftime(now, sizeof(now), "%Y%m%d-%H%M%S", &tm);
		snprintf(folder, sizeof(folder), "results/%s", now);
	}
	ret = make_folder(folder, e);
	if (ret) {
		json_decref(command);
		json_decref(cells);
		return ret;
	}
	snprintf(r->path, sizeof(r->path), "%s/result.json", folder);
	strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%S%z", &tm);
	for (int i = 0; i < o->argc; i++)
		json_array_append_new(command, json_text(o->argv[i]));
	r->root = json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", RESULT_SCHEMA,
			    "zcbench", ZCBENCH_VERSION, "git", ZCBENCH_GIT, "command", command, "run",
			    json_pack("{s:s}", "started", now), "host", host_describe(), "not_measured",
			    not_measured(), "cells", cells, "skipped", json_array());
	if (plan->description)
		json_object_set_new(r->root, "workload", json_text(plan->description));
	for (unsigned int i = 0; i < plan->n; i++) {
		struct cell *c = &plan->cells[i];

		result_add_cell(r, c);
		if (c->skipped)
			result_skip(r, c, c->skipped);
	}
	return 0;
}

void result_add_cell(struct result *r, struct cell *c)
{
	c->json = cell_json(c);
	json_array_append(json_object_get(r->root, "cells"), c->json);
}

void result_skip(struct result *r, struct cell *c, const char *why)
{
	json_t *cells = json_object_get(r->root, "cells");
	size_t i;
	json_t *v;

	if (c->skipped != why) {
		free(c->skipped);
		c->skipped = strdup(why);
	}
	json_array_append_new(json_object_get(r->root, "skipped"),
			      json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "path",
					c->path->name, "source", c->source->name, "sink", c->sink->name,
					"op", op_names[c->op], "bs", (json_int_t)c->bs, "depth",
					(json_int_t)c->depth, "clients", (json_int_t)c->clients,
					"driver", c->driver->name, "access", access_names[c->access],
					"why", c->skipped));
	json_array_foreach (cells, i, v) {
		if (v != c->json)
			continue;
		json_array_remove(cells, i);
		break;
	}
}

void result_add_round(struct cell *c, struct round_result *rr, enum round_kind kind)
{
	json_t *rounds = json_object_get(c->json, "rounds");
	json_t *counted_rounds = json_object_get(c->json, "counted_rounds");
	bool ok = json_array_size(rounds) == 0 || json_is_true(json_object_get(c->json, "path_ok"));
	double rate = json_number_value(json_object_get(rr->round, "throughput_bytes_per_s"));
	double limit =
		json_number_value(json_object_get(json_object_get(c->json, "limit"), "bytes_per_s"));

	if (kind == ROUND_TIMED)
		set_expected_copies(c->json, rr->expected_copies);
	if (limit > 0 && kind == ROUND_TIMED)
		json_object_set_new(rr->round, "limit_share", json_real(rate / limit));
	if (c->sampler)
		json_object_set_new(c->json, "breakdown", breakdown_json(c));
	if (kind != ROUND_SAMPLED)
		json_array_append(kind == ROUND_COUNTED ? counted_rounds : rounds, rr->round);
	json_object_set_new(c->json, "path_ok", json_boolean(ok && rr->path_ok));
	if (!rr->path_ok)
		json_object_set_new(c->json, "path_problem", json_text(rr->problem));
	if (rr->evidence)
		json_object_set(c->json, "evidence", rr->evidence);
	if (rr->verified || !json_object_get(c->json, "verified"))
		json_object_set_new(c->json, "verified", json_boolean(rr->verified));
	if (kind == ROUND_COUNTED)
		json_object_set_new(c->json, "counters", counters_summary(counted_rounds));
	json_object_set_new(c->json, "summary", metrics_summarise(rounds, counted_rounds));
}

void result_add_error(struct cell *c, const struct round_result *rr, const struct err *e)
{
	if (rr->evidence)
		json_object_set(c->json, "evidence", rr->evidence);
	json_object_set_new(c->json, "error", json_text(e->what));
	if (e->remedy[0])
		json_object_set_new(c->json, "remedy", json_text(e->remedy));
	if (e->code == -EILSEQ)
		json_object_set_new(c->json, "verified", json_false());
}

void result_missing(struct result *r, const char *what, const char *why)
{
	json_t *list = json_object_get(r->root, "not_measured");

	if (why)
		json_object_set_new(list, what, json_text(why));
	else
		json_object_del(list, what);
}

void result_not_measured(struct result *r, const char *prefix, json_t *missing)
{
	json_t *list = json_object_get(r->root, "not_measured"), *why;
	const char *name;

	json_object_foreach (missing, name, why) {
		char key[160];

		snprintf(key, sizeof(key), "%s%s", prefix, name);
		if (!json_object_get(list, key))
			json_object_set(list, key, why);
	}
}

int result_write(struct result *r, struct err *e)
{
	return json_write_file(r->root, r->path, e);
}

void result_close(struct result *r)
{
	json_decref(r->root);
}
