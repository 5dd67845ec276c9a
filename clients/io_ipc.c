// SPDX-License-Identifier: MIT
/* The bypass: the payload stays in the source's memfd, which the server has mapped. A source that
 * cannot be shared goes through a staging memfd: one user-space copy for each operation, counted. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/io.h"
#include "clients/ipc_client.h"
#include "lib/clock.h"

struct ipc_state {
	struct ipc_client client;
	struct source staging; /* map is NULL where the source itself is shared */
	int fd;
	uint16_t buffer;
	struct pending {
		enum op op;
		size_t buffer_offset;
	} * pending; /* by slot, for staged READs */
};

static int register_payload(struct io *io, struct ipc_state *s, struct err *e)
{
	int fd = io->source->fd, ret;
	uint64_t start;

	if (fd < 0) {
		s->staging.ops = source_find("memfd");
		ret = s->staging.ops->alloc(&s->staging, io->source->size, e);
		if (ret)
			return ret;
		fd = s->staging.fd;
	}
	start = clock_ns();
	ret = ipc_client_register(&s->client, fd, e);
	if (ret < 0)
		return ret;
	io->once.register_ns = clock_ns() - start;
	io->once.registered_bytes = io->source->size;
	s->buffer = (uint16_t)ret;
	return 0;
}

static int ipc_share(struct io *io)
{
	struct ipc_state *s = io->state;
	struct err e;
	int ret = ipc_client_register(&s->client, s->staging.map ? s->staging.fd : io->source->fd, &e);

	if (ret < 0)
		return ret;
	s->buffer = (uint16_t)ret;
	return 0;
}

/* On the ring: the thread that serves it is the one that uses buffers. */
static int ipc_unshare(struct io *io)
{
	struct ipc_state *s = io->state;
	struct ipc_sqe d = {.op = IPC_OP_UNREGISTER, .buffer = s->buffer};
	int32_t result;
	uint64_t tag;
	int ret = ipc_client_submit(&s->client, &d);

	if (!ret) {
		ipc_client_flush(&s->client);
		ret = ipc_client_wait(&s->client, &tag, &result);
	}
	return ret ? ret : result;
}

static void ipc_close(struct io *io)
{
	struct ipc_state *s = io->state;

	ipc_client_close(&s->client);
	if (s->staging.map)
		s->staging.ops->free(&s->staging);
	if (s->fd >= 0)
		close(s->fd);
	free(s->pending);
	free(s);
}

static int ipc_open(struct io *io, struct err *e)
{
	uint64_t spin = (uint64_t)json_integer_value(json_object_get(io->server, "spin_ns"));
	struct ipc_state *s = calloc(1, sizeof(*s));
	uint64_t start;
	int ret;

	if (!s)
		return err_sys(e, -ENOMEM, "ipc client");
	io->state = s;
	s->client.sock = -1;
	s->pending = calloc(io->depth, sizeof(*s->pending));
	s->fd = open(io->path, O_RDWR | O_CLOEXEC);
	if (s->fd < 0 || !s->pending)
		ret = err_sys(e, s->pending ? -errno : -ENOMEM, "opening %s", io->path);
	else {
		start = clock_ns();
		ret = ipc_client_connect(&s->client, s->fd, io->depth, spin, e);
		io->once.connect_ns = clock_ns() - start;
	}
	if (!ret)
		ret = register_payload(io, s, e);
	if (ret)
		ipc_close(io);
	return ret;
}

static int ipc_submit(struct io *io, enum op op, uint32_t slot, size_t buffer_offset, size_t len,
		      uint64_t file_offset)
{
	struct ipc_state *s = io->state;
	struct ipc_sqe d = {
		.op = op == OP_WRITE ? IPC_OP_WRITE : IPC_OP_READ,
		.buffer = s->buffer,
		.buffer_offset = buffer_offset,
		.file_offset = file_offset,
		.length = (uint32_t)len,
		.tag = slot,
	};

	if (s->staging.map) {
		if (op == OP_WRITE) {
			memcpy(s->staging.map + buffer_offset, io->source->map + buffer_offset, len);
			io->copied += len;
		}
		s->pending[slot] = (struct pending){op, buffer_offset};
	}
	return ipc_client_submit(&s->client, &d);
}

/* A completed READ of a source that is not shared comes out of the staging area. */
static void unstage(struct io *io, uint32_t slot, int32_t result)
{
	struct ipc_state *s = io->state;
	const struct pending *p = &s->pending[slot];

	if (!s->staging.map || p->op != OP_READ || result <= 0)
		return;
	memcpy(io->source->map + p->buffer_offset, s->staging.map + p->buffer_offset, (size_t)result);
	io->copied += (uint64_t)result;
}

static ssize_t ipc_rw(struct io *io, enum op op, size_t buffer_offset, size_t len, uint64_t file_offset)
{
	struct ipc_state *s = io->state;
	int32_t result;
	uint64_t tag;
	int ret = ipc_submit(io, op, 0, buffer_offset, len, file_offset);

	if (ret)
		return ret;
	ipc_client_flush(&s->client);
	ret = ipc_client_wait(&s->client, &tag, &result);
	if (ret)
		return ret;
	unstage(io, 0, result);
	return result;
}

static int ipc_reap(struct io *io, struct io_completion *out, int max)
{
	struct ipc_state *s = io->state;
	int32_t result;
	uint64_t tag;
	int n = 0, ret;

	ipc_client_flush(&s->client);
	ret = ipc_client_wait(&s->client, &tag, &result);
	if (ret)
		return ret;
	do {
		/* The server writes tags too: do not let one lead out of the table. */
		if (tag >= io->depth)
			return -EPROTO;
		unstage(io, (uint32_t)tag, result);
		out[n++] = (struct io_completion){(uint32_t)tag, result};
	} while (n < max && ipc_client_poll(&s->client, &tag, &result));
	return n;
}

const struct io_ops io_ipc = {
	.name = "ipc",
	.open = ipc_open,
	.close = ipc_close,
	.rw = ipc_rw,
	.submit = ipc_submit,
	.reap = ipc_reap,
	.share = ipc_share,
	.unshare = ipc_unshare,
};
