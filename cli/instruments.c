// SPDX-License-Identifier: MIT
/* Which events are counted in a run; see instruments.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/instruments.h"

/* Tries them in this process: only what can be opened is left in the list. */
static void keep_what_works(struct instruments *ins)
{
	struct counters *c = malloc(sizeof(*c));
	struct events all = ins->events;

	if (!c)
		abort();
	counters_open(c, &all, 0, -1);
	ins->missing = json_incref(c->missing);
	ins->events.n = 0;
	for (unsigned int i = 0; i < all.n; i++) {
		struct event *ev = &all.v[i];

		ev->domains = 0;
		for (unsigned int k = 0; k < c->n; k++)
			if (c->v[k].event == ev)
				ev->domains |= 1u << c->v[k].domain;
		if (ev->domains)
			ins->events.v[ins->events.n++] = *ev;
	}
	counters_close(c);
	free(c);
}

static char *joined(const struct events *list)
{
	size_t len = sizeof("none"), used = 0;
	char *text;

	for (unsigned int i = 0; i < list->n; i++)
		len += strlen(list->v[i].name) + 1;
	text = malloc(len);
	if (!text)
		abort();
	snprintf(text, len, "%s", "none");
	for (unsigned int i = 0; i < list->n; i++)
		used += (size_t)snprintf(text + used, len - used, "%s%s", i ? "," : "", list->v[i].name);
	return text;
}

/* "system EVENT": why */
static void miss_in_system(struct instruments *ins, const json_t *missing)
{
	const char *name;
	json_t *why;

	json_object_foreach ((json_t *)missing, name, why) {
		char key[128];

		snprintf(key, sizeof(key), "system %s", name);
		json_object_set(ins->missing, key, why);
	}
}

static void count_system(struct instruments *ins)
{
	int n = (int)sysconf(_SC_NPROCESSORS_CONF);
	json_t *refused = NULL;

	for (unsigned int i = 0; i < ins->events.n; i++)
		/* a CPU's clock runs whatever it does: it says nothing */
		if (strcmp(ins->events.v[i].name, "task-clock") &&
		    strcmp(ins->events.v[i].name, "cpu-clock"))
			ins->cpu_events.v[ins->cpu_events.n++] = ins->events.v[i];
	ins->cpus = calloc((size_t)n, sizeof(*ins->cpus));
	if (!ins->cpus)
		abort();
	for (int cpu = 0; cpu < n; cpu++) {
		struct counters *c = &ins->cpus[ins->ncpus];

		counters_open(c, &ins->cpu_events, -1, cpu);
		if (c->n) {
			miss_in_system(ins, c->missing);
			ins->ncpus++;
			continue;
		}
		/* it is offline, or nothing is allowed */
		json_decref(refused);
		refused = json_incref(c->missing);
		counters_close(c);
	}
	if (!ins->ncpus) {
		miss_in_system(ins, refused);
		free(ins->cpus);
		ins->cpus = NULL;
	}
	json_decref(refused);
}

/* A line for each reason, with all the events that it keeps away. */
static void warn_missing(json_t *missing)
{
	json_t *said = json_object(), *why, *other_why;
	const char *name, *other;

	json_object_foreach (missing, name, why) {
		const char *text = json_string_value(why);
		char names[400] = "";

		if (json_object_get(said, text))
			continue;
		json_object_set_new(said, text, json_true());
		json_object_foreach (missing, other, other_why) {
			if (strcmp(json_string_value(other_why), text))
				continue;
			strncat(names, names[0] ? ", " : "", sizeof(names) - strlen(names) - 1);
			strncat(names, other, sizeof(names) - strlen(names) - 1);
		}
		warn("not counted: %s: %s", names, text);
	}
	json_decref(said);
}

int instruments_open(struct instruments *ins, const struct config *config, struct err *e)
{
	for (unsigned int i = 0; i < config->events.n; i++) {
		int ret = events_add(&ins->events, config->events.v[i], e);

		if (ret)
			return ret;
	}
	keep_what_works(ins);
	ins->names = joined(&ins->events);
	if (config->events_system)
		count_system(ins);
	/* the default set is whatever there is; what somebody asked for is worth a line */
	ins->asked =
		config->events.n != 1 || strcmp(config->events.v[0], "default") || config->events_system;
	if (!ins->asked)
		return 0;
	warn_missing(ins->missing);
	return 0;
}

void instruments_close(struct instruments *ins)
{
	for (int i = 0; i < ins->ncpus; i++)
		counters_close(&ins->cpus[i]);
	free(ins->cpus);
	free(ins->names);
	json_decref(ins->missing);
}

json_t *instruments_names(const struct instruments *ins)
{
	json_t *out = json_array();

	for (unsigned int i = 0; ins && i < ins->events.n; i++)
		json_array_append_new(out, json_string(ins->events.v[i].name));
	return out;
}

json_t *instruments_read(const struct instruments *ins)
{
	json_t *out;

	if (!ins || !ins->cpus)
		return NULL;
	out = json_array();
	for (int i = 0; i < ins->ncpus; i++) {
		struct counts counts;

		counters_read(&ins->cpus[i], &counts);
		json_array_append_new(out, counts_to_json(&ins->cpus[i], &counts));
	}
	return out;
}

/* The events of one role that have no value, as {"ROLE EVENT": why}. */
static void note(json_t *missing, const char *role, json_t *why_not)
{
	const char *name;
	json_t *why;

	json_object_foreach (why_not, name, why) {
		char key[128];

		snprintf(key, sizeof(key), "%s %s", role, name);
		json_object_set(missing, key, why);
	}
	json_decref(why_not);
}

json_t *instruments_counters(const struct instruments *ins, const json_t *clients, const json_t *before,
			     const json_t *after, const json_t *cpus_before, const json_t *cpus_after,
			     json_t *missing)
{
	json_t *out, *role, *why_not;
	const json_t *v;
	size_t i;

	if (!ins || !ins->events.n)
		return NULL;
	out = json_object();
	role = json_object();
	why_not = json_object();
	json_array_foreach ((json_t *)clients, i, v)
		counters_add(role, &ins->events, json_object_get(v, "counters_before"),
			     json_object_get(v, "counters"), why_not);
	json_object_set_new(out, "client", role);
	note(missing, "client", why_not);

	role = json_object();
	why_not = json_object();
	counters_add(role, &ins->events, json_object_get(before, "counters"),
		     json_object_get(after, "counters"), why_not);
	json_object_set_new(out, "server", role);
	note(missing, "server", why_not);

	if (!cpus_after)
		return out;
	role = json_object();
	why_not = json_object();
	json_array_foreach ((json_t *)cpus_after, i, v)
		counters_add(role, &ins->cpu_events, json_array_get(cpus_before, i), v, why_not);
	json_object_set_new(out, "system", role);
	note(missing, "system", why_not);
	return out;
}
