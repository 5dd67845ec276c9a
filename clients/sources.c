// SPDX-License-Identifier: MIT
/* The list of sources, and what those on a memfd share. A new source is its file and one line here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clients/source.h"

#define SOURCES(X)                                                                                      \
	X(anon)                                                                                         \
	X(memfd)                                                                                        \
	X(hugetlb)                                                                                      \
	X(udmabuf)                                                                                      \
	X(dmaheap)

#define DECLARE(name) extern const struct source_ops source_##name;
#define POINTER(name) &source_##name,
#define NAME(name)    #name,

SOURCES(DECLARE)

const struct source_ops *const sources[] = {SOURCES(POINTER) NULL};
const char *source_names[] = {SOURCES(NAME) NULL};

const struct source_ops *source_find(const char *name)
{
	for (const struct source_ops *const *s = sources; *s; s++)
		if (!strcmp((*s)->name, name))
			return *s;
	return NULL;
}

int source_alloc_memfd(struct source *src, size_t size, unsigned int flags, struct err *e)
{
	const size_t page = src->ops->page_size;
	int ret;

	src->size = (size + page - 1) / page * page;
	src->fd = memfd_create("zcbench-payload", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
	if (src->fd < 0)
		return err_sys(e, -errno, "source %s: memfd_create", src->ops->name);
	if (ftruncate(src->fd, (off_t)src->size) || fcntl(src->fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		ret = err_sys(e, -errno, "source %s: sizing the memfd", src->ops->name);
		close(src->fd);
		return ret;
	}
	src->map = mmap(NULL, src->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, src->fd, 0);
	if (src->map == MAP_FAILED) {
		ret = err_sys(e, -errno, "source %s: mapping %zu bytes", src->ops->name, src->size);
		close(src->fd);
		return ret;
	}
	return 0;
}

void source_free_mapping(struct source *src)
{
	munmap(src->map, src->size);
	if (src->fd >= 0)
		close(src->fd);
}
