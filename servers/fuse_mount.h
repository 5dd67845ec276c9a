/* SPDX-License-Identifier: MIT */
/* Mounting by libfuse3 (fusermount3 for unprivileged users), with its complaints turned into our
 * error messages. Mounts carry the type fuse.zcbench: that is how `zcbench cleanup` knows them. */
#ifndef ZC_FUSE_MOUNT_H
#define ZC_FUSE_MOUNT_H

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>

#include "servers/server.h"

#define ZCBENCH_FSTYPE "fuse.zcbench"

/* Makes a session named after the server's path and mounts it on srv->mountpoint. ops may have no
 * callbacks at all for servers that speak the protocol themselves on fuse_session_fd(). Returns NULL
 * with the reason in e. */
struct fuse_session *fuse_mount(struct server *srv, const struct fuse_lowlevel_ops *ops, struct err *e);

/* Unmounts (lazily, if something still uses the mount) and frees the session. */
void fuse_unmount(struct fuse_session *se);

/* Joins a thread, but does not wait longer than a second for one that hangs in the kernel: the
 * process is about to end, and that frees it. */
bool thread_join_bounded(pthread_t thread);

#endif
