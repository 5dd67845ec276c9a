// SPDX-License-Identifier: MIT
/* Proves that scripts of zcbench demo are read as documented and refused with their line, that the page fits
 * its least size and shows what is counted apart from what is expected, and that every action can be reached. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cli/demo.h"
#include "tests/unit/unit.h"

/* --- scripts --- */

static int parse(struct demo_script *s, const char *text, struct err *e)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	int ret;

	assert_non_null(f);
	*e = (struct err){0};
	ret = demo_script_parse(s, "talk", f, e);
	fclose(f);
	return ret;
}

static void a_script_is_steps(void **state)
{
	struct demo_script s;
	struct err e;

	(void)state;
	assert_int_equal(parse(&s,
			       "# a comment\n\n  wait 2s\ntext \"one # two\"\ntext plain words  \n"
			       "bs 1m\r\nsink read\nsink\nkill copy\nkey b\nquit",
			       &e),
			 0);
	assert_int_equal(s.n, 9);
	assert_int_equal(s.steps[0].line, 3);
	assert_true(s.steps[0].wait_ns == 2000000000);
	assert_string_equal(s.steps[1].arg, "one # two");
	assert_string_equal(s.steps[2].arg, "plain words");
	assert_string_equal(s.steps[3].arg, "1m");
	assert_string_equal(s.steps[4].arg, "read");
	assert_null(s.steps[5].arg);
	assert_ptr_equal(s.steps[6].action, demo_action("kill"));
	assert_int_equal(s.steps[8].line, 11);
	demo_script_free(&s);
}

static void a_bad_script_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *what, *remedy;
	} bad[] = {
		{"wait 1s\nkil copy\n", "talk:2: there is no action 'kil'", "kill"},
		{"wait\n", "talk:1: wait needs TIME", ""},
		{"\n\nwait soon", "talk:3: 'soon' is not a time", ""},
		{"bs 0", "talk:1: '0' is not a block size", ""},
		{"bs 65m", "talk:1: '65m' is not a block size", ""},
		{"sink nul", "talk:1: there is no sink 'nul'", "null"},
		{"source menfd", "talk:1: there is no source 'menfd'", "memfd"},
		{"op wrte", "talk:1: there is no op 'wrte'", "write"},
		{"kill cpoy", "talk:1: there is no path 'cpoy'", "copy"},
		{"quit now", "talk:1: quit takes no argument", ""},
		{"text \"no end", "talk:1: the quote does not end", ""},
		{"key ab", "talk:1: 'ab' is not one key", ""},
		{"# nothing\n", "script talk has no steps", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct demo_script s;
		struct err e;

		assert_int_equal(parse(&s, bad[i].text, &e), -EINVAL);
		assert_contains(e.what, bad[i].what);
		assert_string_equal(e.remedy, bad[i].remedy);
		demo_script_free(&s);
	}
}

static void a_script_waits_and_ends(void **state)
{
	static struct demo d;
	struct demo_script s;
	struct err e;

	(void)state;
	assert_int_equal(parse(&s, "text a\nwait 1h\ntext b\n", &e), 0);
	demo_script_play(&s, &d);
	assert_string_equal(d.text, "a");
	assert_false(demo_script_ended(&s));
	s.resume_ns = 0; /* an hour later */
	demo_script_play(&s, &d);
	assert_string_equal(d.text, "b");
	assert_true(demo_script_ended(&s));
	demo_script_free(&s);
}

static void a_step_that_fails_is_told_and_the_script_goes_on(void **state)
{
	static struct demo d = {.n = 1, .paths = {{.name = "copy", .state = DEMO_STOPPED}}};
	struct demo_script s;
	struct err e;

	(void)state;
	assert_int_equal(parse(&s, "select copy\nkill copy\npause\n", &e), 0);
	assert_int_equal(demo_script_check(&s, &d, &e), 0);
	demo_script_play(&s, &d);
	assert_int_equal(s.failed.code, -EINVAL);
	assert_contains(s.failed.what, "line 2 of the script, kill: copy has no server");
	assert_string_equal(d.text, s.failed.what);
	assert_true(d.paused);
	demo_script_free(&s);

	assert_int_equal(parse(&s, "wait 1s\nselect ipc\n", &e), 0);
	assert_int_equal(demo_script_check(&s, &d, &e), -EINVAL);
	assert_contains(e.what, "line 2 of the script, select: path ipc takes no part");
	demo_script_free(&s);
}

static void every_action_is_complete(void **state)
{
	(void)state;
	for (const struct demo_action *a = demo_actions; a->word; a++) {
		assert_non_null(a->run);
		assert_true(a->help[0] && strlen(a->help) <= DEMO_COLS - 33); /* fits its page */
		assert_true((a->arg == ARG_NONE) == !a->arg_name[0]);
		assert_ptr_equal(demo_action(a->word), a);
		for (const char *k = a->keys ? a->keys : ""; *k; k++)
			for (const struct demo_action *b = a + 1; b->word; b++)
				assert_true(!b->keys || !strchr(b->keys, *k));
	}
}

/* --- the page --- */

static struct page page;

/* The lines of the page, as text; what is no ASCII is '?'. */
static const char *drawn(const struct demo *d, int cols, int rows)
{
	static char text[20000];
	size_t n = 0;

	page.ascii = false;
	assert_int_equal(page_resize(&page, cols, rows), 0);
	demo_layout(d, &page);
	for (int y = 0; y < rows; y++) {
		for (int x = 0; x < cols; x++) {
			const uint32_t c = page.cells[y * cols + x].c;

			assert_true(c >= 0x20);
			text[n++] = (char)(c < 0x7f ? c : '?');
		}
		text[n++] = '\n';
	}
	text[n] = '\0';
	return text;
}

static struct demo *example(void)
{
	static const char *const names[] = {"copy",     "splice",      "uring", "uring-pool",
					    "uring-zc", "passthrough", "ipc"};
	static struct demo d;

	d = (struct demo){.n = ARRAY_SIZE(names),
			  .sink = "read",
			  .source = "memfd",
			  .op = "write",
			  .bs = 65536,
			  .depth = 1,
			  .clients = 1,
			  .slice_ns = 100000000};
	for (unsigned int i = 0; i < d.n; i++)
		d.paths[i] = (struct demo_path){
			.name = names[i],
			.state = DEMO_RUNS,
			.turns = 1,
			.recent = {{.rate = (i + 1) * 1073741824.0,
				    .p50 = 36100,
				    .p99 = 81200,
				    .client_cpu = 775,
				    .server_cpu = 1028}},
			.payload = 3ull << 30,
			.copied = 6ull << 30,
			.declared = 1ull << 30,
			.expected = 2,
		};
	return &d;
}

static void seven_paths_fit_80x24(void **state)
{
	struct demo *d = example();
	const char *text = drawn(d, 80, 24);

	(void)state;
	for (unsigned int i = 0; i < d->n; i++) {
		char row[80];

		snprintf(row, sizeof(row), "%u ? %-12s", i + 1, d->paths[i].name);
		assert_contains(text, row);
	}
	assert_contains(text, "write  blocks 64k  source memfd  sink read  depth 1");
	assert_contains(text, "7.00 GiB/s    36.1 us    81.2 us            775 + 1028");
	assert_contains(text, "payload 3.00 GiB  copied 6.00 GiB = 2.00x");
	assert_contains(text, "? q ");
}

static void expected_is_never_shown_as_counted(void **state)
{
	struct demo *d = example();
	char line[1200];
	const char *text;

	(void)state;
	snprintf(d->no_ledger, sizeof(d->no_ledger), "no BPF here");
	text = drawn(d, 80, 24);
	assert_contains(text, "copies 2.00x EXPECTED, not counted");
	assert_contains(text, "no B");
	assert_null(strstr(text, "copied"));
	text = demo_line(d, &d->paths[0], line, sizeof(line));
	assert_contains(text, "copies 2.00x EXPECTED, not counted  (own code: 1.00 GiB)");

	/* a single turn without a count is enough */
	d->no_ledger[0] = '\0';
	d->paths[0].uncounted = 1;
	assert_contains(demo_line(d, &d->paths[0], line, sizeof(line)), "EXPECTED, not counted");
	assert_contains(demo_line(d, &d->paths[1], line, sizeof(line)),
			"copied 6.00 GiB = 2.00x  (expected: 2.00x)");
	d->paths[0].expected = NAN;
	assert_contains(demo_line(d, &d->paths[0], line, sizeof(line)), "copies ? EXPECTED");
}

static void states_are_named(void **state)
{
	struct demo *d = example();
	const char *text;

	(void)state;
	d->paused = true;
	d->paths[0] =
		(struct demo_path){.name = "copy", .state = DEMO_KILLED, .why = "its client got X"};
	d->paths[1] = (struct demo_path){.name = "splice", .state = DEMO_STOPPED};
	d->paths[2] = (struct demo_path){.name = "uring", .state = DEMO_LEFT_OUT, .why = "too old"};
	d->paths[3] = (struct demo_path){.name = "uring-pool", .state = DEMO_FAILED, .why = "broke"};
	snprintf(d->paths[4].problem, sizeof(d->paths[4].problem), "by another route");
	text = drawn(d, 100, 30);
	assert_contains(text, "PAUSED");
	assert_contains(text, "SERVER KILLED");
	assert_contains(text, "its client got X");
	assert_contains(text, "stopped");
	assert_contains(text, "left out: too old");
	assert_contains(text, "FAILED");
	assert_contains(text, "NOT AS CLAIMED: by another route");
}

static void the_fastest_bar_is_full_and_others_in_proportion(void **state)
{
	struct demo *d = example();
	int length[7] = {0};

	(void)state;
	drawn(d, 160, 50);
	for (int i = 0; i < 7; i++)
		for (int y = 3 + 6 * i; y < 4 + 6 * i; y++)
			for (int x = 0; x < 160; x++)
				length[i] += page.cells[(y + 1) * 160 + x].c == 0x2588;
	assert_int_equal(length[6], 150);
	assert_int_equal(length[0], 150 / 7);
	assert_int_equal(length[3], 150 * 4 / 7);
}

static void small_windows_are_told_what_is_needed(void **state)
{
	struct demo *d = example();

	(void)state;
	assert_contains(drawn(d, 60, 20), "needs 80x24, this is 60x20");
	assert_contains(drawn(d, 80, 23), "needs 80x24, this is 80x23");
	drawn(d, 1, 1);
}

static void without_unicode_the_page_is_ascii(void **state)
{
	struct demo *d = example();

	(void)state;
	assert_int_equal(page_resize(&page, 80, 24), 0);
	page.ascii = true;
	snprintf(d->text, sizeof(d->text), "caf\xc3\xa9 \x1b[2J");
	demo_layout(d, &page);
	for (int i = 0; i < 80 * 24; i++)
		assert_true(page.cells[i].c >= 0x20 && page.cells[i].c < 0x7f);
}

static void help_names_every_action(void **state)
{
	struct demo *d = example();
	const char *text;

	(void)state;
	d->help = true;
	text = drawn(d, 80, 24);
	for (const struct demo_action *a = demo_actions; a->word; a++) {
		assert_contains(text, a->word);
		assert_contains(text, a->help);
	}
}

static void figures_are_medians_of_recent_turns(void **state)
{
	struct demo_path p = {.turns = 2 * DEMO_RECENT};
	struct demo_turn t;

	(void)state;
	for (int i = 0; i < DEMO_RECENT; i++)
		p.recent[i] = (struct demo_turn){.rate = i * i, .p50 = i};
	assert_true(demo_medians(&p, &t));
	assert_double(t.rate, 16);
	assert_double(t.p50, 4);
	p.turns = 3; /* 0, 1, 4 */
	assert_true(demo_medians(&p, &t));
	assert_double(t.rate, 1);
	p.turns = 0;
	assert_false(demo_medians(&p, &t));
}

static void colours_are_those_of_the_table(void **state)
{
	(void)state;
	assert_int_equal(demo_colour("copy"), -1); /* black: the terminal's own */
	assert_int_equal(demo_colour("ipc"), 0xd55e00);
	assert_int_equal(xterm_colour(0), 16);
	assert_int_equal(xterm_colour(0xffffff), 231);
	assert_int_equal(xterm_colour(0xff0000), 196);
	assert_int_equal(xterm_colour(0x080808), 232);
	assert_int_equal(xterm_colour(0xd55e00), 166);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_is_steps),
		cmocka_unit_test(a_bad_script_is_refused_with_its_line),
		cmocka_unit_test(a_script_waits_and_ends),
		cmocka_unit_test(a_step_that_fails_is_told_and_the_script_goes_on),
		cmocka_unit_test(every_action_is_complete),
		cmocka_unit_test(seven_paths_fit_80x24),
		cmocka_unit_test(expected_is_never_shown_as_counted),
		cmocka_unit_test(states_are_named),
		cmocka_unit_test(the_fastest_bar_is_full_and_others_in_proportion),
		cmocka_unit_test(small_windows_are_told_what_is_needed),
		cmocka_unit_test(without_unicode_the_page_is_ascii),
		cmocka_unit_test(help_names_every_action),
		cmocka_unit_test(figures_are_medians_of_recent_turns),
		cmocka_unit_test(colours_are_those_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
