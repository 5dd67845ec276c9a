// SPDX-License-Identifier: MIT
/* What the processes of a round answered, as the round's object for the result; see round_json.h. */
#include <errno.h>
#include <string.h>

#include "cli/round_json.h"
#include "measure/memory.h"

static uint64_t integer(const json_t *obj, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(obj, name));
}

/* What the server counted during the round: `after` minus `before`, for one op. */
json_t *round_route_diff(const json_t *before, const json_t *after)
{
	json_t *out = json_object(), *a;
	const char *route;

	json_object_foreach ((json_t *)after, route, a) {
		const json_t *b = json_object_get(before, route);
		uint64_t requests = integer(a, "requests") - integer(b, "requests");
		uint64_t bytes = integer(a, "bytes") - integer(b, "bytes");

		if (requests)
			json_object_set_new(out, route,
					    json_pack("{s:I, s:I}", "requests", (json_int_t)requests,
						      "bytes", (json_int_t)bytes));
	}
	return out;
}

/* Takes ns off *from, and what it does not cover off *next. */
static void take(uint64_t ns, uint64_t *from, uint64_t *next)
{
	const uint64_t rest = ns > *from ? ns - *from : 0;

	*from -= ns - rest;
	*next -= rest < *next ? rest : *next;
}

static json_t *role(const struct usage *u, uint64_t not_ours_ns, uint64_t not_ours_kernel_ns)
{
	uint64_t user = u->user_ns, kernel = u->kernel_ns;

	/* Production is user time on the client's own thread, and emptying a cache is kernel time, but the
	 * split between the two is sampled, and only their sum is exact: what one does not cover was booked
	 * as the other. */
	take(not_ours_ns, &user, &kernel);
	take(not_ours_kernel_ns, &kernel, &user);
	return json_pack("{s:I, s:I}", "user", (json_int_t)user, "kernel", (json_int_t)kernel);
}

static json_t *switches(const struct usage *u)
{
	return json_pack("{s:I, s:I}", "voluntary", (json_int_t)u->voluntary_switches, "involuntary",
			 (json_int_t)u->involuntary_switches);
}

static json_t *faults(const struct usage *u)
{
	return json_pack("{s:I, s:I}", "minor", (json_int_t)u->minor_faults, "major",
			 (json_int_t)u->major_faults);
}

static json_t *latency_json(const struct hist *h)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:f}", "p10", hist_quantile(h, 0.1), "p50",
			 hist_quantile(h, 0.5), "p90", hist_quantile(h, 0.9), "p99",
			 hist_quantile(h, 0.99), "p999", hist_quantile(h, 0.999), "max",
			 (json_int_t)h->max, "min", (json_int_t)(h->total ? h->min : 0), "mean",
			 h->total ? (double)h->sum / (double)h->total : 0.0);
}

/* The time by which a client's payload is divided. One alone: in which it had operations in flight. Of several:
 * all of its time but the CPU time of what is no transfer. They may share a CPU, and one that lost it while it
 * produced was kept waiting by the others: rates without that time would add up to more than ever moved. */
static uint64_t transfer_ns(const json_t *client, bool alone)
{
	const uint64_t flight = integer(client, "elapsed_ns"), wall = integer(client, "wall_ns");
	const uint64_t apart = integer(client, "produce_cpu_ns") + integer(client, "drop_cpu_ns");

	return alone || wall < apart || wall - apart < flight ? flight : wall - apart;
}

int round_sum_clients(const json_t *results, struct round_totals *t, struct err *e)
{
	memset(t, 0, sizeof(*t));
	hist_init(&t->latency);
	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *c = json_array_get(results, i);
		const uint64_t ns = transfer_ns(c, json_array_size(results) == 1);
		static struct hist h;
		struct usage u;

		if (hist_from_json(&h, json_object_get(c, "latency")))
			return err_set(e, -EPROTO, "a client's histogram makes no sense");
		hist_merge(&t->latency, &h);
		usage_from_json(&u, json_object_get(c, "usage"));
		usage_add(&t->usage, &u);
		t->no_switches |= !json_object_get(json_object_get(c, "usage"), "voluntary_switches");
		t->drop_cpu_ns += integer(c, "drop_cpu_ns");
		t->ops += integer(c, "ops");
		t->payload += integer(c, "payload_bytes");
		t->produce_ns += integer(c, "produce_ns");
		t->produce_cpu_ns += integer(c, "produce_cpu_ns");
		t->copied += integer(c, "copied_bytes");
		t->passes += integer(c, "passes");
		if (integer(c, "wall_ns") > t->wall_ns)
			t->wall_ns = integer(c, "wall_ns");
		if (ns)
			t->rate += (double)integer(c, "payload_bytes") * 1e9 / (double)ns;
	}
	if (!t->ops || t->rate <= 0)
		return err_set(e, -EIO, "no operation completed");
	return 0;
}

/* What each client did, where there are several: fairness can be computed from it. */
static json_t *each_client(const json_t *results)
{
	json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *c = json_array_get(results, i);

		json_array_append_new(out,
				      json_pack("{s:O, s:O, s:I, s:O}", "ops", json_object_get(c, "ops"),
						"payload_bytes", json_object_get(c, "payload_bytes"),
						"elapsed_ns", (json_int_t)transfer_ns(c, false),
						"wall_ns", json_object_get(c, "wall_ns")));
	}
	return out;
}

json_t *round_memory(pid_t server, const struct child *clients, unsigned int n)
{
	uint64_t bytes, sum = 0;
	unsigned int known = 0;
	json_t *j = json_object();

	if (!memory_pss(server, &bytes))
		json_object_set_new(j, "server", json_integer((json_int_t)bytes));
	for (unsigned int i = 0; i < n; i++)
		if (!memory_pss(clients[i].pid, &bytes)) {
			sum += bytes;
			known++;
		}
	if (n && known == n)
		json_object_set_new(j, "client", json_integer((json_int_t)(sum / n)));
	return j;
}

/* What a forwarding sink did by reference. */
static json_t *sent_diff(const json_t *before, const json_t *after)
{
	json_t *out = json_object(), *v;
	const char *name;

	json_object_foreach ((json_t *)after, name, v)
		json_object_set_new(
			out, name,
			json_integer((json_int_t)(integer(after, name) - integer(before, name))));
	return out;
}

json_t *round_json(const struct round_totals *t, const json_t *before, const json_t *after,
		   const struct system_usage *sys, const struct ledger_counts *kernel, json_t *routes,
		   const json_t *results)
{
	struct usage a, b, server;
	json_t *j, *histogram;

	usage_from_json(&a, json_object_get(before, "usage"));
	usage_from_json(&b, json_object_get(after, "usage"));
	usage_diff(&server, &a, &b);
	j = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "payload_bytes",
		      (json_int_t)t->payload, "ops", (json_int_t)t->ops, "elapsed_ns",
		      (json_int_t)((double)t->payload * 1e9 / t->rate), "wall_ns",
		      (json_int_t)t->wall_ns, "produce_ns", (json_int_t)t->produce_ns, "produce_cpu_ns",
		      (json_int_t)t->produce_cpu_ns, "throughput_bytes_per_s", t->rate, "latency_ns",
		      latency_json(&t->latency));
	json_object_set_new(j, "cpu_ns",
			    json_pack("{s:o, s:o}", "client",
				      role(&t->usage, t->produce_cpu_ns, t->drop_cpu_ns), "server",
				      role(&server, 0, 0)));
	if (t->passes)
		json_object_set_new(j, "drop_cpu_ns", json_integer((json_int_t)t->drop_cpu_ns));
	if (sys) {
		json_object_set_new(json_object_get(j, "cpu_ns"), "system",
				    json_integer((json_int_t)sys->busy_ns));
		json_object_set_new(j, "stolen_ns", json_integer((json_int_t)sys->stolen_ns));
	}
	json_object_set_new(j, "context_switches", json_pack("{s:o}", "server", switches(&server)));
	if (!t->no_switches)
		json_object_set_new(json_object_get(j, "context_switches"), "client",
				    switches(&t->usage));
	json_object_set_new(
		j, "page_faults",
		json_pack("{s:o, s:o}", "client", faults(&t->usage), "server", faults(&server)));
	json_object_set_new(j, "requests", routes);
	json_object_set_new(j, "largest_request",
			    json_integer((json_int_t)integer(after, "largest_request")));
	if (kernel && kernel->missed)
		json_object_set_new(j, "missed_copy_calls", json_integer((json_int_t)kernel->missed));
	if (kernel && ledger_missed_share(kernel) > LEDGER_MISSED_MAX)
		kernel = NULL;
	json_object_set_new(j, "copied_bytes",
			    ledger_hops_json(kernel, t->copied,
					     integer(after, "user_copied_bytes") -
						     integer(before, "user_copied_bytes")));
	if (kernel)
		json_object_set_new(j, "copy_functions", ledger_functions_json(kernel));
	if (json_object_get(after, "sent"))
		json_object_set_new(
			j, "sent",
			sent_diff(json_object_get(before, "sent"), json_object_get(after, "sent")));
	if (json_array_size(results) > 1)
		json_object_set_new(j, "clients", each_client(results));
	histogram = hist_to_json(&t->latency);
	json_object_set(j, "latency_histogram", json_object_get(histogram, "buckets"));
	json_decref(histogram);
	return j;
}
