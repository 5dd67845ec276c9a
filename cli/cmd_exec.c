// SPDX-License-Identifier: MIT
/* zcbench exec: any program, with the interception library. */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "clients/bypass_library.h"
#include "cli/cmd.h"

static int prepare(const char *mountpoint, struct err *e)
{
	char library[4096], *all = NULL, *path;
	const char *others = getenv("LD_PRELOAD");
	struct statfs fs;
	int ret = bypass_library(library, sizeof(library), e);

	if (ret)
		return ret;
	if (statfs(mountpoint, &fs))
		return err_sys(e, -errno, "%s", mountpoint);
	if (fs.f_type != FUSE_SUPER_MAGIC)
		return err_remedy((err_set(e, -EINVAL, "%s is no FUSE mount", mountpoint), e),
				  "zcbench serve ipc %s, and then this", mountpoint);
	path = realpath(mountpoint, NULL);
	if (!path ||
	    asprintf(&all, "%s%s%s", library, others && *others ? ":" : "", others ? others : "") < 0)
		return err_sys(e, -ENOMEM, "exec");
	setenv("LD_PRELOAD", all, 1);
	setenv("ZCBYPASS_MOUNT", path, 1);
	free(all);
	free(path);
	return 0;
}

int cmd_exec(struct options *o)
{
	struct err e = {0};
	int at = 2;

	while (at < o->argc && strcmp(o->argv[at], "--"))
		at++;
	if (o->rest.n != 1 || at + 1 >= o->argc) {
		fprintf(stderr, "zcbench: error: exec takes a mount point and, behind --, a command\n"
				"  try: zcbench exec MOUNTPOINT -- COMMAND [ARGS...]\n");
		return EXIT_USAGE;
	}
	if (prepare(o->rest.v[0], &e)) {
		err_print(&e);
		return EXIT_FAILED;
	}
	execvp(o->argv[at + 1], o->argv + at + 1);
	err_sys(&e, -errno, "%s", o->argv[at + 1]);
	err_print(&e);
	return EXIT_FAILED;
}
