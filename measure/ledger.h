/* SPDX-License-Identifier: MIT */
/*
 * The copy ledger: every byte of payload that a CPU moved on its way, by hop, from two sources of truth.
 *
 *   exact      BPF on the kernel's functions that copy payload on our paths. Loaded once for a run; a round
 *              says whose processes are its clients and servers, and takes counts before and after.
 *   declared   what zcbench's own code copies in user space and counts as it does so.
 *
 * Headers are no payload and are not counted where the kernel tells them from it; where it does not (what
 * libfuse reads from a pipe, a stream's frames) they are, a few dozen bytes for each request.
 *
 * The functions are a table (ledger_table.c); a copy in a function that is not in it stays invisible.
 */
#ifndef ZC_LEDGER_H
#define ZC_LEDGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"
#include "measure/ledger_abi.h"

enum ledger_hop {
	HOP_CLIENT_USER,    /* client user code */
	HOP_CLIENT_SYSCALL, /* the client's system calls: page caches, passthrough's backing file */
	HOP_FUSE,           /* /dev/fuse or the ring */
	HOP_SERVER_USER,    /* server user code: the path's and the sink's */
	HOP_SINK,           /* the server's other system calls, and what the network does for them */
	HOP_COUNT,
};

extern const char *const ledger_hop_names[HOP_COUNT];

struct ledger_function_row {
	const char *name;
	const char *module; /* where the function may be instead of in the kernel image; or NULL */
	bool may_lack;      /* kernels without it copy nothing there; else nothing is exact without it */
	bool subtract;      /* counts bytes that another row counted and that were not copied */
	int hop[LEDGER_ROLES]; /* enum ledger_hop; -1: not on the way of a payload */
};

extern const struct ledger_function_row ledger_functions[LEDGER_FUNCTIONS];

struct ledger_counts {
	struct ledger_count of[LEDGER_FUNCTIONS][LEDGER_ROLES];
	uint64_t missed; /* calls, of anybody's, that the kernel did not show us */
};

/* *out = b - a */
void ledger_diff(struct ledger_counts *out, const struct ledger_counts *a,
		 const struct ledger_counts *b);

/* A call on a CPU where another task was preempted within the same function's counting is not shown to us.
 * That is rare, and how often it happened is known. The share of calls that were missed, in [0, 1]. */
double ledger_missed_share(const struct ledger_counts *c);

/* Above this share, counts are of no use. */
#define LEDGER_MISSED_MAX 0.01

/* Bytes that the kernel copied at a hop. */
uint64_t ledger_kernel_bytes(const struct ledger_counts *c, enum ledger_hop hop);

/* {HOP: {"kernel" or "user": bytes, "source": "exact" or "declared"}}. Without kernel counts (NULL) the
 * hops in the kernel are absent. */
json_t *ledger_hops_json(const struct ledger_counts *kernel, uint64_t client_user, uint64_t server_user);

/* {FUNCTION: {ROLE: {"bytes", "calls"}}} of those that were called. */
json_t *ledger_functions_json(const struct ledger_counts *c);

struct ledger;

/* Loads and attaches the programs (seconds in an emulated guest), then copies a few bytes in ways that it
 * must see, and checks that it does. trampolines: false to try kprobes only. 0, or a negative errno with the
 * reason and the remedy: nothing is attached then. */
int ledger_open(struct ledger **out, bool trampolines, struct err *e);
void ledger_close(struct ledger *l);

/* "fexit" or "kprobe". */
const char *ledger_method(const struct ledger *l);

/* From now on these processes (all their threads) are the clients and the server; others are not counted.
 * 0 or a negative errno with a message. */
int ledger_watch(struct ledger *l, pid_t server, const pid_t *clients, unsigned int n, struct err *e);

/* What was counted since ledger_open. 0 or a negative errno with a message. */
int ledger_read(const struct ledger *l, struct ledger_counts *out, struct err *e);

/* *out = what was counted since `before` was read. 0 or a negative errno with a message. */
int ledger_since(const struct ledger *l, const struct ledger_counts *before, struct ledger_counts *out,
		 struct err *e);

#endif
