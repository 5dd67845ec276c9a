// SPDX-License-Identifier: MIT
/* The limits of the machine: caches from sysfs, that what is measured is of a possible size, the pointer
 * chase, and the bound that follows from the limits. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/cpus.h"
#include "measure/bound.h"
#include "measure/caches.h"
#include "measure/chase.h"
#include "measure/limits.h"
#include "tests/unit/unit.h"

/* ---- caches ---- */

static char folder[64];

static void put(int index, const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/index%d", folder, index);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/index%d/%s", folder, index, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void put_cache(int index, const char *level, const char *type, const char *size)
{
	put(index, "level", level);
	put(index, "type", type);
	put(index, "size", size);
	put(index, "coherency_line_size", "128\n");
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/zcbench-unit-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void test_caches(void **state)
{
	struct caches c;

	(void)state;
	put_cache(0, "1\n", "Data\n", "48K\n");
	put_cache(1, "1\n", "Instruction\n", "64K\n");
	put_cache(2, "2\n", "Unified\n", "2048K\n");
	put_cache(3, "3\n", "Unified\n", "30M\n");
	caches_read(folder, &c);
	assert_int_equal(c.line, 128);
	assert_int_equal(c.l1, 48 << 10);
	assert_int_equal(c.l2, 2 << 20);
	assert_int_equal(c.llc, 30 << 20);
	assert_false(c.assumed);
}

static void test_caches_without_third_level(void **state)
{
	struct caches c;

	(void)state;
	put_cache(0, "1\n", "Data\n", "64K\n");
	put_cache(1, "2\n", "Unified\n", "4096K\n");
	caches_read(folder, &c);
	assert_int_equal(c.l2, 4 << 20);
	assert_int_equal(c.llc, c.l2);
	assert_false(c.assumed);
}

static void test_caches_unknown(void **state)
{
	struct caches c;

	(void)state;
	caches_read(folder, &c);
	assert_true(c.assumed);
	assert_true(c.line > 0 && c.l1 > 0 && c.l1 < c.l2 && c.l2 < c.llc);
	/* a size that is none is no size */
	put_cache(0, "1\n", "Data\n", "huge\n");
	caches_read(folder, &c);
	assert_true(c.assumed);
}

/* ---- the chase ---- */

static void test_chase_is_one_cycle(void **state)
{
	static const size_t sizes[] = {128, 192, 4096, 262144, 3 << 20};
	struct chase c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (uint64_t seed = 0; seed < 4; seed++) {
			assert_int_equal(chase_open(&c, sizes[i], 64, seed, &e), 0);
			assert_int_equal(c.lines, sizes[i] / 64);
			assert_int_equal(chase_cycle(&c), c.lines);
			chase_close(&c);
		}
}

/* The next line is rarely the neighbour: a prefetcher has nothing to go by. */
static void test_chase_is_random(void **state)
{
	struct chase c;
	struct err e;
	size_t neighbours = 0;

	(void)state;
	assert_int_equal(chase_open(&c, 1 << 20, 64, 1, &e), 0);
	for (size_t i = 0; i < c.lines; i++) {
		const char *at = c.first + i * 64, *next = *(char *const *)at;

		assert_true(next != at);
		neighbours += next > at ? next - at <= 128 : at - next <= 128;
	}
	assert_true(neighbours < c.lines / 100);
	chase_close(&c);
}

/* What it is for: a line that is in the cache is found faster than one that was flushed. */
static void test_chase_sees_eviction(void **state)
{
	double in = INFINITY, out = INFINITY;
	struct chase c;
	struct err e;

	(void)state;
	assert_int_equal(chase_open(&c, 64 << 10, 64, 1, &e), 0);
	for (int i = 0; i < 20; i++) {
		chase_warm(&c, 2);
		in = fmin(in, chase_time(&c, c.lines));
		if (!chase_flush(&c))
			skip();
		out = fmin(out, chase_time(&c, c.lines));
	}
	assert_true(in > 0.05);
	assert_true(out > 2 * in);
	chase_close(&c);
}

static void test_chase_refuses(void **state)
{
	struct chase c;
	struct err e;

	(void)state;
	assert_int_equal(chase_open(&c, 64, 64, 1, &e), -EINVAL); /* one line is no chase */
	assert_int_equal(chase_open(&c, 4096, 48, 1, &e), -EINVAL);
	assert_int_equal(chase_open(&c, 4096, 8, 1, &e), -EINVAL);
	assert_contains(e.what, "4096 bytes");
}

/* ---- the limits ---- */

static void test_passes(void **state)
{
	char a[300], b[300];

	(void)state;
	for (const struct limits_pass *p = limits_passes; p->name; p++)
		for (size_t len = 0; len <= 256; len += 1 + len / 3) {
			for (size_t i = 0; i < sizeof(a); i++)
				a[i] = (char)(i * 7 + 1);
			memset(b, 0x55, sizeof(b));
			p->run(b, a, len);
			if (p->two)
				assert_memory_equal(a, b, len);
			/* what does not copy leaves dst alone; nothing goes past the end */
			for (size_t i = p->two ? len : 0; i < sizeof(b); i++)
				assert_int_equal(b[i], 0x55);
		}
}

static volatile int stop;

static double best(const json_t *limits, const char *step)
{
	return json_number_value(
		json_object_get(json_object_get(json_object_get(limits, "latency_ns"), step), "best"));
}

static void test_measure(void **state)
{
	struct limits_config c = {.rounds = 3, .levels = true, .sizes = {4096, 100000}, .nsizes = 2};
	int cpus[CPUS_MAX], n = cpus_allowed(cpus, CPUS_MAX);
	const json_t *all, *b;
	unsigned int sizes = 0, levels = 0;
	uint64_t began = clock_ns();
	struct err e = {0};
	json_t *limits;
	size_t i;

	(void)state;
	c.client = cpus[0];
	c.server = n > 1 ? cpus[n / 2] : -1;
	c.dev.why = c.ring.why = "not in this test";
	c.interrupted = &stop;
	limits = limits_measure(&c, &e);
	cpus_bind_list(cpus, n);
	assert_non_null(limits);
	all = json_object_get(limits, "bandwidth_bytes_per_s");
	json_array_foreach (all, i, b) {
		double lo = json_number_value(json_object_get(b, "lo"));
		double median = json_number_value(json_object_get(b, "median"));
		double hi = json_number_value(json_object_get(b, "hi"));
		double top = json_number_value(json_object_get(b, "best"));

		assert_true(lo <= median && median <= hi && hi <= top);
		/* no memory is slower than 1 MB/s (sanitizers, emulation), and none faster than 100 TB/s */
		assert_true(lo > 1e6 && hi < 1e14);
		sizes += !json_object_get(b, "level");
		levels += json_object_get(b, "level") != NULL;
	}
	assert_true(sizes >= 2 * 4 && levels >= 2 * 4 && sizes % 2 == 0);
	assert_true(best(limits, "system_call") > 1 && best(limits, "system_call") < 1e6);
	if (n > 1) {
		assert_true(best(limits, "ping_pong") > 10 && best(limits, "ping_pong") < 1e8);
		assert_true(best(limits, "futex_round_trip") > best(limits, "system_call"));
	}
	b = json_object_get(limits, "not_measured");
	assert_string_equal(json_string_value(json_object_get(b, "fuse_dev_round_trip")),
			    "not in this test");
	assert_string_equal(json_string_value(json_object_get(b, "fuse_ring_round_trip")),
			    "not in this test");
	assert_int_equal(
		json_is_true(json_object_get(json_object_get(limits, "latency_ns"), "pin_page")), 0);
	assert_true(clock_ns() - began >=
		    (uint64_t)json_integer_value(json_object_get(limits, "elapsed_ns")));
	json_decref(limits);
}

static void test_measure_stops(void **state)
{
	struct limits_config c = {
		.client = -1, .server = -1, .rounds = 1000, .sizes = {4096}, .nsizes = 1};
	struct err e = {0};

	(void)state;
	c.dev.why = c.ring.why = "";
	c.interrupted = &stop;
	stop = 1;
	assert_null(limits_measure(&c, &e));
	assert_int_equal(e.code, -EINTR);
	stop = 0;
}

/* ---- the bound ---- */

#define MIB (1 << 20)

/* Round numbers: memcpy 10 bytes/ns, rep movsb 8, checksum 20, all at 1 MiB; ping-pong 100 ns. */
static json_t *some_limits(void)
{
	return json_pack(
		"{s:[{s:s,s:i,s:f}, {s:s,s:i,s:f}, {s:s,s:i,s:f}, {s:s,s:i,s:f}], s:{s:{s:f}, s:{s:f}}}",
		"bandwidth_bytes_per_s", "pass", "memcpy", "bytes", MIB, "best", 10e9, "pass",
		"rep_movsb", "bytes", MIB, "best", 8e9, "pass", "checksum", "bytes", MIB, "best", 20e9,
		"pass", "memcpy", "bytes", 4096, "best", 50e9, "latency_ns", "ping_pong", "best", 100.0,
		"fuse_dev_round_trip", "best", 50000.0);
}

static void test_bound(void **state)
{
	json_t *limits = some_limits();
	struct bound_cell c = {.step = "fuse_dev_round_trip",
			       .copies = 1,
			       .pass = "checksum",
			       .bs = MIB,
			       .depth = 1,
			       .clients = 1,
			       .cpus = 2};
	struct bound b;

	(void)state;
	assert_int_equal(bound_of(limits, &c, &b), 0);
	assert_double(b.round_trip_ns, 50000);
	assert_double(b.copy_ns, MIB / 10.0);
	assert_double(b.sink_ns, MIB / 20.0);
	assert_true(fabs(b.bytes_per_s - MIB * 1e9 / (50000 + MIB / 10.0 + MIB / 20.0)) < 1);
	assert_string_equal(b.binds, "copy");

	/* without a copy the pass of the sink is the most, and without that the round trip */
	c.copies = 0;
	assert_int_equal(bound_of(limits, &c, &b), 0);
	assert_double(b.copy_ns, 0);
	assert_string_equal(b.binds, "sink");
	c.step = "ping_pong";
	c.pass = NULL;
	assert_int_equal(bound_of(limits, &c, &b), 0);
	assert_string_equal(b.binds, "round_trip");
	assert_true(fabs(b.bytes_per_s - MIB * 1e9 / 100) < 1e3);

	/* in flight together: so many times as much, until the CPUs are busy with moving */
	c.depth = 2;
	c.clients = 3;
	assert_int_equal(bound_of(limits, &c, &b), 0);
	assert_true(fabs(b.bytes_per_s - 6 * (MIB * 1e9 / 100)) < 1e4);
	c.copies = 2;
	assert_int_equal(bound_of(limits, &c, &b), 0);
	assert_true(fabs(b.bytes_per_s - 2 * 10e9 / 2) < 1);
	json_decref(limits);
}

static void test_bound_needs_its_limits(void **state)
{
	json_t *limits = some_limits();
	struct bound_cell c = {
		.step = "ping_pong", .copies = 1, .bs = 4096, .depth = 1, .clients = 1, .cpus = 2};
	struct bound b;

	(void)state;
	assert_int_equal(bound_of(limits, &c, &b), 0);
	c.pass = "checksum"; /* not at this size */
	assert_int_equal(bound_of(limits, &c, &b), -ENODATA);
	c.pass = NULL;
	c.bs = 8192;
	assert_int_equal(bound_of(limits, &c, &b), -ENODATA);
	c.copies = 0;
	assert_int_equal(bound_of(limits, &c, &b), 0);
	c.step = "fuse_ring_round_trip";
	assert_int_equal(bound_of(limits, &c, &b), -ENODATA);
	json_decref(limits);
}

/* ---- placement ---- */

static void test_place(void **state)
{
	static struct placement p;
	int cpus[CPUS_MAX], n = cpus_allowed(cpus, CPUS_MAX);

	(void)state;
	cpus_place(&p, "none", 3);
	assert_int_equal(p.nclient + p.nserver, 0);
	cpus_place(&p, "same", 1);
	assert_true(p.shared && p.nclient == 1 && p.nserver == 1 && p.client[0] == p.server[0]);
	cpus_place(&p, "split", 1);
	assert_int_equal(p.shared, n < 2);
	if (n < 2)
		return;
	assert_int_equal(p.nclient + p.nserver, n);
	for (int i = 0; i < p.nclient; i++)
		for (int k = 0; k < p.nserver; k++)
			assert_int_not_equal(p.client[i], p.server[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_caches, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_caches_without_third_level, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_caches_unknown, make_folder, remove_folder),
		cmocka_unit_test(test_chase_is_one_cycle),
		cmocka_unit_test(test_chase_is_random),
		cmocka_unit_test(test_chase_sees_eviction),
		cmocka_unit_test(test_chase_refuses),
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_measure),
		cmocka_unit_test(test_measure_stops),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_bound_needs_its_limits),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
