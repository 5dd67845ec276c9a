// SPDX-License-Identifier: MIT
/* Reading result files; see results.h. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/result.h"
#include "cli/results.h"
#include "lib/units.h"

enum kind {
	TEXT,
	COUNT, /* a whole number above 0 */
	BYTES, /* the same, written as a size */
};

/* Where a dimension lies in a cell's object and in struct result_cell. */
static const struct {
	const char *name;
	enum kind kind;
	size_t offset;
	/* of a text: what it was before results had the member, or without it. NULL: it is required */
	const char *absent;
} dims[DIM_COUNT] = {
	[DIM_PATH] = {"path", TEXT, offsetof(struct result_cell, path)},
	[DIM_OP] = {"op", TEXT, offsetof(struct result_cell, op)},
	[DIM_ACCESS] = {"access", TEXT, offsetof(struct result_cell, access), "direct"},
	[DIM_SINK] = {"sink", TEXT, offsetof(struct result_cell, sink)},
	[DIM_STORE] = {"file", TEXT, offsetof(struct result_cell, store), ""},
	[DIM_BS] = {"bs", BYTES, offsetof(struct result_cell, bs)},
	[DIM_SOURCE] = {"source", TEXT, offsetof(struct result_cell, source)},
	[DIM_VIA] = {"via", TEXT, offsetof(struct result_cell, via), ""},
	[DIM_DEPTH] = {"depth", COUNT, offsetof(struct result_cell, depth)},
	[DIM_CLIENTS] = {"clients", COUNT, offsetof(struct result_cell, clients)},
	[DIM_PIN] = {"pin", TEXT, offsetof(struct result_cell, pin)},
	[DIM_PRODUCE] = {"produce", TEXT, offsetof(struct result_cell, produce)},
	[DIM_REGISTER] = {"register", TEXT, offsetof(struct result_cell, registers), "once"},
	[DIM_PATTERN] = {"pattern", TEXT, offsetof(struct result_cell, pattern)},
	[DIM_DRIVER] = {"driver", TEXT, offsetof(struct result_cell, driver)},
	[DIM_ENGINE] = {"engine", TEXT, offsetof(struct result_cell, engine), ""},
	[DIM_FILE_SIZE] = {"file_size", BYTES, offsetof(struct result_cell, file_size)},
	[DIM_MAX_IO] = {"max_io", BYTES, offsetof(struct result_cell, max_io)},
};

const char *const dimension_names[DIM_COUNT] = {
	[DIM_FILE] = "file",         [DIM_PATH] = "path",     [DIM_OP] = "op",
	[DIM_ACCESS] = "access",     [DIM_SINK] = "sink",     [DIM_BS] = "bs",
	[DIM_SOURCE] = "source",     [DIM_VIA] = "via",       [DIM_DEPTH] = "depth",
	[DIM_CLIENTS] = "clients",   [DIM_PIN] = "pin",       [DIM_PRODUCE] = "produce",
	[DIM_PATTERN] = "pattern",   [DIM_DRIVER] = "driver", [DIM_FILE_SIZE] = "file_size",
	[DIM_MAX_IO] = "max_io",     [DIM_STORE] = "store",   [DIM_ENGINE] = "engine",
	[DIM_REGISTER] = "register",
};

static const char *text_of(const struct result_cell *c, enum dimension d)
{
	return d == DIM_PATH ? c->label : *(const char *const *)((const char *)c + dims[d].offset);
}

static uint64_t number_of(const struct result_cell *c, enum dimension d)
{
	return *(const uint64_t *)((const char *)c + dims[d].offset);
}

static int foreign(const struct result_file *f, struct err *e, const char *what)
{
	err_set(e, -EINVAL, "%s is no result of zcbench: %s", f->name, what);
	return err_remedy(e, "the file result.json that zcbench run wrote");
}

static int bad_cell(const struct result_file *f, size_t i, const char *member, struct err *e)
{
	err_set(e, -EINVAL, "%s: cell %zu: %s is absent or wrong", f->name, i + 1, member);
	return err_remedy(e, "run it again: the file was changed after zcbench wrote it");
}

/* The path and its own options, as they were given. */
static char *make_label(const char *path, const json_t *options)
{
	char *label = NULL;
	size_t len, i;
	FILE *f = open_memstream(&label, &len);
	json_t *v;

	if (!f)
		return NULL;
	fprintf(f, "%s", path);
	json_array_foreach (options, i, v)
		fprintf(f, " %s", json_is_string(v) ? json_string_value(v) : "?");
	fclose(f);
	return label;
}

static bool summary_good(const json_t *summary)
{
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)summary, name, v) {
		const json_t *lo = json_object_get(v, "lo"), *hi = json_object_get(v, "hi"),
			     *median = json_object_get(v, "median");

		if (!json_is_number(lo) || !json_is_number(hi) || !json_is_number(median) ||
		    json_number_value(lo) > json_number_value(median) ||
		    json_number_value(hi) < json_number_value(median))
			return false;
	}
	return json_is_object(summary);
}

static int read_cell(const struct result_file *f, const json_t *json, size_t i, struct result_cell *c,
		     struct err *e)
{
	*c = (struct result_cell){.file = f, .json = json};
	for (int d = DIM_PATH; d < DIM_COUNT; d++) {
		void *field = (char *)c + dims[d].offset;
		const json_t *v = json_object_get(json, dims[d].name);

		if (dims[d].kind == TEXT) {
			const char *text = v ? json_string_value(v) : dims[d].absent;

			if (!text)
				return bad_cell(f, i, dims[d].name, e);
			memcpy(field, &text, sizeof(text));
		} else {
			uint64_t number = (uint64_t)json_integer_value(v);

			if (json_integer_value(v) <= 0)
				return bad_cell(f, i, dims[d].name, e);
			memcpy(field, &number, sizeof(number));
		}
	}
	if (!strcmp(c->via, "bounce"))
		c->via = "";
	c->rounds = json_object_get(json, "rounds");
	c->summary = json_object_get(json, "summary");
	if (!json_is_array(c->rounds))
		return bad_cell(f, i, "rounds", e);
	if (!summary_good(c->summary))
		return bad_cell(f, i, "summary", e);
	c->path_ok = json_is_true(json_object_get(json, "path_ok"));
	c->verified = json_is_true(json_object_get(json, "verified"));
	c->error = json_string_value(json_object_get(json, "error"));
	c->label = make_label(c->path, json_object_get(json, "path_options"));
	return c->label ? 0 : err_sys(e, -ENOMEM, "%s", f->name);
}

static int load_root(struct result_file *f, const char *path, struct err *e)
{
	const json_t *schema;
	json_error_t je;
	struct stat st;

	if (stat(path, &st))
		return err_sys(e, -errno, "%s", path);
	if (asprintf(&f->name, S_ISDIR(st.st_mode) ? "%s/result.json" : "%s", path) < 0) {
		f->name = NULL;
		return err_sys(e, -ENOMEM, "%s", path);
	}
	if (stat(f->name, &st))
		return err_sys(e, -errno, "%s", f->name);
	f->root = json_load_file(f->name, 0, &je);
	if (!f->root) {
		bool ends = json_error_code(&je) == json_error_premature_end_of_input;

		err_set(e, -EINVAL, "%s, line %d: %s", f->name, je.line,
			ends ? "the file ends too early: it was cut off" : je.text);
		return err_remedy(e,
				  "copy the file again, or run again: zcbench never leaves half a file");
	}
	schema = json_object_get(f->root, "schema");
	f->host = json_object_get(f->root, "host");
	if (!json_is_integer(schema) || !json_is_string(json_object_get(f->root, "zcbench")))
		return foreign(f, e, "it has no schema");
	if (json_integer_value(schema) > RESULT_SCHEMA) {
		err_set(e, -EINVAL, "%s has schema %lld, and this zcbench knows those up to %d", f->name,
			(long long)json_integer_value(schema), RESULT_SCHEMA);
		return err_remedy(e, "zcbench %s or newer, which wrote it",
				  json_string_value(json_object_get(f->root, "zcbench")));
	}
	if (json_integer_value(schema) < RESULT_SCHEMA)
		return foreign(f, e, "there was never such a schema");
	if (!json_is_object(f->host))
		return foreign(f, e, "it has no host");
	if (!json_is_array(json_object_get(f->root, "cells")))
		return foreign(f, e, "it has no cells");
	return 0;
}

static int load_file(struct results *r, struct result_file *f, const char *path, struct err *e)
{
	const char *machine;
	struct result_cell *more;
	json_t *cells, *v;
	size_t i;
	int ret = load_root(f, path, e);

	if (ret)
		return ret;
	machine = json_string_value(json_object_get(f->host, "virtual_machine"));
	f->emulated = machine && !strcmp(machine, "tcg");
	f->uml = machine && !strcmp(machine, "uml");
	cells = json_object_get(f->root, "cells");
	more = realloc(r->cells, (r->ncells + json_array_size(cells) + 1) * sizeof(*more));
	if (!more)
		return err_sys(e, -ENOMEM, "%s", path);
	r->cells = more;
	json_array_foreach (cells, i, v) {
		ret = read_cell(f, v, i, &r->cells[r->ncells], e);
		if (ret)
			return ret;
		r->ncells++;
	}
	return 0;
}

/* What has to be equal for results to be of one host. Settings and versions are for the reader to see. */
static int check_hosts(const struct results *r, struct err *e)
{
	static const char *const members[] = {
		"virtual_machine", "cpu_model", "machine",        "cpus_possible",
		"cpus_allowed",    "kernel",    "kernel_version",
	};
	const struct result_file *a = r->files;

	for (const struct result_file *b = a + 1; b < a + r->nfiles; b++)
		for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
			json_t *x = json_object_get(a->host, members[i]);
			json_t *y = json_object_get(b->host, members[i]);

			if (x == y || (x && y && json_equal(x, y)))
				continue;
			err_set(e, -EXDEV, "%s and %s are of different hosts: %s differs", a->name,
				b->name, members[i]);
			return err_remedy(e, "--mixed, if that is meant");
		}
	return 0;
}

int results_load(struct results *r, const char *const *names, unsigned int n, bool mixed, struct err *e)
{
	int ret = 0;

	*r = (struct results){.files = calloc(n ? n : 1, sizeof(*r->files))};
	if (!r->files)
		return err_sys(e, -ENOMEM, "reading results");
	for (unsigned int i = 0; i < n && !ret; i++)
		ret = load_file(r, &r->files[r->nfiles++], names[i], e);
	if (!ret && !mixed)
		ret = check_hosts(r, e);
	if (ret)
		results_free(r);
	return ret;
}

void results_free(struct results *r)
{
	for (unsigned int i = 0; i < r->ncells; i++)
		free(r->cells[i].label);
	for (unsigned int i = 0; i < r->nfiles; i++) {
		json_decref(r->files[i].root);
		free(r->files[i].name);
	}
	free(r->cells);
	free(r->files);
	*r = (struct results){0};
}

bool result_cells_equal(const struct result_cell *a, const struct result_cell *b, unsigned int except)
{
	if (!(except & DIM_BIT(DIM_FILE)) && a->file != b->file)
		return false;
	for (int d = DIM_PATH; d < DIM_COUNT; d++) {
		if (except & DIM_BIT(d))
			continue;
		if (dims[d].kind == TEXT ? strcmp(text_of(a, d), text_of(b, d)) != 0
					 : number_of(a, d) != number_of(b, d))
			return false;
	}
	return true;
}

char *result_cell_value(char *buf, size_t len, const struct result_cell *c, enum dimension d)
{
	if (d == DIM_FILE)
		snprintf(buf, len, "%s", c->file->name);
	else if (dims[d].kind == TEXT)
		snprintf(buf, len, "%s", text_of(c, d));
	else if (dims[d].kind == BYTES)
		format_size(buf, len, number_of(c, d));
	else
		snprintf(buf, len, "%llu", (unsigned long long)number_of(c, d));
	return buf;
}

char *result_cell_describe(char *buf, size_t len, const struct result_cell *c, unsigned int except)
{
	/* what stands around the value; `usual` is not worth a word */
	static const struct {
		enum dimension dim;
		const char *before, *after, *usual;
	} words[] = {
		{DIM_OP, "", "", ""},
		{DIM_ACCESS, "", "", "direct"},
		{DIM_SINK, "sink ", "", ""},
		{DIM_STORE, "in ", "", ""},
		{DIM_BS, "", " blocks", ""},
		{DIM_SOURCE, "source ", "", ""},
		{DIM_VIA, "via ", "", ""},
		{DIM_DEPTH, "depth ", "", ""},
		{DIM_CLIENTS, "", " clients", ""},
		{DIM_PIN, "pin ", "", ""},
		{DIM_PRODUCE, "produced ", "", "each"},
		{DIM_REGISTER, "registered ", " time", "once"},
		{DIM_PATTERN, "", " offsets", "seq"},
		{DIM_DRIVER, "driver ", "", "native"},
		{DIM_ENGINE, "engine ", "", ""},
		{DIM_FILE_SIZE, "file size ", "", "64m"},
		{DIM_MAX_IO, "max-io ", "", "1m"},
	};
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && at < len; i++) {
		char value[300];

		result_cell_value(value, sizeof(value), c, words[i].dim);
		if (except & DIM_BIT(words[i].dim) || !value[0] || !strcmp(value, words[i].usual) ||
		    (words[i].dim == DIM_PRODUCE && !strcmp(value, "none")))
			continue;
		if (at)
			at += (size_t)snprintf(buf + at, len - at, ", ");
		if (at >= len)
			break;
		at += (size_t)snprintf(buf + at, len - at, "%s%s%s", words[i].before, value,
				       words[i].dim == DIM_CLIENTS && c->clients == 1 ? " client"
										      : words[i].after);
	}
	return buf;
}

const char *result_text(const json_t *obj, const char *name, const char *absent)
{
	const char *text = json_string_value(json_object_get(obj, name));

	return text ? text : absent;
}

char *path_beside(char *buf, size_t len, const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	snprintf(buf, len, "%.*s%s", slash ? (int)(slash + 1 - file) : 0, file, name);
	return buf;
}

bool result_cell_moves_nothing(const struct result_cell *c)
{
	const json_t *copies = json_object_get(json_object_get(c->json, "expected"), "copy_factor");

	return !strcmp(c->sink, "null") && json_is_number(copies) && json_number_value(copies) == 0;
}

bool result_cell_metric(const struct result_cell *c, const char *metric, struct summary *s)
{
	s->median = summary_value(c->summary, metric, "median");
	s->lo = summary_value(c->summary, metric, "lo");
	s->hi = summary_value(c->summary, metric, "hi");
	return isfinite(s->median);
}

size_t result_cell_samples(const struct result_cell *c, const struct metric *m, double *values)
{
	const json_t *rounds = m->counted ? json_object_get(c->json, "counted_rounds") : c->rounds;
	size_t n = json_array_size(rounds);

	for (size_t i = 0; i < n; i++)
		values[i] = m->value(json_array_get(rounds, i));
	return n;
}
