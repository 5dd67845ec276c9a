/* SPDX-License-Identifier: MIT */
/* The files that come with zcbench: those of the source tree, or else those that were installed. */
#ifndef ZC_DATA_H
#define ZC_DATA_H

#include <stdio.h>

#include "lib/err.h"

/* The path of FOLDER/NAME ("plots", "common.gp"). 0, or -ENOENT without a message: then buf has the place that
 * was looked at last. */
int data_path(char *buf, size_t len, const char *folder, const char *name);

/* Appends plots/NAME, which is a `what` ("script"). 0, or -errno with a message. */
int data_append_plot(FILE *to, const char *what, const char *name, struct err *e);

#endif
