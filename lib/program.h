/* SPDX-License-Identifier: MIT */
/* Other people's programs: where they are, what they print, which libraries they load. */
#ifndef ZC_PROGRAM_H
#define ZC_PROGRAM_H

#include <stddef.h>

#include "lib/err.h"

/* Looks `name` up as a shell does (one with a slash is taken as it is). 0 and the path in buf, or -ENOENT. */
int program_find(const char *name, char *buf, size_t len);

/* A file or folder that comes with the running program: the first of `places` that has `name`. They are relative to the
 * folder that the program lies in, and end in a slash ("": that folder itself); the last is where `make install` puts
 * it. 0 and its path in buf, or a negative errno with a message. */
int program_file(char *buf, size_t len, const char *const *places, size_t n, const char *name,
		 struct err *e);

/* Runs argv with its standard output into buf (cut off at len - 1 bytes; always ended by a zero) and
 * everything else inherited. It dies with this process. Returns its exit status, 128 + N after signal N,
 * or -errno if it could not be started. */
int program_run(char *const *argv, char *buf, size_t len);

/* Calls `use` for each shared library that the program loads at its start, the loader included, by its
 * path. None for a static program or a script. The first error of `use` ends it and is returned. */
int program_libraries(const char *path, int (*use)(void *arg, const char *library, struct err *e),
		      void *arg, struct err *e);

#endif
