// SPDX-License-Identifier: MIT
/* A process's side of the pollution pass; see pollution.h. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/clock.h"
#include "lib/control.h"
#include "lib/cpus.h"
#include "measure/caches.h"
#include "measure/chase.h"
#include "measure/pollution.h"

#define SETS  2
#define LOOKS 3

static struct chase chases[SETS]; /* of this process; as in pollution_sets */

/* A server's threads may run anywhere in its half of the CPUs; the set has to be where they are. */
static int gather_threads(int cpu)
{
	DIR *d = opendir("/proc/self/task");
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	struct dirent *entry;
	int ret = d && set ? 0 : -ENOMEM;

	if (!ret) {
		CPU_ZERO_S(size, set);
		CPU_SET_S(cpu, size, set);
	}
	while (!ret && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && sched_setaffinity(atoi(entry->d_name), size, set) &&
		    errno != ESRCH && errno != EINVAL) /* it ended meanwhile; io_uring's own workers */
			ret = -errno;
	if (d)
		closedir(d);
	CPU_FREE(set);
	return ret;
}

static struct {
	pthread_t thread;
	bool runs;
	atomic_bool stop;
} awake;

static void *stay_awake(void *arg)
{
	const int policy = sched_getscheduler(0);
	const bool realtime = policy == SCHED_FIFO || policy == SCHED_RR;
	const struct sched_param p = {.sched_priority = realtime ? sched_get_priority_min(policy) : 0};

	(void)arg;
	/* below all others, which any thread may become; or, where the user made the run a real-time one, below
	 * its other threads, and so keeping the rest of the machine off this CPU */
	sched_setscheduler(0, realtime ? policy : SCHED_IDLE, &p);
	while (!atomic_load_explicit(&awake.stop, memory_order_relaxed))
		;
	return NULL;
}

/* On the CPU of the calling thread. */
static int start_awake(void)
{
	int ret;

	atomic_store(&awake.stop, false);
	ret = -pthread_create(&awake.thread, NULL, stay_awake, NULL);
	awake.runs = !ret;
	return ret;
}

static json_t *close_sets(void)
{
	if (awake.runs) {
		atomic_store(&awake.stop, true);
		pthread_join(awake.thread, NULL);
		awake.runs = false;
	}
	for (int i = 0; i < SETS; i++)
		chase_close(&chases[i]);
	return json_pack("{s:b}", "ok", 1);
}

/* Looks at a set while nothing else happens. True, with the time of a line in memory, if its cache holds
 * it; else the reason. */
static bool held(const struct chase *c, double *memory_ns, char *why, size_t len)
{
	const size_t some = c->lines / 8; /* those that were used longest ago */
	double best = INFINITY;

	if (!chase_flush(c)) {
		snprintf(why, len, "no user code can flush the caches of this CPU");
		return false;
	}
	*memory_ns = chase_time(c, some);
	for (int i = 0; i < LOOKS && best > *memory_ns / 2; i++) {
		chase_warm(c, 1);
		best = fmin(best, chase_time(c, some));
	}
	if (best <= *memory_ns / 2)
		return true;
	snprintf(why, len,
		 "%zu KiB do not stay in this cache: %.3g ns a line at best while nothing happens, %.3g "
		 "ns "
		 "from memory; others use the cache, or it is smaller than sysfs says",
		 c->lines * c->line / 1024, best, *memory_ns);
	return false;
}

static json_t *open_sets(int cpu)
{
	json_t *sets = json_object(), *missing = json_object();
	bool huge = true;
	struct caches c;
	struct err e = {0};
	int ret = gather_threads(cpu);

	if (!ret)
		ret = start_awake();
	if (ret)
		err_sys(&e, ret, "all threads on CPU %d, and one to keep it awake", cpu);
	caches_of(cpu, &c);
	for (int i = 0; i < SETS && !ret; i++) {
		const size_t bytes = (i ? c.llc : c.l2) / 2;
		char why[256] = "this CPU has no third level of cache";
		double memory_ns;

		if (!i || c.llc > c.l2) {
			ret = chase_open(&chases[i], bytes, c.line, 12345, &e);
			if (ret)
				break;
			if (held(&chases[i], &memory_ns, why, sizeof(why))) {
				huge &= chases[i].huge;
				json_object_set_new(sets, pollution_sets[i],
						    json_pack("{s:I, s:f, s:f}", "bytes",
							      (json_int_t)bytes, "memory_ns_per_line",
							      memory_ns, "lap_ns",
							      memory_ns * (double)chases[i].lines));
				continue;
			}
			chase_close(&chases[i]);
		}
		json_object_set_new(missing, pollution_sets[i], json_string(why));
	}
	if (!ret)
		return json_pack("{s:b, s:b, s:o, s:o}", "huge_pages", huge, "assumed", c.assumed,
				 "sets", sets, "not_measured", missing);
	json_decref(sets);
	json_decref(missing);
	json_decref(close_sets());
	return control_error(&e);
}

static const struct chase *find(const char *name)
{
	for (int i = 0; name && i < SETS; i++)
		if (!strcmp(pollution_sets[i], name) && chases[i].map)
			return &chases[i];
	return NULL;
}

bool pollution_warm(const char *set)
{
	const struct chase *c = find(set);

	if (c)
		chase_warm(c, 2);
	return c != NULL;
}

double pollution_time(const char *set)
{
	const struct chase *c = find(set);

	return chase_time(c, c->lines);
}

static json_t *hold(const struct chase *c, int fd)
{
	json_t *msg = NULL;
	uint64_t held_at;
	double ns;
	char byte;

	if (control_send(fd, json_pack("{s:b}", "ok", 1)))
		return NULL;
	chase_warm(c, 2);
	held_at = clock_ns();
	/* the path's threads are on this CPU, too */
	while (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR))
		sched_yield();
	ns = chase_time(c, c->lines);
	if (control_recv(fd, &msg, 0))
		return NULL;
	json_decref(msg);
	return json_pack("{s:f, s:I}", "ns_per_line", ns, "held_at_ns", (json_int_t)held_at);
}

json_t *pollution_order(const json_t *msg, int fd)
{
	const char *what = json_string_value(json_object_get(msg, "do"));
	const struct chase *c = find(json_string_value(json_object_get(msg, "set")));
	struct err e;

	if (what && !strcmp(what, "open"))
		return open_sets((int)json_integer_value(json_object_get(msg, "cpu")));
	if (what && !strcmp(what, "close"))
		return close_sets();
	if (what && c && !strcmp(what, "hold"))
		return hold(c, fd);
	err_set(&e, -EINVAL, "no such order, or no such working set");
	return control_error(&e);
}
