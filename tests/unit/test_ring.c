// SPDX-License-Identifier: MIT
/*
 * Proves that the ring of the bypass neither loses, repeats, reorders nor tears operations or payload:
 * at any depth, spinning and sleeping, across the wrap of the 32-bit numbers, with a peer that is late,
 * and when the session ends. Client and server are two threads on the same mapping, so that
 * ThreadSanitizer sees both sides of every access.
 *
 * alarm(2) ends the test when nothing moves. Lost wake-ups proper are in test_ipc_sleep.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/ipc_client.h"
#include "lib/clock.h"
#include "lib/pattern.h"
#include "servers/ipc_session.h"
#include "tests/unit/unit.h"

#define FILE_SIZE   (1u << 20)
#define BUFFER_SIZE (1u << 20)
#define SEED        42
#define SPIN_NS     (50 * NSEC_PER_USEC)
#define STUCK_SEC   20

extern const struct sink_ops sink_null, sink_read;

struct rig {
	_Alignas(64) struct ipc_session session;
	struct server srv;
	struct ipc_client client;
	int socks[2], ring_fd;
	char *buffer; /* the server's own mapping: TSan knows memory by its address */
};

static void moved(void)
{
	alarm(STUCK_SEC);
}

static int sealed_memfd(size_t size)
{
	int fd = memfd_create("test_ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(fallocate(fd, 0, 0, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return fd;
}

static struct rig *rig_new(const struct sink_ops *sink, uint32_t entries, uint64_t spin_ns,
			   uint32_t first)
{
	struct rig *r = aligned_alloc(64, sizeof(*r));
	struct err e;
	int fd;

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	r->srv.sink.ops = sink;
	pthread_mutex_init(&r->srv.lock, NULL);
	assert_int_equal(minifs_init(&r->srv.fs, 1, FILE_SIZE), 0);
	if (sink->open)
		assert_int_equal(sink->open(&r->srv.sink, &e), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, r->socks), 0);
	r->session.srv = &r->srv;
	assert_int_equal(ipc_session_open(&r->session, MINIFS_FIRST_INO, O_RDWR), 0);
	r->session.first = first;
	r->session.memory = &ipc_memory_ring;
	assert_int_equal(
		ipc_session_start(&r->session, &r->srv, r->socks[0], entries, spin_ns, &r->ring_fd), 0);
	assert_int_equal(r->session.entries, entries);
	fd = sealed_memfd(BUFFER_SIZE);
	assert_int_equal(ipc_session_register(&r->session, fd, &e), 0);
	close(fd);
	r->buffer = r->session.buffers[0].map;
	r->client = (struct ipc_client){
		.ring = r->session.ring,
		.cqes = ipc_cqes(r->session.ring, entries),
		.entries = entries,
		.submitted = first,
		.completed = first,
		.published = first,
		.spin_ns = spin_ns,
		.sock = r->socks[1],
	};
	moved();
	return r;
}

static void rig_free(struct rig *r)
{
	const struct sink_ops *sink = r->srv.sink.ops;

	ipc_session_stop(&r->session);
	while (r->srv.workers) {
		struct worker *w = r->srv.workers;

		r->srv.workers = w->next;
		if (sink->thread_exit)
			sink->thread_exit(&r->srv.sink, w->sink_thread);
		free(w);
	}
	if (sink->close)
		sink->close(&r->srv.sink);
	minifs_free(&r->srv.fs);
	pthread_mutex_destroy(&r->srv.lock);
	close(r->socks[0]);
	close(r->socks[1]);
	close(r->ring_fd);
	free(r);
	alarm(0);
}

/* Operation n lies at its own place of the file, in the place of the buffer that its slot has. */
static uint64_t file_offset(uint64_t n, uint32_t len)
{
	return n * len % (FILE_SIZE - len);
}

static char *place(struct rig *r, uint64_t n, uint32_t len)
{
	return r->buffer + n % r->client.entries * len;
}

static int submit(struct rig *r, enum op op, uint64_t n, uint32_t len)
{
	struct ipc_sqe d = {
		.op = op == OP_WRITE ? IPC_OP_WRITE : IPC_OP_READ,
		.file_offset = file_offset(n, len),
		.buffer_offset = (uint64_t)(place(r, n, len) - r->buffer),
		.length = len,
		.tag = n,
	};

	return ipc_client_submit(&r->client, &d);
}

/* `ops` operations with `depth` in flight; what comes back is in order and whole. `late` sleeps now
 * and then between any two steps. */
static void drive(struct rig *r, enum op op, uint64_t ops, unsigned int depth, uint32_t len,
		  void (*late)(void))
{
	bool verify = atomic_load(&r->srv.verify);
	uint64_t submitted = 0, completed = 0;

	while (completed < ops) {
		int32_t result;
		uint64_t tag;

		for (; submitted < ops && submitted - completed < depth; submitted++) {
			if (op == OP_WRITE && verify)
				pattern_fill(place(r, submitted, len), len, file_offset(submitted, len),
					     SEED);
			assert_int_equal(submit(r, op, submitted, len), 0);
			if (late)
				late();
		}
		if (submitted - completed == r->client.entries)
			assert_int_equal(submit(r, op, submitted, len), -EBUSY);
		ipc_client_flush(&r->client);
		if (late)
			late();
		assert_int_equal(ipc_client_wait(&r->client, &tag, &result), 0);
		do {
			assert_int_equal(tag, completed);
			assert_int_equal(result, len);
			if (op == OP_READ && verify)
				assert_int_equal(pattern_check(place(r, completed, len), len,
							       file_offset(completed, len), SEED),
						 -1);
			if (++completed % 256 == 0)
				moved();
		} while (ipc_client_poll(&r->client, &tag, &result));
	}
	assert_int_equal(r->client.completed, r->client.submitted);
}

/* What the server counted, once its thread has ended. */
static void assert_served(struct rig *r, enum op op, uint64_t ops, uint32_t len)
{
	ipc_session_stop(&r->session);
	assert_non_null(r->session.worker);
	assert_ptr_equal(r->session.worker, r->srv.workers);
	assert_int_equal(r->session.worker->requests[op][ROUTE_IPC], ops);
	assert_int_equal(r->session.worker->bytes[op][ROUTE_IPC], ops * len);
	assert_int_equal(r->srv.verify_errors, 0);
	if (r->srv.verify && op == OP_WRITE)
		assert_int_equal(r->srv.verified_bytes, ops * len);
	assert_false(r->session.broken);
}

static void run(const struct sink_ops *sink, uint32_t entries, uint64_t spin_ns, uint32_t first,
		bool verify, enum op op, uint64_t ops, unsigned int depth, uint32_t len,
		void (*late)(void))
{
	struct rig *r = rig_new(sink, entries, spin_ns, first);

	r->srv.verify_seed = SEED;
	atomic_store(&r->srv.verify, verify);
	drive(r, op, ops, depth, len, late);
	assert_served(r, op, ops, len);
	rig_free(r);
}

static void test_spinning(void **state)
{
	(void)state;
	run(&sink_null, 64, SPIN_NS, 0, false, OP_WRITE, 200000, 1, 64, NULL);
	run(&sink_null, 64, SPIN_NS, 0, false, OP_READ, 200000, 8, 64, NULL);
	run(&sink_read, 64, SPIN_NS, 0, false, OP_WRITE, 200000, 64, 64, NULL);
}

static void test_sleeping(void **state)
{
	(void)state;
	run(&sink_null, 64, 0, 0, false, OP_WRITE, 20000, 1, 64, NULL);
	run(&sink_null, 64, 0, 0, false, OP_READ, 20000, 8, 64, NULL);
	run(&sink_read, 64, 0, 0, false, OP_WRITE, 20000, 64, 64, NULL);
}

/* The smallest ring and the largest. */
static void test_sizes(void **state)
{
	(void)state;
	run(&sink_read, 1, SPIN_NS, 0, true, OP_WRITE, 20000, 1, 100, NULL);
	run(&sink_read, 1, 0, 0, true, OP_READ, 5000, 1, 100, NULL);
	run(&sink_read, IPC_ENTRIES_MAX, SPIN_NS, 0, true, OP_WRITE, 20000, IPC_ENTRIES_MAX, 100, NULL);
	run(&sink_read, IPC_ENTRIES_MAX, 0, 0, true, OP_READ, 20000, IPC_ENTRIES_MAX, 100, NULL);
}

/* Lengths that are no multiple of a word, places that are not aligned. */
static void test_payload(void **state)
{
	(void)state;
	for (uint64_t spin = 0; spin <= SPIN_NS; spin += SPIN_NS)
		for (unsigned int depth = 1; depth <= 64; depth *= 8) {
			run(&sink_read, 64, spin, 0, true, OP_WRITE, 2000, depth, 4099, NULL);
			run(&sink_read, 64, spin, 0, true, OP_READ, 2000, depth, 4099, NULL);
		}
}

/* The numbers go from 2^32 - 1 to 0. A fresh slot has number 0 too, so that a ring that begins here
 * must have used all of its slots before it comes there: 200 > 64. */
static void test_wrap(void **state)
{
	(void)state;
	for (unsigned int depth = 1; depth <= 64; depth *= 8) {
		run(&sink_read, 64, SPIN_NS, UINT32_MAX - 200, true, OP_WRITE, 2000, depth, 520, NULL);
		run(&sink_read, 64, 0, UINT32_MAX - 200, true, OP_READ, 2000, depth, 520, NULL);
	}
	run(&sink_read, 1, SPIN_NS, UINT32_MAX - 1, true, OP_WRITE, 1000, 1, 520, NULL);
	/* the sign bit of differences */
	run(&sink_read, 64, 0, INT32_MAX - 200, true, OP_WRITE, 2000, 64, 520, NULL);
}

/* A few cycles, some hundred, or long enough for the other side to go to sleep. */
static void dawdle(uint64_t *random)
{
	uint64_t n = random64(random);

	if (n % 16 == 0)
		usleep((useconds_t)(n >> 8) % 100);
	else if (n % 4 == 0)
		for (n = (n >> 8) % 500; n; n--)
			cpu_relax();
}

static void late_client(void)
{
	static uint64_t random = 1;

	dawdle(&random);
}

static int late_write(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		      const void *data, size_t len, struct sink_tally *tally)
{
	static uint64_t random = 2;

	dawdle(&random);
	return sink_read.write(sink, thread, file, offset, data, len, tally);
}

static void test_late_peer(void **state)
{
	struct sink_ops late_sink = sink_read;

	(void)state;
	late_sink.write = late_write;
	for (uint64_t spin = 0; spin <= SPIN_NS; spin += SPIN_NS) {
		run(&late_sink, 64, spin, 0, true, OP_WRITE, 5000, 1, 64, late_client);
		run(&late_sink, 64, spin, 0, true, OP_WRITE, 10000, 8, 64, late_client);
		run(&late_sink, 64, spin, 0, true, OP_WRITE, 10000, 64, 64, late_client);
	}
}

static void *wait_for_nothing(void *p)
{
	struct rig *r = p;
	int32_t result;
	uint64_t tag;

	return (void *)(intptr_t)ipc_client_wait(&r->client, &tag, &result);
}

/* The server ends the session under a waiting client: it hears -ENOTCONN and does not hang. As between
 * processes, the client's mapping of the ring is its own. */
static void test_stop_while_waiting(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct rig *r = rig_new(&sink_null, 8, i % 2 ? SPIN_NS : 0, 0);
		struct ipc_ring *own =
			mmap(NULL, ipc_ring_size(8), PROT_READ | PROT_WRITE, MAP_SHARED, r->ring_fd, 0);
		pthread_t waiter;
		void *ret;

		assert_ptr_not_equal(own, MAP_FAILED);
		r->client.ring = own;
		r->client.cqes = ipc_cqes(own, 8);
		if (i >= 4) /* with operations behind it */
			drive(r, OP_WRITE, 1000, 8, 64, NULL);
		assert_int_equal(pthread_create(&waiter, NULL, wait_for_nothing, r), 0);
		usleep((useconds_t)i * 5000);
		ipc_session_stop(&r->session);
		pthread_join(waiter, &ret);
		assert_int_equal((intptr_t)ret, -ENOTCONN);
		munmap(own, ipc_ring_size(8));
		rig_free(r);
	}
}

/* Pages that go away under the server raise SIGBUS there: the session ends, the process does not. */
static void test_sigbus(void **state)
{
	struct rig *r = rig_new(&sink_read, 8, SPIN_NS, 0);
	struct ipc_buffer *b = &r->session.buffers[1];
	struct ipc_sqe d = {.op = IPC_OP_WRITE, .buffer = 1, .length = 4096};
	int fd = memfd_create("test_ring", MFD_CLOEXEC);
	int32_t result;
	uint64_t tag;

	(void)state;
	/* registration would refuse it: it is not sealed */
	assert_int_equal(ftruncate(fd, 4096), 0);
	b->dmabuf_fd = -1;
	b->size = 4096;
	b->map = mmap(NULL, b->size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(b->map, MAP_FAILED);
	atomic_store(&b->ready, true);
	assert_int_equal(ipc_client_submit(&r->client, &d), 0);
	ipc_client_flush(&r->client);
	assert_int_equal(ipc_client_wait(&r->client, &tag, &result), 0);
	assert_int_equal(result, 4096);

	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(ipc_client_submit(&r->client, &d), 0);
	ipc_client_flush(&r->client);
	assert_int_equal(ipc_client_wait(&r->client, &tag, &result), -ENOTCONN);
	ipc_session_stop(&r->session);
	assert_true(r->session.broken);
	close(fd);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spinning),
		cmocka_unit_test(test_sleeping),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_late_peer),
		cmocka_unit_test(test_stop_while_waiting),
		cmocka_unit_test(test_sigbus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
