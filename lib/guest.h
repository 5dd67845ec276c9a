/* SPDX-License-Identifier: MIT */
/*
 * One run of a guest, from its boot to its end: passes on what it prints, writes its result files, learns
 * its exit status, and notices a panic, a hang, the time limit and our own signals. The guest's side is
 * kernel/guest-init.sh.
 *
 * Streams have no end of their own on a serial port: the guest writes a token, which nobody can
 * guess, behind the last byte of each.
 */
#ifndef ZC_GUEST_H
#define ZC_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/err.h"
#include "lib/machine.h"
#include "lib/unpack.h"

#define GUEST_TOKEN 48 /* bytes of the token with its end; at most */

struct guest_config {
	struct machine_config machine;
	const char *token;
	uint64_t timeout_ns; /* for everything; 0: none */
	uint64_t silence_ns; /* no byte from the guest for so long: it hangs */
	FILE *console_file;  /* also gets the whole console, or NULL */
};

/* What became of it. */
struct guest {
	struct unpack files;     /* the caller sets what is allowed */
	int status;              /* of the command in the guest */
	char release[96];        /* its kernel's version; empty: it never came so far */
	bool spoke;              /* there was a sign of life at all */
	unsigned int complaints; /* lines on the console that say WARNING, BUG, ... */
	char complaint[200];     /* the first of them */
	char tail[16384];        /* the last of the console */
	size_t tail_len;
};

/* Boots and stays until the end; no machine is left, whatever comes. Blocks SIGINT, SIGTERM and SIGHUP
 * meanwhile, and obeys them. Returns 0 and the command's exit status in g->status, or
 * -EINTR (a signal), -ETIMEDOUT (hang or time limit), -EIO (panic, or the machine ended), or what starting it
 * or writing its files gave. */
int guest_run(struct guest *g, const struct guest_config *c, struct err *e);

/* Prints the last `lines` lines of the console, indented, or nothing if there was none. */
void guest_print_console(const struct guest *g, FILE *f, int lines);

#endif
