// SPDX-License-Identifier: MIT
/*
 * Driver `fio`: the installed fio makes the load. The client process has the payload's memory, starts a fio for
 * each order, and turns its JSON into the answer that the native driver gives. What fio does not tell is left out.
 * docs/fio.md says what the figures mean.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/bypass_library.h"
#include "clients/client.h"
#include "clients/driver.h"
#include "clients/fio_run.h"
#include "lib/clock.h"
#include "lib/control.h"
#include "lib/cpus.h"
#include "lib/program.h"

#define ARGS_MAX 48

struct fio_client {
	int fd;
	json_t *config;
	const char *program, *engine, *file;
	enum op op;
	uint64_t bs, depth, file_size;
	bool random, buffered;
	struct source source;
	char mem[64];             /* --mem=... */
	char library[4096];       /* path ipc: what takes its system calls; else empty */
	uint64_t spin_ns, staged; /* and what it copied in the last run, bytes */
	struct fio_result result; /* large: not on the stack */
	struct events events;
	struct counters counters;
	struct counts counts[2];
};

/* The command line of one fio. */
struct args {
	char *v[ARGS_MAX];
	int n;
};

static __attribute__((format(printf, 2, 3))) void add(struct args *a, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (a->n < ARGS_MAX - 1 && vasprintf(&a->v[a->n], format, ap) > 0)
		a->v[++a->n] = NULL;
	va_end(ap);
}

static void free_args(struct args *a)
{
	for (int i = 0; i < a->n; i++)
		free(a->v[i]);
}

/* What all runs have in common. */
static void begin_args(const struct fio_client *c, struct args *a, const char *rw)
{
	a->n = 0;
	add(a, "%s", c->program);
	add(a, "--name=zcbench");
	add(a, "--filename=%s", c->file);
	add(a, "--allow_file_create=0");
	add(a, "--fallocate=none");
	add(a, "--rw=%s", rw);
	add(a, "--bs=%" PRIu64, c->bs);
	add(a, "--ioengine=%s", c->engine);
	add(a, "--iodepth=%" PRIu64, c->depth);
	add(a, "--direct=%d", !c->buffered);
	add(a, "--%s", c->mem);
	/* percentiles and bins of the time from before submission to completion */
	add(a, "--clat_percentiles=0");
	add(a, "--lat_percentiles=1");
	add(a, "--output-format=json+");
}

static uint64_t number(const json_t *obj, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(obj, name));
}

static const char *text(const json_t *obj, const char *name)
{
	const char *s = json_string_value(json_object_get(obj, name));

	return s ? s : "";
}

/* fio maps what it is told and asks for a page more, in whole huge pages; it opens the descriptor anew. */
static int make_memory(struct fio_client *c, struct err *e)
{
	int ret;

	if (c->source.ops->not_shared) {
		snprintf(c->mem, sizeof(c->mem), "mem=malloc");
		c->source.fd = -1;
		return 0;
	}
	ret = c->source.ops->alloc(&c->source, c->bs * c->depth + c->source.ops->page_size, e);
	if (ret)
		return ret;
	snprintf(c->mem, sizeof(c->mem), "mem=%s:/proc/self/fd/%d", c->source.ops->fio_mem,
		 c->source.fd);
	return 0;
}

static int set_up(struct fio_client *c, struct err *e)
{
	const json_t *cfg = c->config;
	int ret = client_count_events(cfg, &c->events, &c->counters, e);

	if (ret)
		return ret;
	c->program = text(cfg, "fio");
	c->engine = text(cfg, "engine");
	c->file = text(cfg, "file");
	c->op = strcmp(text(cfg, "op"), "read") ? OP_WRITE : OP_READ;
	c->bs = number(cfg, "bs");
	c->depth = number(cfg, "depth");
	c->file_size = number(cfg, "file_size");
	c->random = json_is_true(json_object_get(cfg, "random"));
	c->buffered = !strcmp(text(cfg, "access"), access_names[ACCESS_BUFFERED]);
	c->source.ops = source_find(text(cfg, "source"));
	if (!c->source.ops)
		return err_set(e, -EINVAL, "no source '%s'", text(cfg, "source"));
	if (!strcmp(text(cfg, "io"), "ipc")) {
		ret = bypass_library(c->library, sizeof(c->library), e);
		if (ret)
			return ret;
		c->spin_ns = number(json_object_get(cfg, "server"), "spin_ns");
	}
	/* fio inherits it */
	ret = cpus_bind_thread((int)(int64_t)number(cfg, "cpu"));
	if (ret)
		return err_sys(e, ret, "binding to CPU %d", (int)(int64_t)number(cfg, "cpu"));
	return make_memory(c, e);
}

static int run_fio(struct fio_client *c, struct args *a, enum op op, struct err *e)
{
	struct fio_program p = {.argv = a->v, .keep_fd = c->source.fd, .spin_ns = c->spin_ns};
	json_t *job = NULL;
	int ret;

	if (c->library[0])
		p.library = c->library;
	ret = fio_start(&p, &job, e);
	c->staged = p.staged;
	free_args(a);
	if (!ret)
		ret = fio_read(job, op, (unsigned int)c->depth, &c->result, e);
	json_decref(job);
	return ret;
}

/* Writes blocks with checksums, then opens the file anew, reads them and checks: what the page cache has of the
 * file is forgotten in between. */
static json_t *cmd_verify(struct fio_client *c, const json_t *msg)
{
	static const char *const rw[] = {[OP_WRITE] = "write", [OP_READ] = "read"};
	const uint64_t bytes = number(msg, "ops") * c->bs;
	struct args a;
	struct err e;

	for (enum op op = OP_WRITE; op <= OP_READ; op++) {
		begin_args(c, &a, rw[op]);
		add(&a, "--size=%" PRIu64, bytes);
		add(&a, "--verify=crc32c");
		add(&a, "--verify_fatal=1");
		add(&a, "--verify_state_save=0"); /* no files where the user is */
		if (op == OP_WRITE)
			add(&a, "--do_verify=0");
		if (run_fio(c, &a, op, &e))
			return control_error(&e);
		if (c->result.payload_bytes != bytes) {
			err_set(&e, -EIO, "fio %s %" PRIu64 " bytes to verify, not %" PRIu64,
				op == OP_WRITE ? "wrote" : "read", c->result.payload_bytes, bytes);
			return control_error(&e);
		}
	}
	return json_pack("{s:I}", "verified_bytes", (json_int_t)bytes);
}

static json_t *usage_of(const struct usage *u)
{
	json_t *j = usage_to_json(u);

	/* fio has only their sum */
	json_object_del(j, "voluntary_switches");
	json_object_del(j, "involuntary_switches");
	return j;
}

static json_t *cmd_run(struct fio_client *c, const json_t *msg)
{
	static const char *const rw[OP_COUNT][2] = {
		[OP_WRITE] = {"write", "randwrite"}, [OP_READ] = {"read", "randread"}};
	const struct fio_result *r = &c->result;
	const uint64_t count = number(msg, "count");
	uint64_t passes = 0;
	struct args a;
	json_t *answer;
	struct err e;

	begin_args(c, &a, rw[c->op][c->random]);
	add(&a, "--size=%" PRIu64, c->file_size);
	/* the same payload again and again: no time goes into making it */
	add(&a, "--scramble_buffers=0");
	if (count) {
		add(&a, "--io_size=%" PRIu64, count * c->bs);
	} else {
		add(&a, "--time_based");
		add(&a, "--runtime=%lluus", number(msg, "runtime_ns") / NSEC_PER_USEC);
	}
	clock_sleep_until(number(msg, "start_at"));
	counters_read(&c->counters, &c->counts[0]);
	if (run_fio(c, &a, c->op, &e))
		return control_error(&e);
	counters_read(&c->counters, &c->counts[1]);
	/* it starts again at the end of the file, and has the cache dropped then */
	if (c->op == OP_READ && c->buffered)
		passes = r->payload_bytes / c->file_size + 1;
	answer = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "ops",
			   (json_int_t)r->ops, "payload_bytes", (json_int_t)r->payload_bytes,
			   "elapsed_ns", (json_int_t)r->elapsed_ns, "wall_ns", (json_int_t)r->runtime_ns,
			   "produce_ns", (json_int_t)0, "produce_cpu_ns", (json_int_t)0, "copied_bytes",
			   (json_int_t)c->staged, "passes", (json_int_t)passes, "latency",
			   hist_to_json(&r->latency), "usage", usage_of(&r->usage));
	json_object_set_new(answer, "counters_before", counts_to_json(&c->counters, &c->counts[0]));
	json_object_set_new(answer, "counters", counts_to_json(&c->counters, &c->counts[1]));
	return answer;
}

static void serve_commands(struct fio_client *c)
{
	json_t *msg = NULL, *answer;

	while (!control_recv(c->fd, &msg, UINT64_MAX)) {
		const char *cmd = text(msg, "cmd");

		answer = !strcmp(cmd, "verify") ? cmd_verify(c, msg)
			 : !strcmp(cmd, "run")  ? cmd_run(c, msg)
						: NULL;
		json_decref(msg);
		if (!answer || control_send(c->fd, answer))
			return;
	}
}

static int fio_serve(int fd, json_t *config, uint64_t began)
{
	struct fio_client *c = calloc(1, sizeof(*c));
	struct err e;

	(void)began; /* what fio pays before its first operation is not known */
	if (!c)
		return 1;
	c->fd = fd;
	c->config = config;
	if (set_up(c, &e)) {
		control_send(fd, control_error(&e));
		return 1;
	}
	control_send(fd, json_pack("{s:{s:s}}", "ready", "io", "fio"));
	serve_commands(c);
	if (c->source.map)
		c->source.ops->free(&c->source);
	json_decref(config);
	free(c);
	return 0;
}

static const char *fio_engine(const struct driver_wants *w)
{
	return strcmp(w->engine, "auto") ? w->engine : w->depth > 1 ? "io_uring" : "psync";
}

/* "fio-3.33", asked for once. */
static const char *fio_version(const char *program)
{
	char *argv[] = {(char *)program, (char *)"--version", NULL};
	static char version[64], of[256];

	if (strcmp(of, program)) {
		snprintf(of, sizeof(of), "%s", program);
		if (program_run(argv, version, sizeof(version)) || strncmp(version, "fio-", 4))
			version[0] = '\0';
		version[strcspn(version, "\n")] = '\0';
	}
	return version[0] ? version : NULL;
}

/* The library stands in for functions of libc: engines that do not use these to move data are not for it. */
static const char *not_past_the_kernel(const struct driver_wants *w)
{
	static const char *const engines[] = {"psync", "sync", "vsync", "pvsync", "pvsync2"};
	char library[4096];
	struct err e;

	if (bypass_library(library, sizeof(library), &e))
		return "driver fio: path ipc needs libzcbypass.so, which is not here (make, or make "
		       "install)";
	if (w->depth > 1)
		return "driver fio: libzcbypass.so has one operation in flight; path ipc only at depth "
		       "1";
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (!strcmp(fio_engine(w), engines[i]))
			return NULL;
	return "driver fio: on path ipc only engines that call read(2), pread(2) and their kin: psync, "
	       "sync, "
	       "vsync, pvsync, pvsync2";
}

static const char *fio_refuses(const struct driver_wants *w)
{
	static char missing[400];

	if (!fio_version(w->program)) {
		snprintf(
			missing, sizeof(missing),
			"driver fio: '%.200s' cannot be started, or is no fio (sudo apt install fio, or "
			"--fio PROGRAM)",
			w->program);
		return missing;
	}
	if (!w->source->fio_mem)
		return "driver fio: fio cannot have its buffers in this source (it can in anon, memfd, "
		       "hugetlb)";
	if (w->access == ACCESS_MMAP)
		return "driver fio: --mmap is the native driver's; fio maps files with --buffered "
		       "--engine "
		       "mmap";
	if (w->produce)
		return "driver fio: fio does not time the rewriting of the payload apart (--produce "
		       "once)";
	if (w->pollution)
		return "driver fio: --pollution needs operations in numbers, from a client that waits "
		       "for "
		       "orders";
	if (w->shared)
		return "driver fio: fio cannot share its memory with the server";
	return w->bypass ? not_past_the_kernel(w) : NULL;
}

const struct driver driver_fio = {
	.name = "fio",
	.help = "the installed fio, through system calls on the mounted file",
	.foreign = true,
	.refuses = fio_refuses,
	.engine = fio_engine,
	.version = fio_version,
	.serve = fio_serve,
};
