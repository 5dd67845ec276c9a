// SPDX-License-Identifier: MIT
/* Expected and measured copies; see copies.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/copies.h"
#include "lib/types.h"
#include "measure/ledger.h"

static double number(const json_t *obj, const char *name)
{
	return json_number_value(json_object_get(obj, name));
}

static double of_sink(const struct cell *c, enum handing how, const json_t *evidence)
{
	return c->sink->copies ? c->sink->copies(c->op, how, evidence) : 0;
}

/* A dma-buf that the server has mapped is memory like any other, but for what pins pages. */
static enum handing handing(const struct cell *c)
{
	const enum handing how = c->path->hands[c->op];

	return how == HANDS_MEMORY && c->path->client != CLIENT_FUSE && c->source->sync ? HANDS_UNPINNED
											: how;
}

/* Of a source that cannot be handed over as it is: the client's own. */
static double of_source(const struct cell *c)
{
	if (c->path->client == CLIENT_IPC)
		return c->source->not_shared ? 1 : 0;
	if (c->path->client == CLIENT_SHARED)
		return 0;
	if (!c->source->sync || c->access != ACCESS_DIRECT)
		return 0;
	return c->source->on_memfd && !strcmp(c->config.via, "memfd") ? 0 : 1;
}

static bool reads_ahead(const struct cell *c)
{
	return c->op == OP_READ && c->access == ACCESS_BUFFERED && c->path->client != CLIENT_IPC;
}

/* What came by the route that the path promises, and by others, in bytes. */
static void by_route(const struct cell *c, const json_t *round, double *promised, double *tolerated)
{
	const struct expect *x = &c->path->expect[c->op];
	const json_t *requests = json_object_get(round, "requests"), *route;
	const char *name;

	*promised = *tolerated = 0;
	json_object_foreach ((json_t *)requests, name, route) {
		if (!strcmp(name, route_names[x->route]))
			*promised += number(route, "bytes");
		else
			*tolerated += number(route, "bytes");
	}
}

/*
 * Between the page cache and the client there is one copy of what the client asked for (buffered), and
 * beyond it those of what was requested, which may be more than the client asked for: read ahead.
 */
double copies_expected(const struct cell *c, const json_t *evidence, const json_t *round)
{
	const struct expect *x = &c->path->expect[c->op];
	const char *io = json_string_value(json_object_get(evidence, "file_io"));
	const bool direct = c->sink->needs_file ? io && !strcmp(io, "direct") : !(c->bs % 4096);
	const double all = path_copies(c->path, c->op, c->sink, c->access, direct);
	const double cached =
		c->access == ACCESS_BUFFERED && c->path->client != CLIENT_IPC && all >= 1 ? 1 : 0;
	const double payload = number(round, "payload_bytes");
	double promised, tolerated, sink = 0, small, copies = all - cached;
	const json_t *sent;

	if ((c->sink->needs_file && !evidence) || (c->sink->needs_tcp && !round))
		return NAN;
	/* through the page cache of passthrough's file there is nothing else */
	if (c->path->hands[c->op] != HANDS_FILE || c->access == ACCESS_DIRECT)
		sink = of_sink(c, handing(c), evidence);
	small = x->tolerated_copies + of_sink(c, x->tolerated_hands, evidence);
	copies += sink;
	by_route(c, round, &promised, &tolerated);
	if (payload > 0 && promised + tolerated > 0)
		copies = copies * promised / payload + small * tolerated / payload;
	/* what the sink sent by reference was not copied, but for what the kernel says it copied later */
	sent = json_object_get(round, "sent");
	if (sent && c->op == OP_WRITE && payload > 0)
		copies -=
			(number(sent, "zero_copy_bytes") - number(sent, "copied_late_bytes")) / payload;
	return cached + copies + of_source(c);
}

double copies_measured(const json_t *round)
{
	const json_t *hops = json_object_get(round, "copied_bytes"), *hop;
	double bytes = 0;
	const char *name;

	if (!json_object_get(hops, ledger_hop_names[HOP_FUSE]))
		return NAN;
	json_object_foreach ((json_t *)hops, name, hop)
		bytes += number(hop, "kernel") + number(hop, "user");
	return bytes / number(round, "payload_bytes");
}

/* "fuse 1.00, sink 1.00" */
static void name_hops(const json_t *round, char *text, size_t len)
{
	const json_t *hops = json_object_get(round, "copied_bytes"), *hop;
	double payload = number(round, "payload_bytes");
	const char *name;
	size_t n = 0;

	snprintf(text, len, "none anywhere");
	json_object_foreach ((json_t *)hops, name, hop) {
		double copies = (number(hop, "kernel") + number(hop, "user")) / payload;

		if (copies >= 0.005 && n < len)
			n += (size_t)snprintf(text + n, len - n, "%s%s %.2f", n ? ", " : "", name,
					      copies);
	}
}

static double requests_of(const json_t *round)
{
	const json_t *routes = json_object_get(round, "requests"), *route;
	double n = 0;
	const char *name;

	json_object_foreach ((json_t *)routes, name, route)
		n += number(route, "requests");
	return n;
}

/* For what may be copied before a round and be counted in it, or the other way round. */
static double under_way(const struct cell *c, const json_t *evidence)
{
	double window = number(evidence, "max_readahead");

	if (!reads_ahead(c))
		return 0;
	return 2 * c->clients * (window > (double)c->bs ? window : (double)c->bs);
}

bool copies_agree(const struct cell *c, const json_t *evidence, double expected, const json_t *round,
		  char *problem, size_t len)
{
	const double measured = copies_measured(round), payload = number(round, "payload_bytes");
	const double tolerance = COPIES_TOLERANCE + under_way(c, evidence) / payload;
	double headers;
	char hops[160];

	if (!isfinite(measured) || !isfinite(expected))
		return true;
	headers = COPIES_HEADERS * requests_of(round) / payload;
	if (measured >= expected - tolerance && measured <= expected + tolerance + headers)
		return true;
	name_hops(round, hops, sizeof(hops));
	snprintf(problem, len, "each byte was copied %.2f times, not %.2f times (%s)", measured,
		 expected, hops);
	return false;
}
