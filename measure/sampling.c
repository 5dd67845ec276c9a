// SPDX-License-Identifier: MIT
/* Sampling; see sampling.h. The ring buffers of perf_event_open(2) are in sampling_ring.c. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "measure/classes.h"
#include "measure/sampling.h"
#include "measure/sampling_ring.h"
#include "measure/symbols.h"

#define SAMPLES_MAX (256ull << 20) /* bytes that are kept of one round */

const char *const role_names[] = {"client", "server", NULL};

struct sampler {
	struct ring_set rings;
	struct symbols *symbols;
	pthread_t thread;
	atomic_bool stop;
	const struct sampled *who;
	unsigned int n;
	/* the samples: for each its process's index in who, when, how many addresses, and these */
	uint64_t *kept;
	size_t used, allocated;
	uint64_t lost;
};

static void lose(void *user, uint64_t n)
{
	struct sampler *s = user;

	s->lost += n;
}

static void keep(void *user, pid_t pid, uint64_t when, const uint64_t *ips, uint64_t n)
{
	struct sampler *s = user;
	unsigned int i;

	for (i = 0; i < s->n; i++)
		if (s->who[i].pid == pid)
			break;
	if (i == s->n)
		return; /* somebody else's */
	if (s->used + n + 3 > s->allocated) {
		size_t more = s->allocated ? 2 * s->allocated : 1 << 17;
		uint64_t *p =
			more * sizeof(*p) > SAMPLES_MAX ? NULL : realloc(s->kept, more * sizeof(*p));

		if (!p) {
			s->lost++;
			return;
		}
		s->kept = p;
		s->allocated = more;
	}
	s->kept[s->used++] = i;
	s->kept[s->used++] = when;
	s->kept[s->used++] = n;
	memcpy(&s->kept[s->used], ips, n * sizeof(*ips));
	s->used += n;
}

static void *fetch(void *user)
{
	const struct timespec nap = {.tv_nsec = 100 * NSEC_PER_MSEC};
	struct sampler *s = user;

	while (!atomic_load(&s->stop)) {
		nanosleep(&nap, NULL);
		rings_drain(&s->rings, keep, lose, s);
	}
	return NULL;
}

int sampler_open(struct sampler **out, struct err *e)
{
	struct sampler *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return err_sys(e, -ENOMEM, "sampling");
	ret = symbols_open(&s->symbols, e);
	if (!ret)
		ret = rings_open(&s->rings, SAMPLES_HZ, e);
	if (ret) {
		sampler_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	rings_close(&s->rings);
	symbols_close(s->symbols);
	free(s->kept);
	free(s);
}

int sampler_start(struct sampler *s, const struct sampled *who, unsigned int n)
{
	int ret;

	s->who = who;
	s->n = n;
	s->used = 0;
	s->lost = 0;
	atomic_store(&s->stop, false);
	rings_drain(&s->rings, keep, lose, s); /* what is left from before */
	s->used = 0;
	s->lost = 0;
	ret = -pthread_create(&s->thread, NULL, fetch, s);
	if (!ret)
		rings_enable(&s->rings, true);
	return ret;
}

void sampler_stop(struct sampler *s)
{
	rings_enable(&s->rings, false);
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	rings_drain(&s->rings, keep, lose, s);
}

static void count(json_t *obj, const char *name, uint64_t n)
{
	json_int_t old = json_integer_value(json_object_get(obj, name));

	json_object_set_new(obj, name, json_integer(old + (json_int_t)n));
}

static json_t *object(json_t *parent, const char *name)
{
	json_t *obj = json_object_get(parent, name);

	if (!obj) {
		obj = json_object();
		json_object_set_new(parent, name, obj);
	}
	return obj;
}

/* One sample's addresses as frames, innermost first. Markers say to which side the next ones belong. */
static size_t frames_of(const struct sampler *s, const struct mappings *m, const uint64_t *ips, size_t n,
			struct frame *frames)
{
	bool kernel = true;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (ring_is_marker(ips[i])) {
			kernel = ring_marks_kernel(ips[i]);
			continue;
		}
		frames[k].kernel = kernel;
		frames[k++].symbol = kernel ? symbols_kernel(s->symbols, ips[i])
				     : m    ? symbols_user(m, ips[i])
					    : "[unknown]";
	}
	return k;
}

static void fold(json_t *stacks, const char *role, const struct frame *frames, size_t n)
{
	char line[RING_FRAMES_MAX * 80];
	size_t used = (size_t)snprintf(line, sizeof(line), "%s", role);

	while (n-- && used < sizeof(line))
		used += (size_t)snprintf(line + used, sizeof(line) - used, ";%s%s", frames[n].symbol,
					 frames[n].kernel ? "_[k]" : "");
	count(stacks, line, 1);
}

void sampler_take(struct sampler *s, json_t *shares, json_t *stacks)
{
	struct mappings **maps = calloc(s->n ? s->n : 1, sizeof(struct mappings *));
	struct frame frames[RING_FRAMES_MAX];

	for (unsigned int i = 0; maps && i < s->n; i++)
		if (symbols_process(s->symbols, s->who[i].pid, &maps[i]))
			maps[i] = NULL;
	for (size_t at = 0, n; maps && at < s->used; at += 3 + n) {
		const uint64_t *sample = &s->kept[at];
		const struct sampled *who = &s->who[sample[0]];
		enum code_class class;
		json_t *role;
		size_t k;

		n = sample[2];
		if (sample[1] < who->from_ns || sample[1] > who->to_ns)
			continue;
		k = frames_of(s, maps[sample[0]], &sample[3], n, frames);
		class = class_of_stack(frames, k);
		/* what makes a READ's payload on the server is the sink's work on it */
		if (class == CLASS_PRODUCE && who->role == ROLE_SERVER)
			class = CLASS_CHECKSUM;
		role = object(shares, role_names[who->role]);
		count(role, "samples", 1);
		count(object(role, "classes"), class_names[class], 1);
		fold(stacks, role_names[who->role], frames, k);
	}
	count(shares, "lost", s->lost);
	for (unsigned int i = 0; maps && i < s->n; i++)
		symbols_process_free(maps[i]);
	free(maps);
}

const char *sampler_event(const struct sampler *s)
{
	return s->rings.hardware ? "cycles" : "cpu-clock";
}
