// SPDX-License-Identifier: MIT
/* Proves that the report's sentences say what the rounds show and no more: a difference with its interval,
 * that none was shown, that rounds are too few; and what is wrong with a cell beside its figure. */
#include <stdlib.h>

#include "cli/report.h"
#include "tests/unit/results_fixture.h"

/* A round: throughput and p50, and CPU ns of the client for 1 KiB. */
#define R(rate, p50, cpu)                                                                               \
	"{'throughput_bytes_per_s': " #rate ", 'payload_bytes': 1024, 'latency_ns': {'p50': " #p50 "}," \
	" 'cpu_ns': {'client': {'user': " #cpu ", 'kernel': 0}, 'server': {'user': 0, 'kernel': 0}}}"
#define R5(a, b, c, d, e) ", 'rounds': [" a "," b "," c "," d "," e "]"
#define EVEN              R(100, 50, 10)
#define COPY_ROUNDS       R5(EVEN, EVEN, EVEN, EVEN, EVEN)
#define BASE(sink, bs)    CELL("copy", sink, bs, COPY_ROUNDS ", 'expected': {'copy_factor': 1}")

static const struct question *question(const char *name)
{
	const struct question *q = questions;

	while (q->name && strcmp(q->name, name) != 0)
		q++;
	assert_non_null(q->name);
	return q;
}

/* The sentence about pair i of `of` that question `name` finds. */
static void says(const char *quoted, const char *name, unsigned int n, const char *text)
{
	const struct question *q = question(name);
	struct results r;
	struct pairs pairs;
	char buf[2000];

	fixture_load(&r, quoted);
	assert_int_equal(pairs_find(&pairs, q, &r, &r.files[0]), 0);
	assert_int_equal(pairs.n, n);
	if (n)
		assert_string_equal(pair_sentence(buf, sizeof(buf), q->dim, &pairs.v[0]), text);
	pairs_free(&pairs);
	results_free(&r);
}

static void test_a_difference(void **state)
{
	(void)state;
	says(RESULT(BASE("read", 1048576) "," CELL(
		     "ipc", "read", 1048576,
		     R5(R(290, 1, 3), R(270, 1, 3), R(310, 1, 4), R(280, 1, 2), R(300, 1, 3)))),
	     "why-kernel", 1,
	     "Write, sink read, 1m blocks: `ipc` moves 2.90x (2.70x to 3.10x) what "
	     "`copy` "
	     "does, for 0.30x (0.20x to 0.40x) the CPU time per KiB.");
	/* far below 1, as a fraction */
	says(RESULT(BASE("read", 4096) "," CELL(
		     "ipc", "read", 4096,
		     R5(R(2, 1, 20), R(1, 1, 20), R(2, 1, 20), R(2, 1, 20), R(4, 1, 20)))),
	     "why-kernel", 1,
	     "Write, sink read, 4k blocks: `ipc` moves 1/50.0 (1/100 to 1/25.0) what "
	     "`copy` "
	     "does, for 2.00x (2.00x to 2.00x) the CPU time per KiB.");
}

static void test_no_difference(void **state)
{
	(void)state;
	says(RESULT(BASE("read", 4096) "," CELL(
		     "uring", "read", 4096,
		     R5(R(100, 1, 9), R(90, 1, 10), R(110, 1, 10), R(105, 1, 10), R(120, 1, 11)))),
	     "kernel-paths", 1,
	     "Write, sink read, 4k blocks: no difference in throughput was shown "
	     "between "
	     "`uring` and `copy`: 1.05x (0.90x to 1.20x); no difference in CPU time per KiB was shown: "
	     "1.00x "
	     "(0.90x to 1.10x).");
}

static void test_too_few_rounds(void **state)
{
	(void)state;
	says(RESULT(BASE("read", 4096) "," CELL("uring", "read", 4096,
						", 'rounds': [" R(900, 1, 1) "," R(900, 1, 1) "," R(
							900, 1, 1) "," R(900, 1, 1) "]")),
	     "kernel-paths", 1,
	     "Write, sink read, 4k blocks: 4 rounds are too few to tell `uring` from "
	     "`copy`; "
	     "it takes 5 (--rounds).");
}

static void test_marks(void **state)
{
#define FAST R5(R(200, 1, 5), R(200, 1, 5), R(200, 1, 5), R(200, 1, 5), R(200, 1, 5))
	static const char sentence[] =
		"Write, sink read, 4k blocks: `uring` moves 2.00x (2.00x "
		"to 2.00x) what `copy` does, for 0.50x (0.50x to 0.50x) the CPU time per KiB.";
	char want[1000];

	(void)state;
	says(RESULT(BASE("read", 4096) "," CELL("uring", "read", 4096, FAST)), "kernel-paths", 1,
	     sentence);
	snprintf(want, sizeof(want),
		 "%s [Caution: `uring` did NOT take the way that its name claims: it fell back.]",
		 sentence);
	says(RESULT(BASE("read", 4096) "," CELL(
		     "uring", "read", 4096, FAST ", 'path_ok': false, 'path_problem': 'it fell back'")),
	     "kernel-paths", 1, want);
	snprintf(want, sizeof(want),
		 "%s [Caution: bytes of `uring` were not verified; `uring` failed after 5 rounds: it "
		 "died.]",
		 sentence);
	says(RESULT(BASE("read", 4096) "," CELL("uring", "read", 4096,
						FAST ", 'verified': false, 'error': 'it died'")),
	     "kernel-paths", 1, want);
}

static void test_no_data_rate(void **state)
{
	(void)state;
	says(RESULT(BASE("null", 4096) "," CELL("ipc", "null", 4096,
						FAST ", 'expected': {'copy_factor': 0}")),
	     "why-kernel", 1,
	     "Write, sink null, 4k blocks: an operation of `ipc` takes 1/50.0 "
	     "(1/50.0 to "
	     "1/50.0) the time of one of `copy`, for 0.50x (0.50x to 0.50x) the CPU time per KiB.");
}

static void test_other_dimensions(void **state)
{
	(void)state;
	says(RESULT(BASE("null", 4096) "," CELL(
		     "copy", "read", 4096,
		     R5(R(80, 1, 10), R(80, 1, 10), R(80, 1, 10), R(80, 1, 10), R(80, 1, 10)))),
	     "reading", 1,
	     "Write, 4k blocks: `copy` with sink read moves 0.80x (0.80x to 0.80x) "
	     "what it "
	     "moves with sink null; no difference in CPU time per KiB was shown: 1.00x (1.00x to "
	     "1.00x).");
	says(RESULT(BASE("read", 4096) "," CELL("copy", "read", 4096, FAST ", 'clients': 4")),
	     "scale-clients", 1,
	     "Write, sink read, 4k blocks: `copy` with 4 clients moves 2.00x (2.00x to 2.00x) "
	     "what it "
	     "moves with 1 client, for 0.50x (0.50x to 0.50x) the CPU time per KiB.");
	/* nothing to hold it against; another direction is another cell */
	says(RESULT(CELL("ipc", "read", 4096, FAST)), "why-kernel", 0, "");
	says(RESULT(BASE("read", 4096) "," CELL("ipc", "read", 4096, FAST ", 'op': 'read'")),
	     "why-kernel", 0, "");
}

static void test_emulated(void **state)
{
	(void)state;
	says("{'schema': 1, 'zcbench': '0.1.0', 'host': {'virtual_machine': 'tcg'}, 'cells': [" BASE(
		     "read", 4096) "," CELL("ipc", "read", 4096, FAST) "]}",
	     "why-kernel", 0, "");
}

static void test_crossing(void **state)
{
#define SLOW R5(R(50, 1, 5), R(50, 1, 5), R(50, 1, 5), R(50, 1, 5), R(50, 1, 5))
	struct results r;
	struct pairs pairs;
	char buf[2000];

	(void)state;
	fixture_load(
		&r, RESULT(BASE("read", 4096) "," BASE("read", 65536) "," BASE("read", 1048576) "," CELL(
			    "uring", "read", 1048576,
			    FAST) "," CELL("uring", "read", 4096, SLOW) "," CELL("uring", "read", 65536,
										 COPY_ROUNDS)));
	assert_int_equal(pairs_find(&pairs, question("crossover"), &r, &r.files[0]), 0);
	assert_int_equal(pairs.n, 3);
	assert_string_equal(
		crossing_sentence(buf, sizeof(buf), &pairs, 0),
		"Write, sink read: `uring` overtakes `copy` between 4k and 1m: 4k "
		"was "
		"the last size at which it was slower for certain, 1m the first at which it was "
		"faster.");
	pairs.v[1].main.rounds = 3;
	assert_contains(crossing_sentence(buf, sizeof(buf), &pairs, 0), "too few to tell where");
	pairs_free(&pairs);
	results_free(&r);
}

static void test_escaping(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	html_text(f, "<%s>", "a\"&'");
	html_words(f, " `<b>` `x");
	fclose(f);
	assert_string_equal(text, "&lt;a&quot;&amp;&#39;&gt; <code>&lt;b&gt;</code> <code>x</code>");
	free(text);
}

static void test_base64(void **state)
{
	static const char *const want[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="}; /* RFC 4648, 10 */

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(want); n++) {
		char part[8], *name, *text = NULL;
		size_t len;
		FILE *f = open_memstream(&text, &len);

		snprintf(part, sizeof(part), "%.*s", (int)n, "foobar");
		name = fixture_file("f", part);
		assert_int_equal(html_base64(f, name), 0);
		fclose(f);
		assert_string_equal(text, want[n]);
		free(text);
		fixture_done(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_difference),   cmocka_unit_test(test_no_difference),
		cmocka_unit_test(test_too_few_rounds), cmocka_unit_test(test_marks),
		cmocka_unit_test(test_no_data_rate),   cmocka_unit_test(test_other_dimensions),
		cmocka_unit_test(test_emulated),       cmocka_unit_test(test_crossing),
		cmocka_unit_test(test_escaping),       cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
