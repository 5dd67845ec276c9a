// SPDX-License-Identifier: MIT
/* Path `ipc`: the bypass. The mount serves names and attributes, and an ioctl on an open file leads to
 * the back channel (lib/ipc.h) on which the payload never leaves the client's shared memory. Reads and
 * writes that still come through the mount are served, and counted as what they are. */
#include <errno.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "servers/fuse_dev.h"
#include "servers/ipc_server.h"

#define THREADS 2
/* Longer than a client takes to produce 1 MiB: then the server is still there when it comes. */
#define DEFAULT_SPIN_NS (200 * NSEC_PER_USEC)

struct ipc_options {
	uint64_t spin_ns;
};

struct ipc_path {
	struct fuse_dev dev;
};

static struct ipc_options options;

static const struct opt option_table[] = {
	{"spin", OPT_TIME, offsetof(struct ipc_options, spin_ns), "TIME", "auto",
	 "ipc: poll an idle ring this long before sleeping; 0: always sleep; auto: 200us, while there "
	 "is a CPU for each client at work and one for its server thread, and 0 where they share a CPU",
	 .max = NSEC_PER_SEC, .auto_ok = true},
	{0},
};

static int ipc_start(struct server *srv, struct err *e)
{
	struct ipc_server_config config = {.memory = &ipc_memory_ring, .spin_ns = options.spin_ns};
	struct ipc_path *ip = calloc(1, sizeof(*ip));
	int ret;

	if (!ip)
		return err_sys(e, -ENOMEM, "ipc");
	config.spin_always = config.spin_ns != OPT_AUTO;
	if (config.spin_ns == OPT_AUTO)
		config.spin_ns = srv->shares_cpu ? 0 : DEFAULT_SPIN_NS;
	srv->path_state = ip;
	ret = ipc_channel_start(srv, &config, e);
	if (ret)
		return ret;
	ret = fuse_dev_open(&ip->dev, srv, &ipc_hooks, 0, 0, 0, e);
	if (ret) {
		ipc_channel_stop(srv);
		return ret;
	}
	ret = fuse_dev_start(&ip->dev, THREADS, e);
	if (ret) {
		fuse_dev_close(&ip->dev);
		ipc_channel_stop(srv);
		return ret;
	}
	json_object_set_new(srv->evidence, "spin_ns", json_integer((json_int_t)config.spin_ns));
	return 0;
}

static void ipc_stop(struct server *srv)
{
	struct ipc_path *ip = srv->path_state;

	/* first the threads that ask it for tickets */
	fuse_dev_close(&ip->dev);
	ipc_channel_stop(srv);
}

const struct path_ops path_ipc = {
	.name = "ipc",
	.help = "no kernel on the data path: fd over a UNIX socket, requests over a shared ring",
	.needs = "any Linux",
	.client = CLIENT_IPC,
	.expect = {[OP_WRITE] = {ROUTE_IPC, 0}, [OP_READ] = {ROUTE_IPC, 0}},
	.tree = true,
	.reads = "the client's very bytes",
	.options = option_table,
	.option_values = &options,
	.start = ipc_start,
	.stop = ipc_stop,
};
