// SPDX-License-Identifier: MIT
/* FUSE requests in wire form; see fuse_dispatch.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "servers/fuse_tree.h"

#define CACHE_SECONDS 3600 /* names and attributes change through the kernel only */

size_t fuse_arg_size(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_GETATTR:
		return sizeof(struct fuse_getattr_in);
	case FUSE_SETATTR:
		return sizeof(struct fuse_setattr_in);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return sizeof(struct fuse_open_in);
	case FUSE_READ:
	case FUSE_READDIR:
		return sizeof(struct fuse_read_in);
	case FUSE_WRITE:
		return sizeof(struct fuse_write_in);
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		return sizeof(struct fuse_release_in);
	case FUSE_FLUSH:
		return sizeof(struct fuse_flush_in);
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
		return sizeof(struct fuse_fsync_in);
	case FUSE_IOCTL:
		return sizeof(struct fuse_ioctl_in);
	case FUSE_FORGET:
		return sizeof(struct fuse_forget_in);
	case FUSE_BATCH_FORGET:
		return sizeof(struct fuse_batch_forget_in);
	case FUSE_MKNOD:
		return sizeof(struct fuse_mknod_in);
	case FUSE_MKDIR:
		return sizeof(struct fuse_mkdir_in);
	case FUSE_RENAME:
		return sizeof(struct fuse_rename_in);
	case FUSE_RENAME2:
		return sizeof(struct fuse_rename2_in);
	case FUSE_LINK:
		return sizeof(struct fuse_link_in);
	case FUSE_CREATE:
		return sizeof(struct fuse_create_in);
	default:
		return 0;
	}
}

static void fill_attr(struct fuse_attr *a, const struct stat *st)
{
	*a = (struct fuse_attr){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = (uint64_t)st->st_atim.tv_sec,
		.mtime = (uint64_t)st->st_mtim.tv_sec,
		.ctime = (uint64_t)st->st_ctim.tv_sec,
		.atimensec = (uint32_t)st->st_atim.tv_nsec,
		.mtimensec = (uint32_t)st->st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.blksize = (uint32_t)st->st_blksize,
	};
}

static int stat_inode(struct server *srv, const struct fuse_hooks *hooks, uint64_t ino,
		      struct fuse_attr *attr)
{
	int file = minifs_file(&srv->fs, ino);
	struct stat st;
	int ret = minifs_stat(&srv->fs, ino, &st);

	if (ret)
		return ret;
	fill_attr(attr, &st);
	if (file >= 0 && hooks->size) {
		int64_t size = hooks->size(srv, (unsigned int)file);

		if (size < 0)
			return (int)size;
		attr->size = (uint64_t)size;
	}
	return 0;
}

/* How long the kernel may believe attributes. Programs on a tree look at the times of files, which writes by the back
 * channel change, too. */
static uint64_t attr_seconds(const struct server *srv)
{
	return srv->fs.tree ? 0 : CACHE_SECONDS;
}

int64_t fuse_entry(struct server *srv, const struct fuse_hooks *hooks, uint64_t ino, void *body)
{
	struct fuse_entry_out *out = body;
	int ret;

	*out = (struct fuse_entry_out){
		.nodeid = ino, .entry_valid = CACHE_SECONDS, .attr_valid = attr_seconds(srv)};
	ret = stat_inode(srv, hooks, ino, &out->attr);
	return ret ? ret : (int64_t)sizeof(*out);
}

static int64_t do_lookup(struct server *srv, const struct fuse_hooks *hooks,
			 const struct fuse_request *r)
{
	char name[256];
	uint64_t ino;
	int ret;

	if (!r->payload_len || r->payload_len > sizeof(name))
		return -ENAMETOOLONG;
	memcpy(name, r->payload, r->payload_len);
	name[r->payload_len - 1] = '\0';
	ret = minifs_lookup(&srv->fs, r->in->nodeid, name, &ino);
	return ret ? ret : fuse_entry(srv, hooks, ino, r->out);
}

static int64_t reply_attr(struct server *srv, const struct fuse_hooks *hooks,
			  const struct fuse_request *r)
{
	struct fuse_attr_out *out = r->out;
	int ret;

	*out = (struct fuse_attr_out){.attr_valid = attr_seconds(srv)};
	ret = stat_inode(srv, hooks, r->in->nodeid, &out->attr);
	return ret ? ret : (int64_t)sizeof(*out);
}

static int64_t do_setattr(struct server *srv, const struct fuse_hooks *hooks,
			  const struct fuse_request *r)
{
	const struct fuse_setattr_in *in = r->arg;
	int file = minifs_file(&srv->fs, r->in->nodeid);
	struct stat st = {
		.st_mode = in->mode,
		.st_uid = in->uid,
		.st_gid = in->gid,
		.st_size = (off_t)in->size,
		.st_atim = {(time_t)in->atime, in->atimensec},
		.st_mtim = {(time_t)in->mtime, in->mtimensec},
	};
	int ret = minifs_setattr(&srv->fs, r->in->nodeid, &st, in->valid);

	if (!ret && file >= 0 && in->valid & FATTR_SIZE) {
		if (hooks->truncate)
			ret = hooks->truncate(srv, (unsigned int)file, in->size);
		else if (srv->sink.ops->truncate)
			ret = srv->sink.ops->truncate(&srv->sink, (unsigned int)file, in->size);
	}
	return ret ? ret : reply_attr(srv, hooks, r);
}

int64_t fuse_open(struct server *srv, const struct fuse_hooks *hooks, const struct fuse_in_header *in,
		  uint32_t flags, void *body)
{
	struct fuse_open_out *out = body;
	int ret = 0;

	*out = (struct fuse_open_out){
		.open_flags = srv->direct_io ? FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES : 0};
	if (minifs_file(&srv->fs, in->nodeid) < 0)
		return -EISDIR;
	if (hooks->open)
		ret = hooks->open(srv, in, flags, out);
	return ret ? ret : (int64_t)sizeof(*out);
}

static int64_t do_read(struct worker *w, const struct fuse_request *r)
{
	const struct fuse_read_in *in = r->arg;
	int file = minifs_file(&w->srv->fs, r->in->nodeid);
	int64_t n = minifs_read_range(&w->srv->fs, r->in->nodeid, in->offset, in->size);
	int ret;

	if (n <= 0)
		return n;
	if ((uint64_t)n > r->out_size)
		return -EINVAL;
	ret = server_read(w, r->route, (unsigned int)file, in->offset, r->out, (size_t)n);
	return ret ? ret : n;
}

static int64_t do_write(struct worker *w, const struct fuse_request *r)
{
	const struct fuse_write_in *in = r->arg;
	struct fuse_write_out *out = r->out;
	int file = minifs_file(&w->srv->fs, r->in->nodeid);
	int64_t n;
	int ret;

	if (r->payload_len < in->size)
		return -EINVAL;
	n = minifs_write_range(&w->srv->fs, r->in->nodeid, in->offset, in->size);
	if (n < 0)
		return n;
	ret = server_write(w, r->route, (unsigned int)file, in->offset, r->payload, (size_t)n);
	if (ret)
		return ret;
	*out = (struct fuse_write_out){.size = (uint32_t)n};
	return sizeof(*out);
}

static int64_t do_readdir(struct server *srv, const struct fuse_request *r)
{
	const struct fuse_read_in *in = r->arg;
	size_t used = 0, size = in->size < r->out_size ? in->size : r->out_size;

	for (uint64_t place = in->offset;;) {
		struct fuse_dirent *d = (void *)((char *)r->out + used);
		size_t len, need;
		char name[256];
		mode_t mode;
		uint64_t ino;
		int ret =
			minifs_dirent(&srv->fs, r->in->nodeid, &place, &ino, &mode, name, sizeof(name));

		if (ret == -ENOENT)
			return (int64_t)used;
		if (ret)
			return ret;
		len = strlen(name);
		need = (sizeof(*d) + len + 7) & ~(size_t)7;
		if (used + need > size)
			return (int64_t)used;
		memset(d, 0, need);
		d->ino = ino;
		d->off = place;
		d->namelen = (uint32_t)len;
		d->type = mode >> 12;
		memcpy(d->name, name, len);
		used += need;
	}
}

static int64_t do_statfs(struct server *srv, const struct fuse_request *r)
{
	struct fuse_statfs_out *out = r->out;
	struct statvfs st;

	minifs_statfs(&srv->fs, &st);
	*out = (struct fuse_statfs_out){
		.blocks = st.f_blocks,
		.bfree = st.f_bfree,
		.bavail = st.f_bavail,
		.ffree = st.f_ffree,
		.files = st.f_files,
		.bsize = (uint32_t)st.f_bsize,
		.namelen = (uint32_t)st.f_namemax,
		.frsize = (uint32_t)st.f_frsize,
	};
	return sizeof(*out);
}

static int64_t do_fsync(struct server *srv, const struct fuse_request *r)
{
	int file = minifs_file(&srv->fs, r->in->nodeid);

	if (file < 0 || !srv->sink.ops->sync)
		return 0;
	return srv->sink.ops->sync(&srv->sink, (unsigned int)file);
}

static int64_t do_ioctl(struct server *srv, const struct fuse_hooks *hooks, const struct fuse_request *r)
{
	const struct fuse_ioctl_in *in = r->arg;
	struct fuse_ioctl_out *out = r->out;
	struct fuse_ioctl_in arg = *in; /* out may lie on the same memory */
	int64_t n;

	if (!hooks->ioctl || r->payload_len < arg.in_size || sizeof(*out) + arg.out_size > r->out_size)
		return -ENOTTY;
	n = hooks->ioctl(srv, r->in, &arg, r->payload, out + 1);
	if (n < 0)
		return n;
	*out = (struct fuse_ioctl_out){0};
	return (int64_t)sizeof(*out) + n;
}

int64_t fuse_dispatch(struct worker *w, const struct fuse_hooks *hooks, const struct fuse_request *r)
{
	struct server *srv = w->srv;

	switch (r->in->opcode) {
	case FUSE_WRITE:
		return do_write(w, r);
	case FUSE_READ:
		return do_read(w, r);
	case FUSE_LOOKUP:
		return do_lookup(srv, hooks, r);
	case FUSE_GETATTR:
		return reply_attr(srv, hooks, r);
	case FUSE_SETATTR:
		return do_setattr(srv, hooks, r);
	case FUSE_OPEN:
		return fuse_open(srv, hooks, r->in, ((const struct fuse_open_in *)r->arg)->flags,
				 r->out);
	case FUSE_RELEASE:
		if (hooks->release)
			hooks->release(srv, ((const struct fuse_release_in *)r->arg)->fh);
		return 0;
	case FUSE_OPENDIR:
		*(struct fuse_open_out *)r->out = (struct fuse_open_out){0};
		return sizeof(struct fuse_open_out);
	case FUSE_READDIR:
		return do_readdir(srv, r);
	case FUSE_STATFS:
		return do_statfs(srv, r);
	case FUSE_FSYNC:
		return do_fsync(srv, r);
	case FUSE_IOCTL:
		return do_ioctl(srv, hooks, r);
	case FUSE_FLUSH:
	case FUSE_FSYNCDIR:
	case FUSE_RELEASEDIR:
	case FUSE_DESTROY:
		return 0;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		fuse_forget(srv, r);
		return DISPATCH_NO_REPLY;
	case FUSE_INTERRUPT:
		return DISPATCH_NO_REPLY;
	default:
		return srv->fs.tree ? fuse_dispatch_tree(srv, hooks, r) : -ENOSYS;
	}
}
