// SPDX-License-Identifier: MIT
/* What two results say differently about where they were made; see compare.h. */
#include <errno.h>
#include <string.h>

#include "cli/compare.h"

static const struct {
	const char *kind;
	const char *member; /* of `host`; an object: all of its members */
} members[] = {
	{"host", "cpu_model"},
	{"host", "machine"},
	{"host", "cpus_possible"},
	{"host", "cpus_allowed"},
	{"host", "caches"},
	{"host", "virtual"},
	{"host", "virtual_machine"},
	{"kernel", "kernel"},
	{"kernel", "kernel_version"},
	{"kernel", "kernel_command_line"},
	{"settings", "memory_bytes"},
	{"settings", "smt"},
	{"settings", "governor"},
	{"settings", "clock_source"},
	{"settings", "transparent_hugepage"},
	{"settings", "fuse_max_pages_limit"},
	{"settings", "mitigations"},
	{"settings", "fuse_parameters"},
	{"settings", "checksum"},
	{"settings", "jansson"},
};

const char *const compare_across[] = {"host", "kernel", NULL};

static void as_text(char *buf, size_t len, const json_t *v)
{
	if (!v)
		snprintf(buf, len, "(absent)");
	else if (json_is_string(v))
		snprintf(buf, len, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(buf, len, "%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		snprintf(buf, len, "%s", json_is_true(v) ? "true" : "false");
	else
		snprintf(buf, len, "(something else)");
}

static void differ(struct difference *out, size_t *n, const char *kind, const char *of, const char *name,
		   const json_t *a, const json_t *b)
{
	struct difference *d = &out[*n];

	if (a == b || (a && b && json_equal(a, b)) || *n == DIFFERENCES_MAX)
		return;
	d->kind = kind;
	snprintf(d->member, sizeof(d->member), "%s%s%s", of, *of ? "." : "", name);
	as_text(d->base, sizeof(d->base), a);
	as_text(d->now, sizeof(d->now), b);
	(*n)++;
}

/* All members of two objects, each of which may be absent. */
static void differ_inside(struct difference *out, size_t *n, const char *kind, const char *of, json_t *a,
			  json_t *b)
{
	const char *name;
	json_t *v;

	json_object_foreach (a, name, v)
		differ(out, n, kind, of, name, v, json_object_get(b, name));
	json_object_foreach (b, name, v)
		if (!json_object_get(a, name))
			differ(out, n, kind, of, name, NULL, v);
}

size_t compare_hosts(const struct result_file *base, const struct result_file *now,
		     struct difference *out)
{
	static const char *const versions[] = {"zcbench", "git"};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		json_t *a = json_object_get(base->host, members[i].member);
		json_t *b = json_object_get(now->host, members[i].member);

		if (json_is_object(a) || json_is_object(b))
			differ_inside(out, &n, members[i].kind, members[i].member, a, b);
		else
			differ(out, &n, members[i].kind, "", members[i].member, a, b);
	}
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		differ(out, &n, "program", "", versions[i], json_object_get(base->root, versions[i]),
		       json_object_get(now->root, versions[i]));
	return n;
}

static bool has(const struct names *list, const char *name)
{
	for (unsigned int i = 0; i < list->n; i++)
		if (!strcmp(list->v[i], name))
			return true;
	return false;
}

int compare_check_hosts(const struct difference *d, size_t n, const struct names *across, struct err *e)
{
	char text[400] = "", remedy[32] = "";

	for (const char *const *kind = compare_across; *kind; kind++) {
		bool differs = false;

		for (size_t i = 0; i < n; i++) {
			size_t len = strlen(text);

			if (strcmp(d[i].kind, *kind) != 0)
				continue;
			differs = true;
			if (!has(across, *kind) && len < sizeof(text))
				snprintf(text + len, sizeof(text) - len, "%s%s: %.60s / %.60s",
					 len ? "; " : "", d[i].member, d[i].base, d[i].now);
		}
		if (differs)
			snprintf(remedy + strlen(remedy), sizeof(remedy) - strlen(remedy), "%s%s",
				 remedy[0] ? "," : "", *kind);
	}
	if (!text[0])
		return 0;
	err_set(e, -EXDEV, "the results are not of one machine: %s", text);
	return err_remedy(e, "--across %s, if that is meant", remedy);
}
