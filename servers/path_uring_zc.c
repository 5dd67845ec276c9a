// SPDX-License-Identifier: MIT
/* Path `uring-zc` (Linux 7.3): the kernel's own zero copy. The client's pages appear in the server's
 * registered-buffer table, file by file (FOPEN_IO_URING_ZERO_COPY); see fuse_ring_zc.c. */
#include "servers/fuse_ring.h"

static int zc_open(struct server *srv, const struct fuse_in_header *in, uint32_t flags,
		   struct fuse_open_out *out)
{
	(void)in, (void)flags;
	if (srv->fault != FAULT_FALLBACK)
		out->open_flags |= FOPEN_IO_URING_ZERO_COPY;
	return 0;
}

static const struct fuse_hooks hooks = {.open = zc_open};

static int zc_start(struct server *srv, struct err *e)
{
	return fuse_ring_path_start(
		srv, &hooks,
		(struct fuse_ring_config){.memory = RING_POOL_REGISTERED, .zero_copy = true}, e);
}

const struct path_ops path_uring_zc = {
	.name = "uring-zc",
	.help = "FUSE over io_uring with zero copy: the client's pages in the server's buffer table",
	.needs = "Linux 7.3, fuse.enable_uring=Y, CAP_SYS_ADMIN",
	.client = CLIENT_FUSE,
	.expect = {[OP_WRITE] = {ROUTE_ZERO_COPY, 0}, [OP_READ] = {ROUTE_ZERO_COPY, 0}},
	.hands = {[OP_WRITE] = HANDS_SLOT, [OP_READ] = HANDS_SLOT},
	.reads = "nothing in place: the pages have to be copied out first",
	.setting = FUSE_RING_SETTING,
	.setting_value = "Y",
	.options = fuse_ring_option_table,
	.option_values = &fuse_ring_options,
	.start = zc_start,
	.stop = fuse_ring_path_stop,
};
