/* SPDX-License-Identifier: MIT */
/*
 * The page that a result makes: one HTML file that needs nothing else. What it says is made from the rounds
 * in the result file and nothing else; report_questions.c has the table of what can be asked.
 */
#ifndef ZC_REPORT_H
#define ZC_REPORT_H

#include <stdio.h>

#include "cli/crossing.h"
#include "cli/figure.h"
#include "cli/results.h"

struct question;

/* One cell held against another of the same file, round by round. */
struct pair {
	const struct result_cell *a, *base;
	const char
		*metric; /* what is compared first: throughput, or p50 where bytes/s are no data rate */
	struct ratio main,
		cpu; /* of `metric`, and of the CPU time per KiB; rounds 0: no round has both */
};

/* All pairs that a question finds in one file. */
struct pairs {
	struct pair *v;
	unsigned int n;
};

/* One question of the table: what is varied, which cells it needs, how its answer is drawn and said. */
struct question {
	const char *name;
	const char *asks;  /* the heading */
	const char *about; /* how to read the answer */
	/* Cells that differ in this only are held against the one where it is `base` (NULL: its lowest value).
	 * DIM_PATH: paths without options of their own. */
	enum dimension dim;
	const char *base;
	/* Whether the pair is one that the question asks about; NULL: each. */
	bool (*wants)(const struct result_cell *a, const struct result_cell *base);
	/* Whether this pair is worth a sentence among `all`, and not only a line of the table. */
	bool (*leads)(const struct pairs *all, const struct pair *p);
	const char *figures[4];
	/* Writes sentences as items of a list; NULL: a sentence for each pair that leads. */
	void (*say)(FILE *f, const struct pairs *all);
	const char *remedy; /* a command whose result answers it */
};

extern const struct question questions[]; /* ends with a row without a name */

/* The pairs of a file that answer the question. 0 or -ENOMEM. */
int pairs_find(struct pairs *p, const struct question *q, const struct results *r,
	       const struct result_file *file);
void pairs_free(struct pairs *p);

/* The sentence about a pair, as plain text: what was shown, with its intervals; that nothing was; or that
 * there are too few rounds to tell. What is wrong with one of the cells is said in it. Returns buf. */
char *pair_sentence(char *buf, size_t len, enum dimension dim, const struct pair *p);
/* "`copy` did not take the way ...": the marks of a cell that is not to be trusted, or "". Returns buf. */
char *cell_marks(char *buf, size_t len, const struct result_cell *c);
/* "2.91x", "107x"; where `like`, the median that stands before it, is far below 1, "1/32.3". Returns buf. */
char *format_times(char *buf, size_t len, double ratio, double like);
/* What one path did against another over rising block sizes. Returns buf. */
char *crossing_sentence(char *buf, size_t len, const struct pairs *all, unsigned int first);
/* After how many transfers what is paid once has paid. Returns buf. */
char *payback_sentence(char *buf, size_t len, const struct pair *p);
/* "Write, sink read, 1m blocks, 4 clients": the cell without what is in `except`, and without what almost every
 * cell has: depth 1, 1 client, source memfd, pin split. Returns buf. */
char *cell_where(char *buf, size_t len, const struct result_cell *c, unsigned int except);
/* Whether it has all of these, and O_DIRECT. Where such cells answer a question, sentences and pictures are of
 * them, and the others are in the tables. */
bool cell_plain(const struct result_cell *c);
bool pair_leads(const struct question *q, const struct pairs *all, const struct pair *p);
/* Whether a cell has rounds to speak of. */
bool cell_measured(const struct result_cell *c);

/* --- HTML --- */

/* printf, with <, >, &, " and ' of the result escaped. The format's own text is escaped too: no markup. */
void html_text(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, where `words` in backquotes become <code>. */
void html_words(FILE *f, const char *text);
/* A file as base64. -errno if it cannot be read. */
int html_base64(FILE *f, const char *path);

/* --- parts of the page --- */

/* Of one file: where and when, warnings, and what was shown in a few sentences. */
void report_short(FILE *f, const struct results *one);
/* Cells in groups that differ in the path only: all that was measured. */
void report_cells(FILE *f, const struct results *r, const struct result_file *file);
/* The same groups in a sentence each, as items of a list, at most `max` of them: how often each byte was
 * copied on which path. Nothing where it was not counted. */
void report_copies(FILE *f, const struct results *r, const struct result_file *file, unsigned int max);
/* A drawing of hops and the copies on them for each such group at its largest block size. */
void report_maps(FILE *f, const struct results *r, const struct result_file *file);
/* A line for each cell, a column for each file. */
void report_side_by_side(FILE *f, const struct results *r);
/* Host, limits, what is missing and why, commands. */
void report_conditions(FILE *f, const struct result_file *file);

struct report {
	const struct results *results;
	const char *title; /* NULL: one is made from the results */
	const char *
		figures; /* a folder that exists, for the figures; NULL: they are kept in the page only */
	const char *output; /* the file */
};

/* Writes the page. Without gnuplot it has no figures, says so on the page, and a warning says what to
 * install. 0, or -errno with a message. */
int report_write(const struct report *report, struct err *e);

#endif
