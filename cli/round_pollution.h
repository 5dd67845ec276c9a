/* SPDX-License-Identifier: MIT */
/* The pollution pass of a round (--pollution): after its measured part, with the same processes. */
#ifndef ZC_ROUND_POLLUTION_H
#define ZC_ROUND_POLLUTION_H

#include <jansson.h>
#include <stdint.h>

#include "lib/child.h"
#include "lib/err.h"

struct pollution_pass {
	struct child *server, *clients;
	unsigned int nclients;
	int client_cpu, server_cpu; /* of the first client; one of the server's */
	uint64_t timeout_ns;        /* for each order */
};

/* Makes it; the round's object "pollution" in *out. All of the server's threads are on server_cpu from then
 * on: no timed part may follow. 0, or -errno with a message. */
int round_pollution(const struct pollution_pass *p, json_t **out, struct err *e);

#endif
