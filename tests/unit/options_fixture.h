/* SPDX-License-Identifier: MIT */
/* A small table with an option of each type, for test_options.c and test_options_parse.c. */
#ifndef ZC_OPTIONS_FIXTURE_H
#define ZC_OPTIONS_FIXTURE_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/options.h"
#include "tests/unit/unit.h"

/* The names of a list option live as long as the process (see set_list). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:set_list\n";
}

enum {
	FIRST = 1 << 0,
	SECOND = 1 << 1,
};

static struct values {
	bool verify, quiet;
	uint64_t rounds, files, size, runtime, secret;
	struct numbers depth, bs;
	struct names path, word;
	const char *file, *pin;
} v;

static struct {
	uint64_t entries;
} other;

static const char *const paths_known[] = {"copy", "splice", "ipc", NULL};
static const char *const pins[] = {"split", "same", "none", NULL};

#define OFF(member) offsetof(struct values, member)

static const struct opt table[] = {
	{"verify", OPT_FLAG, OFF(verify), NULL, "yes", "check every byte"},
	{"quiet", OPT_FLAG, OFF(quiet), NULL, NULL, "say nothing"},
	{"rounds", OPT_UINT, OFF(rounds), "N", "5", "rounds of each cell", .min = 1, .max = 2048},
	{"files", OPT_UINT, OFF(files), "N", NULL, "as many as you like"},
	{"size", OPT_SIZE, OFF(size), "SIZE", "64m", "of a file", .min = 4096, .max = 1 << 30},
	{"runtime", OPT_TIME, OFF(runtime), "TIME", "200ms", "of a round", .min = 1000000,
	 .max = 3600000000000, .auto_ok = true},
	{"depth", OPT_UINTS, OFF(depth), "N[,...]", "1", "in flight", .min = 1, .max = 1024},
	{"bs", OPT_SIZES, OFF(bs), "SIZE[,...]", "4k,64k", "block size", .min = 1, .max = 1 << 26},
	{"path", OPT_NAMES, OFF(path), "NAME[,...]", NULL, "paths", paths_known},
	{"word", OPT_NAMES, OFF(word), "WORD[,...]", NULL, "any words"},
	{"file", OPT_STRING, OFF(file), "PATH", NULL, "where to store"},
	{"pin", OPT_CHOICE, OFF(pin), "split|same|none", "split", "CPUs", pins, .commands = FIRST},
	{"secret", OPT_UINT, OFF(secret), "N", NULL, "of the second", .hidden = true,
	 .commands = SECOND},
	{"secret", OPT_UINT, OFF(secret), "N", NULL, "between processes", .hidden = true,
	 .commands = FIRST},
	{0},
};

static const struct opt other_table[] = {
	{"entries", OPT_UINT, 0, "N", "4", "of the ring", .min = 1, .max = 256, .commands = FIRST},
	{0},
};

static struct opt_set sets[2];
static struct names rest;
static struct err e;

static int start(void **state)
{
	(void)state;
	memset(&v, 0x5a, sizeof(v));
	memset(&rest, 0, sizeof(rest));
	memset(&e, 0, sizeof(e));
	sets[0] = (struct opt_set){.title = "Options", .opts = table, .base = &v};
	sets[1] = (struct opt_set){.title = "More", .opts = other_table, .base = &other};
	opts_init(sets, 2);
	return 0;
}

static int parse_for(unsigned int command, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return opts_parse(sets, 2, command, argc, argv, 0, &rest, &e);
}

/* A command line for the command FIRST. */
#define parse(...) parse_for(FIRST, (char *[]){__VA_ARGS__, NULL})

#define assert_refused(what_, ...)                                                                      \
	do {                                                                                            \
		assert_int_equal(parse(__VA_ARGS__), -EINVAL);                                          \
		assert_int_equal(e.code, -EINVAL);                                                      \
		assert_string_equal(e.what, what_);                                                     \
	} while (0)

#endif
