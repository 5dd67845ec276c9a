// SPDX-License-Identifier: MIT
/*
 * The pollution pass; see round_pollution.h and measure/pollution.h.
 *
 * One sample, on the client's or on the server's side:
 *   warm the set; let as long a time pass as a batch takes; time the set: before
 *   warm the set; a batch of operations; time the set: after
 * Both halves have the same orders and answers in between, whose own traces in the cache cancel out.
 */
#include <math.h>

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
	uint64_t batch_ns; /* how long the last batch took */
};

static int order(const struct side *s, const char *what, const char *set, json_t **msg, struct err *e)
{
	return ask(s->child, s->who,
		   json_pack("{s:s, s:s, s:s}", "cmd", "chase", "do", what, "set", set), msg,
		   s->pass->timeout_ns, e);
}

/* All clients make a batch, or, with no operations, let as much time pass. */
static int batch(struct side *s, unsigned int ops, struct err *e)
{
	const struct pollution_pass *p = s->pass;
	uint64_t longest = 0;

	for (unsigned int i = 0; i < p->nclients; i++)
		control_send(p->clients[i].control,
			     json_pack("{s:s, s:i, s:I}", "cmd", "batch", "ops", (int)ops, "idle_ns",
				       (json_int_t)s->batch_ns));
	for (unsigned int i = 0; i < p->nclients; i++) {
		json_t *msg = NULL;
		uint64_t ns;
		int ret = answer(&p->clients[i], "a client", &msg, p->timeout_ns + s->batch_ns, e);

		if (ret)
			return ret;
		ns = (uint64_t)json_integer_value(json_object_get(msg, "elapsed_ns"));
		longest = ns > longest ? ns : longest;
		json_decref(msg);
	}
	if (ops)
		s->batch_ns = longest;
	return 0;
}

static int warm_batch_time(struct side *s, const char *set, unsigned int ops, double *ns, struct err *e)
{
	json_t *msg = NULL;
	int ret = order(s, "warm", set, &msg, e);

	if (ret)
		return ret;
	json_decref(msg);
	ret = batch(s, ops, e);
	if (!ret)
		ret = order(s, "time", set, &msg, e);
	if (ret)
		return ret;
	*ns = json_number_value(json_object_get(msg, "ns_per_line"));
	json_decref(msg);
	return 0;
}

/* The fastest of several samples counts: what others did to the cache meanwhile is not the path's. */
static int one_set(struct side *s, const char *set, const json_t *opened, json_t *out, struct err *e)
{
	const uint64_t start = clock_ns();
	double before = INFINITY, after = INFINITY, ns = 0;
	int n;

	for (n = 0; n < SAMPLES && (n < SAMPLES_MIN || clock_ns() - start < SET_NS); n++) {
		int ret = warm_batch_time(s, set, 0, &ns, e);

		if (ret)
			return ret;
		before = fmin(before, ns);
		ret = warm_batch_time(s, set, OPS, &ns, e);
		if (ret)
			return ret;
		after = fmin(after, ns);
	}
	json_object_set_new(out, set,
			    json_pack("{s:O, s:O, s:i, s:f, s:f}", "bytes",
				      json_object_get(opened, "bytes"), "memory_ns_per_line",
				      json_object_get(opened, "memory_ns_per_line"), "samples", n,
				      "before_ns_per_line", before, "after_ns_per_line", after));
	return 0;
}

static int one_side(struct side *s, int cpu, json_t **out, struct err *e)
{
	json_t *opened = NULL, *closed = NULL;
	const json_t *sets;
	int ret;

	ret = ask(s->child, s->who,
		  json_pack("{s:s, s:s, s:i}", "cmd", "chase", "do", "open", "cpu", cpu), &opened,
		  s->pass->timeout_ns, e);
	if (ret)
		return ret;
	sets = json_object_get(opened, "sets");
	*out = json_pack("{s:i, s:O, s:O, s:O}", "cpu", cpu, "huge_pages",
			 json_object_get(opened, "huge_pages"), "assumed",
			 json_object_get(opened, "assumed"), "not_measured",
			 json_object_get(opened, "not_measured"));
	ret = batch(s, OPS, e); /* how long does one take? */
	for (int i = 0; pollution_sets[i] && !ret; i++) {
		const json_t *set = json_object_get(sets, pollution_sets[i]);

		if (set)
			ret = one_set(s, pollution_sets[i], set, *out, e);
	}
	json_decref(opened);
	if (!ret)
		ret = order(s, "close", "", &closed, e);
	json_decref(closed);
	return ret;
}

int round_pollution(const struct pollution_pass *p, json_t **out, struct err *e)
{
	struct side client = {p, &p->clients[0], "a client", 0};
	struct side server = {p, p->server, "the server", 0};
	json_t *c = NULL, *s = NULL;
	int ret = one_side(&client, p->client_cpu, &c, e);

	if (!ret)
		ret = one_side(&server, p->server_cpu, &s, e);
	if (!ret) {
		*out = json_pack("{s:i, s:O, s:O}", "ops", OPS, "client", c, "server", s);
	}
	json_decref(c);
	json_decref(s);
	return ret;
}
