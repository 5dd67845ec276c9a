// SPDX-License-Identifier: MIT
/* The engine of zcbench demo: who is up, and whose turn it is; see demo.h.
 *
 * Paths measure one after the other, each alone on the machine for a short turn: at once they would compete
 * for CPUs and memory, and no figure would be a path's own. Servers and clients stay up in between. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/copies.h"
#include "cli/demo.h"
#include "cli/far_end.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "measure/metrics.h"
#include "measure/stats.h"

#define WARMUP_NS (30 * NSEC_PER_MSEC) /* of the first turn */
#define AGAIN_NS  (3 * NSEC_PER_SEC)   /* a killed server comes back after */
#define KILL_NS   (20 * NSEC_PER_MSEC) /* ... having been killed so long after the clients began */

bool demo_medians(const struct demo_path *p, struct demo_turn *out)
{
	const unsigned int n = p->turns < DEMO_RECENT ? p->turns : DEMO_RECENT;
	const size_t fields = sizeof(struct demo_turn) / sizeof(double);

	for (size_t f = 0; f < fields && n; f++) {
		double values[DEMO_RECENT];

		for (unsigned int i = 0; i < n; i++)
			values[i] = ((const double *)&p->recent[i])[f];
		((double *)out)[f] = stats_median(values, n);
	}
	return n > 0;
}

static void close_round(struct demo_path *p, bool failed)
{
	round_close(p->round, failed);
	p->round = NULL;
}

static void forget(struct demo_path *p)
{
	p->turns = 0;
	p->payload = p->copied = p->declared = p->uncounted = 0;
	p->expected = NAN;
	p->problem[0] = p->why[0] = '\0';
}

static void give_up(struct demo_path *p, enum demo_state state, const struct err *e)
{
	close_round(p, true);
	forget(p);
	p->state = state;
	snprintf(p->why, sizeof(p->why), "%s%s%s", e->what, e->remedy[0] ? "; try: " : "", e->remedy);
}

static double value(const json_t *round, const char *metric)
{
	return metric_find(metric)->value(round);
}

static void add_turn(struct demo_path *p, const struct round_result *rr)
{
	const json_t *round = rr->round;
	const double payload = json_number_value(json_object_get(round, "payload_bytes"));
	const double copies = copies_measured(round), declared = value(round, "declared_copy_factor");

	p->recent[p->turns++ % DEMO_RECENT] = (struct demo_turn){
		.rate = value(round, "throughput_bytes_per_s"),
		.p50 = value(round, "latency_p50_ns"),
		.p99 = value(round, "latency_p99_ns"),
		.client_cpu = value(round, "client_cpu_ns_per_kib"),
		.server_cpu = value(round, "server_cpu_ns_per_kib"),
	};
	p->payload += (uint64_t)payload;
	if (isfinite(declared))
		p->declared += (uint64_t)llround(declared * payload);
	if (isfinite(copies))
		p->copied += (uint64_t)llround(copies * payload);
	else
		p->uncounted++;
	p->expected = rr->expected_copies;
	if (!rr->path_ok)
		snprintf(p->problem, sizeof(p->problem), "%s", rr->problem);
}

static int start(struct demo *d, struct demo_path *p)
{
	struct err e = {0};
	int ret = round_open(&d->dir, p->cell, d->ledger, &p->round, &e);

	if (ret == -EINTR)
		return ret;
	if (ret) {
		give_up(p, round_cannot_run_here(ret) ? DEMO_LEFT_OUT : DEMO_FAILED, &e);
		return ret;
	}
	forget(p);
	p->state = DEMO_RUNS;
	return 0;
}

void demo_take_turn(struct demo *d)
{
	struct demo_path *p = &d->paths[d->turn];
	struct round_result rr = {0};
	struct err e = {0};
	int ret;

	if (p->state != DEMO_RUNS && start(d, p))
		return;
	p->cell->config.runtime_ns = d->slice_ns;
	p->cell->config.warmup_ns = p->turns ? 0 : WARMUP_NS;
	ret = round_measure(p->round, &rr, &e);
	if (!ret)
		add_turn(p, &rr);
	else if (ret != -EINTR)
		give_up(p, DEMO_FAILED, &e);
	json_decref(rr.round);
	json_decref(rr.missing);
}

static bool wants_turn(struct demo_path *p)
{
	if (p->state == DEMO_KILLED && clock_ns() >= p->again_ns)
		demo_start_path(p);
	return p->state == DEMO_RUNS || p->state == DEMO_STARTS;
}

void demo_next(struct demo *d)
{
	const int last = d->turn < 0 ? (int)d->n - 1 : d->turn;

	d->turn = -1;
	for (int i = 1; i <= (int)d->n && d->turn < 0; i++) {
		const int next = (last + i) % (int)d->n;

		if (wants_turn(&d->paths[next]))
			d->turn = next;
	}
}

void demo_stop_path(struct demo *d, struct demo_path *p)
{
	(void)d;
	if (p->state == DEMO_LEFT_OUT)
		return;
	close_round(p, false);
	forget(p);
	p->state = DEMO_STOPPED;
}

void demo_start_path(struct demo_path *p)
{
	close_round(p, false);
	forget(p);
	if (p->cell->skipped) {
		p->state = DEMO_LEFT_OUT;
		snprintf(p->why, sizeof(p->why), "%s", p->cell->skipped);
	} else {
		p->state = DEMO_STARTS;
	}
}

int demo_kill_path(struct demo *d, struct demo_path *p, struct err *e)
{
	struct err told;
	int ret;

	(void)d;
	if (p->state != DEMO_RUNS)
		return err_set(e, -EINVAL, "%s has no server that could be killed now", p->name);
	ret = round_kill(p->round, KILL_NS, &told);
	close_round(p, true);
	forget(p);
	p->state = DEMO_KILLED;
	p->again_ns = clock_ns() + AGAIN_NS;
	if (ret)
		snprintf(p->why, sizeof(p->why), "its client got %s: %s", strerrorname_np(-ret),
			 strerror(-ret));
	else
		snprintf(p->why, sizeof(p->why), "its client noticed nothing");
	return 0;
}

static void select_values(struct demo *d)
{
	struct config *c = &d->options->config;

	c->sink = (struct names){1, {d->sink}};
	c->source = (struct names){1, {d->source}};
	c->op = (struct names){1, {d->op}};
	c->bs = (struct numbers){1, {d->bs}};
	c->depth.n = c->clients.n = 1;
	c->verify = c->pollution = false;
	c->count = 0;
}

/* The cells follow the order of the paths. */
static void adopt_cells(struct demo *d)
{
	for (unsigned int i = 0; i < d->n; i++) {
		struct demo_path *p = &d->paths[i];
		const bool stopped = p->state == DEMO_STOPPED;

		p->cell = &d->plan.cells[i];
		p->name = p->cell->path->name;
		if (stopped && !p->cell->skipped)
			continue;
		demo_start_path(p);
	}
}

int demo_replan(struct demo *d, struct err *e)
{
	struct plan plan;
	int ret;

	select_values(d);
	ret = plan_make(&plan, d->options, e);
	if (!ret)
		child_end(&d->receiver, NSEC_PER_SEC);
	if (!ret)
		ret = far_end_start(&d->receiver, &plan, e);
	if (ret) {
		plan_free(&plan);
		return ret;
	}
	for (unsigned int i = 0; i < d->n; i++)
		close_round(&d->paths[i], false);
	plan_free(&d->plan);
	d->plan = plan;
	adopt_cells(d);
	return 0;
}

int demo_open(struct demo *d, struct options *o, struct err *e)
{
	const struct config *c = &o->config;
	int ret;

	d->options = o;
	d->turn = -1;
	d->sink = c->demo.sink;
	d->source = c->demo.source;
	d->op = c->demo.op;
	d->bs = c->demo.bs;
	d->slice_ns = c->demo.slice_ns;
	d->depth = c->depth.v[0];
	d->clients = c->clients.v[0];
	d->receiver = (struct child){.pidfd = -1, .control = -1};
	if (c->depth.n > 1 || c->clients.n > 1)
		return err_set(e, -EINVAL, "demo takes one --depth and one --clients at a time");
	ret = demo_replan(d, e);
	if (ret)
		return ret;
	if (d->plan.n > DEMO_PATHS)
		return err_set(e, -EINVAL, "%u paths are more than a screen has room for (%d)",
			       d->plan.n, DEMO_PATHS);
	d->n = d->plan.n;
	adopt_cells(d);
	return 0;
}

void demo_close(struct demo *d)
{
	for (unsigned int i = 0; i < d->n; i++)
		close_round(&d->paths[i], false);
	child_end(&d->receiver, NSEC_PER_SEC);
	plan_free(&d->plan);
}
