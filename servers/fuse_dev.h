/* SPDX-License-Identifier: MIT */
/* A FUSE connection whose protocol we speak ourselves: mount, INIT, and threads that serve requests
 * from /dev/fuse. libfuse3 3.14 knows neither rings nor passthrough, hence this. */
#ifndef ZC_FUSE_DEV_H
#define ZC_FUSE_DEV_H

#include "servers/fuse_dispatch.h"
#include "servers/fuse_mount.h"

struct fuse_dev {
	struct server *srv;
	const struct fuse_hooks *hooks;
	struct fuse_session *se;
	int fd;
	uint32_t minor;         /* protocol version in use */
	uint64_t offered;       /* INIT flags that the kernel offered */
	uint64_t accepted;      /* and those that were accepted */
	uint32_t max_write;     /* bytes of payload in one request */
	uint32_t max_readahead; /* bytes that the kernel may read ahead */
	unsigned int threads;
	pthread_t thread[16];
};

/* Mounts and negotiates. `want` is asked for where the kernel offers it; what `need` names must be
 * offered: otherwise the mount is undone and -EOPNOTSUPP returned, with `offered` filled in so that
 * the caller can say why. max_stack_depth as in fuse_init_out. */
int fuse_dev_open(struct fuse_dev *dev, struct server *srv, const struct fuse_hooks *hooks,
		  uint64_t want, uint64_t need, uint32_t max_stack_depth, struct err *e);

/* Starts n threads that serve /dev/fuse until the mount ends. They also take what comes over
 * /dev/fuse when a ring serves the rest (FORGET, INTERRUPT). 0 or a negative errno. */
int fuse_dev_start(struct fuse_dev *dev, unsigned int n, struct err *e);

/* Unmounts, joins the threads. */
void fuse_dev_close(struct fuse_dev *dev);

#endif
