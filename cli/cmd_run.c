// SPDX-License-Identifier: MIT
/* zcbench run: plan, rounds interleaved across paths, result, table. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/far_end.h"
#include "cli/instruments.h"
#include "cli/limits_run.h"
#include "cli/plan.h"
#include "cli/progress.h"
#include "cli/refine.h"
#include "cli/result.h"
#include "cli/round.h"
#include "cli/setup.h"
#include "lib/clock.h"
#include "lib/control.h"
#include "lib/rundir.h"
#include "lib/units.h"
#include "measure/host.h"

#define LIMITS_ROUNDS 9

struct run {
	struct options *o;
	struct plan plan;
	struct result result;
	struct rundir dir;
	struct progress progress;
	struct instruments instruments;
	json_t *no_samples;
	json_t *of_driver;       /* what a foreign driver does not give: metric and reason; or NULL */
	struct sampler *sampler; /* NULL: none is wanted, or it is not allowed */
	struct ledger *ledger;   /* NULL: the kernel's copies are not counted, and this is why: */
	struct err no_ledger;
	bool instead; /* samples are taken because they are not; in the counted rounds, if it costs no counter */
	struct child receiver; /* of sink tcp */
};

static unsigned int rounds_left(const struct cell *c, uint64_t round)
{
	uint64_t all = c->config.rounds + c->config.counted_rounds + c->config.sampled_rounds;

	return c->skipped || c->failed || round >= all ? 0 : (unsigned int)(all - round);
}

static unsigned int count_rounds(const struct plan *plan)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < plan->n; i++)
		n += rounds_left(&plan->cells[i], 0);
	return n;
}

/* The path does not work here at all: one line says so, and none of its cells is tried again. */
static void leave_out(struct run *r, const struct path_ops *path, const struct err *e, uint64_t round)
{
	char why[1100];

	snprintf(why, sizeof(why), "%s%s%s", e->what, e->remedy[0] ? "; try: " : "", e->remedy);
	warn("path %s is left out: %s", path->name, why);
	for (unsigned int i = 0; i < r->plan.n; i++) {
		struct cell *c = &r->plan.cells[i];

		if (c->path != path || c->skipped)
			continue;
		progress_drop(&r->progress, rounds_left(c, round));
		result_skip(&r->result, c, why);
	}
}

static void one_round(struct run *r, struct cell *c, uint64_t round)
{
	struct round_result rr;
	char what[96], bs[32];
	const enum round_kind kind = round < c->config.rounds ? ROUND_TIMED
				     : round < c->config.rounds + c->config.counted_rounds
					     ? ROUND_COUNTED
					     : ROUND_SAMPLED;
	struct err e = {0};
	int ret;

	c->instruments = kind == ROUND_COUNTED ? &r->instruments : NULL;
	c->sampler = kind == ROUND_SAMPLED || (kind == ROUND_COUNTED && r->instead) ? r->sampler : NULL;
	snprintf(what, sizeof(what), "%s %s %s %s", c->path->name, op_names[c->op], c->sink->name,
		 format_size(bs, sizeof(bs), c->bs));
	progress_show(&r->progress, what);
	ret = round_run(&r->dir, c, c->driver->foreign ? NULL : r->ledger,
			c->config.verify && round == 0, true, &rr, &e);
	if (ret == -EINTR) {
		/* what was measured stays; this round never was */
	} else if (ret && !rr.started && round_cannot_run_here(ret) && !c->config.path.n) {
		/* nobody asked for this path by name */
		leave_out(r, c->path, &e, round);
	} else if (ret) {
		c->failed = true;
		c->unavailable = !rr.started && round_cannot_run_here(ret);
		progress_drop(&r->progress, rounds_left(c, round));
		result_add_error(c, &rr, &e);
		warn("%s, sink %s, %s, %s: this cell failed", c->path->name, c->sink->name,
		     op_names[c->op], bs);
		err_print(&e);
	} else {
		result_add_round(c, &rr, kind);
		result_not_measured(&r->result, "counters ", rr.missing);
		progress_step(&r->progress);
		if (!rr.path_ok)
			warn("path %s did not do what its name says: %s", c->path->name, rr.problem);
	}
	json_decref(rr.missing);
	json_decref(rr.round);
	json_decref(rr.evidence);
}

/* Round by round over the cells from the first on, so that a machine that drifts drifts for all of them. */
static int all_rounds(struct run *r, unsigned int first, struct err *e)
{
	const uint64_t rounds = r->plan.rounds + r->plan.counted_rounds + r->plan.sampled_rounds;
	int ret = 0;

	for (uint64_t round = 0; round < rounds && !interrupted && !ret; round++) {
		for (unsigned int i = first; i < r->plan.n && !interrupted && !ret; i++) {
			struct cell *c = &r->plan.cells[i];

			if (!rounds_left(c, round))
				continue;
			one_round(r, c, round);
			ret = result_write(&r->result, e);
		}
	}
	return ret;
}

/* What a cell cannot have whose load comes from another program, and why. */
static void foreign_driver(struct run *r, struct cell *c)
{
	const char *of = c->driver->name;

	c->config.sampled_rounds = 0;
	if (!r->of_driver)
		r->of_driver = json_object();
	json_object_set_new(
		r->of_driver, "copy_factor",
		json_sprintf("driver %s: the process that makes the load is not the client's own", of));
	json_object_set_new(
		r->of_driver, "setup_ns",
		json_sprintf("driver %s: it does not say what it pays before its first operation", of));
	json_object_set_new(r->of_driver, "context_switches_per_op",
			    json_sprintf("driver %s: it does not tell voluntary ones from others", of));
	if (c->config.verify && !c->sink->stores) {
		c->config.verify = false;
		json_object_set_new(
			r->of_driver, "verified",
			json_sprintf("driver %s checks what it reads back: sink %s stores nothing "
				     "(sink file does)",
				     of, c->sink->name));
	}
}

/* No rounds for what cannot be observed. */
static void prepare_cells(struct run *r, unsigned int first)
{
	for (unsigned int i = first; i < r->plan.n; i++) {
		struct cell *c = &r->plan.cells[i];

		if (!r->instruments.events.n)
			c->config.counted_rounds = 0;
		if (c->driver->foreign)
			foreign_driver(r, c);
		if (!r->sampler || (r->instead && c->config.counted_rounds))
			c->config.sampled_rounds = 0;
		c->shares = json_object();
		c->stacks = json_object();
	}
}

/* Further block sizes, of which the rounds before say that they are of interest. */
static int refine(struct run *r, struct err *e)
{
	int ret = 0;

	for (uint64_t i = 0; i < r->o->config.refine && !interrupted && !ret; i++) {
		const unsigned int first = r->plan.n, added = refine_plan(&r->plan);

		if (!added)
			break;
		prepare_cells(r, first);
		for (unsigned int k = first; k < r->plan.n; k++) {
			result_add_cell(&r->result, &r->plan.cells[k]);
			progress_more(&r->progress, rounds_left(&r->plan.cells[k], 0));
		}
		limits_bind(&r->plan, json_object_get(r->result.root, "limits"));
		ret = all_rounds(r, first, e);
	}
	return ret;
}

/* 1 if anything failed; a path that the user named and that cannot run here is a failure too, but if
 * none can, or nothing is left to run: 77. */
static int verdict(const struct run *r)
{
	unsigned int measured = 0, failed = 0, tried = 0, unavailable = 0;

	for (unsigned int i = 0; i < r->plan.n; i++) {
		const struct cell *c = &r->plan.cells[i];
		const json_t *verified = json_object_get(c->json, "verified");

		if (c->skipped)
			continue;
		tried++;
		unavailable += c->unavailable;
		measured += json_array_size(json_object_get(c->json, "rounds")) > 0;
		failed += c->failed || json_is_false(json_object_get(c->json, "path_ok")) ||
			  (c->config.verify && json_is_false(verified));
	}
	if (!interrupted && tried == unavailable)
		return EXIT_NOTHING;
	if (interrupted || failed)
		return EXIT_FAILED;
	return measured ? EXIT_OK : EXIT_NOTHING;
}

static bool is_stdout(const char *file)
{
	return file && !strcmp(file, "-");
}

static int export(const struct run *r, struct err *e)
{
	const struct config *c = &r->o->config;
	const bool tables = !c->quiet && !is_stdout(c->json) && !is_stdout(c->csv);
	FILE *f;

	if (is_stdout(c->json)) {
		json_dumpf(r->result.root, stdout, JSON_INDENT(1));
		fputc('\n', stdout);
	} else if (c->json && json_write_file(r->result.root, c->json, e)) {
		return e->code;
	}
	if (is_stdout(c->csv)) {
		csv_print(stdout, &r->plan);
	} else if (c->csv) {
		f = fopen(c->csv, "we");
		if (!f)
			return err_sys(e, -errno, "writing %s", c->csv);
		csv_print(f, &r->plan);
		if (fclose(f))
			return err_sys(e, -errno, "writing %s", c->csv);
	}
	if (tables)
		table_print(stdout, &r->plan);
	if (tables && c->refine)
		refine_print(stdout, &r->plan);
	if (tables && r->instruments.asked)
		counters_print(stdout, &r->plan);
	if (tables && c->breakdown && r->sampler)
		breakdown_print(stdout, &r->plan);
	if (c->flame && r->sampler)
		return breakdown_flames(&r->plan, c->flame, e);
	return 0;
}

/* The page, where the result and standard output are for people. That it cannot be written is no reason to
 * call the measurement failed. */
static void report(const struct run *r, bool measured)
{
	const struct config *c = &r->o->config;
	struct err e = {0};

	if (!measured || !c->write_report || c->quiet || is_stdout(c->json) || is_stdout(c->csv))
		return;
	if (report_of_run(r->result.path, &e))
		warn("no report: %s%s%s", e.what, e.remedy[0] ? "; try: " : "", e.remedy);
}

static void note_conditions(struct run *r)
{
	const json_t *host = json_object_get(r->result.root, "host");
	json_t *load = host_load(), *run = json_object_get(r->result.root, "run");
	unsigned int clients = 0;
	bool split = false;

	for (unsigned int i = 0; i < r->plan.n; i++) {
		if (r->plan.cells[i].clients > clients)
			clients = r->plan.cells[i].clients;
		split |= !strcmp(r->plan.cells[i].config.pin, "split");
	}

	json_object_set_new(run, "warnings", host_warnings(host, load, split, clients));
	json_object_set_new(run, "load_before", load);
}

/* What a hypervisor took away shows as noise that no care in the guest can remove. */
static void note_stolen(struct run *r)
{
	double stolen = 0, busy = 0;
	char text[128];

	for (unsigned int i = 0; i < r->plan.n; i++) {
		const json_t *rounds = json_object_get(r->plan.cells[i].json, "rounds"), *round;
		size_t k;

		json_array_foreach (rounds, k, round) {
			stolen += json_number_value(json_object_get(round, "stolen_ns"));
			busy += json_number_value(
				json_object_get(json_object_get(round, "cpu_ns"), "system"));
		}
	}
	if (stolen <= 0.02 * (stolen + busy))
		return;
	snprintf(text, sizeof(text), "a hypervisor took away %.0f %% of the CPU time of the rounds",
		 100 * stolen / (stolen + busy));
	host_warn(json_object_get(json_object_get(r->result.root, "run"), "warnings"), text,
		  "compare ratios only, with more --rounds; or use a machine of your own");
}

/* Where the kernel refuses, the run goes on without, and says so once. */
static void open_ledger(struct run *r)
{
	const struct err *e = &r->no_ledger;

	if (!r->o->config.ledger)
		err_set(&r->no_ledger, -ECANCELED, "not wanted (--no-ledger)");
	else if (ledger_open(&r->ledger, r->o->config.trampolines, &r->no_ledger))
		warn("what the kernel copies is not counted: %s%s%s", e->what,
		     e->remedy[0] ? "; try: " : "", e->remedy);
}

static void note_ledger(struct run *r)
{
	static const char without[] =
		"; declared_copy_factor has what our own code copies in user space";
	char why[sizeof(r->no_ledger.what) + sizeof(without)];

	if (r->ledger) {
		json_object_set_new(json_object_get(r->result.root, "run"), "ledger",
				    json_string(ledger_method(r->ledger)));
		return;
	}
	snprintf(why, sizeof(why), "%s%s", r->no_ledger.what, without);
	result_missing(&r->result, "copy_factor", why);
	result_missing(&r->result, "copy_functions", why);
}

/* Few samples, and only what the cells of this plan can be held against: a fraction of a second. That
 * the limits are missing is no reason not to measure. */
static void measure_limits(struct run *r)
{
	struct limits_wanted w = {.rounds = LIMITS_ROUNDS, .plan = &r->plan};
	struct err e = {0};
	json_t *limits;

	for (unsigned int i = 0; i < r->plan.n; i++) {
		const struct cell *c = &r->plan.cells[i];

		if (!c->skipped)
			limits_need(&w, c);
	}
	progress_show(&r->progress, "limits of this machine");
	limits = limits_run(&r->dir, &w, &e);
	result_missing(&r->result, "limits", limits ? NULL : e.what);
	if (limits) {
		json_object_set_new(r->result.root, "limits", limits);
		limits_bind(&r->plan, limits);
	} else if (!interrupted) {
		warn("the limits of this machine are not measured: %s", e.what);
	}
}

static int measure(struct run *r, struct err *e)
{
	const uint64_t start = clock_ns();
	unsigned int total = count_rounds(&r->plan);
	int ret;

	if (!total)
		return result_write(&r->result, e);
	progress_start(&r->progress, total, r->o->config.quiet);
	if (r->o->config.conditions)
		note_conditions(r);
	else
		json_object_set_new(json_object_get(r->result.root, "run"), "warnings", json_array());
	if (r->o->config.setup) {
		ret = setup(&r->dir, &r->plan, e);
		if (ret)
			return ret;
		/* with the settings as they are now */
		json_object_set_new(r->result.root, "host", host_describe());
	}
	if (r->o->config.limits)
		measure_limits(r);
	else
		result_missing(&r->result, "limits", "left out by --no-limits");
	ret = far_end_start(&r->receiver, &r->plan, e);
	if (!ret)
		ret = all_rounds(r, 0, e);
	if (!ret)
		ret = refine(r, e);
	child_end(&r->receiver, NSEC_PER_SEC);
	progress_end(&r->progress);
	note_stolen(r);
	json_object_set_new(json_object_get(r->result.root, "run"), "elapsed_ns",
			    json_integer((json_int_t)(clock_ns() - start)));
	if (interrupted)
		json_object_set_new(json_object_get(r->result.root, "run"), "interrupted", json_true());
	return ret ? ret : result_write(&r->result, e);
}

/* A run that may not take samples goes on without. */
/* Shares of CPU time: where they were asked for, and instead of counts of copied bytes. */
static void open_sampler(struct run *r)
{
	const struct config *c = &r->o->config;
	const bool asked = c->breakdown || c->flame;
	struct err e = {0};

	if (!asked && (r->ledger || !c->ledger))
		return;
	if (!sampler_open(&r->sampler, &e)) {
		r->instead = !asked && !strcmp(sampler_event(r->sampler), "cpu-clock");
		return;
	}
	if (asked)
		warn("no samples: %s; try: %s", e.what, e.remedy);
	r->no_samples = json_pack("{s:o}", "breakdown", json_sprintf("%s; try: %s", e.what, e.remedy));
}

int cmd_run(struct options *o)
{
	struct run *r = calloc(1, sizeof(*r));
	struct err e = {0};
	int ret, status = EXIT_FAILED;

	if (!r)
		return EXIT_FAILED;
	r->o = o;
	r->receiver = (struct child){.pidfd = -1, .control = -1};
	if (plan_make(&r->plan, o, &e)) {
		err_print(&e);
		return EXIT_USAGE;
	}
	if (instruments_open(&r->instruments, &o->config, &e)) {
		err_print(&e);
		return EXIT_USAGE;
	}
	if (count_rounds(&r->plan))
		open_ledger(r);
	open_sampler(r);
	prepare_cells(r, 0);
	if (is_stdout(o->config.json) && is_stdout(o->config.csv)) {
		fprintf(stderr, "zcbench: error: --json - and --csv - both want standard output\n");
		return EXIT_USAGE;
	}
	ret = result_open(&r->result, &r->plan, o, &e);
	if (!ret)
		result_not_measured(&r->result, "counters ", r->instruments.missing);
	if (!ret)
		result_not_measured(&r->result, "", r->no_samples);
	if (!ret)
		result_not_measured(&r->result, "driver ", r->of_driver);
	if (!ret)
		note_ledger(r);
	if (!ret)
		ret = rundir_open(&r->dir, &e);
	if (ret) {
		err_print(&e);
		return EXIT_FAILED;
	}
	catch_interrupts();
	ret = measure(r, &e);
	rundir_close(&r->dir);
	if (!ret)
		ret = export(r, &e);
	if (!ret)
		status = verdict(r);
	if (ret)
		err_print(&e);
	ledger_close(r->ledger);
	if (interrupted)
		warn("interrupted; what was measured until then is kept");
	if (!o->config.quiet)
		fprintf(stderr, "result: %s\n", r->result.path);
	report(r, !ret && status != EXIT_NOTHING);
	result_close(&r->result);
	instruments_close(&r->instruments);
	json_decref(r->no_samples);
	json_decref(r->of_driver);
	sampler_close(r->sampler);
	plan_free(&r->plan);
	free(r);
	return status;
}
