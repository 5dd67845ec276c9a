// SPDX-License-Identifier: MIT
/* Proves that every way of writing an option on a command line is understood, that what is not an
 * option is kept as a word, and that a wrong name or a missing value is refused by name. */
#include "tests/unit/options_fixture.h"

static void test_both_ways_of_writing(void **state)
{
	(void)state;
	assert_int_equal(parse("--rounds", "7", "--size=1g", "--runtime", "2m", "--file=a=b"), 0);
	assert_int_equal(v.rounds, 7);
	assert_int_equal(v.size, 1 << 30);
	assert_int_equal(v.runtime, 120000000000);
	assert_string_equal(v.file, "a=b");
	assert_int_equal(parse("--pin", "none", "--entries=256", "--file="), 0);
	assert_string_equal(v.pin, "none");
	assert_int_equal(other.entries, 256);
	assert_string_equal(v.file, "");
	assert_int_equal(rest.n, 0);
}

static void test_flags(void **state)
{
	(void)state;
	assert_int_equal(parse("--no-verify", "--quiet", "word"), 0);
	assert_false(v.verify);
	assert_true(v.quiet);
	assert_int_equal(rest.n, 1); /* a flag takes no word as its value */
	assert_int_equal(parse("--verify=yes", "--quiet=no"), 0);
	assert_true(v.verify);
	assert_false(v.quiet);
	assert_int_equal(parse("--verify=0", "--quiet=1"), 0);
	assert_false(v.verify);
	assert_true(v.quiet);
	assert_int_equal(parse("--verify=true", "--quiet=false"), 0);
	assert_true(v.verify);
	assert_false(v.quiet);
	assert_refused("--quiet: 'maybe' is neither yes nor no", "--quiet=maybe");
	assert_refused("--no-quiet: there is no such option", "--no-quiet=yes");
	assert_refused("--no-rounds: there is no such option", "--no-rounds", "5");
}

static void test_unknown_options(void **state)
{
	(void)state;
	assert_refused("--pth: there is no such option", "--pth", "copy");
	assert_string_equal(e.remedy, "--path, or --help for all of them");
	assert_refused("--runtme: there is no such option", "--runtme=1s");
	assert_string_equal(e.remedy, "--runtime, or --help for all of them");
	assert_refused("--elephant: there is no such option", "--elephant");
	assert_string_equal(e.remedy, "--help shows the options");
	assert_refused("-p: options start with --", "-p", "copy");
	assert_string_equal(e.remedy, "--help shows the options");
	/* a hidden option is not suggested */
	assert_refused("--secre: there is no such option", "--secre=1");
	assert_string_equal(e.remedy, "--help shows the options");
	assert_refused("--: there is no such option", "--=x");
}

static void test_a_very_long_name(void **state)
{
	char arg[200] = "--";

	(void)state;
	memset(arg + 2, 'x', sizeof(arg) - 3);
	assert_refused("--xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: there is no such option", arg);
	arg[65] = '\0'; /* the longest that is compared with the table */
	assert_int_equal(parse(arg), -EINVAL);
	assert_contains(e.what, arg);
}

static void test_other_commands_options(void **state)
{
	(void)state;
	assert_int_equal(parse_for(SECOND, (char *[]){"--rounds=3", NULL}), 0);
	assert_int_equal(parse_for(SECOND, (char *[]){"--pin=none", NULL}), -EINVAL);
	assert_string_equal(e.what, "--pin: there is no such option");
	assert_string_equal(e.remedy, "--help shows the options");
	assert_int_equal(parse_for(SECOND, (char *[]){"--entries=3", NULL}), -EINVAL);
	assert_string_equal(v.pin, "split");
}

static void test_missing_values(void **state)
{
	(void)state;
	assert_refused("--file: needs a value (PATH)", "--file");
	assert_refused("--file: needs a value (PATH)", "--file", "--quiet");
	assert_refused("--bs: needs a value (SIZE[,...])", "--quiet", "--bs");
	assert_int_equal(parse("--file", "-"), 0); /* standard output is a value */
	assert_string_equal(v.file, "-");
	assert_int_equal(parse("--file=--quiet"), 0);
	assert_string_equal(v.file, "--quiet");
}

static void test_words_that_are_no_options(void **state)
{
	(void)state;
	assert_int_equal(parse("one", "--quiet", "-", "--", "--rounds=3", "-x", "--", "two"), 0);
	assert_int_equal(rest.n, 6);
	assert_string_equal(rest.v[0], "one");
	assert_string_equal(rest.v[1], "-");
	assert_string_equal(rest.v[2], "--rounds=3");
	assert_string_equal(rest.v[3], "-x");
	assert_string_equal(rest.v[4], "--");
	assert_string_equal(rest.v[5], "two");
	assert_int_equal(v.rounds, 5);
}

static void test_too_many_words(void **state)
{
	char *argv[OPT_LIST_MAX + 3] = {"--"};

	(void)state;
	for (int i = 1; i < OPT_LIST_MAX + 2; i++)
		argv[i] = "word";
	assert_int_equal(parse_for(FIRST, argv), -EINVAL);
	assert_string_equal(e.what, "word: too many arguments");
	rest.n = 0;
	assert_int_equal(parse_for(FIRST, argv + 1), -EINVAL);
	assert_string_equal(e.what, "word: too many arguments");
	rest.n = 0;
	assert_int_equal(parse_for(FIRST, argv + 2), 0);
	assert_int_equal(rest.n, OPT_LIST_MAX);
}

static void test_the_last_one_wins(void **state)
{
	(void)state;
	assert_int_equal(parse("--rounds=3", "--rounds", "9", "--path=copy,splice", "--path=ipc",
			       "--verify", "--no-verify"),
			 0);
	assert_int_equal(v.rounds, 9);
	assert_int_equal(v.path.n, 1);
	assert_string_equal(v.path.v[0], "ipc");
	assert_false(v.verify);
}

static void test_given(void **state)
{
	(void)state;
	assert_int_equal(parse("--rounds=5", "--no-quiet", "--quiet", "--entries", "4", "--secret=1"),
			 0);
	assert_true(
		opts_given(&sets[0], "secret")); /* the second of that name, which this command takes */
	assert_true(opts_given(&sets[0], "rounds")); /* also when it is the default's value */
	assert_true(opts_given(&sets[0], "quiet"));
	assert_false(opts_given(&sets[0], "size"));
	assert_false(opts_given(&sets[0], "entries"));
	assert_true(opts_given(&sets[1], "entries"));
	assert_false(opts_given(&sets[0], "nonsense"));
	/* what was typed, in a form that opts_set takes again */
	assert_string_equal(sets[0].text[2], "5");
	assert_string_equal(sets[0].text[1], "yes");
	assert_string_equal(sets[1].text[0], "4");
	opts_init(sets, 2);
	assert_false(opts_given(&sets[0], "rounds"));
	assert_false(opts_given(&sets[1], "entries"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
	const struct CMUnitTest tests[] = {
		TEST(test_both_ways_of_writing),      TEST(test_flags),
		TEST(test_unknown_options),           TEST(test_a_very_long_name),
		TEST(test_other_commands_options),    TEST(test_missing_values),
		TEST(test_words_that_are_no_options), TEST(test_too_many_words),
		TEST(test_the_last_one_wins),         TEST(test_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
