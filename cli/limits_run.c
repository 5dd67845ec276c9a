// SPDX-License-Identifier: MIT
/* Runs the limits in a thread of their own, with servers beside them; see limits_run.h. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/limits_run.h"
#include "cli/talk.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/cpus.h"
#include "lib/mounts.h"
#include "measure/bound.h"
#include "measure/limits.h"

#define START_NS (10 * NSEC_PER_SEC)
#define GRACE_NS (3 * NSEC_PER_SEC)
#define HANG_NS  (120 * NSEC_PER_SEC) /* for all limits, whose measuring takes seconds */

/* A reference server that does nothing but answer STATFS. */
struct host {
	struct child server;
	char mountpoint[300], file[330], why[1100];
};

static void serve_path(struct host *h, struct rundir *dir, const char *path, const struct placement *p)
{
	char *argv[] = {"zcbench",
			"serve",
			(char *)path,
			h->mountpoint,
			"--sink",
			"null",
			"--size",
			"1m",
			"--files",
			"1",
			p->shared ? "--shares-cpu" : NULL,
			NULL,
			NULL,
			NULL,
			NULL,
			NULL};
	json_t *msg = NULL;
	struct err e = {0};
	int ret;

	h->server = (struct child){.pidfd = -1, .control = -1};
	ret = rundir_mountpoint(dir, h->mountpoint, sizeof(h->mountpoint), &e);
	if (!ret)
		ret = child_start(&h->server, argv, p->server, p->nserver, &e);
	if (!ret)
		ret = answer(&h->server, "the server", &msg, START_NS, &e);
	json_decref(msg);
	if (ret)
		snprintf(h->why, sizeof(h->why), "%s%s%s", e.what, e.remedy[0] ? "; try: " : "",
			 e.remedy);
	else
		snprintf(h->file, sizeof(h->file), "%s/data0", h->mountpoint);
}

static void end_server(struct host *h, bool failed)
{
	json_t *msg = NULL;
	struct err e;

	if (!h->mountpoint[0])
		return;
	if (h->server.pid && failed)
		fuse_abort(h->mountpoint);
	else if (h->server.pid && h->file[0] &&
		 !ask(&h->server, "the server", json_pack("{s:s}", "cmd", "stop"), &msg, GRACE_NS, &e))
		json_decref(msg);
	child_end(&h->server, failed ? NSEC_PER_SEC / 2 : GRACE_NS);
	rundir_drop_mountpoint(h->mountpoint);
}

static struct limits_mount mount_of(const struct host *h, bool wanted)
{
	if (!wanted)
		return (struct limits_mount){.why = "no path of this run needs it"};
	return (struct limits_mount){h->file[0] ? h->file : NULL, h->why};
}

/* The block sizes of the plan, each once. */
static void add_sizes(struct limits_config *c, const struct plan *plan)
{
	for (unsigned int i = 0; plan && i < plan->n && c->nsizes < LIMITS_SIZES_MAX; i++) {
		bool known = plan->cells[i].skipped;

		for (unsigned int k = 0; k < c->nsizes && !known; k++)
			known = c->sizes[k] == plan->cells[i].bs;
		if (!known)
			c->sizes[c->nsizes++] = plan->cells[i].bs;
	}
}

struct job {
	struct limits_config config;
	json_t *limits;
	struct err e;
};

static void *work(void *arg)
{
	struct job *j = arg;

	j->limits = limits_measure(&j->config, &j->e);
	return NULL;
}

/* Waits for the thread. If a server hangs, aborting the mounts frees it. */
static int await(pthread_t thread, struct host *hosts, struct err *e)
{
	struct timespec ts;
	const uint64_t end = clock_ns() + HANG_NS;
	bool aborted = false;

	for (;;) {
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_sec++;
		if (!pthread_timedjoin_np(thread, NULL, &ts))
			return aborted && !interrupted ? err_set(e, -ETIMEDOUT,
								 "measuring the limits of the machine "
								 "hung; its mounts were aborted")
						       : 0;
		if (aborted || (!interrupted && clock_ns() < end))
			continue;
		for (int i = 0; i < 2; i++)
			if (hosts[i].server.pid)
				fuse_abort(hosts[i].mountpoint);
		aborted = true;
	}
}

json_t *limits_run(struct rundir *dir, const struct limits_wanted *w, struct err *e)
{
	struct placement *p = malloc(sizeof(*p));
	struct job *job = calloc(1, sizeof(*job));
	struct host hosts[2] = {0};
	json_t *limits = NULL;
	pthread_t thread;
	int ret = -ENOMEM;

	if (!p || !job) {
		err_sys(e, ret, "the limits of the machine");
		goto out;
	}
	cpus_place(p, "split", 1);
	if (w->dev)
		serve_path(&hosts[0], dir, "copy", p);
	if (w->ring)
		serve_path(&hosts[1], dir, "uring", p);
	job->config = (struct limits_config){
		.client = p->nclient ? p->client[0] : -1,
		.server = p->shared || !p->nserver ? -1 : p->server[0],
		.rounds = w->rounds,
		.levels = w->levels,
		.dev = mount_of(&hosts[0], w->dev),
		.ring = mount_of(&hosts[1], w->ring),
		.interrupted = &interrupted,
	};
	add_sizes(&job->config, w->plan);
	ret = -pthread_create(&thread, NULL, work, job);
	if (ret) {
		err_sys(e, ret, "starting a thread");
	} else {
		ret = await(thread, hosts, e);
		limits = job->limits;
		if (!limits && !ret) {
			*e = job->e;
			ret = e->code;
		} else if (ret) {
			json_decref(limits);
			limits = NULL;
		}
	}
	for (int i = 0; i < 2; i++)
		end_server(&hosts[i], ret != 0);
out:
	free(p);
	free(job);
	return limits;
}

static const char *step_of(const struct path_ops *path, enum op op)
{
	static const char *const steps[] = {
		[ROUTE_DEV] = "fuse_dev_round_trip",
		[ROUTE_SMALL] = "fuse_dev_round_trip",
		[ROUTE_PIPE] = "fuse_dev_round_trip",
		[ROUTE_RING] = "fuse_ring_round_trip",
		[ROUTE_POOL] = "fuse_ring_round_trip",
		[ROUTE_ZERO_COPY] = "fuse_ring_round_trip",
		[ROUTE_SHARED] = "fuse_ring_round_trip",
		[ROUTE_IPC] = "ping_pong",
		[ROUTE_NONE] = "system_call",
	};

	return steps[path->expect[op].route];
}

void limits_need(struct limits_wanted *w, const struct cell *cell)
{
	const char *step = step_of(cell->path, cell->op);

	w->dev |= !strcmp(step, "fuse_dev_round_trip");
	w->ring |= !strcmp(step, "fuse_ring_round_trip");
}

/* What sink read does to every byte of this op; the work of the others is not known, or none. */
static const char *pass_of(const struct sink_ops *sink, enum op op)
{
	if (strcmp(sink->name, "read"))
		return NULL;
	return op == OP_WRITE ? "checksum" : "fill";
}

void limits_bind(struct plan *plan, const json_t *limits)
{
	int cpus[CPUS_MAX], ncpus = cpus_allowed(cpus, CPUS_MAX);

	for (unsigned int i = 0; i < plan->n; i++) {
		struct cell *c = &plan->cells[i];
		struct bound_cell bc = {
			.step = step_of(c->path, c->op),
			.copies = path_copies(c->path, c->op, c->sink, c->access, !(c->bs % 4096)),
			.pass = pass_of(c->sink, c->op),
			.bs = c->bs,
			.depth = c->depth,
			.clients = c->clients,
			.cpus = (unsigned int)ncpus,
		};
		struct bound b;

		/* limits are of two CPUs: elsewhere a round trip can be shorter; and through the page cache
		 * an operation need not be a round trip */
		if (c->skipped || c->access != ACCESS_DIRECT || strcmp(c->config.pin, "split") ||
		    ncpus < 2 || bound_of(limits, &bc, &b))
			continue;
		json_object_set_new(c->json, "limit",
				    json_pack("{s:f, s:f, s:f, s:f, s:s}", "bytes_per_s", b.bytes_per_s,
					      "round_trip_ns", b.round_trip_ns, "copy_ns", b.copy_ns,
					      "sink_ns", b.sink_ns, "binds", b.binds));
	}
}
