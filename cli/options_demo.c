// SPDX-License-Identifier: MIT
/* The options of demo; those that it shares with run are in options.c. */
#include <stddef.h>

#include "clients/source.h"
#include "cli/cmd.h"
#include "lib/clock.h"
#include "lib/types.h"
#include "servers/sink.h"

#define OFF(member) offsetof(struct config, demo.member)

/* clang-format off */
const struct opt demo_options[] = {
	{"source", OPT_CHOICE, OFF(source), "NAME", "memfd",
	 "where the client's payload lives, at first", source_names, .commands = CMD_DEMO},
	{"sink", OPT_CHOICE, OFF(sink), "NAME", "read",
	 "what the server does with it, at first", sink_names, .commands = CMD_DEMO},
	{"op", OPT_CHOICE, OFF(op), "NAME", "write",
	 "write: client to server; read: server to client; at first", op_names, .commands = CMD_DEMO},
	{"bs", OPT_SIZE, OFF(bs), "SIZE", "64k",
	 "block size, at first", .min = 1, .max = 64 << 20, .commands = CMD_DEMO},
	{"slice", OPT_TIME, OFF(slice_ns), "TIME", "100ms",
	 "measured time of a turn", .min = NSEC_PER_MSEC, .max = 10 * NSEC_PER_SEC,
	 .commands = CMD_DEMO},
	{"script", OPT_STRING, OFF(script), "NAME|FILE", NULL,
	 "play a sequence of actions: talk, or a file of your own", .commands = CMD_DEMO},
	{"record", OPT_STRING, OFF(record), "FILE", NULL,
	 "write what is shown as an asciicast (version 2)", .commands = CMD_DEMO},
	{"window", OPT_STRING, OFF(window), "COLSxROWS", "80x24",
	 "size of a recording that is made without a terminal", .commands = CMD_DEMO},
	{"duration", OPT_TIME, OFF(duration_ns), "TIME", NULL,
	 "end after this time", .max = 24ull * 3600 * NSEC_PER_SEC, .commands = CMD_DEMO},
	{0},
};
/* clang-format on */
