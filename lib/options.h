/* SPDX-License-Identifier: MIT */
/*
 * Options from tables: one row gives name, type, default, unit and help, and the same row drives
 * the command line, workload files and --help. A module with options of its own (a path, say)
 * keeps its own table and values, and the command only lists the table.
 */
#ifndef ZC_OPTIONS_H
#define ZC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/err.h"

#define OPT_LIST_MAX  64  /* values of one list option */
#define OPT_TABLE_MAX 128 /* rows of one table */

struct names {
	unsigned int n;
	const char *v[OPT_LIST_MAX];
};

struct numbers {
	unsigned int n;
	uint64_t v[OPT_LIST_MAX];
};

enum opt_type {
	OPT_FLAG,   /* bool: --name and --no-name */
	OPT_UINT,   /* uint64_t within [min, max] */
	OPT_UINTS,  /* struct numbers, comma-separated */
	OPT_SIZE,   /* uint64_t bytes within [min, max] */
	OPT_SIZES,  /* struct numbers, bytes */
	OPT_TIME,   /* uint64_t ns; OPT_AUTO where `auto_ok` and the text is "auto" */
	OPT_SHARE,  /* double in [0, 1]: "5%", "0.05" */
	OPT_STRING, /* const char * */
	OPT_CHOICE, /* const char *, one of `choices` */
	OPT_NAMES,  /* struct names, each one of `choices()` or of `choices` where there are any */
};

#define OPT_AUTO UINT64_MAX

struct opt {
	const char *name;
	enum opt_type type;
	size_t offset;    /* of the value in the table's base */
	const char *arg;  /* what --help shows behind the name: "SIZE[,...]" */
	const char *def;  /* the default as one would type it; NULL: zero, empty, none */
	const char *help; /* one line, with the unit where the type does not say it */
	const char *const *choices;
	uint64_t min, max;     /* max 0: no limit */
	unsigned int commands; /* bits of the subcommands that take it; 0: all */
	bool auto_ok;
	bool hidden;    /* between our own processes; not in --help */
	bool whole_run; /* cannot differ between the sections of a workload */
};

struct opt_set {
	const char *title;
	const struct opt *opts; /* ends with a row without a name */
	void *base;
	unsigned int commands;           /* bits of the subcommands that take any of them; 0: all */
	bool given[OPT_TABLE_MAX];       /* row i was given, not defaulted */
	const char *text[OPT_TABLE_MAX]; /* and this is what was typed */
};

/* Sets every value to its default. Defaults are checked like input: a wrong one is a bug. */
void opts_init(struct opt_set *sets, unsigned int n);

/* Sets one option by name, as typed on a command line or in a file. `where` starts the message of
 * an error ("--bs", "quick.ini:7: bs"). value may be NULL for a flag. -EINVAL with a message. */
int opts_set(struct opt_set *sets, unsigned int n, unsigned int command, const char *name,
	     const char *value, const char *where, struct err *e);

/* Parses argv[first..argc): "--name value", "--name=value", "--flag", "--no-flag"; the rest goes to
 * `rest`. "--" ends the options. -EINVAL with a message that names the argument. */
int opts_parse(struct opt_set *sets, unsigned int n, unsigned int command, int argc, char **argv,
	       int first, struct names *rest, struct err *e);

/* Prints the options of `command`, a line each, with their defaults. */
void opts_help(FILE *f, const struct opt_set *sets, unsigned int n, unsigned int command);

/* The row of an option that `command` takes, or NULL. */
const struct opt *opts_find(struct opt_set *sets, unsigned int n, unsigned int command,
			    const char *name);

/* Whether an option of that name was given by the user (and not only defaulted). */
bool opts_given(const struct opt_set *set, const char *name);

/* The name in `list` that is nearest to `word` by edit distance, or NULL if none is near. */
const char *nearest(const char *word, const char *const *list);

#endif
