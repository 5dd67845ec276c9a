// SPDX-License-Identifier: MIT
/* Path `uring`: FUSE over io_uring (Linux 6.14), a payload buffer for each ring entry. The kernel
 * copies the payload between the client's pages and that buffer: one copy, but one system call for
 * each batch of requests instead of two for each request. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "servers/fuse_ring.h"

#define ENABLE "/sys/module/fuse/parameters/enable_uring"

struct uring_options {
	uint64_t entries;
};

struct uring {
	struct fuse_dev dev;
	struct fuse_ring *ring;
};

static struct uring_options options;

static const struct opt option_table[] = {
	{"entries", OPT_UINT, offsetof(struct uring_options, entries), "N", "4",
	 "uring: ring entries for each queue, 1 MiB of payload buffer each", .min = 1, .max = 256},
	{0},
};

static const struct fuse_hooks hooks;

static int refuse(struct err *e)
{
	char value = 0;
	int fd = open(ENABLE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &value, 1) != 1)
		value = 0;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && value != 'Y') {
		err_set(e, -EOPNOTSUPP, "uring: FUSE over io_uring is switched off "
					"(fuse.enable_uring=N)");
		return err_remedy(e, "echo Y | sudo tee " ENABLE "   (or zcbench run --setup, as root)");
	}
	err_set(e, -EOPNOTSUPP, "uring: this kernel does not offer FUSE over io_uring");
	return err_remedy(e, "use Linux 6.14 or later with CONFIG_FUSE_IO_URING=y");
}

static int uring_start(struct server *srv, struct err *e)
{
	struct uring *u = calloc(1, sizeof(*u));
	int ret;

	if (!u)
		return err_sys(e, -ENOMEM, "uring");
	srv->path_state = u;
	ret = fuse_dev_open(&u->dev, srv, &hooks, 0, FUSE_OVER_IO_URING, 0, e);
	if (ret == -EOPNOTSUPP)
		ret = refuse(e);
	if (ret)
		return ret;
	/* FORGET and INTERRUPT keep coming over /dev/fuse; data requests on it show as route dev. */
	ret = fuse_dev_start(&u->dev, 1, e);
	if (!ret)
		ret = fuse_ring_start(&u->ring, &u->dev, (unsigned int)options.entries, e);
	if (ret)
		fuse_dev_close(&u->dev);
	return ret;
}

static void uring_stop(struct server *srv)
{
	struct uring *u = srv->path_state;

	fuse_session_unmount(u->dev.se);
	fuse_ring_stop(u->ring);
	fuse_dev_close(&u->dev);
}

const struct path_ops path_uring = {
	.name = "uring",
	.help = "FUSE over io_uring, a payload buffer for each entry",
	.needs = "Linux 6.14, fuse.enable_uring=Y",
	.client = CLIENT_FUSE,
	.expect = {[OP_WRITE] = {ROUTE_RING, 1}, [OP_READ] = {ROUTE_RING, 1}},
	.in_place = true,
	.setting = ENABLE,
	.setting_value = "Y",
	.options = option_table,
	.option_values = &options,
	.start = uring_start,
	.stop = uring_stop,
};
