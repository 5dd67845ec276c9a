// SPDX-License-Identifier: MIT
/* The table of questions that a report answers, and the pairs of cells that answer them; see report.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

static bool is_ipc(const struct result_cell *a, const struct result_cell *base)
{
	(void)base;
	return !strcmp(a->path, "ipc");
}

static bool in_kernel(const struct result_cell *a, const struct result_cell *base)
{
	return !is_ipc(a, base);
}

/* The server reads the client's very bytes: no copy is expected although it reads them. */
static bool reads_in_place(const struct result_cell *a, const struct result_cell *base)
{
	const json_t *copies = json_object_get(json_object_get(a->json, "expected"), "copy_factor");

	(void)base;
	return !strcmp(a->sink, "read") && !strcmp(a->op, "write") && json_is_number(copies) &&
	       json_number_value(copies) == 0;
}

/* Where nothing is touched without reading, there is no cost of reading to speak of. */
static bool reads_after_copy(const struct result_cell *a, const struct result_cell *base)
{
	return !strcmp(a->sink, "read") && !result_cell_moves_nothing(base);
}

static bool has_rate(const struct result_cell *a, const struct result_cell *base)
{
	return !result_cell_moves_nothing(a) && !result_cell_moves_nothing(base);
}

/* Of all pairs that differ from this one in the block size only, whether it has the largest (or, with `lowest`,
 * the smallest). */
static bool at_end(const struct pairs *all, const struct pair *p, bool lowest)
{
	for (unsigned int i = 0; i < all->n; i++) {
		const struct result_cell *c = all->v[i].a;

		if (result_cells_equal(c, p->a, DIM_BIT(DIM_BS)) &&
		    (lowest ? c->bs < p->a->bs : c->bs > p->a->bs))
			return false;
	}
	return true;
}

static bool at_largest(const struct pairs *all, const struct pair *p)
{
	return at_end(all, p, false);
}

static bool at_both_ends(const struct pairs *all, const struct pair *p)
{
	return at_end(all, p, false) || at_end(all, p, true);
}

static bool everywhere(const struct pairs *all, const struct pair *p)
{
	(void)all;
	(void)p;
	return true;
}

/* At the largest number of clients (or depth), and at the largest block size. */
static bool at_most(const struct pairs *all, const struct pair *p)
{
	for (unsigned int i = 0; i < all->n; i++) {
		const struct result_cell *c = all->v[i].a;

		if (result_cells_equal(c, p->a,
				       DIM_BIT(DIM_CLIENTS) | DIM_BIT(DIM_DEPTH) | DIM_BIT(DIM_BS)) &&
		    (c->clients > p->a->clients || c->depth > p->a->depth || c->bs > p->a->bs))
			return false;
	}
	return true;
}

bool pair_leads(const struct question *q, const struct pairs *all, const struct pair *p)
{
	if (!q->leads(all, p))
		return false;
	for (unsigned int i = 0; i < all->n && !cell_plain(p->base); i++)
		if (cell_plain(all->v[i].base))
			return false;
	return true;
}

/* One sentence for each line of the figure. */
static void say_crossings(FILE *f, const struct pairs *all)
{
	char text[1500];

	for (unsigned int i = 0; i < all->n; i++) {
		bool said = false;

		for (unsigned int k = 0; k < i; k++)
			said |= result_cells_equal(all->v[k].a, all->v[i].a, DIM_BIT(DIM_BS));
		if (said || !crossing_sentence(text, sizeof(text), all, i)[0])
			continue;
		fputs("<li>", f);
		html_words(f, text);
		fputs("</li>\n", f);
	}
}

/* Paths whose clients hand their memory over. */
static bool registration_amortises(const struct result_cell *a, const struct result_cell *base)
{
	return (is_ipc(a, base) || !strcmp(a->path, "uring-shm")) && fits_amortise(a) &&
	       fits_amortise(base);
}

static void say_paybacks(FILE *f, const struct pairs *all)
{
	char text[1500];

	for (unsigned int i = 0; i < all->n; i++) {
		fputs("<li>", f);
		html_words(f, payback_sentence(text, sizeof(text), &all->v[i]));
		fputs("</li>\n", f);
	}
}

/* clang-format off */
const struct question questions[] = {
	{.name = "why-kernel", .asks = "Why do this in the kernel at all?",
	 .about = "`ipc` passes the kernel by: client and server share memory, and requests take a ring. "
		  "It is held against `copy`, which reads and writes /dev/fuse. What `ipc` gives up is "
		  "everything that a file system does between a program and its data, and programs that do not know it.",
	 .dim = DIM_PATH, .base = "copy", .wants = is_ipc, .leads = at_both_ends,
	 .figures = {"throughput", "cpu"}, .remedy = "zcbench run why-kernel"},
	{.name = "kernel-paths", .asks = "What does each path through the kernel gain over copying?",
	 .about = "Each path held against `copy`, round by round.",
	 .dim = DIM_PATH, .base = "copy", .wants = in_kernel, .leads = at_largest,
	 .figures = {"throughput", "cpu", "latency"}, .remedy = "zcbench run quick"},
	{.name = "server-reads", .asks = "If the server reads the data anyway, may one as well copy?",
	 .about = "A path whose server reads the client's very bytes, held against a copy and a pass over it.",
	 .dim = DIM_PATH, .base = "copy", .wants = reads_in_place, .leads = everywhere,
	 .figures = {"sinks"}, .remedy = "zcbench run server-reads"},
	{.name = "reading", .asks = "What does reading cost a server that has its own copy?",
	 .about = "Sink `read`, a pass over every byte, against sink `null`, which drops the payload.",
	 .dim = DIM_SINK, .base = "null", .wants = reads_after_copy, .leads = at_largest,
	 .figures = {"sinks"}, .remedy = "zcbench run server-reads"},
	{.name = "crossover", .asks = "From which block size on is it faster than copying?",
	 .about = "A path is faster for certain where the whole interval of its throughput, divided by that of "
		  "`copy` round by round, lies above 1x.",
	 .dim = DIM_PATH, .base = "copy", .wants = has_rate, .say = say_crossings,
	 .figures = {"crossover"}, .remedy = "zcbench run crossover"},
	{.name = "amortise", .asks = "What is paid once: after how many transfers has it paid?",
	 .about = "A client of `ipc` or `uring-shm` has to find the server, connect, and hand over its memory, which the "
		  "server maps. "
		  "Held against opening the file of `copy`, round by round.",
	 .dim = DIM_PATH, .base = "copy", .wants = registration_amortises, .say = say_paybacks,
	 .figures = {"amortise"}, .remedy = "zcbench run amortise"},
	{.name = "scale-clients", .asks = "Does it scale with the number of clients?",
	 .about = "The throughput of all clients together, against that of the fewest.",
	 .dim = DIM_CLIENTS, .leads = at_most, .figures = {"clients"},
	 .remedy = "zcbench run scale-clients"},
	{.name = "depth", .asks = "What do more operations in flight give?",
	 .about = "Held against the lowest depth.",
	 .dim = DIM_DEPTH, .leads = at_most, .figures = {"depth"}, .remedy = "zcbench run --depth 1,4,16"},
	{.name = "direction", .asks = "Which direction does it help?",
	 .about = "READ held against WRITE on the same path.",
	 .dim = DIM_OP, .base = "write", .leads = at_largest, .figures = {"direction"},
	 .remedy = "zcbench run direction"},
	{.name = "unmodified", .asks = "What does it cost to leave the programs as they are?",
	 .about = "Through the page cache, as unmodified programs do it, held against O_DIRECT.",
	 .dim = DIM_ACCESS, .base = "direct", .wants = in_kernel, .leads = at_largest,
	 .remedy = "zcbench run why-kernel"},
	{.name = "sources", .asks = "Does it matter where the client's payload lives?",
	 .about = "Other sources held against `memfd`.",
	 .dim = DIM_SOURCE, .base = "memfd", .leads = at_largest, .figures = {"sources"},
	 .remedy = "zcbench run --source anon,memfd"},
	{.name = "placement", .asks = "Does it matter where client and server run?",
	 .about = "On the same CPUs, or where the scheduler likes, held against CPUs of their own (`split`).",
	 .dim = DIM_PIN, .base = "split", .leads = at_largest, .figures = {"placement"},
	 .remedy = "zcbench run placement"},
	{0},
};
/* clang-format on */

/* What changes along with the dimension, as figures have it. */
static unsigned int mask_of(enum dimension dim)
{
	return figure_along(&(const struct figure){.along = dim});
}

static bool is_base(const struct question *q, const struct result_cell *c, const struct result_cell *a)
{
	char value[300];

	if (q->dim == DIM_CLIENTS)
		return c->clients < a->clients;
	if (q->dim == DIM_DEPTH)
		return c->depth < a->depth;
	return !strcmp(result_cell_value(value, sizeof(value), c, q->dim), q->base);
}

static const struct result_cell *base_of(const struct question *q, const struct results *r,
					 const struct result_cell *a)
{
	const struct result_cell *base = NULL;

	for (unsigned int i = 0; i < r->ncells; i++) {
		const struct result_cell *c = &r->cells[i];

		if (c == a || !result_cells_equal(c, a, mask_of(q->dim)) || !is_base(q, c, a) ||
		    !cell_measured(c))
			continue;
		if (!base || c->clients < base->clients || c->depth < base->depth)
			base = c;
	}
	return base;
}

int pairs_find(struct pairs *p, const struct question *q, const struct results *r,
	       const struct result_file *file)
{
	*p = (struct pairs){.v = calloc(r->ncells + 1, sizeof(*p->v))};
	if (!p->v)
		return -ENOMEM;
	for (unsigned int i = 0; i < r->ncells && !file->emulated; i++) {
		const struct result_cell *a = &r->cells[i], *base;
		struct pair *pair = &p->v[p->n];

		/* nobody is held against himself: not even the base with other values of its own */
		if (a->file != file || !cell_measured(a) || (q->base && is_base(q, a, a)))
			continue;
		base = base_of(q, r, a);
		if (!base || (q->wants && !q->wants(a, base)))
			continue;
		*pair = (struct pair){.a = a, .base = base, .metric = "throughput_bytes_per_s"};
		if (result_cell_moves_nothing(a) || result_cell_moves_nothing(base))
			pair->metric = "latency_p50_ns";
		ratio_of(a, base, pair->metric, &pair->main);
		ratio_of(a, base, "cpu_ns_per_kib", &pair->cpu);
		p->n++;
	}
	return 0;
}

void pairs_free(struct pairs *p)
{
	free(p->v);
	*p = (struct pairs){0};
}
