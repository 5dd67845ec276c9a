/* SPDX-License-Identifier: MIT */
/*
 * A source: where a client's payload lives. To add one: a file source_NAME.c that ends in its table,
 * and a line in sources.c.
 */
#ifndef ZC_SOURCE_H
#define ZC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct source {
	const struct source_ops *ops;
	char *map;   /* the client's mapping of the payload */
	size_t size; /* bytes, a multiple of the source's page size */
	int fd;      /* what can be shared with a server; -1: nothing */
	/* With --via memfd, set before alloc: the payload moves by a mapping of the memfd below. */
	bool via_memfd;
	/* The same bytes where the kernel can do O_DIRECT from, if it cannot from map; NULL: nowhere. */
	char *pinnable;
};

struct source_ops {
	const char *name;
	const char *help; /* one line for `zcbench list` */
	size_t page_size; /* sizes are rounded up to it */
	/* Takes --via memfd: it lies on a memfd, whose own mapping can be pinned where map cannot. */
	bool on_memfd;
	/* Optional: the folder below /sys that has nr_hugepages and free_hugepages for pages of this
	 * size, which `run --setup` reserves for a run. */
	const char *reserve;

	bool not_shared; /* fd stays -1: ipc has to stage it */
	/* Optional: fio's --mem for buffers in it; without it fio cannot use the source. */
	const char *fio_mem;

	/* Required. Gives at least `size` bytes, mapped, writable and populated: no page fault is left
	 * for the measured loop. Sets map, size and fd (sealed with F_SEAL_SHRINK if a memfd). 0, or a
	 * negative errno with the reason and the remedy. Called by the client's only thread. */
	int (*alloc)(struct source *src, size_t size, struct err *e);
	/* Required. Frees what alloc gave. */
	void (*free)(struct source *src);

	/* Only for memory that the CPU may touch between calls of this alone (dma-bufs), and from which
	 * the kernel cannot do O_DIRECT: begins or ends such an access, which may overlap others. 0 or a
	 * negative errno. */
	int (*sync)(struct source *src, bool begin, bool write);
};

/* Around each access of the client's own code to a source's mapping. */
static inline void source_begin(struct source *src, bool write)
{
	if (src->ops && src->ops->sync)
		src->ops->sync(src, true, write);
}

static inline void source_end(struct source *src, bool write)
{
	if (src->ops && src->ops->sync)
		src->ops->sync(src, false, write);
}

extern const struct source_ops *const sources[]; /* ends with NULL */
extern const char *source_names[];               /* the same, for option tables */

/* NULL if there is no source of that name. */
const struct source_ops *source_find(const char *name);

/* For sources on a memfd: creates it with memfd_create(2) `flags` added, sizes, seals and maps it. */
int source_alloc_memfd(struct source *src, size_t size, unsigned int flags, struct err *e);
void source_free_mapping(struct source *src);

#endif
