// SPDX-License-Identifier: MIT
/* The client process, and in it the native driver; see client.h. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "clients/client.h"
#include "clients/driver.h"
#include "clients/native.h"
#include "lib/clock.h"
#include "lib/control.h"
#include "lib/cpus.h"
#include "lib/pattern.h"
#include "measure/counters.h"
#include "measure/pollution.h"
#include "measure/usage.h"

struct client {
	int fd;
	json_t *config;
	struct source source;
	struct io io;
	struct native native;
	struct native_result result; /* large: not on the stack */
	struct events events;
	struct counters counters;
	struct counts counts[2]; /* before and after the measured loop */
	uint64_t began, source_ns;
};

static uint64_t number(const json_t *obj, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(obj, name));
}

static const char *text(const json_t *obj, const char *name)
{
	const char *s = json_string_value(json_object_get(obj, name));

	return s ? s : "";
}

/* Slots begin on page boundaries, whatever the block size: O_DIRECT likes it, and no two operations
 * share a page. */
static size_t stride_of(size_t bs)
{
	return (bs + 4095) & ~(size_t)4095;
}

int client_count_events(const json_t *config, struct events *events, struct counters *counters,
			struct err *e)
{
	const json_t *name;
	size_t i;
	int ret = 0;

	json_array_foreach (json_object_get(config, "events"), i, name)
		if (!ret)
			ret = events_add(events, json_string_value(name), e);
	if (!ret)
		counters_open(counters, events, 0, -1);
	return ret;
}

static enum access access_of(const json_t *cfg)
{
	enum access a = ACCESS_DIRECT;

	while (a + 1 < ACCESS_COUNT && strcmp(text(cfg, "access"), access_names[a]))
		a++;
	return a;
}

static int set_up(struct client *c, struct err *e)
{
	const json_t *cfg = c->config;
	int ret = client_count_events(cfg, &c->events, &c->counters, e);

	if (ret)
		return ret;

	c->native = (struct native){
		.io = &c->io,
		.op = strcmp(text(cfg, "op"), "read") ? OP_WRITE : OP_READ,
		.bs = number(cfg, "bs"),
		.stride = stride_of(number(cfg, "bs")),
		.depth = (unsigned int)number(cfg, "depth"),
		.file_size = number(cfg, "file_size"),
		.random = json_is_true(json_object_get(cfg, "random")),
		.produce = json_is_true(json_object_get(cfg, "produce")),
		.random_state = 0x9e3779b97f4a7c15ULL * (number(cfg, "number") + 1),
	};
	c->source.ops = source_find(text(cfg, "source"));
	if (!c->source.ops)
		return err_set(e, -EINVAL, "no source '%s'", text(cfg, "source"));
	ret = cpus_bind_thread((int)(int64_t)number(cfg, "cpu"));
	if (ret)
		return err_sys(e, ret, "binding to CPU %d", (int)(int64_t)number(cfg, "cpu"));
	c->source.via_memfd = !strcmp(text(cfg, "via"), "memfd");
	/* after the binding: first touch decides the NUMA node */
	ret = c->source.ops->alloc(&c->source, c->native.stride * c->native.depth, e);
	if (ret)
		return ret;
	source_begin(&c->source, true);
	pattern_fill(c->source.map, c->source.size, 0, 0);
	source_end(&c->source, true);
	c->io = (struct io){
		.ops = !strcmp(text(cfg, "io"), "ipc") ? &io_ipc
		       : access_of(cfg) == ACCESS_MMAP ? &io_mmap
		       : c->native.depth > 1           ? &io_uring_ops
						       : &io_syscall,
		.source = &c->source,
		.path = text(cfg, "file"),
		.access = access_of(cfg),
		.bs = c->native.bs,
		.depth = c->native.depth,
		.share = !strcmp(text(cfg, "io"), "shared"),
		.server = json_object_get(cfg, "server"),
	};
	if (json_is_true(json_object_get(cfg, "register_each"))) {
		c->io.inner = c->io.ops;
		c->io.ops = &io_each;
	}
	c->native.cached =
		c->native.op == OP_READ && c->io.access == ACCESS_BUFFERED && c->io.ops->drop_cache;
	c->source_ns = clock_ns() - c->began;
	ret = c->io.ops->open(&c->io, e);
	if (ret)
		c->source.ops->free(&c->source);
	return ret;
}

static json_t *cmd_verify(struct client *c, const json_t *msg)
{
	uint64_t bytes = 0;
	struct err e;

	if (native_verify(&c->native, number(msg, "ops"), number(msg, "seed"), &bytes, &e))
		return control_error(&e);
	return json_pack("{s:I}", "verified_bytes", (json_int_t)bytes);
}

static json_t *cmd_run(struct client *c, const json_t *msg)
{
	struct native_result *r = &c->result;
	struct usage before, after, spent;
	uint64_t copied = c->io.copied;
	json_t *answer;
	struct err e;

	clock_sleep_until(number(msg, "start_at"));
	counters_read(&c->counters, &c->counts[0]);
	usage_self(&before);
	if (native_run(&c->native, number(msg, "runtime_ns"), number(msg, "count"), r, &e))
		return control_error(&e);
	usage_self(&after);
	counters_read(&c->counters, &c->counts[1]);
	usage_diff(&spent, &before, &after);
	answer = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "ops",
			   (json_int_t)r->ops, "payload_bytes", (json_int_t)r->payload_bytes,
			   "elapsed_ns", (json_int_t)r->elapsed_ns, "wall_ns", (json_int_t)r->wall_ns,
			   "produce_ns", (json_int_t)r->produce_ns, "produce_cpu_ns",
			   (json_int_t)r->produce_cpu_ns, "copied_bytes",
			   (json_int_t)(c->io.copied - copied), "passes", (json_int_t)r->passes,
			   "drop_cpu_ns", (json_int_t)r->drop_cpu_ns, "latency",
			   hist_to_json(&r->latency), "usage", usage_to_json(&spent));
	json_object_set_new(answer, "counters_before", counts_to_json(&c->counters, &c->counts[0]));
	json_object_set_new(answer, "counters", counts_to_json(&c->counters, &c->counts[1]));
	return answer;
}

static json_t *cmd_batch(struct client *c, const json_t *msg)
{
	const uint64_t ops = number(msg, "ops"), idle = number(msg, "idle_ns");
	const char *set = text(msg, "set");
	const bool watched = pollution_warm(set);
	const uint64_t began = clock_ns();
	uint64_t elapsed;
	struct err e;

	if (ops && native_batch(&c->native, ops, &e))
		return control_error(&e);
	do
		elapsed = clock_ns() - began;
	while (!ops && elapsed < idle);
	if (!watched)
		return json_pack("{s:I}", "elapsed_ns", (json_int_t)elapsed);
	return json_pack("{s:I, s:f}", "elapsed_ns", (json_int_t)elapsed, "ns_per_line",
			 pollution_time(set));
}

static void serve_commands(struct client *c)
{
	json_t *msg = NULL, *answer;

	for (;;) {
		const char *cmd;

		if (control_recv(c->fd, &msg, UINT64_MAX))
			return;
		cmd = text(msg, "cmd");
		if (!strcmp(cmd, "verify"))
			answer = cmd_verify(c, msg);
		else if (!strcmp(cmd, "run"))
			answer = cmd_run(c, msg);
		else if (!strcmp(cmd, "batch"))
			answer = cmd_batch(c, msg);
		else if (!strcmp(cmd, "chase"))
			answer = pollution_order(msg, c->fd);
		else
			answer = NULL;
		json_decref(msg);
		if (!answer || control_send(c->fd, answer))
			return;
	}
}

/* What was paid in `total` ns, step by step. */
static json_t *paid(const struct client *c, uint64_t total)
{
	const uint64_t open = total - c->source_ns - c->io.once.connect_ns - c->io.once.register_ns;
	json_t *j = json_pack("{s:I, s:I}", "source_ns", (json_int_t)c->source_ns, "open_ns",
			      (json_int_t)open);

	if (c->io.once.connect_ns)
		json_object_set_new(j, "connect_ns", json_integer((json_int_t)c->io.once.connect_ns));
	if (c->io.once.registered_bytes) {
		json_object_set_new(j, "register_ns", json_integer((json_int_t)c->io.once.register_ns));
		json_object_set_new(j, "registered_bytes",
				    json_integer((json_int_t)c->io.once.registered_bytes));
	}
	return j;
}

static int native_serve(int fd, json_t *config, uint64_t began)
{
	struct client *c = calloc(1, sizeof(*c));
	uint64_t total;
	struct err e;

	if (!c)
		return 1;
	c->fd = fd;
	c->config = config;
	c->began = began;
	if (set_up(c, &e)) {
		control_send(fd, control_error(&e));
		return 1;
	}
	total = clock_ns() - c->began;
	control_send(fd,
		     json_pack("{s:{s:I, s:o, s:s}}", "ready", "setup_ns", (json_int_t)total, "setup",
			       paid(c, total), "io", (c->io.inner ? c->io.inner : c->io.ops)->name));
	serve_commands(c);
	c->io.ops->close(&c->io);
	c->source.ops->free(&c->source);
	json_decref(c->config);
	free(c);
	return 0;
}

const struct driver driver_native = {
	.name = "native",
	.help = "zcbench's own client: each operation timed by itself, its payload's production apart",
	.serve = native_serve,
};

int client_main(int fd)
{
	const struct driver *driver;
	json_t *config = NULL;

	/* A client that hangs in a dead mount must not outlive the run. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "zcbench-client"); /* for top and perf */
	if (control_recv(fd, &config, 10 * NSEC_PER_SEC))
		return 1;
	driver = driver_find(text(config, "driver"));
	return driver ? driver->serve(fd, config, clock_ns()) : 1;
}
