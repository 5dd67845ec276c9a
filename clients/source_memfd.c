// SPDX-License-Identifier: MIT
/* Source `memfd`: shared memory that can be passed on as a descriptor, in 4 KiB pages. */
#include "clients/source.h"

static int memfd_alloc(struct source *src, size_t size, struct err *e)
{
	return source_alloc_memfd(src, size, 0, e);
}

const struct source_ops source_memfd = {
	.name = "memfd",
	.help = "shared memory (memfd_create), 4 KiB pages",
	.page_size = 4096,
	.fio_mem = "mmapshared",
	.alloc = memfd_alloc,
	.free = source_free_mapping,
};
