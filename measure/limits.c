// SPDX-License-Identifier: MIT
/* Measures the limits in turns and makes their object; see limits.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "lib/clock.h"
#include "lib/cpus.h"
#include "measure/caches.h"
#include "measure/limits.h"
#include "measure/stats.h"

#define BATCH_NS  (50 * NSEC_PER_USEC) /* of passes between two looks at the clock */
#define SAMPLE_NS NSEC_PER_MSEC
#define BATCHES   64
#define STEPS_MAX 16

/* One pass at one size. */
struct bandwidth {
	const struct limits_pass *pass;
	size_t bytes;
	const char *level;    /* NULL: a block size */
	unsigned long passes; /* in BATCH_NS; 0: not known yet */
	double *samples;
	unsigned int n;
};

struct step {
	const struct limits_step *ops;
	void *state;
	bool open;
	double *samples;
	unsigned int n;
};

struct limits {
	const struct limits_config *config;
	struct caches caches;
	char *memory;
	size_t size; /* of it */
	struct bandwidth *bandwidths;
	unsigned int nbandwidths;
	struct step steps[STEPS_MAX];
	unsigned int nsteps;
	double *samples; /* of all of them */
	json_t *missing; /* name to reason */
};

/* Where dst begins: not at the offset of src in a page, or loads would wait for stores 4 KiB away. */
static size_t dst_offset(const struct bandwidth *b)
{
	return ((b->bytes + 4095) & ~(size_t)4095) + 2048;
}

static size_t room(const struct bandwidth *b)
{
	return b->pass->two ? dst_offset(b) + b->bytes : b->bytes;
}

static int add_bandwidths(struct limits *l, size_t working_set, size_t bytes, const char *level)
{
	for (const struct limits_pass *p = limits_passes; p->name; p++) {
		struct bandwidth *more =
			realloc(l->bandwidths, (l->nbandwidths + 1) * sizeof(*l->bandwidths));
		struct bandwidth *b;

		if (!more)
			return -ENOMEM;
		l->bandwidths = more;
		b = &more[l->nbandwidths++];
		*b = (struct bandwidth){.pass = p, .level = level};
		b->bytes = bytes ? bytes : p->two ? working_set / 2 : working_set;
		if (room(b) > l->size)
			l->size = room(b);
	}
	return 0;
}

/* A working set is half of its cache: the rest is for what else runs. Memory: four times the last level,
 * if a quarter of what is free is that much. */
static int plan(struct limits *l)
{
	const struct caches *c = &l->caches;
	struct sysinfo info;
	size_t memory = 4 * c->llc;
	int ret = 0;

	for (unsigned int i = 0; i < l->config->nsizes && !ret; i++)
		ret = add_bandwidths(l, 0, l->config->sizes[i], NULL);
	if (ret || !l->config->levels)
		return ret;
	ret = add_bandwidths(l, c->l1 / 2, 0, "L1");
	if (!ret)
		ret = add_bandwidths(l, c->l2 / 2, 0, "L2");
	if (!ret && c->llc > c->l2)
		ret = add_bandwidths(l, c->llc / 2, 0, "LLC");
	if (!ret && !sysinfo(&info) && (double)info.freeram * info.mem_unit >= 4.0 * (double)memory)
		return add_bandwidths(l, memory, 0, "memory");
	if (!ret)
		json_object_set_new(l->missing, "memory",
				    json_string("less free memory than 16 times the last cache"));
	return ret;
}

/* Huge pages where the system gives them on advice: a limit shall not be one of the TLB. */
static int allocate(struct limits *l)
{
	l->memory = mmap(NULL, l->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l->memory == MAP_FAILED) {
		l->memory = NULL;
		return -ENOMEM;
	}
	madvise(l->memory, l->size, MADV_HUGEPAGE);
	memset(l->memory, 1, l->size); /* by the thread that will use it: first touch */
	return 0;
}

static void open_steps(struct limits *l)
{
	for (const struct limits_step *s = limits_steps; s->name && l->nsteps < STEPS_MAX; s++) {
		struct step *step = &l->steps[l->nsteps++];
		struct err e = {0};

		*step = (struct step){.ops = s};
		if (!s->open || !s->open(l->config, &step->state, &e)) {
			step->open = true;
			continue;
		}
		json_object_set_new(
			l->missing, s->name,
			json_sprintf("%s%s%s", e.what, e.remedy[0] ? "; try: " : "", e.remedy));
	}
}

static int allocate_samples(struct limits *l)
{
	const unsigned int rounds = l->config->rounds;
	double *next = calloc((size_t)rounds * (l->nbandwidths + l->nsteps), sizeof(*next));

	l->samples = next;
	if (!next)
		return -ENOMEM;
	for (unsigned int i = 0; i < l->nbandwidths; i++, next += rounds)
		l->bandwidths[i].samples = next;
	for (unsigned int i = 0; i < l->nsteps; i++, next += rounds)
		l->steps[i].samples = next;
	return 0;
}

static uint64_t time_passes(const struct limits *l, const struct bandwidth *b)
{
	uint64_t began = clock_ns();

	for (unsigned long i = 0; i < b->passes; i++)
		b->pass->run(l->memory + dst_offset(b), l->memory, b->bytes);
	return clock_ns() - began;
}

/* Bytes/s: the median of batches, so that one in which we lost the CPU does not count. */
static double sample_bandwidth(const struct limits *l, struct bandwidth *b)
{
	double ns[BATCHES], sum = 0;
	unsigned int n = 0;

	if (!b->passes) {
		/* also warms the caches */
		for (b->passes = 1; time_passes(l, b) < BATCH_NS && b->passes < 1ul << 24;)
			b->passes *= 2;
	}
	while (n < BATCHES && sum < SAMPLE_NS) {
		ns[n] = (double)time_passes(l, b);
		sum += ns[n++];
	}
	return (double)b->bytes * (double)b->passes * 1e9 / stats_median(ns, n);
}

static bool one_round(struct limits *l)
{
	for (unsigned int i = 0; i < l->nbandwidths && !*l->config->interrupted; i++) {
		struct bandwidth *b = &l->bandwidths[i];

		b->samples[b->n++] = sample_bandwidth(l, b);
	}
	for (unsigned int i = 0; i < l->nsteps && !*l->config->interrupted; i++) {
		struct step *s = &l->steps[i];
		double ns = s->open ? s->ops->sample(l->config, s->state) : NAN;

		if (isfinite(ns))
			s->samples[s->n++] = ns;
	}
	return !*l->config->interrupted;
}

static json_t *summary_json(const double *samples, unsigned int n, bool more_is_better)
{
	struct summary s = stats_summarise(samples, n);
	double best = samples[0];

	for (unsigned int i = 1; i < n; i++)
		best = more_is_better ? fmax(best, samples[i]) : fmin(best, samples[i]);
	return json_pack("{s:f, s:f, s:f, s:f}", "median", s.median, "lo", s.lo, "hi", s.hi, "best",
			 best);
}

static json_t *to_json(const struct limits *l, uint64_t elapsed_ns)
{
	const struct caches *c = &l->caches;
	json_t *bandwidth = json_array(), *latency = json_object(), *out;

	for (unsigned int i = 0; i < l->nbandwidths; i++) {
		const struct bandwidth *b = &l->bandwidths[i];
		json_t *j = summary_json(b->samples, b->n, true);

		json_object_set_new(j, "pass", json_string(b->pass->name));
		json_object_set_new(j, "bytes", json_integer((json_int_t)b->bytes));
		if (b->level)
			json_object_set_new(j, "level", json_string(b->level));
		json_array_append_new(bandwidth, j);
	}
	for (unsigned int i = 0; i < l->nsteps; i++) {
		const struct step *s = &l->steps[i];

		if (s->n)
			json_object_set_new(latency, s->ops->name,
					    summary_json(s->samples, s->n, false));
		else if (!json_object_get(l->missing, s->ops->name))
			json_object_set_new(l->missing, s->ops->name,
					    json_string("every attempt to sample it failed"));
	}
	out = json_pack("{s:{s:i}, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:b}, s:o, s:o, s:O}", "cpus",
			"client", l->config->client, "rounds", (json_int_t)l->config->rounds,
			"elapsed_ns", (json_int_t)elapsed_ns, "caches", "line", (json_int_t)c->line,
			"l1", (json_int_t)c->l1, "l2", (json_int_t)c->l2, "llc", (json_int_t)c->llc,
			"assumed", c->assumed, "bandwidth_bytes_per_s", bandwidth, "latency_ns", latency,
			"not_measured", l->missing);
	if (l->config->server >= 0)
		json_object_set_new(json_object_get(out, "cpus"), "server",
				    json_integer(l->config->server));
	return out;
}

static void tidy(struct limits *l)
{
	for (unsigned int i = 0; i < l->nsteps; i++) {
		struct step *s = &l->steps[i];

		if (s->open && s->ops->close)
			s->ops->close(s->state);
	}
	free(l->samples);
	if (l->memory)
		munmap(l->memory, l->size);
	free(l->bandwidths);
	json_decref(l->missing);
}

json_t *limits_measure(const struct limits_config *c, struct err *e)
{
	struct limits l = {.config = c, .missing = json_object()};
	const uint64_t start = clock_ns();
	json_t *out = NULL;

	cpus_bind_thread(c->client);
	caches_of(c->client < 0 ? 0 : c->client, &l.caches);
	open_steps(&l);
	if (plan(&l) || allocate(&l) || allocate_samples(&l)) {
		err_sys(e, -ENOMEM, "measuring the limits of the machine");
	} else {
		for (unsigned int r = 0; r < c->rounds && one_round(&l); r++)
			;
		if (*c->interrupted)
			err_set(e, -EINTR, "interrupted");
		else
			out = to_json(&l, clock_ns() - start);
	}
	tidy(&l);
	return out;
}
