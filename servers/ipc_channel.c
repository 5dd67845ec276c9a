// SPDX-License-Identifier: MIT
/* The FUSE side of the back channel: who has a file open may ask for a ticket, with an ioctl on it. */
#include <errno.h>
#include <stdlib.h>

#include "servers/ipc_server.h"

struct open_file {
	bool used;
	uint64_t ino;
	uint32_t flags, uid;
};

struct ipc_channel_state {
	struct ipc_server *server;
	pthread_mutex_t lock;
	struct open_file files[IPC_FILES_MAX]; /* by file handle */
};

static int on_open(struct server *srv, const struct fuse_in_header *in, uint32_t flags,
		   struct fuse_open_out *out)
{
	struct ipc_channel_state *ch = srv->channel;
	int ret = -EMFILE;

	pthread_mutex_lock(&ch->lock);
	for (uint64_t fh = 0; fh < IPC_FILES_MAX && ret; fh++)
		if (!ch->files[fh].used) {
			ch->files[fh] = (struct open_file){
				.used = true, .ino = in->nodeid, .flags = flags, .uid = in->uid};
			out->fh = fh;
			ret = 0;
		}
	pthread_mutex_unlock(&ch->lock);
	return ret;
}

static void on_release(struct server *srv, uint64_t fh)
{
	struct ipc_channel_state *ch = srv->channel;

	if (fh >= IPC_FILES_MAX)
		return;
	ipc_server_revoke(ch->server, fh);
	pthread_mutex_lock(&ch->lock);
	ch->files[fh].used = false;
	pthread_mutex_unlock(&ch->lock);
}

static int64_t on_ioctl(struct server *srv, const struct fuse_in_header *in,
			const struct fuse_ioctl_in *arg, const void *data, void *out)
{
	struct ipc_channel_state *ch = srv->channel;
	struct open_file f;
	int ret;

	(void)data;
	if (arg->cmd != IPC_IOC_CHANNEL || arg->out_size < sizeof(struct ipc_channel) ||
	    arg->fh >= IPC_FILES_MAX)
		return -ENOTTY;
	pthread_mutex_lock(&ch->lock);
	f = ch->files[arg->fh];
	pthread_mutex_unlock(&ch->lock);
	if (!f.used || f.ino != in->nodeid) /* an open folder has the handle 0, as some file has */
		return -EBADF;
	/* The rights of the open file, for the user who asks now. */
	ret = ipc_server_ticket(ch->server, arg->fh, f.ino, f.flags, in->uid, out);
	return ret ? ret : (int64_t)sizeof(struct ipc_channel);
}

const struct fuse_hooks ipc_hooks = {
	.open = on_open,
	.release = on_release,
	.ioctl = on_ioctl,
};

int ipc_channel_start(struct server *srv, const struct ipc_server_config *config, struct err *e)
{
	struct ipc_channel_state *ch = calloc(1, sizeof(*ch));
	int ret;

	if (!ch)
		return err_sys(e, -ENOMEM, "the back channel");
	pthread_mutex_init(&ch->lock, NULL);
	ret = ipc_server_start(&ch->server, srv, config, e);
	if (ret)
		free(ch);
	else
		srv->channel = ch;
	return ret;
}

void ipc_channel_stop(struct server *srv)
{
	/* its memory stays: threads that hang in the kernel may still look at it while the process ends */
	ipc_server_stop(((struct ipc_channel_state *)srv->channel)->server);
}
