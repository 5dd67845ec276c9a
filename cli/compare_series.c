// SPDX-License-Identifier: MIT
/* What there is to compare in a cell: metrics of the table, and what is counted by hop and by route; see
 * compare.h. */
#include <math.h>
#include <string.h>

#include "cli/compare.h"

#define EXACT 0.01 /* as in measure/metrics.c */

const char *const compare_usual_metrics[] = {
	"throughput_bytes_per_s", "latency_p10_ns", "latency_p50_ns",
	"latency_p99_ns",         "cpu_ns_per_kib", NULL,
};

static double num(const json_t *obj, const char *name)
{
	return json_number_value(json_object_get(obj, name));
}

/* Copied bytes at one hop for each payload byte; NAN where that hop was not counted. */
static double copies_at(const json_t *round, const char *hop)
{
	const json_t *h = json_object_get(json_object_get(round, "copied_bytes"), hop);

	return h ? (num(h, "kernel") + num(h, "user")) / num(round, "payload_bytes") : NAN;
}

/* Of the requested bytes, the share that came by one route; NAN where none was requested. */
static double share_of_route(const json_t *round, const char *key)
{
	const json_t *routes = json_object_get(round, "requests"), *route;
	double all = 0, these = 0;
	const char *name;

	json_object_foreach ((json_t *)routes, name, route) {
		all += num(route, "bytes");
		if (!strcmp(name, key))
			these += num(route, "bytes");
	}
	return all > 0 ? these / all : NAN;
}

/* Payload that a forwarding sink handed on by reference, and that stayed so. */
static double sent_by_reference(const json_t *round, const char *key)
{
	const json_t *sent = json_object_get(round, "sent");

	(void)key;
	return sent ? (num(sent, "zero_copy_bytes") - num(sent, "copied_late_bytes")) /
			       num(round, "payload_bytes")
		    : NAN;
}

static double completed(const struct result_cell *c)
{
	return !c->error && json_array_size(c->rounds) > 0;
}

/* NAN where no round says anything about it. */
static double path_ok(const struct result_cell *c)
{
	return json_object_get(c->json, "path_ok") ? c->path_ok : NAN;
}

static bool in(const char *name, const char *const *list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

static bool asked_for(const char *metric, const struct names *names)
{
	for (unsigned int i = 0; i < names->n; i++)
		if (!strcmp(names->v[i], "all") || names_metric(names->v[i], metric))
			return true;
	return false;
}

static bool wanted(const struct metric *m, const struct compare_rules *rules)
{
	unsigned int n = 0;

	if (m->better == BETTER_NEITHER)
		return false;
	if (rules->exact_only)
		return m->exact > 0;
	if (rules->metrics->n)
		return asked_for(m->name, rules->metrics);
	while (compare_usual_metrics[n])
		n++;
	return m->exact > 0 || in(m->name, compare_usual_metrics, n);
}

size_t compare_timed_metrics(const struct compare_rules *rules)
{
	size_t n = 0;

	for (const struct metric *m = metrics; m->name; m++)
		n += wanted(m, rules) && !(m->exact > 0);
	return n;
}

/* The kernel reads ahead of a client that reads through the page cache, as it sees fit: what is counted
 * then is no longer the same in each round. */
static bool counts_vary(const struct result_cell *c)
{
	return !strcmp(c->access, "buffered") && !strcmp(c->op, "read");
}

static void add(struct compared_metric *out, size_t *n, struct compared_metric s)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(out[i].name, s.name))
			return;
	if (*n < COMPARED_MAX)
		out[(*n)++] = s;
}

/* One for each member that the rounds of a cell have in `of`. */
static void add_members(struct compared_metric *out, size_t *n, const struct result_cell *c,
			const char *of, struct compared_metric like)
{
	const json_t *round;
	size_t i;

	json_array_foreach (c->rounds, i, round) {
		const char *name;
		json_t *v;

		json_object_foreach (json_object_get(round, of), name, v) {
			struct compared_metric s = like;

			snprintf(s.name, sizeof(s.name), "%.14s.%.47s", like.name, name);
			snprintf(s.key, sizeof(s.key), "%.47s", name);
			add(out, n, s);
		}
	}
}

#define OF_CELLS 2
static const struct compared_metric of_cells[OF_CELLS] = {
	{"completed", "1", BETTER_HIGHER, EXACT, .of_cell = completed},
	{"path_ok", "1", BETTER_HIGHER, EXACT, .of_cell = path_ok},
};
static const struct compared_metric by_hop = {"copies", "1", BETTER_LOWER, EXACT, .value = copies_at};
static const struct compared_metric by_route = {"route", "1", BETTER_NEITHER, EXACT,
						.value = share_of_route};
static const struct compared_metric sent = {"sent_by_reference", "1", BETTER_HIGHER, EXACT,
					    .value = sent_by_reference};

bool series_named(const char *name, struct compared_metric *out)
{
	for (const struct metric *m = metrics; m->name; m++) {
		if (strcmp(name, m->name) != 0)
			continue;
		*out = (struct compared_metric){
			.unit = m->unit, .better = m->better, .exact = m->exact, .metric = m};
		return true;
	}
	for (size_t i = 0; i < OF_CELLS; i++) {
		*out = of_cells[i];
		if (!strcmp(name, of_cells[i].name))
			return true;
	}
	*out = !strncmp(name, "copies.", 7) ? by_hop : !strncmp(name, "route.", 6) ? by_route : sent;
	return out->better != BETTER_HIGHER || !strcmp(name, sent.name);
}

size_t series_of(const struct result_cell *base, const struct result_cell *now,
		 const struct compare_rules *rules, struct compared_metric *out)
{
	const bool vary = counts_vary(base);
	size_t n = 0;

	for (size_t i = 0; i < OF_CELLS; i++)
		add(out, &n, of_cells[i]);
	for (const struct metric *m = metrics; m->name; m++) {
		struct compared_metric s = {.unit = m->unit, .better = m->better, .metric = m};

		if (!wanted(m, rules))
			continue;
		snprintf(s.name, sizeof(s.name), "%s", m->name);
		s.exact = vary ? 0 : m->exact;
		add(out, &n, s);
	}
	if (vary || (rules->metrics->n && !rules->exact_only))
		return n;
	add_members(out, &n, base, "copied_bytes", by_hop);
	add_members(out, &n, now, "copied_bytes", by_hop);
	/* another path has another route */
	if (!strcmp(base->path, now->path)) {
		add_members(out, &n, base, "requests", by_route);
		add_members(out, &n, now, "requests", by_route);
	}
	add(out, &n, sent);
	return n;
}

size_t series_samples_max(const struct result_cell *c)
{
	size_t timed = json_array_size(c->rounds);
	size_t counted = json_array_size(json_object_get(c->json, "counted_rounds"));

	timed = timed > counted ? timed : counted;
	return timed ? timed : 1;
}

size_t series_samples(const struct compared_metric *s, const struct result_cell *c, double *values)
{
	size_t n = json_array_size(c->rounds);

	if (s->of_cell) {
		values[0] = s->of_cell(c);
		return 1;
	}
	if (s->metric)
		return result_cell_samples(c, s->metric, values);
	for (size_t i = 0; i < n; i++)
		values[i] = s->value(json_array_get(c->rounds, i), s->key);
	return n;
}
