// SPDX-License-Identifier: MIT
/* The options of plot and report. */
#include <stddef.h>

#include "cli/cmd.h"
#include "cli/figure.h"

#define OFF(member) offsetof(struct config, member)

static const char *const formats[] = {"svg", "png", NULL};

/* clang-format off */
const struct opt plot_options[] = {
	{"figure", OPT_NAMES, OFF(plot.figure), "NAME[,...]", NULL,
	 "figures to draw; default: all that the results allow", figure_names, .commands = CMD_PLOT},
	{"format", OPT_NAMES, OFF(plot.format), "svg,png", "svg,png",
	 "file formats", formats, .commands = CMD_PLOT},
	{"output", OPT_STRING, OFF(output), "DIR", NULL,
	 "folder for the figures [figures/, beside the first result]", .commands = CMD_PLOT},
	{"mixed", OPT_FLAG, OFF(plot.mixed), NULL, NULL,
	 "take results of different hosts", .commands = CMD_PLOT | CMD_REPORT},
	{"output", OPT_STRING, OFF(report.output), "FILE", NULL,
	 "the page [report.html, beside the first result]", .commands = CMD_REPORT},
	{"title", OPT_STRING, OFF(report.title), "TEXT", NULL,
	 "its title [the first result's CPU and kernel]", .commands = CMD_REPORT},
	{0},
};
/* clang-format on */
