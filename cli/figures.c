// SPDX-License-Identifier: MIT
/* The table of figures, and which drawings of them results allow; see figure.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/figure.h"

/* clang-format off */
const struct figure figures[] = {
	{.name = "throughput", .title = "Throughput by block size", .script = "curve",
	 .metric = "throughput_bytes_per_s", .log = true, .times = true, .along = DIM_BS, .points = 2,
	 .write = write_curve, .needs = "two block sizes or more",
	 .remedy = "zcbench run --bs 4k,16k,64k,256k,1m"},
	{.name = "latency", .title = "Latency: how long operations take", .script = "percentiles",
	 .times = true, .along = DIM_PATH, .fits = fits_latency, .write = write_percentiles,
	 .needs = "20 operations in each round", .remedy = "zcbench run, with a longer --runtime"},
	{.name = "cpu", .title = "CPU time for each KiB of payload", .script = "stack",
	 .metric = "cpu_ns_per_kib", .axis = "CPU time, ns/KiB", .times = true, .along = DIM_PATH, .write = write_cpu,
	 .needs = "CPU times", .remedy = "zcbench run"},
	{.name = "cpu-classes", .title = "What the CPU time goes to", .script = "stack",
	 .metric = "cpu_ns_per_kib", .axis = "CPU time, ns/KiB", .times = true, .along = DIM_PATH, .fits = fits_classes,
	 .write = write_cpu_classes, .needs = "CPU time by kind of code", .remedy = "zcbench run --breakdown"},
	{.name = "copies", .title = "How often each payload byte is copied", .script = "stack",
	 .metric = "copy_factor", .axis = "copied bytes / payload bytes", .along = DIM_PATH, .write = write_copies,
	 .needs = "copies in the kernel, counted by BPF as root",
	 .remedy = "zcbench vm -- run, whose kernel lets it count"},
	{.name = "limit", .title = "Throughput as a share of what this machine allows", .script = "curve",
	 .metric = "limit_share", .axis = "share of the limit", .times = true, .along = DIM_BS, .points = 2,
	 .write = write_curve, .needs = "the machine's limits, and two block sizes or more",
	 .remedy = "zcbench run --limits --bs 4k,16k,64k,256k,1m"},
	{.name = "pollution", .title = "What the transfer evicts from caches", .script = "dots",
	 .times = true, .along = DIM_PATH, .fits = fits_pollution, .write = write_pollution,
	 .needs = "cache pollution", .remedy = "zcbench run --pollution"},
	{.name = "crossover", .title = "From which block size on is it faster than copying?",
	 .script = "curve", .metric = "throughput_bytes_per_s", .log = true, .times = true, .along = DIM_BS,
	 .points = 3, .write = write_crossover, .needs = "two paths, and three block sizes or more",
	 .remedy = "zcbench run crossover"},
	{.name = "amortise", .title = "Time for a transfer, with its share of what is paid once",
	 .script = "curve", .axis = "time for each transfer", .log = true, .times = true, .along = DIM_PATH,
	 .fits = fits_amortise, .write = write_amortise, .needs = "one client with one operation in flight",
	 .remedy = "zcbench run amortise"},
	{.name = "clients", .title = "Throughput of all clients together", .script = "curve",
	 .metric = "throughput_bytes_per_s", .log = true, .times = true, .along = DIM_CLIENTS, .points = 2,
	 .write = write_curve, .needs = "two numbers of clients or more",
	 .remedy = "zcbench run scale-clients"},
	{.name = "depth", .title = "Throughput by operations in flight", .script = "curve",
	 .metric = "throughput_bytes_per_s", .log = true, .times = true, .along = DIM_DEPTH, .points = 2,
	 .write = write_curve, .needs = "two depths or more", .remedy = "zcbench run --depth 1,4,16"},
	{.name = "sinks", .title = "What the server's own work changes", .script = "dots",
	 .metric = "throughput_bytes_per_s", .log = true, .times = true, .along = DIM_SINK, .points = 2,
	 .write = write_dots, .needs = "two sinks or more", .remedy = "zcbench run server-reads"},
	{.name = "direction", .title = "Write against read", .script = "dots",
	 .metric = "throughput_bytes_per_s", .log = true, .times = true, .along = DIM_OP, .points = 2,
	 .write = write_dots, .needs = "both ops", .remedy = "zcbench run direction"},
	{.name = "sources", .title = "Where the client's payload lives", .script = "dots",
	 .metric = "throughput_bytes_per_s", .log = true, .times = true, .along = DIM_SOURCE, .points = 2,
	 .write = write_dots, .needs = "two sources or more", .remedy = "zcbench run --source anon,memfd"},
	{.name = "placement", .title = "Client and server on CPUs of their own, or on the same",
	 .script = "dots", .metric = "throughput_bytes_per_s", .log = true, .times = true,
	 .along = DIM_PIN, .points = 2, .write = write_dots, .needs = "two values of --pin or more",
	 .remedy = "zcbench run placement"},
	{0},
};
/* clang-format on */

/* For the option table, in the same order. */
const char *const figure_names[] = {"throughput", "latency", "cpu",       "cpu-classes",
				    "copies",     "limit",   "pollution", "crossover",
				    "amortise",   "clients", "depth",     "sinks",
				    "direction",  "sources", "placement", NULL};

const struct figure *figure_find(const char *name)
{
	for (const struct figure *f = figures; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

static bool fits(const struct figure *f, const struct result_cell *c)
{
	struct summary s;

	return f->fits ? f->fits(c) : result_cell_metric(c, f->metric, &s);
}

/* A READ is not produced, and only sink file has a place where it stores: what comes with another value. */
unsigned int figure_along(const struct figure *f)
{
	switch (f->along) {
	case DIM_OP:
		return DIM_BIT(DIM_OP) | DIM_BIT(DIM_PRODUCE);
	case DIM_SINK:
		return DIM_BIT(DIM_SINK) | DIM_BIT(DIM_STORE);
	default:
		return DIM_BIT(f->along);
	}
}

/* Everything but these is the same within a drawing. */
static unsigned int varies(const struct figure *f)
{
	return DIM_BIT(DIM_PATH) | figure_along(f);
}

/* How many values of `along` the drawing has. */
static unsigned int count_points(const struct drawing *d)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < d->n; i++) {
		bool seen = false;

		for (unsigned int k = 0; k < i && !seen; k++)
			seen = result_cells_equal(d->cells[k], d->cells[i], ~figure_along(d->figure));
		n += !seen;
	}
	return n;
}

/* A value as a part of a file name: of a result file the name of its folder, of a path its last part. */
static void append_value(char *name, size_t len, const struct result_cell *c, enum dimension d)
{
	char value[300], *p = value, *slash;
	size_t at = strlen(name);

	result_cell_value(value, sizeof(value), c, d);
	slash = strrchr(value, '/');
	if (d == DIM_FILE && slash && !strcmp(slash, "/result.json"))
		*slash = '\0';
	slash = strrchr(value, '/');
	if (slash)
		p = slash + 1;
	snprintf(name + at, len - at, "-%s", p);
	for (p = name + at; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			*p = '_';
}

/* (that a READ is not produced needs no word) */
static bool differ(const struct result_cell *a, const struct result_cell *b, enum dimension d)
{
	return !result_cells_equal(a, b, ~DIM_BIT(d)) && (d != DIM_PRODUCE || !strcmp(a->op, b->op));
}

/* A figure's name, and of its drawings' cells what differs between them. */
static void name_drawings(struct drawing *v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct figure *f = v[i].figure;

		snprintf(v[i].name, sizeof(v[i].name), "%s", f->name);
		for (int d = 0; d < DIM_COUNT; d++) {
			bool differs = false;

			for (unsigned int k = 0; k < n && !(varies(f) & DIM_BIT(d)); k++)
				differs |= differ(v[i].cells[0], v[k].cells[0], (enum dimension)d);
			if (differs)
				append_value(v[i].name, sizeof(v[i].name) - 8, v[i].cells[0],
					     (enum dimension)d);
		}
	}
	/* two folders of one name, say */
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int k = 0, same = 1; k < i; k++)
			if (!strcmp(v[k].name, v[i].name))
				sprintf(v[i].name + strlen(v[i].name), "-%u", ++same);
}

static bool in_drawings(const struct drawing *v, unsigned int n, const struct result_cell *c)
{
	for (unsigned int i = 0; i < n; i++)
		if (result_cells_equal(v[i].cells[0], c, varies(v[i].figure)))
			return true;
	return false;
}

static void add_missing(struct drawing *d, const struct result_cell *c)
{
	size_t at = strlen(d->missing);
	char name[100];

	snprintf(name, sizeof(name), "%s%s", c->label, c->error ? " (failed)" : "");
	if (!strstr(d->missing, name))
		snprintf(d->missing + at, sizeof(d->missing) - at, "%s%s", at ? ", " : "", name);
}

static int gather(struct drawing *d, const struct figure *f, const struct results *r,
		  const struct result_cell *first)
{
	*d = (struct drawing){.figure = f, .cells = calloc(r->ncells, sizeof(struct result_cell *))};
	if (!d->cells)
		return -ENOMEM;
	for (unsigned int i = 0; i < r->ncells; i++) {
		if (!result_cells_equal(&r->cells[i], first, varies(f)))
			continue;
		if (fits(f, &r->cells[i]))
			d->cells[d->n++] = &r->cells[i];
		else
			add_missing(d, &r->cells[i]);
	}
	result_cell_describe(d->fixed, sizeof(d->fixed), first, varies(f));
	return 0;
}

int drawings_add(struct drawings *d, const struct figure *f, const struct results *r, struct err *e)
{
	struct drawing *more = realloc(d->v, (d->n + r->ncells + 1) * sizeof(*more)), *mine;
	unsigned int n = 0;

	if (!more)
		return err_sys(e, -ENOMEM, "figure %s", f->name);
	d->v = more;
	mine = d->v + d->n;
	for (unsigned int i = 0; i < r->ncells; i++) {
		const struct result_cell *c = &r->cells[i];

		if (!fits(f, c) || in_drawings(mine, n, c))
			continue;
		if (gather(&mine[n], f, r, c))
			return err_sys(e, -ENOMEM, "figure %s", f->name);
		n++;
	}
	/* too few points are no picture */
	for (unsigned int i = 0; i < n;) {
		if (count_points(&mine[i]) >= f->points) {
			i++;
			continue;
		}
		free(mine[i].cells);
		memmove(&mine[i], &mine[i + 1], (--n - i) * sizeof(*mine));
	}
	name_drawings(mine, n);
	d->n += n;
	if (n)
		return 0;
	err_set(e, -ENODATA, "figure %s needs %s", f->name, f->needs);
	return err_remedy(e, "%s", f->remedy);
}

void drawings_free(struct drawings *d)
{
	for (unsigned int i = 0; i < d->n; i++)
		free(d->v[i].cells);
	free(d->v);
	*d = (struct drawings){0};
}
