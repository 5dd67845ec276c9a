// SPDX-License-Identifier: MIT
/* Bad clients: what they write to the ring. */
#include <errno.h>
#include <pthread.h>

#include "lib/clock.h"
#include "tests/clients/bad/bad.h"

static void place(void)
{
	struct ipc_sqe d = right;

	join();
	d.buffer_offset = UINT64_MAX - 4095;
	refused("a place that overflows", operate(&d), -EFAULT);
	d.buffer_offset = SIZE - 1;
	refused("a place beyond the end", operate(&d), -EFAULT);
	d.buffer_offset = 0;
	d.length = UINT32_MAX;
	refused("a length beyond the end", operate(&d), -EFAULT);
}

static void file_place(void)
{
	struct ipc_sqe d = right;

	join();
	d.file_offset = UINT64_MAX - 4095;
	refused("a place in the file that overflows", operate(&d), -EINVAL);
}

static void numbers(void)
{
	struct ipc_sqe d = right;

	join();
	d.buffer = UINT16_MAX;
	refused("a buffer number", operate(&d), -EBADF);
	d.buffer = 0;
	d.handle = IPC_HANDLES_MAX;
	refused("a file number", operate(&d), -EBADF);
}

static void unregistered(void)
{
	struct ipc_sqe d = {.op = IPC_OP_UNREGISTER};

	join();
	expect("giving the buffer back", operate(&d), 0);
	expect("using it then", operate(&right), -EBADF);
}

static void operation(void)
{
	struct ipc_sqe d = {.op = 77};

	join();
	refused("an operation", operate(&d), -EINVAL);
}

static atomic_bool over;

static void *rewrite(void *arg)
{
	static const uint64_t far[] = {0, 1, SIZE, INT64_MAX, UINT64_MAX, UINT32_MAX};
	uint64_t n = 88172645463325252ULL;

	(void)arg;
	while (!atomic_load(&over)) {
		volatile struct ipc_sqe *d;

		n ^= n << 13, n ^= n >> 7, n ^= n << 17; /* xorshift64 (Marsaglia 2003) */
		d = &c.ring->sqes[n % ENTRIES];
		d->buffer_offset = far[(n >> 8) % 6];
		d->length = (uint32_t)far[(n >> 16) % 6];
		d->file_offset = far[(n >> 24) % 6];
		d->op = (uint8_t)(1 + (n >> 32) % 2);
	}
	return NULL;
}

static void rewriting(void)
{
	uint64_t end = clock_ns() + NSEC_PER_SEC;
	pthread_t thread;

	join();
	pthread_create(&thread, NULL, rewrite, NULL);
	while (clock_ns() < end) {
		int ret = operate(&right);

		if (ret > (int)SIZE || (ret < 0 && ret != -EFAULT && ret != -EINVAL && ret != -EFBIG))
			wrong("an operation that changes: %d", ret);
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
}

static void number(void)
{
	join();
	expect("an operation", operate(&right), 4096);
	ipc_publish(&c.ring->sqes[1].seq, 0x80000000);
	ipc_wake(&c.ring->server_sleeps);
	expect_hang_up(c.sock);
}

static void number_lost(void)
{
	join();
	for (int i = 0; i < ENTRIES + 1; i++)
		expect("an operation", operate(&right), 4096);
	ipc_publish(&c.ring->sqes[1].seq, 0);
	ipc_wake(&c.ring->server_sleeps);
	expect_hang_up(c.sock);
}

const struct bad_case ring_cases[] = {
	{"place", place, "beyond the end of its buffer"},
	{"file-place", file_place, "length or place in the file overflows"},
	{"numbers", numbers, "file or buffer number that does not exist"},
	{"unregistered", unregistered, "a buffer that is not registered"},
	{"operation", operation, "an unknown operation"},
	{"rewriting", rewriting, "refused process"},
	{"number", number, "a number in its ring that makes no sense"},
	{"number-lost", number_lost, "a number in its ring that makes no sense"},
	{0},
};
