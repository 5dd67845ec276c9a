// SPDX-License-Identifier: MIT
/* What --pollution found, below the cells of a group; see result.h. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/result.h"
#include "measure/pollution.h"
#include "measure/stats.h"

static const char *const roles[] = {"client", "server"};

/* The median over the rounds of a cell of one member of a set; false if no round has it. */
static bool median_of(const struct cell *c, const char *role, const char *set, const char *member,
		      double *median)
{
	const json_t *rounds = json_object_get(c->json, "rounds"), *round;
	double *values = malloc((json_array_size(rounds) + 1) * sizeof(*values));
	size_t i, n = 0;

	json_array_foreach (rounds, i, round) {
		const json_t *p = json_object_get(json_object_get(round, "pollution"), role);
		const json_t *v = json_object_get(json_object_get(p, set), member);

		if (values && v)
			values[n++] = json_number_value(v);
	}
	if (n)
		*median = stats_median(values, n);
	free(values);
	return n > 0;
}

static void print_set(FILE *f, const struct cell *c, const char *role, const char *set)
{
	double before, after;
	char text[32];

	if (median_of(c, role, set, "before_ns_per_line", &before) &&
	    median_of(c, role, set, "after_ns_per_line", &after))
		snprintf(text, sizeof(text), "%.1f -> %.1f", before, after);
	else
		snprintf(text, sizeof(text), "-");
	fprintf(f, " %15s", text);
}

/* Why a set is missing, from the first round that says so. */
static const char *reason(const struct plan *plan, const struct cell *first, const char *set)
{
	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *c = &plan->cells[i];
		const json_t *rounds = json_object_get(c->json, "rounds"), *round;
		size_t k;

		if (c->skipped || !cell_same_group(c, first))
			continue;
		json_array_foreach (rounds, k, round)
			for (int r = 0; r < 2; r++) {
				const json_t *p =
					json_object_get(json_object_get(round, "pollution"), roles[r]);
				const char *why = json_string_value(
					json_object_get(json_object_get(p, "not_measured"), set));

				if (why)
					return why;
			}
	}
	return NULL;
}

void table_pollution(FILE *f, const struct plan *plan, const struct cell *first)
{
	bool titled = false;

	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *c = &plan->cells[i];

		if (c->skipped || !c->config.pollution || !cell_same_group(c, first) ||
		    !json_array_size(json_object_get(c->json, "rounds")))
			continue;
		if (!titled)
			fprintf(f,
				"    ns for a line of an application's data, before and after a few "
				"operations\n    %-12s %15s %15s %15s %15s\n",
				"", "client's L2", "last level", "server's L2", "last level");
		titled = true;
		fprintf(f, "    %-12s", c->path->name);
		for (int r = 0; r < 2; r++)
			for (int s = 0; pollution_sets[s]; s++)
				print_set(f, c, roles[r], pollution_sets[s]);
		fputc('\n', f);
	}
	for (int s = 0; titled && pollution_sets[s]; s++) {
		const char *why = reason(plan, first, pollution_sets[s]);

		if (why)
			fprintf(f, "      ^ %s: %s\n", s ? "last level" : "L2", why);
	}
}
