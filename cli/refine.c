// SPDX-License-Identifier: MIT
/* Looking again where paths overtake each other; see refine.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/crossing.h"
#include "cli/refine.h"
#include "cli/result.h"
#include "lib/units.h"

#define SIZES_MAX 256
#define CLOSE     1.2 /* neighbours in the end */

/* All but path and block size are equal. */
static bool same_sweep(const struct cell *a, const struct cell *b)
{
	struct cell like = *b;

	like.bs = a->bs;
	return cell_same_group(a, &like);
}

static bool same_path(const struct cell *a, const struct cell *b)
{
	if (a->path != b->path || a->nargs != b->nargs)
		return false;
	for (unsigned int i = 0; i < a->nargs; i++)
		if (strcmp(a->server_args[i], b->server_args[i]) != 0)
			return false;
	return true;
}

static int by_size(const void *a, const void *b)
{
	const struct ratio *x = a, *y = b;

	return (x->x > y->x) - (x->x < y->x);
}

/* Throughput of a's path by that of b's at each size that both have, rising. */
static unsigned int ratios_of(const struct plan *plan, const struct cell *a, const struct cell *b,
			      struct ratio *r)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < plan->n; i++)
		for (unsigned int k = 0; k < plan->n && n < SIZES_MAX; k++) {
			const struct cell *x = &plan->cells[i], *y = &plan->cells[k];
			struct result_cell rx = {.rounds = json_object_get(x->json, "rounds")},
					   ry = {.rounds = json_object_get(y->json, "rounds")};

			if (x->bs != y->bs || x->skipped || y->skipped || x->failed || y->failed ||
			    !same_sweep(x, a) || !same_sweep(y, a) || !same_path(x, a) ||
			    !same_path(y, b))
				continue;
			if (ratio_of(&rx, &ry, "throughput_bytes_per_s", &r[n]))
				r[n++].x = (double)x->bs;
		}
	qsort(r, n, sizeof(*r), by_size);
	return n;
}

/* A size halfway, by its logarithm, that every path takes; 0: there is none. */
static uint64_t between(double lo, double hi)
{
	const double unit = lo >= 16384 ? 4096 : lo >= 4096 ? 1024 : 512;
	const double mid = unit * round(sqrt(lo * hi) / unit);

	return mid >= lo * CLOSE && hi >= mid * CLOSE ? (uint64_t)mid : 0;
}

/* Where to look again: at most two sizes. */
static unsigned int sizes_of(const struct ratio *r, unsigned int n, uint64_t *sizes)
{
	struct crossing x;
	unsigned int i, k, found = 0;

	crossing_find(r, n, &x);
	if (!x.crosses)
		return 0;
	for (i = 0; i + 1 < n && r[i].x < x.lo; i++)
		;
	for (k = n - 1; k > 0 && r[k].x > x.hi; k--)
		;
	sizes[0] = between(r[i].x, r[i + 1].x);
	found += sizes[0] != 0;
	sizes[found] = between(r[k - 1].x, r[k].x);
	return found + (sizes[found] && (!found || sizes[found] != sizes[0]));
}

static bool has(const struct plan *plan, const struct cell *like, uint64_t bs)
{
	for (unsigned int i = 0; i < plan->n; i++)
		if (plan->cells[i].bs == bs && same_sweep(&plan->cells[i], like) &&
		    same_path(&plan->cells[i], like))
			return true;
	return false;
}

/* Whether cell i is the first of its sweep and path: it stands for them. */
static bool is_first(const struct plan *plan, unsigned int i)
{
	for (unsigned int k = 0; k < i; k++)
		if (same_sweep(&plan->cells[k], &plan->cells[i]) &&
		    same_path(&plan->cells[k], &plan->cells[i]))
			return false;
	return true;
}

/* Calls `use` for each pair of paths of each sweep, the later one first: it is what overtakes. */
static void each_pair(const struct plan *plan, void *arg,
		      void (*use)(void *arg, unsigned int a, unsigned int b, const struct ratio *r,
				  unsigned int n))
{
	struct ratio *r = calloc(SIZES_MAX, sizeof(*r));
	const unsigned int cells = plan->n;

	for (unsigned int b = 0; r && b < cells; b++) {
		if (!is_first(plan, b))
			continue;
		for (unsigned int a = b + 1; a < cells; a++) {
			unsigned int n;

			if (!same_sweep(&plan->cells[a], &plan->cells[b]) || !is_first(plan, a))
				continue;
			n = ratios_of(plan, &plan->cells[a], &plan->cells[b], r);
			if (n)
				use(arg, a, b, r, n);
		}
	}
	free(r);
}

static void add_pair(void *arg, unsigned int a, unsigned int b, const struct ratio *r, unsigned int n)
{
	struct plan *plan = arg;
	uint64_t sizes[2];
	const unsigned int found = sizes_of(r, n, sizes);

	for (unsigned int i = 0; i < found; i++) {
		if (!has(plan, &plan->cells[b], sizes[i]))
			plan_add_size(plan, b, sizes[i]);
		if (!has(plan, &plan->cells[a], sizes[i]))
			plan_add_size(plan, a, sizes[i]);
	}
}

unsigned int refine_plan(struct plan *plan)
{
	const unsigned int before = plan->n;

	each_pair(plan, plan, add_pair);
	return plan->n - before;
}

struct print {
	FILE *f;
	const struct plan *plan;
	unsigned int sweep; /* the cell that stands for the last line's */
	bool begun;
};

static void name_path(char *buf, size_t len, const struct cell *c)
{
	size_t at = (size_t)snprintf(buf, len, "%s", c->path->name);

	for (unsigned int i = 0; i < c->nargs && at < len; i++)
		at += (size_t)snprintf(buf + at, len - at, " %s", c->server_args[i]);
}

static void print_pair(void *arg, unsigned int a, unsigned int b, const struct ratio *r, unsigned int n)
{
	struct print *p = arg;
	const struct cell *cells = p->plan->cells;
	char of[120], base[120], how[120], title[256];
	struct crossing x;

	if (n < 3)
		return; /* no sweep */
	if (!p->begun || !same_sweep(&cells[b], &cells[p->sweep]))
		fprintf(p->f, "\nfrom which block size on: %s\n",
			cell_sweep_title(&cells[b], title, sizeof(title)));
	p->begun = true;
	p->sweep = b;
	name_path(of, sizeof(of), &cells[a]);
	name_path(base, sizeof(base), &cells[b]);
	crossing_find(r, n, &x);
	crossing_describe(how, sizeof(how), &x, n);
	fprintf(p->f, "    %-12s against %-12s %s\n", of, base, how);
}

void refine_print(FILE *f, const struct plan *plan)
{
	struct print p = {.f = f, .plan = plan};

	each_pair(plan, &p, print_pair);
}
