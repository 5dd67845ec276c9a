// SPDX-License-Identifier: MIT
/* Hand-overs between two threads; see handover.h. */
#include <linux/futex.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/checksum.h"
#include "lib/clock.h"
#include "lib/cpus.h"
#include "lib/pattern.h"
#include "measure/handover.h"
#include "measure/hist.h"
#include "measure/stats.h"

#define STOP UINT32_MAX

/* 128 bytes apart: some CPUs fetch lines in pairs. */
struct lane {
	_Alignas(128) _Atomic uint32_t request;
	_Alignas(128) _Atomic uint32_t reply;
	_Alignas(128) size_t bs;
	int cpu;
	char *payload;
	volatile uint64_t sum; /* so that no compiler can leave the reading out */
};

static void *poller(void *arg)
{
	struct lane *l = arg;

	cpus_bind_thread(l->cpu);
	for (uint32_t n = 1;; n++) {
		uint32_t r;

		while ((r = atomic_load_explicit(&l->request, memory_order_acquire)) != n)
			if (r == STOP)
				return NULL;
			else
				cpu_relax();
		if (l->bs)
			l->sum += checksum(l->payload, l->bs);
		atomic_store_explicit(&l->reply, n, memory_order_release);
	}
}

static void exchange(struct lane *l, uint32_t n)
{
	atomic_store_explicit(&l->request, n, memory_order_release);
	while (atomic_load_explicit(&l->reply, memory_order_acquire) != n)
		cpu_relax();
}

static double payload_batches(struct lane *l, unsigned int n)
{
	struct hist *h = malloc(sizeof(*h));
	double median = NAN;

	if (!h)
		return NAN;
	hist_init(h);
	for (uint32_t i = 1; i <= n; i++) {
		uint64_t began;

		pattern_fill(l->payload, l->bs, 0, i);
		began = clock_ns();
		exchange(l, i);
		hist_add(h, clock_ns() - began);
	}
	median = hist_quantile(h, 0.5);
	free(h);
	return median;
}

/* The median over batches of the time of one call of `one`. */
static double line_batches(struct lane *l, void (*one)(struct lane *, uint32_t), unsigned int batches,
			   unsigned int batch)
{
	double *ns = malloc(batches * sizeof(*ns)), median;
	uint32_t n = 0;

	if (!ns)
		return NAN;
	for (unsigned int b = 0; b < batches; b++) {
		uint64_t began = clock_ns();

		for (unsigned int i = 0; i < batch; i++)
			one(l, ++n);
		ns[b] = (double)(clock_ns() - began) / batch;
	}
	median = stats_median(ns, batches);
	free(ns);
	return median;
}

double handover_poll(int cpu, size_t bs, unsigned int batches, unsigned int batch)
{
	struct lane l = {.bs = bs, .cpu = cpu};
	double ns = NAN;
	pthread_t t;

	if (bs && posix_memalign((void **)&l.payload, 4096, bs))
		return NAN;
	if (bs)
		memset(l.payload, 1, bs);
	if (!pthread_create(&t, NULL, poller, &l)) {
		ns = bs ? payload_batches(&l, batches * batch)
			: line_batches(&l, exchange, batches, batch);
		atomic_store(&l.request, STOP);
		pthread_join(t, NULL);
	}
	free(l.payload);
	return ns;
}

static void futex_wait(_Atomic uint32_t *word, uint32_t while_is)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, while_is, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *sleeper(void *arg)
{
	struct lane *l = arg;
	uint32_t seen = 0, r;

	cpus_bind_thread(l->cpu);
	for (;;) {
		while ((r = atomic_load(&l->request)) == seen)
			futex_wait(&l->request, seen);
		if (r == STOP)
			return NULL;
		seen = r;
		atomic_store(&l->reply, r);
		futex_wake(&l->reply);
	}
}

static void sleeping_exchange(struct lane *l, uint32_t n)
{
	uint32_t seen;

	atomic_store(&l->request, n);
	futex_wake(&l->request);
	while ((seen = atomic_load(&l->reply)) != n)
		futex_wait(&l->reply, seen);
}

double handover_futex(int cpu, unsigned int batches, unsigned int batch)
{
	struct lane l = {.cpu = cpu};
	double ns = NAN;
	pthread_t t;

	if (pthread_create(&t, NULL, sleeper, &l))
		return NAN;
	ns = line_batches(&l, sleeping_exchange, batches, batch);
	atomic_store(&l.request, STOP);
	futex_wake(&l.request);
	pthread_join(t, NULL);
	return ns;
}
