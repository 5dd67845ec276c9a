/* SPDX-License-Identifier: MIT */
/*
 * Result files on their way out of a guest: cpio archives ("newc", one after the other) that arrive piece
 * by piece. A file appears under its name when it is complete, in the place of an older one, so that a
 * guest that dies in the middle never leaves half a file.
 *
 * The sender is not trusted: only regular files and folders, only at or below the allowed paths.
 */
#ifndef ZC_UNPACK_H
#define ZC_UNPACK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/err.h"

#define UNPACK_PATHS_MAX 8

struct unpack {
	unsigned int nallowed;
	const char *allowed[UNPACK_PATHS_MAX]; /* absolute; the caller's */
	unsigned int files;                    /* regular files that were completed */
	/* private */
	int state;
	char head[110 + 4096]; /* header and name of the entry */
	size_t have, want;     /* of the header, of the name, of the contents */
	uint64_t size;
	unsigned int mode, pad;
	FILE *f;
	char path[4096], temp[4096 + 16];
};

/* Takes the next bytes. 0; -EPROTO for what is no archive; -EPERM for a name that is not allowed; or what
 * writing gave. After an error it must be given nothing more. */
int unpack_feed(struct unpack *u, const char *data, size_t len, struct err *e);

/* Gives up what is incomplete. Harmless on a zeroed struct. */
void unpack_close(struct unpack *u);

#endif
