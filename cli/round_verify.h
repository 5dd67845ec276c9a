/* SPDX-License-Identifier: MIT */
/* The verification pass before the first round of a cell: is each byte right that arrives? */
#ifndef ZC_ROUND_VERIFY_H
#define ZC_ROUND_VERIFY_H

#include <stdint.h>

#include "cli/plan.h"
#include "lib/child.h"
#include "lib/err.h"

struct verify_pass {
	const struct cell *cell;
	struct child *server, *clients;
	unsigned int nclients;
};

/* Has the clients move some blocks, and each of them checked: by server and client, who know the pattern, or by a driver
 * that has its own way. What was not looked at does not count. Adds the bytes to *bytes. 0, or -EILSEQ or another
 * -errno with a message. */
int round_verify(const struct verify_pass *p, uint64_t *bytes, struct err *e);

#endif
