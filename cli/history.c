// SPDX-License-Identifier: MIT
/* The history's file: opening, checking, migrating, adding and removing runs; see history.h. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/history.h"
#include "lib/checksum.h"
#include "lib/clock.h"

/* "zcbh": tells our files from other SQLite files. */
#define APPLICATION_ID 0x7a636268

/* migrations[n] brings schema n to n + 1. Never changed once released, only added to. */
static const char *const migrations[HISTORY_SCHEMA] = {
	"CREATE TABLE runs ("
	" id INTEGER PRIMARY KEY,"
	" digest TEXT NOT NULL UNIQUE,"
	" started INTEGER NOT NULL,"
	" revision TEXT NOT NULL,"
	" kernel TEXT NOT NULL,"
	" host TEXT NOT NULL,"
	" file TEXT NOT NULL);"
	"CREATE TABLE samples ("
	" run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
	" cell TEXT NOT NULL,"
	" metric TEXT NOT NULL,"
	" round INTEGER NOT NULL,"
	" value REAL NOT NULL,"
	" PRIMARY KEY (run, cell, metric, round)) WITHOUT ROWID;",
	"CREATE INDEX runs_by_time ON runs (started, id);",
};

int history_error(const struct history *h, int code, const char *doing, struct err *e)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		err_set(e, -EBUSY, "%s %s: another program has it locked", doing, h->file);
		return err_remedy(e, "again when that has ended, or --wait 1m");
	case SQLITE_NOTADB:
		err_set(e, -EINVAL, "%s is no history of zcbench: it is no SQLite file", h->file);
		return err_remedy(e, "--db with another file");
	case SQLITE_CORRUPT:
		err_set(e, -EIO, "%s is damaged: %s", h->file, sqlite3_errmsg(h->db));
		return err_remedy(e, "sqlite3 %s .recover   (or a copy of the file)", h->file);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		err_set(e, -EACCES, "%s %s: %s", doing, h->file, sqlite3_errmsg(h->db));
		return err_remedy(e, "--db with a file that you can write to (its folder, too)");
	case SQLITE_FULL:
		return err_set(e, -ENOSPC, "%s %s: no space is left on the disk", doing, h->file);
	case SQLITE_NOMEM:
		return err_set(e, -ENOMEM, "%s %s: out of memory", doing, h->file);
	default:
		return err_set(e, -EIO, "%s %s: %s", doing, h->file, sqlite3_errmsg(h->db));
	}
}

static int execute(struct history *h, const char *sql, const char *doing, struct err *e)
{
	int code = sqlite3_exec(h->db, sql, NULL, NULL, NULL);

	return code ? history_error(h, code, doing, e) : 0;
}

static int number(struct history *h, const char *sql, int64_t *value, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(h->db, sql, -1, &s, NULL);

	if (!code)
		code = sqlite3_step(s);
	*value = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_finalize(s);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : history_error(h, code, "reading", e);
}

/* Inside of a transaction, so that two programs do not both migrate. */
static int migrate(struct history *h, struct err *e)
{
	int64_t version, application, tables;
	char sql[128];
	int ret;

	ret = number(h, "PRAGMA application_id", &application, e);
	if (!ret)
		ret = number(h, "PRAGMA user_version", &version, e);
	if (!ret)
		ret = number(h, "SELECT count(*) FROM sqlite_master", &tables, e);
	if (ret)
		return ret;
	if (application != APPLICATION_ID && (tables || version)) {
		err_set(e, -EINVAL, "%s is no history of zcbench: another program made it", h->file);
		return err_remedy(e, "--db with another file");
	}
	if (version > HISTORY_SCHEMA) {
		err_set(e, -ENOTSUP, "%s has schema %" PRId64 ", and this zcbench knows those up to %d",
			h->file, version, HISTORY_SCHEMA);
		return err_remedy(e, "a newer zcbench; nothing was changed");
	}
	for (; version < HISTORY_SCHEMA && !ret; version++)
		ret = execute(h, migrations[version], "making tables in", e);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 APPLICATION_ID, HISTORY_SCHEMA);
	return ret ? ret : execute(h, sql, "making tables in", e);
}

static int prepare_file(struct history *h, struct err *e)
{
	int64_t version, application;
	int ret;

	/* reads before anything is written: what is not ours stays as it is */
	ret = number(h, "PRAGMA user_version", &version, e);
	if (!ret)
		ret = number(h, "PRAGMA application_id", &application, e);
	if (ret)
		return ret;
	if (version != HISTORY_SCHEMA || application != APPLICATION_ID) {
		ret = execute(h, "BEGIN IMMEDIATE", "opening", e);
		if (!ret)
			ret = migrate(h, e);
		if (sqlite3_get_autocommit(h->db) == 0) {
			struct err ignored;

			execute(h, ret ? "ROLLBACK" : "COMMIT", "opening", ret ? &ignored : e);
		}
	}
	if (!ret)
		ret = execute(
			h,
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
			"opening", e);
	return ret;
}

int history_open(struct history *h, const char *file, bool create, uint64_t wait_ns, struct err *e)
{
	int code, ret;

	*h = (struct history){.file = file};
	if (!create && access(file, F_OK)) {
		err_set(e, -ENOENT, "there is no history %s", file);
		return err_remedy(e, "zcbench history add results/...   (it makes the file)");
	}
	code = sqlite3_open_v2(file, &h->db, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0),
			       NULL);
	if (!code)
		code = sqlite3_busy_timeout(h->db, (int)(wait_ns / NSEC_PER_MSEC));
	ret = code ? history_error(h, code, "opening", e) : prepare_file(h, e);
	if (ret)
		history_close(h);
	return ret;
}

void history_close(struct history *h)
{
	sqlite3_close(h->db);
	h->db = NULL;
}

/* "AMD EPYC, 2 CPUs": results of one such machine are one series. */
static void host_name(char *buf, size_t len, const json_t *host)
{
	const char *model = json_string_value(json_object_get(host, "cpu_model"));
	const char *guest = json_string_value(json_object_get(host, "virtual_machine"));

	snprintf(buf, len, "%s, %lld CPUs%s%s", model ? model : "unknown CPU",
		 (long long)json_integer_value(json_object_get(host, "cpus_allowed")),
		 guest ? ", guest " : "", guest ? guest : "");
}

/* "2026-01-31T23:59:59+0100" to seconds since 1970; 0 for anything else. */
static int64_t seconds_of(const char *started)
{
	struct tm tm = {0};
	long offset;

	if (!started || !strptime(started, "%Y-%m-%dT%H:%M:%S%z", &tm))
		return 0;
	offset = tm.tm_gmtoff;
	return (int64_t)timegm(&tm) - offset;
}

static int step(struct history *h, sqlite3_stmt *s, const char *doing, struct err *e)
{
	int code = sqlite3_step(s);

	sqlite3_reset(s);
	return code == SQLITE_DONE || code == SQLITE_ROW ? 0 : history_error(h, code, doing, e);
}

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text ? text : "unknown", -1, SQLITE_TRANSIENT);
}

static int insert_run(struct history *h, const struct result_file *f, const char *digest,
		      const char *commit, int64_t *run, struct err *e)
{
	const char *git = json_string_value(json_object_get(f->root, "git"));
	sqlite3_stmt *s = NULL;
	char host[256];
	int ret, code;

	code = sqlite3_prepare_v2(h->db,
				  "INSERT INTO runs (digest, started, revision, kernel, host, file)"
				  " VALUES (?, ?, ?, ?, ?, ?)",
				  -1, &s, NULL);
	if (code)
		return history_error(h, code, "adding to", e);
	host_name(host, sizeof(host), f->host);
	bind_text(s, 1, digest);
	sqlite3_bind_int64(s, 2,
			   seconds_of(json_string_value(
				   json_object_get(json_object_get(f->root, "run"), "started"))));
	bind_text(s, 3, commit ? commit : git);
	bind_text(s, 4, json_string_value(json_object_get(f->host, "kernel")));
	bind_text(s, 5, host);
	bind_text(s, 6, f->name);
	ret = step(h, s, "adding to", e);
	sqlite3_finalize(s);
	*run = sqlite3_last_insert_rowid(h->db);
	return ret;
}

static int insert_cell(struct history *h, sqlite3_stmt *s, int64_t run, const struct result_cell *c,
		       struct compared_metric *series, double *values, struct err *e)
{
	static const struct names all = {.n = 1, .v = {"all"}};
	const struct compare_rules metrics_rules = {.metrics = &all},
				   exact_rules = {.metrics = &all, .exact_only = true};
	char describe[400], cell[500];
	int ret = 0;

	snprintf(cell, sizeof(cell), "%s %s", c->label,
		 result_cell_describe(describe, sizeof(describe), c, 0));
	for (int pass = 0; pass < 2 && !ret; pass++) {
		size_t n = series_of(c, c, pass ? &exact_rules : &metrics_rules, series);

		for (size_t i = 0; i < n && !ret; i++) {
			size_t rounds = series_samples(&series[i], c, values);

			for (size_t k = 0; k < rounds && !ret; k++) {
				if (!isfinite(values[k]))
					continue;
				sqlite3_bind_int64(s, 1, run);
				bind_text(s, 2, cell);
				bind_text(s, 3, series[i].name);
				sqlite3_bind_int64(s, 4, (int64_t)k);
				sqlite3_bind_double(s, 5, values[k]);
				ret = step(h, s, "adding to", e);
			}
		}
	}
	return ret;
}

static int insert_samples(struct history *h, const struct results *r, const struct result_file *f,
			  int64_t run, struct err *e)
{
	struct compared_metric *series = malloc(COMPARED_MAX * sizeof(*series));
	double *values = NULL;
	sqlite3_stmt *s = NULL;
	int ret = 0, code;

	code = sqlite3_prepare_v2(h->db, "INSERT OR IGNORE INTO samples VALUES (?, ?, ?, ?, ?)", -1, &s,
				  NULL);
	if (code)
		ret = history_error(h, code, "adding to", e);
	for (unsigned int i = 0; i < r->ncells && !ret; i++) {
		const struct result_cell *c = &r->cells[i];
		double *more;

		if (c->file != f)
			continue;
		more = realloc(values, series_samples_max(c) * sizeof(*more));
		values = more ? more : values;
		ret = !more || !series ? err_sys(e, -ENOMEM, "adding to %s", h->file)
				       : insert_cell(h, s, run, c, series, values, e);
	}
	sqlite3_finalize(s);
	free(series);
	free(values);
	return ret;
}

/* Of what the result says, and not of how the file was written. */
static int digest_of(const json_t *root, char *buf, size_t len, struct err *e)
{
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		return err_sys(e, -ENOMEM, "reading a result");
	snprintf(buf, len, "%016" PRIx64, checksum(text, strlen(text)));
	free(text);
	return 0;
}

static int find_run(struct history *h, const char *digest, int64_t *run, struct err *e)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT id FROM runs WHERE digest = '%s'", digest);
	return number(h, sql, run, e);
}

int history_add(struct history *h, const struct results *r, const struct result_file *f,
		const char *commit, int64_t *run, bool *fresh, struct err *e)
{
	struct err ignored;
	char digest[20];
	int ret = digest_of(f->root, digest, sizeof(digest), e);

	*fresh = false;
	if (!ret)
		ret = execute(h, "BEGIN IMMEDIATE", "adding to", e);
	if (ret)
		return ret;
	ret = find_run(h, digest, run, e);
	if (!ret && !*run) {
		*fresh = true;
		ret = insert_run(h, f, digest, commit, run, e);
		if (!ret)
			ret = insert_samples(h, r, f, *run, e);
	}
	if (!ret)
		ret = execute(h, "COMMIT", "adding to", e);
	if (ret)
		execute(h, "ROLLBACK", "adding to", &ignored);
	return ret;
}

int history_prune(struct history *h, uint64_t keep, uint64_t *removed, struct err *e)
{
	struct err ignored;
	char sql[160];
	int ret = execute(h, "BEGIN IMMEDIATE", "pruning", e);

	if (ret)
		return ret;
	snprintf(sql, sizeof(sql),
		 "DELETE FROM runs WHERE id NOT IN"
		 " (SELECT id FROM runs ORDER BY started DESC, id DESC LIMIT %" PRIu64 ")",
		 keep);
	ret = execute(h, sql, "pruning", e);
	*removed = (uint64_t)sqlite3_changes(h->db);
	if (!ret)
		ret = execute(h, "COMMIT", "pruning", e);
	if (ret) {
		execute(h, "ROLLBACK", "pruning", &ignored);
		return ret;
	}
	/* gives the space back; others may be using the file, and then it stays for the next time */
	if (*removed)
		execute(h, "VACUUM", "pruning", &ignored);
	return 0;
}
