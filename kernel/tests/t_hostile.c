// SPDX-License-Identifier: MIT
/* A server that lies, and a client that takes its memory away. The other side and the kernel are unharmed. */
#include <signal.h>
#include <sys/wait.h>

#include "kernel/tests/test.h"

#define SIZE (2 * MIB)

/* It answers more bytes than it was asked for. */
static void server_lies(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);

	memset(p, 0x33, SIZE);
	counters->lie_more = true;
	CHECK(do_write(files.direct, p, 64 * KIB, 0) < 0);
	CHECK(do_read(files.direct, p, 64 * KIB, 0) < 0);
	counters->lie_more = false;
	CHECK_EQ(p[64 * KIB], 0x33);
	CHECK_EQ(do_write(files.direct, p, 64 * KIB, 0), 64 * KIB);
	seen();
	release(fd, index, p, SIZE);
}

/* The server has the memory as long as it has it mapped: also after the client believes the request to be over. */
static void server_keeps_memory(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);

	CHECK_EQ(
		server_do(&(struct wish){.what = WISH_WRITE_SHARED, .index = (uint32_t)index, .seed = 4},
			  -1),
		0);
	CHECK(filled(p, SIZE, 4));
	fill(p, SIZE, 5);
	CHECK_EQ(server_do(&(struct wish){.what = WISH_FILLED, .index = (uint32_t)index, .seed = 5}, -1),
		 1);
	release(fd, index, p, SIZE);
}

/* What F_SEAL_SHRINK is for: with it the file cannot shrink. */
static void sealed(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);

	CHECK_EQ(ftruncate(fd, 4096) ? -errno : 0, -EPERM);
	CHECK_EQ(do_write(files.direct, p, SIZE, 0), SIZE);
	CHECK_EQ(seen().copied, 0);
	release(fd, index, p, SIZE);
}

/* Without the seal, a server that did not look dies by SIGBUS, and its clients get an error. */
static void truncated_in_flight(void)
{
	int fd = memory_unsealed(SIZE), status;
	char *p = map_shared(fd, SIZE, 0);
	struct io io = {.fd = files.gate, .p = p, .n = MIB};
	ssize_t res;

	memset(p, 1, SIZE);
	CHECK(server_register(fd, SIZE) >= 0);
	io_start(&io);
	await_gated(1);
	CHECK_EQ(ftruncate(fd, 0), 0);
	counters->gate_open = true;
	res = io_end(&io);
	CHECK(res == -ENOTCONN || res == -ECONNABORTED);
	files_close();
	status = server_reap();
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	munmap(p, SIZE);
	close(fd);
}

/* Truncated before: what is beyond the end is not matched, and the server is not asked to look at it. */
static void truncated_before(void)
{
	int fd = memory_unsealed(SIZE), index;
	char *p = map_shared(fd, SIZE, 0);

	memset(p, 1, SIZE);
	index = server_register(fd, SIZE);
	CHECK_EQ(ftruncate(fd, 8192), 0);
	CHECK_EQ(do_write(files.direct, p + MIB, 4096, 0), -EFAULT);
	CHECK(do_write(files.direct, p, MIB, 0) <= 8192);
	CHECK_EQ(seen().shared, 0);
	CHECK_EQ(do_write(files.direct, p, 8192, 0), 8192);
	CHECK_EQ(seen().shared, 1);
	release(fd, index, p, SIZE);
}

/* All of the client's handles are gone, the buffer is the server's alone. */
static void client_lets_go(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);

	fill(p, SIZE, 7);
	munmap(p, SIZE);
	close(fd);
	CHECK_EQ(server_do(&(struct wish){.what = WISH_FILLED, .index = (uint32_t)index, .seed = 7}, -1),
		 1);
	CHECK_EQ(server_unregister(index), 0);
}

const struct test hostile_tests[] = {
	{"a server that answers more than it was asked for", server_lies},
	{"a server keeps the memory that it has mapped", server_keeps_memory},
	{"a sealed file cannot be truncated", sealed},
	{"truncated in flight without a seal: the server dies, nobody else", truncated_in_flight},
	{"truncated before: not matched", truncated_before},
	{"a client that lets go of everything", client_lets_go},
	{0},
};
