// SPDX-License-Identifier: MIT
/*
 * The paths on the FUSE io_uring engine.
 *
 * `uring` (Linux 6.14): a payload buffer for each ring entry. The kernel copies the payload between the
 * client's pages and that buffer: one copy, but one system call for each batch of requests instead of
 * two for each request.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mounts.h"
#include "servers/fuse_ring.h"

#define FUSE_POOLS_MINOR 46 /* the protocol that brought buffer pools and zero copy */

struct uring {
	struct fuse_dev dev;
	struct fuse_ring *ring;
};

/* What the switch hides is told by the protocol's version: a kernel that could never run the path is not
 * to be called switched off. */
static int refuse(struct server *srv, const struct fuse_dev *dev, const struct fuse_ring_config *config,
		  struct err *e)
{
	const char *name = srv->path->name;
	const bool pools = config->memory != RING_BUFFERS;
	char value = 0;
	int fd;

	if (config->shared && (dev->minor < FUSE_POOLS_MINOR || dev->offered & FUSE_OVER_IO_URING)) {
		err_set(e, -EOPNOTSUPP,
			"%s: this kernel has no shared-buffer zero copy, as no released one has", name);
		return err_remedy(
			e,
			"zcbench's kernel series: make kernel, then zcbench vm --kernel zcbench "
			"-- run --path %s",
			name);
	}
	if (pools && (dev->minor < FUSE_POOLS_MINOR || dev->offered & FUSE_OVER_IO_URING)) {
		err_set(e, -EOPNOTSUPP, "%s: this kernel has no buffer pools for FUSE over io_uring",
			name);
		return err_remedy(e, "zcbench vm -- run --path %s   (Linux 7.3 in a guest)", name);
	}
	fd = open(FUSE_RING_SETTING, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &value, 1) != 1)
		value = 0;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && value != 'Y') {
		err_set(e, -EOPNOTSUPP, "%s: FUSE over io_uring is switched off (fuse.enable_uring=N)",
			name);
		return err_remedy(e, "echo Y | sudo tee " FUSE_RING_SETTING
				     "   (or zcbench run --setup, as root)");
	}
	err_set(e, -EOPNOTSUPP, "%s: this kernel does not offer FUSE over io_uring", name);
	return err_remedy(e,
			  "Linux 6.14 or later with CONFIG_FUSE_IO_URING=y, or "
			  "zcbench vm -- run --path %s",
			  name);
}

int fuse_ring_path_start(struct server *srv, const struct fuse_hooks *hooks,
			 struct fuse_ring_config config, struct err *e)
{
	struct uring *u = calloc(1, sizeof(*u));
	const bool pools = config.memory != RING_BUFFERS;
	int ret;

	if (!u)
		return err_sys(e, -ENOMEM, "%s", srv->path->name);
	srv->path_state = u;
	config.entries = (unsigned int)fuse_ring_options.entries;
	config.link = fuse_ring_options.link;
	if (config.memory == RING_POOL_REGISTERED && !strcmp(fuse_ring_options.pool, "plain"))
		config.memory = RING_POOL;
	config.name = srv->path->name;
	ret = fuse_dev_open(&u->dev, srv, hooks, 0,
			    FUSE_OVER_IO_URING | (pools ? FUSE_HAS_IO_URING_BUFPOOL : 0) |
				    (config.shared ? FUSE_HAS_IO_URING_SHARED_BUF : 0),
			    0, e);
	if (ret == -EOPNOTSUPP)
		ret = refuse(srv, &u->dev, &config, e);
	if (ret)
		return ret;
	/* FORGET and INTERRUPT keep coming over /dev/fuse; data requests on it show as route dev. */
	ret = fuse_dev_start(&u->dev, 1, e);
	if (!ret)
		ret = fuse_ring_start(&u->ring, &u->dev, &config, e);
	if (ret)
		fuse_dev_close(&u->dev);
	return ret;
}

void fuse_ring_path_stop(struct server *srv)
{
	struct uring *u = srv->path_state;
	struct fuse_mount_entry mount;
	int mounts;

	/* The mount goes at once; the connection would stay as long as a client has a file open there. (libfuse
	 * does not unmount what was aborted before.) */
	mounts = mounts_list(srv->mountpoint, &mount, 1);
	fuse_session_unmount(u->dev.se);
	if (mounts)
		mounts_abort(mount.minor);
	fuse_ring_stop(u->ring);
	fuse_dev_close(&u->dev);
}

struct fuse_ring *fuse_ring_path_ring(struct server *srv)
{
	return ((struct uring *)srv->path_state)->ring;
}

static const struct fuse_hooks no_hooks;

static int uring_start(struct server *srv, struct err *e)
{
	return fuse_ring_path_start(srv, &no_hooks, (struct fuse_ring_config){.memory = RING_BUFFERS},
				    e);
}

const struct path_ops path_uring = {
	.name = "uring",
	.help = "FUSE over io_uring, a payload buffer for each entry",
	.needs = "Linux 6.14, fuse.enable_uring=Y",
	.client = CLIENT_FUSE,
	.expect = {[OP_WRITE] = {ROUTE_RING, 1}, [OP_READ] = {ROUTE_RING, 1}},
	.reads = "its own copy",
	.setting = FUSE_RING_SETTING,
	.setting_value = "Y",
	.options = fuse_ring_option_table,
	.option_values = &fuse_ring_options,
	.start = uring_start,
	.stop = fuse_ring_path_stop,
};
