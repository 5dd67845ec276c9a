/* SPDX-License-Identifier: MIT */
/* The verification pass of a driver that has its own way to verify. */
#ifndef ZC_ROUND_DRIVER_H
#define ZC_ROUND_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/child.h"
#include "lib/err.h"

struct driver_pass {
	struct child *server, *clients;
	unsigned int nclients;
	uint64_t ops; /* of each client */
	bool counted; /* data requests reach the server, which counts them */
	uint64_t timeout_ns;
};

/* Has each client write its blocks, read them back and check them, and makes sure that the server sent what was
 * checked. Adds the bytes to *bytes. 0, or -EILSEQ or another -errno with a message. */
int round_driver_verify(const struct driver_pass *p, uint64_t *bytes, struct err *e);

#endif
