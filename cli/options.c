// SPDX-License-Identifier: MIT
/* The one table of zcbench's options; what belongs to a path is in the path's own. */
#include <assert.h>

#include "clients/driver.h"
#include "clients/source.h"
#include "cli/cmd.h"
#include "lib/clock.h"
#include "lib/types.h"
#include "servers/server.h"

#define OFF(member) offsetof(struct config, member)
#define RUN         CMD_RUN
#define SERVE       CMD_SERVE

static const char *const pins[] = {"split", "same", "none", NULL};
static const char *const vias[] = {"bounce", "memfd", NULL};
static const char *const produces[] = {"each", "once", NULL};
static const char *const accels[] = {"auto", "kvm", "tcg", "icount", "uml", NULL};
static const char *const vm_faults[] = {"none", "panic", "hang", "oom", NULL};
static const char *const sends[] = {"auto", "copy", "zc", NULL};
static const char *const registers[] = {"once", "each", NULL};
static const char *const patterns[] = {"seq", "random", NULL};

/* The commas and line breaks of a table row are clearer by hand. */
/* clang-format off */
static const struct opt table[] = {
	{"path", OPT_NAMES, OFF(path), "NAME[,...]", NULL,
	 "paths to compare; default: all that this machine can run", path_names, .commands = RUN | CMD_DEMO},
	{"source", OPT_NAMES, OFF(source), "NAME[,...]", "memfd",
	 "where the client's payload lives", source_names, .commands = RUN},
	{"via", OPT_CHOICE, OFF(via), "bounce|memfd", "bounce",
	 "source udmabuf, O_DIRECT: copy to ordinary memory, or use the memfd below", vias,
	 .commands = RUN | CMD_DEMO},
	{"sink", OPT_NAMES, OFF(sink), "NAME[,...]", "null,read",
	 "what the server does with it", sink_names, .commands = RUN},
	{"sink", OPT_CHOICE, OFF(serve_sink), "NAME", "null",
	 "what the server does with the payload", sink_names, .commands = SERVE},
	{"op", OPT_NAMES, OFF(op), "NAME[,...]", "write",
	 "write: client to server; read: server to client", op_names, .commands = RUN},
	{"bs", OPT_SIZES, OFF(bs), "SIZE[,...]", "4k,64k,1m",
	 "block size: bytes in one operation", .min = 1, .max = 64 << 20, .commands = RUN},
	{"depth", OPT_UINTS, OFF(depth), "N[,...]", "1",
	 "operations in flight for each client", .min = 1, .max = 1024, .commands = RUN | CMD_DEMO},
	{"clients", OPT_UINTS, OFF(clients), "N[,...]", "1",
	 "client processes, each with a file and a buffer of its own", .min = 1, .max = 256,
	 .commands = RUN | CMD_DEMO},
	{"runtime", OPT_TIME, OFF(runtime_ns), "TIME", "200ms",
	 "measured time of a round", .min = NSEC_PER_MSEC, .max = 3600 * NSEC_PER_SEC,
	 .commands = RUN},
	{"count", OPT_UINT, OFF(count), "N", NULL,
	 "operations of each client in a round, instead of a time", .max = 1ull << 40,
	 .commands = RUN},
	{"warmup", OPT_TIME, OFF(warmup_ns), "TIME", "30ms",
	 "before each round, not counted", .max = 600 * NSEC_PER_SEC, .commands = RUN},
	{"rounds", OPT_UINT, OFF(rounds), "N", "5",
	 "rounds of each cell, interleaved", .min = 1, .max = 10000, .commands = RUN},
	{"rounds", OPT_UINT, OFF(limits_rounds), "N", "15",
	 "samples of each limit, taken in turns", .min = 1, .max = 10000, .commands = CMD_LIMITS},
	{"refine", OPT_UINT, OFF(refine), "N", "0",
	 "look again, N times, at block sizes between those at which one path overtakes another",
	 .max = 8, .commands = RUN, .whole_run = true},
	{"conditions", OPT_FLAG, OFF(conditions), NULL, "yes",
	 "look at the machine for 200 ms first, and warn of what makes numbers untrustworthy",
	 .commands = RUN, .whole_run = true},
	{"limits", OPT_FLAG, OFF(limits), NULL, "yes",
	 "measure the machine's limits first, and show each cell as a share of what they allow",
	 .commands = RUN, .whole_run = true},
	{"pollution", OPT_FLAG, OFF(pollution), NULL, NULL,
	 "after each round: what operations evict from caches of client and server (a pointer chase)",
	 .commands = RUN},
	{"counted-rounds", OPT_UINT, OFF(counted_rounds), "N", "1",
	 "further rounds of each cell in which --events are counted; no time is taken from them",
	 .max = 10000, .commands = RUN},
	{"sampled-rounds", OPT_UINT, OFF(sampled_rounds), "N", "1",
	 "further rounds of each cell in which --breakdown and --flame take samples", .max = 10000,
	 .commands = RUN},
	{"driver", OPT_NAMES, OFF(driver), "NAME[,...]", "native",
	 "what makes the load; fio: the installed fio (docs/fio.md)", driver_names, .commands = RUN},
	{"pattern", OPT_CHOICE, OFF(pattern), "seq|random", "seq",
	 "file offsets", patterns, .commands = RUN | CMD_DEMO},
	{"produce", OPT_CHOICE, OFF(produce), "each|once", "each",
	 "rewrite the payload before every write, as a producer does; timed apart; driver fio: once", produces,
	 .commands = RUN},
	{"register", OPT_CHOICE, OFF(registers), "once|each", "once",
	 "ipc, uring-shm: share the payload's memory once, or before each operation and take it back after it",
	 registers, .commands = RUN},
	{"buffered", OPT_FLAG, OFF(buffered), NULL, NULL,
	 "through the page cache of the mount, as an unmodified program; else O_DIRECT", .commands = RUN},
	{"mmap", OPT_FLAG, OFF(mmap), NULL, NULL,
	 "passthrough: produce and read the payload in a shared mapping of the file", .commands = RUN},
	{"pin", OPT_CHOICE, OFF(pin), "split|same|none", "split",
	 "CPUs: clients and server apart, together, or the scheduler's choice", pins,
	 .commands = RUN | CMD_DEMO},
	{"file", OPT_STRING, OFF(file), "PATH", NULL,
	 "where sink file stores (tmpfs, disk); file n of the mount is PATH.n. Or a block device",
	 .commands = RUN | SERVE | CMD_DEMO},
	{"tcp", OPT_STRING, OFF(tcp), "HOST:PORT", NULL,
	 "where sink tcp forwards to, a zcbench sink; default: one that the run starts, on 127.0.0.1",
	 .commands = RUN | SERVE | CMD_DEMO},
	{"send", OPT_CHOICE, OFF(send), "auto|copy|zc", "auto",
	 "sink tcp: SEND or SEND_ZC; auto: zc where the path brings the payload without a copy", sends,
	 .commands = RUN | SERVE | CMD_DEMO},
	{"listen", OPT_STRING, OFF(listen), "HOST:PORT", "127.0.0.1:0",
	 "where to wait for servers; port 0: any, and it is printed", .commands = CMD_SINK},
	{"size", OPT_SIZE, OFF(size), "SIZE", "64m",
	 "of each file on the mount; offsets stay below it", .min = 4096, .max = 1ull << 46,
	 .commands = RUN | SERVE | CMD_DEMO},
	{"max-io", OPT_SIZE, OFF(max_io), "SIZE", "1m",
	 "largest FUSE request wanted, uring* and ipc's mount; above 1m: fs.fuse.max_pages_limit",
	 .min = 128 << 10, .max = 64 << 20, .commands = RUN | SERVE},
	{"overwrite", OPT_FLAG, OFF(overwrite), NULL, NULL,
	 "let sink file destroy a file that exists", .commands = RUN | SERVE | CMD_DEMO},
	{"verify", OPT_FLAG, OFF(verify), NULL, "yes",
	 "check every byte of a short pass before the first round of each cell", .commands = RUN},
	{"ledger", OPT_FLAG, OFF(ledger), NULL, "yes",
	 "count what the kernel copies, by BPF, where it lets us", .commands = RUN | CMD_DEMO, .whole_run = true},
	{"trampolines", OPT_FLAG, OFF(trampolines), NULL, "yes",
	 "the ledger: try fexit programs before kprobes", .commands = RUN, .whole_run = true, .hidden = true},
	{"setup", OPT_FLAG, OFF(setup), NULL, NULL,
	 "as root: switch on what paths and sources need, for this run only", .commands = RUN | CMD_LIMITS | CMD_DEMO, .whole_run = true},
	{"watchdog", OPT_TIME, OFF(watchdog_ns), "TIME", "10s",
	 "a server that does not answer for this long is ended", .min = 100 * NSEC_PER_MSEC,
	 .max = 3600 * NSEC_PER_SEC, .commands = RUN},
	{"events", OPT_NAMES, OFF(events), "NAME[,...]", "default",
	 "performance counters of client and server, by libpfm4 name; none: none", .commands = RUN,
	 .whole_run = true},
	{"events", OPT_NAMES, OFF(serve_events), "NAME[,...]", "none", "as for run", .commands = SERVE,
	 .hidden = true},
	{"events", OPT_FLAG, OFF(list_events), NULL, NULL,
	 "which performance counters can be read here, instead", .commands = CMD_LIST},
	{"events-system", OPT_FLAG, OFF(events_system), NULL, NULL,
	 "count them on all CPUs too, whoever runs there (root)", .commands = RUN, .whole_run = true},
	{"breakdown", OPT_FLAG, OFF(breakdown), NULL, NULL,
	 "show what CPU time went to (copying, waking, ...), by samples (root)", .commands = RUN,
	 .whole_run = true},
	{"flame", OPT_STRING, OFF(flame), "DIR", NULL,
	 "write the stacks of these samples there, folded for flame-graph tools", .commands = RUN,
	 .whole_run = true},
	{"output", OPT_STRING, OFF(output), "DIR", NULL,
	 "folder for the result [results/DATE-TIME]", .commands = RUN, .whole_run = true},
	{"json", OPT_STRING, OFF(json), "FILE", NULL,
	 "also write the result there; - is standard output (and no table)", .commands = RUN | CMD_LIMITS, .whole_run = true},
	{"csv", OPT_STRING, OFF(csv), "FILE", NULL,
	 "also write a line for each cell there; - is standard output (and no table)",
	 .commands = RUN, .whole_run = true},
	{"quiet", OPT_FLAG, OFF(quiet), NULL, NULL,
	 "no progress and no table", .commands = RUN, .whole_run = true},
	{"report", OPT_FLAG, OFF(write_report), NULL, "yes",
	 "end with a page: report.html and figures/ beside the result (not with --json -)", .commands = RUN,
	 .whole_run = true},
	{"direct-io", OPT_FLAG, OFF(direct_io), NULL, "yes",
	 "open files with FOPEN_DIRECT_IO (past the page cache)", .commands = SERVE},
	{"files", OPT_UINT, OFF(files), "N", "4",
	 "files on the mount: data0, data1, ...", .min = 1, .max = MINIFS_FILES_MAX,
	 .commands = SERVE},
	{"fill", OPT_FLAG, OFF(fill), NULL, NULL, "sink file: write contents first",
	 .commands = SERVE},
	{"tree", OPT_FLAG, OFF(tree), NULL, NULL,
	 "ipc: an empty file system where files and folders come and go; sink file keeps them in the folder --file", .commands = SERVE},
	{"aligned", OPT_FLAG, OFF(aligned), NULL, "yes",
	 "sink file: try O_DIRECT; every request must be a multiple of 4 KiB", .commands = SERVE},
	{"shares-cpu", OPT_FLAG, OFF(shares_cpu), NULL, NULL,
	 "clients run on the server's CPUs: spinning would only keep them off", .commands = SERVE,
	 .hidden = true},
	{"control-fd", OPT_UINT, OFF(control_fd), "FD", NULL, "our end of the control channel",
	 .commands = SERVE | CMD_CLIENT | CMD_SINK, .hidden = true},
	{"fault", OPT_CHOICE, OFF(fault), "NAME", "none", "break on purpose, for tests", fault_names,
	 .commands = RUN | SERVE, .hidden = true},
	{"fault-delay", OPT_TIME, OFF(fault_delay_ns), "TIME", "0s", "of --fault slow, for each data request",
	 .max = NSEC_PER_SEC, .commands = RUN | SERVE, .hidden = true},
	{"kernel", OPT_STRING, OFF(vm.kernel), "debian[:VERSION]|zcbench|zcbench-debug|PATH", "debian",
	 "Debian's newest (or newest 7.1, say), fetched once; what make kernel built; or a bzImage, with a folder modules/ beside it",
	 .commands = CMD_VM},
	{"accel", OPT_CHOICE, OFF(vm.accel), "auto|kvm|tcg|icount|uml", "auto",
	 "auto: KVM where a guest really runs under it, else emulation; icount: with instructions for a clock; uml: user-mode Linux, which make kernel builds", accels, .commands = CMD_VM},
	{"cpus", OPT_UINT, OFF(vm.cpus), "N", NULL, "the guest's [this machine's, 2 to 4; uml: 1]",
	 .min = 1, .max = 255, .commands = CMD_VM},
	{"mem", OPT_SIZE, OFF(vm.mem), "SIZE", "2g", "the guest's memory", .min = 64 << 20,
	 .max = 1ull << 40, .commands = CMD_VM},
	{"disk", OPT_SIZE, OFF(vm.disk), "SIZE", NULL, "an empty virtio disk, /dev/vda, in our memory",
	 .min = 1 << 20, .max = 1ull << 40, .commands = CMD_VM},
	{"net", OPT_FLAG, OFF(vm.net), NULL, NULL,
	 "a network card; the guest reaches this machine's 127.0.0.1 as 10.0.2.2", .commands = CMD_VM},
	{"with", OPT_NAMES, OFF(vm.with), "PROGRAM[,...]", NULL,
	 "programs of this machine to have in the guest, with their libraries", .commands = CMD_VM},
	{"append", OPT_STRING, OFF(vm.append), "TEXT", NULL, "more kernel parameters",
	 .commands = CMD_VM},
	{"console", OPT_STRING, OFF(vm.console), "FILE", NULL, "keep what the guest's kernel says there",
	 .commands = CMD_VM},
	{"strict", OPT_FLAG, OFF(vm.strict), NULL, NULL,
	 "fail if the guest's kernel complains (WARNING, BUG, KASAN, ...)", .commands = CMD_VM},
	{"timeout", OPT_TIME, OFF(vm.timeout_ns), "TIME", "10m",
	 "the guest is ended then (a shell: only if given)", .min = NSEC_PER_SEC,
	 .max = 24 * 3600 * NSEC_PER_SEC, .commands = CMD_VM},
	{"silence", OPT_TIME, OFF(vm.silence_ns), "TIME", "60s",
	 "a guest that shows no sign of life for so long hangs", .min = NSEC_PER_SEC,
	 .max = 24 * 3600 * NSEC_PER_SEC, .commands = CMD_VM},
	{"fault", OPT_CHOICE, OFF(vm.fault), "NAME", "none", "break the guest on purpose, for tests",
	 vm_faults, .commands = CMD_VM, .hidden = true},
	{0},
};
/* clang-format on */

/* An option is found by its name alone: two that a command takes must not share one. */
static void check_names(struct options *o)
{
	for (unsigned int s = 0; s < o->nsets; s++)
		for (const struct opt *a = o->sets[s].opts; a->name; a++)
			for (unsigned int bit = 0; bit < 16; bit++)
				assert(!(a->commands >> bit & 1) ||
				       opts_find(o->sets, o->nsets, 1u << bit, a->name) == a);
}

void options_init(struct options *o)
{
	o->sets[0] = (struct opt_set){.title = "Options", .opts = table, .base = &o->config};
	o->sets[1] = (struct opt_set){.title = "Options", .opts = plot_options, .base = &o->config};
	o->sets[2] = (struct opt_set){.title = "Options", .opts = compare_options, .base = &o->config};
	o->sets[3] = (struct opt_set){.title = "Options", .opts = demo_options, .base = &o->config};
	o->sets[4] = (struct opt_set){.title = "Options", .opts = fio_options, .base = &o->config};
	o->nsets = 5;
	for (const struct path_ops *const *p = paths; *p; p++) {
		bool listed = !(*p)->options;

		/* paths on the same engine share a table */
		for (unsigned int i = 1; i < o->nsets && !listed; i++)
			listed = o->sets[i].opts == (*p)->options;
		if (!listed)
			o->sets[o->nsets++] = (struct opt_set){.title = "Options of paths",
							       .opts = (*p)->options,
							       .base = (*p)->option_values,
							       .commands = RUN | SERVE | CMD_DEMO};
		assert(o->nsets < CONFIG_SETS);
	}
	check_names(o);
	opts_init(o->sets, o->nsets);
	o->rest.n = 0;
}
