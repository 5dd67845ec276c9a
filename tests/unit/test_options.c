// SPDX-License-Identifier: MIT
/* Proves that each type of option takes what it should, refuses the rest with a message that names
 * the option and its limits, and that --help shows the table. */
#include <malloc.h>

#include "cli/cmd.h"
#include "tests/unit/options_fixture.h"

static void test_defaults(void **state)
{
	(void)state;
	assert_true(v.verify);
	assert_false(v.quiet);
	assert_int_equal(v.rounds, 5);
	assert_int_equal(v.files, 0);
	assert_int_equal(v.size, 64 << 20);
	assert_int_equal(v.runtime, 200000000);
	assert_int_equal(v.depth.n, 1);
	assert_int_equal(v.depth.v[0], 1);
	assert_int_equal(v.bs.n, 2);
	assert_int_equal(v.bs.v[0], 4096);
	assert_int_equal(v.bs.v[1], 65536);
	assert_int_equal(v.path.n, 0);
	assert_null(v.file);
	assert_string_equal(v.pin, "split");
	assert_int_equal(other.entries, 4);
	for (const struct opt *o = table; o->name; o++)
		assert_false(opts_given(&sets[0], o->name));
}

static void test_lists(void **state)
{
	(void)state;
	assert_int_equal(
		parse("--bs", "1,2k,3M", "--depth=8,1024", "--path", "ipc,copy,ipc", "--word=x,yy"), 0);
	assert_int_equal(v.bs.n, 3);
	assert_int_equal(v.bs.v[0], 1);
	assert_int_equal(v.bs.v[1], 2048);
	assert_int_equal(v.bs.v[2], 3 << 20);
	assert_int_equal(v.depth.n, 2);
	assert_int_equal(v.depth.v[1], 1024);
	assert_int_equal(v.path.n, 3);
	assert_string_equal(v.path.v[0], "ipc");
	assert_string_equal(v.path.v[1], "copy");
	assert_string_equal(v.path.v[2], "ipc");
	assert_int_equal(v.word.n, 2);
	assert_string_equal(v.word.v[1], "yy");
}

static void test_bad_lists(void **state)
{
	(void)state;
	assert_refused("--bs: the list is empty", "--bs=");
	assert_refused("--bs: the list is empty", "--bs", ",");
	assert_refused("--path: the list is empty", "--path=");
	assert_refused("--bs: '4x' is not a size such as 4096, 64k or 1m", "--bs", "4k,4x");
	assert_refused("--bs: '128m' is out of range (1 to 64m)", "--bs", "4k,128m");
	assert_refused("--bs: '0' is out of range (1 to 64m)", "--bs", "0");
	assert_refused("--depth: '4k' is not a whole number", "--depth", "1,4k");
	assert_refused("--path: 'cpy' is not one of: copy, splice, ipc", "--path", "ipc,cpy");
	assert_string_equal(e.remedy, "--path copy");
	/* a list that is refused leaves the value as it was */
	assert_int_equal(v.bs.n, 2);
	assert_int_equal(v.path.n, 0);
}

/* n numbers, "1,1,...": caller frees. */
static char *ones(const char *name, unsigned int n)
{
	size_t at = strlen(name);
	char *text = malloc(at + 2 * n + 1);

	assert_non_null(text);
	strcpy(text, name);
	for (unsigned int i = 0; i < n; i++, at += 2)
		memcpy(text + at, i ? ",1" : "=1", 3);
	return text;
}

static void test_as_many_values_as_fit(void **state)
{
	char *all = ones("--depth", OPT_LIST_MAX), *more = ones("--depth", OPT_LIST_MAX + 1);
	char *words = ones("--word", OPT_LIST_MAX + 1);
	size_t used;

	(void)state;
	assert_int_equal(parse(all), 0);
	assert_int_equal(v.depth.n, OPT_LIST_MAX);
	assert_int_equal(v.depth.v[OPT_LIST_MAX - 1], 1);
	used = mallinfo2().uordblks;
	assert_refused("--depth: more than 64 values", more);
	assert_refused("--word: more than 64 values", words);
	assert_int_equal(mallinfo2().uordblks, used); /* what was refused is freed */
	free(all);
	free(more);
	free(words);
}

static void test_ranges(void **state)
{
	(void)state;
	assert_int_equal(parse("--rounds=1", "--size=4k", "--runtime=1ms"), 0);
	assert_int_equal(parse("--rounds=2048", "--size=1g", "--runtime=1h"), 0);
	assert_int_equal(v.rounds, 2048);
	/* whole numbers are told as such: 2k would not be taken for one */
	assert_refused("--rounds: '0' is out of range (1 to 2048)", "--rounds=0");
	assert_refused("--rounds: '2049' is out of range (1 to 2048)", "--rounds", "2049");
	assert_refused("--rounds: '99999999999999999999' is out of range (1 to 2048)",
		       "--rounds=99999999999999999999");
	assert_refused("--files: '99999999999999999999' is out of range (0 to no limit)",
		       "--files=99999999999999999999");
	assert_refused("--size: '4095' is out of range (4k to 1g)", "--size=4095");
	assert_refused("--size: '2g' is out of range (4k to 1g)", "--size=2g");
	assert_refused("--runtime: '999us' is out of range (1.00 ms to 3600 s)", "--runtime=999us");
	assert_refused("--runtime: '61m' is out of range (1.00 ms to 3600 s)", "--runtime=61m");
	assert_int_equal(parse("--files=18446744073709551615"), 0);
	assert_int_equal(v.files, UINT64_MAX);
}

static void test_garbage(void **state)
{
	(void)state;
	assert_refused("--rounds: 'many' is not a whole number", "--rounds=many");
	assert_refused("--rounds: '-1' is not a whole number", "--rounds", "-1");
	assert_refused("--rounds: '' is not a whole number", "--rounds=");
	assert_refused("--size: '1.5k' is not a size such as 4096, 64k or 1m", "--size=1.5k");
	assert_refused("--runtime: 'soon' is not a time such as 200ms, 1s or 2m, or auto",
		       "--runtime=soon");
	assert_refused("--pin: 'sam' is not one of: split, same, none", "--pin=sam");
	assert_string_equal(e.remedy, "--pin same");
	assert_refused("--pin: 'elsewhere' is not one of: split, same, none", "--pin=elsewhere");
	assert_string_equal(e.remedy, "");
}

static void test_auto(void **state)
{
	(void)state;
	assert_int_equal(parse("--runtime", "auto"), 0);
	assert_int_equal(v.runtime, OPT_AUTO);
	assert_refused("--size: 'auto' is not a size such as 4096, 64k or 1m", "--size=auto");
}

static void test_set_from_a_file(void **state)
{
	(void)state;
	assert_int_equal(opts_set(sets, 2, FIRST, "rounds", "8", "x.ini:3: rounds", &e), 0);
	assert_int_equal(v.rounds, 8);
	assert_int_equal(opts_set(sets, 2, FIRST, "rounds", "x", "x.ini:3: rounds", &e), -EINVAL);
	assert_string_equal(e.what, "x.ini:3: rounds: 'x' is not a whole number");
	assert_int_equal(opts_set(sets, 2, FIRST, "round", "8", "x.ini:4: round", &e), -EINVAL);
	assert_string_equal(e.what, "x.ini:4: round: there is no such option");
	assert_string_equal(e.remedy, "--rounds, or --help for all of them");
}

static void test_nearest(void **state)
{
	(void)state;
	assert_string_equal(nearest("spice", paths_known), "splice");
	assert_string_equal(nearest("coyp", paths_known), "copy");
	assert_string_equal(nearest("ipc", paths_known), "ipc");
	assert_null(nearest("uring", paths_known));
	assert_null(nearest("", paths_known));
	assert_null(nearest("x", paths_known));
	assert_null(nearest("splice", (const char *const[]){NULL}));
}

static char *help_of(unsigned int command)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	opts_help(f, sets, 2, command);
	fclose(f);
	return text;
}

static void test_help(void **state)
{
	char *first = help_of(FIRST), *second = help_of(SECOND);

	(void)state;
	assert_contains(first, "\nOptions:\n  --[no-]verify              check every byte [yes]\n");
	assert_contains(first, "\n  --[no-]quiet               say nothing\n");
	assert_contains(first, "\n  --bs SIZE[,...]            block size [4k,64k]\n");
	assert_contains(first, "\n  --file PATH                where to store\n");
	assert_contains(first, "\n  --pin split|same|none      CPUs [split]\n");
	assert_contains(first, "\n\nMore:\n  --entries N                of the ring [4]\n");
	assert_null(strstr(first, "secret"));
	assert_contains(second, "--rounds");
	assert_null(strstr(second, "--pin"));
	assert_null(strstr(second, "More")); /* no title over nothing */
	free(first);
	free(second);
}

static void test_zcbench_own_tables(void **state)
{
	static struct options o;

	(void)state;
	options_init(&o); /* aborts if a default is wrong */
	assert_in_range(o.nsets, 2, CONFIG_SETS);
	for (unsigned int s = 0; s < o.nsets; s++)
		for (const struct opt *a = o.sets[s].opts; a->name; a++) {
			assert_non_null(a->help);
			assert_true(a->type == OPT_FLAG || a->arg);
			assert_true(a->type != OPT_CHOICE || (a->choices && a->def));
			for (unsigned int t = 0; t < o.nsets; t++)
				for (const struct opt *b = o.sets[t].opts; b->name; b++)
					assert_true(a == b || strcmp(a->name, b->name) ||
						    (a->commands && b->commands &&
						     !(a->commands & b->commands)));
		}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_lists),
		TEST(test_bad_lists),
		TEST(test_as_many_values_as_fit),
		TEST(test_ranges),
		TEST(test_garbage),
		TEST(test_auto),
		TEST(test_set_from_a_file),
		TEST(test_nearest),
		TEST(test_help),
		TEST(test_zcbench_own_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
