// SPDX-License-Identifier: MIT
/* Clients that use io_uring: plain, polled submission, fixed buffers, many at once; and Linux AIO's relative, threads. */
#include <liburing.h>

#include "kernel/tests/test.h"

#define SIZE (4 * MIB)

static int do_one(struct io_uring *u, bool write, bool fixed, void *p, size_t n)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(u);
	struct io_uring_cqe *cqe;
	int res;

	if (fixed && write)
		io_uring_prep_write_fixed(sqe, files.direct, p, (unsigned int)n, 0, 0);
	else if (fixed)
		io_uring_prep_read_fixed(sqe, files.direct, p, (unsigned int)n, 0, 0);
	else if (write)
		io_uring_prep_write(sqe, files.direct, p, (unsigned int)n, 0);
	else
		io_uring_prep_read(sqe, files.direct, p, (unsigned int)n, 0);
	io_uring_submit(u);
	if (io_uring_wait_cqe(u, &cqe))
		die("io_uring_wait_cqe");
	res = cqe->res;
	io_uring_cqe_seen(u, cqe);
	return res;
}

static void each(unsigned int flags, bool fixed, enum memory kind)
{
	struct io_uring_params params = {.flags = flags, .sq_thread_idle = 50};
	int fd = memory_make(kind, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);
	char *anon = map_with(-1, MIB, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	struct iovec iov = {p, SIZE};
	struct io_uring u;
	struct seen s;

	CHECK(index >= 0);
	if (io_uring_queue_init_params(16, &u, &params))
		die("io_uring");
	if (fixed)
		CHECK_EQ(io_uring_register_buffers(&u, &iov, 1), 0);
	fill(p, SIZE, 1);
	CHECK_EQ(do_one(&u, true, fixed, p + 4096, MIB), MIB);
	s = seen();
	CHECK_EQ(s.shared, 1);
	CHECK_EQ(s.copied, 0);
	CHECK_EQ(counters->offset, 4096);
	memcpy(anon, p + 4096, MIB);
	memset(p + 2 * MIB, 0, MIB);
	CHECK_EQ(do_one(&u, false, fixed, p + 2 * MIB, MIB), MIB);
	s = seen();
	CHECK_EQ(s.shared, 1);
	CHECK_EQ(s.copied, 0);
	CHECK(!memcmp(p + 2 * MIB, anon, MIB));
	CHECK_EQ(do_one(&u, true, fixed, p + 12345, 3 * MIB - 777), 3 * MIB - 777);
	s = seen();
	CHECK_EQ(s.shared_bytes, 3 * MIB - 777);
	CHECK_EQ(s.copied, 0);
	if (!fixed) {
		CHECK_EQ(do_one(&u, true, false, anon, MIB), MIB);
		CHECK_EQ(seen().shared, 0);
	}
	CHECK_EQ(server_unregister(index), 0);
	CHECK_EQ(do_one(&u, true, fixed, p, MIB), MIB);
	CHECK_EQ(seen().shared, 0);
	io_uring_queue_exit(&u);
	munmap(p, SIZE);
	munmap(anon, MIB);
	close(fd);
}

static void plain(void)
{
	each(0, false, MEMFD);
	each(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, false, HUGETLB);
}

static void sqpoll(void)
{
	each(IORING_SETUP_SQPOLL, false, MEMFD);
}

static void fixed_buffers(void)
{
	each(0, true, MEMFD);
	each(0, true, HUGETLB);
	each(IORING_SETUP_SQPOLL, true, MEMFD);
}

/* Pages that were pinned and have left the file are not in the buffer anymore. */
static void fixed_after_punch(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);
	struct iovec iov = {p, SIZE};
	struct io_uring u;
	char *q;

	if (io_uring_queue_init(4, &u, 0))
		die("io_uring");
	fill(p, SIZE, 3);
	CHECK_EQ(io_uring_register_buffers(&u, &iov, 1), 0);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)MIB), 0);
	CHECK_EQ(p[0], 0);                             /* a new page */
	CHECK_EQ(do_one(&u, true, true, p, MIB), MIB); /* the pinned ones, with what they had */
	CHECK_EQ(seen().shared, 0);
	q = map_with(-1, MIB, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	CHECK_EQ(do_read(files.direct, q, MIB, 0), MIB);
	CHECK(filled(q, MIB, 3));
	seen();
	CHECK_EQ(do_one(&u, true, true, p + 2 * MIB, MIB), MIB);
	CHECK_EQ(seen().shared, 1);
	io_uring_queue_exit(&u);
	CHECK_EQ(server_unregister(index), 0);
	munmap(p, SIZE);
	munmap(q, MIB);
	close(fd);
}

/* Fixed buffers of anonymous and of private memory, and one that begins before the registered range. */
static void fixed_elsewhere(void)
{
	int fd = memory_make(MEMFD, SIZE);
	struct wish w = {.what = WISH_REGISTER,
			 .prot = PROT_READ | PROT_WRITE,
			 .map_flags = MAP_SHARED,
			 .map_len = SIZE,
			 .skip = MIB,
			 .len = MIB,
			 .index = 3};
	char *p[3] = {
		map_with(-1, SIZE, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS),
		map_with(fd, SIZE, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE),
		map_shared(fd, SIZE, 0),
	};

	CHECK_EQ(server_do(&w, fd), 0);
	for (int i = 0; i < 3; i++) {
		struct iovec iov = {p[i], SIZE};
		struct io_uring u;

		if (io_uring_queue_init(4, &u, 0))
			die("io_uring");
		CHECK_EQ(io_uring_register_buffers(&u, &iov, 1), 0);
		CHECK_EQ(do_one(&u, true, true, p[i] + MIB - 4096, MIB), MIB);
		CHECK_EQ(seen().shared, 0);
		CHECK_EQ(do_one(&u, true, true, p[i] + MIB, MIB), MIB);
		CHECK_EQ(seen().shared, i == 2);
		io_uring_queue_exit(&u);
	}
	CHECK_EQ(server_unregister(3), 0);
	for (int i = 0; i < 3; i++)
		munmap(p[i], SIZE);
	close(fd);
}

/* Sixteen at once, and cancel them: all come back, none with data of another. */
static void many(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE), got = 0;
	char *p = map_shared(fd, SIZE, 0);
	struct io_uring u;

	if (io_uring_queue_init(64, &u, 0))
		die("io_uring");
	fill(p, SIZE, 8);
	for (int i = 0; i < 16; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&u);

		io_uring_prep_write(sqe, files.gate, p + (size_t)i * 65536, 65536, (uint64_t)i * 65536);
		sqe->flags |= IOSQE_ASYNC; /* in a worker: a submission would wait for the gate */
	}
	io_uring_submit(&u);
	await_gated(1);
	for (int i = 0; i < 4; i++) { /* may come too late for those in the server: that is fine */
		struct io_uring_sqe *sqe = io_uring_get_sqe(&u);

		io_uring_prep_cancel_fd(sqe, files.gate, IORING_ASYNC_CANCEL_ALL);
		sqe->user_data = 1000;
	}
	io_uring_submit(&u);
	usleep(20000);
	counters->gate_open = true;
	while (got < 20) {
		struct io_uring_cqe *cqe;

		if (io_uring_wait_cqe(&u, &cqe))
			die("io_uring_wait_cqe");
		if (cqe->user_data != 1000)
			CHECK(cqe->res == 65536 || cqe->res == -ECANCELED || cqe->res == -EINTR);
		io_uring_cqe_seen(&u, cqe);
		got++;
	}
	CHECK_EQ(server_unregister(index), 0);
	io_uring_queue_exit(&u);
	munmap(p, SIZE);
	close(fd);
}

const struct test uring_tests[] = {
	{"io_uring", plain},
	{"io_uring with SQPOLL", sqpoll},
	{"fixed buffers", fixed_buffers},
	{"fixed buffers whose pages have left the file", fixed_after_punch},
	{"fixed buffers of other memory", fixed_elsewhere},
	{"many at once, and cancel", many},
	{0},
};
