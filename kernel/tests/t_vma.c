// SPDX-License-Identifier: MIT
/* The client's mapping decides: its rights, its kind, and what happens to it while the I/O is in flight. */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "kernel/tests/test.h"

#define SIZE (2 * MIB)

static int fd, buffer;
static char *map;

static void set_up(void)
{
	fd = memory_make(MEMFD, SIZE);
	buffer = server_register(fd, SIZE);
	CHECK(buffer >= 0);
	map = map_shared(fd, SIZE, 0);
	fill(map, SIZE, 1);
}

static void tear_down(void)
{
	CHECK_EQ(server_unregister(buffer), 0);
	munmap(map, SIZE);
	close(fd);
}

static bool stored(size_t n, uint64_t seed)
{
	char *p = map_with(-1, n, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	bool ok = do_read(files.direct, p, n, 0) == (ssize_t)n && filled(p, n, seed);

	munmap(p, n);
	seen();
	return ok;
}

/* A write needs PROT_READ, a read PROT_WRITE: what copying would need. */
static void rights(void)
{
	char *ro, *none, path[64];
	int again;

	set_up();
	ro = map_with(fd, MIB, 0, PROT_READ, MAP_SHARED);
	CHECK_EQ(do_write(files.direct, ro, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	CHECK_EQ(do_read(files.direct, ro, 4096, MIB), -EFAULT);
	none = map_with(fd, MIB, 0, PROT_NONE, MAP_SHARED);
	CHECK_EQ(do_write(files.direct, none, 4096, 0), -EFAULT);
	CHECK_EQ(do_read(files.direct, none, 4096, 0), -EFAULT);
	CHECK_EQ(seen().shared, 0);
	CHECK(filled(map, SIZE, 1));
	/* another open file of the same memory, read only */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	munmap(ro, MIB);
	ro = map_with(again, MIB, 0, PROT_READ, MAP_SHARED);
	CHECK_EQ(do_write(files.direct, ro, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	CHECK_EQ(do_read(files.direct, ro, 4096, MIB), -EFAULT);
	close(again);
	munmap(ro, MIB);
	munmap(none, MIB);
	tear_down();
}

/* A private mapping is other memory, before and after it was copied on write. */
static void private(void)
{
	char *p;

	set_up();
	p = map_with(fd, MIB, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK(stored(MIB, 1));
	fill(p, MIB, 2);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 0);
	CHECK(stored(MIB, 2));
	munmap(p, MIB);
	p = map_with(fd, MIB, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK_EQ(do_read(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 0);
	CHECK(filled(p, MIB, 2));
	CHECK(filled(map, SIZE, 1)); /* the file is as it was */
	munmap(p, MIB);
	tear_down();
}

/* One I/O over mappings of two places, and anonymous memory behind. */
static void several(void)
{
	struct seen s;
	char *p;

	set_up();
	p = map_with(-1, 3 * 8192, 0, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	mmap(p, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	mmap(p + 8192, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)MIB);
	mmap(p + 16384, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	fill(p, 24576, 3);
	CHECK_EQ(do_write(files.direct, p, 24576, 0), 24576);
	s = seen();
	CHECK_EQ(s.shared, 2);
	CHECK_EQ(s.shared_bytes, 16384);
	CHECK_EQ(s.copied_bytes, 8192);
	CHECK(stored(24576, 3));
	memset(p, 0, 24576);
	CHECK_EQ(do_read(files.direct, p, 24576, 0), 24576);
	CHECK_EQ(seen().shared, 2);
	CHECK(filled(p, 24576, 3));
	/* a mapping that mprotect has split is still the same file */
	CHECK_EQ(mprotect(map + 4096, 4096, PROT_READ), 0);
	CHECK_EQ(do_write(files.direct, map, 16384, 0), 16384);
	CHECK_EQ(seen().shared, 3);
	/* and one that was moved */
	p = mremap(p, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, p + 16384);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(do_write(files.direct, p, 8192, 0), 8192);
	CHECK_EQ(seen().shared, 1);
	CHECK_EQ(counters->offset, 0);
	munmap(p - 16384, 24576);
	tear_down();
}

static void beyond_eof(void)
{
	int small = memory_unsealed(3 * 4096), index;
	char *p = map_shared(small, 8 * 4096, 0);

	fill(p, 3 * 4096, 4);
	index = server_register(small, 8 * 4096);
	CHECK(index >= 0);
	CHECK_EQ(do_write(files.direct, p, 3 * 4096, 0), 3 * 4096);
	CHECK_EQ(seen().shared, 1);
	CHECK(do_write(files.direct, p, 8 * 4096, 0) < 8 * 4096l); /* what there is, or EFAULT */
	CHECK_EQ(do_write(files.direct, p + 4 * 4096, 4096, 0), -EFAULT);
	CHECK_EQ(seen().shared, 0);
	/* it grows: now it is there */
	CHECK_EQ(ftruncate(small, 8 * 4096), 0);
	CHECK_EQ(do_write(files.direct, p + 4 * 4096, 4096, 0), 4096);
	CHECK_EQ(seen().shared, 1);
	CHECK_EQ(server_unregister(index), 0);
	munmap(p, 8 * 4096);
	close(small);
}

/* The pages need not be there; a hole is zeros. */
static void missing_pages(void)
{
	char *p;

	set_up();
	p = map_shared(fd, SIZE, 0); /* not one page table entry */
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	CHECK(stored(MIB, 1));
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)MIB), 0);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	for (size_t i = 0; i < MIB; i += 4096)
		CHECK_EQ(p[i], 0);
	/* read into a hole */
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)SIZE), 0);
	fill(p + MIB, 4096, 7);
	CHECK_EQ(do_write(files.direct, p + MIB, 4096, 0), 4096);
	CHECK_EQ(do_read(files.direct, p, 4096, 0), 4096);
	CHECK_EQ(seen().shared, 2);
	CHECK(filled(p, 4096, 7));
	munmap(p, SIZE);
	tear_down();
}

static void userfault(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register reg = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	char *p;

	set_up();
	CHECK(uffd >= 0);
	CHECK_EQ(ioctl(uffd, UFFDIO_API, &api), 0);
	p = map_shared(fd, MIB, 0);
	reg.range.start = (uintptr_t)p;
	reg.range.len = MIB;
	CHECK_EQ(ioctl(uffd, UFFDIO_REGISTER, &reg), 0);
	CHECK_EQ(do_write(files.direct, p, 4096, 0), 4096); /* the pages are there: nobody is asked */
	CHECK_EQ(seen().shared, 0);
	close(uffd);
	CHECK_EQ(do_write(files.direct, p, 4096, 0), 4096);
	CHECK_EQ(seen().shared, 1);
	munmap(p, MIB);
	tear_down();
}

/* A dma-buf is the same memory at the same vm_pgoff, which is all that is known. */
static void dmabuf_offset(void)
{
	int heap = memory_make(DMAHEAP, SIZE), index = server_register(heap, SIZE);
	struct wish w = {.what = WISH_REGISTER,
			 .prot = PROT_READ | PROT_WRITE,
			 .map_flags = MAP_SHARED,
			 .map_len = MIB,
			 .map_offset = MIB,
			 .index = 500};
	char *p = map_shared(heap, MIB, (off_t)MIB), *all = map_shared(heap, SIZE, 0);

	CHECK(index >= 0);
	fill(p, MIB, 5);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), -EFAULT);
	CHECK_EQ(do_write(files.direct, all + MIB, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 1);
	CHECK_EQ(counters->offset, MIB);
	CHECK(stored(MIB, 5));
	/* the server maps the same part */
	CHECK_EQ(server_do(&w, heap), 0);
	CHECK_EQ(do_write(files.direct, p + 4096, MIB - 4096, 0), MIB - 4096);
	CHECK_EQ(counters->index, 500);
	CHECK_EQ(counters->offset, 4096);
	CHECK_EQ(server_unregister(500), 0);
	CHECK_EQ(server_unregister(index), 0);
	munmap(p, MIB);
	munmap(all, SIZE);
	close(heap);
}

/* The memfd under a udmabuf is another file: its own mapping does not match. */
static void under_udmabuf(void)
{
	int udmabuf = memory_make(UDMABUF, SIZE), index = server_register(udmabuf, SIZE);
	int other = memory_make(UDMABUF, SIZE);
	char *p = map_shared(other, SIZE, 0);

	CHECK(index >= 0);
	CHECK_EQ(do_write(files.direct, p, MIB, 0), -EFAULT);
	CHECK_EQ(seen().shared, 0);
	CHECK_EQ(server_unregister(index), 0);
	munmap(p, SIZE);
	close(other);
	close(udmabuf);
}

/* What happens to the mapping while a request is in flight does not matter: file and offset name the data. */
static void in_flight(void)
{
	for (int what = 0; what < 4; what++) {
		struct io io;
		char *p;

		set_up();
		p = map_shared(fd, SIZE, 0);
		fill(p, SIZE, 10 + (uint64_t)what);
		counters->gate_open = false;
		io = (struct io){.fd = files.gate, .p = p, .n = MIB};
		io_start(&io);
		await_gated(1);
		switch (what) {
		case 0:
			munmap(p, SIZE);
			break;
		case 1:
			mmap(p, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			     -1, 0);
			memset(p, 0xff, SIZE);
			break;
		case 2:
			mprotect(p, SIZE, PROT_NONE);
			break;
		case 3:
			fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)MIB);
			break;
		}
		counters->gate_open = true;
		CHECK_EQ(io_end(&io), MIB);
		CHECK_EQ(seen().shared, 1);
		if (what != 3) {
			CHECK(filled(map, SIZE, 10 + (uint64_t)what));
			munmap(p, SIZE);
		} else { /* the server has read the hole: zeros */
			char *q = map_with(-1, MIB, 0, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS);

			CHECK_EQ(do_read(files.gate, q, MIB, 0), MIB);
			for (size_t i = 0; i < MIB; i += 1024)
				CHECK_EQ(q[i], 0);
			munmap(q, MIB);
			munmap(p, SIZE);
			seen();
		}
		tear_down();
	}
}

const struct test vma_tests[] = {
	{"rights of the mapping", rights},
	{"MAP_PRIVATE is other memory, before and after COW", private},
	{"several mappings, split and moved ones", several},
	{"beyond the end of the file", beyond_eof},
	{"missing pages and holes", missing_pages},
	{"userfaultfd", userfault},
	{"dma-buf: only the same offset is the same memory", dmabuf_offset},
	{"two udmabufs are two files", under_udmabuf},
	{"munmap, MAP_FIXED, mprotect, hole punch in flight", in_flight},
	{0},
};
