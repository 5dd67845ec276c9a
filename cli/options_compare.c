// SPDX-License-Identifier: MIT
/* The options of the commands that compare results: compare, history, ab. */
#include "cli/cmd.h"
#include "cli/compare.h"

#define OFF(member) offsetof(struct config, member)

/* The commas and line breaks of a table row are clearer by hand. */
/* clang-format off */
const struct opt compare_options[] = {
	{"threshold", OPT_NAMES, OFF(compare.threshold), "SHARE|METRIC=SHARE[,...]", "5%",
	 "smallest effect that matters; METRIC may be the beginning of a name: latency=10%",
	 .commands = CMD_COMPARE},
	{"metric", OPT_NAMES, OFF(compare.metric), "NAME[,...]", NULL,
	 "metrics to compare, or all [throughput, p50, p99, CPU time, and all that is exact]",
	 .commands = CMD_COMPARE},
	{"exact", OPT_FLAG, OFF(compare.exact), NULL, NULL,
	 "only what is counted and not timed", .commands = CMD_COMPARE},
	{"complete", OPT_FLAG, OFF(compare.complete), NULL, NULL,
	 "what BASE has and NEW lacks (a cell, an exact metric) is a regression, too",
	 .commands = CMD_COMPARE},
	{"alpha", OPT_SHARE, OFF(compare.alpha), "SHARE", "1%",
	 "of all differences found, the share that may be false alarms", .commands = CMD_COMPARE},
	{"across", OPT_NAMES, OFF(compare.across), "host|kernel[,...]", NULL,
	 "compare although these differ", compare_across, .commands = CMD_COMPARE},
	{"format", OPT_CHOICE, OFF(compare.format), "NAME", "table",
	 "table, markdown, junit, json or benchmark-action", compare_format_names,
	 .commands = CMD_COMPARE},
	{0},
};
/* clang-format on */
