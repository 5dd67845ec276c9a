// SPDX-License-Identifier: MIT
/* CPUs; see cpus.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cpus.h"

static bool read_line(const char *path, char *buf, int len)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(buf, len, f);

	if (f)
		fclose(f);
	return ok;
}

int cpus_possible(void)
{
	char line[256];
	char *last;

	/* "0-1", "0,2-7": the highest number is behind the last separator */
	if (!read_line("/sys/devices/system/cpu/possible", line, sizeof(line)))
		return 1;
	last = line + strcspn(line, "\n");
	while (last > line && last[-1] != '-' && last[-1] != ',')
		last--;
	return atoi(last) + 1;
}

/* The lowest hardware thread of a CPU's core; the CPU itself where that is not known. */
static int core_of(int cpu)
{
	char path[128], line[256];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	return read_line(path, line, sizeof(line)) ? atoi(line) : cpu;
}

bool cpus_share_core(int a, int b)
{
	return a != b && core_of(a) == core_of(b);
}

struct placed {
	int cpu, core;
};

static int by_core(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return x->core != y->core ? (x->core > y->core) - (x->core < y->core)
				  : (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

int cpus_allowed(int *cpus, int max)
{
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	struct placed *placed = calloc((size_t)max, sizeof(*placed));
	int n = 0;

	if (set && placed && !sched_getaffinity(0, size, set))
		for (int c = 0; c < CPUS_MAX && n < max; c++)
			if (CPU_ISSET_S(c, size, set))
				placed[n++] = (struct placed){c, core_of(c)};
	if (n)
		qsort(placed, (size_t)n, sizeof(*placed), by_core);
	for (int i = 0; i < n; i++)
		cpus[i] = placed[i].cpu;
	free(placed);
	CPU_FREE(set);
	return n;
}

void cpus_place(struct placement *p, const char *pin, unsigned int clients)
{
	int all[CPUS_MAX], n = cpus_allowed(all, CPUS_MAX), half = n / 2;

	p->nclient = p->nserver = 0;
	p->shared = n < 2;
	if (!strcmp(pin, "none") || n < 1)
		return;
	if (!strcmp(pin, "split") && n >= 2) {
		/* not through a core: the list has its hardware threads side by side */
		if (half > 1 && cpus_share_core(all[half - 1], all[half]))
			half--;
		p->nclient = half;
		p->nserver = n - half;
		memcpy(p->client, all, sizeof(int) * (size_t)half);
		memcpy(p->server, all + half, sizeof(int) * (size_t)(n - half));
		return;
	}
	p->shared = true;
	p->nclient = (int)clients < n ? (int)clients : n;
	p->nserver = p->nclient;
	memcpy(p->client, all, sizeof(int) * (size_t)p->nclient);
	memcpy(p->server, all, sizeof(int) * (size_t)p->nserver);
}

int cpus_bind_list(const int *cpus, int n)
{
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	int ret = 0;

	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	for (int i = 0; i < n; i++)
		CPU_SET_S(cpus[i], size, set);
	if (sched_setaffinity(0, size, set))
		ret = -errno;
	CPU_FREE(set);
	return ret;
}

int cpus_bind_thread(int cpu)
{
	return cpu < 0 ? 0 : cpus_bind_list(&cpu, 1);
}

int cpus_for_queue(int queue)
{
	int cpus[CPUS_MAX];
	int n = cpus_allowed(cpus, CPUS_MAX);

	for (int i = 0; i < n; i++)
		if (cpus[i] == queue)
			return queue;
	return n ? cpus[queue % n] : -1;
}
