// SPDX-License-Identifier: MIT
/* One side of zcbench ab; see ab.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/ab.h"
#include "cli/cmd.h"
#include "lib/control.h"
#include "lib/program.h"
#include "measure/metrics.h"
#include "servers/server.h"

/* The words live as long as the process. */
static int split(const char *text, char **words, unsigned int *n, struct err *e)
{
	char *copy = strdup(text), *save = NULL;

	if (!copy)
		return err_sys(e, -ENOMEM, "%s", text);
	for (char *w = strtok_r(copy, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		if (*n == AB_WORDS / 2)
			return err_set(e, -EINVAL, "'%s': too many words", text);
		words[(*n)++] = w;
	}
	return 0;
}

static int init_setting(struct side *s, const char *text, struct err *e)
{
	const char *equals = strchr(text, '='), *dot = strchr(text, '.');
	const int name = (int)(equals - text);

	snprintf(s->value, sizeof(s->value), "%s", equals + 1);
	if (dot && dot < equals)
		snprintf(s->setting, sizeof(s->setting), "/sys/module/%.*s/parameters/%.*s",
			 (int)(dot - text), text, (int)(equals - dot - 1), dot + 1);
	if (dot && dot < equals && !access(s->setting, F_OK))
		return 0;
	snprintf(s->setting, sizeof(s->setting), "/proc/sys/%.*s", name, text);
	for (char *p = s->setting; *p; p++)
		if (*p == '.')
			*p = '/';
	if (!access(s->setting, F_OK))
		return 0;
	err_set(e, -EINVAL, "'%.*s' is neither a module's parameter nor a sysctl of this kernel", name,
		text);
	return err_remedy(e, "fuse.enable_uring=N, or fs.fuse.max_pages_limit=1024");
}

/* Asks its zcbench what `run` knows. */
static int probe(struct side *s, struct err *e)
{
	char *argv[AB_WORDS + 3], *help = calloc(1, 65536);
	unsigned int n = 0;
	int status;

	if (!help)
		return err_sys(e, -ENOMEM, "%s", s->text);
	memcpy(argv, s->program, s->nprogram * sizeof(argv[0]));
	n = s->nprogram;
	argv[n++] = "run";
	argv[n++] = "--help";
	argv[n] = NULL;
	status = program_run(argv, help, 65536);
	s->conditions = strstr(help, "--[no-]conditions");
	s->limits = strstr(help, "--[no-]limits");
	s->ledger = strstr(help, "--[no-]ledger");
	s->observers = strstr(help, "--counted-rounds") && strstr(help, "--sampled-rounds");
	if (status || !strstr(help, "--rounds")) {
		err_set(e, -EINVAL, "'%s run --help' is not answered as zcbench answers it",
			s->program[0]);
		err_remedy(e, "a path (copy), options (--entries 8), a setting (fuse.enable_uring=N), "
			      "or a command that "
			      "is a zcbench");
		free(help);
		return e->code;
	}
	free(help);
	return 0;
}

int side_init(struct side *s, const char *text, struct err *e)
{
	const char *equals = strchr(text, '=');
	int ret = 0;

	*s = (struct side){.text = text};
	s->program[0] = "/proc/self/exe";
	s->nprogram = 1;
	if (path_find(text)) {
		s->more[s->nmore++] = "--path";
		s->more[s->nmore++] = (char *)text;
	} else if (!strncmp(text, "--", 2)) {
		ret = split(text, s->more, &s->nmore, e);
	} else if (equals && strcspn(text, "/ ") > (size_t)(equals - text)) {
		ret = init_setting(s, text, e);
	} else {
		s->nprogram = 0;
		ret = split(text, s->program, &s->nprogram, e);
		if (!ret && !s->nprogram)
			ret = err_set(e, -EINVAL, "a side is empty");
	}
	return ret ? ret : probe(s, e);
}

void side_free(struct side *s)
{
	json_decref(s->root);
	s->root = NULL;
}

static int write_value(const struct side *s, struct err *e)
{
	FILE *f = fopen(s->setting, "we");
	int bad = !f || fprintf(f, "%s\n", s->value) < 0;

	if (f && fclose(f))
		bad = 1;
	return bad ? err_sys(e, -errno, "setting %s to %s", s->setting, s->value) : 0;
}

static int apply_setting(struct side *s, struct rundir *dir, struct err *e)
{
	int ret;

	if (!s->setting[0])
		return 0;
	if (s->set)
		return write_value(s, e);
	ret = rundir_set(dir, s->setting, s->value, e);
	s->set = !ret;
	return ret;
}

/* Runs argv with all that it prints in `log`. Its exit status, 128 + N after signal N, or -errno. */
static int run_logged(char **argv, const char *log)
{
	const pid_t parent = getpid(), pid = fork();
	int status, fd;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(126);
		/* it tidies up after itself: who tidies up after us shall not take it for a part of ours */
		unsetenv("ZCBENCH_RUN");
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() == parent)
			execvp(argv[0], argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The line of the log that says what was wrong, or its last one. */
static void say_why(const char *log, char *buf, size_t len)
{
	FILE *f = fopen(log, "re");
	char line[400];
	bool found = false;

	snprintf(buf, len, "it printed nothing");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = strstr(line, "error: ") != NULL;
		if (line[0])
			snprintf(buf, len, "%s", line);
	}
	if (f)
		fclose(f);
}

static int check_cells(const struct side *s, const json_t *cells, struct err *e)
{
	if (json_array_size(cells) != json_array_size(json_object_get(s->root, "cells")))
		return err_set(e, -EPROTO, "side '%s' gave %zu cells, and %zu in the round before",
			       s->text, json_array_size(cells),
			       json_array_size(json_object_get(s->root, "cells")));
	return 0;
}

/* Members of a cell that tell of trouble, from a later round. */
static void take_trouble(json_t *to, const json_t *from)
{
	static const char *const members[] = {"error", "remedy", "path_problem"};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_object_get(from, members[i]))
			json_object_set(to, members[i], json_object_get(from, members[i]));
	if (json_is_false(json_object_get(from, "path_ok")))
		json_object_set_new(to, "path_ok", json_false());
}

static int take_result(struct side *s, const char *file, struct err *e)
{
	json_error_t je;
	json_t *root = json_load_file(file, 0, &je), *cells = json_object_get(root, "cells"), *cell;
	int ret = 0;
	size_t i;

	if (!json_is_array(cells)) {
		json_decref(root);
		return err_set(e, -EPROTO, "side '%s': %s: %s", s->text, file,
			       root ? "no cells" : je.text);
	}
	if (!s->root)
		s->root = json_incref(root);
	else
		ret = check_cells(s, cells, e);
	json_array_foreach (cells, i, cell) {
		json_t *to = json_array_get(json_object_get(s->root, "cells"), i);

		s->failed |= json_object_get(cell, "error") ||
			     !json_array_size(json_object_get(cell, "rounds"));
		if (ret || to == cell)
			continue;
		json_array_extend(json_object_get(to, "rounds"), json_object_get(cell, "rounds"));
		take_trouble(to, cell);
	}
	json_decref(root);
	return ret;
}

int side_round(struct side *s, const struct names *words, bool first, const char *folder,
	       struct rundir *dir, struct err *e)
{
	char work[4200], file[4300], log[4200], why[400];
	char *argv[2 * AB_WORDS + OPT_LIST_MAX];
	unsigned int n = 0;
	int status, ret = apply_setting(s, dir, e);

	if (ret)
		return ret;
	snprintf(work, sizeof(work), "%s/work", folder);
	snprintf(file, sizeof(file), "%s/result.json", work);
	snprintf(log, sizeof(log), "%s/log", folder);
	for (unsigned int i = 0; i < s->nprogram; i++)
		argv[n++] = s->program[i];
	argv[n++] = "run";
	/* many short rounds say more than few long ones: most of the noise is between rounds */
	if (!words->n || !strncmp(words->v[0], "--", 2)) {
		argv[n++] = "--runtime";
		argv[n++] = "50ms";
	}
	for (unsigned int i = 0; i < words->n; i++)
		argv[n++] = (char *)words->v[i];
	for (unsigned int i = 0; i < s->nmore; i++)
		argv[n++] = s->more[i];
	/* the last one counts, whatever the user's words say */
	argv[n++] = "--rounds";
	argv[n++] = "1";
	argv[n++] = "--quiet";
	argv[n++] = "--output";
	argv[n++] = work;
	if (!first)
		argv[n++] = "--no-verify";
	if (!first && s->ledger)
		argv[n++] = "--no-ledger";
	if (s->conditions && !first)
		argv[n++] = "--no-conditions";
	if (s->limits)
		argv[n++] = "--no-limits";
	if (s->observers) {
		argv[n++] = "--counted-rounds";
		argv[n++] = "0";
		argv[n++] = "--sampled-rounds";
		argv[n++] = "0";
	}
	argv[n] = NULL;
	unlink(file);
	status = run_logged(argv, log);
	/* 1: something failed, and the result says what */
	if ((status == EXIT_OK || status == EXIT_FAILED) && !access(file, R_OK))
		return take_result(s, file, e);
	say_why(log, why, sizeof(why));
	err_set(e, -EIO, "side '%s' ended with status %d: %s", s->text, status, why);
	return err_remedy(e, "try it by itself; all that it printed is in %s", log);
}

static int make_folder(const char *path, struct err *e)
{
	return mkdir(path, 0755) && errno != EEXIST ? err_sys(e, -errno, "making folder %s", path) : 0;
}

int side_write(struct side *s, const char *folder, const char *name, struct err *e)
{
	char path[4300];
	json_t *cell;
	size_t i;
	int ret;

	json_array_foreach (json_object_get(s->root, "cells"), i, cell)
		json_object_set_new(cell, "summary",
				    metrics_summarise(json_object_get(cell, "rounds"),
						      json_object_get(cell, "counted_rounds")));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ret = make_folder(path, e);
	snprintf(path, sizeof(path), "%s/%s/result.json", folder, name);
	return ret ? ret : json_write_file(s->root, path, e);
}
