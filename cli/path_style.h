/* SPDX-License-Identifier: MIT */
/* How a path looks, wherever it is drawn: figures, pages, terminals take it from this one table. */
#ifndef ZC_PATH_STYLE_H
#define ZC_PATH_STYLE_H

struct path_style {
	const char *path;
	const char *colour; /* "#rrggbb", on a light background */
	int marker;         /* gnuplot's point type: tells lines apart in grey print */
};

/* Never NULL: a path without a row (a new one, or of a newer zcbench) is grey, with a cross. */
const struct path_style *path_style(const char *path);

#endif
