// SPDX-License-Identifier: MIT
/* What counters counted, as a role's part of a round; see counters.h. */
#include "measure/counters.h"

json_t *counts_to_json(const struct counters *c, const struct counts *counts)
{
	json_t *out = json_object();

	for (unsigned int i = 0; i < c->n; i++) {
		const char *name = c->v[i].event->name;
		const struct count *count = &counts->v[i];
		json_t *ev = json_object_get(out, name);

		if (!count->known)
			continue;
		if (!ev) {
			ev = json_object();
			json_object_set_new(out, name, ev);
		}
		json_object_set_new(ev, domain_names[c->v[i].domain],
				    json_pack("[I, I, I]", (json_int_t)count->value,
					      (json_int_t)count->enabled_ns,
					      (json_int_t)count->running_ns));
	}
	return out;
}

static uint64_t element(const json_t *array, size_t i)
{
	return (uint64_t)json_integer_value(json_array_get(array, i));
}

static struct count difference(const json_t *before, const json_t *after)
{
	return (struct count){
		.value = element(after, 0) - element(before, 0),
		.enabled_ns = element(after, 1) - element(before, 1),
		.running_ns = element(after, 2) - element(before, 2),
	};
}

bool counters_scale(uint64_t count, uint64_t enabled_ns, uint64_t running_ns, uint64_t *value)
{
	*value = count;
	if (running_ns >= enabled_ns)
		return true; /* nothing to scale; a process that never ran counted 0 */
	if (!running_ns)
		return false;
	*value = (uint64_t)((long double)count * (long double)enabled_ns / (long double)running_ns +
			    0.5L);
	return true;
}

static void add(json_t *obj, const char *name, uint64_t n)
{
	json_int_t old = json_integer_value(json_object_get(obj, name));

	json_object_set_new(obj, name, json_integer(old + (json_int_t)n));
}

static const char *const not_read =
	"a process of this role could not open or read it; try: ulimit -n 65536, or fewer --events";
static const char *const never_ran =
	"it never got a counter in a round: others hold them, or the round was too short for so many "
	"events; try: fewer --events, a longer --runtime, or sudo sysctl kernel.nmi_watchdog=0";

/* One event of one process. NULL, or why it has no value. */
static const char *add_event(json_t *sum, const struct event *ev, const json_t *before,
			     const json_t *after)
{
	struct count least = {0};
	bool first = true, scaled = json_is_true(json_object_get(sum, "scaled"));

	for (int d = 0; d < DOMAIN_COUNT; d++) {
		const json_t *b = json_object_get(before, domain_names[d]);
		const json_t *a = json_object_get(after, domain_names[d]);
		struct count c;
		uint64_t value;

		if (!(ev->domains >> d & 1))
			continue;
		if (!a || (before && !b))
			return not_read;
		c = difference(b, a);
		if (!counters_scale(c.value, c.enabled_ns, c.running_ns, &value))
			return never_ran;
		scaled |= c.running_ns < c.enabled_ns;
		/* running / enabled, without dividing by 0 */
		if (first || (long double)c.running_ns * (long double)least.enabled_ns <
				     (long double)least.running_ns * (long double)c.enabled_ns)
			least = c;
		first = false;
		add(sum, domain_names[d], value);
	}
	add(sum, "enabled_ns", least.enabled_ns);
	add(sum, "running_ns", least.running_ns);
	json_object_set_new(sum, "scaled", json_boolean(scaled));
	return NULL;
}

void counters_add(json_t *role, const struct events *list, const json_t *before, const json_t *after,
		  json_t *missing)
{
	for (unsigned int i = 0; i < list->n; i++) {
		const struct event *ev = &list->v[i];
		json_t *sum = json_object_get(role, ev->name);
		const char *why;

		if (json_object_get(missing, ev->name))
			continue;
		if (!sum) {
			sum = json_object();
			json_object_set_new(role, ev->name, sum);
		}
		why = add_event(sum, ev, before ? json_object_get(before, ev->name) : NULL,
				json_object_get(after, ev->name));
		if (!why)
			continue;
		json_object_del(role, ev->name);
		json_object_set_new(missing, ev->name, json_string(why));
	}
}
