/* SPDX-License-Identifier: MIT */
/* The subcommands: one file for each, one row in main.c's table. */
#ifndef ZC_CMD_H
#define ZC_CMD_H

#include "lib/options.h"

/* Exit statuses: what scripts rely on. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REGRESSION = 3,
	EXIT_NOTHING = 77, /* nothing here can run it */
};

/* Bits for struct opt.commands */
enum {
	CMD_LIST = 1 << 0,
	CMD_RUN = 1 << 1,
	CMD_SERVE = 1 << 2,
	CMD_CLEANUP = 1 << 3,
	CMD_CLIENT = 1 << 4,
	CMD_VM = 1 << 5,
	CMD_SINK = 1 << 6,
	CMD_LIMITS = 1 << 7,
	CMD_PLOT = 1 << 8,
	CMD_COMPARE = 1 << 9,
	CMD_HISTORY = 1 << 10,
	CMD_AB = 1 << 11,
	CMD_REPORT = 1 << 12,
	CMD_EXEC = 1 << 13,
	CMD_DEMO = 1 << 14,
};

/* Every option's value: defaults, then the workload file, then the command line. */
struct config {
	/* dimensions: each combination is a cell */
	struct names path, sink, source, op, driver;
	struct numbers bs, depth, clients;
	/* the same for all cells */
	uint64_t rounds, counted_rounds, sampled_rounds, runtime_ns, warmup_ns, count, size, max_io;
	const char *serve_sink, *file, *pin, *produce, *registers, *pattern, *tcp, *send, *output, *csv,
		*json, *via;
	uint64_t refine;
	bool conditions, verify, ledger, trampolines, quiet, setup, overwrite, direct_io, buffered, mmap;
	struct names events, serve_events; /* performance counters */
	bool events_system, list_events, breakdown;
	const char *flame;
	uint64_t watchdog_ns;
	bool limits, pollution;
	uint64_t limits_rounds;
	struct {
		struct names figure, format;
		bool mixed;
	} plot;
	struct {
		const char *output, *title;
	} report;
	bool write_report; /* of a run */
	/* serve, and between our own processes */
	const char *listen;
	uint64_t files, control_fd;
	bool fill, aligned, shares_cpu, tree;
	const char *fault;
	uint64_t fault_delay_ns;
	/* vm: the guest */
	struct {
		const char *kernel, *accel, *append, *console, *fault;
		struct names with;
		uint64_t cpus, mem, disk, timeout_ns, silence_ns;
		bool net, strict;
	} vm;
	struct {
		const char *engine, *program;
	} fio; /* driver fio */
	/* compare, and where results are compared */
	struct {
		struct names threshold, metric, across;
		double alpha;
		const char *format;
		bool exact, complete;
	} compare;
	struct {
		const char *db, *commit, *cell, *format, *output;
		uint64_t last, keep, wait_ns;
		bool values;
	} history;
	struct {
		const char *a, *b, *output;
		double until;
		uint64_t budget_ns;
		bool quiet;
	} ab;
	struct {
		const char *source, *sink, *op, *script, *record, *window;
		uint64_t bs, slice_ns, duration_ns;
	} demo;
};

/* The options of compare, history and ab: a table of its own, cli/options_compare.c. */
extern const struct opt compare_options[];

#define CONFIG_SETS 16

struct options {
	struct config config;
	struct opt_set sets
		[CONFIG_SETS]; /* [0]: ours; then those of single commands; then one for each path that has options */
	unsigned int nsets;
	struct names rest; /* what is not an option */
	int argc;          /* the whole command line */
	char **argv;
};

/* Tables of single commands. */
extern const struct opt plot_options[];
extern const struct opt demo_options[];
extern const struct opt fio_options[];

/* Fills in the tables and the defaults. */
void options_init(struct options *o);

int list_events(void); /* list --events: cli/list_events.c */
int cmd_list(struct options *o);
int cmd_run(struct options *o);
int cmd_serve(struct options *o);
int cmd_exec(struct options *o);
int cmd_cleanup(struct options *o);
int cmd_client(struct options *o);
int cmd_hold(struct options *o);
int cmd_sink(struct options *o);
int cmd_plot(struct options *o);
int cmd_report(struct options *o);
/* report.html and figures/ beside a result file that was just written, and its name on standard output. 0, or
 * -errno with a message. */
int report_of_run(const char *result, struct err *e);
int cmd_vm(struct options *o);
int cmd_limits(struct options *o);
int cmd_compare(struct options *o);
int cmd_history(struct options *o);
int cmd_ab(struct options *o);
int cmd_demo(struct options *o);

#endif
