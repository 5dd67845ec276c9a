/* SPDX-License-Identifier: MIT */
#ifndef ZC_VERSION_H
#define ZC_VERSION_H

#include "git.h" /* ZCBENCH_GIT: made by the Makefile, in its build folder */

#define ZCBENCH_VERSION "0.1.0"

#endif
