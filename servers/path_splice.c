// SPDX-License-Identifier: MIT
/*
 * Path `splice`: libfuse3's splice path. A WRITE arrives as a pipe (write_buf), a READ is answered
 * with a descriptor that libfuse splices to /dev/fuse. Each request is counted under the form in which
 * it really came: libfuse hands over small ones, and all of them when it cannot splice, in memory.
 *
 * libfuse splices no WRITE of less than a page with its header, and no READ of less than two: it reads and
 * writes those as `copy` does. Cells of such blocks are left out; single requests of larger blocks are counted.
 *
 * A pipe is no proof of zero copies: since Linux 5.17 (and its stable back-ports) the kernel copies the
 * pages of an O_DIRECT write into the pipe, because a reference would let the server see, and keep,
 * pages that the client goes on using. Only page-cache pages, of buffered writes, go by reference.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "servers/fuse_ll.h"

#define LEAST_WRITE 4096
#define LEAST_READ  8192

/* A thread's staging area: a memfd, so that it can be read from as memory and spliced from as a file. */
struct staging {
	int fd;
	size_t size;
	char *map;
};

static struct staging *staging(size_t len)
{
	static _Thread_local struct staging s = {.fd = -1};

	len = (len + 4095) & ~(size_t)4095;
	if (s.size >= len)
		return &s;
	if (s.fd < 0)
		s.fd = memfd_create("zcbench-splice", MFD_CLOEXEC);
	if (s.fd < 0 || ftruncate(s.fd, (off_t)len))
		return NULL;
	if (s.map)
		munmap(s.map, s.size);
	s.size = 0;
	s.map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, s.fd, 0);
	if (s.map == MAP_FAILED) {
		s.map = NULL;
		return NULL;
	}
	s.size = len;
	return &s;
}

/* Brings a pipe's bytes into memory: for a sink that must see them this is the copy. */
static int extract(int pipe_fd, char *buf, size_t len)
{
	while (len) {
		ssize_t n = read(pipe_fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_pipe(struct worker *w, unsigned int file, uint64_t offset, int fd, size_t len)
{
	struct server *srv = w->srv;
	const struct sink_ops *sink = srv->sink.ops;
	struct sink_tally tally = {0};
	struct staging *s;
	int ret;

	/* While verifying, a payload that the sink would drop has to be looked at before. */
	if (sink->write_pipe &&
	    (sink_stores(&srv->sink) || sink->verify || !atomic_load(&srv->verify))) {
		ret = sink->write_pipe(&srv->sink, w->sink_thread, file, offset, fd, len, &tally);
		server_tally(w, &tally);
		if (!ret)
			server_count(w, OP_WRITE, ROUTE_PIPE, len);
		return ret;
	}
	s = staging(len);
	if (!s)
		return -ENOMEM;
	ret = extract(fd, s->map, len);
	return ret ? ret : server_write(w, ROUTE_PIPE, file, offset, s->map, len);
}

static void splice_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *bufv, off_t offset,
			     struct fuse_file_info *fi)
{
	struct server *srv = fuse_req_userdata(req);
	struct worker *w = worker_get(srv);
	const struct fuse_buf *buf = &bufv->buf[0];
	int64_t n = minifs_write_range(&srv->fs, ino, (uint64_t)offset, buf->size);
	unsigned int file = (unsigned int)minifs_file(&srv->fs, ino);
	int ret = n < 0 ? (int)n : w ? 0 : -ENOMEM;

	(void)fi;
	if (!ret && buf->flags & FUSE_BUF_IS_FD) {
		ret = write_pipe(w, file, (uint64_t)offset, buf->fd, (size_t)n);
		/* Says that the pipe is empty and can be used again; libfuse drops it otherwise. */
		if (!ret && (size_t)n == buf->size)
			bufv->idx = bufv->count;
	} else if (!ret) {
		ret = server_write(w, buf->size < 4096 ? ROUTE_SMALL : ROUTE_DEV, file, (uint64_t)offset,
				   buf->mem, (size_t)n);
	}
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_write(req, (size_t)n);
}

static void splice_read(fuse_req_t req, unsigned int file, size_t len, off_t offset)
{
	struct server *srv = fuse_req_userdata(req);
	struct worker *w = worker_get(srv);
	struct fuse_bufvec bufv = FUSE_BUFVEC_INIT(len);
	const enum route route = len < LEAST_READ ? ROUTE_SMALL : ROUTE_PIPE;
	struct staging *s;
	int ret = w ? 0 : -ENOMEM, fd = server_fd(srv, file);

	if (!ret && fd >= 0) {
		bufv.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
		bufv.buf[0].fd = fd;
		bufv.buf[0].pos = (off_t)sink_place(&srv->sink, file, (uint64_t)offset);
		server_count(w, OP_READ, route, len);
	} else if (!ret) {
		s = staging(len);
		ret = s ? server_read(w, route, file, (uint64_t)offset, s->map, len) : -ENOMEM;
		if (!ret && route == ROUTE_PIPE) {
			bufv.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
			bufv.buf[0].fd = s->fd;
		} else if (!ret) {
			bufv.buf[0].mem = s->map;
		}
	}
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_data(req, &bufv, FUSE_BUF_SPLICE_MOVE);
}

static const struct fuse_ll_ops ops = {
	.write_buf = splice_write_buf,
	.read = splice_read,
	.splice = true,
};

static int splice_start(struct server *srv, struct err *e)
{
	return fuse_ll_start(srv, &ops, e);
}

/*
 * O_DIRECT: one copy, into the pipe or out of it. Through the page cache there is one between it and the
 * client, and beyond it a WRITE's pages go by reference. A READ's are moved into the page cache if nobody
 * else has them: what was read from a file by O_DIRECT, but not the page
 * cache of a tmpfs or of a memfd.
 */
static double splice_copies(enum op op, const struct sink_ops *sink, enum access access, bool direct)
{
	if (access == ACCESS_DIRECT || op == OP_WRITE)
		return 1;
	return sink->fd && direct ? 1 : 2;
}

const struct path_ops path_splice = {
	.name = "splice",
	.help = "pipes spliced from and to /dev/fuse, through libfuse3",
	.needs = "libfuse3",
	.client = CLIENT_FUSE,
	/* a small WRITE, libfuse reads out of the pipe again */
	.expect = {[OP_WRITE] = {ROUTE_PIPE, 1, 1u << ROUTE_SMALL, 2, HANDS_UNALIGNED},
		   [OP_READ] = {ROUTE_PIPE, 1, 1u << ROUTE_SMALL, 1}},
	.least_block = {[OP_WRITE] = LEAST_WRITE, [OP_READ] = LEAST_READ},
	.least_why = "libfuse does not splice a WRITE of less than 4 KiB, nor a READ of less than 8 KiB",
	.copies = splice_copies,
	.hands = {[OP_WRITE] = HANDS_PIPE, [OP_READ] = HANDS_PIPE},
	.reads = "nothing in place: the pipe has to be copied out first",
	/* one page more than the default of 1 MiB is what 1 MiB requests need; the kernel rounds up */
	.setting = "/proc/sys/fs/pipe-max-size",
	.setting_value = "2097152",
	.options = fuse_ll_option_table,
	.option_values = &fuse_ll_options,
	.start = splice_start,
	.stop = fuse_ll_stop,
};
