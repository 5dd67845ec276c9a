// SPDX-License-Identifier: MIT
/* One round of one cell; see round.h. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "cli/copies.h"
#include "cli/round.h"
#include "cli/round_json.h"
#include "cli/round_pollution.h"
#include "cli/round_verify.h"
#include "cli/talk.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/control.h"
#include "lib/cpus.h"
#include "lib/mounts.h"
#include "lib/units.h"
#include "measure/usage.h"

#define GRACE_NS   (3 * NSEC_PER_SEC)
#define HEAD_START (2 * NSEC_PER_MSEC) /* until all clients have read the order to start */

struct round {
	const struct cell *cell;
	struct ledger *ledger; /* NULL: the kernel's copies are not counted */
	char mountpoint[300];
	struct child server;
	struct child *clients;
	unsigned int nclients; /* started */
	bool started;          /* the server is ready */
	json_t *evidence;
	uint64_t setup_ns;  /* the slowest client's */
	json_t *setup;      /* ... and its steps */
	uint64_t server_ns; /* until the server was ready */
	struct placement placement;
};

static uint64_t integer(const json_t *obj, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(obj, name));
}

static int start_server(struct round *r, const struct placement *p, struct err *e)
{
	const struct config *c = &r->cell->config;
	char size[32], files[16], max_io[32], delay[32];
	char *argv[OPT_TABLE_MAX + 32];
	json_t *msg = NULL;
	int n = 0, ret;

	snprintf(size, sizeof(size), "%" PRIu64, c->size);
	snprintf(max_io, sizeof(max_io), "%" PRIu64, c->max_io);
	snprintf(files, sizeof(files), "%u", r->cell->clients);
	snprintf(delay, sizeof(delay), "%" PRIu64 "ns", c->fault_delay_ns);
	argv[n++] = "zcbench";
	argv[n++] = "serve";
	argv[n++] = (char *)r->cell->path->name;
	argv[n++] = r->mountpoint;
	argv[n++] = "--sink";
	argv[n++] = (char *)r->cell->sink->name;
	argv[n++] = "--size";
	argv[n++] = size;
	argv[n++] = "--files";
	argv[n++] = files;
	argv[n++] = "--max-io";
	argv[n++] = max_io;
	if (c->file) {
		argv[n++] = "--file";
		argv[n++] = (char *)c->file;
	}
	if (r->cell->sink->needs_tcp) {
		argv[n++] = "--tcp";
		argv[n++] = (char *)c->tcp;
		argv[n++] = "--send";
		argv[n++] = (char *)c->send;
	}
	if (c->overwrite)
		argv[n++] = "--overwrite";
	if (r->cell->access != ACCESS_DIRECT)
		argv[n++] = "--no-direct-io";
	if (r->cell->op == OP_READ)
		argv[n++] = "--fill";
	if (r->cell->bs % 4096)
		argv[n++] = "--no-aligned";
	if (p->shared)
		argv[n++] = "--shares-cpu";
	if (r->cell->instruments) {
		argv[n++] = "--events";
		argv[n++] = r->cell->instruments->names;
	}
	argv[n++] = "--fault";
	argv[n++] = (char *)c->fault;
	argv[n++] = "--fault-delay";
	argv[n++] = delay;
	for (unsigned int i = 0; i < r->cell->nargs; i++)
		argv[n++] = r->cell->server_args[i];
	argv[n] = NULL;
	ret = child_start(&r->server, argv, p->server, p->nserver, e);
	if (ret)
		return ret;
	ret = answer(&r->server, "the server", &msg, SETUP_NS, e);
	if (ret)
		return ret;
	r->evidence = json_incref(json_object_get(msg, "ready"));
	r->server_ns = integer(msg, "setup_ns");
	json_decref(msg);
	r->started = true;
	return 0;
}

static int start_client(struct round *r, unsigned int i, const struct placement *p, struct err *e)
{
	char *argv[] = {"zcbench", "client", NULL, NULL, NULL};
	const struct cell *c = r->cell;
	const struct driver_wants wants = cell_wants(c);
	char file[330];
	int ret;

	ret = child_start(&r->clients[i], argv, NULL, 0, e);
	if (ret)
		return ret;
	r->nclients = i + 1;
	snprintf(file, sizeof(file), "%s/data%u", r->mountpoint, i);
	ret = control_send(
		r->clients[i].control,
		json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b, "
			  "s:b, s:i, s:I, s:O, s:o}",
			  "driver", c->driver->name, "register_each", cell_registers_each(c), "engine",
			  c->driver->engine ? c->driver->engine(&wants) : "", "fio",
			  c->config.fio.program, "file", file, "io", client_io_names[c->path->client],
			  "op", op_names[c->op], "access", access_names[c->access], "source",
			  c->source->name, "via", c->config.via, "bs", (json_int_t)c->bs, "depth",
			  (json_int_t)c->depth, "file_size", (json_int_t)c->config.size, "random",
			  !strcmp(c->config.pattern, "random"), "produce",
			  c->op == OP_WRITE && !strcmp(c->config.produce, "each"), "cpu",
			  p->nclient ? p->client[i % (unsigned int)p->nclient] : -1, "number",
			  (json_int_t)i, "server", r->evidence, "events",
			  instruments_names(c->instruments)));
	return ret ? err_sys(e, ret, "talking to a client") : 0;
}

static int start_clients(struct round *r, const struct placement *p, struct err *e)
{
	int ret = 0;

	r->clients = calloc(r->cell->clients, sizeof(*r->clients));
	if (!r->clients)
		return err_sys(e, -ENOMEM, "starting clients");
	for (unsigned int i = 0; i < r->cell->clients && !ret; i++)
		ret = start_client(r, i, p, e);
	for (unsigned int i = 0; i < r->nclients && !ret; i++) {
		json_t *msg = NULL;
		uint64_t ns;

		ret = answer(&r->clients[i], "a client", &msg, r->cell->config.watchdog_ns, e);
		if (ret)
			break;
		ns = integer(json_object_get(msg, "ready"), "setup_ns");
		if (ns > r->setup_ns) {
			r->setup_ns = ns;
			json_decref(r->setup);
			r->setup = json_incref(json_object_get(json_object_get(msg, "ready"), "setup"));
		}
		json_decref(msg);
	}
	return ret;
}

/* Ends everything. A client can wait in the kernel for a server that hangs, and not even SIGKILL ends
 * that: so the connection is aborted before the server is killed, and clients come last. */
static void stop_all(struct round *r, bool failed)
{
	json_t *msg = NULL;
	struct err e;

	for (unsigned int i = 0; i < r->nclients && !failed; i++)
		child_end(&r->clients[i], GRACE_NS);
	if (r->server.pid) {
		if (failed) {
			fuse_abort(r->mountpoint);
		} else if (!ask(&r->server, "the server", json_pack("{s:s}", "cmd", "stop"), &msg,
				GRACE_NS, &e)) {
			json_decref(msg);
		}
		if (child_end(&r->server, failed ? NSEC_PER_SEC / 2 : GRACE_NS) && !failed)
			warn("the %s server did not end in time, or died; it was killed",
			     r->cell->path->name);
	} else {
		child_end(&r->server, 0);
	}
	for (unsigned int i = 0; i < r->nclients; i++)
		child_end(&r->clients[i], failed ? NSEC_PER_SEC / 10 : GRACE_NS);
	free(r->clients);
	rundir_drop_mountpoint(r->mountpoint);
}

static int server_stats(struct round *r, json_t **stats, struct err *e)
{
	return ask(&r->server, "the server", json_pack("{s:s}", "cmd", "stats"), stats,
		   r->cell->config.watchdog_ns, e);
}

static int verify(struct round *r, struct round_result *out, struct err *e)
{
	const struct verify_pass pass = {
		.cell = r->cell,
		.server = &r->server,
		.clients = r->clients,
		.nclients = r->nclients,
	};
	int ret = round_verify(&pass, &out->verified_bytes, e);

	out->verified = !ret;
	return ret;
}

/* All data requests that a server has counted. */
static uint64_t requests_of(const json_t *stats)
{
	uint64_t n = 0;

	for (int op = 0; op < OP_COUNT; op++)
		for (int route = 0; route < ROUTE_COUNT; route++)
			n += integer(json_object_get(json_object_get(stats, op_names[op]),
						     route_names[route]),
				     "requests");
	return n;
}

/* How long to wait for a client. With --count nobody knows: as long as the server still gets requests,
 * or, where it gets none, as long as it takes. */
static int await_client(struct round *r, unsigned int i, uint64_t expected_ns, json_t **msg,
			struct err *e)
{
	const uint64_t watchdog = r->cell->config.watchdog_ns;
	uint64_t seen = UINT64_MAX;
	int ret;

	for (;;) {
		json_t *stats = NULL;
		uint64_t now;

		ret = answer(&r->clients[i], "a client", msg, expected_ns + watchdog, e);
		if (ret != -ETIMEDOUT || !r->cell->config.count)
			break;
		ret = server_stats(r, &stats, e);
		if (ret)
			break;
		now = requests_of(stats);
		json_decref(stats);
		if (now == seen && r->cell->path->expect[r->cell->op].route != ROUTE_NONE) {
			ret = -ETIMEDOUT;
			break;
		}
		seen = now;
	}
	if (ret == -ETIMEDOUT) {
		char text[32];

		format_time(text, sizeof(text), (double)watchdog);
		err_set(e, -ETIMEDOUT,
			"the server did not answer a client for %s; its mount was aborted", text);
		err_remedy(e, "--watchdog with a longer time, if it is only slow");
	}
	return ret;
}

/* Orders all clients to run once. */
static void order_clients(struct round *r, uint64_t runtime_ns, uint64_t count)
{
	const uint64_t start_at = clock_ns() + HEAD_START;

	for (unsigned int i = 0; i < r->nclients; i++)
		control_send(r->clients[i].control,
			     json_pack("{s:s, s:I, s:I, s:I}", "cmd", "run", "start_at",
				       (json_int_t)start_at, "runtime_ns", (json_int_t)runtime_ns,
				       "count", (json_int_t)count));
}

/* Waits for their answers and adds them to results (one for each client). */
static int collect_answers(struct round *r, uint64_t runtime_ns, json_t *results, struct err *e)
{
	for (unsigned int i = 0; i < r->nclients; i++) {
		json_t *msg = NULL;
		int ret = await_client(r, i, runtime_ns, &msg, e);

		if (ret)
			return ret;
		json_array_append_new(results, msg);
	}
	return 0;
}

static int run_clients(struct round *r, uint64_t runtime_ns, uint64_t count, json_t *results,
		       struct err *e)
{
	order_clients(r, runtime_ns, count);
	return collect_answers(r, runtime_ns, results, e);
}

/*
 * The bytes that a server may have sent beyond what clients asked for: none, but for a READ through the
 * page cache. There the kernel reads whole pages, and ahead of the client: at most two windows beyond the
 * place where the client stopped, in each pass over the file. A window is what was negotiated, or the
 * block, if that is larger and fits into a request. In a random order a pass may fetch what is left of the
 * file. Nothing is fetched twice in a pass. What was read ahead in the warm-up may have been counted after
 * it: one more pass for each client.
 */
static uint64_t surplus_allowed(const struct round *r, const struct round_totals *t)
{
	const struct cell *c = r->cell;
	const uint64_t request = integer(r->evidence, "max_write");
	uint64_t window = integer(r->evidence, "max_readahead");

	if (c->op != OP_READ || c->access != ACCESS_BUFFERED || c->path->client == CLIENT_IPC)
		return 0;
	if (!strcmp(c->config.pattern, "random"))
		return (t->passes + c->clients) * (c->config.size + 4096) - t->payload;
	if (window < c->bs)
		window = c->bs < request ? c->bs : request;
	return (t->passes + c->clients) * (2 * window + 2 * 4096);
}

/* Did every request take the route that the path promises, and did all bytes come from the server? */
static void judge_path(const struct round *r, const json_t *routes, uint64_t payload, uint64_t surplus,
		       struct round_result *out)
{
	const struct expect *x = &r->cell->path->expect[r->cell->op];
	const bool tolerant =
		!x->tolerates_if || json_is_true(json_object_get(r->evidence, x->tolerates_if));
	uint64_t good = 0, total = 0;

	out->path_ok = true;
	for (int route = 0; route < ROUTE_COUNT; route++) {
		const json_t *o = json_object_get(routes, route_names[route]);
		uint64_t bytes = integer(o, "bytes");

		total += bytes;
		if (route == (int)x->route)
			good += bytes;
		if (!bytes || route == (int)x->route || (tolerant && x->tolerates >> route & 1))
			continue;
		out->path_ok = false;
		snprintf(out->problem, sizeof(out->problem),
			 "%" PRIu64 " requests with %" PRIu64 " bytes came by route %s, not %s",
			 integer(o, "requests"), bytes, route_names[route], route_names[x->route]);
	}
	if (!out->path_ok)
		return;
	if (x->route == ROUTE_NONE ? total != 0
				   : total < payload || total - payload > surplus || !good) {
		out->path_ok = false;
		snprintf(out->problem, sizeof(out->problem),
			 "clients moved %" PRIu64 " bytes, the server counted %" PRIu64 ", %" PRIu64
			 " of them by route %s",
			 payload, total, good, route_names[x->route]);
	}
}

static int watch_copies(struct round *r, struct ledger_counts *before, struct err *e)
{
	pid_t clients[LEDGER_PROCESSES];
	int ret;

	for (unsigned int i = 0; i < r->nclients; i++)
		clients[i] = r->clients[i].pid;
	ret = ledger_watch(r->ledger, r->server.pid, clients, r->nclients, e);
	return ret ? ret : ledger_read(r->ledger, before, e);
}

static void judge_copies(const struct cell *c, const json_t *evidence, struct round_result *out)
{
	out->expected_copies = copies_expected(c, evidence, out->round);
	if (out->path_ok)
		out->path_ok = copies_agree(c, evidence, out->expected_copies, out->round, out->problem,
					    sizeof(out->problem));
}

/* The processes whose samples count; for the caller to free. */
static struct sampled *sampled(const struct round *r)
{
	struct sampled *who = calloc(r->nclients + 1, sizeof(*who));

	for (unsigned int i = 0; who && i < r->nclients; i++)
		who[i] = (struct sampled){.pid = r->clients[i].pid, .role = ROLE_CLIENT};
	if (who)
		who[r->nclients] = (struct sampled){.pid = r->server.pid, .role = ROLE_SERVER};
	return who;
}

/* Only the measured loops count: not what is said about them before and after. */
static void set_times(struct sampled *who, unsigned int clients, uint64_t start_ns,
		      const json_t *results)
{
	who[clients].from_ns = start_ns;
	for (unsigned int i = 0; i < clients; i++) {
		who[i].from_ns = start_ns;
		who[i].to_ns = start_ns + integer(json_array_get(results, i), "wall_ns");
		if (who[i].to_ns > who[clients].to_ns)
			who[clients].to_ns = who[i].to_ns;
	}
}

/* The measured part, and what is in it by samples. */
static int run_sampled(struct round *r, json_t *results, struct err *e)
{
	const struct config *c = &r->cell->config;
	struct sampler *s = r->cell->sampler;
	struct sampled *who = sampled(r);
	int ret = who ? sampler_start(s, who, r->nclients + 1) : -ENOMEM;
	uint64_t start;

	if (ret) {
		free(who);
		return err_sys(e, ret, "taking samples");
	}
	start = clock_ns() + HEAD_START;
	ret = run_clients(r, c->runtime_ns, c->count, results, e);
	sampler_stop(s);
	set_times(who, r->nclients, start, results);
	if (!ret)
		sampler_take(s, r->cell->shares, r->cell->stacks);
	free(who);
	return ret;
}

static int measure(struct round *r, struct round_result *out, struct err *e)
{
	const struct config *c = &r->cell->config;
	json_t *before = NULL, *after = NULL, *results = json_array(), *discard = json_array();
	json_t *routes, *cpus_before, *cpus_after, *counters;
	struct system_usage sys0, sys1, sys;
	bool sys_known;
	static struct ledger_counts copies_before, copies;
	static struct round_totals t;
	int ret = 0;

	if (c->warmup_ns)
		ret = run_clients(r, c->warmup_ns, 0, discard, e);
	if (!ret && r->ledger)
		ret = watch_copies(r, &copies_before, e);
	if (!ret)
		ret = server_stats(r, &before, e);
	cpus_before = instruments_read(r->cell->instruments);
	sys_known = !usage_system(&sys0);
	if (!ret && r->cell->sampler)
		ret = run_sampled(r, results, e);
	else if (!ret)
		ret = run_clients(r, c->runtime_ns, c->count, results, e);
	sys_known = !usage_system(&sys1) && sys_known;
	cpus_after = instruments_read(r->cell->instruments);
	if (!ret)
		ret = server_stats(r, &after, e);
	if (!ret && r->ledger)
		ret = ledger_since(r->ledger, &copies_before, &copies, e);
	if (!ret)
		ret = round_sum_clients(results, &t, e);
	if (!ret) {
		const char *op = op_names[r->cell->op];

		if (sys_known)
			usage_system_diff(&sys, &sys0, &sys1);
		routes = round_route_diff(json_object_get(before, op), json_object_get(after, op));
		judge_path(r, routes, t.payload, surplus_allowed(r, &t), out);
		out->round = round_json(&t, before, after, sys_known ? &sys : NULL,
					r->ledger ? &copies : NULL, routes, results);
		judge_copies(r->cell, r->evidence, out);
		if (r->setup) {
			json_object_set_new(out->round, "setup_ns",
					    json_integer((json_int_t)r->setup_ns));
			json_object_set(out->round, "setup", r->setup);
		}
		json_object_set_new(out->round, "server_setup_ns",
				    json_integer((json_int_t)r->server_ns));
		json_object_set_new(out->round, "memory_bytes",
				    round_memory(r->server.pid, r->clients,
						 r->cell->driver->foreign ? 0 : r->nclients));
		out->missing = json_object();
		counters = instruments_counters(r->cell->instruments, results, before, after,
						cpus_before, cpus_after, out->missing);
		if (counters)
			json_object_set_new(out->round, "counters", counters);
	}
	json_decref(before);
	json_decref(after);
	json_decref(cpus_before);
	json_decref(cpus_after);
	json_decref(results);
	json_decref(discard);
	return ret;
}

static int pollution(struct round *r, const struct placement *p, struct round_result *out, struct err *e)
{
	const struct pollution_pass pass = {
		.server = &r->server,
		.clients = r->clients,
		.nclients = r->nclients,
		.client_cpu = p->client[0],
		.server_cpu = p->server[0],
		.timeout_ns = r->cell->config.watchdog_ns,
	};
	json_t *j = NULL;
	int ret = round_pollution(&pass, &j, e);

	if (!ret)
		json_object_set_new(out->round, "pollution", j);
	return ret;
}

/* What a client is told whose server dies: in flight canceled or aborted, later not connected. The client may
 * know before the server's process is gone. */
static bool lost_server(int code)
{
	return code == -ECANCELED || code == -ECONNABORTED || code == -ENOTCONN || code == -ECONNRESET ||
	       code == -EPIPE;
}

/* A client that lost its server says so in its own words: name the cause instead. */
static int name_cause(struct round *r, int ret, struct err *e)
{
	if (ret && ret != -EINTR && r->server.pid &&
	    !child_wait(&r->server, lost_server(ret) ? GRACE_NS : 0) && WIFSIGNALED(r->server.status))
		ret = err_set(e, -EPIPE, "the server %s in the middle of the round",
			      child_fate(&r->server));
	return ret;
}

int round_open(struct rundir *dir, const struct cell *cell, struct ledger *ledger, struct round **round,
	       struct err *e)
{
	struct round *r = calloc(1, sizeof(*r));
	int ret;

	*round = r;
	if (!r)
		return err_sys(e, -ENOMEM, "a round");
	r->cell = cell;
	r->ledger = ledger;
	r->server = (struct child){.pidfd = -1, .control = -1};
	cpus_place(&r->placement, cell->config.pin, cell->clients);
	ret = rundir_mountpoint(dir, r->mountpoint, sizeof(r->mountpoint), e);
	if (!ret)
		ret = start_server(r, &r->placement, e);
	if (!ret)
		ret = start_clients(r, &r->placement, e);
	return name_cause(r, ret, e);
}

int round_measure(struct round *r, struct round_result *out, struct err *e)
{
	*out = (struct round_result){.started = r->started};
	return name_cause(r, measure(r, out, e), e);
}

int round_kill(struct round *r, uint64_t after_ns, struct err *told)
{
	struct timespec pause = {.tv_nsec = (long)after_ns};
	json_t *results = json_array();
	int ret;

	order_clients(r, 4 * after_ns, 0);
	nanosleep(&pause, NULL);
	if (r->server.pid)
		kill(r->server.pid, SIGKILL);
	*told = (struct err){0};
	ret = collect_answers(r, 4 * after_ns, results, told);
	json_decref(results);
	return ret;
}

void round_close(struct round *r, bool failed)
{
	if (!r)
		return;
	stop_all(r, failed);
	json_decref(r->evidence);
	json_decref(r->setup);
	free(r);
}

bool round_cannot_run_here(int code)
{
	return code == -EOPNOTSUPP || code == -EPERM || code == -ENODEV;
}

int round_run(struct rundir *dir, const struct cell *cell, struct ledger *ledger, bool want_verify,
	      bool want_measure, struct round_result *out, struct err *e)
{
	struct round *r = NULL;
	int ret;

	*out = (struct round_result){0};
	ret = round_open(dir, cell, ledger, &r, e);
	if (!ret && want_verify)
		ret = verify(r, out, e);
	if (!ret && want_measure)
		ret = measure(r, out, e);
	if (!ret && want_measure && cell->config.pollution)
		ret = pollution(r, &r->placement, out, e);
	if (r) {
		ret = name_cause(r, ret, e);
		out->evidence = json_incref(r->evidence);
		out->started = r->started;
	}
	round_close(r, ret != 0);
	return ret;
}
