// SPDX-License-Identifier: MIT
/*
 * Path `passthrough`: the kernel does reads and writes on a backing file that the server registered
 * at OPEN (FUSE_DEV_IOC_BACKING_OPEN, FOPEN_PASSTHROUGH, Linux 6.9). The server never sees them:
 * that no data request reached it is this path's evidence.
 *
 * With sink `file` the backing file is --file; with sink `null` it is a memfd for each file, so that
 * a WRITE ends in page cache (one copy): nobody is there to drop it. A client that maps the file
 * has the memfd's pages themselves, which the server has mapped, too: no copy at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/pattern.h"
#include "servers/fuse_dev.h"

#define THREADS 2

struct backing {
	int fd;
	bool own;  /* a memfd of ours; else the sink's */
	char *map; /* of our own, max_size bytes */
	int32_t id;
};

struct passthrough {
	struct fuse_dev dev;
	unsigned int files;
	struct backing *backing;
};

static int pt_open(struct server *srv, const struct fuse_in_header *in, uint32_t flags,
		   struct fuse_open_out *out)
{
	struct passthrough *pt = srv->path_state;
	int file = minifs_file(&srv->fs, in->nodeid);

	(void)flags;
	/* FOPEN_DIRECT_IO would override passthrough */
	out->open_flags = FOPEN_PASSTHROUGH;
	out->backing_id = pt->backing[file].id;
	return 0;
}

static int64_t pt_size(struct server *srv, unsigned int file)
{
	struct passthrough *pt = srv->path_state;
	struct stat st;

	if (!pt->backing[file].own)
		return (int64_t)srv->fs.inodes[file + 1].size;
	return fstat(pt->backing[file].fd, &st) ? -errno : st.st_size;
}

static int pt_truncate(struct server *srv, unsigned int file, uint64_t size)
{
	struct passthrough *pt = srv->path_state;

	if (!pt->backing[file].own)
		return srv->sink.ops->truncate ? srv->sink.ops->truncate(&srv->sink, file, size) : 0;
	return ftruncate(pt->backing[file].fd, (off_t)size) ? -errno : 0;
}

static const struct fuse_hooks hooks = {
	.open = pt_open,
	.size = pt_size,
	.truncate = pt_truncate,
};

static int refuse(int code, struct err *e)
{
	if (code == -EPERM)
		return err_remedy((err_sys(e, code, "passthrough: registering a backing file"), e),
				  "sudo zcbench ... (the kernel asks for CAP_SYS_ADMIN)");
	if (code == -ELOOP)
		return err_remedy((err_sys(e, code,
					   "passthrough: the backing file lies on a stacked file "
					   "system"),
				   e),
				  "give a --file that is not on overlayfs or FUSE");
	if (code == -EINVAL)
		return err_remedy((err_sys(e, code, "passthrough: registering a backing file"), e),
				  "give a --file that is a regular file: the kernel takes no other");
	return err_sys(e, code, "passthrough: registering a backing file");
}

static int open_backing(struct passthrough *pt, struct server *srv, unsigned int i, struct err *e)
{
	struct backing *b = &pt->backing[i];
	struct fuse_backing_map map = {0};

	if (srv->sink.ops->fd) {
		b->fd = srv->sink.ops->fd(&srv->sink, i);
	} else {
		b->own = true;
		b->fd = memfd_create("zcbench-backing", MFD_CLOEXEC);
		if (b->fd < 0)
			return err_sys(e, -errno, "passthrough: memfd_create");
		/* allocated now: page allocation is not what a round should time */
		if (fallocate(b->fd, 0, 0, (off_t)srv->fs.max_size))
			return err_sys(e, -errno, "passthrough: allocating the backing memfd");
		b->map = mmap(NULL, srv->fs.max_size, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
		if (b->map == MAP_FAILED)
			return err_sys(e, -errno, "passthrough: mapping the backing memfd");
	}
	map.fd = b->fd;
	b->id = ioctl(pt->dev.fd, FUSE_DEV_IOC_BACKING_OPEN, &map);
	return b->id > 0 ? 0 : refuse(b->id ? -errno : -EINVAL, e);
}

static void pt_stop(struct server *srv)
{
	struct passthrough *pt = srv->path_state;

	for (unsigned int i = 0; i < pt->files; i++) {
		uint32_t id = (uint32_t)pt->backing[i].id;

		if (pt->backing[i].id > 0)
			ioctl(pt->dev.fd, FUSE_DEV_IOC_BACKING_CLOSE, &id);
		if (pt->backing[i].own)
			close(pt->backing[i].fd);
	}
	fuse_dev_close(&pt->dev);
}

static int pt_start(struct server *srv, struct err *e)
{
	struct passthrough *pt = calloc(1, sizeof(*pt));
	int ret;

	if (!pt)
		return err_sys(e, -ENOMEM, "passthrough");
	pt->backing = calloc(srv->fs.files, sizeof(*pt->backing));
	if (!pt->backing) {
		free(pt);
		return err_sys(e, -ENOMEM, "passthrough");
	}
	srv->path_state = pt;
	ret = fuse_dev_open(&pt->dev, srv, &hooks, 0, FUSE_PASSTHROUGH, 1, e);
	if (ret) {
		if (ret == -EOPNOTSUPP) {
			err_set(e, ret, "passthrough: this kernel does not offer it");
			err_remedy(e, "use Linux 6.9 or later with CONFIG_FUSE_PASSTHROUGH=y");
		}
		return ret;
	}
	for (; pt->files < srv->fs.files && !ret; pt->files++)
		ret = open_backing(pt, srv, pt->files, e);
	if (!ret)
		ret = fuse_dev_start(&pt->dev, THREADS, e);
	if (ret) {
		pt_stop(srv);
		return ret;
	}
	json_object_set_new(srv->evidence, "backing", json_string(srv->sink.ops->fd ? "file" : "memfd"));
	return 0;
}

/* Both of these only concern backing files that are ours; the sink's own are checked by the sink. The server
 * looks at the very pages: what a client stored in its own mapping is there, too. */
static int pt_stored(struct server *srv, bool check, unsigned int file, uint64_t len, uint64_t seed,
		     struct err *e)
{
	struct passthrough *pt = srv->path_state;
	const struct backing *b = &pt->backing[file];
	int64_t bad;

	/* a client may have truncated it: no page, but SIGBUS, is behind the end */
	if (pt_size(srv, file) < (int64_t)len)
		return err_set(e, -EIO, "data%u: the backing file is short", file);
	if (!check) {
		pattern_fill(b->map, len, 0, seed);
		return 0;
	}
	bad = pattern_check(b->map, len, 0, seed);
	if (bad < 0)
		return 0;
	return err_set(e, -EILSEQ,
		       "data%u: byte %" PRIu64 " of the backing file is not what the client wrote", file,
		       (uint64_t)bad);
}

static int pt_check_stored(struct server *srv, unsigned int file, uint64_t len, uint64_t seed,
			   struct err *e)
{
	return pt_stored(srv, true, file, len, seed, e);
}

static int pt_fill_stored(struct server *srv, unsigned int file, uint64_t len, uint64_t seed,
			  struct err *e)
{
	return pt_stored(srv, false, file, len, seed, e);
}

static const char *pt_refuses_sink(const struct sink_ops *sink)
{
	if (!strcmp(sink->name, "read"))
		return "the server is not on the data path: it has nothing to read";
	if (sink->needs_tcp)
		return "the server is not on the data path: it has nothing to forward";
	return NULL;
}

/* Into the page cache of the backing file, unless it is one that O_DIRECT gets past, or the client's own mapping
 * shows that page cache. */
static double pt_copies(enum op op, const struct sink_ops *sink, enum access access, bool direct)
{
	(void)op, (void)direct;
	return access == ACCESS_MMAP || (sink->fd && access == ACCESS_DIRECT) ? 0 : 1;
}

const struct path_ops path_passthrough = {
	.name = "passthrough",
	.help = "the kernel does the I/O on the server's backing file",
	.needs = "Linux 6.9, CAP_SYS_ADMIN",
	.client = CLIENT_FUSE,
	.maps = true,
	.expect = {[OP_WRITE] = {ROUTE_NONE, 1}, [OP_READ] = {ROUTE_NONE, 1}},
	.hands = {[OP_WRITE] = HANDS_FILE, [OP_READ] = HANDS_FILE},
	.reads = "nothing: it is not on the data path",
	.copies = pt_copies,
	.refuses_sink = pt_refuses_sink,
	.refuses_device = "the kernel passes reads and writes through to regular files only",
	.start = pt_start,
	.stop = pt_stop,
	.check_stored = pt_check_stored,
	.fill_stored = pt_fill_stored,
};
