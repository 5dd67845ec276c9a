/* SPDX-License-Identifier: MIT */
/* One run of fio, and its result in zcbench's terms. */
#ifndef ZC_FIO_RUN_H
#define ZC_FIO_RUN_H

#include <jansson.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/types.h"
#include "measure/hist.h"
#include "measure/usage.h"

/* Of one job. */
struct fio_result {
	uint64_t ops, payload_bytes;
	uint64_t runtime_ns; /* as fio has it: in milliseconds */
	uint64_t elapsed_ns; /* in which operations were in flight */
	struct usage usage;  /* of the job's process, while it ran; no context switches */
	struct hist latency; /* of each operation, from before its submission to its completion */
};

/* How it is started. */
struct fio_program {
	char *const *argv;   /* argv[0] is a name in PATH or a file */
	int keep_fd;         /* stays open in it, under its number; -1: none */
	const char *library; /* libzcbypass.so; NULL: without the bypass */
	uint64_t spin_ns;    /* with it: how long it polls */
	uint64_t staged;     /* and what it says that it copied, in bytes, once fio has ended */
};

/* Starts it, waits for its end, and gives the only job of its JSON in *job: a new reference. 0, or -errno
 * with what fio said: the job's own error where it has one, -ENOENT, -EPROTO for what is not fio's JSON. */
int fio_start(struct fio_program *p, json_t **job, struct err *e);

/* The job's operations of one direction, at this depth. 0, or -errno with a message: -EPROTO where a member is
 * missing, -EIO where nothing was done or an operation fell short. */
int fio_read(const json_t *job, enum op op, unsigned int depth, struct fio_result *r, struct err *e);

#endif
