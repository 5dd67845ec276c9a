/* SPDX-License-Identifier: MIT */
/* The files that come with zcbench: those of the source tree that the program was built in, or else those that were
 * installed, PREFIX/share/zcbench for PREFIX/bin/zcbench. Never those of the folder it is started in: scripts are
 * among them. */
#ifndef ZC_DATA_H
#define ZC_DATA_H

#include <stdio.h>

#include "lib/err.h"

/* The path of a file or folder of zcbench ("plots/common.gp"). 0, or -ENOENT (e may be NULL). */
int data_path(char *buf, size_t len, const char *name, struct err *e);

/* The path of a workload or script of the demo ("quick.ini"): the user's own, in the folder workloads, or else
 * zcbench's. 0, or -ENOENT without a message. */
int data_workload(char *buf, size_t len, const char *file);

/* Appends plots/NAME. 0, or -errno with a message. */
int data_append_plot(FILE *to, const char *name, struct err *e);

#endif
