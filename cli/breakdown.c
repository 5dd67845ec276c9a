// SPDX-License-Identifier: MIT
/* Where the CPU time went, by samples: in the result, on the terminal, and as folded stacks. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/result.h"
#include "lib/units.h"
#include "measure/classes.h"
#include "measure/metrics.h"

/* What the producer does is no part of the transfer: as CPU time is without it, so are shares. */
static json_t *role_json(const struct cell *c, const char *role)
{
	const json_t *s = json_object_get(c->shares, role), *counts = json_object_get(s, "classes");
	json_int_t production = json_integer_value(json_object_get(counts, class_names[CLASS_PRODUCE]));
	json_int_t n = json_integer_value(json_object_get(s, "samples")) - production;
	json_t *out = json_pack("{s:I, s:I}", "samples", n, "production_samples", production);
	json_t *classes = json_object();
	char metric[64];
	double cpu;

	snprintf(metric, sizeof(metric), "%s_cpu_ns_per_kib", role);
	cpu = summary_value(json_object_get(c->json, "summary"), metric, "median") * (double)c->bs /
	      1024;
	if (isfinite(cpu))
		json_object_set_new(out, "cpu_ns_per_op", json_real(cpu));
	for (int k = 0; k < CLASS_COUNT && n > 0; k++) {
		double share =
			(double)json_integer_value(json_object_get(counts, class_names[k])) / (double)n;
		json_t *class = json_pack("{s:f}", "share", share);

		if (isfinite(cpu))
			json_object_set_new(class, "ns_per_op", json_real(share * cpu));
		json_object_set_new(classes, class_names[k], class);
	}
	json_object_set_new(out, "classes", classes);
	return out;
}

json_t *breakdown_json(const struct cell *c)
{
	json_t *out = json_pack("{s:s, s:s, s:i, s:I}", "source", "sampled", "event",
				sampler_event(c->sampler), "frequency_hz", SAMPLES_HZ, "lost",
				json_integer_value(json_object_get(c->shares, "lost")));

	for (int r = 0; r < ROLE_COUNT; r++)
		json_object_set_new(out, role_names[r], role_json(c, role_names[r]));
	return out;
}

/* Short forms of class_names, for columns. */
static const char *const columns[CLASS_COUNT] = {
	"copy", "checksum", "pinning", "wake-up", "FUSE", "io_uring", "network", "idle", "other",
};

static void print_role(FILE *f, const char *path, const char *role, const json_t *r)
{
	const json_t *classes = json_object_get(r, "classes");
	json_int_t n = json_integer_value(json_object_get(r, "samples"));
	double cpu = json_number_value(json_object_get(r, "cpu_ns_per_op"));
	char text[32];

	fprintf(f, "  %-12s %-7s %9s", path, role, format_time(text, sizeof(text), cpu));
	for (int k = 0; k < CLASS_COUNT; k++) {
		const json_t *c = json_object_get(classes, class_names[k]);
		double ns = json_number_value(json_object_get(c, "ns_per_op"));

		fprintf(f, " %9s", !c || ns <= 0 ? "-" : format_time(text, sizeof(text), ns));
	}
	fprintf(f, "\n  %-12s %-7s %9s", "", "", "");
	for (int k = 0; k < CLASS_COUNT; k++) {
		double share = json_number_value(
			json_object_get(json_object_get(classes, class_names[k]), "share"));

		snprintf(text, sizeof(text), "%.0f %%", 100 * share);
		fprintf(f, " %9s", share > 0 ? text : "");
	}
	fprintf(f, "  of %lld samples%s\n", (long long)n, n < 100 ? ": few" : "");
}

static void print_group(FILE *f, const struct plan *plan, unsigned int first)
{
	const struct cell *c = &plan->cells[first];
	char title[256];

	fprintf(f, "\n%s\n", cell_group_title(c, title, sizeof(title)));
	fprintf(f, "  %-12s %-7s %9s", "path", "role", "CPU / op");
	for (int k = 0; k < CLASS_COUNT; k++)
		fprintf(f, " %9s", columns[k]);
	fputc('\n', f);
	for (unsigned int i = first; i < plan->n; i++) {
		const json_t *b = json_object_get(plan->cells[i].json, "breakdown");

		if (plan->cells[i].skipped || !b || !cell_same_group(&plan->cells[i], c))
			continue;
		for (int r = 0; r < ROLE_COUNT; r++)
			print_role(f, r ? "" : plan->cells[i].path->name, role_names[r],
				   json_object_get(b, role_names[r]));
	}
}

void breakdown_print(FILE *f, const struct plan *plan)
{
	const json_t *b = NULL;

	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *c = &plan->cells[i];
		bool first = !c->skipped && json_object_get(c->json, "breakdown");

		for (unsigned int k = 0; k < i && first; k++)
			first = plan->cells[k].skipped ||
				!json_object_get(plan->cells[k].json, "breakdown") ||
				!cell_same_group(&plan->cells[k], c);
		if (!first)
			continue;
		b = json_object_get(c->json, "breakdown");
		print_group(f, plan, i);
	}
	if (b)
		fprintf(f,
			"\nCPU time of the timed rounds, split by samples of others (%s, %d a second): "
			"shares, not counts.\nWithout the producer's. Few samples: a longer --runtime, "
			"or "
			"more --sampled-rounds. docs/metrics.md says\nwhat each class covers.\n",
			json_string_value(json_object_get(b, "event")), SAMPLES_HZ);
}

/* "copy-write-1m", and what else tells this cell from the others. */
static void flame_name(const struct plan *plan, const struct cell *c, char *name, size_t len)
{
	bool sink = false, source = false, depth = false, clients = false, access = false;
	char bs[32];

	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *o = &plan->cells[i];

		sink |= o->sink != c->sink;
		source |= o->source != c->source;
		depth |= o->depth != c->depth;
		clients |= o->clients != c->clients;
		access |= o->access != c->access;
	}
	snprintf(name, len, "%s-%s-%s", c->path->name, op_names[c->op],
		 format_size(bs, sizeof(bs), c->bs));
	if (sink)
		snprintf(name + strlen(name), len - strlen(name), "-%s", c->sink->name);
	if (source)
		snprintf(name + strlen(name), len - strlen(name), "-%s", c->source->name);
	if (depth)
		snprintf(name + strlen(name), len - strlen(name), "-depth%u", c->depth);
	if (access)
		snprintf(name + strlen(name), len - strlen(name), "-%s", access_names[c->access]);
	if (clients)
		snprintf(name + strlen(name), len - strlen(name), "-clients%u", c->clients);
}

static int write_stacks(const struct cell *c, const char *file, struct err *e)
{
	FILE *f = fopen(file, "we");
	const char *stack;
	json_t *n;

	if (!f)
		return err_sys(e, -errno, "writing %s", file);
	json_object_foreach (c->stacks, stack, n)
		fprintf(f, "%s %lld\n", stack, (long long)json_integer_value(n));
	if (fclose(f))
		return err_sys(e, -errno, "writing %s", file);
	return 0;
}

int breakdown_flames(const struct plan *plan, const char *dir, struct err *e)
{
	char folder[4000], name[256], other[256], file[4400];
	int ret;

	snprintf(folder, sizeof(folder), "%s", dir);
	ret = make_folder(folder, e);
	for (unsigned int i = 0; i < plan->n && !ret; i++) {
		const struct cell *c = &plan->cells[i];
		unsigned int same = 0;

		if (c->skipped || !json_object_size(c->stacks))
			continue;
		flame_name(plan, c, name, sizeof(name));
		for (unsigned int k = 0; k < i; k++) {
			flame_name(plan, &plan->cells[k], other, sizeof(other));
			same += !strcmp(name, other);
		}
		if (same) /* sections of a workload that differ in something else */
			snprintf(name + strlen(name), sizeof(name) - strlen(name), "-%u", same + 1);
		snprintf(file, sizeof(file), "%s/%s.folded", folder, name);
		ret = write_stacks(c, file, e);
	}
	return ret;
}
