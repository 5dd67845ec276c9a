// SPDX-License-Identifier: MIT
/* Proves that result files are read as docs/result-schema.md says, and that what is no whole result of a
 * known schema, or is of another host, is refused with its name and the reason. */
#include <errno.h>
#include <math.h>

#include "tests/unit/results_fixture.h"

static void refused(const char *quoted, int code, const char *what, const char *remedy)
{
	char *name = fixture_file("one.json", quoted);
	struct results r;
	struct err e = {0};

	assert_int_equal(results_load(&r, (const char *const[]){name}, 1, false, &e), code);
	assert_contains(e.what, name);
	assert_contains(e.what, what);
	assert_contains(e.remedy, remedy);
	fixture_done(name);
}

static void test_a_truncated_file(void **state)
{
	const char whole[] = RESULT(CELL("ipc", "null", 4096, ""));
	char part[sizeof(whole)];

	(void)state;
	refused("", -EINVAL, "cut off", "copy the file again");
	for (size_t n = 1; n < sizeof(whole) - 1; n += 7) {
		snprintf(part, sizeof(part), "%.*s", (int)n, whole);
		refused(part, -EINVAL, "line 1", "copy the file again");
	}
	refused(RESULT("") "}", -EINVAL, "end of file expected", "copy");
}

static void test_a_foreign_file(void **state)
{
	(void)state;
	refused("[]", -EINVAL, "is no result of zcbench", "result.json");
	refused("{'jobs': []}", -EINVAL, "it has no schema", "result.json");
	refused("{'schema': 1}", -EINVAL, "it has no schema", "result.json");
	refused("{'schema': 0, 'zcbench': '0.1.0'}", -EINVAL, "never such a schema", "result.json");
	refused("{'schema': 1, 'zcbench': '0.1.0', 'cells': []}", -EINVAL, "it has no host",
		"result.json");
	refused("{'schema': 1, 'zcbench': '0.1.0', 'host': {}, 'cells': {}}", -EINVAL, "it has no cells",
		"result.json");
}

static void test_a_newer_schema(void **state)
{
	(void)state;
	refused("{'schema': 2, 'zcbench': '9.8.7', 'everything': 'else'}", -EINVAL,
		"has schema 2, and this zcbench knows those up to 1", "zcbench 9.8.7");
}

static void test_no_file(void **state)
{
	struct results r;
	struct err e = {0};

	(void)state;
	assert_int_equal(results_load(&r, (const char *const[]){"/nonexistent/r.json"}, 1, false, &e),
			 -ENOENT);
	assert_contains(e.what, "/nonexistent/r.json");
	assert_int_equal(results_load(&r, (const char *const[]){"/proc/self/fd"}, 1, false, &e),
			 -ENOENT);
	assert_contains(e.what, "/proc/self/fd/result.json");
}

static void test_a_wrong_cell(void **state)
{
	(void)state;
	refused(RESULT("{}"), -EINVAL, "cell 1: path is absent", "run it again");
	refused(RESULT(CELL("ipc", "null", 4096, "") "," CELL("ipc", "null", 0, "")), -EINVAL,
		"cell 2: bs is absent or wrong", "run it again");
	refused(RESULT(CELL("ipc", "null", 4096, ", 'clients': -1")), -EINVAL, "clients", "");
	refused(RESULT(CELL("ipc", "null", 4096, ", 'depth': '1'")), -EINVAL, "depth", "");
	refused(RESULT(CELL("ipc", "null", 4096, ", 'op': 1")), -EINVAL, "op", "");
	refused(RESULT(CELL("ipc", "null", 4096, ", 'rounds': {}")), -EINVAL, "rounds", "");
	refused(RESULT(CELL("ipc", "null", 4096, ", 'summary': []")), -EINVAL, "summary", "");
	refused(RESULT(CELL("ipc", "null", 4096, ", 'summary': {'x': {'median': 1, 'lo': 1}}")), -EINVAL,
		"summary", "");
	refused(RESULT(CELL("ipc", "null", 4096, ", 'summary': {" METRIC("x", 1, 2, 3) "}")), -EINVAL,
		"summary", "");
}

/* The host of `b` differs from HOST in one member. */
static void two_hosts(const char *b, const char *member)
{
	char *first = fixture_file("a.json", RESULT(CELL("ipc", "null", 4096, "")));
	char *second = fixture_file("b.json", b);
	const char *names[] = {first, second};
	struct results r;
	struct err e = {0};
	int ret = results_load(&r, names, 2, false, &e);

	if (member) {
		assert_int_equal(ret, -EXDEV);
		assert_contains(e.what, first);
		assert_contains(e.what, second);
		assert_contains(e.what, member);
		assert_contains(e.remedy, "--mixed");
		assert_int_equal(results_load(&r, names, 2, true, &e), 0);
	} else {
		assert_int_equal(ret, 0);
	}
	assert_int_equal(r.nfiles, 2);
	assert_int_equal(r.ncells, 1);
	assert_string_equal(r.files[1].name, second);
	results_free(&r);
	fixture_done(first);
	fixture_done(second);
}

static void test_hosts(void **state)
{
#define OTHER(host) "{'schema': 1, 'zcbench': '0.1.0', 'cells': [], 'host': {" host "}}"
	(void)state;
	two_hosts(OTHER("'kernel': '6.1', 'cpu_model': 'A', 'machine': 'x86_64', 'cpus_possible': 2,"
			"'governor': 'performance'"),
		  NULL);
	two_hosts(OTHER("'kernel': '6.2', 'cpu_model': 'A', 'machine': 'x86_64', 'cpus_possible': 2"),
		  "kernel differs");
	two_hosts(OTHER("'kernel': '6.1', 'cpu_model': 'B', 'machine': 'x86_64', 'cpus_possible': 2"),
		  "cpu_model differs");
	two_hosts(OTHER("'kernel': '6.1', 'machine': 'x86_64', 'cpus_possible': 2"),
		  "cpu_model differs");
	two_hosts(OTHER("'kernel': '6.1', 'cpu_model': 'A', 'machine': 'x86_64', 'cpus_possible': 4"),
		  "cpus_possible differs");
	two_hosts(OTHER("'kernel': '6.1', 'cpu_model': 'A', 'machine': 'x86_64', 'cpus_possible': 2,"
			"'virtual_machine': 'tcg'"),
		  "virtual_machine differs");
#undef OTHER
}

static void test_an_emulated_machine(void **state)
{
	struct results r;

	(void)state;
	fixture_load(&r,
		     "{'schema': 1, 'zcbench': '0', 'host': {'virtual_machine': 'tcg'}, 'cells': []}");
	assert_true(r.files[0].emulated);
	results_free(&r);
	fixture_load(&r,
		     "{'schema': 1, 'zcbench': '0', 'host': {'virtual_machine': 'kvm'}, 'cells': []}");
	assert_false(r.files[0].emulated);
	results_free(&r);
}

static void test_what_a_cell_says(void **state)
{
	const struct metric *rate = metrics;
	struct results r;
	struct summary s;
	double samples[3];
	char text[300];

	(void)state;
	fixture_load(
		&r, RESULT(CELL("ipc", "read", 65536,
				", 'path_options': ['--spin=0', '--x=y'], 'clients': 4, 'pin': 'same',"
				"'summary': {" METRIC("throughput_bytes_per_s", 2.5, 2,
						      3) "},"
							 "'rounds': [{'throughput_bytes_per_s': 2}, {}, "
							 "{'throughput_bytes_per_s': 3}]")));
	assert_int_equal(r.ncells, 1);
	assert_string_equal(r.cells->path, "ipc");
	assert_string_equal(r.cells->label, "ipc --spin=0 --x=y");
	assert_string_equal(r.cells->sink, "read");
	assert_int_equal(r.cells->bs, 65536);
	assert_int_equal(r.cells->clients, 4);
	assert_string_equal(r.cells->via, "");
	assert_string_equal(r.cells->store, "");
	assert_true(r.cells->path_ok && r.cells->verified && !r.cells->error);
	assert_true(result_cell_metric(r.cells, "throughput_bytes_per_s", &s));
	assert_double(s.median, 2.5);
	assert_double(s.lo, 2);
	assert_double(s.hi, 3);
	assert_false(result_cell_metric(r.cells, "latency_p50_ns", &s));
	assert_true(isnan(s.median) && isnan(s.lo) && isnan(s.hi));
	assert_int_equal(result_cell_samples(r.cells, rate, samples), 3);
	assert_double(samples[0], 2);
	assert_true(isnan(samples[1]));
	assert_double(samples[2], 3);

	assert_string_equal(result_cell_describe(text, sizeof(text), r.cells, 0),
			    "write, sink read, 64k blocks, source memfd, depth 1, 4 clients, pin same");
	assert_string_equal(
		result_cell_describe(text, sizeof(text), r.cells,
				     DIM_BIT(DIM_OP) | DIM_BIT(DIM_SOURCE) | DIM_BIT(DIM_PIN)),
		"sink read, 64k blocks, depth 1, 4 clients");
	assert_string_equal(result_cell_value(text, sizeof(text), r.cells, DIM_BS), "64k");
	assert_string_equal(result_cell_value(text, sizeof(text), r.cells, DIM_CLIENTS), "4");
	assert_string_equal(result_cell_value(text, sizeof(text), r.cells, DIM_PATH),
			    "ipc --spin=0 --x=y");
	/* a short buffer is cut off, not run over */
	memset(text, 'x', sizeof(text));
	result_cell_describe(text, 12, r.cells, 0);
	assert_string_equal(text, "write, sink");
	assert_int_equal(text[12], 'x');
	results_free(&r);
}

static void test_what_is_not_as_usual_is_said(void **state)
{
	struct results r;
	char text[300];

	(void)state;
	fixture_load(
		&r,
		RESULT(CELL(
			"copy", "file", 512,
			", 'access': 'buffered', 'via': 'memfd', 'produce': 'once', 'file': '/tmp/x',"
			"'pattern': 'random', 'file_size': 1048576, 'max_io': 4194304")));
	assert_string_equal(
		result_cell_describe(text, sizeof(text), r.cells, 0),
		"write, buffered, sink file, in /tmp/x, 512 blocks, source memfd, via memfd, "
		"depth 1, 1 client, pin split, produced once, random offsets, file size 1m, "
		"max-io 4m");
	results_free(&r);
}

static void test_equal_but_for(void **state)
{
	struct results r;
	const struct result_cell *c;

	(void)state;
	fixture_load(
		&r,
		RESULT(CELL("ipc", "null", 4096, "") "," CELL("copy", "null", 4096, "") "," CELL(
			"ipc", "null", 65536,
			"") "," CELL("ipc", "null", 4096,
				     ", 'via': 'memfd'") "," CELL("ipc", "null", 4096,
								  ", 'path_options': ['--spin=0']")));
	c = r.cells;
	assert_true(result_cells_equal(&c[0], &c[0], 0));
	for (int i = 1; i < 5; i++)
		assert_false(result_cells_equal(&c[0], &c[i], 0));
	assert_true(result_cells_equal(&c[0], &c[1], DIM_BIT(DIM_PATH)));
	assert_true(result_cells_equal(&c[0], &c[2], DIM_BIT(DIM_BS)));
	assert_true(result_cells_equal(&c[0], &c[3], DIM_BIT(DIM_VIA)));
	/* a path with other options is another path */
	assert_true(result_cells_equal(&c[0], &c[4], DIM_BIT(DIM_PATH)));
	assert_false(result_cells_equal(&c[1], &c[2], DIM_BIT(DIM_PATH)));
	assert_true(result_cells_equal(&c[1], &c[2], DIM_BIT(DIM_PATH) | DIM_BIT(DIM_BS)));
	results_free(&r);
}

/* Results from before `access` was a member are of O_DIRECT: members may be added at any time. */
static void test_an_older_file(void **state)
{
	struct results r;

	(void)state;
	fixture_load(
		&r,
		RESULT("{'path': 'ipc', 'source': 'memfd', 'sink': 'null', 'op': 'write', 'bs': 4096,"
		       " 'depth': 1, 'clients': 1, 'driver': 'native', 'pin': 'split', 'produce': "
		       "'each',"
		       " 'pattern': 'seq', 'file_size': 67108864, 'max_io': 1048576, 'rounds': [],"
		       " 'summary': {}, 'error': 'no mount'}"));
	assert_string_equal(r.cells->access, "direct");
	assert_string_equal(r.cells->label, "ipc");
	assert_false(r.cells->path_ok || r.cells->verified);
	assert_string_equal(r.cells->error, "no mount");
	results_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_truncated_file),
		cmocka_unit_test(test_a_foreign_file),
		cmocka_unit_test(test_a_newer_schema),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_a_wrong_cell),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_an_emulated_machine),
		cmocka_unit_test(test_what_a_cell_says),
		cmocka_unit_test(test_what_is_not_as_usual_is_said),
		cmocka_unit_test(test_equal_but_for),
		cmocka_unit_test(test_an_older_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
