// SPDX-License-Identifier: MIT
/* Where a series of a history moved; see history.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/history.h"
#include "measure/changes.h"

static void describe(struct history_move *m, const struct history_series *h, size_t from, size_t to,
		     const struct compared_metric *what)
{
	m->before = stats_median_of(h->median + from, m->at - from);
	m->after = stats_median_of(h->median + m->at, to - m->at);
	if (what->better == BETTER_NEITHER)
		m->how = "changed";
	else
		m->how = (m->after > m->before) == (what->better == BETTER_HIGHER) ? "better" : "worse";
}

/* Of a count every change is one. */
static size_t find_counted(const struct history_series *h, double exact, size_t *at)
{
	size_t n = 0;

	for (size_t i = 1; i < h->n; i++)
		if (fabs(h->median[i] - h->median[i - 1]) > exact)
			at[n++] = i;
	return n;
}

/* Of what is timed those that stand and matter. */
static size_t find_timed(const struct history_series *h, const struct compare_rules *rules, size_t *at)
{
	const double enough = 1 + compare_threshold(rules, h->metric);
	size_t n = changes_find(h->median, h->n, rules->alpha, at), kept = 0;

	for (size_t i = 0; i < n; i++) {
		const size_t from = kept ? at[kept - 1] : 0, to = i + 1 < n ? at[i + 1] : h->n;
		const double before = stats_median_of(h->median + from, at[i] - from);
		const double after = stats_median_of(h->median + at[i], to - at[i]);

		if (after > before * enough || after < before / enough)
			at[kept++] = at[i];
	}
	return kept;
}

int history_moves(const struct history_series *h, const struct compare_rules *rules,
		  struct compared_metric *what, struct history_move **moves, size_t *n, struct err *e)
{
	size_t *at = malloc((h->n + 1) * sizeof(*at));
	struct history_move *m = calloc(h->n + 1, sizeof(*m));

	*moves = m;
	*n = 0;
	if (!series_named(h->metric, what))
		*what = (struct compared_metric){.unit = "",
						 .better = BETTER_NEITHER}; /* of a version to come */
	if (at && m) {
		*n = what->exact > 0 ? find_counted(h, what->exact, at) : find_timed(h, rules, at);
		for (size_t i = 0; i < *n; i++) {
			m[i].at = at[i];
			describe(&m[i], h, i ? at[i - 1] : 0, i + 1 < *n ? at[i + 1] : h->n, what);
		}
	} else {
		free(m);
	}
	free(at);
	return at && m ? 0 : err_sys(e, -ENOMEM, "looking for changes");
}
