// SPDX-License-Identifier: MIT
/* Proves that each metric is computed from a round as its row says, and that a metric of which a
 * round lacks any part is absent from the summary: never zero. */
#include <math.h>

#include "measure/metrics.h"
#include "tests/unit/unit.h"

/* A round with numbers that are easy to divide: 64 KiB in 16 operations. */
static const char round_text[] =
	"{ 'payload_bytes': 65536, 'ops': 16, 'elapsed_ns': 2000, 'produce_ns': 480,"
	"  'setup_ns': 1250000, 'server_setup_ns': 4000000,"
	"  'setup': {'source_ns': 1000000, 'open_ns': 90000, 'connect_ns': 60000, 'register_ns': 100000,"
	"            'registered_bytes': 2097152},"
	"  'throughput_bytes_per_s': 2.5e9, 'stolen_ns': 1000,"
	"  'latency_ns': {'p10': 50, 'p50': 100.5, 'p90': 200, 'p99': 300, 'p999': 400, 'max': 500},"
	"  'cpu_ns': { 'client': {'user': 640, 'kernel': 1280},"
	"              'server': {'user': 64, 'kernel': 2560}, 'system': 7000 },"
	"  'context_switches': { 'client': {'voluntary': 16, 'involuntary': 4},"
	"                        'server': {'voluntary': 32, 'involuntary': 0} },"
	"  'page_faults': { 'client': {'minor': 6, 'major': 1},"
	"                   'server': {'minor': 0, 'major': 1} },"
	"  'limit_share': 0.5, 'pollution': {"
	"    'client': {'l2': {'before_ns_per_line': 4, 'after_ns_per_line': 10},"
	"               'llc': {'before_ns_per_line': 8, 'after_ns_per_line': 9}},"
	"    'server': {'l2': {'before_ns_per_line': 5, 'after_ns_per_line': 4.5},"
	"               'llc': {'before_ns_per_line': 8, 'after_ns_per_line': 8}} },"
	"  'copied_bytes': { 'client_user': {'user': 32768}, 'server_user': {'user': 65536},"
	"                    'client_syscall': {'kernel': 8192}, 'fuse': {'kernel': 131072},"
	"                    'sink': {'kernel': 24576} },"
	"  'counters': {"
	"    'client': {'cycles': {'user': 512, 'kernel': 256},"
	"      'instructions': {'user': 1024, 'kernel': 512},"
	"      'cache-references': {'user': 1536, 'kernel': 768},"
	"      'cache-misses': {'user': 2048, 'kernel': 1024},"
	"      'LLC-LOAD-MISSES': {'user': 2560, 'kernel': 1280},"
	"      'L1-DCACHE-LOAD-MISSES': {'user': 3072, 'kernel': 1536},"
	"      'dTLB-load-misses': {'user': 3584, 'kernel': 1792},"
	"      'cpu-migrations': {'total': 3}},"
	"    'server': {'cycles': {'user': 128, 'kernel': 128},"
	"      'instructions': {'user': 256, 'kernel': 256},"
	"      'cache-references': {'user': 384, 'kernel': 384},"
	"      'cache-misses': {'user': 512, 'kernel': 512},"
	"      'LLC-LOAD-MISSES': {'user': 640, 'kernel': 640},"
	"      'L1-DCACHE-LOAD-MISSES': {'user': 768, 'kernel': 768},"
	"      'dTLB-load-misses': {'user': 896, 'kernel': 896},"
	"      'cpu-migrations': {'total': 1}} },"
	"  'clients': [{'payload_bytes': 4096, 'wall_ns': 1000},"
	"              {'payload_bytes': 61440, 'wall_ns': 5000}],"
	"  'memory_bytes': {'server': 1048576, 'client': 524288},"
	"  'requests': { 'dev': {'requests': 20, 'bytes': 61440}, 'small': {'requests': 4, 'bytes': "
	"4096} } }";

/* The four counts that an event's metrics are made of. */
#define COUNTED(event)                                                                                  \
	"counters.client." event ".user", "counters.client." event ".kernel",                           \
		"counters.server." event ".user", "counters.server." event ".kernel"

/* The two times that a working set's metric is made of. */
#define POLLUTION(set) "pollution." set ".before_ns_per_line", "pollution." set ".after_ns_per_line"

/* What each metric of that round is, and the members that it cannot do without. */
/* clang-format off */
static const struct expected {
	const char *name;
	double value;
	const char *needs[10];
} expected[] = {
	{"throughput_bytes_per_s", 2.5e9, {"throughput_bytes_per_s"}},
	{"limit_share", 0.5, {"limit_share"}},
	{"latency_p10_ns", 50, {"latency_ns.p10"}},
	{"latency_p50_ns", 100.5, {"latency_ns.p50"}},
	{"latency_p90_ns", 200, {"latency_ns.p90"}},
	{"latency_p99_ns", 300, {"latency_ns.p99"}},
	{"latency_p999_ns", 400, {"latency_ns.p999"}},
	{"latency_max_ns", 500, {"latency_ns.max"}},
	{"cpu_ns_per_kib", 71, {"payload_bytes", "cpu_ns.client.user", "cpu_ns.client.kernel",
				"cpu_ns.server.user", "cpu_ns.server.kernel"}},
	{"client_cpu_ns_per_kib", 30, {"payload_bytes", "cpu_ns.client.user",
				       "cpu_ns.client.kernel"}},
	{"server_cpu_ns_per_kib", 41, {"payload_bytes", "cpu_ns.server.user",
				       "cpu_ns.server.kernel"}},
	{"system_cpu_ns_per_kib", 109.375, {"payload_bytes", "cpu_ns.system"}},
	{"stolen_share", 0.125, {"stolen_ns", "cpu_ns.system"}},
	{"context_switches_per_op", 3.25, {"ops", "context_switches.client.voluntary",
					   "context_switches.client.involuntary",
					   "context_switches.server.voluntary",
					   "context_switches.server.involuntary"}},
	{"page_faults_per_op", 0.5, {"ops", "page_faults.client.minor", "page_faults.client.major",
				     "page_faults.server.minor", "page_faults.server.major"}},
	{"requests_per_op", 1.5, {"ops", "requests", "requests.dev.requests"}},
	{"copy_factor", 4, {"payload_bytes", "copied_bytes.client_user.user", "copied_bytes.server_user.user",
			    "copied_bytes.client_syscall.kernel", "copied_bytes.fuse.kernel",
			    "copied_bytes.sink.kernel"}},
	{"declared_copy_factor", 1.5, {"payload_bytes", "copied_bytes.client_user.user",
				       "copied_bytes.server_user.user"}},
	{"client_l2_pollution_ns_per_line", 6, {POLLUTION("client.l2")}},
	{"client_llc_pollution_ns_per_line", 1, {POLLUTION("client.llc")}},
	{"server_l2_pollution_ns_per_line", -0.5, {POLLUTION("server.l2")}},
	{"server_llc_pollution_ns_per_line", 0, {POLLUTION("server.llc")}},
	{"produce_ns_per_op", 30, {"ops", "produce_ns"}},
	{"setup_ns", 1250000, {"setup_ns"}},
	{"path_setup_ns", 250000, {"setup_ns", "setup.source_ns"}},
	{"register_ns_per_mib", 50000, {"setup.register_ns", "setup.registered_bytes"}},
	{"server_setup_ns", 4000000, {"server_setup_ns"}},
	{"fairness", 0.5, {"clients"}},
	{"server_memory_bytes", 1048576, {"memory_bytes.server"}},
	{"client_memory_bytes", 524288, {"memory_bytes.client"}},
	{"cycles_per_op", 64, {"ops", COUNTED("cycles")}},
	{"cycles_per_kib", 16, {"payload_bytes", COUNTED("cycles")}},
	{"instructions_per_op", 128, {"ops", COUNTED("instructions")}},
	{"instructions_per_kib", 32, {"payload_bytes", COUNTED("instructions")}},
	{"cache_references_per_op", 192, {"ops", COUNTED("cache-references")}},
	{"cache_references_per_kib", 48, {"payload_bytes", COUNTED("cache-references")}},
	{"cache_misses_per_op", 256, {"ops", COUNTED("cache-misses")}},
	{"cache_misses_per_kib", 64, {"payload_bytes", COUNTED("cache-misses")}},
	{"llc_load_misses_per_op", 320, {"ops", COUNTED("LLC-LOAD-MISSES")}},
	{"llc_load_misses_per_kib", 80, {"payload_bytes", COUNTED("LLC-LOAD-MISSES")}},
	{"l1d_load_misses_per_op", 384, {"ops", COUNTED("L1-DCACHE-LOAD-MISSES")}},
	{"l1d_load_misses_per_kib", 96, {"payload_bytes", COUNTED("L1-DCACHE-LOAD-MISSES")}},
	{"dtlb_load_misses_per_op", 448, {"ops", COUNTED("dTLB-load-misses")}},
	{"dtlb_load_misses_per_kib", 112, {"payload_bytes", COUNTED("dTLB-load-misses")}},
	{"cpu_migrations_per_op", 0.25, {"ops", "counters.client.cpu-migrations.total",
					  "counters.server.cpu-migrations.total"}},
};
/* clang-format on */

/* JSON with ' for ". */
static json_t *load(const char *quoted)
{
	char text[3000];
	json_t *obj;
	size_t len = strlen(quoted);

	assert_true(len < sizeof(text));
	for (size_t i = 0; i <= len; i++)
		text[i] = quoted[i] == '\'' ? '"' : quoted[i];
	obj = json_loads(text, 0, NULL);
	assert_non_null(obj);
	return obj;
}

/* Of an array of rounds, whose reference it takes. */
static json_t *summarise(json_t *rounds)
{
	json_t *summary = metrics_summarise(rounds, rounds);

	assert_non_null(summary);
	json_decref(rounds);
	return summary;
}

static json_t *one_round(json_t *round)
{
	json_t *rounds = json_array();

	json_array_append_new(rounds, round);
	return rounds;
}

/* Sets the member at "a.b.c" to `value`, or takes it away (NULL). */
static void replace(json_t *obj, const char *path, json_t *value)
{
	char name[64];
	const char *dot;

	while ((dot = strchr(path, '.'))) {
		snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
		obj = json_object_get(obj, name);
		assert_non_null(obj);
		path = dot + 1;
	}
	assert_non_null(json_object_get(obj, path));
	if (value)
		assert_int_equal(json_object_set_new(obj, path, value), 0);
	else
		assert_int_equal(json_object_del(obj, path), 0);
}

static int needs(const struct expected *x, const char *path)
{
	for (const char *const *p = x->needs; *p; p++)
		if (!strcmp(*p, path))
			return 1;
	return 0;
}

/* Exactly the metrics that need none of `path` are there, with the values of the whole round. */
static void check_without(const char *path, json_t *value)
{
	json_t *round = load(round_text), *summary;

	replace(round, path, value);
	summary = summarise(one_round(round));
	for (const struct expected *x = expected; x < expected + ARRAY_SIZE(expected); x++) {
		if (!needs(x, path))
			assert_double(summary_value(summary, x->name, "median"), x->value);
		else if (json_object_get(summary, x->name))
			fail_msg("%s without %s is %g", x->name, path,
				 summary_value(summary, x->name, "median"));
	}
	json_decref(summary);
}

static void test_every_metric_is_tested_here(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct metric *m = metrics; m->name; m++, n++) {
		assert_true(n < ARRAY_SIZE(expected));
		assert_string_equal(m->name, expected[n].name);
		assert_true(m->unit && m->unit[0]);
	}
	assert_int_equal(n, ARRAY_SIZE(expected));
}

static void test_values_of_one_round(void **state)
{
	json_t *summary = summarise(one_round(load(round_text)));

	(void)state;
	assert_int_equal(json_object_size(summary), ARRAY_SIZE(expected));
	for (const struct expected *x = expected; x < expected + ARRAY_SIZE(expected); x++) {
		assert_double(summary_value(summary, x->name, "median"), x->value);
		assert_double(summary_value(summary, x->name, "lo"), x->value);
		assert_double(summary_value(summary, x->name, "hi"), x->value);
	}
	json_decref(summary);
}

static void test_an_absent_member_leaves_metrics_absent(void **state)
{
	(void)state;
	for (const struct expected *x = expected; x < expected + ARRAY_SIZE(expected); x++)
		for (const char *const *path = x->needs; *path; path++)
			check_without(*path, NULL);
}

static void test_what_is_no_number_is_absent(void **state)
{
	(void)state;
	check_without("ops", json_null());
	check_without("payload_bytes", json_string("65536"));
	check_without("latency_ns.p99", json_null());
	check_without("cpu_ns.client.user", json_true());
	check_without("produce_ns", json_array());
}

/* Nothing can be said for each operation or KiB when there was none. */
static void test_no_payload_and_no_operation(void **state)
{
	(void)state;
	check_without("payload_bytes", json_integer(0));
	check_without("ops", json_integer(0));
}

/* But a zero that was measured is one. */
static void test_a_measured_zero(void **state)
{
	json_t *round = load(round_text), *summary;

	(void)state;
	replace(round, "stolen_ns", json_integer(0));
	replace(round, "copied_bytes.client_user.user", json_integer(0));
	replace(round, "copied_bytes.server_user.user", json_integer(0));
	summary = summarise(one_round(round));
	assert_double(summary_value(summary, "stolen_share", "median"), 0);
	assert_double(summary_value(summary, "declared_copy_factor", "median"), 0);
	assert_int_equal(json_object_size(summary), ARRAY_SIZE(expected));
	json_decref(summary);
}

static void test_no_rounds(void **state)
{
	json_t *summary;

	(void)state;
	summary = summarise(json_array());
	assert_int_equal(json_object_size(summary), 0);
	json_decref(summary);
	summary = summarise(one_round(json_object()));
	assert_int_equal(json_object_size(summary), 0);
	json_decref(summary);
}

static void test_the_median_over_rounds(void **state)
{
	json_t *summary = summarise(load("[{'setup_ns': 40, 'ops': 10, 'produce_ns': 70},"
					 " {'setup_ns': 10, 'ops': 10, 'produce_ns': 50},"
					 " {'setup_ns': 20, 'ops': 10, 'produce_ns': 10},"
					 " {'setup_ns': 80, 'ops': 10, 'produce_ns': 30}]"));

	(void)state;
	assert_int_equal(json_object_size(summary), 2);
	assert_double(summary_value(summary, "setup_ns", "median"), 30);
	assert_double(summary_value(summary, "produce_ns_per_op", "median"), 4);
	/* four samples: the interval reaches from one end to the other */
	assert_double(summary_value(summary, "setup_ns", "lo"), 10);
	assert_double(summary_value(summary, "setup_ns", "hi"), 80);
	assert_double(summary_value(summary, "produce_ns_per_op", "lo"), 1);
	assert_double(summary_value(summary, "produce_ns_per_op", "hi"), 7);
	json_decref(summary);
}

/* A round that lacks a metric counts for the others, and not as a zero. */
static void test_rounds_without_it_do_not_count(void **state)
{
	json_t *summary = summarise(load("[{'setup_ns': 40}, {'ops': 1, 'produce_ns': 6},"
					 " {'setup_ns': null}, {'setup_ns': 10}, {},"
					 " {'setup_ns': 30, 'ops': 0, 'produce_ns': 8}]"));

	(void)state;
	assert_int_equal(json_object_size(summary), 2);
	assert_double(summary_value(summary, "setup_ns", "median"), 30);
	assert_double(summary_value(summary, "setup_ns", "lo"), 10);
	assert_double(summary_value(summary, "setup_ns", "hi"), 40);
	assert_double(summary_value(summary, "produce_ns_per_op", "median"), 6);
	assert_double(summary_value(summary, "produce_ns_per_op", "hi"), 6);
	json_decref(summary);
}

/* What a run was counted in is not what it was timed in. */
static void test_counted_rounds_are_apart(void **state)
{
	json_t *timed = load("[{'setup_ns': 40, 'ops': 1, 'counters': {'client': {'cpu-migrations': "
			     "{'total': 7}}, 'server': {'cpu-migrations': {'total': 1}}}}]");
	json_t *counted = load("[{'setup_ns': 99, 'ops': 2, 'counters': {'client': {'cpu-migrations': "
			       "{'total': 4}}, 'server': {'cpu-migrations': {'total': 2}}}}]");
	json_t *summary = metrics_summarise(timed, counted);

	(void)state;
	assert_int_equal(json_object_size(summary), 2);
	assert_double(summary_value(summary, "setup_ns", "hi"), 40);
	assert_double(summary_value(summary, "cpu_migrations_per_op", "lo"), 3);
	assert_double(summary_value(summary, "cpu_migrations_per_op", "hi"), 3);
	json_decref(summary);
	summary = metrics_summarise(timed, NULL);
	assert_int_equal(json_object_size(summary), 1);
	json_decref(summary);
	json_decref(timed);
	json_decref(counted);
}

static void test_what_a_summary_lacks_is_no_number(void **state)
{
	json_t *summary = summarise(load("[{'setup_ns': 40}]"));

	(void)state;
	assert_double(summary_value(summary, "setup_ns", "lo"), 40);
	assert_true(isnan(summary_value(summary, "setup_ns", "mean")));
	assert_true(isnan(summary_value(summary, "latency_p50_ns", "median")));
	assert_true(isnan(summary_value(NULL, "setup_ns", "median")));
	json_decref(summary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_metric_is_tested_here),
		cmocka_unit_test(test_values_of_one_round),
		cmocka_unit_test(test_an_absent_member_leaves_metrics_absent),
		cmocka_unit_test(test_what_is_no_number_is_absent),
		cmocka_unit_test(test_no_payload_and_no_operation),
		cmocka_unit_test(test_a_measured_zero),
		cmocka_unit_test(test_no_rounds),
		cmocka_unit_test(test_the_median_over_rounds),
		cmocka_unit_test(test_rounds_without_it_do_not_count),
		cmocka_unit_test(test_counted_rounds_are_apart),
		cmocka_unit_test(test_what_a_summary_lacks_is_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
