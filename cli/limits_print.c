// SPDX-License-Identifier: MIT
/* The limits as tables; see limits_run.h. */
#include <stdio.h>
#include <string.h>

#include "cli/limits_run.h"
#include "lib/units.h"
#include "measure/limits.h"

static double number(const json_t *obj, const char *name)
{
	return json_number_value(json_object_get(obj, name));
}

static const char *level_of(const json_t *b, char *buf, size_t len)
{
	const char *level = json_string_value(json_object_get(b, "level"));

	return level ? level : format_size(buf, len, (uint64_t)number(b, "bytes"));
}

static void print_bandwidth(FILE *f, const json_t *all, const struct limits_pass *p)
{
	bool titled = false;
	const json_t *b;
	size_t i;

	json_array_foreach (all, i, b) {
		char level[32], size[32], rate[32], interval[64];

		if (strcmp(json_string_value(json_object_get(b, "pass")), p->name))
			continue;
		format_size(size, sizeof(size), (uint64_t)number(b, "bytes"));
		format_rate(rate, sizeof(rate), number(b, "median"));
		format_rate_interval(interval, sizeof(interval), number(b, "lo"), number(b, "hi"),
				     number(b, "median"));
		fprintf(f, "  %-10s %-7s %8s  %11s  %s", titled ? "" : p->name,
			level_of(b, level, sizeof(level)), size, rate, interval);
		if (titled)
			fputc('\n', f);
		else
			fprintf(f, "%*s %s\n", 17 - (int)strlen(interval), "", p->help);
		titled = true;
	}
}

static void print_step(FILE *f, const json_t *limits, const struct limits_step *s)
{
	const json_t *v = json_object_get(json_object_get(limits, "latency_ns"), s->name);
	char median[32], lo[32], hi[32], interval[80];

	if (!v)
		return;
	format_time(median, sizeof(median), number(v, "median"));
	snprintf(interval, sizeof(interval), "%s .. %s", format_time(lo, sizeof(lo), number(v, "lo")),
		 format_time(hi, sizeof(hi), number(v, "hi")));
	fprintf(f, "  %-21s %8s  %-20s %s\n", s->name, median, interval, s->help);
}

void limits_print(FILE *f, const json_t *limits)
{
	const json_t *cpus = json_object_get(limits, "cpus"), *server = json_object_get(cpus, "server");
	const json_t *caches = json_object_get(limits, "caches");
	char l1[32], l2[32], llc[32];
	const char *name;
	json_t *missing = json_object_get(limits, "not_measured"), *why;

	fprintf(f, "limits of this machine, CPU %d", (int)number(cpus, "client"));
	if (server)
		fprintf(f, " and CPU %d", (int)json_integer_value(server));
	fprintf(f, ", median of %d rounds and its 95 %% bootstrap interval\n",
		(int)number(limits, "rounds"));
	fprintf(f, "caches of CPU %d: L1 %s, L2 %s, last level %s%s\n\n", (int)number(cpus, "client"),
		format_size(l1, sizeof(l1), (uint64_t)number(caches, "l1")),
		format_size(l2, sizeof(l2), (uint64_t)number(caches, "l2")),
		format_size(llc, sizeof(llc), (uint64_t)number(caches, "llc")),
		json_is_true(json_object_get(caches, "assumed"))
			? " (assumed: sysfs does not describe them, so levels below may be others)"
			: "");
	fprintf(f, "  %-10s %-7s %8s  %11s   interval\n", "pass", "in", "bytes", "bandwidth");
	for (const struct limits_pass *p = limits_passes; p->name; p++)
		print_bandwidth(f, json_object_get(limits, "bandwidth_bytes_per_s"), p);
	fprintf(f, "\n  %-21s %8s   interval\n", "step", "time");
	for (const struct limits_step *s = limits_steps; s->name; s++)
		print_step(f, limits, s);
	json_object_foreach (missing, name, why) {
		fprintf(f, "  %-21s not measured: %s\n", name, json_string_value(why));
	}
}
