// SPDX-License-Identifier: MIT
/* What uses a shared buffer, and what is copied: data, offsets and sizes. */
#include <sys/uio.h>

#include "kernel/tests/test.h"

#define SIZE (4 * MIB)

static char *scratch; /* anonymous memory: the path that copies */

static bool stored(size_t n, off_t o, uint64_t seed)
{
	bool ok;

	if (!scratch)
		scratch = map_with(-1, SIZE, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	memset(scratch, 0, n);
	ok = do_read(files.direct, scratch, n, o) == (ssize_t)n && filled(scratch, n, seed);
	seen();
	return ok;
}

static void store(size_t n, off_t o, uint64_t seed)
{
	if (!scratch)
		scratch = map_with(-1, SIZE, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	fill(scratch, n, seed);
	CHECK_EQ(do_write(files.direct, scratch, n, o), n);
	seen();
}

/* WRITE and READ of all kinds of memory: the right bytes, through the buffer, nothing copied. */
static void all_memories(void)
{
	for (enum memory kind = 0; kind < MEMORIES; kind++) {
		int fd = memory_make(kind, SIZE), index;
		bool dmabuf = kind == UDMABUF || kind == DMAHEAP;
		struct seen s;
		char *p;

		CHECK(fd >= 0);
		if (fd < 0)
			continue;
		p = map_shared(fd, SIZE, 0);
		fill(p, SIZE, kind);
		/* not registered: copied, or impossible without pages */
		CHECK_EQ(do_write(files.direct, p, MIB, 0), dmabuf ? -EFAULT : (long)MIB);
		CHECK_EQ(seen().shared, 0);

		index = server_register(fd, SIZE);
		CHECK(index >= 0);
		CHECK_EQ(do_write(files.direct, p, SIZE, 0), SIZE);
		s = seen();
		CHECK_EQ(s.shared, SIZE / MAX_IO);
		CHECK_EQ(s.shared_bytes, SIZE);
		CHECK_EQ(s.copied, 0);
		CHECK(stored(SIZE, 0, kind));

		store(MIB, 0, 100 + kind);
		CHECK_EQ(do_read(files.direct, p + MIB, MIB, 0), MIB);
		s = seen();
		CHECK_EQ(s.shared, 1);
		CHECK_EQ(s.copied, 0);
		CHECK_EQ(counters->offset, MIB);
		CHECK(filled(p + MIB, MIB, 100 + kind));

		/* odd addresses and sizes */
		fill(p + 12345, 7777, 200 + kind);
		CHECK_EQ(do_write(files.direct, p + 12345, 7777, 333), 7777);
		s = seen();
		CHECK_EQ(s.shared, 1);
		CHECK_EQ(counters->offset, 12345);
		CHECK(stored(7777, 333, 200 + kind));

		CHECK_EQ(server_unregister(index), 0);
		CHECK_EQ(do_write(files.direct, p, MIB, 0), dmabuf ? -EFAULT : (long)MIB);
		CHECK_EQ(seen().shared, 0);
		munmap(p, SIZE);
		close(fd);
	}
}

static void end_of_file(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);

	memset(p, 0x11, 8192);
	CHECK_EQ(do_read(files.direct, p, 8192, STORE_SIZE - 4096), 4096);
	CHECK(seen().shared >= 1);
	CHECK_EQ(p[0], 0);
	CHECK_EQ(p[4096], 0x11); /* what the server did not fill is as it was */
	CHECK_EQ(do_read(files.direct, p, 4096, STORE_SIZE), 0);
	/* a server that puts in less than was asked for */
	counters->fill_short = true;
	store(64 * KIB, 0, 5);
	memset(p, 0x22, 64 * KIB);
	CHECK_EQ(do_read(files.direct, p, 64 * KIB, 0), 32 * KIB);
	CHECK(filled(p, 32 * KIB, 5));
	CHECK_EQ(p[32 * KIB], 0x22);
	counters->fill_short = false;
	release(fd, index, p, SIZE);
}

/* O_DIRECT without FOPEN_DIRECT_IO matches; buffered I/O and mmap never do. */
static void direct_and_buffered(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE), buffered;
	char *p = map_shared(fd, SIZE, 0), path[128];

	fill(p, MIB, 1);
	CHECK_EQ(do_write(files.plain, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	snprintf(path, sizeof(path), "%s/plain", MOUNTPOINT);
	buffered = open(path, O_RDWR | O_CLOEXEC);
	CHECK_EQ(do_write(buffered, p + MIB, 64 * KIB, MIB), 64 * KIB);
	CHECK_EQ(fsync(buffered), 0);
	memset(p, 0, MIB);
	CHECK_EQ(do_read(buffered, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 0);
	CHECK(filled(p, MIB, 1));
	close(buffered);
	/* FOPEN_DIRECT_IO without O_DIRECT matches */
	snprintf(path, sizeof(path), "%s/direct", MOUNTPOINT);
	buffered = open(path, O_RDWR | O_CLOEXEC);
	CHECK_EQ(do_write(buffered, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	close(buffered);
	release(fd, index, p, SIZE);
}

/* Anonymous memory, another file, outside of the range: copied; across its end: split. */
static void outside(void)
{
	int fd = memory_make(MEMFD, SIZE), other = memory_make(MEMFD, MIB);
	struct wish w = {.what = WISH_REGISTER,
			 .prot = PROT_READ | PROT_WRITE,
			 .map_flags = MAP_SHARED,
			 .map_len = SIZE,
			 .skip = MIB,
			 .len = MIB,
			 .index = 7};
	char *p = map_shared(fd, SIZE, 0), *q = map_shared(other, MIB, 0);
	struct seen s;

	CHECK_EQ(server_do(&w, fd), 0);
	fill(p, SIZE, 3);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);           /* before */
	CHECK_EQ(do_write(files.direct, p + 2 * MIB, MIB, 0), MIB); /* after */
	CHECK_EQ(do_write(files.direct, q, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 0);
	CHECK_EQ(do_write(files.direct, p + MIB, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	CHECK_EQ(counters->index, 7);
	CHECK_EQ(counters->offset, 0);
	/* the last byte */
	CHECK_EQ(do_write(files.direct, p + 2 * MIB - 1, 1, 0), 1);
	CHECK_EQ(seen().shared, 1);
	CHECK_EQ(counters->offset, MIB - 1);
	/* half in, half out */
	fill(p + 2 * MIB - 8192, 16384, 4);
	CHECK_EQ(do_write(files.direct, p + 2 * MIB - 8192, 16384, 0), 16384);
	s = seen();
	CHECK_EQ(s.shared, 1);
	CHECK_EQ(s.shared_bytes, 8192);
	CHECK_EQ(s.copied_bytes, 8192);
	CHECK(stored(16384, 0, 4));
	/* what follows unregistered memory goes along with it */
	CHECK_EQ(do_write(files.direct, p + MIB - 4096, 8192, 0), 8192);
	s = seen();
	CHECK_EQ(s.shared_bytes + s.copied_bytes, 8192);
	CHECK_EQ(server_unregister(7), 0);
	munmap(p, SIZE);
	munmap(q, MIB);
	close(fd);
	close(other);
}

/* Elements of an iovec are requests of their own where they are in buffers. */
static void vectors(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);
	char *anon = map_with(-1, MIB, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	struct iovec iov[4] = {{p + 100, 5000}, {p, 0}, {anon, 8192}, {p + MIB, 4096}};
	struct seen s;

	store(MIB, 0, 9);
	CHECK_EQ(preadv(files.direct, iov, 4, 0), 17288);
	s = seen();
	CHECK_EQ(s.shared_bytes + s.copied_bytes, 17288);
	CHECK(s.shared_bytes >= 5000);
	memcpy(scratch, p + 100, 5000);
	memcpy(scratch + 5000, anon, 8192);
	memcpy(scratch + 13192, p + MIB, 4096);
	CHECK(filled(scratch, 17288, 9));
	fill(scratch, 17288, 10);
	memcpy(p + 100, scratch, 5000);
	memcpy(anon, scratch + 5000, 8192);
	memcpy(p + MIB, scratch + 13192, 4096);
	CHECK_EQ(pwritev(files.direct, iov, 4, 0), 17288);
	seen();
	CHECK(stored(17288, 0, 10));
	CHECK_EQ(server_unregister(index), 0);
	munmap(p, SIZE);
	munmap(anon, MIB);
	close(fd);
}

/* A file of the kernel's own zero copy: the buffer comes first, and what has none goes the other way. */
static void zero_copy_file(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);

	fill(p, 100000, 6);
	CHECK_EQ(do_write(files.zc, p, 100000, 5), 100000);
	CHECK_EQ(seen().shared, 1);
	memset(p, 0, 100000);
	CHECK_EQ(do_read(files.zc, p, 100000, 5), 100000);
	CHECK_EQ(seen().shared, 1);
	CHECK(filled(p, 100000, 6));
	release(fd, index, p, SIZE);
}

/* One memory, two buffers that overlap; and two clients' mappings at other addresses. */
static void overlap(void)
{
	int fd = memory_make(MEMFD, SIZE), a = server_register(fd, MIB), b = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0), *q = map_shared(fd, MIB, (off_t)MIB);

	CHECK(a >= 0 && b >= 0 && a != b);
	fill(p, SIZE, 8);
	CHECK_EQ(do_write(files.direct, p + 2 * MIB, MIB, 0), MIB);
	CHECK_EQ(counters->index, b);
	CHECK_EQ(do_write(files.direct, q, MIB, 0), MIB);
	CHECK_EQ(counters->offset, MIB);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().copied, 0);
	CHECK_EQ(server_unregister(b), 0);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(counters->index, a);
	CHECK_EQ(server_unregister(a), 0);
	munmap(p, SIZE);
	munmap(q, MIB);
	close(fd);
}

const struct test match_tests[] = {
	{"all kinds of memory, both directions, right bytes, nothing copied", all_memories},
	{"short reads leave the rest alone", end_of_file},
	{"O_DIRECT and FOPEN_DIRECT_IO match, buffered I/O does not", direct_and_buffered},
	{"outside of the range is copied, across its end is split", outside},
	{"vectors", vectors},
	{"a file that asked for the kernel's zero copy", zero_copy_file},
	{"buffers that overlap, mappings at other addresses", overlap},
	{0},
};
