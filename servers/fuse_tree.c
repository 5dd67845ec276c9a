// SPDX-License-Identifier: MIT
/* Making, moving and removing files; see fuse_tree.h. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "servers/fuse_tree.h"
#include "servers/minifs_tree.h"

/* The names that follow a request's argument; each ends with NUL within the payload. */
static int names(const struct fuse_request *r, const char **first, const char **second)
{
	const char *p = r->payload, *end = p + r->payload_len,
		   *nul = r->payload_len ? memchr(p, 0, r->payload_len) : NULL;

	*first = p;
	if (!nul)
		return -EINVAL;
	if (!second)
		return 0;
	*second = nul + 1;
	return *second < end && memchr(*second, 0, (size_t)(end - *second)) ? 0 : -EINVAL;
}

/* A new inode with that name, and a place for its contents if it is a file. */
static int make(struct server *srv, const struct fuse_request *r, const char *name, uint32_t mode,
		const char *target, uint64_t *ino)
{
	int ret = minifs_tree_make(&srv->fs, r->in->nodeid, name, mode, r->in->uid, r->in->gid, target,
				   ino);

	if (ret || !S_ISREG(mode))
		return ret;
	ret = srv->sink.ops->add(&srv->sink, (unsigned int)(*ino - MINIFS_FIRST_INO));
	if (ret) {
		uint64_t gone;

		minifs_tree_unlink(&srv->fs, r->in->nodeid, name, false, &gone);
		minifs_tree_forget(&srv->fs, *ino, 1, &gone); /* it has no contents to free */
	}
	return ret;
}

static int64_t do_make(struct server *srv, const struct fuse_hooks *hooks, const struct fuse_request *r,
		       uint32_t mode)
{
	const char *name, *target = NULL;
	uint64_t ino;
	int ret = names(r, &name, S_ISLNK(mode) ? &target : NULL);

	if (!ret)
		ret = make(srv, r, name, mode, target, &ino);
	return ret ? ret : fuse_entry(srv, hooks, ino, r->out);
}

static int64_t do_create(struct server *srv, const struct fuse_hooks *hooks,
			 const struct fuse_request *r)
{
	const struct fuse_create_in in = *(const struct fuse_create_in *)r->arg;
	struct fuse_in_header opener = *r->in;
	const char *name;
	uint64_t ino;
	int64_t ret = names(r, &name, NULL);

	if (!ret)
		ret = make(srv, r, name, S_IFREG | (in.mode & 07777), NULL, &ino);
	if (ret)
		return ret;
	opener.nodeid = ino;
	ret = fuse_entry(srv, hooks, ino, r->out);
	if (ret > 0)
		ret = fuse_open(srv, hooks, &opener, in.flags,
				(char *)r->out + sizeof(struct fuse_entry_out));
	if (ret > 0)
		return (int64_t)(sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out));
	server_release(srv, ino, 1); /* the file is there, but the kernel was not told of it */
	return ret;
}

static int64_t do_link(struct server *srv, const struct fuse_hooks *hooks, const struct fuse_request *r)
{
	const uint64_t ino = ((const struct fuse_link_in *)r->arg)->oldnodeid;
	const char *name;
	int ret = names(r, &name, NULL);

	if (!ret)
		ret = minifs_tree_link(&srv->fs, ino, r->in->nodeid, name);
	return ret ? ret : fuse_entry(srv, hooks, ino, r->out);
}

static int64_t do_unlink(struct server *srv, const struct fuse_request *r, bool folder)
{
	const char *name;
	uint64_t gone = 0;
	int ret = names(r, &name, NULL);

	if (!ret)
		ret = minifs_tree_unlink(&srv->fs, r->in->nodeid, name, folder, &gone);
	server_gone(srv, gone);
	return ret;
}

static int64_t do_rename(struct server *srv, const struct fuse_request *r, uint64_t to, uint32_t flags)
{
	const char *from_name, *to_name;
	uint64_t gone = 0;
	int ret = names(r, &from_name, &to_name);

	if (!ret)
		ret = minifs_tree_rename(&srv->fs, r->in->nodeid, from_name, to, to_name, flags, &gone);
	server_gone(srv, gone);
	return ret;
}

void fuse_forget(struct server *srv, const struct fuse_request *r)
{
	const struct fuse_batch_forget_in *batch = r->arg;
	const struct fuse_forget_one *one = r->payload;

	if (r->in->opcode == FUSE_FORGET)
		server_release(srv, r->in->nodeid, ((const struct fuse_forget_in *)r->arg)->nlookup);
	else
		for (uint32_t i = 0; i < batch->count && (i + 1) * sizeof(*one) <= r->payload_len; i++)
			server_release(srv, one[i].nodeid, one[i].nlookup);
}

int64_t fuse_dispatch_tree(struct server *srv, const struct fuse_hooks *hooks,
			   const struct fuse_request *r)
{
	const struct fuse_rename2_in *to = r->arg;

	switch (r->in->opcode) {
	case FUSE_CREATE:
		return do_create(srv, hooks, r);
	case FUSE_MKNOD:
		return do_make(srv, hooks, r, ((const struct fuse_mknod_in *)r->arg)->mode);
	case FUSE_MKDIR:
		return do_make(srv, hooks, r,
			       S_IFDIR | (((const struct fuse_mkdir_in *)r->arg)->mode & 07777));
	case FUSE_SYMLINK:
		return do_make(srv, hooks, r, S_IFLNK | 0777);
	case FUSE_READLINK:
		return minifs_tree_readlink(&srv->fs, r->in->nodeid, r->out, r->out_size);
	case FUSE_LINK:
		return do_link(srv, hooks, r);
	case FUSE_UNLINK:
		return do_unlink(srv, r, false);
	case FUSE_RMDIR:
		return do_unlink(srv, r, true);
	case FUSE_RENAME:
		return do_rename(srv, r, ((const struct fuse_rename_in *)r->arg)->newdir, 0);
	case FUSE_RENAME2:
		return do_rename(srv, r, to->newdir, to->flags);
	default:
		return -ENOSYS;
	}
}
