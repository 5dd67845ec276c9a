// SPDX-License-Identifier: MIT
/* Proves what the tables of paths, sinks and sources add up to, cell by cell, and how far a measured copy
 * factor may be from that. */
#include <math.h>
#include <string.h>

#include "cli/copies.h"
#include "tests/unit/unit.h"

static json_t *load(const char *quoted)
{
	char text[1000];
	json_t *obj;

	assert_true(strlen(quoted) < sizeof(text));
	for (size_t i = 0; i <= strlen(quoted); i++)
		text[i] = quoted[i] == '\'' ? '"' : quoted[i];
	obj = json_loads(text, 0, NULL);
	assert_non_null(obj);
	return obj;
}

static struct cell cell_of(const char *path, const char *source, const char *sink, enum op op)
{
	return (struct cell){.path = path_find(path),
			     .source = source_find(source),
			     .sink = sink_find(sink),
			     .op = op,
			     .bs = 65536,
			     .clients = 1,
			     .config = {.via = "bounce"}};
}

static enum access through; /* of the cells of a test */

static double expected(const char *path, const char *source, const char *sink, enum op op,
		       const char *evidence, const char *round)
{
	struct cell c = cell_of(path, source, sink, op);
	json_t *e = evidence ? load(evidence) : NULL, *r = round ? load(round) : NULL;
	double copies;

	c.access = through;
	assert_true(c.path && c.source && c.sink);
	copies = copies_expected(&c, e, r);
	json_decref(e);
	json_decref(r);
	return copies;
}

#define TMPFS    "{'file_io': 'direct', 'file_system': 'tmpfs'}"
#define BUFFERED "{'file_io': 'buffered', 'file_system': 'ext4'}"
#define DIRECT   "{'file_io': 'direct', 'file_system': 'ext4'}"
#define DEVICE   "{'file_io': 'direct', 'file_system': 'block device'}"

/* clang-format off */
static const struct row {
	const char *path, *source, *sink;
	const char *evidence;
	double write, read;
} rows[] = {
	{"copy",        "memfd",   "null", NULL,     1, 1},
	{"splice",      "memfd",   "null", NULL,     1, 1},
	{"uring",       "memfd",   "null", NULL,     1, 1},
	{"uring-pool",  "memfd",   "null", NULL,     1, 1},
	{"uring-zc",    "memfd",   "null", NULL,     0, 0},
	{"uring-shm",   "memfd",   "null", NULL,     0, 0},
	{"passthrough", "memfd",   "null", NULL,     1, 1}, /* a memfd of its own below */
	{"ipc",         "memfd",   "null", NULL,     0, 0},
	/* looking at it takes a copy where it is not in memory */
	{"copy",        "memfd",   "read", NULL,     1, 1},
	{"splice",      "memfd",   "read", NULL,     2, 1},
	{"uring-zc",    "memfd",   "read", NULL,     1, 1},
	{"uring-shm",   "memfd",   "read", NULL,     0, 0},
	{"ipc",         "memfd",   "read", NULL,     0, 0},
	/* page cache; copy's bounce buffer for O_DIRECT */
	{"copy",        "memfd",   "file", BUFFERED, 2, 2},
	{"copy",        "memfd",   "file", TMPFS,    3, 2},
	{"copy",        "memfd",   "file", DIRECT,   2, 1},
	{"splice",      "memfd",   "file", BUFFERED, 2, 1}, /* READ: pages of the page cache go by reference */
	{"splice",      "memfd",   "file", TMPFS,    2, 2},
	{"splice",      "memfd",   "file", DIRECT,   1, 1},
	{"uring",       "memfd",   "file", TMPFS,    2, 2},
	{"uring-zc",    "memfd",   "file", TMPFS,    1, 1},
	{"uring-zc",    "memfd",   "file", DEVICE,   0, 0},
	{"passthrough", "memfd",   "file", TMPFS,    1, 1},
	{"passthrough", "memfd",   "file", DIRECT,   0, 0},
	{"ipc",         "memfd",   "file", BUFFERED, 1, 1},
	{"ipc",         "memfd",   "file", DIRECT,   0, 0},
	{"uring-shm",   "memfd",   "file", TMPFS,    1, 1},
	{"uring-shm",   "memfd",   "file", DIRECT,   0, 0},
	/* ... and of the server's for O_DIRECT from a dma-buf; tmpfs copies from it at once */
	{"uring-shm",   "udmabuf", "file", DIRECT,   1, 1},
	{"ipc",         "dmaheap", "file", DEVICE,   1, 1},
	{"ipc",         "dmaheap", "file", TMPFS,    1, 1},
	/* sources that cannot be handed over as they are */
	{"copy",        "anon",    "null", NULL,     1, 1},
	{"ipc",         "anon",    "null", NULL,     1, 1},
	{"copy",        "udmabuf", "null", NULL,     2, 2},
	{"uring-zc",    "dmaheap", "null", NULL,     1, 1},
	{"uring-shm",   "udmabuf", "null", NULL,     0, 0},
	{"ipc",         "udmabuf", "null", NULL,     0, 0},
};
/* Through the page cache: one copy between it and the client, on paths that have it. */
static const struct row buffered[] = {
	{"copy",        "memfd",   "null", NULL,     2, 2},
	{"splice",      "memfd",   "null", NULL,     1, 2},
	{"uring-zc",    "memfd",   "null", NULL,     1, 1},
	{"uring-zc",    "memfd",   "read", NULL,     2, 2},
	{"ipc",         "memfd",   "null", NULL,     0, 0},
	{"copy",        "udmabuf", "null", NULL,     2, 2}, /* no bounce: nothing is pinned */
	{"copy",        "memfd",   "file", TMPFS,    4, 3},
	{"splice",      "memfd",   "file", DIRECT,   1, 1}, /* READ: pages move into the page cache */
	{"splice",      "memfd",   "file", BUFFERED, 2, 2},
	{"passthrough", "memfd",   "null", NULL,     1, 1},
	{"passthrough", "memfd",   "file", TMPFS,    1, 1}, /* of the file below, and nothing else */
	{"passthrough", "memfd",   "file", DIRECT,   1, 1},
};
static const struct row mapped[] = {
	{"passthrough", "memfd",   "null", NULL,     0, 0},
};
/* clang-format on */

static void check(const struct row *table, size_t n, enum access access)
{
	through = access;
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &table[i];

		for (int op = 0; op < OP_COUNT; op++) {
			double want = op == OP_WRITE ? r->write : r->read;
			double got =
				expected(r->path, r->source, r->sink, (enum op)op, r->evidence, NULL);

			if (got != want)
				fail_msg("%s %s, %s, %s, %s: %g and not %g", access_names[access],
					 r->path, r->source, r->sink, op_names[op], got, want);
		}
	}
	through = ACCESS_DIRECT;
}

static void test_tables(void **state)
{
	(void)state;
	check(rows, ARRAY_SIZE(rows), ACCESS_DIRECT);
	check(buffered, ARRAY_SIZE(buffered), ACCESS_BUFFERED);
	check(mapped, ARRAY_SIZE(mapped), ACCESS_MMAP);
}

/* --via memfd: what lies below a udmabuf is moved without a bounce. */
static void test_via(void **state)
{
	struct cell c = cell_of("copy", "udmabuf", "null", OP_WRITE);

	(void)state;
	c.config.via = "memfd";
	assert_double(copies_expected(&c, NULL, NULL), 1);
	c.source = source_find("dmaheap");
	assert_double(copies_expected(&c, NULL, NULL), 2);
}

/* What was read ahead was copied on its way to the page cache, and not further. */
static void test_read_ahead(void **state)
{
	const char *more =
		"{'payload_bytes': 1000, 'requests': {'dev': {'requests': 2, 'bytes': 1250}}}";

	(void)state;
	through = ACCESS_BUFFERED;
	assert_double(expected("copy", "memfd", "null", OP_READ, NULL, more), 1 + 1.25);
	through = ACCESS_DIRECT;
	assert_double(expected("copy", "memfd", "null", OP_READ, NULL, more), 1.25);
}

/* Before the sink has said what it found, nobody knows. */
static void test_unknown(void **state)
{
	(void)state;
	assert_true(isnan(expected("copy", "memfd", "file", OP_WRITE, NULL, NULL)));
	assert_true(isnan(expected("copy", "memfd", "tcp", OP_WRITE, "{}", NULL)));
}

/* Small requests on splice are read out of the pipe again: each route weighs by its bytes. */
static void test_tolerated(void **state)
{
	const char *mixed =
		"{'payload_bytes': 1000, 'requests': {"
		"'pipe': {'requests': 1, 'bytes': 750}, 'small': {'requests': 1, 'bytes': 250}}}";

	const char *unmatched =
		"{'payload_bytes': 1000, 'requests': {"
		"'shared': {'requests': 1, 'bytes': 750}, 'ring': {'requests': 1, 'bytes': 250}}}";

	(void)state;
	assert_double(expected("uring-shm", "memfd", "read", OP_WRITE, NULL, unmatched), 0.25);
	assert_double(expected("uring-shm", "memfd", "file", OP_WRITE, DIRECT, unmatched), 0.25);
	assert_double(expected("splice", "memfd", "null", OP_WRITE, NULL, mixed), 0.75 * 1 + 0.25 * 2);
	assert_double(expected("splice", "memfd", "read", OP_WRITE, NULL, mixed), 0.75 * 2 + 0.25 * 2);
	assert_double(expected("splice", "memfd", "null", OP_READ, NULL, mixed), 1);
}

static void test_sent(void **state)
{
	const char *round = "{'payload_bytes': 1000, 'requests': {},"
			    " 'sent': {'zero_copy_bytes': 1000, 'copied_late_bytes': 0}}";
	const char *late = "{'payload_bytes': 1000, 'requests': {},"
			   " 'sent': {'zero_copy_bytes': 1000, 'copied_late_bytes': 1000}}";
	const char *copied = "{'payload_bytes': 1000, 'requests': {},"
			     " 'sent': {'zero_copy_bytes': 0, 'copied_late_bytes': 0}}";

	(void)state;
	assert_double(expected("uring-zc", "memfd", "tcp", OP_WRITE, "{}", round), 0);
	assert_double(expected("uring-zc", "memfd", "tcp", OP_WRITE, "{}", late), 1);
	assert_double(expected("copy", "memfd", "tcp", OP_WRITE, "{}", copied), 2);
	assert_double(expected("ipc", "memfd", "tcp", OP_READ, "{}", copied), 1);
}

/* A round of `requests` that moved 1000000 bytes, and `fuse` and `sink` that were copied. */
static bool agrees(double promised, unsigned int requests, unsigned int fuse, unsigned int sink,
		   char *problem, size_t len)
{
	json_t *round =
		json_pack("{s:i, s:{s:{s:i, s:i}}, s:{s:{s:i}, s:{s:i}, s:{s:i}, s:{s:i}, s:{s:i}}}",
			  "payload_bytes", 1000000, "requests", "dev", "requests", requests, "bytes",
			  1000000, "copied_bytes", "client_user", "user", 0, "client_syscall", "kernel",
			  0, "fuse", "kernel", fuse, "server_user", "user", 0, "sink", "kernel", sink);
	struct cell c = cell_of("copy", "memfd", "null", OP_READ);
	json_t *evidence = json_pack("{s:i}", "max_readahead", 100000);
	bool ok;

	c.access = through;
	ok = copies_agree(&c, evidence, promised, round, problem, len);
	json_decref(evidence);
	assert_double(copies_measured(round), (fuse + sink) / 1e6);
	json_decref(round);
	return ok;
}

static void test_agree(void **state)
{
	char p[256] = "";

	(void)state;
	assert_true(agrees(1, 1, 1000000, 0, p, sizeof(p)));
	assert_true(agrees(0, 1, 0, 0, p, sizeof(p)));
	/* 2 %, and not more; above it what 100 requests may have for headers */
	assert_true(agrees(1, 0, 1019000, 0, p, sizeof(p)));
	assert_false(agrees(1, 0, 1021000, 0, p, sizeof(p)));
	assert_true(agrees(1, 0, 981000, 0, p, sizeof(p)));
	assert_false(agrees(1, 100, 979000, 0, p, sizeof(p)));
	assert_true(agrees(1, 100, 1020000, 100 * COPIES_HEADERS - 1, p, sizeof(p)));
	assert_false(agrees(1, 100, 1020000, 100 * COPIES_HEADERS + 1, p, sizeof(p)));
	/* two windows more or less, where the kernel reads ahead */
	through = ACCESS_BUFFERED;
	assert_true(agrees(2, 0, 2210000, 0, p, sizeof(p)));
	assert_false(agrees(2, 0, 2230000, 0, p, sizeof(p)));
	assert_true(agrees(2, 0, 1790000, 0, p, sizeof(p)));
	assert_false(agrees(2, 0, 1770000, 0, p, sizeof(p)));
	through = ACCESS_DIRECT;
	/* what differs is said */
	assert_false(agrees(1, 1, 1000000, 500000, p, sizeof(p)));
	assert_string_equal(p, "each byte was copied 1.50 times, not 1.00 times (fuse 1.00, sink 0.50)");
	assert_false(agrees(1, 1, 0, 0, p, sizeof(p)));
	assert_string_equal(p, "each byte was copied 0.00 times, not 1.00 times (none anywhere)");
}

/* Without the kernel's part there is nothing to compare, and no factor. */
static void test_not_measured(void **state)
{
	json_t *round = load("{'payload_bytes': 1000, 'copied_bytes': {'client_user': {'user': 5},"
			     " 'server_user': {'user': 0}}}");
	struct cell c = cell_of("copy", "memfd", "null", OP_WRITE);
	char p[10] = "";

	(void)state;
	assert_true(isnan(copies_measured(round)));
	assert_true(copies_agree(&c, NULL, 1, round, p, sizeof(p)));
	json_decref(round);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),     cmocka_unit_test(test_via),
		cmocka_unit_test(test_read_ahead), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_tolerated),  cmocka_unit_test(test_sent),
		cmocka_unit_test(test_agree),      cmocka_unit_test(test_not_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
