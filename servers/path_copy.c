// SPDX-License-Identifier: MIT
/* Path `copy`: what most FUSE servers do. Payload goes through read(2) and write(2) on /dev/fuse, one
 * copy each way, by libfuse3's low-level API with its multi-threaded loop, clone_fd, and splice off. */
#include <errno.h>
#include <stdlib.h>

#include "servers/fuse_ll.h"

/* The reply buffer of a libfuse thread; libfuse has none of its own for READ. */
static void *reply_buffer(size_t len)
{
	static _Thread_local void *buf;
	static _Thread_local size_t size;

	if (len > size) {
		free(buf);
		size = 0;
		if (posix_memalign(&buf, 4096, len)) {
			buf = NULL;
			return NULL;
		}
		size = len;
	}
	return buf;
}

static void copy_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t len, off_t offset,
		       struct fuse_file_info *fi)
{
	struct server *srv = fuse_req_userdata(req);
	struct worker *w = worker_get(srv);
	int64_t n = minifs_write_range(&srv->fs, ino, (uint64_t)offset, len);
	int ret = n < 0 ? (int)n : w ? 0 : -ENOMEM;

	(void)fi;
	if (!ret)
		ret = server_write(w, ROUTE_DEV, (unsigned int)minifs_file(&srv->fs, ino),
				   (uint64_t)offset, data, (size_t)n);
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_write(req, (size_t)n);
}

static void copy_read(fuse_req_t req, unsigned int file, size_t len, off_t offset)
{
	struct worker *w = worker_get(fuse_req_userdata(req));
	void *buf = reply_buffer(len);
	int ret = w && buf ? 0 : -ENOMEM;

	if (!ret)
		ret = server_read(w, ROUTE_DEV, file, (uint64_t)offset, buf, len);
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_buf(req, buf, len);
}

static const struct fuse_ll_ops ops = {
	.write = copy_write,
	.read = copy_read,
};

static int copy_start(struct server *srv, struct err *e)
{
	return fuse_ll_start(srv, &ops, e);
}

const struct path_ops path_copy = {
	.name = "copy",
	.help = "read(2)/write(2) on /dev/fuse through libfuse3",
	.needs = "libfuse3",
	.client = CLIENT_FUSE,
	.expect = {[OP_WRITE] = {ROUTE_DEV, 1}, [OP_READ] = {ROUTE_DEV, 1}},
	.hands = {[OP_WRITE] = HANDS_UNALIGNED}, /* libfuse puts it behind the request's header */
	.reads = "its own copy",
	.options = fuse_ll_option_table,
	.option_values = &fuse_ll_options,
	.start = copy_start,
	.stop = fuse_ll_stop,
};
