// SPDX-License-Identifier: MIT
/* Mounting; see fuse_mount.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "servers/fuse_mount.h"

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_log.h>

static char last_log[300]; /* what libfuse said last; it gives no other reason */

static void keep_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	size_t n;

	if (level > FUSE_LOG_WARNING)
		return;
	vsnprintf(last_log, sizeof(last_log), fmt, ap);
	n = strlen(last_log);
	if (n && last_log[n - 1] == '\n')
		last_log[n - 1] = '\0';
}

static int refuse(struct server *srv, struct err *e)
{
	if (access("/dev/fuse", F_OK))
		return err_remedy((err_set(e, -ENODEV, "/dev/fuse does not exist"), e),
				  "modprobe fuse, or run where /dev/fuse is passed through");
	if (access("/dev/fuse", R_OK | W_OK))
		return err_remedy((err_sys(e, -errno, "/dev/fuse"), e),
				  "run as root, or chmod 666 /dev/fuse");
	err_set(e, -EPERM, "cannot mount on %s: %s", srv->mountpoint,
		last_log[0] ? last_log : "libfuse gave no reason");
	if (geteuid())
		err_remedy(e, "run as root, or install fuse3 (it has fusermount3) and use a mount point "
			      "that you own");
	return -EPERM;
}

struct fuse_session *fuse_mount(struct server *srv, const struct fuse_lowlevel_ops *ops, struct err *e)
{
	char options[128];
	char *argv[] = {"zcbench", "-o", options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *se;

	snprintf(options, sizeof(options), "fsname=zcbench-%s,subtype=zcbench,default_permissions",
		 srv->path->name);
	last_log[0] = '\0';
	fuse_set_log_func(keep_log);
	se = fuse_session_new(&args, ops, sizeof(*ops), srv);
	fuse_opt_free_args(&args);
	if (!se) {
		err_set(e, -EINVAL, "libfuse: %s", last_log);
		return NULL;
	}
	if (fuse_session_mount(se, srv->mountpoint)) {
		refuse(srv, e);
		fuse_session_destroy(se);
		return NULL;
	}
	return se;
}

void fuse_unmount(struct fuse_session *se)
{
	fuse_session_unmount(se);
	fuse_session_destroy(se);
}

bool thread_join_bounded(pthread_t thread)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec++;
	return pthread_timedjoin_np(thread, NULL, &ts) == 0;
}
