// SPDX-License-Identifier: MIT
/*
 * The plan of a run; see plan.h.
 *
 * A workload file is INI: keys are option names without the dashes. Keys before the first section hold
 * for all sections; each section is one matrix of cells. What the command line gives overrides both.
 */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/data.h"
#include "cli/plan.h"
#include "servers/device.h"

#define CELLS_MAX    100000 /* of a section */
#define SECTIONS_MAX 64
#define SETTINGS_MAX 512

struct setting {
	int section; /* -1: before the first */
	int line;
	char *name, *value;
};

struct workload {
	const char *path;
	FILE *file;
	int line;
	struct setting settings[SETTINGS_MAX];
	unsigned int nsettings;
	char *sections[SECTIONS_MAX];
	int nsections;
	int section; /* that of the line; -1: before the first */
	char *description;
	struct err *e;
};

bool cell_same_group(const struct cell *a, const struct cell *b)
{
	return a->source == b->source && a->sink == b->sink && a->op == b->op && a->bs == b->bs &&
	       a->depth == b->depth && a->clients == b->clients && a->access == b->access &&
	       !strcmp(a->config.pin, b->config.pin) && !strcmp(a->config.produce, b->config.produce) &&
	       !strcmp(a->config.pattern, b->config.pattern) &&
	       !strcmp(a->config.registers, b->config.registers) &&
	       !strcmp(a->config.via, b->config.via) && a->driver == b->driver &&
	       !strcmp(a->config.fio.engine, b->config.fio.engine);
}

static struct cell *add_cell(struct plan *plan)
{
	if (plan->n == plan->allocated) {
		plan->allocated = plan->allocated ? 2 * plan->allocated : 64;
		plan->cells = realloc(plan->cells, plan->allocated * sizeof(*plan->cells));
		if (!plan->cells)
			abort(); /* out of memory while planning: nothing has been measured yet */
	}
	plan->cells[plan->n] = (struct cell){0};
	return &plan->cells[plan->n++];
}

/* Hands the options that the user gave for this path on to its server. */
static void collect_args(struct cell *cell, const struct options *o)
{
	for (unsigned int s = 1; s < o->nsets; s++) {
		const struct opt_set *set = &o->sets[s];

		if (set->opts != cell->path->options)
			continue;
		for (unsigned int i = 0; set->opts[i].name; i++)
			if (set->given[i] && asprintf(&cell->server_args[cell->nargs], "--%s=%s",
						      set->opts[i].name, set->text[i]) > 0)
				cell->nargs++;
	}
}

/* --mmap: the payload is where both sides can see it, and an operation is the client's access to it. */
static const char *why_not_mapped(const struct cell *c)
{
	if (!c->path->maps)
		return "--mmap: a mapping of the mounted file is not memory that this server has, too";
	if (c->sink->fd)
		return "--mmap: the kernel carries mapped pages to the sink's file when it likes; there "
		       "is nothing to time";
	if (strcmp(c->source->name, "memfd"))
		return "--mmap: the payload lies in the mapping of the file, which is a memfd";
	if (c->depth > 1)
		return "--mmap: a store or a load is done when it returns; the only depth is 1";
	if (c->op == OP_WRITE && strcmp(c->config.produce, "each"))
		return "--mmap: a WRITE is the producer's store; --produce once leaves nothing to do";
	return NULL;
}

/* Direct I/O from memory that the server has, too. */
static const char *why_not_shared(const struct cell *c)
{
	if (c->source->not_shared)
		return "this source has no descriptor that could be shared with the server";
	if (c->access != ACCESS_DIRECT)
		return "what goes through the page cache comes from pages that nobody shared";
	if (c->source->on_memfd && !strcmp(c->config.via, "memfd"))
		return "--via memfd: this path does direct I/O from the dma-buf itself";
	return NULL;
}

struct driver_wants cell_wants(const struct cell *c)
{
	return (struct driver_wants){
		.source = c->source,
		.access = c->access,
		.depth = c->depth,
		.bypass = c->path->client == CLIENT_IPC,
		.shared = c->path->client == CLIENT_SHARED,
		.produce = c->op == OP_WRITE && !strcmp(c->config.produce, "each"),
		.pollution = c->config.pollution,
		.program = c->config.fio.program,
		.engine = c->config.fio.engine,
	};
}

/* --register each, on paths where something is registered. */
static const char *why_not_each_time(const struct cell *c)
{
	if (c->depth > 1)
		return "--register each: the one buffer is taken back after each operation (--depth 1)";
	if (c->driver->foreign)
		return "--register each: this driver registers its memory once";
	return NULL;
}

bool cell_registers_each(const struct cell *c)
{
	return c->path->client != CLIENT_FUSE && !strcmp(c->config.registers, "each");
}

static const char *why_not(const struct cell *c)
{
	const struct driver_wants wants = cell_wants(c);

	if (c->driver->refuses && c->driver->refuses(&wants))
		return c->driver->refuses(&wants);
	if (c->access == ACCESS_MMAP && why_not_mapped(c))
		return why_not_mapped(c);
	if (c->path->client == CLIENT_SHARED && why_not_shared(c))
		return why_not_shared(c);
	if (cell_registers_each(c) && why_not_each_time(c))
		return why_not_each_time(c);
	if (c->path->refuses_sink && c->path->refuses_sink(c->sink))
		return c->path->refuses_sink(c->sink);
	if (c->sink->needs_file && device_is(c->config.file)) {
		if (c->path->refuses_device)
			return c->path->refuses_device;
		if (c->bs % DEVICE_BLOCK || c->config.size % DEVICE_BLOCK)
			return "a block device takes whole blocks of 4 KiB (--bs, --size)";
	}
	if (!strcmp(c->config.via, "memfd") && !c->source->on_memfd)
		return "--via memfd: there is no memfd below this source";
	/* (a READ through the page cache, one after the other, is of the kernel's own size) */
	if (c->bs < c->path->least_block[c->op] &&
	    (c->op == OP_WRITE || c->access == ACCESS_DIRECT || !strcmp(c->config.pattern, "random")))
		return c->path->least_why;
	if (c->bs > c->config.size)
		return "the block is larger than the file (--size)";
	return NULL;
}

void plan_add_size(struct plan *plan, unsigned int like, uint64_t bs)
{
	struct cell *c = add_cell(plan), *of = &plan->cells[like];

	*c = (struct cell){
		.path = of->path,
		.source = of->source,
		.sink = of->sink,
		.driver = of->driver,
		.op = of->op,
		.access = of->access,
		.bs = bs,
		.depth = of->depth,
		.clients = of->clients,
		.config = of->config,
		.nargs = of->nargs,
	};
	for (unsigned int i = 0; i < of->nargs; i++)
		c->server_args[i] = strdup(of->server_args[i]);
	if (!why_not(c))
		return;
	for (unsigned int i = 0; i < c->nargs; i++)
		free(c->server_args[i]);
	plan->n--;
}

/* All cells of one section. The path varies fastest: what is compared runs back to back. */
static int add_section(struct plan *plan, const struct options *o, struct err *e)
{
	const struct config *c = &o->config;
	struct names all = {0}, sel = c->path;
	uint64_t cells;

	for (const char **p = path_names; *p; p++)
		all.v[all.n++] = *p;
	if (!sel.n)
		sel = all;
	for (unsigned int si = 0; si < c->sink.n; si++)
		if (sink_find(c->sink.v[si])->needs_file && !c->file)
			return err_remedy(
				(err_set(e, -EINVAL, "sink %s needs --file PATH", c->sink.v[si]), e),
				"--file /dev/shm/zcbench.dat (memory), or a path on the disk "
				"to test");
	if (c->buffered && c->mmap)
		return err_set(e, -EINVAL, "--buffered and --mmap exclude each other");
	if (c->pollution && !strcmp(c->pin, "none"))
		return err_remedy((err_set(e, -EINVAL, "--pollution has to know who runs where"), e),
				  "--pin split or --pin same");
	if (c->rounds > plan->rounds)
		plan->rounds = c->rounds;
	if (c->counted_rounds > plan->counted_rounds)
		plan->counted_rounds = c->counted_rounds;
	if (c->sampled_rounds > plan->sampled_rounds)
		plan->sampled_rounds = c->sampled_rounds;
	cells = (uint64_t)c->source.n * c->sink.n * c->op.n * c->bs.n * c->depth.n * c->clients.n *
		c->driver.n * sel.n;
	if (cells > CELLS_MAX)
		return err_set(e, -EINVAL, "%llu cells are more than anybody will look at (at most %d)",
			       (unsigned long long)cells, CELLS_MAX);
	for (unsigned int i = 0; i < cells; i++) {
		struct cell *cell = add_cell(plan);
		unsigned int k = i;
		const char *why;

		cell->config = *c;
		cell->path = path_find(sel.v[k % sel.n]);
		k /= sel.n;
		cell->driver = driver_find(c->driver.v[k % c->driver.n]);
		k /= c->driver.n;
		cell->bs = c->bs.v[k % c->bs.n];
		k /= c->bs.n;
		cell->depth = (unsigned int)c->depth.v[k % c->depth.n];
		k /= c->depth.n;
		cell->clients = (unsigned int)c->clients.v[k % c->clients.n];
		k /= c->clients.n;
		cell->sink = sink_find(c->sink.v[k % c->sink.n]);
		k /= c->sink.n;
		cell->source = source_find(c->source.v[k % c->source.n]);
		k /= c->source.n;
		cell->op = strcmp(c->op.v[k % c->op.n], "read") ? OP_WRITE : OP_READ;
		cell->access = c->mmap ? ACCESS_MMAP : c->buffered ? ACCESS_BUFFERED : ACCESS_DIRECT;
		collect_args(cell, o);
		if (cell->driver->foreign && !opts_given(&o->sets[0], "produce"))
			cell->config.produce = "once";
		why = why_not(cell);
		if (why)
			cell->skipped = strdup(why);
	}
	return 0;
}

/* What follows belongs to the section of this header, "NAME]": a section without settings is one, too,
 * and sections are told apart by name. */
static int begin_section(struct workload *w, const char *header)
{
	const size_t len = strcspn(header, "]");

	if (!header[len])
		return 0; /* inih refuses the line */
	for (w->section = 0; w->section < w->nsections; w->section++)
		if (!strncmp(w->sections[w->section], header, len) && !w->sections[w->section][len])
			return 0;
	if (w->section == SECTIONS_MAX)
		return err_set(w->e, -EINVAL, "%s:%d: more than %d sections", w->path, w->line,
			       SECTIONS_MAX);
	w->sections[w->nsections++] = strndup(header, len);
	return 0;
}

/* Reads on to the end of the line that `buf` begins. Was there more of it? */
static bool skip_rest(FILE *f, const char *buf)
{
	bool more = false;

	if (strchr(buf, '\n'))
		return false;
	for (int c = fgetc(f); c != EOF && c != '\n'; c = fgetc(f))
		more = true;
	return more;
}

/* The packaged inih does not tell its handler the line: count what it reads. Left alone, it would also
 * take an indented line for more of the value before, cut a long line in two, and pass over a section
 * without settings, all in silence. */
static char *read_line(char *buf, int len, void *user)
{
	struct workload *w = user;
	char *text = buf;

	if (!fgets(buf, len, w->file))
		return NULL;
	w->line++;
	if (w->line == 1 && !strncmp(text, "\xef\xbb\xbf", 3))
		text += 3; /* a byte order mark */
	text += strspn(text, " \t");
	if (skip_rest(w->file, buf) && text[0] != '#' && text[0] != ';') {
		err_set(w->e, -EINVAL, "%s:%d: the line is too long", w->path, w->line);
		return NULL;
	}
	if (text[0] == '[' && begin_section(w, text + 1))
		return NULL;
	return memmove(buf, text, strlen(text) + 1);
}

static int on_setting(void *user, const char *section, const char *name, const char *value)
{
	struct workload *w = user;

	(void)section; /* w->section is not cut at 50 characters */
	if (w->e->what[0])
		return 0; /* the first error is told */
	if (!strcmp(name, "description") && w->section < 0) {
		free(w->description);
		w->description = strdup(value);
		return 1;
	}
	if (w->nsettings == SETTINGS_MAX) {
		err_set(w->e, -EINVAL, "%s:%d: more than %d settings", w->path, w->line, SETTINGS_MAX);
		return 0;
	}
	w->settings[w->nsettings++] = (struct setting){w->section, w->line, strdup(name), strdup(value)};
	return 1;
}

static int open_workload(const char *name, char *path, size_t len, struct err *e)
{
	char file[300];
	bool is_file = strchr(name, '/') || strstr(name, ".ini");

	snprintf(path, len, "%s", name);
	if (is_file && access(path, R_OK) == 0)
		return 0;
	if (is_file)
		return err_sys(e, -errno, "workload %s", name);
	snprintf(file, sizeof(file), "%s.ini", name);
	if (!data_workload(path, len, file))
		return 0;
	return err_remedy(
		(err_set(e, -ENOENT, "there is no workload '%s' in ./workloads or among zcbench's own",
			 name),
		 e),
		"give a file (./my.ini), or leave it out for the default matrix");
}

/* Reads the file at w->path. */
static int parse_workload(struct workload *w)
{
	struct err *e = w->e;
	int line;

	w->section = -1;
	w->file = fopen(w->path, "re");
	if (!w->file)
		return err_sys(e, -errno, "reading workload %s", w->path);
	e->what[0] = '\0';
	line = ini_parse_stream(read_line, w, on_setting, w);
	if (!e->what[0] && ferror(w->file))
		err_sys(e, -errno, "reading workload %s", w->path);
	else if (!e->what[0] && line)
		err_set(e, -EINVAL, "%s:%d: neither [section] nor name = value", w->path, line);
	else if (!e->what[0] && !w->nsettings)
		err_set(e, -EINVAL, "workload %s has no settings", w->path);
	fclose(w->file);
	return e->what[0] ? e->code : 0;
}

static void free_workload(struct workload *w)
{
	for (unsigned int i = 0; i < w->nsettings; i++)
		free(w->settings[i].name); /* values live on as option texts */
	for (int i = 0; i < w->nsections; i++)
		free(w->sections[i]);
	free(w);
}

static int apply_settings(struct options *o, const struct workload *w, int section, struct err *e)
{
	int ret = 0;

	for (unsigned int i = 0; i < w->nsettings && !ret; i++) {
		const struct setting *s = &w->settings[i];
		char where[4200];

		const struct opt *opt;

		if (s->section != section)
			continue;
		opt = opts_find(o->sets, o->nsets, CMD_RUN, s->name);
		if (opt && opt->whole_run && section >= 0)
			return err_set(e, -EINVAL,
				       "%s:%d: %s holds for the whole run: put it before the "
				       "first section",
				       w->path, s->line, s->name);
		snprintf(where, sizeof(where), "%s:%d: %s", w->path, s->line, s->name);
		ret = opts_set(o->sets, o->nsets, CMD_RUN, s->name, s->value, where, e);
	}
	return ret;
}

/* Defaults, the file's settings for everything, the section's (-1: there is none), the command line. */
static int apply(struct options *o, const struct workload *w, int section, struct err *e)
{
	int ret;

	opts_init(o->sets, o->nsets);
	ret = apply_settings(o, w, -1, e);
	if (!ret && section >= 0)
		ret = apply_settings(o, w, section, e);
	if (ret)
		return ret;
	o->rest.n = 0;
	return opts_parse(o->sets, o->nsets, CMD_RUN, o->argc, o->argv, 2, &o->rest, e);
}

static int plan_workload(struct plan *plan, struct options *o, const char *name, struct err *e)
{
	struct workload *w = calloc(1, sizeof(*w));
	static char path[4096];
	int ret;

	if (!w)
		return err_sys(e, -ENOMEM, "workload");
	w->path = path;
	w->e = e;
	ret = open_workload(name, path, sizeof(path), e);
	if (!ret)
		ret = parse_workload(w);
	plan->description = w->description;
	if (!ret && !w->nsections) {
		ret = apply(o, w, -1, e);
		if (!ret)
			ret = add_section(plan, o, e);
	}
	for (int s = 0; !ret && s < w->nsections; s++) {
		ret = apply(o, w, s, e);
		if (!ret)
			ret = add_section(plan, o, e);
	}
	free_workload(w);
	return ret;
}

int plan_make(struct plan *plan, struct options *o, struct err *e)
{
	*plan = (struct plan){0};
	if (o->rest.n > 1)
		return err_set(e, -EINVAL, "run takes one workload: %s", o->rest.v[1]);
	if (o->rest.n)
		return plan_workload(plan, o, o->rest.v[0], e);
	return add_section(plan, o, e);
}

void plan_free(struct plan *plan)
{
	for (unsigned int i = 0; i < plan->n; i++) {
		for (unsigned int k = 0; k < plan->cells[i].nargs; k++)
			free(plan->cells[i].server_args[k]);
		free(plan->cells[i].skipped);
		json_decref(plan->cells[i].shares);
		json_decref(plan->cells[i].stacks);
	}
	free(plan->cells);
	free(plan->description);
}
