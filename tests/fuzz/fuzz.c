// SPDX-License-Identifier: MIT
/* Shared by the fuzz targets; see fuzz.h. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define PAGE     4096u
#define MAPS_MAX 256

uint64_t take(struct input *in, unsigned int n)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < n && more(in); i++)
		value |= (uint64_t)*in->p++ << 8 * i;
	return value;
}

uint64_t take_value(struct input *in)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		3,
		BUFFER_SIZE - 1,
		BUFFER_SIZE,
		BUFFER_SIZE + 1,
		FILE_SIZE,
		INT32_MAX,
		UINT32_MAX,
		INT64_MAX,
		INT64_MAX - 1,
		UINT64_MAX,
		UINT64_MAX - 1,
		4096,
		63,
		64,
		65,
		UINT16_MAX,
		UINT8_MAX,
		1ULL << 32,
		1ULL << 63,
		100,
		BUFFER_SIZE / 2,
		FILE_SIZE - 1,
		UINT64_MAX - BUFFER_SIZE + 1,
	};
	uint64_t choice = take(in, 1);

	return choice < ARRAY_SIZE(values) ? values[choice] : choice & 1 ? take(in, 1) : take(in, 8);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char *start; /* of the mapping between its guards */
	size_t size; /* whole pages */
} maps[MAPS_MAX];
static unsigned int threads;
static uint64_t mapped;

void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t len);
int __wrap_munmap(void *addr, size_t len);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*f)(void *), void *arg);
int __real_pthread_join(pthread_t t, void **ret);
int __wrap_pthread_join(pthread_t t, void **ret);

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	const size_t size = (len + PAGE - 1) & ~(size_t)(PAGE - 1);
	char *room, *map;
	int i;

	if (fd < 0 || addr)
		return __real_mmap(addr, len, prot, flags, fd, offset);
	room = __real_mmap(NULL, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return MAP_FAILED;
	map = __real_mmap(room + PAGE, len, prot, flags | MAP_FIXED, fd, offset);
	if (map == MAP_FAILED) {
		__real_munmap(room, size + 2 * PAGE);
		return MAP_FAILED;
	}
	pthread_mutex_lock(&lock);
	for (i = 0; i < MAPS_MAX && maps[i].start; i++)
		;
	claim(i < MAPS_MAX, "more than %d mappings", MAPS_MAX);
	maps[i].start = map;
	maps[i].size = size;
	mapped += size;
	pthread_mutex_unlock(&lock);
	return map;
}

int __wrap_munmap(void *addr, size_t len)
{
	const size_t size = (len + PAGE - 1) & ~(size_t)(PAGE - 1);
	int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < MAPS_MAX && maps[i].start != addr; i++)
		;
	if (i < MAPS_MAX) {
		claim(maps[i].size == size, "%zu bytes of a mapping of %zu are unmapped", len,
		      maps[i].size);
		maps[i].start = NULL;
		mapped -= size;
	}
	pthread_mutex_unlock(&lock);
	return i < MAPS_MAX ? __real_munmap((char *)addr - PAGE, size + 2 * PAGE)
			    : __real_munmap(addr, len);
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*f)(void *), void *arg)
{
	int ret = __real_pthread_create(t, attr, f, arg);

	if (!ret)
		__atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED);
	return ret;
}

int __wrap_pthread_join(pthread_t t, void **ret)
{
	__atomic_fetch_sub(&threads, 1, __ATOMIC_RELAXED);
	return __real_pthread_join(t, ret);
}

struct held held(void)
{
	struct held h = {.mapped = mapped, .threads = threads};

	for (int fd = 0; fd < 32; fd++)
		h.fds |= (uint32_t)(fcntl(fd, F_GETFD) >= 0) << fd;
	return h;
}

void claim_held(const struct held *before)
{
	struct held now = held();

	claim(now.mapped == before->mapped, "%lld bytes stay mapped",
	      (long long)(now.mapped - before->mapped));
	claim(now.threads == before->threads, "%u threads and not %u", now.threads, before->threads);
	claim(now.fds == before->fds, "open descriptors %#x and not %#x", now.fds, before->fds);
}

int fuzz_memfd(uint64_t size, bool full, int seals)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	claim(!ftruncate(fd, (off_t)size) && (!full || !fallocate(fd, 0, 0, (off_t)size)) &&
		      !fcntl(fd, F_ADD_SEALS, seals),
	      "a memfd of %llu bytes", (unsigned long long)size);
	return fd;
}

void (*fuzz_on_load)(const void *p);

/* What clang's SanitizerCoverage calls (trace-loads). */
#define LOAD(size, type)                                                                                \
	void __sanitizer_cov_load##size(type *p);                                                       \
	void __sanitizer_cov_load##size(type *p)                                                        \
	{                                                                                               \
		if (fuzz_on_load)                                                                       \
			fuzz_on_load(p);                                                                \
	}

LOAD(1, uint8_t)
LOAD(2, uint16_t)
LOAD(4, uint32_t)
LOAD(8, uint64_t)
LOAD(16, __uint128_t)
