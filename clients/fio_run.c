// SPDX-License-Identifier: MIT
/* One run of fio; see fio_run.h. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/fio_run.h"
#include "lib/clock.h"

#define NSEC_PER_FIO_MSEC ((double)NSEC_PER_MSEC)

static void become(const struct fio_program *p, int out, int err, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(out, 1);
	dup2(err, 2);
	if (p->keep_fd >= 0)
		fcntl(p->keep_fd, F_SETFD, 0);
	if (p->library) {
		char number[32];

		snprintf(number, sizeof(number), "%llu", (unsigned long long)p->spin_ns);
		setenv("ZCBYPASS_SPIN_NS", number, 1);
		setenv("ZCBYPASS_REPORT", "1", 1);
		setenv("LD_PRELOAD", p->library, 1);
	}
	execvp(p->argv[0], p->argv);
	dprintf(2, "%s: %s\n", p->argv[0], strerror(errno));
	_exit(127);
}

/* All of a memfd, ended by a zero; for the caller to free. */
static char *contents(int fd)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st))
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return NULL;
	n = pread(fd, text, (size_t)st.st_size, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* The first line that says what went wrong: fio's own begin with its name or with the job's. */
static const char *complaint(char *text)
{
	char *save = NULL, *first = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "zcbypass: ", 10))
			continue;
		if (!first)
			first = line;
		if (!strncmp(line, "fio: ", 5) || strstr(line, "verify"))
			return line;
	}
	return first ? first : "it says nothing";
}

/* What the library's reports add up to: one for each process of fio's. */
static uint64_t staged(const char *said)
{
	static const char what[] = " bytes in place, ";
	uint64_t sum = 0;

	for (const char *p = strstr(said, what); p; p = strstr(p, what)) {
		p += strlen(what);
		sum += strtoull(p, NULL, 10);
	}
	return sum;
}

/* fio writes notes for people before its JSON. */
static json_t *parse(const char *out)
{
	const char *p = out[0] == '{' ? out : strstr(out, "\n{");

	return p ? json_loads(p, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
}

static int judge(const json_t *job, int status, char *said, const char *program, struct err *e)
{
	const int code = (int)json_integer_value(json_object_get(job, "error"));

	if (WIFSIGNALED(status))
		return err_set(e, -EPIPE, "fio was killed by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	if (code > 0)
		return err_set(e, -code, "fio's job failed: %s: %s", strerror(code), complaint(said));
	if (WEXITSTATUS(status) == 127)
		return err_remedy((err_set(e, -ENOENT, "fio cannot be started: %s", complaint(said)), e),
				  "sudo apt install fio, or --fio PROGRAM");
	if (WEXITSTATUS(status))
		return err_set(e, -EIO, "%s ended with status %d: %s", program, WEXITSTATUS(status),
			       complaint(said));
	if (!job)
		return err_set(e, -EPROTO, "%s printed no JSON result of fio's: %s", program,
			       complaint(said));
	return 0;
}

int fio_start(struct fio_program *p, json_t **job, struct err *e)
{
	int out = memfd_create("fio-result", MFD_CLOEXEC), err = memfd_create("fio-says", MFD_CLOEXEC);
	char *text = NULL, *said = NULL;
	const pid_t parent = getpid();
	json_t *root = NULL;
	pid_t pid = -1;
	int status = 0, ret;

	*job = NULL;
	if (out < 0 || err < 0) {
		ret = err_sys(e, -errno, "starting fio");
		goto out;
	}
	pid = fork();
	if (pid == 0)
		become(p, out, err, parent);
	if (pid < 0) {
		ret = err_sys(e, -errno, "starting fio");
		goto out;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			ret = err_sys(e, -errno, "waiting for fio");
			goto out;
		}
	text = contents(out);
	said = contents(err);
	if (!text || !said) {
		ret = err_sys(e, -ENOMEM, "reading what fio says");
		goto out;
	}
	root = parse(text);
	p->staged = staged(said);
	*job = json_incref(json_array_get(json_object_get(root, "jobs"), 0));
	ret = judge(*job, status, said[0] ? said : text, p->argv[0], e);
	if (ret) {
		json_decref(*job);
		*job = NULL;
	}
out:
	json_decref(root);
	free(text);
	free(said);
	if (out >= 0)
		close(out);
	if (err >= 0)
		close(err);
	return ret;
}

/* A member that has to be there; NAN otherwise. */
static double number(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static void add(struct hist *h, uint64_t ns, uint64_t count)
{
	h->count[hist_bucket(ns)] += count;
	h->total += count;
}

/* fio's bins are 1/64 of their value wide, ours 1/128: each goes where its middle belongs, but the shortest and
 * the longest operation, which it knows exactly. */
static int read_latency(const json_t *lat, struct hist *h)
{
	const double min = number(lat, "min"), max = number(lat, "max"), mean = number(lat, "mean");
	const json_t *bins = json_object_get(lat, "bins"), *count;
	uint64_t left_min = 1, left_max;
	const char *value;

	hist_init(h);
	if (!isfinite(min) || !isfinite(max) || !isfinite(mean) || !json_is_object(bins))
		return -EPROTO;
	h->min = (uint64_t)min;
	h->max = (uint64_t)max;
	left_max = number(lat, "N") > 1;
	json_object_foreach ((json_t *)bins, value, count) {
		uint64_t ns = strtoull(value, NULL, 10), n = (uint64_t)json_integer_value(count);

		ns = ns < h->min ? h->min : ns > h->max ? h->max : ns;
		/* the bins come in rising order */
		if (n && left_min) {
			add(h, h->min, 1);
			n--;
			left_min = 0;
		}
		if (n)
			add(h, ns, n);
	}
	/* the longest leaves the last bin that has any */
	for (unsigned int i = HIST_BUCKETS; i-- && left_max;)
		if (h->count[i]) {
			h->count[i]--;
			h->count[hist_bucket(h->max)]++;
			left_max = 0;
		}
	h->sum = (uint64_t)(mean * (double)h->total);
	return 0;
}

static void read_usage(const json_t *job, struct usage *u)
{
	const double ns = number(job, "job_runtime") * NSEC_PER_FIO_MSEC / 100; /* of a percent */

	*u = (struct usage){
		.user_ns = (uint64_t)(number(job, "usr_cpu") * ns),
		.kernel_ns = (uint64_t)(number(job, "sys_cpu") * ns),
		.minor_faults = (uint64_t)number(job, "minf"),
		.major_faults = (uint64_t)number(job, "majf"),
	};
}

int fio_read(const json_t *job, enum op op, unsigned int depth, struct fio_result *r, struct err *e)
{
	static const char *const needed[] = {"job_runtime", "usr_cpu", "sys_cpu", "minf", "majf"};
	const json_t *side = json_object_get(job, op_names[op]);
	const double ops = number(side, "total_ios"), bytes = number(side, "io_bytes");
	const double runtime = number(side, "runtime"), fell_short = number(side, "short_ios");

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!isfinite(number(job, needed[i])))
			return err_set(e, -EPROTO, "fio's result has no %s", needed[i]);
	if (!isfinite(ops) || !isfinite(bytes) || !isfinite(runtime) || !isfinite(fell_short) ||
	    read_latency(json_object_get(side, "lat_ns"), &r->latency))
		return err_set(e, -EPROTO, "fio's result of its %ss is incomplete", op_names[op]);
	if (ops < 1)
		return err_set(e, -EIO, "fio completed no %s", op_names[op]);
	if (fell_short > 0)
		return err_set(e, -EIO, "%.0f of fio's %ss were short", fell_short, op_names[op]);
	if (r->latency.total != (uint64_t)ops)
		return err_set(e, -EPROTO, "fio's histogram has %llu operations, its total is %.0f",
			       (unsigned long long)r->latency.total, ops);
	/* "1": percent of the submissions with one operation in flight */
	if (depth > 1 && ops > 1 && number(json_object_get(job, "iodepth_level"), "1") > 99.9)
		return err_remedy((err_set(e, -EINVAL,
					   "this engine of fio's never had more than one operation in "
					   "flight, depth %u was asked for",
					   depth),
				   e),
				  "--engine io_uring or libaio, or --depth 1");
	r->ops = (uint64_t)ops;
	r->payload_bytes = (uint64_t)bytes;
	r->runtime_ns = (uint64_t)(runtime * NSEC_PER_FIO_MSEC);
	/* One at a time: the sum of their times, as the native driver has it, and to the nanosecond. */
	r->elapsed_ns = depth == 1 ? r->latency.sum : r->runtime_ns;
	if (!r->elapsed_ns)
		return err_set(e, -EIO, "fio ran for less than a millisecond");
	if (r->runtime_ns < r->elapsed_ns)
		r->runtime_ns = r->elapsed_ns; /* it is cut to milliseconds */
	read_usage(job, &r->usage);
	return 0;
}
