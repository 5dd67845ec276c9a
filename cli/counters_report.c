// SPDX-License-Identifier: MIT
/* What was counted, for each operation and each KiB of payload: in the result and on the terminal. */
#include <stdlib.h>
#include <string.h>

#include "cli/result.h"
#include "measure/stats.h"

/* The median over the rounds of count / base, where each round has the event. */
static double median_of(const json_t *rounds, const char *role, const char *event, const char *domain,
			const char *base, double unit)
{
	double *values = malloc((json_array_size(rounds) + 1) * sizeof(*values)), median;
	size_t i, n = 0;
	json_t *r;

	if (!values)
		abort();
	json_array_foreach ((json_t *)rounds, i, r) {
		const json_t *counters = json_object_get(r, "counters");
		const json_t *count =
			json_object_get(json_object_get(json_object_get(counters, role), event), domain);
		const double per = json_number_value(json_object_get(r, base)) / unit;

		if (count && per > 0)
			values[n++] = json_number_value(count) / per;
	}
	median = n ? stats_summarise(values, n).median : 0;
	free(values);
	return median;
}

static bool was_scaled(const json_t *rounds, const char *role, const char *event)
{
	bool scaled = false;
	json_t *r;
	size_t i;

	json_array_foreach ((json_t *)rounds, i, r)
		scaled |= json_is_true(json_object_get(
			json_object_get(json_object_get(json_object_get(r, "counters"), role), event),
			"scaled"));
	return scaled;
}

json_t *counters_summary(const json_t *rounds)
{
	const json_t *first = json_object_get(json_array_get(rounds, 0), "counters");
	json_t *out = json_object(), *events, *ev;
	const char *role, *event;

	json_object_foreach ((json_t *)first, role, events) {
		json_t *of_role = json_object();

		json_object_foreach (events, event, ev) {
			json_t *of_event = json_object();

			for (int d = 0; d < DOMAIN_COUNT; d++)
				if (json_object_get(ev, domain_names[d]))
					json_object_set_new(
						of_event, domain_names[d],
						json_pack("{s:f, s:f}", "per_op",
							  median_of(rounds, role, event, domain_names[d],
								    "ops", 1),
							  "per_kib",
							  median_of(rounds, role, event, domain_names[d],
								    "payload_bytes", 1024)));
			json_object_set_new(of_event, "scaled",
					    json_boolean(was_scaled(rounds, role, event)));
			json_object_set_new(of_role, event, of_event);
		}
		json_object_set_new(out, role, of_role);
	}
	return out;
}

static void print_event(FILE *f, const char *role, const char *event, const json_t *ev)
{
	for (int d = 0; d < DOMAIN_COUNT; d++) {
		const json_t *v = json_object_get(ev, domain_names[d]);

		if (v)
			fprintf(f, "      %-7s %-28s %-7s %14.6g %14.6g%s\n", role, event,
				d == DOMAIN_TOTAL ? "" : domain_names[d],
				json_number_value(json_object_get(v, "per_op")),
				json_number_value(json_object_get(v, "per_kib")),
				json_is_true(json_object_get(ev, "scaled")) ? "  scaled" : "");
	}
}

void counters_print(FILE *f, const struct plan *plan)
{
	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *c = &plan->cells[i];
		json_t *counters = json_object_get(c->json, "counters"), *events, *ev;
		const char *role, *event;
		char title[256];

		if (c->skipped || !json_object_size(counters))
			continue;
		fprintf(f, "\n%s: %s\n      %-7s %-28s %-7s %14s %14s\n", c->path->name,
			cell_group_title(c, title, sizeof(title)), "role", "event", "", "per operation",
			"per KiB");
		json_object_foreach (counters, role, events)
			json_object_foreach (events, event, ev)
				print_event(f, role, event, ev);
	}
}
