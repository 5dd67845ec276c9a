/* SPDX-License-Identifier: MIT */
/* One side of zcbench ab: what differs on it, how a round of it is run, and what its rounds gave. */
#ifndef ZC_AB_H
#define ZC_AB_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/err.h"
#include "lib/options.h"
#include "lib/rundir.h"

#define AB_WORDS 64

struct side {
	const char *text;        /* as it was given */
	char *program[AB_WORDS]; /* its zcbench: this one, unless the side is a command */
	unsigned int nprogram;
	char *more[AB_WORDS]; /* options of its own */
	unsigned int nmore;
	char setting[256]; /* a file below /sys or /proc to write `value` to before each round; "" */
	char value[64];
	bool set;                                   /* was written once: the way back is noted */
	bool conditions, limits, ledger, observers; /* what its zcbench knows, to be switched off */
	json_t *root;                               /* its result, with all rounds so far */
	bool failed;                                /* a cell has failed: more rounds make no sense */
};

/* What `text` means: a path ("copy"), options ("--entries 8"), a setting ("fuse.enable_uring=N",
 * "fs.fuse.max_pages_limit=1024"), or a command ("./zcbench-old", "ip netns exec x zcbench").
 * -EINVAL with a message. */
int side_init(struct side *s, const char *text, struct err *e);
void side_free(struct side *s);

/* Runs `words` once, in one round, and adds what it gave. `first`: with verification, and with the
 * copies in the kernel counted. The side's result goes to folder/work and is taken from there; what it
 * prints goes to folder/log. `dir` holds the way back from settings. */
int side_round(struct side *s, const struct names *words, bool first, const char *folder,
	       struct rundir *dir, struct err *e);

/* Computes the summaries and writes folder/NAME/result.json. */
int side_write(struct side *s, const char *folder, const char *name, struct err *e);

#endif
