// SPDX-License-Identifier: MIT
/* The options of driver fio. */
#include <stddef.h>

#include "cli/cmd.h"

#define OFF(member) offsetof(struct config, fio.member)

/* clang-format off */
const struct opt fio_options[] = {
	{"engine", OPT_STRING, OFF(engine), "NAME", "auto",
	 "driver fio: its I/O engine, any; auto: psync, or io_uring at depths above 1", .commands = CMD_RUN},
	{"fio", OPT_STRING, OFF(program), "PROGRAM", "fio",
	 "driver fio: the program, a name in PATH or a file", .commands = CMD_RUN},
	{0},
};
/* clang-format on */
