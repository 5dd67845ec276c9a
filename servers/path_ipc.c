// SPDX-License-Identifier: MIT
/* Path `ipc`: the bypass. The mount serves names and attributes, and an ioctl on an open file leads to
 * the back channel (lib/ipc.h) on which the payload never leaves the client's shared memory. Reads and
 * writes that still come through the mount are served, and counted as what they are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "servers/fuse_dev.h"
#include "servers/ipc_server.h"

#define THREADS 2
/* Longer than a client takes to produce 1 MiB: then the server is still there when it comes. */
#define DEFAULT_SPIN_NS (200 * NSEC_PER_USEC)

struct ipc_options {
	uint64_t spin_ns;
};

struct open_file {
	bool used;
	uint64_t ino;
	uint32_t flags, uid;
};

struct ipc_path {
	struct fuse_dev dev;
	struct ipc_server *server;
	pthread_mutex_t lock;
	struct open_file files[IPC_TICKETS_MAX]; /* by file handle */
};

static struct ipc_options options;

static const struct opt option_table[] = {
	{"spin", OPT_TIME, offsetof(struct ipc_options, spin_ns), "TIME", "auto",
	 "ipc: poll an idle ring this long before sleeping; 0: always sleep; auto: 200us, or 0 where "
	 "client and server share a CPU",
	 .max = NSEC_PER_SEC, .auto_ok = true},
	{0},
};

static int on_open(struct server *srv, const struct fuse_in_header *in, uint32_t flags,
		   struct fuse_open_out *out)
{
	struct ipc_path *ip = srv->path_state;
	int ret = -EMFILE;

	pthread_mutex_lock(&ip->lock);
	for (uint64_t fh = 0; fh < IPC_TICKETS_MAX && ret; fh++)
		if (!ip->files[fh].used) {
			ip->files[fh] = (struct open_file){
				.used = true, .ino = in->nodeid, .flags = flags, .uid = in->uid};
			out->fh = fh;
			ret = 0;
		}
	pthread_mutex_unlock(&ip->lock);
	return ret;
}

static void on_release(struct server *srv, uint64_t fh)
{
	struct ipc_path *ip = srv->path_state;

	if (fh >= IPC_TICKETS_MAX)
		return;
	ipc_server_revoke(ip->server, fh);
	pthread_mutex_lock(&ip->lock);
	ip->files[fh].used = false;
	pthread_mutex_unlock(&ip->lock);
}

static int64_t on_ioctl(struct server *srv, const struct fuse_in_header *in,
			const struct fuse_ioctl_in *arg, const void *data, void *out)
{
	struct ipc_path *ip = srv->path_state;
	struct open_file f;
	int ret;

	(void)data;
	if (arg->cmd != IPC_IOC_CHANNEL || arg->out_size < sizeof(struct ipc_channel) ||
	    arg->fh >= IPC_TICKETS_MAX)
		return -ENOTTY;
	pthread_mutex_lock(&ip->lock);
	f = ip->files[arg->fh];
	pthread_mutex_unlock(&ip->lock);
	if (!f.used || f.ino != in->nodeid) /* an open folder has the handle 0, as some file has */
		return -EBADF;
	/* The rights of the open file, for the user who asks now. */
	ret = ipc_server_ticket(ip->server, arg->fh, f.ino, f.flags, in->uid, out);
	return ret ? ret : (int64_t)sizeof(struct ipc_channel);
}

static const struct fuse_hooks hooks = {
	.open = on_open,
	.release = on_release,
	.ioctl = on_ioctl,
};

static int ipc_start(struct server *srv, struct err *e)
{
	struct ipc_server_config config = {.spin_ns = options.spin_ns};
	struct ipc_path *ip = calloc(1, sizeof(*ip));
	int ret;

	if (!ip)
		return err_sys(e, -ENOMEM, "ipc");
	if (config.spin_ns == OPT_AUTO)
		config.spin_ns = srv->shares_cpu ? 0 : DEFAULT_SPIN_NS;
	srv->path_state = ip;
	pthread_mutex_init(&ip->lock, NULL);
	ret = ipc_server_start(&ip->server, srv, &config, e);
	if (ret)
		return ret;
	ret = fuse_dev_open(&ip->dev, srv, &hooks, 0, 0, 0, e);
	if (ret) {
		ipc_server_stop(ip->server);
		return ret;
	}
	ret = fuse_dev_start(&ip->dev, THREADS, e);
	if (ret) {
		fuse_dev_close(&ip->dev);
		ipc_server_stop(ip->server);
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
	ipc_server_stop(ip->server);
}

const struct path_ops path_ipc = {
	.name = "ipc",
	.help = "no kernel on the data path: fd over a UNIX socket, requests over a shared ring",
	.needs = "any Linux",
	.client = CLIENT_IPC,
	.expect = {[OP_WRITE] = {ROUTE_IPC, 0}, [OP_READ] = {ROUTE_IPC, 0}},
	.reads = "the client's very bytes",
	.options = option_table,
	.option_values = &options,
	.start = ipc_start,
	.stop = ipc_stop,
};
