// SPDX-License-Identifier: MIT
#include "kernel/tests/memory.h"

#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>

#include "kernel/tests/test.h"

const char *const memory_names[] = {"memfd", "hugetlb", "udmabuf", "dmaheap"};

int memory_unsealed(size_t n)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)n))
		die("memfd_create");
	return fd;
}

static int udmabuf(size_t n)
{
	struct udmabuf_create c = {.flags = UDMABUF_FLAGS_CLOEXEC, .size = n};
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	if (dev < 0)
		return -1;
	c.memfd = (uint32_t)memory_make(MEMFD, n);
	fd = ioctl(dev, UDMABUF_CREATE, &c);
	close((int)c.memfd);
	close(dev);
	return fd;
}

static int dmaheap(size_t n)
{
	struct dma_heap_allocation_data d = {.len = n, .fd_flags = O_RDWR | O_CLOEXEC};
	int dev = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC), ret;

	if (dev < 0)
		return -1;
	ret = ioctl(dev, DMA_HEAP_IOCTL_ALLOC, &d);
	close(dev);
	return ret ? -1 : (int)d.fd;
}

int memory_make(enum memory kind, size_t n)
{
	int fd = -1;

	switch (kind) {
	case MEMFD:
		fd = memory_unsealed(n);
		break;
	case HUGETLB:
		fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
		if (fd >= 0 && ftruncate(fd, (off_t)n)) {
			close(fd);
			fd = -1;
		}
		break;
	case UDMABUF:
		fd = udmabuf(n);
		break;
	case DMAHEAP:
		fd = dmaheap(n);
		break;
	case MEMORIES:
		break;
	}
	if (fd >= 0 && (kind == MEMFD || kind == HUGETLB) && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		die("F_ADD_SEALS");
	if (fd < 0)
		printf("      no %s: %s\n", memory_names[kind], strerror(errno));
	return fd;
}

char *map_with(int fd, size_t n, off_t offset, int prot, int flags)
{
	char *p = mmap(NULL, n, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

char *map_shared(int fd, size_t n, off_t offset)
{
	return map_with(fd, n, offset, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

void fill(void *p, size_t n, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)next(&x);
}

bool filled(const void *p, size_t n, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;

	for (size_t i = 0; i < n; i++)
		if (((const uint8_t *)p)[i] != (uint8_t)next(&x))
			return false;
	return true;
}

static long meminfo(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long v = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			v = atol(line + strlen(key));
	if (f)
		fclose(f);
	return v;
}

long shmem_bytes(void)
{
	return meminfo("Shmem:") * 1024;
}

long huge_pages_free(void)
{
	return meminfo("HugePages_Free:");
}
