// SPDX-License-Identifier: MIT
/* Proves that a queue of uring-shm serves a request from the buffer that it names and from no other memory: what
 * names a buffer that is not there, or a place outside of it, is answered with an error, and so is one whose
 * pages the client took away; the next request is served as ever. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/pattern.h"
#include "servers/fuse_ring_internal.h"
#include "servers/ipc_session.h"
#include "servers/sigbus.h"
#include "tests/unit/unit.h"

#define SIZE  65536u
#define BLOCK 4096u
#define INDEX 7u

extern const struct sink_ops sink_read;

static struct server srv;
static struct fuse_dev dev = {.srv = &srv};
static struct queue queue;
static struct fuse_ring ring = {.dev = &dev, .config.name = "test", .nqueues = 1, .queues = &queue};
static struct fuse_uring_req_header header;
static struct fuse_write_out reply;
static struct entry entry = {.header = &header, .payload = &reply};
static struct ipc_buffer buffer;
static struct worker *worker;
static int memfd;

static int set_up(void **state)
{
	struct io_uring_params p = {.flags = IORING_SETUP_SQE128};

	(void)state;
	srv.sink.ops = &sink_read;
	pthread_mutex_init(&srv.lock, NULL);
	queue.ring = &ring;
	ring.shared = calloc(FUSE_URING_SHARED_BUF_MAX, sizeof(*ring.shared));
	memfd = memfd_create("test_ring_shm", MFD_CLOEXEC);
	if (memfd < 0 || ftruncate(memfd, SIZE) || minifs_init(&srv.fs, 1, 1u << 20))
		return -1;
	buffer = (struct ipc_buffer){.size = SIZE, .writable = true, .dmabuf_fd = -1, .index = INDEX};
	buffer.map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	worker = worker_get(&srv);
	/* commands are queued there, and nobody submits them */
	return buffer.map == MAP_FAILED || !worker || io_uring_queue_init_params(64, &queue.io, &p);
}

static int tear_down(void **state)
{
	(void)state;
	io_uring_queue_exit(&queue.io);
	munmap(buffer.map, SIZE);
	close(memfd);
	free(ring.shared);
	srv.sink.ops->thread_exit(&srv.sink, worker->sink_thread);
	free(worker);
	minifs_free(&srv.fs);
	return 0;
}

static uint64_t place(uint64_t index, uint64_t offset)
{
	return index << FUSE_URING_SHARED_OFF_BITS | offset;
}

/* What the kernel is told: the error, and the bytes of the reply's payload. */
static int request(unsigned int opcode, uint64_t addr, uint32_t size, uint32_t *bytes)
{
	const struct fuse_write_in in = {.size = size};
	const struct fuse_out_header *out = (const void *)header.in_out;
	const uint64_t before = worker->bytes[opcode == FUSE_WRITE ? OP_WRITE : OP_READ][ROUTE_SHARED];

	memset(&header, 0, sizeof(header));
	memset(&reply, 0, sizeof(reply));
	memcpy(header.op_in, &in, sizeof(in));
	header.ring_ent_in_out.shared_addr = addr;
	entry.in = (struct fuse_in_header){.opcode = opcode, .nodeid = MINIFS_FIRST_INO, .unique = 5};
	ring_shared(&queue, worker, &entry);
	assert_int_equal(out->unique, 5);
	assert_int_equal(queue.holds, 0);
	assert_null(sigbus_guard);
	*bytes = opcode == FUSE_WRITE ? reply.size : header.ring_ent_in_out.payload_sz;
	assert_int_equal(worker->bytes[opcode == FUSE_WRITE ? OP_WRITE : OP_READ][ROUTE_SHARED] - before,
			 out->error ? 0 : *bytes);
	return out->error;
}

static void works(void)
{
	uint32_t bytes;

	assert_int_equal(request(FUSE_WRITE, place(INDEX, BLOCK), BLOCK, &bytes), 0);
	assert_int_equal(bytes, BLOCK);
	memset(buffer.map, 0, SIZE);
	assert_int_equal(request(FUSE_READ, place(INDEX, SIZE - BLOCK), BLOCK, &bytes), 0);
	assert_int_equal(bytes, BLOCK);
	/* sink read produces every byte, there and only there */
	for (uint32_t i = 0; i < SIZE - BLOCK; i++)
		assert_int_equal(buffer.map[i], 0);
	assert_true(memcmp(buffer.map, buffer.map + SIZE - BLOCK, BLOCK) != 0);
}

static void test_names(void **state)
{
	static const struct {
		uint64_t index, offset;
		uint32_t size;
	} wrong[] = {
		{INDEX + 1, 0, BLOCK},                     /* not there */
		{0, 0, BLOCK},                             /* ... */
		{FUSE_URING_SHARED_BUF_MAX - 1, 0, BLOCK}, /* ... at the end of the table */
		{FUSE_URING_SHARED_BUF_MAX, 0, BLOCK},     /* beyond it */
		{0xffff, 0, BLOCK},
		{INDEX, SIZE, 1}, /* behind the buffer */
		{INDEX, SIZE - BLOCK + 1, BLOCK},
		{INDEX, 0, SIZE + 1},
		{INDEX, (1ull << FUSE_URING_SHARED_OFF_BITS) - 1, BLOCK},
		{INDEX, BLOCK, UINT32_MAX},
	};
	uint32_t bytes;

	(void)state;
	atomic_store(&ring.shared[INDEX], &buffer);
	works();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const uint64_t addr = place(wrong[i].index, wrong[i].offset);

		assert_int_equal(request(FUSE_WRITE, addr, wrong[i].size, &bytes), -EIO);
		assert_int_equal(request(FUSE_READ, addr, wrong[i].size, &bytes), -EIO);
	}
	works();
	/* one that a READ must not write to */
	buffer.writable = false;
	assert_int_equal(request(FUSE_WRITE, place(INDEX, 0), BLOCK, &bytes), 0);
	assert_int_equal(request(FUSE_READ, place(INDEX, 0), BLOCK, &bytes), -EIO);
	buffer.writable = true;
	atomic_store(&ring.shared[INDEX], NULL);
	assert_int_equal(request(FUSE_WRITE, place(INDEX, 0), BLOCK, &bytes), -EIO);
}

static void test_pages_gone(void **state)
{
	uint32_t bytes;

	(void)state;
	sigbus_catch(); /* now: cmocka has handlers of its own */
	atomic_store(&ring.shared[INDEX], &buffer);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ftruncate(memfd, 0), 0);
		assert_int_equal(request(FUSE_WRITE, place(INDEX, 0), BLOCK, &bytes), -EFAULT);
		assert_int_equal(request(FUSE_READ, place(INDEX, 0), BLOCK, &bytes), -EFAULT);
		assert_int_equal(ftruncate(memfd, SIZE), 0);
		works();
	}
	atomic_store(&ring.shared[INDEX], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_pages_gone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
