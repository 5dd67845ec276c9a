// SPDX-License-Identifier: MIT
/* Sharing the source with the server; see shared.h. */
#include <errno.h>
#include <stdlib.h>

#include "clients/ipc_client.h"
#include "clients/shared.h"
#include "lib/clock.h"

int shared_open(struct io *io, int file_fd, struct err *e)
{
	uint64_t start, connected;
	int ret;

	if (!io->share)
		return 0;
	if (io->source->fd < 0)
		return err_set(e, -EINVAL, "source %s cannot be shared", io->source->ops->name);
	io->shared = malloc(sizeof(*io->shared));
	if (!io->shared)
		return err_sys(e, -ENOMEM, "sharing the source");
	start = clock_ns();
	ret = ipc_client_connect(io->shared, file_fd, 0, 0, e);
	connected = clock_ns();
	if (!ret)
		ret = io->shared_buffer = ipc_client_register(io->shared, io->source->fd, e);
	io->once.connect_ns = connected - start;
	io->once.register_ns = clock_ns() - connected;
	io->once.registered_bytes = io->source->size;
	return ret < 0 ? ret : 0;
}

int shared_register(struct io *io)
{
	struct err e;

	io->shared_buffer = ipc_client_register(io->shared, io->source->fd, &e);
	return io->shared_buffer < 0 ? io->shared_buffer : 0;
}

int shared_unregister(struct io *io)
{
	struct err e;

	return ipc_client_unregister(io->shared, io->shared_buffer, &e);
}

void shared_close(struct io *io)
{
	if (io->shared)
		ipc_client_close(io->shared);
	free(io->shared);
	io->shared = NULL;
}
