// SPDX-License-Identifier: MIT
/* zcbench list --events: what can be counted here, found out by opening each event. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cmd.h"
#include "measure/counters.h"

struct listing {
	struct events one;
	struct counters counters;
	bool hardware; /* some hardware event works */
	bool raw;      /* which part is being printed */
	unsigned int left_out;
};

/* Opens one event; which domains work is in l->counters, to be closed by the caller. */
static bool try_event(struct listing *l, const char *name)
{
	struct err e;

	l->one.n = 0;
	l->counters = (struct counters){0};
	if (events_add(&l->one, name, &e))
		return false;
	counters_open(&l->counters, &l->one, 0, -1);
	l->hardware |= l->counters.n && l->one.v[0].hardware;
	return true;
}

static void domains(const struct counters *c, char *text, size_t len)
{
	text[0] = '\0';
	for (unsigned int i = 0; i < c->n; i++)
		snprintf(text + strlen(text), len - strlen(text), "%s%s", i ? " + " : "",
			 domain_names[c->v[i].domain]);
}

static void list_default(struct listing *l)
{
	char said[600] = "";

	printf("events of the default set\n");
	for (const char *const *d = events_default; *d; d++) {
		const char *why;
		char text[40];

		if (!try_event(l, *d))
			continue;
		domains(&l->counters, text, sizeof(text));
		why = json_string_value(json_object_get(l->counters.missing, l->one.v[0].name));
		printf("  %-30s %-4s %s\n", *d, l->counters.n ? "yes" : "no", text);
		if (why && strcmp(why, said)) {
			printf("  %-30s      why%s: %s\n", "", l->counters.n ? " not all" : "", why);
			snprintf(said, sizeof(said), "%s", why);
		}
		counters_close(&l->counters);
	}
}

static bool in_default(const char *name)
{
	for (const char *const *d = events_default; *d; d++)
		if (!strcasecmp(*d, name))
			return true;
	return false;
}

static void list_one(void *user, const char *name, const char *description, bool raw)
{
	struct listing *l = user;
	char text[40];

	if (raw != l->raw || in_default(name))
		return;
	if (!try_event(l, name)) {
		l->left_out++;
		return;
	}
	domains(&l->counters, text, sizeof(text));
	if (l->counters.n)
		printf("  %-30s %-14s %.70s\n", name, text, description ? description : "");
	else
		l->left_out++;
	counters_close(&l->counters);
}

int list_events(void)
{
	struct listing *l = calloc(1, sizeof(*l));
	const char *cpu = events_cpu();

	if (!l)
		abort();
	list_default(l);
	printf("\nmore events that this machine has (zcbench run --events NAME)\n");
	events_each(list_one, l);
	if (l->left_out)
		printf("  (%u generic events cannot be counted here)\n", l->left_out);
	l->left_out = 0;
	l->raw = true;
	if (cpu && l->hardware) {
		printf("\nevents of this CPU, %s; some need a unit mask (NAME:MASK)\n", cpu);
		events_each(list_one, l);
		if (l->left_out)
			printf("  (%u more need a unit mask, or cannot be counted here)\n", l->left_out);
	} else if (cpu) {
		printf("\nevents of this CPU, %s: none can be counted here\n", cpu);
	}
	printf("\nNAME alone counts user and kernel apart where they can be told apart; NAME:u and "
	       "NAME:k "
	       "count one of them.\n");
	free(l);
	return EXIT_OK;
}
