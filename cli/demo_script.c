// SPDX-License-Identifier: MIT
/* Scripts of zcbench demo: a talk's sequence; see demo.h and docs/demo.md. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/data.h"
#include "cli/demo.h"
#include "lib/clock.h"
#include "lib/units.h"

#define STEPS_MAX 1000

/* Without blanks at both ends. */
static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n && strchr(" \t\r\n", s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* What stands in double quotes, or the words as they are. */
static int unquote(char **arg, struct err *e)
{
	const size_t n = strlen(*arg);

	if ((*arg)[0] != '"')
		return 0;
	if (n < 2 || (*arg)[n - 1] != '"')
		return err_set(e, -EINVAL, "the quote does not end");
	(*arg)[n - 1] = '\0';
	(*arg)++;
	return 0;
}

static int unknown(const char *word, struct err *e)
{
	const char *words[64] = {0}, *near;
	size_t n = 0;

	for (const struct demo_action *a = demo_actions; a->word && n < 63; a++)
		words[n++] = a->word;
	near = nearest(word, words);
	err_set(e, -EINVAL, "there is no action '%s'", word);
	return near ? err_remedy(e, "%s", near) : -EINVAL;
}

static int parse_step(struct demo_step *step, char *text, struct err *e)
{
	char *arg = text + strcspn(text, " \t");
	int ret;

	if (*arg)
		*arg++ = '\0';
	arg = trim(arg);
	step->action = demo_action(text);
	if (!step->action)
		return unknown(text, e);
	ret = unquote(&arg, e);
	if (ret)
		return ret;
	if (*arg && step->action->arg == ARG_NONE)
		return err_set(e, -EINVAL, "%s takes no argument", text);
	if (!*arg && step->action->arg == ARG_MUST)
		return err_set(e, -EINVAL, "%s needs %s", text, step->action->arg_name);
	if (*arg && step->action->check)
		ret = step->action->check(arg, e);
	if (ret || !*arg)
		return ret;
	if (!strcmp(text, "wait"))
		parse_time(arg, &step->wait_ns);
	step->arg = strdup(arg);
	return step->arg ? 0 : err_sys(e, -ENOMEM, "a script");
}

int demo_script_parse(struct demo_script *s, const char *name, FILE *f, struct err *e)
{
	struct err why = {0};
	size_t size = 0;
	char *buf = NULL;
	int ret = 0;

	*s = (struct demo_script){.steps = calloc(STEPS_MAX, sizeof(*s->steps))};
	if (!s->steps)
		return err_sys(e, -ENOMEM, "script %s", name);
	for (int line = 1; !ret && getline(&buf, &size, f) >= 0; line++) {
		char *text = trim(buf);

		if (!*text || *text == '#')
			continue;
		if (s->n == STEPS_MAX)
			ret = err_set(&why, -EINVAL, "more than %d steps", STEPS_MAX);
		else
			ret = parse_step(&s->steps[s->n], text, &why);
		if (ret)
			err_set(e, ret, "%s:%d: %s", name, line, why.what);
		if (ret && why.remedy[0])
			err_remedy(e, "%s", why.remedy);
		if (!ret)
			s->steps[s->n++].line = line;
	}
	free(buf);
	if (!ret && ferror(f))
		ret = err_sys(e, -EIO, "reading script %s", name);
	if (!ret && !s->n)
		ret = err_set(e, -EINVAL, "script %s has no steps", name);
	return ret;
}

int demo_script_load(struct demo_script *s, const char *name, struct err *e)
{
	const bool is_file = strchr(name, '/') || strstr(name, ".demo");
	char path[4200], file[300];
	FILE *f = is_file ? fopen(name, "re") : NULL;
	int ret;

	if (is_file && !f)
		return err_sys(e, -errno, "script %s", name);
	snprintf(path, sizeof(path), "%s", name);
	snprintf(file, sizeof(file), "%s.demo", name);
	if (!f && !data_workload(path, sizeof(path), file))
		f = fopen(path, "re");
	if (!f)
		return err_remedy(
			(err_set(e, -ENOENT,
				 "there is no script '%s' in ./workloads or among zcbench's own", name),
			 e),
			"talk, or a file (./mine.demo)");
	ret = demo_script_parse(s, path, f, e);
	fclose(f);
	return ret;
}

int demo_script_check(const struct demo_script *s, const struct demo *d, struct err *e)
{
	for (unsigned int i = 0; i < s->n; i++) {
		const struct demo_step *step = &s->steps[i];
		bool known = !step->arg || strcmp(step->action->arg_name, "PATH") != 0;

		for (unsigned int k = 0; k < d->n && !known; k++)
			known = !strcmp(d->paths[k].name, step->arg);
		if (!known)
			return err_remedy(
				(err_set(e, -EINVAL, "line %d of the script, %s: path %s takes no part",
					 step->line, step->action->word, step->arg),
				 e),
				"name it in --path");
	}
	return 0;
}

void demo_script_play(struct demo_script *s, struct demo *d)
{
	while (s->next < s->n && clock_ns() >= s->resume_ns && !d->quit) {
		const struct demo_step *step = &s->steps[s->next++];
		struct err why = {0};
		int ret = step->action->run(d, step->arg, &why);

		if (ret)
			snprintf(d->text, sizeof(d->text), "line %d of the script, %s: %.200s",
				 step->line, step->action->word, why.what);
		if (ret && !s->failed.code)
			err_set(&s->failed, ret, "%s", d->text);
		if (step->wait_ns)
			s->resume_ns = clock_ns() + step->wait_ns;
	}
}

bool demo_script_ended(const struct demo_script *s)
{
	return s->next == s->n && clock_ns() >= s->resume_ns;
}

void demo_script_free(struct demo_script *s)
{
	for (unsigned int i = 0; i < s->n; i++)
		free(s->steps[i].arg);
	free(s->steps);
}
