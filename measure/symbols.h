/* SPDX-License-Identifier: MIT */
/* Names for addresses: the kernel's from /proc/kallsyms, a process's from the symbol tables of the files
 * that it has mapped. */
#ifndef ZC_SYMBOLS_H
#define ZC_SYMBOLS_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

struct symbols;  /* all that have been read; files are read once */
struct mappings; /* what one process has mapped */

/* Reads the kernel's. -EPERM with message and remedy if this user may not see their addresses. */
int symbols_open(struct symbols **out, struct err *e);
void symbols_close(struct symbols *s);

/* The function that holds a kernel address, "[kernel]" if none does. As long as s lives. */
const char *symbols_kernel(const struct symbols *s, uint64_t address);

/* Reads what a process has mapped now; it need not live longer. 0 or a negative errno. */
int symbols_process(struct symbols *s, pid_t pid, struct mappings **out);
void symbols_process_free(struct mappings *m);

/* The function that holds an address of that process, "[libfuse3.so.3]" if the file's tables do not say, and
 * "[unknown]" if nothing is mapped there. As long as s lives. libc has no names for the variants of memcpy
 * and memmove: the one that this CPU uses is called by its plain name all the same. */
const char *symbols_user(const struct mappings *m, uint64_t address);

#endif
