/* SPDX-License-Identifier: MIT */
/* Where libzcbypass.so is, for whoever starts a program with it. */
#ifndef ZC_BYPASS_LIBRARY_H
#define ZC_BYPASS_LIBRARY_H

#include <stddef.h>

#include "lib/err.h"

/* Beside this very program (a source tree), or where make install put it. 0, or -ENOENT with a message. */
int bypass_library(char *path, size_t len, struct err *e);

#endif
