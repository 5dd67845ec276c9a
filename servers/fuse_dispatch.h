/* SPDX-License-Identifier: MIT */
/* FUSE requests in wire form, served from the small file system and the sink: shared by all servers
 * that speak the protocol themselves, whether a request came over /dev/fuse or through a ring. */
#ifndef ZC_FUSE_DISPATCH_H
#define ZC_FUSE_DISPATCH_H

#include "servers/fuse_abi.h"
#include "servers/server.h"

struct fuse_request {
	const struct fuse_in_header *in;
	const void *arg;     /* the opcode's fixed argument; at least its size is readable */
	const void *payload; /* what follows it: names, WRITE data, ioctl data */
	size_t payload_len;
	void *out; /* where the reply's body goes; may be the payload's own memory */
	size_t out_size;
	enum route route;
};

#define DISPATCH_NO_REPLY INT64_MIN

/* Optional parts of a path, called by any server thread. */
struct fuse_hooks {
	/* After a successful open of a file; may change the reply. 0 or a negative errno. */
	int (*open)(struct server *srv, const struct fuse_in_header *in, uint32_t flags,
		    struct fuse_open_out *out);
	void (*release)(struct server *srv, uint64_t fh);
	/* Returns the number of bytes of reply data in `out`, or a negative errno. */
	int64_t (*ioctl)(struct server *srv, const struct fuse_in_header *in,
			 const struct fuse_ioctl_in *arg, const void *data, void *out);
	/* The file's size, where the kernel changes it behind the server's back (passthrough). */
	int64_t (*size)(struct server *srv, unsigned int file);
	/* After a file's size was set; without it the sink is told. */
	int (*truncate)(struct server *srv, unsigned int file, uint64_t size);
};

/* The size of an opcode's fixed argument; 0 for none and for unknown opcodes. */
size_t fuse_arg_size(uint32_t opcode);

/* Serves one request. Returns the length of the reply's body in r->out, a negative errno for an error
 * reply, or DISPATCH_NO_REPLY. */
int64_t fuse_dispatch(struct worker *w, const struct fuse_hooks *hooks, const struct fuse_request *r);

#endif
