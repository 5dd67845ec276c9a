// SPDX-License-Identifier: MIT
/* The bound; see bound.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "measure/bound.h"

/* The best of a bandwidth at this size, in bytes/ns; 0 if it was not measured. */
static double bandwidth(const json_t *limits, const char *pass, uint64_t bytes)
{
	const json_t *all = json_object_get(limits, "bandwidth_bytes_per_s"), *b;
	double best = 0;
	size_t i;

	json_array_foreach (all, i, b) {
		const char *name = json_string_value(json_object_get(b, "pass"));
		double value = json_number_value(json_object_get(b, "best")) / 1e9;

		if (name && !strcmp(name, pass) && value > best &&
		    (uint64_t)json_integer_value(json_object_get(b, "bytes")) == bytes)
			best = value;
	}
	return best;
}

int bound_of(const json_t *limits, const struct bound_cell *c, struct bound *b)
{
	const json_t *step = json_object_get(json_object_get(limits, "latency_ns"), c->step);
	double moving, least, rate;

	*b = (struct bound){.round_trip_ns = json_number_value(json_object_get(step, "best"))};
	if (b->round_trip_ns <= 0)
		return -ENODATA;
	if (c->copies > 0) {
		/* whichever of the two is faster: the kernel may use either way */
		double copy =
			fmax(bandwidth(limits, "memcpy", c->bs), bandwidth(limits, "rep_movsb", c->bs));

		if (copy <= 0)
			return -ENODATA;
		b->copy_ns = c->copies * (double)c->bs / copy;
	}
	if (c->pass) {
		double pass = bandwidth(limits, c->pass, c->bs);

		if (pass <= 0)
			return -ENODATA;
		b->sink_ns = (double)c->bs / pass;
	}
	moving = b->copy_ns + b->sink_ns;
	least = b->round_trip_ns + moving;
	rate = (double)c->depth * c->clients / least;
	if (moving > 0)
		rate = fmin(rate, c->cpus / moving);
	b->bytes_per_s = rate * (double)c->bs * 1e9;
	b->binds = b->round_trip_ns >= fmax(b->copy_ns, b->sink_ns) ? "round_trip"
		   : b->copy_ns >= b->sink_ns                       ? "copy"
								    : "sink";
	return 0;
}
