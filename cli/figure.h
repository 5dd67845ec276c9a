/* SPDX-License-Identifier: MIT */
/*
 * Figures: the table of them (figures.c), which of them a result allows, and drawing them by gnuplot.
 * A figure is one row and one script, plots/SCRIPT.gp. For each drawing two files are written, NAME.tsv with
 * the data and NAME.gp, which draws it: settings, then plots/common.gp and the figure's script, so that
 * `gnuplot NAME.gp` redraws it anywhere.
 */
#ifndef ZC_FIGURE_H
#define ZC_FIGURE_H

#include "cli/axis.h"
#include "cli/results.h"

struct chart;

struct figure {
	const char *name;  /* for --figure, and the beginning of file names */
	const char *title; /* what it shows */
	const char *script;
	const char *metric; /* the metric that it is drawn from, or NULL */
	const char *axis;   /* its axis in words, with the unit; NULL: ticks say it */
	bool log;           /* that axis is logarithmic */
	bool times;         /* of times: means nothing if the machine was emulated */
	/* What varies within one drawing besides the path (DIM_PATH: nothing else), and how many values of it
	 * there must be. All else is fixed: other values make other drawings. */
	enum dimension along;
	unsigned int points;
	/* Whether a cell has what the figure shows; NULL: if it has the metric. */
	bool (*fits)(const struct result_cell *c);
	/* Writes data and settings. 0, or -errno with a message; -ENODATA if these cells do not make one. */
	int (*write)(struct chart *c, struct err *e);
	const char *needs;  /* what a result must have for it */
	const char *remedy; /* a command that gives such a result */
};

extern const struct figure figures[]; /* ends with a row without a name */
extern const char *const figure_names[];
const struct figure *figure_find(const char *name);
/* `along` and the dimensions that change with it, as DIM_BITs. */
unsigned int figure_along(const struct figure *f);

/* One picture: a figure of cells that differ in nothing but path and `along`. */
struct drawing {
	const struct figure *figure;
	char name[200];    /* of its files, without the ending: "throughput-null" */
	char fixed[300];   /* what is the same for all its cells, in words */
	char missing[200]; /* paths that belong here and do not have what it shows: "a, b (failed)" */
	/* In the order of the result. None: the figure's writer brings its own data, and sets the texts `note`,
	 * `small` and `stamp` (history). */
	const struct result_cell **cells;
	unsigned int n;
};

struct drawings {
	struct drawing *v;
	unsigned int n;
};

/* Adds the drawings of a figure that the results allow. 0; -ENODATA with a message that says what is missing
 * and how to get it, if they allow none; -ENOMEM. */
int drawings_add(struct drawings *d, const struct figure *f, const struct results *r, struct err *e);
void drawings_free(struct drawings *d);

/* Writes NAME.tsv and NAME.gp into the folder, which exists. 0, or -errno with a message. */
int drawing_write(const struct drawing *d, const char *folder, struct err *e);
/* Has gnuplot make NAME.FORMAT ("svg", "png") from them. 0, or -errno with a message; -ENOENT: there is no
 * gnuplot. */
int drawing_draw(const struct drawing *d, const char *folder, const char *format, struct err *e);
/* Whether gnuplot is there; if not, -ENOENT with a message that says what to install. */
int figure_check_gnuplot(struct err *e);

/* --- for the files that write figures, figure_*.c --- */

#define SERIES_MAX 32
#define STEPS_MAX  64 /* values of `along` */

/* The lines (or bars) of a drawing: each path with its own options is one. */
struct series {
	const char *label;
	const char *path;
};

struct chart {
	const struct drawing *d;
	FILE *data;   /* the TSV */
	FILE *script; /* settings for the figure's script */
	struct series series[SERIES_MAX];
	unsigned int nseries;
	unsigned int nblocks; /* of data so far */
};

/* A text in gnuplot's quotes. */
void chart_quote(struct chart *c, const char *text);
/* NAME = 'TEXT' in gnuplot's words. */
void chart_text(struct chart *c, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Begins a block of data, with a title and the names of its columns; gnuplot counts them from 0. */
void chart_block(struct chart *c, const char *title, const char *columns);
/* Adds a line, with the next line type, unless there is one with this label. The same path with other options
 * has the same colour and marker, and another dash. Both texts have to stay. */
void chart_add_series(struct chart *c, const char *label, const char *path);
/* NAME = 'NUMBERS': the line types, 1 and up, of the n series that `has` names. */
void chart_lines(struct chart *c, const char *name, const bool *has);
/* The range and the ticks of axis `letter` ('x' or 'y'). */
void chart_axis(struct chart *c, char letter, const struct axis *a, const char *unit);
/* Ticks at the values of dimension `along` that the cells have. */
void chart_axis_along(struct chart *c);
/* Labels at the right end of lines, n of them for series 0 to n - 1: where the line ends (in units of the
 * axes), and the text. */
struct line_end {
	double x, y; /* NAN: no line */
	bool inside; /* it ends far from the right: no leader to the label */
	char text[120];
};
void chart_label_lines(struct chart *c, const struct axis *y, const struct line_end *ends,
		       unsigned int n);

/* The cell of series i with value `along` equal to that of `like` (NULL: any), or NULL. */
const struct result_cell *chart_cell(const struct chart *c, unsigned int i,
				     const struct result_cell *like);
/* The series that others are compared with: plain copying, or else the first. */
unsigned int chart_baseline(const struct chart *c);
/* Cells, one for each value of `along`, in rising (text: first seen) order. Returns their number. */
unsigned int chart_steps(const struct chart *c, const struct result_cell **steps, unsigned int max);
/* A cell's value of `along` as a number. */
double chart_along(const struct chart *c, const struct result_cell *cell);

int write_curve(struct chart *c, struct err *e);
int write_crossover(struct chart *c, struct err *e);
int write_amortise(struct chart *c, struct err *e);
int write_percentiles(struct chart *c, struct err *e);
int write_cpu(struct chart *c, struct err *e);
int write_cpu_classes(struct chart *c, struct err *e);
int write_copies(struct chart *c, struct err *e);
int write_dots(struct chart *c, struct err *e);
int write_pollution(struct chart *c, struct err *e);
bool fits_amortise(const struct result_cell *c);
bool fits_latency(const struct result_cell *c);
bool fits_classes(const struct result_cell *c);
bool fits_pollution(const struct result_cell *c);

#endif
