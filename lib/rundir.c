// SPDX-License-Identifier: MIT
/* What a run leaves in the system, and taking it back; see rundir.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mounts.h"
#include "lib/rundir.h"

#define RESTORE "restore" /* in the run's folder: lines of FILE=VALUE */

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
		if (sscanf(p + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			   "%*d %*d %*d %llu",
			   &t) != 1)
			t = 0;
	fclose(f);
	return t;
}

static bool is_run(const char *name)
{
	unsigned long long t;
	int pid;

	return sscanf(name, "%d.%llu", &pid, &t) == 2;
}

static bool alive(const char *name)
{
	unsigned long long t;
	int pid;

	return sscanf(name, "%d.%llu", &pid, &t) == 2 && start_time(pid) == t;
}

void rundir_drop_mountpoint(const char *path)
{
	struct fuse_mount_entry m[4];
	int n = mounts_list(path, m, 4);

	for (int i = 0; i < n; i++)
		mounts_unmount(m[i].point);
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

/* One user's runs change and restore settings one at a time. Returns a descriptor to close. */
static int lock_settings(void)
{
	char base[200], path[220];
	int fd;

	base_dir(base, sizeof(base));
	snprintf(path, sizeof(path), "%s/lock", base);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		flock(fd, LOCK_EX);
	return fd;
}

/* The value that another live run will restore `file` to, if it has changed it. */
static bool other_run_restores(const char *dir, const char *file, char *value, size_t len)
{
	char base[200], path[600], line[300];
	bool found = false;
	struct dirent *d;
	DIR *all;

	base_dir(base, sizeof(base));
	all = opendir(base);
	while (all && !found && (d = readdir(all))) {
		size_t n = strlen(file);
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", base, d->d_name);
		if (!strcmp(path, dir) || !alive(d->d_name))
			continue;
		strncat(path, "/" RESTORE, sizeof(path) - strlen(path) - 1);
		f = fopen(path, "re");
		while (f && !found && fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = '\0';
			if (strncmp(line, file, n) || line[n] != '=')
				continue;
			snprintf(value, len, "%s", line + n + 1);
			found = true;
		}
		if (f)
			fclose(f);
	}
	if (all)
		closedir(all);
	return found;
}

/* Restores the settings of a run, last change first, but for those that another run still needs: that
 * run knows the value to go back to. Returns how many. */
static int restore_settings(const char *dir)
{
	char path[300], lines[64][300], ignored[64];
	int n = 0, done = 0, lock;
	FILE *f;

	snprintf(path, sizeof(path), "%s/" RESTORE, dir);
	f = fopen(path, "re");
	if (!f)
		return 0;
	lock = lock_settings();
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
		if (other_run_restores(dir, lines[n], ignored, sizeof(ignored)))
			continue;
		if (write_setting(lines[n], value))
			warn("cannot restore %s to %s", lines[n], value);
		else
			done++;
	}
	unlink(path);
	close(lock);
	return done;
}

/* Takes back all that the run with this folder left. Order matters: with the processes gone, nothing
 * mounts again, and aborted connections let hung clients go. */
static int tidy(const char *dir, bool verbose)
{
	struct fuse_mount_entry m[64];
	int n = 0, mounts, killed, restored, failed = 0;
	struct dirent *d;
	DIR *folder;

	mounts = mounts_list(dir, m, 64);
	for (int i = 0; i < mounts; i++)
		mounts_abort(m[i].minor);
	killed = kill_members(dir);
	if (verbose && killed)
		printf("ended %d process%s of %s\n", killed, killed == 1 ? "" : "es", dir);
	for (int i = 0; i < mounts; i++) {
		int ret = mounts_unmount(m[i].point);

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
	struct stat st;
	int fds[2];

	base_dir(base, sizeof(base));
	if (mkdir(base, 0700) && errno != EEXIST)
		return err_sys(e, -errno, "making %s", base);
	/* /tmp is everybody's: somebody else could have made it first */
	if (lstat(base, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022)
		return err_remedy(
			(err_set(e, -EPERM, "%s is not a folder that only this user can write to", base),
			 e),
			"set ZCBENCH_RUNDIR to one that is");
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

static int read_setting(const char *file, char *value, int len)
{
	FILE *f = fopen(file, "re");
	int ret = f && fgets(value, len, f) ? 0 : -(errno ? errno : EIO);

	if (f)
		fclose(f);
	value[ret ? 0 : strcspn(value, "\n")] = '\0';
	return ret;
}

/* Notes the way back. */
static int remember(struct rundir *r, const char *file, const char *value, struct err *e)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/" RESTORE, r->path);
	f = fopen(path, "ae");
	if (!f)
		return err_sys(e, -errno, "writing %s", path);
	fprintf(f, "%s=%s\n", file, value);
	return fclose(f) ? err_sys(e, -errno, "writing %s", path) : 0;
}

static int set_locked(struct rundir *r, const char *file, const char *value, struct err *e)
{
	char now[64], back[64];
	int ret = read_setting(file, now, sizeof(now));

	if (ret)
		return err_sys(e, ret, "reading %s", file);
	if (!strcmp(now, value)) {
		/* set by the system's owner: not ours to restore; by another run: the last one restores */
		if (other_run_restores(r->path, file, back, sizeof(back)))
			return remember(r, file, back, e);
		return 0;
	}
	ret = remember(r, file, now, e);
	if (ret)
		return ret;
	ret = write_setting(file, value);
	if (ret)
		return err_remedy((err_sys(e, ret, "setting %s to %s", file, value), e), "run as root");
	fprintf(stderr, "zcbench: set %s to %s for this run (was %s)\n", file, value, now);
	return 0;
}

int rundir_set(struct rundir *r, const char *file, const char *value, struct err *e)
{
	int lock = lock_settings();
	int ret = set_locked(r, file, value, e);

	close(lock);
	return ret;
}

/* A mount somewhere else (zcbench serve) whose server is gone answers ENOTCONN; one that hangs must not
 * hang us, so a child asks. */
static bool mount_is_dead(const char *point)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct statvfs st;

		/* stat() may be answered from the kernel's cache, also of a mount that is dead */
		alarm(1);
		_exit(statvfs(point, &st) && errno == ENOTCONN ? 42 : 0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 42;
}

int rundir_cleanup(bool verbose)
{
	int total = 0, failed = 0, mounts;
	struct fuse_mount_entry m[64];
	struct dirent *d;
	char base[200];
	DIR *dir;

	base_dir(base, sizeof(base));
	dir = opendir(base);
	while (dir && (d = readdir(dir))) {
		char path[600];
		int n;

		if (!is_run(d->d_name) || alive(d->d_name))
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
	mounts = mounts_list(NULL, m, 64);
	for (int i = 0; i < mounts; i++) {
		int ret;

		if (!strncmp(m[i].point, base, strlen(base)) || !mount_is_dead(m[i].point))
			continue;
		ret = mounts_unmount(m[i].point);
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
