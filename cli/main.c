// SPDX-License-Identifier: MIT
/* zcbench: the command and its table of subcommands. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/version.h"

struct command {
	const char *name;
	unsigned int bit;
	int (*run)(struct options *o);
	const char *usage;
	const char *help;
	const char *examples;
	bool hidden;
};

static const struct command commands[] = {
	{"list", CMD_LIST, cmd_list, "zcbench list [paths|sources|sinks|workloads|figures|metrics]",
	 "what this machine can run, and for what it can't: why, and what would enable it",
	 "  zcbench list\n"
	 "  zcbench list workloads\n"},
	{"run", CMD_RUN, cmd_run, "zcbench run [WORKLOAD] [options]",
	 "measure paths side by side: a table, and a result file with every sample",
	 "  zcbench run\n"
	 "  zcbench run --path copy,ipc --sink read --bs 4k,1m --rounds 10\n"
	 "  zcbench run --op read --source anon,memfd --depth 8 --json -\n"
	 "  zcbench run --sink file --file /dev/shm/zcbench.dat --bs 1m\n"
	 "  sudo zcbench run --setup quick\n"},
	{"serve", CMD_SERVE, cmd_serve, "zcbench serve PATH MOUNTPOINT [options]",
	 "run one reference server in the foreground, for your own clients",
	 "  mkdir -p /tmp/mnt && zcbench serve copy /tmp/mnt --sink read\n"
	 "  dd if=/dev/zero of=/tmp/mnt/data0 bs=1M count=64 conv=notrunc oflag=direct\n"},
	{"exec", CMD_EXEC, cmd_exec, "zcbench exec MOUNTPOINT -- COMMAND [ARGS...]",
	 "run any program with its reads and writes on an ipc mount through the bypass (docs/bypass.md)",
	 "  zcbench serve ipc /tmp/mnt --sink file --file /dev/shm/zcbench.dat &\n"
	 "  zcbench exec /tmp/mnt -- dd if=/dev/zero of=/tmp/mnt/data0 bs=1M count=16 conv=notrunc\n"
	 "  ZCBYPASS_REPORT=1 zcbench exec /tmp/mnt -- fio workloads/seq-write.fio "
	 "--filename=/tmp/mnt/data0\n"},
	{"sink", CMD_SINK, cmd_sink, "zcbench sink [--listen HOST:PORT]",
	 "the receiver of sink tcp (a run on one machine starts its own)",
	 "  zcbench sink --listen 0.0.0.0:7447\n"
	 "  zcbench run --sink tcp --tcp receiver.example:7447     (on another machine)\n"},
	{"limits", CMD_LIMITS, cmd_limits, "zcbench limits [options]",
	 "the ceilings of this machine: memory bandwidth, system call, hand-overs, FUSE round trips",
	 "  zcbench limits\n"
	 "  sudo zcbench limits --setup\n"
	 "  zcbench limits --rounds 50 --json limits.json\n"},
	{"plot", CMD_PLOT, cmd_plot, "zcbench plot RESULT... [options]",
	 "figures from result files, by gnuplot",
	 "  zcbench plot results/*/result.json\n"
	 "  zcbench plot results/mine --figure throughput,cpu --format png --output slides\n"},
	{"report", CMD_REPORT, cmd_report, "zcbench report RESULT... [options]",
	 "one page (HTML) from result files: answers with their intervals, figures, copies, conditions",
	 "  zcbench report results/mine\n"
	 "  zcbench report --mixed --output kernels.html results/6.18 results/7.3\n"},
	{"compare", CMD_COMPARE, cmd_compare, "zcbench compare BASE NEW [options]",
	 "is NEW worse than BASE? statistics, an exit status, and formats for CI",
	 "  zcbench compare results/before results/after\n"
	 "  zcbench compare --threshold 3%,latency=10% --format markdown before.json after.json\n"
	 "  zcbench compare --exact --across host,kernel baselines/host.json results/after\n"},
	{"ab", CMD_AB, cmd_ab, "zcbench ab --a SIDE --b SIDE [options] [-- WORKLOAD OR OPTIONS OF run]",
	 "two builds, settings or paths in turns, until the interval is narrow enough",
	 "  zcbench ab --a ./zcbench-old --b ./zcbench-new -- --path copy --bs 1m\n"
	 "  zcbench ab --a copy --b uring --budget 1m -- --sink read --bs 4k,1m\n"
	 "  zcbench ab --a '--entries 1' --b '--entries 8' --metric latency_p99 -- --path uring --depth "
	 "8\n"
	 "  sudo zcbench ab --a fuse.max_user_bgreq=12 --b fuse.max_user_bgreq=64 -- --path copy --bs "
	 "1m\n"},
	{"history", CMD_HISTORY, cmd_history,
	 "zcbench history add|show|plot|export|prune [RESULT...] [options]",
	 "results over time: at which run and commit did a metric move?",
	 "  zcbench history add --commit \"$(git rev-parse --short HEAD)\" results/after\n"
	 "  zcbench history show\n"
	 "  zcbench history show --values --cell 'ipc write' --metric throughput\n"
	 "  zcbench history plot --cell 'sink read' --metric throughput,copy_factor\n"
	 "  zcbench history export --format json >history.json\n"
	 "  zcbench history prune --keep 100\n"},
	{"demo", CMD_DEMO, cmd_demo, "zcbench demo [options]",
	 "the paths side by side, live on a terminal; ? shows the keys",
	 "  zcbench demo\n"
	 "  zcbench demo --path copy,uring,ipc --sink read --bs 1m\n"
	 "  zcbench demo --script talk --record talk.cast\n"
	 "  zcbench demo --duration 5s | cat\n"},
	{"cleanup", CMD_CLEANUP, cmd_cleanup, "zcbench cleanup",
	 "unmount and remove what a killed run left behind", "  zcbench cleanup\n"},
	{"vm", CMD_VM, cmd_vm,
	 "zcbench vm [options] -- ARGS...  or  zcbench vm [options] shell [SCRIPT [ARGS...]]",
	 "the same zcbench, on another kernel, in a guest (QEMU, user-mode Linux); results come back as "
	 "if it ran here",
	 "  zcbench vm -- list\n"
	 "  zcbench vm -- run --path copy,uring,ipc --sink null,read --bs 1m\n"
	 "  zcbench vm --kernel ~/linux/arch/x86/boot/bzImage -- run --output results/patched\n"
	 "  zcbench vm --kernel debian:7.1 --disk 1g -- run --path copy --sink file --file /dev/vda "
	 "--overwrite\n"
	 "  zcbench vm --accel uml -- run --path copy,uring,uring-zc --sink null --bs 1m\n"
	 "  zcbench vm shell\n"},
	{"client", CMD_CLIENT, cmd_client, "", "", "", true},
	{"hold-events", 0, cmd_hold, "", "", "", true},
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *f)
{
	fprintf(f,
		"zcbench %s: how many copies does FUSE cost, and what would remove them?\n\n"
		"Usage: zcbench COMMAND [options]\n\n",
		ZCBENCH_VERSION);
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (!commands[i].hidden)
			fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(f, "\n  zcbench COMMAND --help shows its options and examples.\n"
		   "  Exit status: 0 fine, 1 something failed, 2 usage, 3 a regression was found, 77 "
		   "nothing here can\n  run it.\n\n"
		   "Examples:\n"
		   "  zcbench list\n"
		   "  zcbench run\n"
		   "  zcbench run --path copy,ipc --sink read --bs 1m\n");
}

static void print_command_help(const struct command *c, const struct options *o)
{
	printf("Usage: %s\n\n  %s\n", c->usage, c->help);
	opts_help(stdout, o->sets, o->nsets, c->bit);
	printf("\nExamples:\n%s", c->examples);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[NCOMMANDS + 1] = {0}, *near;
	size_t n = 0;

	for (size_t i = 0; i < NCOMMANDS; i++)
		if (!commands[i].hidden)
			names[n++] = commands[i].name;
	near = nearest(name, names);
	fprintf(stderr, "zcbench: error: there is no command '%s'\n", name);
	if (near)
		fprintf(stderr, "  try: zcbench %s\n", near);
	else
		fprintf(stderr, "  try: zcbench --help\n");
	return EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
	static struct options o;
	const struct command *c;
	struct err e = {0};
	int last = argc;

	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("zcbench %s\n", ZCBENCH_VERSION);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return EXIT_OK;
	}
	c = find(argv[1]);
	if (!c)
		return unknown(argv[1]);
	options_init(&o);
	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			print_command_help(c, &o);
			return EXIT_OK;
		}
	/* what exec runs has options of its own, and as many arguments as it likes */
	for (int i = 2; c->bit == CMD_EXEC && i < argc && last == argc; i++)
		if (!strcmp(argv[i], "--"))
			last = i;
	if (opts_parse(o.sets, o.nsets, c->bit, last, argv, 2, &o.rest, &e)) {
		err_print(&e);
		return EXIT_USAGE;
	}
	o.argc = argc;
	o.argv = argv;
	return c->run(&o);
}

int main(int argc, char **argv)
{
	int status;

	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write, not the end */
	status = dispatch(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "zcbench: error: writing to standard output failed\n");
		return EXIT_FAILED;
	}
	return status;
}
