// SPDX-License-Identifier: MIT
/* What many clients cost, below the cells of a group that has several; see result.h. */
#include <math.h>
#include <stdio.h>

#include "cli/format.h"
#include "cli/result.h"
#include "measure/metrics.h"

static const char *const columns[] = {"fairness", "path_setup_ns", "client_memory_bytes",
				      "server_memory_bytes"};

static void print_value(FILE *f, const struct cell *c, const char *metric)
{
	const double v = summary_value(json_object_get(c->json, "summary"), metric, "median");
	char text[32];

	fprintf(f, " %15s", format_metric(text, sizeof(text), v, metric_find(metric)->unit));
}

void table_clients(FILE *f, const struct plan *plan, const struct cell *first)
{
	bool titled = false;

	for (unsigned int i = 0; i < plan->n; i++) {
		const struct cell *c = &plan->cells[i];

		if (c->skipped || c->clients == 1 || !cell_same_group(c, first) ||
		    !json_array_size(json_object_get(c->json, "rounds")))
			continue;
		if (!titled)
			fprintf(f, "    %-12s %15s %15s %15s %15s\n", "clients", "slowest / mean",
				"a client's set-up", "its memory", "the server's");
		titled = true;
		fprintf(f, "    %-12s", c->path->name);
		for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++)
			print_value(f, c, columns[k]);
		fputc('\n', f);
	}
}
