// SPDX-License-Identifier: MIT
/*
 * Is zcbench itself fast enough to measure what it measures? Ratios of its paths against hand-made
 * loops on the same two CPUs, interleaved in one run. A benchmark, not a test: it depends on the
 * machine. Exit status 1 when a target was missed.
 *
 *   make bench-self     or     build/tests/bench_self [ROUNDS]
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "clients/native.h"
#include "lib/checksum.h"
#include "lib/clock.h"
#include "lib/cpus.h"
#include "lib/pattern.h"
#include "measure/handover.h"
#include "measure/hist.h"
#include "measure/stats.h"

#define ROUNDS_MAX 99
#define BATCH      1000
#define BATCHES    200

static int cpu_client, cpu_server;
static int all_cpus[CPUS_MAX], ncpus;

/* ---- loops by hand ---- */

static double pingpong(void)
{
	return handover_poll(cpu_server, 0, BATCHES, BATCH);
}

static double handmade_4k(void)
{
	return handover_poll(cpu_server, 4096, BATCHES, BATCH / 10);
}

/* One thread reading 1 MiB of memfd again and again: median ns. */
static double read_1m(void)
{
	const size_t bs = 1 << 20;
	int fd = memfd_create("bench", 0);
	static struct hist h;
	volatile uint64_t sum = 0;
	char *p;

	if (fd < 0 || ftruncate(fd, (off_t)bs))
		exit(1);
	p = mmap(NULL, bs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	pattern_fill(p, bs, 0, 1);
	cpus_bind_thread(cpu_server);
	hist_init(&h);
	for (int i = 0; i < 3000; i++) {
		uint64_t t0 = clock_ns();

		sum += checksum(p, bs);
		hist_add(&h, clock_ns() - t0);
	}
	cpus_bind_thread(cpu_client);
	munmap(p, bs);
	close(fd);
	return hist_quantile(&h, 0.5);
}

/* What the driver adds to each operation: its loop around one that does nothing. */
static double driver_cost(void)
{
	static struct native_result r;
	char buf[64];
	struct source src = {.map = buf, .size = sizeof(buf), .fd = -1};
	struct io io = {.ops = &io_nop, .source = &src, .bs = 64, .depth = 1};
	struct native n = {
		.io = &io, .op = OP_WRITE, .bs = 64, .stride = 4096, .depth = 1, .file_size = 1 << 20};
	struct err e;

	if (native_run(&n, 0, 2000000, &r, &e))
		exit(1);
	return (double)r.wall_ns / (double)r.ops;
}

/* ---- zcbench's paths ---- */

static json_t *run(const char *args)
{
	static char command[1024];
	json_error_t je;
	json_t *j;
	FILE *f;

	snprintf(command, sizeof(command),
		 "./zcbench run --setup --no-limits --no-ledger --counted-rounds 0 --rounds 1 "
		 "--output build/bench-self --json - %s 2>/dev/null",
		 args);
	cpus_bind_list(all_cpus, ncpus); /* zcbench places its processes itself */
	f = popen(command, "r");
	j = f ? json_loadf(f, 0, &je) : NULL;
	if (!f || pclose(f) || !j) {
		fprintf(stderr, "failed: %s\n", command);
		exit(1);
	}
	return j;
}

static double metric(const json_t *j, size_t cell, const char *name)
{
	const json_t *c = json_array_get(json_object_get(j, "cells"), cell);

	return json_number_value(
		json_object_get(json_object_get(json_object_get(c, "summary"), name), "median"));
}

static double one(const char *args, const char *name)
{
	json_t *j = run(args);
	double v = metric(j, 0, name);

	json_decref(j);
	return v;
}

static double ipc_4k(void)
{
	return one("--path ipc --sink read --bs 4k --runtime 300ms --spin 5ms", "latency_p50_ns");
}

static double ipc_1m_once(void)
{
	return one("--path ipc --sink read --bs 1m --produce once --runtime 300ms --spin 5ms",
		   "latency_p50_ns");
}

static double ipc_1m_each(void)
{
	return one("--path ipc --sink read --bs 1m --runtime 300ms --spin 5ms", "latency_p50_ns");
}

static double handmade_1m(void)
{
	return handover_poll(cpu_server, 1 << 20, BATCHES, 5);
}

static double rate(const char *path, const char *bs)
{
	char args[200];

	snprintf(args, sizeof(args), "--path %s --sink null --bs %s --runtime 500ms", path, bs);
	return one(args, "throughput_bytes_per_s");
}

static double uring_1m(void)
{
	return rate("uring", "1m");
}

static double copy_1m(void)
{
	return rate("copy", "1m");
}

static double uring_4k(void)
{
	return rate("uring", "4k");
}

static double copy_4k(void)
{
	return rate("copy", "4k");
}

/* ---- the comparisons ---- */

static const struct comparison {
	const char *what;
	double (*value)(void), (*against)(void); /* against NULL: an absolute figure */
	const char *unit;
	double target;
	bool at_most;
} comparisons[] = {
	{"ipc 4k write, sink read, p50 / cache-line ping-pong", ipc_4k, pingpong, "ns", 4, true},
	{"ipc 4k write, sink read, p50 / hand-made hand-over of 4k", ipc_4k, handmade_4k, "ns", 1.5,
	 true},
	{"one thread reading 1m / ipc 1m, sink read, produce once", read_1m, ipc_1m_once, "ns", 0.9,
	 false},
	{"hand-made hand-over of 1m / ipc 1m, sink read, produce each", handmade_1m, ipc_1m_each, "ns",
	 0.9, false},
	{"uring / copy throughput, 1m", uring_1m, copy_1m, "B/s", 1, false},
	{"uring / copy throughput, 4k", uring_4k, copy_4k, "B/s", 1, false},
	{"the client's own cost for each operation", driver_cost, NULL, "ns", 100, true},
};

#define N (sizeof(comparisons) / sizeof(comparisons[0]))

int main(int argc, char **argv)
{
	static double a[N][ROUNDS_MAX], b[N][ROUNDS_MAX], ratio[N][ROUNDS_MAX];
	int rounds = argc > 1 ? atoi(argv[1]) : 9, missed = 0;

	ncpus = cpus_allowed(all_cpus, CPUS_MAX);
	if (ncpus < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, ncpus < 2 ? "needs two CPUs\n" : "1 to 99 rounds\n");
		return ncpus < 2 ? 77 : 2;
	}
	cpu_client = all_cpus[0];
	cpu_server = all_cpus[ncpus / 2];
	for (int r = 0; r < rounds; r++) {
		for (size_t i = 0; i < N; i++) {
			const struct comparison *c = &comparisons[i];

			cpus_bind_thread(cpu_client);
			b[i][r] = c->against ? c->against() : 1;
			cpus_bind_thread(cpu_client);
			a[i][r] = c->value();
			ratio[i][r] = a[i][r] / b[i][r];
		}
		fprintf(stderr, "\rround %d of %d", r + 1, rounds);
	}
	fprintf(stderr, "\r\033[K");
	printf("%-60s %12s %12s   %-22s %s\n", "medians of interleaved rounds", "value", "against",
	       "ratio (95 % interval)", "target");
	for (size_t i = 0; i < N; i++) {
		const struct comparison *c = &comparisons[i];
		struct summary s = stats_summarise(ratio[i], (size_t)rounds);
		bool ok = c->at_most ? s.median <= c->target : s.median >= c->target;
		char against[40] = "";

		missed += !ok;
		if (c->against)
			snprintf(against, sizeof(against), "%.4g", stats_median(b[i], (size_t)rounds));
		printf("%-60s %9.4g %-3s %11s   %6.2f (%.2f .. %.2f) %*s %s %g: %s\n", c->what,
		       stats_median(a[i], (size_t)rounds), c->unit, against, s.median, s.lo, s.hi, 2, "",
		       c->at_most ? "<=" : ">=", c->target, ok ? "met" : "MISSED");
	}
	return missed > 0;
}
