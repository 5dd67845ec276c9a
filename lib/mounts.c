// SPDX-License-Identifier: MIT
/* The mounts of zcbench's servers, as the kernel lists them; see mounts.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/mounts.h"

#define FSTYPE  "fuse.zcbench"
#define FUSECTL "/sys/fs/fuse/connections"

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

/* Whether point is `prefix` or lies below it. */
static bool below(const char *point, const char *prefix)
{
	size_t n = strlen(prefix);

	return !strncmp(point, prefix, n) && (!point[n] || point[n] == '/');
}

int mounts_list(const char *prefix, struct fuse_mount_entry *out, int max)
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
		if (prefix && !below(point, prefix))
			continue;
		if (n == max)
			memmove(out, out + 1, (size_t)--n * sizeof(*out));
		snprintf(out[n].point, sizeof(out[n].point), "%s", point);
		out[n++].minor = minor;
	}
	fclose(f);
	for (int i = 0; i < n / 2; i++) {
		struct fuse_mount_entry t = out[i];

		out[i] = out[n - 1 - i];
		out[n - 1 - i] = t;
	}
	return n;
}

void mounts_abort(unsigned int minor)
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
	struct fuse_mount_entry m[4];

	if (mounts_list(mountpoint, m, 4) > 0)
		mounts_abort(m[0].minor);
}

int mounts_unmount(const char *point)
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
