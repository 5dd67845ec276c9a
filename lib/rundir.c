// SPDX-License-Identifier: MIT
/* What a run leaves in the system, and taking it back; see rundir.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/rundir.h"

#define FSTYPE  "fuse.zcbench"
#define RESTORE "restore" /* in the run's folder: lines of FILE=VALUE */
#define FUSECTL "/sys/fs/fuse/connections"

static void base_dir(char *buf, size_t len)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR"), *own = getenv("ZCBENCH_RUNDIR");

	if (own && own[0] == '/')
		snprintf(buf, len, "%s", own);
	else if (geteuid() == 0)
		snprintf(buf, len, "/run/zcbench");
	else if (xdg && xdg[0] == '/' && !access(xdg, W_OK))
		snprintf(buf, len, "%s/zcbench", xdg);
	else
		snprintf(buf, len, "/tmp/zcbench-%u", (unsigned int)geteuid());
}

/* When a process started, in clock ticks since boot: with the pid, a name that is not used twice.
 * 0 if there is no such process. */
static unsigned long long start_time(int pid)
{
	char path[64], line[1024], *p;
	unsigned long long t = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* field 22; the second one, the name, can contain anything but ends with the last ")" */
	if (fgets(line, sizeof(line), f) && (p = strrchr(line, ')')))
		if (sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
				  "%*d %*d %*d %llu", &t) != 1)
			t = 0;
	fclose(f);
	return t;
}

static bool alive(const char *name)
{
	unsigned long long t;
	int pid;

	return sscanf(name, "%d.%llu", &pid, &t) == 2 && start_time(pid) == t;
}

/* Undoes the octal escapes of /proc/self/mountinfo in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		unsigned int c;

		if (s[0] == '\\' && sscanf(s + 1, "%3o", &c) == 1) {
			*out++ = (char)c;
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

struct mount {
	char point[512];
	unsigned int minor; /* of its device: the number of its FUSE connection */
};

/* The zcbench mounts at or below `prefix` (NULL: all), newest first. Never asks the mounts themselves:
 * a dead or hung server cannot stop us. */
static int list_mounts(const char *prefix, struct mount *out, int max)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	int n = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		char point[512], *sep = strstr(line, " - ");
		unsigned int minor;

		if (!sep || strncmp(sep + 3, FSTYPE " ", strlen(FSTYPE) + 1) ||
		    sscanf(line, "%*d %*d %*u:%u %*s %511s", &minor, point) != 2)
			continue;
		unescape(point);
		if (prefix && strncmp(point, prefix, strlen(prefix)))
			continue;
		if (n == max)
			memmove(out, out + 1, (size_t)--n * sizeof(*out));
		snprintf(out[n].point, sizeof(out[n].point), "%s", point);
		out[n++].minor = minor;
	}
	fclose(f);
	for (int i = 0; i < n / 2; i++) {
		struct mount t = out[i];

		out[i] = out[n - 1 - i];
		out[n - 1 - i] = t;
	}
	return n;
}

static void abort_connection(unsigned int minor)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), FUSECTL "/%u/abort", minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && geteuid() == 0 && access(FUSECTL "/.", F_OK) == 0) {
		/* Not every system mounts fusectl. For this one write, then it goes again. */
		if (mount("fusectl", FUSECTL, "fusectl", 0, NULL) == 0) {
			fd = open(path, O_WRONLY | O_CLOEXEC);
			if (fd >= 0 && write(fd, "1", 1) < 0)
				warn("aborting FUSE connection %u: %s", minor, strerror(errno));
			if (fd >= 0)
				close(fd);
			umount2(FUSECTL, MNT_DETACH);
			return;
		}
	}
	if (fd >= 0) {
		if (write(fd, "1", 1) < 0)
			warn("aborting FUSE connection %u: %s", minor, strerror(errno));
		close(fd);
	}
}

void fuse_abort(const char *mountpoint)
{
	struct mount m[4];

	if (list_mounts(mountpoint, m, 4) > 0)
		abort_connection(m[0].minor);
}

static int unmount(const char *point)
{
	pid_t pid;
	int status;

	if (umount2(point, MNT_DETACH) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	pid = fork();
	if (pid == 0) {
		execlp("fusermount3", "fusermount3", "-u", "-z", "-q", "--", point, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

void rundir_drop_mountpoint(const char *path)
{
	struct mount m[4];
	int n = list_mounts(path, m, 4);

	for (int i = 0; i < n; i++)
		unmount(m[i].point);
	rmdir(path);
}

/* Ends the processes whose environment names this run. Returns how many. */
static int kill_members(const char *dir)
{
	char want[300], path[64], env[65536];
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int n = 0;

	if (!proc)
		return 0;
	snprintf(want, sizeof(want), "ZCBENCH_RUN=%s", dir);
	while ((d = readdir(proc))) {
		int pid = atoi(d->d_name), fd;
		ssize_t len;

		if (pid <= 0 || pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%d/environ", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		len = read(fd, env, sizeof(env) - 1);
		close(fd);
		if (len <= 0)
			continue;
		env[len] = '\0';
		for (char *s = env; s < env + len; s += strlen(s) + 1)
			if (!strcmp(s, want)) {
				kill(pid, SIGKILL);
				n++;
				break;
			}
	}
	closedir(proc);
	return n;
}

static int write_setting(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Restores the settings of a run, last change first. Returns how many. */
static int restore_settings(const char *dir)
{
	char path[300], lines[64][300];
	int n = 0, done = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/" RESTORE, dir);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (n < 64 && fgets(lines[n], sizeof(lines[n]), f))
		n++;
	fclose(f);
	while (n--) {
		char *value = strchr(lines[n], '=');

		if (!value)
			continue;
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		/* only what a run can have set */
		if (strncmp(lines[n], "/sys/", 5) && strncmp(lines[n], "/proc/sys/", 10))
			continue;
		if (write_setting(lines[n], value))
			warn("cannot restore %s to %s", lines[n], value);
		else
			done++;
	}
	unlink(path);
	return done;
}

/* Takes back all that the run with this folder left. Order matters: with the processes gone, nothing
 * mounts again, and aborted connections let hung clients go. */
static int tidy(const char *dir, bool verbose)
{
	struct mount m[64];
	int n = 0, mounts, killed, restored, failed = 0;
	struct dirent *d;
	DIR *folder;

	mounts = list_mounts(dir, m, 64);
	for (int i = 0; i < mounts; i++)
		abort_connection(m[i].minor);
	killed = kill_members(dir);
	if (verbose && killed)
		printf("ended %d process%s of %s\n", killed, killed == 1 ? "" : "es", dir);
	for (int i = 0; i < mounts; i++) {
		int ret = unmount(m[i].point);

		if (ret) {
			warn("cannot unmount %s: %s", m[i].point, strerror(-ret));
			failed = ret;
		} else if (verbose) {
			printf("unmounted %s\n", m[i].point);
		}
	}
	restored = restore_settings(dir);
	if (verbose && restored)
		printf("restored %d setting%s\n", restored, restored == 1 ? "" : "s");
	folder = opendir(dir);
	while (folder && (d = readdir(folder))) {
		char path[600];

		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		rmdir(path);
	}
	if (folder)
		closedir(folder);
	if (rmdir(dir) == 0 && verbose)
		printf("removed %s\n", dir);
	n = killed + mounts + restored + 1;
	return failed ? failed : n;
}

static void guard(int fd, const char *dir)
{
	char c = 0;
	ssize_t n;

	setsid();
	prctl(PR_SET_NAME, "zcbench-guard");
	unsetenv("ZCBENCH_RUN");
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* hold nobody's terminal or pipe open: whoever waits for zcbench's output must see its end */
	for (int i = 0; i < 3; i++) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, i);
		if (null > 2)
			close(null);
	}
	do {
		n = read(fd, &c, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1) /* the run is gone without a word */
		tidy(dir, false);
	_exit(0);
}

int rundir_open(struct rundir *r, struct err *e)
{
	char base[200];
	int fds[2];

	base_dir(base, sizeof(base));
	if (mkdir(base, 0700) && errno != EEXIST)
		return err_sys(e, -errno, "making %s", base);
	snprintf(r->path, sizeof(r->path), "%s/%d.%llu", base, getpid(), start_time(getpid()));
	if (mkdir(r->path, 0700) && errno != EEXIST)
		return err_sys(e, -errno, "making %s", r->path);
	setenv("ZCBENCH_RUN", r->path, 1);
	if (pipe2(fds, O_CLOEXEC))
		return err_sys(e, -errno, "pipe");
	r->guardian_pid = fork();
	if (r->guardian_pid < 0)
		return err_sys(e, -errno, "starting the guardian");
	if (r->guardian_pid == 0) {
		close(fds[1]);
		guard(fds[0], r->path);
	}
	close(fds[0]);
	r->guardian_fd = fds[1];
	return 0;
}

void rundir_close(struct rundir *r)
{
	unsetenv("ZCBENCH_RUN");
	tidy(r->path, false);
	if (write(r->guardian_fd, "q", 1) < 0)
		warn("the guardian process was killed");
	close(r->guardian_fd);
	waitpid(r->guardian_pid, NULL, 0);
}

int rundir_mountpoint(struct rundir *r, char *buf, unsigned int len, struct err *e)
{
	static unsigned int number;

	snprintf(buf, len, "%s/mnt%u", r->path, number++);
	return mkdir(buf, 0700) ? err_sys(e, -errno, "making %s", buf) : 0;
}

int rundir_set(struct rundir *r, const char *file, const char *value, struct err *e)
{
	char old[64] = "", path[300];
	FILE *f = fopen(file, "re");
	int ret;

	if (!f || !fgets(old, sizeof(old), f)) {
		ret = err_sys(e, -errno, "reading %s", file);
		if (f)
			fclose(f);
		return ret;
	}
	fclose(f);
	old[strcspn(old, "\n")] = '\0';
	if (!strcmp(old, value))
		return 0;
	/* the way back first */
	snprintf(path, sizeof(path), "%s/" RESTORE, r->path);
	f = fopen(path, "ae");
	if (!f)
		return err_sys(e, -errno, "writing %s", path);
	fprintf(f, "%s=%s\n", file, old);
	if (fclose(f))
		return err_sys(e, -errno, "writing %s", path);
	ret = write_setting(file, value);
	if (ret)
		return err_remedy((err_sys(e, ret, "setting %s to %s", file, value), e),
				  "run as root");
	fprintf(stderr, "zcbench: set %s to %s for this run (was %s)\n", file, value, old);
	return 0;
}

/* A mount somewhere else (zcbench serve) whose server is gone answers ENOTCONN; one that hangs must not
 * hang us, so a child asks. */
static bool mount_is_dead(const char *point)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct stat st;

		alarm(1);
		_exit(stat(point, &st) && errno == ENOTCONN ? 42 : 0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 42;
}

int rundir_cleanup(bool verbose)
{
	int total = 0, failed = 0, mounts;
	struct mount m[64];
	struct dirent *d;
	char base[200];
	DIR *dir;

	base_dir(base, sizeof(base));
	dir = opendir(base);
	while (dir && (d = readdir(dir))) {
		char path[600];
		int n;

		if (d->d_name[0] == '.' || alive(d->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", base, d->d_name);
		n = tidy(path, verbose);
		if (n < 0)
			failed = n;
		else
			total += n;
	}
	if (dir)
		closedir(dir);
	mounts = list_mounts(NULL, m, 64);
	for (int i = 0; i < mounts; i++) {
		int ret;

		if (!strncmp(m[i].point, base, strlen(base)) || !mount_is_dead(m[i].point))
			continue;
		ret = unmount(m[i].point);
		if (ret) {
			warn("cannot unmount %s: %s", m[i].point, strerror(-ret));
			failed = ret;
		} else {
			total++;
			if (verbose)
				printf("unmounted %s\n", m[i].point);
		}
	}
	return failed ? failed : total;
}
