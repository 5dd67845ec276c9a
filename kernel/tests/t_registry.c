// SPDX-License-Identifier: MIT
/* REG_BUF and UNREG_BUF: what they take and refuse, limits, and when they complete. */
#include <pthread.h>
#include <sys/wait.h>

#include "kernel/tests/test.h"
#include "servers/fuse_abi.h"

#define SIZE (2 * MIB)

static const struct wish usual = {.what = WISH_REGISTER,
				  .prot = PROT_READ | PROT_WRITE,
				  .map_flags = MAP_SHARED,
				  .map_len = SIZE,
				  .index = 9};

static void refusals(void)
{
	int fd = memory_make(MEMFD, SIZE), plain;
	static const struct {
		const char *what;
		uint64_t skip, len, flags;
		int prot, map_flags;
		int want;
	} t[] = {
		{"address not aligned", 1, 4096, 0, 3, MAP_SHARED, -EINVAL},
		{"length not aligned", 0, 4097, 0, 3, MAP_SHARED, -EINVAL},
		{"half a page", 0, 2048, 0, 3, MAP_SHARED, -EINVAL},
		{"longer than the mapping", 0, 64 * MIB, 0, 3, MAP_SHARED, -EFAULT},
		{"over its end", SIZE - 4096, 8192, 0, 3, MAP_SHARED, -EFAULT},
		{"too long for an offset", 0, (1ull << 48) + 4096, 0, 3, MAP_SHARED, -EINVAL},
		{"length that wraps", 0, -4096ull, 0, 3, MAP_SHARED, -EINVAL},
		{"unknown flag", 0, 4096, 2, 3, MAP_SHARED, -EINVAL},
		{"private", 0, 4096, 0, 3, MAP_PRIVATE, -EOPNOTSUPP},
		{"no access", 0, 4096, 0, PROT_NONE, MAP_SHARED, -EACCES},
		{"read only without saying so", 0, 4096, 0, PROT_READ, MAP_SHARED, -EACCES},
		{"not even readable", 0, 4096, FUSE_URING_SHARED_BUF_READ_ONLY, PROT_NONE, MAP_SHARED,
		 -EACCES},
		{"read only", 0, 4096, FUSE_URING_SHARED_BUF_READ_ONLY, PROT_READ, MAP_SHARED, 0},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct wish w = usual;
		int res;

		w.skip = t[i].skip;
		w.len = t[i].len;
		w.flags = t[i].flags;
		w.prot = t[i].prot;
		w.map_flags = t[i].map_flags;
		res = server_do(&w, fd);
		if (res != t[i].want) {
			printf("      %s:\n", t[i].what);
			CHECK_EQ(res, t[i].want);
		}
		if (!res)
			CHECK_EQ(server_unregister(9), 0);
	}
	/* neither shared memory nor a dma-buf; anonymous shared memory is, but nobody can have another mapping */
	plain = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (plain >= 0) {
		struct wish w = usual;

		w.map_len = 4096;
		w.prot = PROT_READ;
		w.flags = FUSE_URING_SHARED_BUF_READ_ONLY;
		CHECK(server_do(&w, plain) <= 0);
		server_unregister(9);
		close(plain);
	}
	close(fd);
}

/* The raw commands, with whatever a server may write into them. */
static void hostile_commands(void)
{
	static const struct wish t[] = {
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = 0, .len = 4096},
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = 0xffffffff80000000ull, .len = 4096},
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = -4096ull, .len = 8192},
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = 1ull << 63, .len = 1ull << 48},
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = 0x7fffffffe000, .len = 0x10000},
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = 4096, .len = 0},
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = 4096, .len = 4096, .index = 1024},
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = 4096, .len = 4096, .index = ~0u},
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = 4096, .len = 4096, .reserved = 1},
		{.cmd = FUSE_IO_URING_CMD_REG_BUF, .uaddr = 4096, .len = 4096, .flags = ~0ull},
		{.cmd = FUSE_IO_URING_CMD_UNREG_BUF, .index = 0},
		{.cmd = FUSE_IO_URING_CMD_UNREG_BUF, .index = 1023},
		{.cmd = FUSE_IO_URING_CMD_UNREG_BUF, .index = 1024},
		{.cmd = FUSE_IO_URING_CMD_UNREG_BUF, .index = ~0u},
		{.cmd = FUSE_IO_URING_CMD_UNREG_BUF, .index = 9, .uaddr = 4096},
		{.cmd = FUSE_IO_URING_CMD_UNREG_BUF, .index = 9, .flags = 1},
		{.cmd = FUSE_IO_URING_CMD_UNREG_BUF, .index = 9, .reserved = 1},
		{.cmd = 7},
	};
	int fd = memory_make(MEMFD, SIZE), res;

	/* before the first registration, and after it */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
			struct wish w = t[i];

			w.what = WISH_COMMAND;
			res = server_do(&w, -1);
			CHECK(res == -EINVAL || res == -EFAULT || res == -ENOENT || res == -EOPNOTSUPP);
		}
		CHECK_EQ(server_do(&usual, fd), round ? -EEXIST : 0);
	}
	/* the index is taken */
	res = server_do(&(struct wish){.what = WISH_COMMAND,
				       .cmd = FUSE_IO_URING_CMD_REG_BUF,
				       .index = 9,
				       .uaddr = (uintptr_t)map_shared(fd, SIZE, 0),
				       .len = 4096},
			-1);
	CHECK(res == -EBUSY || res == -EFAULT || res == -EOPNOTSUPP); /* our address: it has its own */
	CHECK_EQ(server_unregister(9), 0);
	CHECK_EQ(server_unregister(9), -ENOENT);
	close(fd);
}

/* 1024 of them, each with its file; the files go when they are unregistered. */
static void limit(void)
{
	long before = shmem_bytes(), n = 0;
	int fd = memory_make(MEMFD, SIZE);
	char *p = map_shared(fd, SIZE, 0);

	for (uint32_t i = 0; i < 1024; i++) {
		struct wish w = usual;
		int one = memory_make(MEMFD, 65536);

		w.map_len = 65536;
		w.index = i;
		CHECK_EQ(ftruncate(one, 65536), 0);
		CHECK_EQ(fallocate(one, 0, 0, 65536), 0);
		if (server_do(&w, one))
			break;
		n++;
		close(one);
	}
	CHECK_EQ(n, 1024);
	CHECK(shmem_bytes() - before >= 60l * 1024 * 1024);
	CHECK_EQ(server_register(fd, SIZE), -EEXIST); /* no index is free */
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 0);
	CHECK_EQ(server_unregister(512), 0);
	CHECK_EQ(server_register(fd, SIZE), 512);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	for (int i = 0; i < 1024; i++)
		CHECK_EQ(server_unregister(i), 0);
	munmap(p, SIZE);
	close(fd);
	usleep(100000);
	CHECK(shmem_bytes() - before < 16l * 1024 * 1024);
}

/* Many buffers of one file, in pieces: each part is found. */
static void pieces(void)
{
	int fd = memory_make(MEMFD, 1024 * 4096);
	char *p = map_shared(fd, 1024 * 4096, 0);

	for (uint32_t i = 0; i < 1024; i++) {
		struct wish w = usual;

		w.map_len = 4096;
		w.map_offset = (1023 - i) * 4096;
		w.index = i;
		CHECK_EQ(server_do(&w, fd), 0);
	}
	for (uint32_t i = 0; i < 1024; i += 31) {
		CHECK_EQ(do_write(files.direct, p + (size_t)i * 4096, 4096, 0), 4096);
		CHECK_EQ(counters->index, 1023 - i);
	}
	CHECK_EQ(do_write(files.direct, p, 64 * 4096, 0), 64 * 4096);
	CHECK_EQ(seen().copied, 0);
	munmap(p, 1024 * 4096);
	close(fd);
}

static void read_only(void)
{
	int fd = memory_make(MEMFD, SIZE);
	struct wish w = usual;
	char *p = map_shared(fd, SIZE, 0);

	w.flags = FUSE_URING_SHARED_BUF_READ_ONLY;
	w.prot = PROT_READ;
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	CHECK_EQ(server_register(fd, SIZE), -EPERM); /* the server cannot map it writable */
	CHECK_EQ(server_do(&w, fd), 0);
	fill(p, MIB, 1);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	memset(p, 0, MIB);
	CHECK_EQ(do_read(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 0);
	CHECK(filled(p, MIB, 1));
	CHECK_EQ(server_unregister(9), 0);
	munmap(p, SIZE);
	close(fd);
}

static void *unregister_it(void *arg)
{
	return (void *)(intptr_t)server_unregister((int)(intptr_t)arg);
}

/* It completes after the last request is answered, hides the buffer at once, and the index is free after it. */
static void unregister_in_flight(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);
	struct io io = {.fd = files.gate, .p = p, .n = MIB},
		  io2 = {.fd = files.gate, .p = p + MIB, .n = MIB, .o = 1 << 20};
	pthread_t t;
	void *res;

	fill(p, SIZE, 2);
	io_start(&io);
	io_start(&io2);
	await_gated(2);
	seen();
	pthread_create(&t, NULL, unregister_it, (void *)(intptr_t)index);
	for (int i = 0; i < 200; i++) { /* it is hidden soon */
		CHECK_EQ(do_write(files.direct, p, 4096, 0), 4096);
		if (!seen().shared)
			break;
		usleep(10000);
	}
	CHECK_EQ(do_write(files.direct, p, 4096, 0), 4096);
	CHECK_EQ(seen().shared, 0);
	CHECK(counters->unregistered == 0);
	usleep(100000);
	CHECK(counters->unregistered == 0);
	counters->gate_open = true;
	CHECK_EQ(io_end(&io), MIB);
	CHECK_EQ(io_end(&io2), MIB);
	pthread_join(t, &res);
	CHECK_EQ((intptr_t)res, 0);
	CHECK(counters->unregistered >= counters->committed);
	CHECK_EQ(server_register(fd, SIZE), index);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 3); /* those of the gate, and this */
	release(fd, index, p, SIZE);
}

/* Its io_uring goes while it waits: the buffer stays unregistered, and nothing hangs. */
static void its_ring_goes(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);
	struct io io = {.fd = files.gate, .p = p, .n = MIB};
	struct wish w = {.what = WISH_UNREGISTER_EXIT, .index = (uint32_t)index};

	fill(p, SIZE, 3);
	io_start(&io);
	await_gated(1);
	CHECK_EQ(server_do(&w, -1), 0);
	CHECK_EQ(do_write(files.direct, p, 4096, 0), 4096);
	CHECK_EQ(seen().shared, 0);
	/* the index is not free before the request has ended */
	w = (struct wish){
		.what = WISH_COMMAND, .cmd = FUSE_IO_URING_CMD_UNREG_BUF, .index = (uint32_t)index};
	CHECK_EQ(server_do(&w, -1), -ENOENT);
	counters->gate_open = true;
	CHECK_EQ(io_end(&io), MIB);
	CHECK_EQ(seen().shared, 1);
	munmap(p, SIZE);
	close(fd);
}

const struct test registry_tests[] = {
	{"what REG_BUF refuses", refusals},
	{"commands with nonsense in them", hostile_commands},
	{"1024 buffers and no more", limit},
	{"one file in 1024 pieces", pieces},
	{"a buffer that is only read", read_only},
	{"UNREG_BUF completes with the last request", unregister_in_flight},
	{"the io_uring of an UNREG_BUF that waits goes", its_ring_goes},
	{0},
};
