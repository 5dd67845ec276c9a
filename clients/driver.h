/* SPDX-License-Identifier: MIT */
/*
 * A driver: what makes the load. To add one: a file that ends in its table, and a line in drivers.c.
 */
#ifndef ZC_DRIVER_H
#define ZC_DRIVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "clients/source.h"
#include "lib/types.h"

/* What a cell asks of its driver, while the run is planned. */
struct driver_wants {
	const struct source_ops *source;
	enum access access;
	unsigned int depth;
	bool bypass;         /* the data goes past the kernel (path ipc) */
	bool shared;         /* the client registers its memory with the server (path uring-shm) */
	bool produce;        /* the payload is rewritten before every WRITE, timed apart */
	bool pollution;      /* --pollution */
	const char *program; /* --fio */
	const char *engine;  /* --engine, or "auto" */
};

struct driver {
	const char *name;
	const char *help;

	/* The load comes from a program that is not ours. It is a process below the client's, which the copy
	 * ledger and the sampler do not know; it has its own way to verify, for which the server has to
	 * store what is written; and its payload is what it likes. */
	bool foreign;

	/* Optional: NULL if it can do that, else why it cannot, with the remedy. The text is static. */
	const char *(*refuses)(const struct driver_wants *wants);

	/* Optional, of a foreign one: the engine that `wants` leads to, and the program's own version text
	 * (NULL if it cannot be started). */
	const char *(*engine)(const struct driver_wants *wants);
	const char *(*version)(const char *program);

	/* Required. Serves control messages on fd (client.h) until the channel ends: the client process. `config`
	 * is the first of them, `began` the time at which it came. Returns the exit status of the process. */
	int (*serve)(int fd, json_t *config, uint64_t began);
};

extern const struct driver driver_native;
extern const struct driver *const drivers[]; /* ends with NULL */
extern const char *driver_names[];           /* the same, for option tables */

/* NULL if there is no driver of that name. */
const struct driver *driver_find(const char *name);

#endif
