// SPDX-License-Identifier: MIT
/* Sentences about pairs of cells; see report.h. They never say more than the intervals do. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/payback.h"
#include "cli/report.h"

char *format_times(char *buf, size_t len, double ratio, double like)
{
	if (ratio > 0 && like < 0.0995)
		snprintf(buf, len, "1/%.*f",
			 1 / ratio < 9.95    ? 2
			 : 1 / ratio < 99.95 ? 1
					     : 0,
			 1 / ratio);
	else if (ratio < 0.0995)
		snprintf(buf, len, "%.2gx", ratio);
	else
		snprintf(buf, len, "%.*fx", ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0, ratio);
	return buf;
}

/* "2.91x (2.70x to 3.10x)" */
static char *format_interval(char *buf, size_t len, const struct summary *s)
{
	char a[24], b[24], c[24];

	snprintf(buf, len, "%s (%s to %s)", format_times(a, sizeof(a), s->median, s->median),
		 format_times(b, sizeof(b), s->lo, s->median),
		 format_times(c, sizeof(c), s->hi, s->median));
	return buf;
}

bool cell_measured(const struct result_cell *c)
{
	return json_array_size(c->rounds) > 0;
}

char *cell_marks(char *buf, size_t len, const struct result_cell *c)
{
	const char *problem = json_string_value(json_object_get(c->json, "path_problem"));
	size_t at = 0;

	buf[0] = '\0';
	if (!c->path_ok)
		at += (size_t)snprintf(buf, len, "`%s` did NOT take the way that its name claims%s%s",
				       c->label, problem ? ": " : "", problem ? problem : "");
	if (!c->verified && at < len)
		at += (size_t)snprintf(buf + at, len - at, "%sbytes of `%s` were not verified",
				       at ? "; " : "", c->label);
	if (c->error && at < len)
		snprintf(buf + at, len - at, "%s`%s` failed after %zu rounds: %s", at ? "; " : "",
			 c->label, json_array_size(c->rounds), c->error);
	return buf;
}

static void add_marks(char *buf, size_t len, const struct pair *p)
{
	char marks[700];

	for (int i = 0; i < 2; i++) {
		size_t at = strlen(buf);

		cell_marks(marks, sizeof(marks), i ? p->base : p->a);
		if (marks[0] && at < len && (!i || strcmp(p->a->label, p->base->label)))
			snprintf(buf + at, len - at, " [Caution: %s.]", marks);
	}
}

bool cell_plain(const struct result_cell *c)
{
	return c->depth == 1 && c->clients == 1 && !strcmp(c->pin, "split") &&
	       !strcmp(c->source, "memfd") && !strcmp(c->access, "direct");
}

char *cell_where(char *buf, size_t len, const struct result_cell *c, unsigned int except)
{
	/* as almost every cell has them */
	if (!strcmp(c->pin, "split"))
		except |= DIM_BIT(DIM_PIN);
	if (!strcmp(c->source, "memfd"))
		except |= DIM_BIT(DIM_SOURCE);
	if (c->depth == 1)
		except |= DIM_BIT(DIM_DEPTH);
	if (c->clients == 1)
		except |= DIM_BIT(DIM_CLIENTS);
	result_cell_describe(buf, len, c, except | DIM_BIT(DIM_PATH));
	buf[0] = (char)toupper((unsigned char)buf[0]);
	return buf;
}

/* "with sink read", "with 4 clients" */
static char *format_value(char *buf, size_t len, const struct result_cell *c, enum dimension dim)
{
	char value[150];

	result_cell_value(value, sizeof(value), c, dim);
	if (dim == DIM_CLIENTS)
		snprintf(buf, len, "with %s client%s", value, c->clients == 1 ? "" : "s");
	else
		snprintf(buf, len, "with %s %s", dimension_names[dim], value);
	return buf;
}

/* How each of the two is called, and what is the same for both. */
static void name_sides(enum dimension dim, const struct pair *p, char a[400], char b[400])
{
	char value[180];

	if (dim == DIM_PATH) {
		snprintf(a, 400, "`%.190s`", p->a->label);
		snprintf(b, 400, "`%.190s`", p->base->label);
		return;
	}
	snprintf(a, 400, "`%.190s` %s", p->a->label, format_value(value, sizeof(value), p->a, dim));
	format_value(b, 400, p->base, dim);
}

char *pair_sentence(char *buf, size_t len, enum dimension dim, const struct pair *p)
{
	const bool rate = !strcmp(p->metric, "throughput_bytes_per_s");
	const char *what = rate ? "throughput" : "median latency";
	char where[400], a[400], b[400], r[100], cpu[100];
	size_t at;

	name_sides(dim, p, a, b);
	cell_where(where, sizeof(where), p->base, DIM_BIT(dim));
	at = (size_t)snprintf(buf, len, "%s: ", where);
	if (at >= len)
		return buf;
	format_interval(r, sizeof(r), &p->main.s);
	if (!p->main.rounds) {
		snprintf(buf + at, len - at,
			 "%s and %s have no round in common, so nothing can be said.", a, b);
	} else if (p->main.rounds < CROSSING_ROUNDS) {
		snprintf(buf + at, len - at,
			 "%u rounds are too few to tell %s from %s; it takes %d (--rounds).",
			 p->main.rounds, a, b, CROSSING_ROUNDS);
	} else {
		if (!summary_side(&p->main.s))
			at += (size_t)snprintf(buf + at, len - at,
					       "no difference in %s was shown between %s and %s: %s",
					       what, a, b, r);
		else if (rate)
			at += (size_t)snprintf(buf + at, len - at,
					       dim == DIM_PATH ? "%s moves %s what %s does"
							       : "%s moves %s what it moves %s",
					       a, r, b);
		else
			at += (size_t)snprintf(
				buf + at, len - at,
				dim == DIM_PATH ? "an operation of %s takes %s the time of one of %s"
						: "an operation of %s takes %s the time of one %s",
				a, r, b);
		if (p->cpu.rounds >= CROSSING_ROUNDS && at < len) {
			format_interval(cpu, sizeof(cpu), &p->cpu.s);
			if (summary_side(&p->cpu.s))
				snprintf(buf + at, len - at, ", for %s the CPU time per KiB.", cpu);
			else
				snprintf(buf + at, len - at,
					 "; no difference in CPU time per KiB was shown: %s.", cpu);
		} else if (at < len) {
			snprintf(buf + at, len - at, ".");
		}
	}
	add_marks(buf, len, p);
	return buf;
}

char *crossing_sentence(char *buf, size_t len, const struct pairs *all, unsigned int first)
{
	const struct pair *p = &all->v[first];
	struct ratio r[STEPS_MAX];
	const struct pair *of[STEPS_MAX];
	struct crossing x;
	char where[400], lo[24], hi[24], range[60];
	unsigned int n = 0;
	size_t at;

	for (unsigned int i = 0; i < all->n && n < STEPS_MAX; i++) {
		const struct pair *q = &all->v[i];
		unsigned int k = n;

		if (strcmp(q->a->label, p->a->label) || !q->main.rounds ||
		    !result_cells_equal(q->a, p->a, DIM_BIT(DIM_BS)))
			continue;
		for (n++; k > 0 && of[k - 1]->a->bs > q->a->bs; k--)
			of[k] = of[k - 1];
		of[k] = q;
	}
	buf[0] = '\0';
	if (n < 3)
		return buf;
	for (unsigned int i = 0; i < n; i++) {
		r[i] = of[i]->main;
		r[i].x = (double)of[i]->a->bs;
	}
	crossing_find(r, n, &x);
	result_cell_value(lo, sizeof(lo), of[0]->a, DIM_BS);
	result_cell_value(hi, sizeof(hi), of[n - 1]->a, DIM_BS);
	snprintf(range, sizeof(range), "%s to %s", lo, hi);
	cell_where(where, sizeof(where), p->base, DIM_BIT(DIM_BS));
	at = (size_t)snprintf(buf, len, "%s: ", where);
	for (unsigned int i = 0; i < n && x.crosses; i++) {
		if ((double)of[i]->a->bs == x.lo)
			result_cell_value(lo, sizeof(lo), of[i]->a, DIM_BS);
		if ((double)of[i]->a->bs == x.hi)
			result_cell_value(hi, sizeof(hi), of[i]->a, DIM_BS);
	}
	if (x.few_rounds)
		snprintf(buf + at, len - at,
			 "fewer than %d rounds at some block size: too few to tell where "
			 "`%s` overtakes `%s` (--rounds).",
			 CROSSING_ROUNDS, p->a->label, p->base->label);
	else if (x.crosses)
		snprintf(buf + at, len - at,
			 "`%s` %s `%s` between %s and %s: %s was the last size at which it was %s for "
			 "certain, %s the first at which it was %s.",
			 p->a->label, x.side > 0 ? "overtakes" : "falls behind", p->base->label, lo, hi,
			 lo, x.side > 0 ? "slower" : "faster", hi, x.side > 0 ? "faster" : "slower");
	else if (x.side && x.shown == n)
		snprintf(buf + at, len - at, "`%s` was %s than `%s` at each of %u block sizes from %s.",
			 p->a->label, x.side > 0 ? "faster" : "slower", p->base->label, n, range);
	else if (x.side)
		snprintf(buf + at, len - at,
			 "`%s` was %s than `%s` at %u of %u block sizes from %s; at the others no "
			 "difference "
			 "was shown.",
			 p->a->label, x.side > 0 ? "faster" : "slower", p->base->label, x.shown, n,
			 range);
	else
		snprintf(buf + at, len - at,
			 "no block size was shown from %s at which `%s` overtakes `%s` and stays ahead.",
			 range, p->a->label, p->base->label);
	add_marks(buf, len, p);
	return buf;
}

char *payback_sentence(char *buf, size_t len, const struct pair *p)
{
	char where[400], range[80];
	struct payback b;
	size_t at;

	cell_where(where, sizeof(where), p->base, 0);
	at = (size_t)snprintf(buf, len, "%s: ", where);
	if (at >= len)
		return buf;
	if (!payback_of(p->a, p->base, &b))
		snprintf(buf + at, len - at,
			 "`%s` and `%s` have no round in common, so nothing can be said.", p->a->label,
			 p->base->label);
	else if (b.rounds < CROSSING_ROUNDS)
		snprintf(buf + at, len - at, "%zu rounds are too few to tell; it takes %d (--rounds).",
			 b.rounds, CROSSING_ROUNDS);
	else if (isinf(b.lo))
		snprintf(buf + at, len - at,
			 "a transfer of `%s` took no less than one of `%s`: it never pays.", p->a->label,
			 p->base->label);
	else if (isinf(b.hi))
		snprintf(buf + at, len - at,
			 "it was not shown that `%s` saves what it pays once more than `%s` does.",
			 p->a->label, p->base->label);
	else if (b.hi < 1)
		snprintf(buf + at, len - at, "`%s` was ahead of `%s` from the first transfer on.",
			 p->a->label, p->base->label);
	else {
		snprintf(range, sizeof(range), "%.0f to %.0f", ceil(b.lo), ceil(b.hi));
		snprintf(buf + at, len - at,
			 "what `%s` pays once more than `%s` does was saved after %.0f transfer%s (%s).",
			 p->a->label, p->base->label, ceil(b.median), ceil(b.median) == 1 ? "" : "s",
			 range);
	}
	add_marks(buf, len, p);
	return buf;
}
