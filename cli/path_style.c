// SPDX-License-Identifier: MIT
/* The table of how paths look; see path_style.h. The colours are those of M. Okabe and K. Ito, "Color
 * Universal Design" (2008), which people with any of the common colour-vision deficiencies tell apart;
 * without their yellow, which is lost on a projector. */
#include <stddef.h>
#include <string.h>

#include "cli/path_style.h"

enum marker {
	CROSS = 2,
	SQUARE = 5,
	OPEN_SQUARE = 4,
	CIRCLE = 7,
	OPEN_CIRCLE = 6,
	UP = 9,
	OPEN_UP = 8,
	DOWN = 11,
	DIAMOND = 13,
	OPEN_DIAMOND = 12,
	PENTAGON = 15,
};

/* clang-format off */
static const struct path_style styles[] = {
	{"copy",        "#000000", CIRCLE},
	{"splice",      "#e69f00", UP},
	{"uring",       "#56b4e9", SQUARE},
	{"uring-pool",  "#0072b2", OPEN_SQUARE},
	{"uring-zc",    "#009e73", DIAMOND},
	{"uring-shm",   "#cc79a7", OPEN_DIAMOND},
	{"passthrough", "#777777", DOWN},
	{"ipc",         "#d55e00", PENTAGON},
	{"ublk",        "#882255", OPEN_CIRCLE},
	{"ublk-zc",     "#44aa99", OPEN_UP},
	{NULL,          "#999999", CROSS},
};
/* clang-format on */

const struct path_style *path_style(const char *path)
{
	const struct path_style *s = styles;

	while (s->path && strcmp(s->path, path) != 0)
		s++;
	return s;
}
