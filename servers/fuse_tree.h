/* SPDX-License-Identifier: MIT */
/* The FUSE requests that make, move and remove files (serve --tree); internal to fuse_dispatch.c and fuse_tree.c. */
#ifndef ZC_FUSE_TREE_H
#define ZC_FUSE_TREE_H

#include "servers/fuse_dispatch.h"

/* As fuse_dispatch, for the requests that a fixed set of files refuses. */
int64_t fuse_dispatch_tree(struct server *srv, const struct fuse_hooks *hooks,
			   const struct fuse_request *r);

/* The kernel holds inodes so many times less. */
void fuse_forget(struct server *srv, const struct fuse_request *r);

/* The reply for an inode that was found or made (struct fuse_entry_out), and for one that is opened by this caller
 * (struct fuse_open_out). The length, or a negative errno. */
int64_t fuse_entry(struct server *srv, const struct fuse_hooks *hooks, uint64_t ino, void *body);
int64_t fuse_open(struct server *srv, const struct fuse_hooks *hooks, const struct fuse_in_header *in,
		  uint32_t flags, void *body);

#endif
