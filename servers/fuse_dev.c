// SPDX-License-Identifier: MIT
/* A FUSE connection of our own; see fuse_dev.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "servers/fuse_dev.h"

#define PAGES_LIMIT "/proc/sys/fs/fuse/max_pages_limit" /* since 6.13; before, 256 is fixed */
#define HEADER_ROOM 4096u /* before the payload, so that the payload is page-aligned */

static int reply(int fd, uint64_t unique, int error, const void *body, size_t len)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + len), .error = error, .unique = unique};
	struct iovec iov[2] = {{&out, sizeof(out)}, {(void *)body, len}};

	/* ENOENT: the request was interrupted and its client is gone */
	if (writev(fd, iov, len ? 2 : 1) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static void describe(struct fuse_dev *dev)
{
	char version[16], flags[20];

	snprintf(version, sizeof(version), "7.%u", dev->minor);
	snprintf(flags, sizeof(flags), "0x%llx", (unsigned long long)dev->accepted);
	json_object_set_new(dev->srv->evidence, "fuse_protocol", json_string(version));
	json_object_set_new(dev->srv->evidence, "init_flags", json_string(flags));
	json_object_set_new(dev->srv->evidence, "max_write", json_integer(dev->max_write));
	json_object_set_new(dev->srv->evidence, "max_readahead", json_integer(dev->max_readahead));
}

/* --max-io, as far as the kernel allows: it would cut a larger wish without a word. */
static uint32_t fit_pages_limit(struct server *srv)
{
	uint64_t limit = 256 * 4096;
	FILE *f = fopen(PAGES_LIMIT, "re");

	if (f) {
		if (fscanf(f, "%" SCNu64, &limit) == 1)
			limit *= 4096;
		fclose(f);
	}
	if (srv->max_io <= limit)
		return (uint32_t)srv->max_io;
	json_object_set_new(
		srv->evidence, "note",
		json_sprintf("requests of at most %u bytes: fs.fuse.max_pages_limit; try: sysctl "
			     "fs.fuse.max_pages_limit=%u, or --setup",
			     (unsigned int)limit, (unsigned int)(srv->max_io / 4096)));
	return (uint32_t)limit;
}

static int init(struct fuse_dev *dev, uint64_t want, uint64_t need, uint32_t max_stack_depth,
		struct err *e)
{
	_Alignas(8) char buf[8 * FUSE_READ_BUFFER_MIN];
	const struct fuse_in_header *in = (void *)buf;
	const struct fuse_init_in *arg = (void *)(in + 1);
	struct fuse_init_out out = {0};
	ssize_t n;
	int ret;

	do {
		n = read(dev->fd, buf, sizeof(buf));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, -errno, "reading INIT from /dev/fuse");
	if ((size_t)n < sizeof(*in) + 16 || in->opcode != FUSE_INIT || arg->major != FUSE_ABI_MAJOR)
		return err_set(e, -EPROTO, "the kernel's first request is not INIT of protocol 7");
	dev->minor = arg->minor < FUSE_ABI_MINOR ? arg->minor : FUSE_ABI_MINOR;
	dev->offered = arg->flags;
	if (arg->flags & FUSE_INIT_EXT)
		dev->offered |= (uint64_t)arg->flags2 << 32;
	dev->accepted = dev->offered & (want | need | FUSE_INIT_EXT | FUSE_MAX_PAGES | FUSE_BIG_WRITES |
					FUSE_ASYNC_READ | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |
					FUSE_DIRECT_IO_ALLOW_MMAP);
	dev->max_write = dev->accepted & FUSE_MAX_PAGES ? fit_pages_limit(dev->srv) : 32 * 4096;
	out.major = FUSE_ABI_MAJOR;
	out.minor = dev->minor;
	out.max_readahead = dev->max_readahead = arg->max_readahead;
	out.flags = (uint32_t)dev->accepted;
	out.flags2 = (uint32_t)(dev->accepted >> 32);
	out.max_background = 64;
	out.congestion_threshold = 48;
	out.max_write = dev->max_write;
	out.time_gran = 1;
	out.max_pages = (uint16_t)(dev->max_write / 4096);
	out.max_stack_depth = max_stack_depth;
	ret = reply(dev->fd, in->unique, 0, &out, sizeof(out));
	if (ret)
		return err_sys(e, ret, "answering INIT");
	if ((dev->offered & need) != need)
		return err_set(e, -EOPNOTSUPP, "the kernel does not offer INIT flags 0x%llx",
			       (unsigned long long)(need & ~dev->offered));
	describe(dev);
	return 0;
}

int fuse_dev_open(struct fuse_dev *dev, struct server *srv, const struct fuse_hooks *hooks,
		  uint64_t want, uint64_t need, uint32_t max_stack_depth, struct err *e)
{
	static const struct fuse_lowlevel_ops none;
	int ret;

	dev->srv = srv;
	dev->hooks = hooks;
	dev->threads = 0;
	dev->se = fuse_mount(srv, &none, e);
	if (!dev->se)
		return e->code;
	dev->fd = fuse_session_fd(dev->se);
	ret = init(dev, want, need, max_stack_depth, e);
	if (ret)
		fuse_unmount(dev->se);
	return ret;
}

static void *serve_dev(void *p)
{
	struct fuse_dev *dev = p;
	struct worker *w = worker_get(dev->srv);
	size_t size = HEADER_ROOM + dev->max_write + 4096;
	char *buf, *out;
	size_t page = 4096;

	/* The WRITE header and argument are 80 bytes: begin so that the payload is page-aligned, for
	 * sinks that want O_DIRECT. */
	if (!w || posix_memalign((void **)&buf, page, size) ||
	    posix_memalign((void **)&out, page, dev->max_write + 4096)) {
		server_died(dev->srv);
		return NULL;
	}
	for (;;) {
		const size_t head = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in);
		char *start = buf + HEADER_ROOM - head;
		struct fuse_in_header *in = (void *)start;
		struct fuse_request r = {
			.in = in, .out = out, .out_size = dev->max_write + 4096, .route = ROUTE_DEV};
		ssize_t n = read(dev->fd, start, size - (HEADER_ROOM - head));
		size_t arg;
		int64_t ret;

		/* ENOENT: interrupted before it was read. ENODEV: unmounted. */
		if (n < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN))
			continue;
		if (n < 0)
			break;
		arg = fuse_arg_size(in->opcode);
		if ((size_t)n < sizeof(*in) + arg)
			continue;
		r.arg = in + 1;
		r.payload = start + sizeof(*in) + arg;
		r.payload_len = (size_t)n - sizeof(*in) - arg;
		ret = fuse_dispatch(w, dev->hooks, &r);
		if (ret == DISPATCH_NO_REPLY)
			continue;
		if (reply(dev->fd, in->unique, ret < 0 ? (int)ret : 0, out, ret < 0 ? 0 : (size_t)ret) ==
		    -ENODEV)
			break;
	}
	free(buf);
	free(out);
	server_died(dev->srv); /* unmounted: by us, or by someone else */
	return NULL;
}

int fuse_dev_start(struct fuse_dev *dev, unsigned int n, struct err *e)
{
	while (dev->threads < n && dev->threads < sizeof(dev->thread) / sizeof(dev->thread[0])) {
		int ret = pthread_create(&dev->thread[dev->threads], NULL, serve_dev, dev);

		if (ret)
			return err_sys(e, -ret, "starting a server thread");
		dev->threads++;
	}
	return 0;
}

void fuse_dev_close(struct fuse_dev *dev)
{
	fuse_session_unmount(dev->se);
	for (unsigned int i = 0; i < dev->threads; i++)
		thread_join_bounded(dev->thread[i]);
	fuse_session_destroy(dev->se);
}
