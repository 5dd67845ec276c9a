// SPDX-License-Identifier: MIT
/* Proves that a workload file is read to its last line or refused with the file and the line that
 * is wrong: nothing in it is dropped, cut or taken for something else in silence. */
#include "tests/unit/plan_fixture.h"

static void test_bad_names(void **state)
{
	(void)state;
	assert_refused("# a comment\n\nbss = 4k\n", "w.ini:3: bss: there is no such option");
	assert_string_equal(e.remedy, "--bs, or --help for all of them");
	assert_refused("path = copy\n[one]\nbs = 4k\n\n[two]\nelephant = 4k\n",
		       "w.ini:6: elephant: there is no such option");
	/* options of other commands, and between our own processes */
	assert_refused("direct-io = no\n", "w.ini:1: direct-io: there is no such option");
	assert_refused("control-fd = 3\n", "w.ini:1: control-fd: there is no such option");
	assert_refused("--bs = 4k\n", "w.ini:1: --bs: there is no such option");
	assert_refused("= 4k\n", "w.ini:1: : there is no such option");
}

static void test_bad_values(void **state)
{
	(void)state;
	assert_refused("path = copy\nbs = 4k,4x\n",
		       "w.ini:2: bs: '4x' is not a size such as 4096, 64k or 1m");
	assert_refused("[a]\nbs = 4k\n[b]\ndepth = 2000\n",
		       "w.ini:4: depth: '2000' is out of range (1 to 1024)");
	assert_refused("runtime = soon\n",
		       "w.ini:1: runtime: 'soon' is not a time such as 200ms, 1s or 2m");
	assert_refused("verify = maybe\n", "w.ini:1: verify: 'maybe' is neither yes nor no");
	assert_refused("bs =\n", "w.ini:1: bs: the list is empty");
	assert_int_equal(plan_of_file("\n\n[a]\npath = cpy\n"), -EINVAL);
	assert_contains(e.what, "w.ini:4: path: 'cpy' is not one of: copy, splice, uring");
	assert_string_equal(e.remedy, "w.ini:4: path copy");
	/* also for what the command line would override */
	write_file("w.ini", "bs = 4x\n");
	assert_int_equal(plan_of("w.ini", "--bs=4k"), -EINVAL);
	assert_contains(e.what, "w.ini:1: bs: '4x'");
}

static void test_malformed_lines(void **state)
{
	(void)state;
	assert_refused("path = copy\nbs 4k\n", "w.ini:2: neither [section] nor name = value");
	assert_refused("path = copy\n\n[one\nbs = 4k\n", "w.ini:3: neither [section] nor name = value");
	assert_refused("path = copy\n<html>\n", "w.ini:2: neither [section] nor name = value");
	/* the first of them */
	assert_refused("path\nbs\n", "w.ini:1: neither [section] nor name = value");
}

/* INI parsers take an indented line as more of the value before, and then use it alone. */
static void test_indented_lines(void **state)
{
	(void)state;
	assert_refused("path = copy\nbs = 4k,\n  8k\n", "w.ini:3: neither [section] nor name = value");
	assert_int_equal(plan_of_file("path = copy\nsink = null\n  [a]\n\tbs = 4k\n    depth = 2\n"
				      "  ; indented too\n  [b]\n  bs = 8k\n"),
			 0);
	assert_int_equal(plan.n, 2);
	assert_cell(0, "copy memfd null write 4096 2 1");
	assert_cell(1, "copy memfd null write 8192 1 1");
}

static void test_long_lines(void **state)
{
	char xs[301], text[700];

	(void)state;
	memset(xs, 'x', sizeof(xs));
	xs[sizeof(xs) - 1] = '\0';
	snprintf(text, sizeof(text), "path = copy\ndescription = %s\nbs = 4k\n", xs);
	assert_refused(text, "w.ini:2: the line is too long");
	snprintf(text, sizeof(text), "path = copy\ndescription = %s", xs);
	assert_refused(text, "w.ini:2: the line is too long");
	/* a comment may be as long as it likes, and lines are counted on */
	snprintf(text, sizeof(text), "# %s\n; %s\nbss = 4k\n", xs, xs);
	assert_refused(text, "w.ini:3: bss: there is no such option");
	snprintf(text, sizeof(text), "path = copy\nbs = 4k\nsink = null\n  # %s", xs);
	assert_int_equal(plan_of_file(text), 0);
	assert_int_equal(plan.n, 1);
}

/* The longest that fits is taken whole, with and without a line feed behind it. */
static void test_the_longest_line(void **state)
{
	char xs[301], text[700];

	(void)state;
	memset(xs, 'x', sizeof(xs));
	for (int len = 180; len < 205; len++) {
		snprintf(text, sizeof(text), "path = copy\ndescription = %.*s\nbs = 4x\n", len - 14, xs);
		assert_int_equal(plan_of_file(text), -EINVAL);
		assert_contains(e.what,
				len < 200 ? "w.ini:3: bs: '4x'" : "w.ini:2: the line is too long");
		snprintf(text, sizeof(text), "path = copy\ndescription = %.*s", len - 14, xs);
		assert_int_equal(plan_of_file(text), len < 200 ? 0 : -EINVAL);
		if (len < 200)
			assert_int_equal(strlen(plan.description), len - 14);
	}
}

static void test_forms_of_lines(void **state)
{
	(void)state;
	/* a byte order mark, carriage returns, comments, spaces, no line feed at the end */
	assert_int_equal(plan_of_file("\xef\xbb\xbf[a]\r\npath=copy\r\n\r\n; c\r\nsink =  null  \r\n"
				      "bs : 4k ; the smallest\r\n[b]\r\npath = ipc\r\nsink = null\r\n"
				      "bs = 8k"),
			 0);
	assert_int_equal(plan.n, 2);
	assert_cell(0, "copy memfd null write 4096 1 1");
	assert_cell(1, "ipc memfd null write 8192 1 1");
}

static void test_files_that_cannot_be_read(void **state)
{
	(void)state;
	assert_int_equal(plan_of("missing.ini"), -ENOENT);
	assert_string_equal(e.what, "workload missing.ini: No such file or directory");
	assert_int_equal(plan_of("./missing"), -ENOENT);
	assert_string_equal(e.what, "workload ./missing: No such file or directory");
	assert_int_equal(plan_of("./workloads"), -EISDIR);
	assert_contains(e.what, "workload ./workloads: Is a directory");
}

static void test_files_with_nothing_in_them(void **state)
{
	(void)state;
	assert_refused("", "workload w.ini has no settings");
	assert_refused("# bs = 4k\n\n", "workload w.ini has no settings");
}

static void test_workloads_by_name(void **state)
{
	(void)state;
	write_file("workloads/mine.ini", "path = ipc\nbs = 8k\nsink = null\n");
	assert_int_equal(plan_of("mine"), 0);
	assert_int_equal(plan.n, 1);
	assert_cell(0, "ipc memfd null write 8192 1 1");
	write_file("workloads/mine.ini", "bs = 4x\n");
	assert_int_equal(plan_of("mine"), -EINVAL);
	assert_contains(e.what, "workloads/mine.ini:1: bs: '4x'");
	assert_int_equal(plan_of("nonesuch"), -ENOENT);
	assert_contains(e.what, "there is no workload 'nonesuch' in ./workloads or among zcbench's own");
	assert_string_equal(e.remedy, "give a file (./my.ini), or leave it out for the default matrix");
}

static void test_one_workload_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(plan_of("one.ini", "two.ini"), -EINVAL);
	assert_string_equal(e.what, "run takes one workload: two.ini");
}

/* `n` lines of the format, each with its number. */
static char *lines(const char *head, const char *format, unsigned int n)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	fputs(head, f);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, format, i);
#pragma GCC diagnostic pop
	fclose(f);
	return text;
}

static void test_as_many_sections_and_settings_as_fit(void **state)
{
	char *sections = lines("path = copy\nsink = null\nbs = 4k\n", "[%u]\nrounds = 3\n", 64);
	char *more_sections = lines("path = copy\n", "[%u]\nrounds = 3\n", 70);
	char *settings = lines("path = copy\nsink = null\nbs = 4k\n", "rounds = 1%u\n", 509);
	char *more_settings = lines("path = copy\n", "rounds = 1%u\n", 520);

	(void)state;
	assert_int_equal(plan_of_file(sections), 0);
	assert_int_equal(plan.n, 64);
	assert_refused(more_sections, "w.ini:130: more than 64 sections");
	assert_int_equal(plan_of_file(settings), 0);
	assert_int_equal(plan.rounds, 1508);
	assert_refused(more_settings, "w.ini:513: more than 512 settings");
	free(sections);
	free(more_sections);
	free(settings);
	free(more_settings);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_bad_names),
		TEST(test_bad_values),
		TEST(test_malformed_lines),
		TEST(test_indented_lines),
		TEST(test_long_lines),
		TEST(test_the_longest_line),
		TEST(test_forms_of_lines),
		TEST(test_files_that_cannot_be_read),
		TEST(test_files_with_nothing_in_them),
		TEST(test_workloads_by_name),
		TEST(test_one_workload_at_a_time),
		TEST(test_as_many_sections_and_settings_as_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
