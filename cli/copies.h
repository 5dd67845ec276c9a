/* SPDX-License-Identifier: MIT */
/* How often a round's payload should have been copied, by what path, sink and source declare, and whether
 * the ledger says the same. */
#ifndef ZC_COPIES_H
#define ZC_COPIES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "cli/plan.h"

/* Copied bytes for each payload byte that a cell should show: what its path promises, weighted by the routes
 * that requests took, and what sink and source add. `round` is a round's object, or NULL for what can be
 * said before; evidence the server's, or NULL. NAN where the sink has to say first what it found (file, tcp).
 */
double copies_expected(const struct cell *c, const json_t *evidence, const json_t *round);

/* Copied bytes for each payload byte of a round, all hops together. NAN if the kernel's were not counted. */
double copies_measured(const json_t *round);

/* Whether the two agree: within 2 % of the payload, and what headers may take (COPIES_HEADERS bytes for each
 * request) above it; with what is read ahead through the page cache, within the two windows that may be under
 * way when a round begins or ends. If not, what differs goes to problem. True where nothing was measured. */
bool copies_agree(const struct cell *c, const json_t *evidence, double expected, const json_t *round,
		  char *problem, size_t len);

#define COPIES_TOLERANCE 0.02
#define COPIES_HEADERS   160 /* FUSE's in-header and write_in, 80, and a stream's frame */

#endif
