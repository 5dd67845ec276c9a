/* SPDX-License-Identifier: MIT */
/*
 * What a run leaves in the system while it goes on, in one place, so that it can be taken back however
 * the run ends: a folder DIR/PID.STARTTIME with the mount points, and a list of settings to restore.
 * Processes that belong to the run carry the folder's name in their environment (ZCBENCH_RUN).
 *
 * A guardian process waits for the run to end without having tidied up (SIGKILL), and does it then.
 * `zcbench cleanup` does the same for runs whose guardian was killed too.
 */
#ifndef ZC_RUNDIR_H
#define ZC_RUNDIR_H

#include <stdbool.h>

#include "lib/err.h"

struct rundir {
	char path[256];
	int guardian_fd; /* its end makes the guardian tidy up */
	int guardian_pid;
};

/* Makes the folder (under $ZCBENCH_RUNDIR, else /run/zcbench for root, else $XDG_RUNTIME_DIR or /tmp) and starts the
 * guardian. Sets ZCBENCH_RUN for children. */
int rundir_open(struct rundir *r, struct err *e);

/* Unmounts, restores, removes, dismisses the guardian. */
void rundir_close(struct rundir *r);

/* Makes a mount point; puts its path into buf. */
int rundir_mountpoint(struct rundir *r, char *buf, unsigned int len, struct err *e);

/* Unmounts (lazily, whatever the server's state) and removes one mount point. */
void rundir_drop_mountpoint(const char *path);

/* Writes `value` to a kernel setting (a file below /sys or /proc), and its old value to the list of
 * what is restored at the end, by the last run that needs it. Says so on stderr. */
int rundir_set(struct rundir *r, const char *file, const char *value, struct err *e);

/* Tidies up what dead runs left: ends their processes, unmounts, restores settings, removes folders;
 * unmounts dead zcbench mounts elsewhere. Prints each thing that it does. Returns how many things were
 * mended, or -errno if something could not be (said on stderr). */
int rundir_cleanup(bool verbose);

#endif
