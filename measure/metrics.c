// SPDX-License-Identifier: MIT
/* The table of metrics; see metrics.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/metrics.h"
#include "measure/stats.h"

static double num(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static double sub(const json_t *obj, const char *a, const char *b)
{
	return num(json_object_get(obj, a), b);
}

static double sub2(const json_t *obj, const char *a, const char *b, const char *c)
{
	return num(json_object_get(json_object_get(obj, a), b), c);
}

static double kib(const json_t *r)
{
	return num(r, "payload_bytes") / 1024;
}

static double throughput(const json_t *r)
{
	return num(r, "throughput_bytes_per_s");
}

static double p10(const json_t *r)
{
	return sub(r, "latency_ns", "p10");
}

static double p50(const json_t *r)
{
	return sub(r, "latency_ns", "p50");
}

static double p90(const json_t *r)
{
	return sub(r, "latency_ns", "p90");
}

static double p99(const json_t *r)
{
	return sub(r, "latency_ns", "p99");
}

static double p999(const json_t *r)
{
	return sub(r, "latency_ns", "p999");
}

static double max(const json_t *r)
{
	return sub(r, "latency_ns", "max");
}

static double cpu(const json_t *r, const char *role)
{
	return (sub2(r, "cpu_ns", role, "user") + sub2(r, "cpu_ns", role, "kernel")) / kib(r);
}

static double client_cpu(const json_t *r)
{
	return cpu(r, "client");
}

static double server_cpu(const json_t *r)
{
	return cpu(r, "server");
}

static double both_cpu(const json_t *r)
{
	return cpu(r, "client") + cpu(r, "server");
}

static double system_cpu(const json_t *r)
{
	return sub(r, "cpu_ns", "system") / kib(r);
}

/* Of the machine's CPU time in the round, how much a hypervisor took away. */
static double stolen(const json_t *r)
{
	return num(r, "stolen_ns") / (num(r, "stolen_ns") + sub(r, "cpu_ns", "system"));
}

static double switches(const json_t *r)
{
	double n = 0;

	n += sub2(r, "context_switches", "client", "voluntary");
	n += sub2(r, "context_switches", "client", "involuntary");
	n += sub2(r, "context_switches", "server", "voluntary");
	n += sub2(r, "context_switches", "server", "involuntary");
	return n / num(r, "ops");
}

static double faults(const json_t *r)
{
	double n = 0;

	n += sub2(r, "page_faults", "client", "minor") + sub2(r, "page_faults", "client", "major");
	n += sub2(r, "page_faults", "server", "minor") + sub2(r, "page_faults", "server", "major");
	return n / num(r, "ops");
}

static double limit_share(const json_t *r)
{
	return num(r, "limit_share");
}

static double user_copies(const json_t *r)
{
	double n = sub2(r, "copied_bytes", "client_user", "user") +
		   sub2(r, "copied_bytes", "server_user", "user");

	return n / num(r, "payload_bytes");
}

/* All hops; NAN where those in the kernel were not counted. */
static double copies(const json_t *r)
{
	double n = sub2(r, "copied_bytes", "client_syscall", "kernel") +
		   sub2(r, "copied_bytes", "fuse", "kernel") + sub2(r, "copied_bytes", "sink", "kernel");

	return n / num(r, "payload_bytes") + user_copies(r);
}

/* What a batch of operations did to the time that a line of a working set takes. */
static double pollution(const json_t *r, const char *role, const char *set)
{
	const json_t *p = json_object_get(json_object_get(r, "pollution"), role);

	return sub(p, set, "after_ns_per_line") - sub(p, set, "before_ns_per_line");
}

static double client_l2(const json_t *r)
{
	return pollution(r, "client", "l2");
}

static double client_llc(const json_t *r)
{
	return pollution(r, "client", "llc");
}

static double server_l2(const json_t *r)
{
	return pollution(r, "server", "l2");
}

static double server_llc(const json_t *r)
{
	return pollution(r, "server", "llc");
}

static double produce(const json_t *r)
{
	return num(r, "produce_ns") / num(r, "ops");
}

static double setup(const json_t *r)
{
	return num(r, "setup_ns");
}

/* Without what every path pays: the client's own memory. */
static double path_setup(const json_t *r)
{
	return setup(r) - sub(r, "setup", "source_ns");
}

static double register_per_mib(const json_t *r)
{
	return sub(r, "setup", "register_ns") / (sub(r, "setup", "registered_bytes") / (1 << 20));
}

static double server_setup(const json_t *r)
{
	return num(r, "server_setup_ns");
}

/* What the slowest client moved in a second, as a share of their mean. */
static double fairness(const json_t *r)
{
	const json_t *clients = json_object_get(r, "clients"), *c;
	double sum = 0, least = HUGE_VAL;
	size_t i;

	if (!clients)
		return NAN;
	json_array_foreach (clients, i, c) {
		const double rate = num(c, "payload_bytes") / num(c, "wall_ns");

		sum += rate;
		least = fmin(least, rate);
	}
	return least * (double)json_array_size(clients) / sum;
}

static double server_memory(const json_t *r)
{
	return sub(r, "memory_bytes", "server");
}

static double client_memory(const json_t *r)
{
	return sub(r, "memory_bytes", "client");
}

/* One role's count of an event, user and kernel. Where only one of them could be counted: none. */
static double counted(const json_t *r, const char *role, const char *event)
{
	const json_t *ev = json_object_get(json_object_get(json_object_get(r, "counters"), role), event);

	return json_object_get(ev, "total") ? num(ev, "total") : num(ev, "user") + num(ev, "kernel");
}

/* Client and server. */
static double events(const json_t *r, const char *event)
{
	return counted(r, "client", event) + counted(r, "server", event);
}

/* For each event its two metrics. */
#define COUNTED(name, event)                                                                            \
	static double name##_per_op(const json_t *r)                                                    \
	{                                                                                               \
		return events(r, event) / num(r, "ops");                                                \
	}                                                                                               \
	static double name##_per_kib(const json_t *r)                                                   \
	{                                                                                               \
		return events(r, event) / kib(r);                                                       \
	}
COUNTED(cycles, "cycles")
COUNTED(instructions, "instructions")
COUNTED(cache_references, "cache-references")
COUNTED(cache_misses, "cache-misses")
COUNTED(llc_load_misses, "LLC-LOAD-MISSES")
COUNTED(l1d_load_misses, "L1-DCACHE-LOAD-MISSES")
COUNTED(dtlb_load_misses, "dTLB-load-misses")

static double migrations_per_op(const json_t *r)
{
	return events(r, "cpu-migrations") / num(r, "ops");
}

/* Data requests that reached the server, on all routes. */
static double requests(const json_t *r)
{
	const json_t *routes = json_object_get(r, "requests"), *route;
	const char *name;
	double n = 0;

	if (!routes)
		return NAN;
	json_object_foreach ((json_t *)routes, name, route)
		n += num(route, "requests");
	return n / num(r, "ops");
}

/* Less than one operation in a hundred: a round may end within one. */
#define EXACT 0.01

const struct metric metrics[] = {
	{"throughput_bytes_per_s", "bytes/s", BETTER_HIGHER, throughput},
	{"limit_share", "1", BETTER_HIGHER, limit_share},
	{"latency_p10_ns", "ns", BETTER_LOWER, p10},
	{"latency_p50_ns", "ns", BETTER_LOWER, p50},
	{"latency_p90_ns", "ns", BETTER_LOWER, p90},
	{"latency_p99_ns", "ns", BETTER_LOWER, p99},
	{"latency_p999_ns", "ns", BETTER_LOWER, p999},
	{"latency_max_ns", "ns", BETTER_LOWER, max},
	{"cpu_ns_per_kib", "ns/KiB", BETTER_LOWER, both_cpu},
	{"client_cpu_ns_per_kib", "ns/KiB", BETTER_LOWER, client_cpu},
	{"server_cpu_ns_per_kib", "ns/KiB", BETTER_LOWER, server_cpu},
	{"system_cpu_ns_per_kib", "ns/KiB", BETTER_LOWER, system_cpu},
	{"stolen_share", "1", BETTER_NEITHER, stolen},
	{"context_switches_per_op", "1/op", BETTER_LOWER, switches},
	{"page_faults_per_op", "1/op", BETTER_LOWER, faults},
	{"requests_per_op", "1/op", BETTER_LOWER, requests, .exact = EXACT},
	{"copy_factor", "1", BETTER_LOWER, copies, .exact = EXACT},
	{"declared_copy_factor", "1", BETTER_LOWER, user_copies, .exact = EXACT},
	{"client_l2_pollution_ns_per_line", "ns/line", BETTER_LOWER, client_l2},
	{"client_llc_pollution_ns_per_line", "ns/line", BETTER_LOWER, client_llc},
	{"server_l2_pollution_ns_per_line", "ns/line", BETTER_LOWER, server_l2},
	{"server_llc_pollution_ns_per_line", "ns/line", BETTER_LOWER, server_llc},
	{"produce_ns_per_op", "ns/op", BETTER_NEITHER, produce},
	{"setup_ns", "ns", BETTER_LOWER, setup},
	{"path_setup_ns", "ns", BETTER_LOWER, path_setup},
	{"register_ns_per_mib", "ns/MiB", BETTER_LOWER, register_per_mib},
	{"server_setup_ns", "ns", BETTER_LOWER, server_setup},
	{"fairness", "1", BETTER_HIGHER, fairness},
	{"server_memory_bytes", "bytes", BETTER_LOWER, server_memory},
	{"client_memory_bytes", "bytes", BETTER_LOWER, client_memory},
	{"cycles_per_op", "1/op", BETTER_LOWER, cycles_per_op, true},
	{"cycles_per_kib", "1/KiB", BETTER_LOWER, cycles_per_kib, true},
	{"instructions_per_op", "1/op", BETTER_LOWER, instructions_per_op, true},
	{"instructions_per_kib", "1/KiB", BETTER_LOWER, instructions_per_kib, true},
	{"cache_references_per_op", "1/op", BETTER_LOWER, cache_references_per_op, true},
	{"cache_references_per_kib", "1/KiB", BETTER_LOWER, cache_references_per_kib, true},
	{"cache_misses_per_op", "1/op", BETTER_LOWER, cache_misses_per_op, true},
	{"cache_misses_per_kib", "1/KiB", BETTER_LOWER, cache_misses_per_kib, true},
	{"llc_load_misses_per_op", "1/op", BETTER_LOWER, llc_load_misses_per_op, true},
	{"llc_load_misses_per_kib", "1/KiB", BETTER_LOWER, llc_load_misses_per_kib, true},
	{"l1d_load_misses_per_op", "1/op", BETTER_LOWER, l1d_load_misses_per_op, true},
	{"l1d_load_misses_per_kib", "1/KiB", BETTER_LOWER, l1d_load_misses_per_kib, true},
	{"dtlb_load_misses_per_op", "1/op", BETTER_LOWER, dtlb_load_misses_per_op, true},
	{"dtlb_load_misses_per_kib", "1/KiB", BETTER_LOWER, dtlb_load_misses_per_kib, true},
	{"cpu_migrations_per_op", "1/op", BETTER_LOWER, migrations_per_op, true},
	{0},
};

const struct metric *metric_find(const char *name)
{
	for (const struct metric *m = metrics; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

/* The metric over the rounds that have it; NULL if none has. */
static json_t *summarise(const struct metric *m, const json_t *rounds)
{
	size_t n = json_array_size(rounds), k = 0;
	double *values = malloc((n ? n : 1) * sizeof(*values));
	struct summary s;

	if (!values)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		values[k] = m->value(json_array_get(rounds, i));
		k += isfinite(values[k]);
	}
	if (k)
		s = stats_summarise(values, k);
	free(values);
	return k ? json_pack("{s:f, s:f, s:f}", "median", s.median, "lo", s.lo, "hi", s.hi) : NULL;
}

json_t *metrics_summarise(const json_t *rounds, const json_t *counted_rounds)
{
	json_t *out = json_object();

	for (const struct metric *m = metrics; m->name; m++) {
		json_t *s = summarise(m, m->counted ? counted_rounds : rounds);

		if (s)
			json_object_set_new(out, m->name, s);
	}
	return out;
}

double summary_value(const json_t *summary, const char *metric, const char *which)
{
	return sub(summary, metric, which);
}
