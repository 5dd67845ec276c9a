// SPDX-License-Identifier: MIT
/* Names of events; see events.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/options.h"
#include "measure/events.h"

#include <perfmon/pfmlib_perf_event.h> /* it yields to <linux/perf_event.h> if that came first */

const char *const domain_names[] = {"user", "kernel", "total", NULL};

const char *const events_default[] = {
	"cycles",           "instructions",          "cache-references", "cache-misses",
	"LLC-LOAD-MISSES",  "L1-DCACHE-LOAD-MISSES", "dTLB-load-misses", "task-clock",
	"context-switches", "cpu-migrations",        "page-faults",      NULL,
};

/* Software events that say nothing about user and kernel. A clock runs in both whatever the attributes
 * exclude, so it excludes the kernel: that needs no privilege. What the scheduler counts happens in the
 * kernel only; with the kernel excluded it would be 0 and a lie. */
static bool has_total_only(const struct perf_event_attr *a)
{
	if (a->type != PERF_TYPE_SOFTWARE)
		return false;
	switch (a->config) {
	case PERF_COUNT_SW_PAGE_FAULTS:
	case PERF_COUNT_SW_PAGE_FAULTS_MIN:
	case PERF_COUNT_SW_PAGE_FAULTS_MAJ:
	case PERF_COUNT_SW_ALIGNMENT_FAULTS:
	case PERF_COUNT_SW_EMULATION_FAULTS:
		return false;
	default:
		return true;
	}
}

static bool is_clock(const struct perf_event_attr *a)
{
	return a->config == PERF_COUNT_SW_CPU_CLOCK || a->config == PERF_COUNT_SW_TASK_CLOCK;
}

/* libpfm4's status, or PFM_SUCCESS. */
static int encode(const char *name, int privilege, struct perf_event_attr *attr)
{
	pfm_perf_encode_arg_t arg = {.attr = attr, .size = sizeof(arg)};

	*attr = (struct perf_event_attr){.size = sizeof(*attr)};
	return pfm_get_os_event_encoding(name, privilege, PFM_OS_PERF_EVENT_EXT, &arg);
}

static bool ready(void)
{
	static int status = 1;

	if (status == 1)
		status = pfm_initialize();
	return status == PFM_SUCCESS;
}

struct search {
	const char *word;
	char lower[96];
	const char *names[2]; /* one name and the end of the list, for nearest() */
	char near[96];
};

static void lower_case(char *to, size_t len, const char *from)
{
	snprintf(to, len, "%s", from);
	for (; *to; to++)
		*to = (char)tolower((unsigned char)*to);
}

/* Keeps the first name that is near; the default set is asked first. */
static void try_name(struct search *s, const char *name)
{
	char lower[96];
	const char *list[] = {lower, NULL};

	lower_case(lower, sizeof(lower), name);
	if (!s->near[0] && nearest(s->lower, list))
		snprintf(s->near, sizeof(s->near), "%s", name);
}

static void try_event(void *user, const char *name, const char *description, bool raw)
{
	(void)description;
	(void)raw;
	try_name(user, name);
}

static int no_such_event(const char *name, int status, struct err *e)
{
	struct search s = {.word = name};

	lower_case(s.lower, sizeof(s.lower), name);
	s.lower[strcspn(s.lower, ":")] = '\0';
	for (const char *const *d = events_default; *d; d++)
		try_name(&s, *d);
	if (!s.near[0])
		events_each(try_event, &s);
	if (status == PFM_ERR_ATTR || status == PFM_ERR_ATTR_VAL || status == PFM_ERR_ATTR_SET)
		return err_remedy((err_set(e, -EINVAL, "event '%s': %s", name, pfm_strerror(status)), e),
				  "the name alone counts user and kernel apart; NAME:u or NAME:k counts "
				  "one of them");
	if (status == PFM_ERR_UMASK)
		err_set(e, -EINVAL, "event '%s' needs a unit mask, or has none of that name", name);
	else
		err_set(e, -EINVAL, "there is no event '%s'", name);
	if (s.near[0])
		return err_remedy(e, "%s, or zcbench list --events for all of them", s.near);
	return err_remedy(e, "zcbench list --events");
}

/* libpfm4 knows names only where the kernel counts events. Where it does not, those of the default set are asked
 * for all the same, by a type that no kernel has, so that it is said of each why it is not counted. */
static bool resolve_without_kernel(struct event *ev, const char *name)
{
	if (!access("/proc/sys/kernel/perf_event_paranoid", F_OK))
		return false;
	for (const char *const *d = events_default; *d; d++)
		if (!strcasecmp(*d, name))
			snprintf(ev->name, sizeof(ev->name), "%s", *d);
	ev->domains = 1u << DOMAIN_TOTAL;
	ev->attr[DOMAIN_TOTAL] =
		(struct perf_event_attr){.size = sizeof(ev->attr[0]), .type = UINT32_MAX};
	return ev->name[0];
}

static int resolve(struct event *ev, const char *name, struct err *e)
{
	struct perf_event_attr *user = &ev->attr[DOMAIN_USER], *kernel = &ev->attr[DOMAIN_KERNEL];
	struct perf_event_attr *total = &ev->attr[DOMAIN_TOTAL];
	const bool modified = strchr(name, ':') != NULL;
	int status;

	*ev = (struct event){0};
	if (!ready())
		return err_set(e, -EINVAL,
			       "libpfm4, which knows the names of events, does not work here");
	status = encode(name, PFM_PLM3, user);
	if (status == PFM_SUCCESS)
		status = encode(name, PFM_PLM0, kernel);
	if (status != PFM_SUCCESS)
		return resolve_without_kernel(ev, name) ? 0 : no_such_event(name, status, e);
	snprintf(ev->name, sizeof(ev->name), "%s", name);
	for (const char *const *d = events_default; *d; d++)
		if (!strcasecmp(*d, name))
			snprintf(ev->name, sizeof(ev->name), "%s", *d);
	ev->hardware = user->type != PERF_TYPE_SOFTWARE;
	if (has_total_only(user)) {
		if (modified && user->exclude_user == kernel->exclude_user)
			return err_remedy(
				(err_set(e, -EINVAL, "event '%s' does not tell user from kernel", name),
				 e),
				"%.*s", (int)strcspn(name, ":"), name);
		*total = *user;
		total->exclude_user = 0;
		total->exclude_kernel = is_clock(total);
		ev->domains = 1u << DOMAIN_TOTAL;
	} else if (user->exclude_user != kernel->exclude_user) {
		ev->domains = 1u << DOMAIN_USER | 1u << DOMAIN_KERNEL;
	} else if (user->exclude_user == user->exclude_kernel) {
		*total = *user; /* NAME:u:k */
		ev->domains = 1u << DOMAIN_TOTAL;
	} else {
		ev->domains = user->exclude_kernel ? 1u << DOMAIN_USER : 1u << DOMAIN_KERNEL;
	}
	return 0;
}

int events_add(struct events *list, const char *name, struct err *e)
{
	struct event *ev = &list->v[list->n];
	int ret = 0;

	if (!strcmp(name, "none"))
		return 0;
	if (!strcmp(name, "default")) {
		for (const char *const *d = events_default; *d && !ret; d++)
			ret = events_add(list, *d, e);
		return ret;
	}
	if (list->n == EVENTS_MAX)
		return err_set(e, -EINVAL, "more than %d events", EVENTS_MAX);
	if (strlen(name) >= sizeof(ev->name))
		return err_set(e, -EINVAL, "the name of event '%.40s...' is too long", name);
	ret = resolve(ev, name, e);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < list->n; i++)
		if (!strcmp(list->v[i].name, ev->name))
			return 0;
	list->n++;
	return 0;
}

static const char *short_name(const char *name)
{
	static const char prefix[] = "PERF_COUNT_";

	return strncmp(name, prefix, sizeof(prefix) - 1) ? name : NULL;
}

static bool of_cpu(const pfm_pmu_info_t *p)
{
	return p->is_present && p->type == PFM_PMU_TYPE_CORE;
}

void events_each(void (*fn)(void *user, const char *name, const char *description, bool raw), void *user)
{
	pfm_pmu_t pmu;

	if (!ready())
		return;
	pfm_for_all_pmus(pmu)
	{
		pfm_pmu_info_t p = {.size = sizeof(p)};

		if (pfm_get_pmu_info(pmu, &p) != PFM_SUCCESS)
			continue;
		if (pmu != PFM_PMU_PERF_EVENT && !of_cpu(&p))
			continue;
		for (int i = p.first_event; i != -1; i = pfm_get_event_next(i)) {
			pfm_event_info_t info = {.size = sizeof(info)};

			/* the long names of the generic events have a short one beside them */
			if (pfm_get_event_info(i, PFM_OS_PERF_EVENT_EXT, &info) == PFM_SUCCESS &&
			    short_name(info.name))
				fn(user, info.name, info.desc, pmu != PFM_PMU_PERF_EVENT);
		}
	}
}

const char *events_cpu(void)
{
	const char *name = NULL;
	pfm_pmu_t pmu;

	if (!ready())
		return NULL;
	pfm_for_all_pmus(pmu)
	{
		pfm_pmu_info_t p = {.size = sizeof(p)};

		if (pfm_get_pmu_info(pmu, &p) == PFM_SUCCESS && of_cpu(&p))
			name = p.desc;
	}
	return name;
}
