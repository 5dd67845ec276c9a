// SPDX-License-Identifier: MIT
/* The result as a table for people and as CSV; see result.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/result.h"
#include "lib/units.h"
#include "measure/metrics.h"

static const json_t *summary_of(const struct cell *c)
{
	return json_object_get(c->json, "summary");
}

static double median(const struct cell *c, const char *metric)
{
	return summary_value(summary_of(c), metric, "median");
}

/* Best means: no other cell of the group is faster with certainty. All whose interval reaches the best
 * median's interval share the mark: the data does not tell them apart. */
static bool is_best(const struct plan *plan, const struct cell *c)
{
	double hi = summary_value(summary_of(c), "throughput_bytes_per_s", "hi");

	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *other = &plan->cells[i];

		if (other == c || other->skipped || !cell_same_group(other, c))
			continue;
		if (summary_value(summary_of(other), "throughput_bytes_per_s", "lo") > hi)
			return false;
	}
	return isfinite(hi);
}

static const char *const access_labels[] = {
	[ACCESS_DIRECT] = "", [ACCESS_BUFFERED] = " (buffered)", [ACCESS_MMAP] = " (mmap)"};

/* How the payload of a source on a memfd moves. */
static bool memfd_below(const struct cell *c)
{
	return c->source->on_memfd && !strcmp(c->config.via, "memfd");
}

/* Of a foreign driver; else nothing. */
static const char *engine_of(const struct cell *c)
{
	const struct driver_wants wants = cell_wants(c);

	return c->driver->engine ? c->driver->engine(&wants) : "";
}

/* `blocks` is "64k blocks, ", or nothing. */
static const char *title(const struct cell *c, const char *blocks, char *buf, size_t len)
{
	const char *engine = engine_of(c);

	snprintf(buf, len, "%s%s, sink %s, %ssource %s%s, depth %u, %u client%s, pin %s%s%s%s%s%s",
		 op_names[c->op], access_labels[c->access], c->sink->name, blocks, c->source->name,
		 memfd_below(c) ? " via memfd" : "", c->depth, c->clients, c->clients == 1 ? "" : "s",
		 c->config.pin, *engine ? ", driver " : "", *engine ? c->driver->name : "",
		 *engine ? " with " : "", engine,
		 strcmp(c->config.registers, "each") ? "" : ", registered each time");
	return buf;
}

const char *cell_group_title(const struct cell *c, char *buf, size_t len)
{
	char bs[32], blocks[50];

	snprintf(blocks, sizeof(blocks), "%s blocks, ", format_size(bs, sizeof(bs), c->bs));
	return title(c, blocks, buf, len);
}

const char *cell_sweep_title(const struct cell *c, char *buf, size_t len)
{
	return title(c, "", buf, len);
}

/* The column of copies is there if any cell has them; others give it room. */
struct layout {
	enum { NO_COPIES, COPIES, COPY_SHARE } copies;
	int interval, time;
};

#define FEW_SAMPLES 100

/* The part of the CPU time of client and server that went into moving payload, by samples; NAN without
 * enough of them. */
static double copy_share(const struct cell *c)
{
	const json_t *b = json_object_get(c->json, "breakdown");
	static const char *const roles[] = {"client", "server"};
	double copy = 0, all = 0;
	json_int_t n = 0;

	for (int i = 0; i < 2; i++) {
		const json_t *r = json_object_get(b, roles[i]);
		double cpu = json_number_value(json_object_get(r, "cpu_ns_per_op"));
		const json_t *class = json_object_get(json_object_get(r, "classes"), "copy");

		n += json_integer_value(json_object_get(r, "samples"));
		copy += cpu * json_number_value(json_object_get(class, "share"));
		all += cpu;
	}
	return n >= FEW_SAMPLES && all > 0 ? copy / all : NAN;
}

static struct layout layout_of(const struct plan *plan)
{
	for (unsigned int i = 0; i < plan->n; i++)
		if (!plan->cells[i].skipped && isfinite(median(&plan->cells[i], "copy_factor")))
			return (struct layout){COPIES, 15, 7};
	for (unsigned int i = 0; i < plan->n; i++)
		if (!plan->cells[i].skipped && json_object_get(plan->cells[i].json, "breakdown"))
			return (struct layout){COPY_SHARE, 15, 7};
	return (struct layout){NO_COPIES, 17, 8};
}

/* "1.00/1.00 ": measured and expected, as wide as its title. */
static const char *copies_text(const struct cell *c, const struct layout *l, char *text, size_t len)
{
	const json_t *x = json_object_get(json_object_get(c->json, "expected"), "copy_factor");
	double measured = median(c, "copy_factor");
	char a[16] = "-", b[16] = "?";

	if (isfinite(measured))
		snprintf(a, sizeof(a), "%.2f", measured);
	if (x)
		snprintf(b, sizeof(b), "%.2f", json_number_value(x));
	if (l->copies == COPIES) {
		snprintf(text, len, "%5s/%-4s ", a, b);
	} else if (l->copies == COPY_SHARE && isfinite(copy_share(c))) {
		snprintf(a, sizeof(a), "~%.0f%%", 100 * copy_share(c));
		snprintf(text, len, "%9s  ", a);
	} else {
		snprintf(text, len, "%s", l->copies ? "      few  " : "");
	}
	return text;
}

static void print_group(FILE *f, const struct layout *l, const struct cell *c)
{
	const char *copies = l->copies == COPIES ? "   copies " : l->copies ? "  copying  " : "";
	char title[256];

	fprintf(f, "\n%s\n", cell_group_title(c, title, sizeof(title)));
	fprintf(f, "    %-12s %11s  %-*s %9s %*s %*s %15s %s %-8s %s\n", "path", "throughput",
		l->interval, "interval", "of limit", l->time, "p50", l->time, "p99", "client + server",
		copies, "verified", "path");
	fprintf(f, "    %-12s %11s  %-*s %9s %*s %*s %15s\n", "", "", l->interval, "", "", l->time, "",
		l->time, "", "CPU ns/KiB");
}

/* "62% copy": how much of what the machine's limits allow, and which of them takes the most of it. */
static const char *format_limit(char *buf, size_t len, const struct cell *c)
{
	const char *binds =
		json_string_value(json_object_get(json_object_get(c->json, "limit"), "binds"));
	double share = median(c, "limit_share");

	buf[0] = '\0';
	if (binds && isfinite(share))
		snprintf(buf, len, "%.*f%% %s", share < 0.01 ? 1 : 0, 100 * share,
			 strcmp(binds, "round_trip") ? binds : "trip");
	return buf;
}

static void print_cell(FILE *f, const struct plan *plan, const struct layout *l, const struct cell *c)
{
	char rate[32], interval[64], limit[32], p50[32], p99[32], cpu[64], copies[40];
	double median_rate = median(c, "throughput_bytes_per_s");
	const json_t *s = summary_of(c);
	const char *error = json_string_value(json_object_get(c->json, "error"));
	const char *note =
		json_string_value(json_object_get(json_object_get(c->json, "evidence"), "note"));
	const char *problem = json_string_value(json_object_get(c->json, "path_problem"));

	if (!isfinite(median_rate)) {
		fprintf(f, "    %-12s %s\n", c->path->name, error ? error : "not measured");
		return;
	}
	format_rate(rate, sizeof(rate), median_rate);
	format_rate_interval(interval, sizeof(interval),
			     summary_value(s, "throughput_bytes_per_s", "lo"),
			     summary_value(s, "throughput_bytes_per_s", "hi"), median_rate);
	format_time(p50, sizeof(p50), median(c, "latency_p50_ns"));
	format_time(p99, sizeof(p99), median(c, "latency_p99_ns"));
	snprintf(cpu, sizeof(cpu), "%.0f + %.0f", median(c, "client_cpu_ns_per_kib"),
		 median(c, "server_cpu_ns_per_kib"));
	fprintf(f, "  %c %-12s %11s  %-*s %9s %*s %*s %15s %s %-8s %s\n", is_best(plan, c) ? '*' : ' ',
		c->path->name, rate, l->interval, interval, format_limit(limit, sizeof(limit), c),
		l->time, p50, l->time, p99, cpu, copies_text(c, l, copies, sizeof(copies)),
		json_is_true(json_object_get(c->json, "verified")) ? "yes" : "NO",
		json_is_true(json_object_get(c->json, "path_ok")) ? "ok" : "NOT AS CLAIMED");
	if (problem)
		fprintf(f, "      ^ %s\n", problem);
	if (note)
		fprintf(f, "      ^ %s\n", note);
	if (error)
		fprintf(f, "      ^ %s\n", error);
}

static bool same_reason(const struct cell *a, const struct cell *b)
{
	return a->path == b->path && a->skipped && b->skipped && !strcmp(a->skipped, b->skipped);
}

/* " sink read, file:", or nothing where the reason holds for all cells of the path. */
static void print_sinks(FILE *f, const struct plan *plan, const struct cell *c)
{
	const char *before = " sink ";
	bool all = true;

	for (unsigned int i = 0; i < plan->n; i++)
		all &= plan->cells[i].path != c->path || same_reason(&plan->cells[i], c);
	for (const struct sink_ops *const *s = sinks; *s && !all; s++) {
		bool has = false;

		for (unsigned int i = 0; i < plan->n; i++)
			has |= plan->cells[i].sink == *s && same_reason(&plan->cells[i], c);
		if (has)
			fprintf(f, "%s%s", before, (*s)->name);
		if (has)
			before = ", ";
	}
	fprintf(f, "%s", all ? "" : ":");
}

/* One line for each path and reason. */
static void print_skipped(FILE *f, const struct plan *plan)
{
	bool titled = false;

	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *c = &plan->cells[i];
		bool said = !c->skipped;

		for (unsigned int k = 0; k < i && !said; k++)
			said = same_reason(&plan->cells[k], c);
		if (said)
			continue;
		if (!titled)
			fprintf(f, "\nleft out:\n");
		titled = true;
		fprintf(f, "    %-12s", c->path->name);
		print_sinks(f, plan, c);
		fprintf(f, " %s\n", c->skipped);
	}
}

void table_print(FILE *f, const struct plan *plan)
{
	const struct layout layout = layout_of(plan);

	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *c = &plan->cells[i];
		bool first = !c->skipped;

		for (unsigned int k = 0; k < i && first; k++)
			first = plan->cells[k].skipped || !cell_same_group(&plan->cells[k], c);
		if (!first)
			continue;
		print_group(f, &layout, c);
		for (unsigned int k = i; k < plan->n; k++)
			if (!plan->cells[k].skipped && cell_same_group(&plan->cells[k], c))
				print_cell(f, plan, &layout, &plan->cells[k]);
		table_clients(f, plan, c);
		table_pollution(f, plan, c);
	}
	print_skipped(f, plan);
	if (layout.copies == COPY_SHARE)
		fprintf(f,
			"\ncopying: part of the CPU time of client and server, by samples (few: below "
			"%d); the "
			"kernel\nrefuses to count the bytes",
			FEW_SAMPLES);
	if (layout.copies == COPIES)
		fprintf(f,
			"\ncopies: how often each byte was copied / should be, by what path, sink and "
			"source declare");
	fprintf(f, "\n* best throughput of its group (several: the intervals do not tell them apart)\n"
		   "median over rounds, and its 95 %% bootstrap interval (up to 5 rounds: lowest to "
		   "highest)\n"
		   "of limit: throughput as a share of what this machine's limits allow, and what takes "
		   "most of that:\n"
		   "the round trip, the copies, or the sink's pass over the data (docs/metrics.md, "
		   "limit_share)\n");
}

void csv_print(FILE *f, const struct plan *plan)
{
	fprintf(f, "path,source,via,sink,op,bs,depth,clients,access,pin,produce,register,pattern,driver,"
		   "engine,"
		   "rounds,"
		   "verified,path_ok");
	for (const struct metric *m = metrics; m->name; m++)
		fprintf(f, ",%s,%s_lo,%s_hi", m->name, m->name, m->name);
	fputc('\n', f);
	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *c = &plan->cells[i];

		if (c->skipped)
			continue;
		fprintf(f, "%s,%s,%s,%s,%s,%llu,%u,%u,%s,%s,%s,%s,%s,%s,%s,%zu,%s,%s", c->path->name,
			c->source->name, c->source->on_memfd ? c->config.via : "", c->sink->name,
			op_names[c->op], (unsigned long long)c->bs, c->depth, c->clients,
			access_names[c->access], c->config.pin, c->config.produce, c->config.registers,
			c->config.pattern, c->driver->name, engine_of(c),
			json_array_size(json_object_get(c->json, "rounds")),
			json_is_true(json_object_get(c->json, "verified")) ? "true" : "false",
			json_is_true(json_object_get(c->json, "path_ok")) ? "true" : "false");
		for (const struct metric *m = metrics; m->name; m++) {
			static const char *const which[] = {"median", "lo", "hi"};

			for (int k = 0; k < 3; k++) {
				double v = summary_value(summary_of(c), m->name, which[k]);

				/* absent is an empty field, never zero */
				if (isfinite(v))
					fprintf(f, ",%.10g", v);
				else
					fputc(',', f);
			}
		}
		fputc('\n', f);
	}
}
