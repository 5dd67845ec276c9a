// SPDX-License-Identifier: MIT
/* zcbench demo: the paths side by side, live; see demo.h. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/demo.h"
#include "cli/setup.h"
#include "cli/talk.h"
#include "lib/clock.h"

#define IDLE_NS  (50 * NSEC_PER_MSEC)
#define LINES_NS NSEC_PER_SEC

/* Where the state goes. */
struct show {
	bool screen, lines;
	struct recording *recording; /* NULL: none */
	struct page page;
	uint64_t start_ns, next_lines_ns;
	char text[256]; /* the caption that was printed last */
};

static void print_lines(struct show *s, const struct demo *d)
{
	const uint64_t now = clock_ns();
	const double at = (double)(now - s->start_ns) / NSEC_PER_SEC;
	char line[1200];

	if (strcmp(s->text, d->text) != 0) {
		snprintf(s->text, sizeof(s->text), "%s", d->text);
		if (s->text[0])
			printf("%6.1f s  text: %s\n", at, s->text);
	}
	if (now < s->next_lines_ns)
		return;
	s->next_lines_ns = now + LINES_NS;
	for (unsigned int i = 0; i < d->n; i++)
		if (d->paths[i].state != DEMO_LEFT_OUT)
			printf("%6.1f s  %s\n", at, demo_line(d, &d->paths[i], line, sizeof(line)));
	fflush(stdout);
}

static int present(struct show *s, const struct demo *d, struct err *e)
{
	int cols, rows, ret = 0;

	if (s->lines)
		print_lines(s, d);
	if (s->screen) {
		screen_size(&cols, &rows);
		if (cols != s->page.cols || rows != s->page.rows)
			ret = page_resize(&s->page, cols, rows);
		if (ret)
			return err_sys(e, ret, "a page");
	}
	if (s->screen || s->recording)
		demo_layout(d, &s->page);
	if (s->screen)
		screen_show(&s->page);
	if (s->recording)
		ret = recording_add(s->recording, &s->page);
	return ret ? err_sys(e, ret, "recording") : 0;
}

/* Keys that are waiting, or the pause between two turns of nobody. */
static void take_keys(struct show *s, struct demo *d, uint64_t wait_ns)
{
	const struct timespec ts = {.tv_nsec = (long)wait_ns};
	int key;

	if (!s->screen) {
		nanosleep(&ts, NULL);
		return;
	}
	for (key = screen_key(wait_ns); key >= 0 && !d->quit; key = screen_key(0)) {
		d->text[0] = '\0';
		demo_key(d, key);
	}
}

static int loop(struct demo *d, struct show *s, struct demo_script *script, struct err *e)
{
	const uint64_t duration = d->options->config.demo.duration_ns;
	int ret = 0;

	while (!ret && !d->quit && !interrupted) {
		const bool over = duration && clock_ns() - s->start_ns >= duration;

		if (over || (script && !s->screen && demo_script_ended(script)))
			break;
		if (script)
			demo_script_play(script, d);
		if (!d->paused)
			demo_next(d);
		if (!ret)
			ret = present(s, d, e);
		if (!ret && !d->quit && !d->paused && d->turn >= 0)
			demo_take_turn(d);
		take_keys(s, d, d->paused || d->turn < 0 ? IDLE_NS : 0);
	}
	return ret;
}

/* "100x30" */
static int window(const char *text, int *cols, int *rows, struct err *e)
{
	char end;

	if (sscanf(text, "%dx%d%c", cols, rows, &end) != 2 || *cols < 1 || *rows < 1 || *cols > 1000 ||
	    *rows > 1000)
		return err_set(e, -EINVAL, "--window: '%s' is not COLSxROWS", text);
	return 0;
}

static int open_show(struct show *s, const struct config *c, struct err *e)
{
	int cols, rows, ret = 0;

	s->screen = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	s->lines = !s->screen && !c->demo.record;
	s->start_ns = clock_ns();
	setlocale(LC_CTYPE, "");
	s->page.ascii = s->screen && strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	if (s->screen) {
		ret = screen_open(&s->page, e);
	} else {
		ret = window(c->demo.window, &cols, &rows, e);
		if (!ret && page_resize(&s->page, cols, rows))
			ret = err_sys(e, -ENOMEM, "a page");
	}
	if (!ret && c->demo.record)
		ret = recording_open(&s->recording, c->demo.record, &s->page, e);
	return ret;
}

static int close_show(struct show *s, struct err *e)
{
	int ret = 0;

	if (s->screen)
		screen_close();
	if (s->recording)
		ret = recording_close(s->recording, e);
	free(s->page.cells);
	return ret;
}

static void open_ledger(struct demo *d, const struct config *c)
{
	struct err e = {0};

	if (!c->ledger)
		snprintf(d->no_ledger, sizeof(d->no_ledger), "not wanted (--no-ledger)");
	else if (ledger_open(&d->ledger, c->trampolines, &e))
		snprintf(d->no_ledger, sizeof(d->no_ledger), "%.290s", e.what);
}

/* What can be wrong before anything is started. */
static int prepare(struct demo *d, struct options *o, struct demo_script *script, struct err *e)
{
	const struct config *c = &o->config;
	int cols, rows, ret = 0;

	if (o->rest.n)
		return err_set(e, -EINVAL, "demo takes no arguments: %s", o->rest.v[0]);
	ret = window(c->demo.window, &cols, &rows, e);
	if (!ret && c->demo.script)
		ret = demo_script_load(script, c->demo.script, e);
	if (!ret && !isatty(STDOUT_FILENO) && !c->demo.script && !c->demo.duration_ns)
		ret = err_remedy(
			(err_set(e, -EINVAL, "without a terminal a demo has to know when to end"), e),
			"--duration 10s, or --script talk");
	if (!ret)
		ret = demo_open(d, o, e);
	return ret ? ret : demo_script_check(script, d, e);
}

static int run(struct demo *d, struct show *s, struct demo_script *script, struct err *e)
{
	const struct config *c = &d->options->config;
	struct err last;
	int ret;

	open_ledger(d, c);
	ret = rundir_open(&d->dir, e);
	if (ret)
		return ret;
	if (c->setup)
		ret = setup(&d->dir, &d->plan, e);
	if (!ret)
		ret = open_show(s, c, e);
	catch_interrupts(); /* after curses has set its own handlers */
	if (!ret)
		ret = loop(d, s, script, e);
	if (close_show(s, ret ? &last : e) && !ret)
		ret = e->code;
	demo_close(d);
	rundir_close(&d->dir);
	ledger_close(d->ledger);
	return ret;
}

int cmd_demo(struct options *o)
{
	static struct demo d;
	static struct show s;
	struct demo_script script = {0};
	struct err e = {0};
	int ret;

	ret = prepare(&d, o, &script, &e);
	if (ret) {
		err_print(&e);
		return EXIT_USAGE;
	}
	ret = run(&d, &s, o->config.demo.script ? &script : NULL, &e);
	if (ret)
		err_print(&e);
	if (script.failed.code)
		err_print(&script.failed);
	ret = ret ? ret : script.failed.code;
	demo_script_free(&script);
	return ret || interrupted ? EXIT_FAILED : EXIT_OK;
}
