/* SPDX-License-Identifier: MIT */
/*
 * zcbench demo: paths side by side, live.
 *
 * engine   servers and clients of all paths stay up; one path after the other measures a short turn, alone
 * actions  what can be done, by key or by a script's word: one table
 * script   a talk's sequence: text to steps
 * layout   the state as a page of cells: a pure function, for screen, recording and tests alike
 * screen   the page on a terminal (ncurses), and the keys
 * record   the page as an asciicast
 */
#ifndef ZC_DEMO_H
#define ZC_DEMO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/plan.h"
#include "cli/round.h"
#include "lib/rundir.h"

#define DEMO_PATHS  16
#define DEMO_RECENT 9  /* turns whose median is shown */
#define DEMO_COLS   80 /* the least that a page needs */
#define DEMO_ROWS   24

enum demo_state {
	DEMO_STARTS,   /* will be started at its next turn */
	DEMO_RUNS,     /* server and clients are up */
	DEMO_STOPPED,  /* by the user */
	DEMO_KILLED,   /* its server was; it comes back at `again_ns` */
	DEMO_FAILED,   /* started, and then something went wrong: `why` */
	DEMO_LEFT_OUT, /* cannot run here, or not with this sink: `why` */
};

/* One turn's figures. */
struct demo_turn {
	double rate;                   /* bytes/s */
	double p50, p99;               /* latency, ns */
	double client_cpu, server_cpu; /* ns for each KiB */
};

struct demo_path {
	const char *name;
	enum demo_state state;
	char why[1040];
	uint64_t again_ns; /* CLOCK_MONOTONIC */

	/* since it was last started */
	struct demo_turn recent[DEMO_RECENT];
	unsigned int turns; /* all of them; the newest is recent[(turns - 1) % DEMO_RECENT] */
	uint64_t payload;   /* bytes */
	uint64_t copied;    /* by CPUs, in kernel and user space, where `counted` */
	uint64_t declared;  /* of these, by our own code: counted without the kernel's help */
	uint64_t uncounted; /* turns in which the kernel's copies could not be counted */
	double expected;    /* copies of each byte, by design; NAN: unknown */
	char problem[256];  /* it did not do what its name says */

	/* the engine's own */
	struct cell *cell; /* NULL: no plan yet */
	struct round *round;
};

struct demo {
	struct demo_path paths[DEMO_PATHS];
	unsigned int n;
	unsigned int selected;
	int turn; /* whose turn it is; -1: nobody's */

	const char *sink, *source, *op;
	uint64_t bs, depth, clients, slice_ns;
	bool paused, help, quit;
	char text[256];      /* the caption of a script, or what went wrong with the last key */
	char no_ledger[300]; /* why copies in the kernel are not counted; empty: they are */

	/* the engine's own */
	struct options *options;
	struct plan plan;
	struct rundir dir;
	struct ledger *ledger;
	struct child receiver; /* of sink tcp */
};

/* The medians of the recent turns. False: there is none. */
bool demo_medians(const struct demo_path *p, struct demo_turn *out);

/* --- engine --- */

/* Plans all paths with the options' values; nothing is started. 0 or -errno with a message. */
int demo_open(struct demo *d, struct options *o, struct err *e);
/* Ends all processes and unmounts. */
void demo_close(struct demo *d);
/* Plans anew with sink, source, op and block size as they are in d. 0, or -errno with a message: then
 * nothing changed but these four, which the caller has to put back. */
int demo_replan(struct demo *d, struct err *e);
/* Chooses whose turn is next (d->turn; -1: nobody can). */
void demo_next(struct demo *d);
/* Takes the turn of d->turn: starts the path if need be, and measures d->slice_ns. What goes wrong is that
 * path's state afterwards. */
void demo_take_turn(struct demo *d);
void demo_stop_path(struct demo *d, struct demo_path *p);
void demo_start_path(struct demo_path *p);
/* Kills its server in the middle of a turn. -EINVAL with a message if it does not run. */
int demo_kill_path(struct demo *d, struct demo_path *p, struct err *e);

/* --- actions --- */

enum demo_arg { /* of an action */
		ARG_NONE,
		ARG_MAY, /* may be left out: the selected path, or the next value */
		ARG_MUST,
};

struct demo_action {
	const char *word;  /* in scripts */
	const char *keys;  /* characters; NULL: only in scripts */
	const char *shown; /* how help names the keys */
	enum demo_arg arg;
	const char *arg_name; /* "PATH", "TIME", ...; "" */
	const char *help;
	/* Whether an argument makes sense, without doing anything; NULL: any does. 0 or -EINVAL with a message. */
	int (*check)(const char *arg, struct err *e);
	/* arg is NULL where none was given. 0, or -errno with a message. */
	int (*run)(struct demo *d, const char *arg, struct err *e);
};

extern const struct demo_action demo_actions[]; /* ends with a row without a word */

const struct demo_action *demo_action(const char *word); /* NULL: none */
/* Does what a key stands for. Unknown keys are ignored. What goes wrong is shown in d->text. */
void demo_key(struct demo *d, int key);
/* Keys beyond characters. */
#define DEMO_KEY_UP   0x110001
#define DEMO_KEY_DOWN 0x110002

/* --- script --- */

struct demo_step {
	int line;
	const struct demo_action *action;
	char *arg;        /* NULL: none */
	uint64_t wait_ns; /* of action wait */
};

struct demo_script {
	struct demo_step *steps;
	unsigned int n;
	unsigned int next;  /* to be done */
	uint64_t resume_ns; /* not before this, CLOCK_MONOTONIC */
	struct err failed;  /* the first step that could not be done */
};

/* Reads lines of "WORD [ARGUMENT]"; # begins a comment. -EINVAL with "NAME:LINE: what is wrong". */
int demo_script_parse(struct demo_script *s, const char *name, FILE *f, struct err *e);
/* A file, or the name of one of the workload folders' NAME.demo. */
int demo_script_load(struct demo_script *s, const char *name, struct err *e);
/* Whether the paths that it names take part. 0, or -EINVAL with a message that names the line. */
int demo_script_check(const struct demo_script *s, const struct demo *d, struct err *e);
/* Does the steps that are due. One that cannot be done is shown as d->text and kept in s->failed; a talk goes on. */
void demo_script_play(struct demo_script *s, struct demo *d);
bool demo_script_ended(const struct demo_script *s);
void demo_script_free(struct demo_script *s);

/* --- layout --- */

enum {
	GLYPH_BOLD = 1,
	GLYPH_REVERSE = 2,
	GLYPH_DIM = 4,
};

struct glyph {
	uint32_t c;    /* Unicode; 0 is a blank */
	uint8_t style; /* GLYPH_* */
	int32_t rgb;   /* 0xrrggbb; -1: the terminal's own colour */
};

struct page {
	int cols, rows;
	bool ascii; /* no other characters */
	struct glyph *cells;
};

/* 0 or -ENOMEM; what was in it is gone. */
int page_resize(struct page *p, int cols, int rows);
/* Draws the state. Below DEMO_COLS x DEMO_ROWS it only says so. */
void demo_layout(const struct demo *d, struct page *p);
/* A colour for text on a dark or a light background: 0xrrggbb, or -1 where the table's is near black. */
int32_t demo_colour(const char *path);
/* The nearest of the 256 colours of xterm (16 .. 255). */
int xterm_colour(int32_t rgb);
/* One line about a path, as lines mode prints it, without a line break. Returns buf. */
char *demo_line(const struct demo *d, const struct demo_path *p, char *buf, size_t len);

/* --- screen --- */

/* Takes the terminal over; from then on standard error goes to a buffer. 0 or -errno with a message. */
int screen_open(struct page *p, struct err *e);
/* Shows the page, of the terminal's size: see screen_size. */
void screen_show(const struct page *p);
void screen_size(int *cols, int *rows);
/* Waits up to wait_ns for a key: a character, DEMO_KEY_*, or -1. */
int screen_key(uint64_t wait_ns);
/* Gives the terminal back as it was; then prints what went to standard error meanwhile. */
void screen_close(void);

/* --- record --- */

struct recording;
/* Creates an asciicast v2 file. 0 or -errno with a message. */
int recording_open(struct recording **r, const char *file, const struct page *p, struct err *e);
/* What changed since the page before. 0 or -errno. */
int recording_add(struct recording *r, const struct page *p);
/* 0, or -errno with a message if not all of it was written. */
int recording_close(struct recording *r, struct err *e);

#endif
