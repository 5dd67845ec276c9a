// SPDX-License-Identifier: MIT
/*
 * The pollution pass; see round_pollution.h and measure/pollution.h. In turns, on each side:
 *
 *   before: the set is brought into the cache, as long a time as a batch takes passes, the set is timed
 *   after:  the set is brought into the cache, clients make a batch, the set is timed
 */
#include <math.h>
#include <time.h>

#include "cli/round_pollution.h"
#include "cli/talk.h"
#include "lib/clock.h"
#include "lib/control.h"
#include "measure/pollution.h"

#define OPS         4 /* of each client, in a batch */
#define SAMPLES     25
#define SAMPLES_MIN 3
#define SET_NS      (NSEC_PER_SEC / 2) /* no more samples of a set after that */

struct side {
	const struct pollution_pass *pass;
	struct child *child;
	const char *who;
	/* Brings a set into the cache, makes a batch of so many operations, and gives the ns for a line. */
	int (*sample)(struct side *s, const char *set, unsigned int ops, double *ns, struct err *e);
	uint64_t batch_ns; /* how long the last batch took */
	json_t *opened;    /* what the process said of its sets */
	json_t *out;       /* the side's object in the result */
};

static int order(const struct side *s, const char *what, const char *set, json_t **msg, struct err *e)
{
	return ask(s->child, s->who,
		   json_pack("{s:s, s:s, s:s}", "cmd", "chase", "do", what, "set", set), msg,
		   s->pass->timeout_ns, e);
}

/* All clients make a batch, or, with no operations, let as much time pass. The first of them goes through
 * its `set` around it: *ns. */
static int batch(struct side *s, unsigned int ops, const char *set, double *ns, struct err *e)
{
	const struct pollution_pass *p = s->pass;
	uint64_t longest = 0;

	for (unsigned int i = 0; i < p->nclients; i++)
		control_send(p->clients[i].control,
			     json_pack("{s:s, s:i, s:I, s:s}", "cmd", "batch", "ops", (int)ops,
				       "idle_ns", (json_int_t)s->batch_ns, "set", i ? "" : set));
	for (unsigned int i = 0; i < p->nclients; i++) {
		json_t *msg = NULL;
		uint64_t elapsed;
		int ret = answer(&p->clients[i], "a client", &msg, p->timeout_ns + s->batch_ns, e);

		if (ret)
			return ret;
		elapsed = (uint64_t)json_integer_value(json_object_get(msg, "elapsed_ns"));
		longest = elapsed > longest ? elapsed : longest;
		if (ns && !i)
			*ns = json_number_value(json_object_get(msg, "ns_per_line"));
		json_decref(msg);
	}
	if (ops)
		s->batch_ns = longest;
	return 0;
}

static int client_sample(struct side *s, const char *set, unsigned int ops, double *ns, struct err *e)
{
	return batch(s, ops, set, ns, e);
}

/* *ns is NAN if the server had not gone through its set in time. */
static int server_sample(struct side *s, const char *set, unsigned int ops, double *ns, struct err *e)
{
	const json_t *opened = json_object_get(json_object_get(s->opened, "sets"), set);
	const uint64_t laps = (uint64_t)(2 * json_number_value(json_object_get(opened, "lap_ns")));
	const struct timespec nap = {(time_t)(laps / NSEC_PER_SEC), (long)(laps % NSEC_PER_SEC)};
	json_t *msg = NULL;
	uint64_t start;
	int ret;

	ret = order(s, "hold", set, &msg, e);
	if (ret)
		return ret;
	json_decref(msg);
	nanosleep(&nap, NULL);
	start = clock_ns();
	ret = batch(s, ops, "", NULL, e);
	if (!ret)
		ret = order(s, "now", "", &msg, e);
	if (ret)
		return ret;
	*ns = (uint64_t)json_integer_value(json_object_get(msg, "held_at_ns")) > start
		      ? NAN
		      : json_number_value(json_object_get(msg, "ns_per_line"));
	json_decref(msg);
	return 0;
}

/* The fastest of several samples counts: what others did to the cache meanwhile is not the path's. */
static int one_set(struct side *s, const char *set, const json_t *opened, struct err *e)
{
	const uint64_t start = clock_ns();
	double before = INFINITY, after = INFINITY, ns = NAN;
	int n;

	for (n = 0; n < SAMPLES && (n < SAMPLES_MIN || clock_ns() - start < SET_NS); n++) {
		int ret = s->sample(s, set, 0, &ns, e);

		if (ret)
			return ret;
		before = fmin(before, ns);
		ret = s->sample(s, set, OPS, &ns, e);
		if (ret)
			return ret;
		after = fmin(after, ns);
	}
	if (isinf(before) || isinf(after))
		json_object_set_new(json_object_get(s->out, "not_measured"), set,
				    json_string("the server never got the CPU in time"));
	else
		json_object_set_new(s->out, set,
				    json_pack("{s:O, s:O, s:i, s:f, s:f}", "bytes",
					      json_object_get(opened, "bytes"), "memory_ns_per_line",
					      json_object_get(opened, "memory_ns_per_line"), "samples",
					      n, "before_ns_per_line", before, "after_ns_per_line",
					      after));
	return 0;
}

/* Both sides are open while either is measured: both CPUs stay awake. */
static int open_side(struct side *s, int cpu, struct err *e)
{
	int ret = ask(s->child, s->who,
		      json_pack("{s:s, s:s, s:i}", "cmd", "chase", "do", "open", "cpu", cpu), &s->opened,
		      s->pass->timeout_ns, e);

	if (!ret)
		s->out = json_pack("{s:i, s:O, s:O, s:O}", "cpu", cpu, "huge_pages",
				   json_object_get(s->opened, "huge_pages"), "assumed",
				   json_object_get(s->opened, "assumed"), "not_measured",
				   json_object_get(s->opened, "not_measured"));
	return ret;
}

static int measure_side(struct side *s, struct err *e)
{
	const json_t *sets = json_object_get(s->opened, "sets");
	int ret = batch(s, OPS, "", NULL, e); /* how long does one take? */

	for (int i = 0; pollution_sets[i] && !ret; i++) {
		const json_t *set = json_object_get(sets, pollution_sets[i]);

		if (set)
			ret = one_set(s, pollution_sets[i], set, e);
	}
	return ret;
}

static int close_side(struct side *s, struct err *e)
{
	json_t *msg = NULL;
	int ret = order(s, "close", "", &msg, e);

	json_decref(msg);
	return ret;
}

int round_pollution(const struct pollution_pass *p, json_t **out, struct err *e)
{
	struct side client = {
		.pass = p, .child = &p->clients[0], .who = "a client", .sample = client_sample};
	struct side server = {
		.pass = p, .child = p->server, .who = "the server", .sample = server_sample};
	int ret = open_side(&client, p->client_cpu, e);

	if (!ret)
		ret = open_side(&server, p->server_cpu, e);
	if (!ret)
		ret = measure_side(&client, e);
	if (!ret)
		ret = measure_side(&server, e);
	if (!ret)
		ret = close_side(&client, e);
	if (!ret)
		ret = close_side(&server, e);
	if (!ret)
		*out = json_pack("{s:i, s:O, s:O}", "ops", OPS, "client", client.out, "server",
				 server.out);
	json_decref(client.opened);
	json_decref(client.out);
	json_decref(server.opened);
	json_decref(server.out);
	return ret;
}
