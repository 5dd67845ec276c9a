/* SPDX-License-Identifier: MIT */
/*
 * What the limits of the machine allow for a cell at best.
 *
 * One operation of bs bytes on a path that copies each byte c times, with a sink that passes over it s times:
 *
 *   moving = bs * (c / copy_bandwidth + s / sink_bandwidth)
 *   least  = round_trip + moving                        no operation can be faster
 *   rate   = bs * min(depth * clients / least,          Little's law
 *                     cpus / moving)                    a CPU moves one thing at a time
 *
 * Each limit goes in with its best sample: a bound shall not be beaten because the machine was busy
 * while the limit was measured.
 */
#ifndef ZC_BOUND_H
#define ZC_BOUND_H

#include <jansson.h>
#include <stdint.h>

struct bound_cell {
	const char *step; /* the limit that is this path's round trip: "ping_pong" */
	double copies;    /* by any CPU, for each payload byte */
	const char *pass; /* what the sink does to every byte: "checksum", "fill"; NULL: nothing */
	uint64_t bs;
	unsigned int depth, clients, cpus; /* cpus: those of clients and server together */
};

struct bound {
	double round_trip_ns, copy_ns, sink_ns; /* of one operation */
	double bytes_per_s;                     /* of the whole cell */
	const char *binds;                      /* the largest part: "round_trip", "copy", "sink" */
};

/* From the object "limits". 0, or -ENODATA if a limit that is needed was not measured, at this very block
 * size. */
int bound_of(const json_t *limits, const struct bound_cell *c, struct bound *b);

#endif
