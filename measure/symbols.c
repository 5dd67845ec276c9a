// SPDX-License-Identifier: MIT
/* Names for addresses; see symbols.h. The tables of ELF files are read in symbols_elf.c. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure/symbols.h"
#include "measure/symbols_table.h"

struct module {
	char *path;
	char *name; /* "[libc.so.6]" */
	struct symbol_table table;
	struct module *next;
};

struct symbols {
	struct symbol_table kernel;
	struct module *modules;
};

struct mappings {
	unsigned int n;
	struct mapping {
		uint64_t start, end, offset;
		const struct module *module;
	} v[256];
};

void symbol_table_add(struct symbol_table *t, uint64_t start, uint64_t end, const char *name)
{
	if (t->n == t->allocated) {
		t->allocated = t->allocated ? 2 * t->allocated : 1024;
		t->v = realloc(t->v, t->allocated * sizeof(*t->v));
		if (!t->v)
			abort();
	}
	t->v[t->n++] = (struct symbol){start, end, strdup(name)};
}

static int by_start(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void symbol_table_sort(struct symbol_table *t)
{
	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_start);
}

const char *symbol_table_find(const struct symbol_table *t, uint64_t address)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (t->v[mid].start <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* names of one place follow each other; one that ends before the address may hide one that does not */
	for (size_t i = lo; i > 0 && i + 8 > lo; i--)
		if (!t->v[i - 1].end || address < t->v[i - 1].end)
			return t->v[i - 1].name;
	return NULL;
}

void symbol_table_free(struct symbol_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].name);
	free(t->v);
}

/* "ffffffff81000000 T _text [module]"; kernel functions have no end: the next one begins there. */
static void read_kallsyms(struct symbol_table *t, FILE *f)
{
	char line[512], name[256], type;
	uint64_t address;

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 " %c %255s", &address, &type, name) == 3 && address &&
		    strchr("tTwW", type))
			symbol_table_add(t, address, 0, name);
}

int symbols_open(struct symbols **out, struct err *e)
{
	struct symbols *s = calloc(1, sizeof(*s));
	FILE *f = fopen("/proc/kallsyms", "re");

	if (!s)
		abort();
	if (f) {
		read_kallsyms(&s->kernel, f);
		fclose(f);
	}
	if (!s->kernel.n) {
		symbols_close(s);
		return err_remedy((err_set(e, -EPERM,
					   "the kernel does not show where its functions are "
					   "(/proc/kallsyms, kernel.kptr_restrict)"),
				   e),
				  "run as root");
	}
	symbol_table_sort(&s->kernel);
	*out = s;
	return 0;
}

void symbols_close(struct symbols *s)
{
	while (s && s->modules) {
		struct module *m = s->modules;

		s->modules = m->next;
		symbol_table_free(&m->table);
		free(m->path);
		free(m->name);
		free(m);
	}
	if (s)
		symbol_table_free(&s->kernel);
	free(s);
}

const char *symbols_kernel(const struct symbols *s, uint64_t address)
{
	const char *name = symbol_table_find(&s->kernel, address);

	return name ? name : "[kernel]";
}

/* Clients and servers are this program: its file may have been replaced or removed since. */
static const char *file_of(const char *path)
{
	static char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		if (!strcmp(path, self))
			return "/proc/self/exe";
	}
	return path;
}

static const struct module *module_of(struct symbols *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct module *m;

	for (m = s->modules; m; m = m->next)
		if (!strcmp(m->path, path))
			return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		abort();
	m->path = strdup(path);
	if (path[0] == '[')
		m->name = strdup(path); /* [vdso] */
	else if (asprintf(&m->name, "[%s]", slash ? slash + 1 : path) < 0)
		abort();
	if (path[0] == '/')
		symbol_table_read_elf(&m->table, file_of(path));
	symbol_table_sort(&m->table);
	m->next = s->modules;
	s->modules = m;
	return m;
}

int symbols_process(struct symbols *s, pid_t pid, struct mappings **out)
{
	struct mappings *m = calloc(1, sizeof(*m));
	char path[64], line[4600], name[4400], rights[8];
	FILE *f;

	if (!m)
		abort();
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (!f) {
		free(m);
		return -errno;
	}
	while (fgets(line, sizeof(line), f) && m->n < sizeof(m->v) / sizeof(m->v[0])) {
		struct mapping *v = &m->v[m->n];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %4399[^\n]", &v->start,
			   &v->end, rights, &v->offset, name) != 5 ||
		    rights[2] != 'x')
			continue;
		v->module = module_of(s, name);
		m->n++;
	}
	fclose(f);
	*out = m;
	return 0;
}

void symbols_process_free(struct mappings *m)
{
	free(m);
}

const char *symbols_user(const struct mappings *m, uint64_t address)
{
	for (unsigned int i = 0; i < m->n; i++) {
		const struct mapping *v = &m->v[i];
		const char *name;

		if (address < v->start || address >= v->end)
			continue;
		name = symbol_table_find(&v->module->table, address - v->start + v->offset);
		return name ? name : v->module->name;
	}
	return "[unknown]";
}
