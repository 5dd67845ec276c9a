/* SPDX-License-Identifier: MIT */
/* A server on libfuse3's low-level API and its own multi-threaded loop: what most FUSE servers are. */
#ifndef ZC_FUSE_LL_H
#define ZC_FUSE_LL_H

#include "servers/fuse_mount.h"

/* How a path moves payload; the rest is common. Called by libfuse's threads. */
struct fuse_ll_ops {
	/* Exactly one of the two: write gets the payload in memory, write_buf as libfuse has it. */
	void (*write)(fuse_req_t req, fuse_ino_t ino, const char *data, size_t len, off_t offset,
		      struct fuse_file_info *fi);
	void (*write_buf)(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *bufv, off_t offset,
			  struct fuse_file_info *fi);
	/* len is already cut at the end of the file and not 0. */
	void (*read)(fuse_req_t req, unsigned int file, size_t len, off_t offset);
	bool splice;
};

struct fuse_ll_options {
	uint64_t threads;
};

/* The --threads option that paths on this engine share. */
extern const struct opt fuse_ll_option_table[];
extern struct fuse_ll_options fuse_ll_options;

int fuse_ll_start(struct server *srv, const struct fuse_ll_ops *ops, struct err *e);
void fuse_ll_stop(struct server *srv);

#endif
