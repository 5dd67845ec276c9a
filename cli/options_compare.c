// SPDX-License-Identifier: MIT
/* The options of the commands that compare results: compare, history, ab. */
#include "cli/cmd.h"
#include "cli/compare.h"
#include "cli/history.h"
#include "lib/clock.h"

#define OFF(member) offsetof(struct config, member)
#define BOTH        (CMD_COMPARE | CMD_AB)

/* The commas and line breaks of a table row are clearer by hand. */
/* clang-format off */
const struct opt compare_options[] = {
	{"a", OPT_STRING, OFF(ab.a), "SIDE", NULL,
	 "a path, options (\"--entries 8\"), a setting (fuse.enable_uring=N), or a command that is a zcbench",
	 .commands = CMD_AB},
	{"b", OPT_STRING, OFF(ab.b), "SIDE", NULL, "what it is compared with; worse means: worse than --a",
	 .commands = CMD_AB},
	{"until", OPT_SHARE, OFF(ab.until), "SHARE", "2%",
	 "go on until the interval of the throughput's ratio (or of each --metric) is as narrow, +-",
	 .commands = CMD_AB},
	{"budget", OPT_TIME, OFF(ab.budget_ns), "TIME", "5m", "or until so much time has passed",
	 .min = NSEC_PER_SEC, .max = 24 * 3600 * NSEC_PER_SEC, .commands = CMD_AB},
	{"output", OPT_STRING, OFF(ab.output), "DIR", NULL,
	 "folder for the two results [results/ab-DATE-TIME]", .commands = CMD_AB},
	{"quiet", OPT_FLAG, OFF(ab.quiet), NULL, NULL, "only the comparison", .commands = CMD_AB},
	{"threshold", OPT_NAMES, OFF(compare.threshold), "SHARE|METRIC=SHARE[,...]", "5%",
	 "smallest effect that matters; METRIC may be the beginning of a name: latency=10%",
	 .commands = BOTH | CMD_HISTORY},
	{"metric", OPT_NAMES, OFF(compare.metric), "NAME[,...]", NULL,
	 "metrics to compare, or all [throughput, p10, p50, p99, CPU time, and all that is exact]",
	 .commands = BOTH},
	{"metric", OPT_NAMES, OFF(compare.metric), "NAME[,...]", NULL,
	 "metrics to show, or all; NAME may be the beginning of a name [those that compare looks at; plot: throughput]", .commands = CMD_HISTORY},
	{"exact", OPT_FLAG, OFF(compare.exact), NULL, NULL,
	 "only what is counted and not timed", .commands = BOTH},
	{"complete", OPT_FLAG, OFF(compare.complete), NULL, NULL,
	 "what BASE has and NEW lacks (a cell, an exact metric) is a regression, too",
	 .commands = BOTH},
	{"alpha", OPT_SHARE, OFF(compare.alpha), "SHARE", "1%",
	 "of all differences found, the share that may be false alarms", .commands = BOTH},
	{"alpha", OPT_SHARE, OFF(compare.alpha), "SHARE", "1%",
	 "how often a series in which nothing moved may be said to have", .commands = CMD_HISTORY},
	{"across", OPT_NAMES, OFF(compare.across), "host|kernel[,...]", NULL,
	 "compare although these differ", compare_across, .commands = CMD_COMPARE},
	{"format", OPT_CHOICE, OFF(compare.format), "NAME", "table",
	 "table, markdown, junit, json or benchmark-action", compare_format_names,
	 .commands = BOTH},
	{"db", OPT_STRING, OFF(history.db), "FILE", "history.db", "the history, an SQLite file",
	 .commands = CMD_HISTORY},
	{"commit", OPT_STRING, OFF(history.commit), "TEXT", NULL,
	 "add: what was measured (a kernel's or a server's revision) [zcbench's own]",
	 .commands = CMD_HISTORY},
	{"output", OPT_STRING, OFF(history.output), "DIR", NULL,
	 "plot: folder for the pictures [figures/, beside the history]", .commands = CMD_HISTORY},
	{"last", OPT_UINT, OFF(history.last), "N", "200", "show, plot, export: the newest N runs", .min = 1,
	 .max = 1000000, .commands = CMD_HISTORY},
	{"cell", OPT_STRING, OFF(history.cell), "TEXT", NULL,
	 "show, plot, export: only cells whose description contains this", .commands = CMD_HISTORY},
	{"values", OPT_FLAG, OFF(history.values), NULL, NULL,
	 "show: each run's median, too, and not only where a metric moved", .commands = CMD_HISTORY},
	{"format", OPT_CHOICE, OFF(history.format), "csv|json", "csv", "export: of what kind",
	 history_format_names, .commands = CMD_HISTORY},
	{"keep", OPT_UINT, OFF(history.keep), "N", NULL, "prune: the newest N runs stay", .min = 1,
	 .max = 1000000000, .commands = CMD_HISTORY},
	{"wait", OPT_TIME, OFF(history.wait_ns), "TIME", "10s",
	 "for another program that has the history locked", .max = 3600 * NSEC_PER_SEC,
	 .commands = CMD_HISTORY},
	{0},
};
/* clang-format on */
