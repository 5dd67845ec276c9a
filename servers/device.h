/* SPDX-License-Identifier: MIT */
/* A block device as the store of sink `file`: opened for O_DIRECT, and for nobody else. */
#ifndef ZC_DEVICE_H
#define ZC_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

#define DEVICE_BLOCK                                                                                    \
	4096u /* offsets and lengths are multiples of it: what common devices ask of O_DIRECT */

/* Whether path names a block device. */
bool device_is(const char *path);

/* Opens it for O_DIRECT. -EBUSY if it is mounted or otherwise in use, -ENOSPC if it has less than `need`
 * bytes, or another negative errno, with a message each; else the descriptor. Nothing is written. */
int device_open(const char *path, uint64_t need, struct err *e);

/* Whether the device keeps what is written: some exist to drop it (null_blk without memory_backed). Writes
 * one block at offset 0. 0: it does; 1: a read gave zeros, or nothing at all; or a negative errno. */
int device_forgets(int fd);

/* Has the bytes [from, to) read as zeros; `to` is a multiple of DEVICE_BLOCK. 0 or a negative errno. */
int device_zero(int fd, uint64_t from, uint64_t to);

#endif
