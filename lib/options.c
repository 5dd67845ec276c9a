// SPDX-License-Identifier: MIT
/* Options from tables; see options.h. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/options.h"
#include "lib/units.h"

static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), row[64];

	if (la > 60 || lb > 60)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diag = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diag + (a[i - 1] != b[j - 1]);

			diag = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *nearest(const char *word, const char *const *list)
{
	const char *best = NULL;
	size_t best_d = 3;

	for (; *list; list++) {
		size_t d = distance(word, *list);

		if (d < best_d && d < strlen(*list)) {
			best_d = d;
			best = *list;
		}
	}
	return best;
}

static bool in_list(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

static int bad_choice(const struct opt *o, const char *value, const char *where, struct err *e)
{
	const char *near = nearest(value, o->choices);
	char all[400] = "";

	for (const char *const *c = o->choices; *c; c++) {
		strncat(all, all[0] ? ", " : "", sizeof(all) - strlen(all) - 1);
		strncat(all, *c, sizeof(all) - strlen(all) - 1);
	}
	err_set(e, -EINVAL, "%s: '%s' is not one of: %s", where, value, all);
	if (near)
		err_remedy(e, "%s %s", where, near);
	return -EINVAL;
}

static const char *kind(const struct opt *o)
{
	switch (o->type) {
	case OPT_SIZE:
	case OPT_SIZES:
		return "a size such as 4096, 64k or 1m";
	case OPT_TIME:
		return o->auto_ok ? "a time such as 200ms, 1s or 2m, or auto"
				  : "a time such as 200ms, 1s or 2m";
	default:
		return "a whole number";
	}
}

/* A limit as one would type it. */
static const char *limit(const struct opt *o, char *buf, size_t len, uint64_t v)
{
	switch (o->type) {
	case OPT_SIZE:
	case OPT_SIZES:
		return format_size(buf, len, v);
	case OPT_TIME:
		return format_time(buf, len, (double)v);
	default:
		snprintf(buf, len, "%" PRIu64, v);
		return buf;
	}
}

static int one_number(const struct opt *o, const char *text, uint64_t *v, const char *where,
		      struct err *e)
{
	uint64_t max = o->max ? o->max : UINT64_MAX;
	char lo[32], hi[32];
	int ret;

	if (o->auto_ok && !strcmp(text, "auto")) {
		*v = OPT_AUTO;
		return 0;
	}
	if (o->type == OPT_SIZE || o->type == OPT_SIZES)
		ret = parse_size(text, v);
	else if (o->type == OPT_TIME)
		ret = parse_time(text, v);
	else
		ret = parse_uint(text, 0, UINT64_MAX, v);
	if (ret == -EINVAL)
		return err_set(e, -EINVAL, "%s: '%s' is not %s", where, text, kind(o));
	if (ret || *v < o->min || *v > max)
		return err_set(e, -EINVAL, "%s: '%s' is out of range (%s to %s)", where, text,
			       limit(o, lo, sizeof(lo), o->min),
			       o->max ? limit(o, hi, sizeof(hi), max) : "no limit");
	return 0;
}

static int set_list(const struct opt *o, void *dest, const char *value, const char *where, struct err *e)
{
	struct numbers numbers = {0};
	struct names names = {0};
	char *copy = strdup(value); /* the names live as long as the process */
	char *save = NULL;
	unsigned int n = 0;
	int ret = 0;

	if (!copy)
		return err_sys(e, -ENOMEM, "%s", where);
	for (char *w = strtok_r(copy, ", ", &save); w && !ret; w = strtok_r(NULL, ", ", &save)) {
		if (n == OPT_LIST_MAX) {
			ret = err_set(e, -EINVAL, "%s: more than %d values", where, OPT_LIST_MAX);
		} else if (o->type == OPT_NAMES) {
			if (o->choices && !in_list(w, o->choices))
				ret = bad_choice(o, w, where, e);
			names.v[names.n++] = w;
		} else {
			ret = one_number(o, w, &numbers.v[numbers.n++], where, e);
		}
		n++;
	}
	if (!ret && !n)
		ret = err_set(e, -EINVAL, "%s: the list is empty", where);
	if (!ret && o->type == OPT_NAMES)
		*(struct names *)dest = names;
	else if (!ret)
		*(struct numbers *)dest = numbers;
	if (ret || o->type != OPT_NAMES)
		free(copy);
	return ret;
}

static int set_value(const struct opt *o, void *dest, const char *value, const char *where,
		     struct err *e)
{
	switch (o->type) {
	case OPT_FLAG:
		if (!value || !strcmp(value, "yes") || !strcmp(value, "true") || !strcmp(value, "1"))
			*(bool *)dest = true;
		else if (!strcmp(value, "no") || !strcmp(value, "false") || !strcmp(value, "0"))
			*(bool *)dest = false;
		else
			return err_set(e, -EINVAL, "%s: '%s' is neither yes nor no", where, value);
		return 0;
	case OPT_UINT:
	case OPT_SIZE:
	case OPT_TIME:
		return one_number(o, value, dest, where, e);
	case OPT_SHARE:
		if (parse_share(value, dest))
			return err_set(e, -EINVAL, "%s: '%s' is not a share such as 5%% or 0.05", where,
				       value);
		return 0;
	case OPT_CHOICE:
		if (!in_list(value, o->choices))
			return bad_choice(o, value, where, e);
		*(const char **)dest = value;
		return 0;
	case OPT_STRING:
		*(const char **)dest = value;
		return 0;
	case OPT_UINTS:
	case OPT_SIZES:
	case OPT_NAMES:
		return set_list(o, dest, value, where, e);
	}
	return -EINVAL;
}

static size_t value_size(enum opt_type type)
{
	switch (type) {
	case OPT_FLAG:
		return sizeof(bool);
	case OPT_NAMES:
		return sizeof(struct names);
	case OPT_SHARE:
		return sizeof(double);
	case OPT_UINTS:
	case OPT_SIZES:
		return sizeof(struct numbers);
	case OPT_STRING:
	case OPT_CHOICE:
		return sizeof(const char *);
	default:
		return sizeof(uint64_t);
	}
}

void opts_init(struct opt_set *sets, unsigned int n)
{
	struct err e;

	for (struct opt_set *s = sets; s < sets + n; s++) {
		memset(s->given, 0, sizeof(s->given));
		for (const struct opt *o = s->opts; o->name; o++) {
			void *dest = (char *)s->base + o->offset;

			assert(o - s->opts < OPT_TABLE_MAX);
			memset(dest, 0, value_size(o->type));
			if (o->def && set_value(o, dest, o->def, o->name, &e)) {
				err_print(&e);
				abort();
			}
		}
	}
}

static bool takes(const struct opt_set *s, const struct opt *o, unsigned int command)
{
	return (!s->commands || s->commands & command) && (!o->commands || o->commands & command);
}

static const struct opt *find(struct opt_set *sets, unsigned int n, unsigned int command,
			      const char *name, struct opt_set **set)
{
	for (struct opt_set *s = sets; s < sets + n; s++)
		for (const struct opt *o = s->opts; o->name; o++)
			if (!strcmp(o->name, name) && takes(s, o, command)) {
				*set = s;
				return o;
			}
	return NULL;
}

const struct opt *opts_find(struct opt_set *sets, unsigned int n, unsigned int command, const char *name)
{
	struct opt_set *set;

	return find(sets, n, command, name, &set);
}

static int unknown(struct opt_set *sets, unsigned int n, unsigned int command, const char *name,
		   const char *where, struct err *e)
{
	const char *all[OPT_TABLE_MAX * 4], *near;
	unsigned int k = 0;

	for (struct opt_set *s = sets; s < sets + n; s++)
		for (const struct opt *o = s->opts; o->name && k < OPT_TABLE_MAX * 4 - 1; o++)
			if (!o->hidden && takes(s, o, command))
				all[k++] = o->name;
	all[k] = NULL;
	near = nearest(name, all);
	err_set(e, -EINVAL, "%s: there is no such option", where);
	if (near)
		err_remedy(e, "--%s, or --help for all of them", near);
	else
		err_remedy(e, "--help shows the options");
	return -EINVAL;
}

int opts_set(struct opt_set *sets, unsigned int n, unsigned int command, const char *name,
	     const char *value, const char *where, struct err *e)
{
	struct opt_set *set;
	const struct opt *o = find(sets, n, command, name, &set);
	int ret;

	if (!o)
		return unknown(sets, n, command, name, where, e);
	if (!value && o->type != OPT_FLAG)
		return err_set(e, -EINVAL, "%s: needs a value (%s)", where, o->arg);
	ret = set_value(o, (char *)set->base + o->offset, value, where, e);
	if (ret)
		return ret;
	set->given[o - set->opts] = true;
	set->text[o - set->opts] = value ? value : "yes"; /* a bare flag */
	return 0;
}

static bool looks_like_option(const char *word)
{
	return !strncmp(word, "--", 2) && !memchr(word, ' ', strcspn(word, "="));
}

int opts_parse(struct opt_set *sets, unsigned int n, unsigned int command, int argc, char **argv,
	       int first, struct names *rest, struct err *e)
{
	bool ended = false;

	for (int i = first; i < argc; i++) {
		char *arg = argv[i], name[64], where[80];
		const char *value = NULL;
		const struct opt *o;
		struct opt_set *set;
		size_t len;
		int ret;

		if (!ended && !strcmp(arg, "--")) {
			ended = true;
			continue;
		}
		if (ended || strncmp(arg, "--", 2)) {
			if (!ended && arg[0] == '-' && arg[1])
				return err_remedy(
					(err_set(e, -EINVAL, "%s: options start with --", arg), e),
					"--help shows the options");
			if (rest->n == OPT_LIST_MAX)
				return err_set(e, -EINVAL, "%s: too many arguments", arg);
			rest->v[rest->n++] = arg;
			continue;
		}
		len = strcspn(arg + 2, "=");
		if (len >= sizeof(name))
			return err_set(e, -EINVAL, "%.40s...: there is no such option", arg);
		memcpy(name, arg + 2, len);
		name[len] = '\0';
		if (arg[2 + len] == '=')
			value = arg + 2 + len + 1;
		snprintf(where, sizeof(where), "--%s", name);
		o = find(sets, n, command, name, &set);
		if (!o && !strncmp(name, "no-", 3) && !value) {
			o = find(sets, n, command, name + 3, &set);
			if (o && o->type == OPT_FLAG) {
				memmove(name, name + 3, strlen(name) - 2);
				value = "no";
			}
		}
		/* A value follows; "-" alone is one (standard output), "--x" is the next option, and
		 * "--x 1" in one word is a value: the options of a side of ab. */
		if (o && o->type != OPT_FLAG && !value && i + 1 < argc &&
		    !looks_like_option(argv[i + 1]))
			value = argv[++i];
		ret = opts_set(sets, n, command, name, value, where, e);
		if (ret)
			return ret;
	}
	return 0;
}

#define HELP_COLUMN 29
#define HELP_WIDTH  100

/* Prints words from HELP_COLUMN on, and goes on below where the line is full. */
static void print_wrapped(FILE *f, const char *text)
{
	int column = HELP_COLUMN;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column + 1 + len > HELP_WIDTH) {
			fprintf(f, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		}
		fprintf(f, "%s%.*s", column > HELP_COLUMN ? " " : "", len, text);
		column += len + 1;
		text += len + (text[len] == ' ');
	}
	fputc('\n', f);
}

void opts_help(FILE *f, const struct opt_set *sets, unsigned int n, unsigned int command)
{
	const char *title = NULL;

	for (const struct opt_set *s = sets; s < sets + n; s++) {
		for (const struct opt *o = s->opts; o->name; o++) {
			char left[80], right[600];

			if (o->hidden || !takes(s, o, command))
				continue;
			if (!title || strcmp(title, s->title))
				fprintf(f, "\n%s:\n", s->title);
			title = s->title;
			if (o->type == OPT_FLAG)
				snprintf(left, sizeof(left), "--[no-]%s", o->name);
			else
				snprintf(left, sizeof(left), "--%s %s", o->name, o->arg);
			if (o->def && strcmp(o->def, "no"))
				snprintf(right, sizeof(right), "%s [%s]", o->help, o->def);
			else
				snprintf(right, sizeof(right), "%s", o->help);
			fprintf(f, "  %-26s ", left);
			print_wrapped(f, right);
		}
	}
}

bool opts_given(const struct opt_set *set, const char *name)
{
	for (const struct opt *o = set->opts; o->name; o++)
		if (!strcmp(o->name, name) && set->given[o - set->opts])
			return true;
	return false;
}
