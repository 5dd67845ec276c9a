// SPDX-License-Identifier: MIT
/* Path `uring-pool` (Linux 7.3): as `uring`, with the payload in a pool for each queue that is pinned
 * once, instead of a buffer for each entry whose pages are looked up for each request. */
#include "servers/fuse_ring.h"

static const struct fuse_hooks hooks;

static int pool_start(struct server *srv, struct err *e)
{
	return fuse_ring_path_start(srv, &hooks,
				    (struct fuse_ring_config){.memory = RING_POOL_REGISTERED}, e);
}

const struct path_ops path_uring_pool = {
	.name = "uring-pool",
	.help = "FUSE over io_uring, a registered buffer pool for each queue",
	.needs = "Linux 7.3, fuse.enable_uring=Y",
	.client = CLIENT_FUSE,
	.expect = {[OP_WRITE] = {ROUTE_POOL, 1}, [OP_READ] = {ROUTE_POOL, 1}},
	.reads = "its own copy",
	.setting = FUSE_RING_SETTING,
	.setting_value = "Y",
	.options = fuse_ring_option_table,
	.option_values = &fuse_ring_options,
	.start = pool_start,
	.stop = fuse_ring_path_stop,
};
