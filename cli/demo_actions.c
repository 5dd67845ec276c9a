// SPDX-License-Identifier: MIT
/* What can be done in zcbench demo, by key or by a script's word: one table; see demo.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clients/source.h"
#include "cli/demo.h"
#include "lib/types.h"
#include "lib/units.h"

static const uint64_t sizes[] = {4096, 16384, 65536, 262144, 1 << 20, 4 << 20};

#define NSIZES (sizeof(sizes) / sizeof(sizes[0]))

/* --- arguments --- */

static int one_of(const char *what, const char *arg, const char *const *list, struct err *e)
{
	const char *near;

	for (const char *const *p = list; *p; p++)
		if (!strcmp(*p, arg))
			return 0;
	err_set(e, -EINVAL, "there is no %s '%s'", what, arg);
	near = nearest(arg, list);
	return near ? err_remedy(e, "%s", near) : -EINVAL;
}

static int check_sink(const char *arg, struct err *e)
{
	return one_of("sink", arg, sink_names, e);
}

static int check_source(const char *arg, struct err *e)
{
	return one_of("source", arg, source_names, e);
}

static int check_op(const char *arg, struct err *e)
{
	return one_of("op", arg, op_names, e);
}

static int check_path(const char *arg, struct err *e)
{
	return one_of("path", arg, path_names, e);
}

static int check_size(const char *arg, struct err *e)
{
	uint64_t v;

	if (parse_size(arg, &v) || !v || v > 64 << 20)
		return err_set(e, -EINVAL, "'%s' is not a block size (1 to 64m)", arg);
	return 0;
}

static int check_time(const char *arg, struct err *e)
{
	uint64_t v;

	if (parse_time(arg, &v))
		return err_set(e, -EINVAL, "'%s' is not a time (2s, 500ms)", arg);
	return 0;
}

static int check_key(const char *arg, struct err *e)
{
	if (strlen(arg) != 1)
		return err_set(e, -EINVAL, "'%s' is not one key", arg);
	return 0;
}

/* The path that arg names, else the selected one. */
static struct demo_path *path_of(struct demo *d, const char *arg, struct err *e)
{
	if (!arg)
		return &d->paths[d->selected];
	for (unsigned int i = 0; i < d->n; i++)
		if (!strcmp(d->paths[i].name, arg))
			return &d->paths[i];
	err_set(e, -EINVAL, "path %s takes no part (--path)", arg);
	return NULL;
}

/* The one after `now`, round and round. */
static const char *after(const char *const *list, const char *now)
{
	const char *const *p = list;

	while (*p && strcmp(*p, now))
		p++;
	return p[0] && p[1] ? p[1] : list[0];
}

/* --- actions --- */

static int do_pause(struct demo *d, const char *arg, struct err *e)
{
	(void)arg;
	(void)e;
	d->paused = !d->paused;
	return 0;
}

/* Changes the four values, or leaves everything as it was. */
static int change(struct demo *d, const char *sink, const char *source, const char *op, uint64_t bs,
		  struct err *e)
{
	const char *const old[] = {d->sink, d->source, d->op};
	const uint64_t old_bs = d->bs;
	int ret;

	d->sink = sink;
	d->source = source;
	d->op = op;
	d->bs = bs;
	ret = demo_replan(d, e);
	if (ret) {
		d->sink = old[0];
		d->source = old[1];
		d->op = old[2];
		d->bs = old_bs;
	}
	return ret;
}

static int do_sink(struct demo *d, const char *arg, struct err *e)
{
	const char *to = arg ? sink_find(arg)->name : after(sink_names, d->sink);

	/* by key, pass over what cannot be had */
	if (!arg && sink_find(to)->needs_file && !d->options->config.file)
		to = after(sink_names, to);
	return change(d, to, d->source, d->op, d->bs, e);
}

static int do_source(struct demo *d, const char *arg, struct err *e)
{
	const char *to = arg ? source_find(arg)->name : after(source_names, d->source);

	return change(d, d->sink, to, d->op, d->bs, e);
}

static int do_op(struct demo *d, const char *arg, struct err *e)
{
	const char *to = arg ? op_names[!strcmp(arg, "read")] : after(op_names, d->op);

	return change(d, d->sink, d->source, to, d->bs, e);
}

static int do_bs(struct demo *d, const char *arg, struct err *e)
{
	uint64_t bs = d->bs;
	int ret = parse_size(arg, &bs);

	if (ret)
		return err_set(e, ret, "'%s' is not a size", arg);
	return change(d, d->sink, d->source, d->op, bs, e);
}

static int do_larger(struct demo *d, const char *arg, struct err *e)
{
	(void)arg;
	for (size_t i = 0; i < NSIZES; i++)
		if (sizes[i] > d->bs)
			return change(d, d->sink, d->source, d->op, sizes[i], e);
	return err_set(e, -ERANGE, "there is no larger block");
}

static int do_smaller(struct demo *d, const char *arg, struct err *e)
{
	(void)arg;
	for (size_t i = NSIZES; i > 0; i--)
		if (sizes[i - 1] < d->bs)
			return change(d, d->sink, d->source, d->op, sizes[i - 1], e);
	return err_set(e, -ERANGE, "there is no smaller block");
}

static int do_start(struct demo *d, const char *arg, struct err *e)
{
	struct demo_path *p = path_of(d, arg, e);

	if (!p)
		return e->code;
	if (p->state != DEMO_RUNS)
		demo_start_path(p);
	return 0;
}

static int do_stop(struct demo *d, const char *arg, struct err *e)
{
	struct demo_path *p = path_of(d, arg, e);

	if (!p)
		return e->code;
	demo_stop_path(d, p);
	return 0;
}

static int do_restart(struct demo *d, const char *arg, struct err *e)
{
	struct demo_path *p = path_of(d, arg, e);

	if (!p)
		return e->code;
	demo_start_path(p);
	return 0;
}

static int do_kill(struct demo *d, const char *arg, struct err *e)
{
	struct demo_path *p = path_of(d, arg, e);

	return p ? demo_kill_path(d, p, e) : e->code;
}

static int do_select(struct demo *d, const char *arg, struct err *e)
{
	struct demo_path *p = path_of(d, arg, e);

	if (!p)
		return e->code;
	d->selected = (unsigned int)(p - d->paths);
	return 0;
}

static int do_help(struct demo *d, const char *arg, struct err *e)
{
	(void)arg;
	(void)e;
	d->help = !d->help;
	return 0;
}

static int do_quit(struct demo *d, const char *arg, struct err *e)
{
	(void)arg;
	(void)e;
	d->quit = true;
	return 0;
}

static int do_text(struct demo *d, const char *arg, struct err *e)
{
	(void)e;
	snprintf(d->text, sizeof(d->text), "%s", arg ? arg : "");
	return 0;
}

static int do_key(struct demo *d, const char *arg, struct err *e)
{
	(void)e;
	demo_key(d, arg[0]);
	return 0;
}

/* The script itself waits: see demo_script_play. */
static int do_wait(struct demo *d, const char *arg, struct err *e)
{
	(void)d;
	(void)arg;
	(void)e;
	return 0;
}

/* clang-format off */
const struct demo_action demo_actions[] = {
	{"pause", " p", "space", ARG_NONE, "", "pause, and go on", NULL, do_pause},
	{"larger", "+=b", "+ b", ARG_NONE, "", "the next larger block", NULL, do_larger},
	{"smaller", "-B", "- B", ARG_NONE, "", "the next smaller block", NULL, do_smaller},
	{"bs", NULL, "", ARG_MUST, "SIZE", "this block size", check_size, do_bs},
	{"sink", "s", "s", ARG_MAY, "NAME", "next sink: what the server does with it", check_sink, do_sink},
	{"source", "o", "o", ARG_MAY, "NAME", "next source: where the payload lives", check_source, do_source},
	{"op", "w", "w", ARG_MAY, "write|read", "write, or read", check_op, do_op},
	{"select", NULL, "arrows", ARG_MUST, "PATH", "select a path", check_path, do_select},
	{"start", NULL, "1 .. 9", ARG_MAY, "PATH", "start a path (the key also stops it)", check_path, do_start},
	{"stop", NULL, "", ARG_MAY, "PATH", "stop a path", check_path, do_stop},
	{"restart", "r", "r", ARG_MAY, "PATH", "restart the path, with new processes", check_path, do_restart},
	{"kill", "k", "k", ARG_MAY, "PATH", "kill the path's server while it works", check_path, do_kill},
	{"help", "?h", "?", ARG_NONE, "", "this help", NULL, do_help},
	{"quit", "q", "q", ARG_NONE, "", "quit", NULL, do_quit},
	{"text", NULL, "", ARG_MAY, "\"WORDS\"", "show a caption; without words: none", NULL, do_text},
	{"wait", NULL, "", ARG_MUST, "TIME", "wait so long", check_time, do_wait},
	{"key", NULL, "", ARG_MUST, "K", "do what this key does", check_key, do_key},
	{0},
};
/* clang-format on */

const struct demo_action *demo_action(const char *word)
{
	for (const struct demo_action *a = demo_actions; a->word; a++)
		if (!strcmp(a->word, word))
			return a;
	return NULL;
}

static void toggle(struct demo *d, unsigned int i)
{
	struct demo_path *p = &d->paths[i];

	if (i >= d->n)
		return;
	d->selected = i;
	if (p->state == DEMO_STOPPED || p->state == DEMO_LEFT_OUT || p->state == DEMO_FAILED)
		demo_start_path(p);
	else
		demo_stop_path(d, p);
}

void demo_key(struct demo *d, int key)
{
	struct err e = {0};
	int ret = 0;

	if (key == DEMO_KEY_UP || key == DEMO_KEY_DOWN) {
		d->selected = (d->selected + (key == DEMO_KEY_UP ? d->n - 1 : 1)) % d->n;
	} else if (key >= '1' && key <= '9') {
		toggle(d, (unsigned int)(key - '1'));
	} else if (key > 0 && key < 0x80) {
		for (const struct demo_action *a = demo_actions; a->word; a++)
			if (a->keys && strchr(a->keys, key))
				ret = a->run(d, NULL, &e);
	}
	if (ret)
		snprintf(d->text, sizeof(d->text), "%.150s%s%.90s", e.what, e.remedy[0] ? "; try: " : "",
			 e.remedy);
}
