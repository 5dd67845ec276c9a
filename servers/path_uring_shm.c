// SPDX-License-Identifier: MIT
/*
 * Path `uring-shm`: the proposal. Client and server exchange an fd over the back channel of `ipc`; data requests
 * come through the mount as ever, and name the memory instead of carrying it (fuse_ring_shm.c). What the kernel
 * does not find in a registered buffer arrives with a copy, as on `uring`: it is served, counted on that
 * route, and a failure of the run unless --allow-unmatched says otherwise.
 */
#include <errno.h>

#include "servers/fuse_ring.h"
#include "servers/ipc_session.h"

/* Clients can find the mount before the ring is complete. */
static struct fuse_ring *_Atomic complete;

static int memory_begin(struct ipc_session *s, struct err *e)
{
	struct fuse_ring *ring = atomic_load(&complete);
	struct ring_control *control;
	int ret;

	if (!ring)
		return err_set(e, -EAGAIN, "the server is not ready yet");
	ret = ring_control_open(&control, ring, e);
	if (!ret)
		s->memory_state = control;
	return ret;
}

static void memory_end(struct ipc_session *s)
{
	ring_control_close(s->memory_state);
}

static int memory_add(struct ipc_session *s, struct ipc_buffer *b, struct err *e)
{
	return ring_buffer_add(s->memory_state, b, e);
}

static void memory_remove(struct ipc_session *s, struct ipc_buffer *b)
{
	ring_buffer_remove(s->memory_state, b);
}

static const struct ipc_memory_ops memory = {
	.begin = memory_begin,
	.end = memory_end,
	.add = memory_add,
	.remove = memory_remove,
};

static int shm_start(struct server *srv, struct err *e)
{
	const struct ipc_server_config config = {.memory = &memory};
	int ret = ipc_channel_start(srv, &config, e);

	if (ret)
		return ret;
	ret = fuse_ring_path_start(srv, &ipc_hooks,
				   (struct fuse_ring_config){.memory = RING_BUFFERS, .shared = true}, e);
	if (ret) {
		ipc_channel_stop(srv);
		return ret;
	}
	atomic_store(&complete, fuse_ring_path_ring(srv));
	json_object_set_new(srv->evidence, "allow_unmatched",
			    json_boolean(fuse_ring_options.allow_unmatched));
	return 0;
}

static void shm_stop(struct server *srv)
{
	/* first the buffers, while there is a ring on which their last requests are answered */
	ipc_channel_stop(srv);
	fuse_ring_path_stop(srv);
}

/* An unmatched request is one of `uring`. */
#define UNMATCHED .tolerates = 1u << ROUTE_RING, .tolerated_copies = 1, .tolerates_if = "allow_unmatched"

const struct path_ops path_uring_shm = {
	.name = "uring-shm",
	.help = "FUSE over io_uring with shared buffers: the kernel names memory that both sides have "
		"mapped",
	.needs = "a kernel with zcbench's series, fuse.enable_uring=Y",
	.client = CLIENT_SHARED,
	.expect = {[OP_WRITE] = {.route = ROUTE_SHARED, UNMATCHED},
		   [OP_READ] = {.route = ROUTE_SHARED, UNMATCHED}},
	.reads = "the client's very bytes",
	.setting = FUSE_RING_SETTING,
	.setting_value = "Y",
	.options = fuse_ring_option_table,
	.option_values = &fuse_ring_options,
	.start = shm_start,
	.stop = shm_stop,
};
