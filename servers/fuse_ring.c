// SPDX-License-Identifier: MIT
/* The FUSE io_uring engine; see fuse_ring.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/cpus.h"
#include "servers/fuse_ring_internal.h"

#define PROBE_NS (10 * NSEC_PER_SEC)

enum { PROBE_PENDING = 0, PROBE_ANSWERED = -1 };

struct fuse_ring_options fuse_ring_options;

static const char *const pools[] = {"registered", "plain", NULL};

const struct opt fuse_ring_option_table[] = {
	{"entries", OPT_UINT, offsetof(struct fuse_ring_options, entries), "N", "4",
	 "uring*: ring entries for each queue, 1 MiB of payload buffer each", .min = 1, .max = 256},
	{"pool", OPT_CHOICE, offsetof(struct fuse_ring_options, pool), "registered|plain", "registered",
	 "uring-pool, uring-zc: pin the buffer pool once, or look its pages up for each request", pools},
	{"link", OPT_FLAG, offsetof(struct fuse_ring_options, link), NULL, "yes",
	 "uring-zc, sink file: commit in one submission with the move of the payload"},
	{"allow-unmatched", OPT_FLAG, offsetof(struct fuse_ring_options, allow_unmatched), NULL, "no",
	 "uring-shm: requests that come with a copy, not with a shared buffer, are no failure"},
	{0},
};

/* With a registered pool every command names it. */
static void use_pool(struct queue *q, struct fuse_uring_cmd_req *req)
{
	struct io_uring_sqe *sqe = (void *)((char *)req - CMD_OFFSET);

	if (q->ring->config.memory != RING_POOL_REGISTERED)
		return;
	sqe->rw_flags |= IORING_URING_CMD_FIXED; /* uring_cmd_flags lies in the same union */
	sqe->buf_index = POOL_SLOT;
}

static struct fuse_uring_cmd_req *command(struct queue *q, unsigned int cmd, struct entry *ent)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->io);
	struct fuse_uring_cmd_req *req;

	if (!sqe)
		abort(); /* cannot be: there is an SQE for whatever an entry can ask for */
	memset(sqe, 0, 128);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = 0; /* /dev/fuse as registered file 0 */
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = cmd;
	sqe->user_data = (uintptr_t)ent | CQE_FETCH;
	req = (void *)((char *)sqe + CMD_OFFSET);
	req->qid = q->id;
	if (cmd == FUSE_IO_URING_CMD_COMMIT_AND_FETCH)
		use_pool(q, req);
	return req;
}

void ring_commit(struct queue *q, struct entry *ent, int64_t ret, bool now)
{
	struct fuse_uring_ent_in_out *io = &ent->header->ring_ent_in_out;
	struct fuse_out_header *out = (void *)ent->header->in_out;
	struct fuse_uring_cmd_req *req;

	*out = (struct fuse_out_header){
		.len = sizeof(*out), .error = ret < 0 ? (int32_t)ret : 0, .unique = ent->in.unique};
	io->payload_sz = ret < 0 ? 0 : (uint32_t)ret;
	req = command(q, FUSE_IO_URING_CMD_COMMIT_AND_FETCH, ent);
	req->commit_id = io->commit_id;
	atomic_fetch_add_explicit(&q->served, 1, memory_order_relaxed);
	if (now)
		io_uring_submit(&q->io);
}

static void serve_entry(struct queue *q, struct worker *w, struct entry *ent)
{
	struct fuse_uring_ent_in_out *io = &ent->header->ring_ent_in_out;
	struct fuse_request r = {
		.in = &ent->in,
		.arg = ent->header->op_in,
		.payload_len = io->payload_sz,
		.out_size = q->ring->payload_size,
		.route = q->pool ? ROUTE_POOL : ROUTE_RING,
	};
	int64_t ret;

	memcpy(&ent->in, ent->header->in_out, sizeof(ent->in)); /* the reply goes to the same memory */
	if (q->pool)
		ent->payload = q->pool + io->offset;
	if (io->flags & FUSE_URING_ENT_ZERO_COPY) {
		ring_zero_copy(q, w, ent);
		return;
	}
	if (io->flags & FUSE_URING_ENT_SHARED_BUF) {
		ring_shared(q, w, ent);
		return;
	}
	r.payload = r.out = ent->payload;
	ret = fuse_dispatch(w, q->ring->dev->hooks, &r);
	ring_commit(q, ent, ret == DISPATCH_NO_REPLY ? 0 : ret,
		    (ent->in.opcode == FUSE_WRITE || ent->in.opcode == FUSE_READ) &&
			    ((struct fuse_read_in *)ent->header->op_in)->size >= FLUSH_BYTES);
}

/* One completion. False: the entry will not come back, its connection has ended (-ENOTCONN). */
static bool handle(struct queue *q, struct worker *w, struct entry *ent, const struct io_uring_cqe *cqe)
{
	switch (cqe->user_data & CQE_MASK) {
	case CQE_MOVE:
		ring_zero_copy_moved(q, w, ent, cqe->res);
		return true;
	case CQE_STREAM:
		ring_streamed(q, w, ent, cqe->res, cqe->flags);
		return true;
	case CQE_HEADER: /* it failed: the payload after it is canceled, and says nothing */
		ring_streamed(q, w, ent, cqe->res < 0 ? cqe->res : -EIO, 0);
		return true;
	}
	if (cqe->res)
		return false;
	serve_entry(q, w, ent);
	return true;
}

/* Serves until every entry has come back with an error: the connection has ended. */
static void serve_queue(struct queue *q, struct worker *w)
{
	unsigned int live = q->ring->config.entries;

	while (live) {
		struct io_uring_cqe *cqe;
		unsigned int head, n = 0;
		int ret = io_uring_submit_and_wait(&q->io, 1);

		if (ret < 0 && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY)
			break;
		io_uring_for_each_cqe (&q->io, head, cqe) {
			struct entry *ent = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)CQE_MASK);

			n++;
			live -= !handle(q, w, ent, cqe);
		}
		io_uring_cq_advance(&q->io, n);
	}
}

/* Submits the one command that was prepared, and waits for its result. */
static int run_command(struct queue *q)
{
	struct io_uring_cqe *cqe;
	int ret = io_uring_submit_and_wait(&q->io, 1);

	if (ret >= 0)
		ret = io_uring_wait_cqe(&q->io, &cqe);
	if (ret < 0)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(&q->io, cqe);
	return ret;
}

/* The order matters, and each step has errors of its own: queue, registered buffers, pool. */
static int add_pool(struct queue *q, size_t size)
{
	const enum fault fault = q->ring->dev->srv->fault;
	struct iovec iov = {q->pool, size};
	struct fuse_uring_cmd_req *req;
	int ret;

	if (q->ring->config.zero_copy || q->ring->config.memory == RING_POOL_REGISTERED) {
		q->step = "making a table of registered buffers";
		ret = io_uring_register_buffers_sparse(&q->io, q->ring->config.entries + 1);
		if (ret)
			return ret;
	}
	q->step = "FUSE_IO_URING_CMD_ADD_QUEUE";
	req = command(q, FUSE_IO_URING_CMD_ADD_QUEUE, NULL);
	req->flags = q->ring->config.zero_copy ? FUSE_URING_ZERO_COPY : 0;
	ret = run_command(q);
	if (ret)
		return ret;
	if (q->ring->config.memory == RING_POOL_REGISTERED && fault != FAULT_INDEX) {
		/* ADD_BUFPOOL would succeed without it, and requests would fail */
		q->step = "registering the buffer pool";
		ret = io_uring_register_buffers_update_tag(&q->io, POOL_SLOT, &iov, NULL, 1);
		if (ret < 0)
			return ret;
	}
	q->step = "FUSE_IO_URING_CMD_ADD_BUFPOOL";
	req = command(q, FUSE_IO_URING_CMD_ADD_BUFPOOL, NULL);
	req->bufpool.uaddr = (uintptr_t)q->pool;
	req->bufpool.len = (uint32_t)(fault == FAULT_POOL ? q->ring->payload_size / 2 : size);
	use_pool(q, req);
	return run_command(q);
}

/* Headers, then a payload buffer for each entry or the pool. The kernel uses this memory until the ring
 * is gone. */
static int make_memory(struct queue *q)
{
	const size_t payload = q->ring->payload_size, n = q->ring->config.entries;
	const size_t header = (sizeof(struct fuse_uring_req_header) + 63) & ~(size_t)63;
	const size_t headers = (header * n + 4095) & ~(size_t)4095;

	q->memory_size = headers + payload * n;
	q->memory = mmap(NULL, q->memory_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (q->memory == MAP_FAILED) {
		q->memory = NULL;
		return -ENOMEM;
	}
	q->entries = calloc(n, sizeof(*q->entries));
	if (!q->entries)
		return -ENOMEM;
	if (q->ring->dev->srv->sink.ops->share) /* for good: it goes when the process goes */
		q->ring->dev->srv->sink.ops->share(&q->ring->dev->srv->sink, q->memory, q->memory_size);
	if (q->ring->config.memory != RING_BUFFERS)
		q->pool = (char *)q->memory + headers;
	for (size_t i = 0; i < n; i++) {
		struct entry *ent = &q->entries[i];

		ent->header = (void *)((char *)q->memory + i * header);
		ent->iov[0] = (struct iovec){ent->header, sizeof(*ent->header)};
		ent->staging_fd = -1;
		if (q->pool)
			continue;
		ent->payload = (char *)q->memory + headers + i * payload;
		ent->iov[1] = (struct iovec){ent->payload, payload};
	}
	return 0;
}

/* The iovecs are read when the SQE is submitted and need not live longer. */
static int register_entries(struct queue *q)
{
	struct io_uring_cqe *cqe;
	int ret;

	for (unsigned int i = 0; i < q->ring->config.entries; i++) {
		struct entry *ent = &q->entries[i];
		struct fuse_uring_cmd_req *req = command(q, FUSE_IO_URING_CMD_REGISTER, ent);
		struct io_uring_sqe *sqe = (void *)((char *)req - CMD_OFFSET);

		sqe->addr = (uintptr_t)ent->iov;
		sqe->len = 2;
		use_pool(q, req);
		if (q->ring->config.zero_copy) {
			ent->slot = (uint16_t)(q->ring->dev->srv->fault == FAULT_SLOT ? 1 : i + 1);
			req->ent_zero_copy_buf_index = ent->slot;
		}
	}
	ret = io_uring_submit(&q->io);
	if (ret < 0)
		return ret;
	if (ret != (int)q->ring->config.entries)
		return -EIO;
	/* A refused REGISTER completes at once; an accepted one when the first request arrives. */
	ret = io_uring_get_events(&q->io);
	if (ret < 0)
		return ret;
	if (io_uring_peek_cqe(&q->io, &cqe) == 0 && cqe->res < 0)
		return cqe->res;
	return 0;
}

static int set_up(struct queue *q)
{
	/* zero copy: a header, a move and a commit for each entry can be waiting */
	const unsigned int n = q->ring->config.entries * (q->ring->config.zero_copy ? 3 : 1);
	struct io_uring_params p = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_CQSIZE,
		.cq_entries = 2 * n,
	};
	int ret;

	q->step = "io_uring_setup";
	ret = io_uring_queue_init_params(n, &q->io, &p);
	if (ret)
		return ret;
	q->step = "registering /dev/fuse";
	ret = io_uring_register_files(&q->io, &q->ring->dev->fd, 1);
	if (ret)
		return ret;
	q->step = "allocating payload buffers";
	ret = make_memory(q);
	if (!ret && q->pool)
		ret = add_pool(q, q->ring->payload_size * q->ring->config.entries);
	if (ret)
		return ret;
	q->step = "FUSE_IO_URING_CMD_REGISTER";
	return register_entries(q);
}

static void *queue_thread(void *p)
{
	struct queue *q = p;
	struct worker *w;

	cpus_bind_thread(q->cpu);
	w = worker_get(q->ring->dev->srv);
	q->step = "allocating";
	q->setup = w ? set_up(q) : -ENOMEM;
	sem_post(&q->ring->set_up);
	if (q->setup)
		return NULL;
	serve_queue(q, w);
	server_died(q->ring->dev->srv);
	return NULL;
}

static void *probe(void *p)
{
	struct fuse_ring *ring = p;
	struct statvfs st;

	/* Any request will do, and STATFS is never answered from a cache. */
	atomic_store(&ring->probe, statvfs(ring->dev->srv->mountpoint, &st) ? errno : PROBE_ANSWERED);
	return NULL;
}

static uint64_t served(const struct fuse_ring *ring)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < ring->nqueues; i++)
		n += atomic_load(&ring->queues[i].served);
	return n;
}

/* The kernel falls back to /dev/fuse in silence, or lets clients hang, when it does not like a ring:
 * ask it for something and look where the request comes out. */
static int prove(struct fuse_ring *ring, struct err *e)
{
	uint64_t end = clock_ns() + PROBE_NS;
	pthread_t thread;
	int ret;

	ret = pthread_create(&thread, NULL, probe, ring);
	if (ret)
		return err_sys(e, -ret, "uring: starting the probe");
	pthread_detach(thread); /* it may hang, and must not hold us up */
	while (atomic_load(&ring->probe) == PROBE_PENDING && clock_ns() < end)
		usleep(200);
	ret = atomic_load(&ring->probe);
	if (ret > 0)
		return err_sys(e, -ret, "%s: the first request through the ring failed",
			       ring->config.name);
	if (ret == PROBE_ANSWERED && served(ring))
		return 0;
	return err_set(e, -EIO,
		       "%s: the ring was registered, but the kernel does not send requests "
		       "through it",
		       ring->config.name);
}

static void free_ring(struct fuse_ring *ring)
{
	for (unsigned int i = 0; i < ring->nqueues; i++) {
		struct queue *q = &ring->queues[i];

		for (unsigned int k = 0; q->entries && k < ring->config.entries; k++) {
			struct entry *ent = &q->entries[k];

			if (ent->staging)
				munmap(ent->staging, ring->payload_size);
			if (ent->staging_fd >= 0)
				close(ent->staging_fd);
		}
		free(q->entries);
		if (q->memory)
			munmap(q->memory, q->memory_size);
	}
	free(ring->shared);
	sem_destroy(&ring->set_up);
	free(ring->queues);
	free(ring);
}

void fuse_ring_stop(struct fuse_ring *ring)
{
	bool ended = true;

	for (unsigned int i = 0; i < ring->nqueues; i++) {
		struct queue *q = &ring->queues[i];

		if (!q->started)
			continue;
		if (!thread_join_bounded(q->thread))
			ended = false;
		else if (q->io.ring_fd > 0)
			io_uring_queue_exit(&q->io);
	}
	if (ended) /* else leave it what it may still look at: the process ends */
		free_ring(ring);
}

static void describe(struct fuse_ring *ring)
{
	json_t *cpus = json_array(), *evidence = ring->dev->srv->evidence;

	for (unsigned int i = 0; i < ring->nqueues; i++)
		json_array_append_new(cpus, json_integer(ring->queues[i].cpu));
	json_object_set_new(evidence, "queues", json_integer(ring->nqueues));
	json_object_set_new(evidence, "queue_cpus", cpus);
	json_object_set_new(evidence, "entries_per_queue", json_integer(ring->config.entries));
	if (ring->config.memory != RING_BUFFERS)
		json_object_set_new(
			evidence, "pool",
			json_string(ring->config.memory == RING_POOL ? "plain" : "registered"));
}

static int start_queues(struct fuse_ring *ring, struct err *e)
{
	struct queue *bad = NULL;
	unsigned int started = 0;
	int ret = 0;

	for (; started < ring->nqueues && !ret; started++) {
		struct queue *q = &ring->queues[started];

		q->ring = ring;
		q->id = (uint16_t)started;
		q->cpu = cpus_for_queue((int)started);
		ret = pthread_create(&q->thread, NULL, queue_thread, q);
		q->started = !ret;
		if (ret)
			err_sys(e, -ret, "uring: starting a queue thread");
	}
	for (unsigned int i = 0; i < ring->nqueues; i++)
		if (ring->queues[i].started)
			sem_wait(&ring->set_up);
	if (ret)
		return -ret;
	for (unsigned int i = 0; i < ring->nqueues && !bad; i++)
		if (ring->queues[i].setup)
			bad = &ring->queues[i];
	if (!bad)
		return 0;
	err_sys(e, bad->setup, "%s: queue %u: %s", ring->config.name, bad->id, bad->step);
	if (bad->setup == -EPERM && ring->config.zero_copy)
		err_remedy(e, "sudo zcbench ... (the kernel asks for CAP_SYS_ADMIN)");
	else if (bad->setup == -EPERM)
		err_remedy(e, "sysctl kernel.io_uring_disabled=0 lets this user use io_uring");
	else if (bad->setup == -ENOMEM)
		err_remedy(e, "fewer --entries, or a higher memory lock limit (ulimit -l)");
	return bad->setup;
}

int fuse_ring_start(struct fuse_ring **out, struct fuse_dev *dev, const struct fuse_ring_config *config,
		    struct err *e)
{
	struct fuse_ring *ring = calloc(1, sizeof(*ring));
	int ret;

	if (!ring)
		return err_sys(e, -ENOMEM, "uring");
	ring->dev = dev;
	ring->config = *config;
	ring->payload_size = dev->max_write;
	/* The kernel picks a queue by CPU and wants one for each *possible* CPU. */
	ring->nqueues = (unsigned int)cpus_possible();
	ring->queues = calloc(ring->nqueues, sizeof(*ring->queues));
	if (config->shared)
		ring->shared = calloc(FUSE_URING_SHARED_BUF_MAX, sizeof(*ring->shared));
	if (!ring->queues || (config->shared && !ring->shared)) {
		free(ring->queues);
		free(ring);
		return err_sys(e, -ENOMEM, "uring");
	}
	sem_init(&ring->set_up, 0, 0);
	ret = start_queues(ring, e);
	if (!ret)
		ret = prove(ring, e);
	if (ret)
		return ret; /* threads may still hang in the kernel: the caller ends the process */
	describe(ring);
	*out = ring;
	return 0;
}
