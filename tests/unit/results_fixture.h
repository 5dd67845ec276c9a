/* SPDX-License-Identifier: MIT */
/* Result files made by hand, for tests of what reads them: JSON with ' for ". */
#ifndef ZC_RESULTS_FIXTURE_H
#define ZC_RESULTS_FIXTURE_H

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/results.h"
#include "tests/unit/unit.h"

/* A cell: bs, clients and depth as numbers, then more members (", 'pin': 'same'", say; later ones win). */
#define CELL(path, sink, bs, more)                                                                      \
	"{'path': '" path "', 'source': 'memfd', 'sink': '" sink "', 'op': 'write', 'bs': " #bs         \
	", 'depth': 1, 'clients': 1, 'driver': 'native', 'pin': 'split', 'produce': 'each',"            \
	" 'pattern': 'seq', 'file_size': 67108864, 'max_io': 1048576, 'access': 'direct',"              \
	" 'path_options': [], 'path_ok': true, 'verified': true, 'rounds': [], 'summary': {}" more "}"

#define METRIC(name, median, lo, hi) "'" name "': {'median': " #median ", 'lo': " #lo ", 'hi': " #hi "}"

#define HOST          "{'kernel': '6.1', 'cpu_model': 'A', 'machine': 'x86_64', 'cpus_possible': 2}"
#define RESULT(cells) "{'schema': 1, 'zcbench': '0.1.0', 'host': " HOST ", 'cells': [" cells "]}"

/* Writes quoted JSON to a file NAME in a folder of its own and returns its path, for fixture_done. */
static inline char *fixture_file(const char *name, const char *quoted)
{
	char folder[] = "/tmp/zcbench-results-XXXXXX", *path;
	FILE *f;

	assert_non_null(mkdtemp(folder));
	path = calloc(1, sizeof(folder) + 1 + strlen(name));
	assert_non_null(path);
	sprintf(path, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	for (const char *p = quoted; *p; p++)
		fputc(*p == '\'' ? '"' : *p, f);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* Removes the file and its folder. */
static inline void fixture_done(char *path)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	free(path);
}

/* A result from quoted JSON. For results_free. */
static inline void fixture_load(struct results *r, const char *quoted)
{
	char *name = fixture_file("one.json", quoted);
	struct err e = {0};

	if (results_load(r, (const char *const[]){name}, 1, false, &e))
		fail_msg("%s", e.what);
	fixture_done(name);
}

#endif
