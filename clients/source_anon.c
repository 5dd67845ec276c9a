// SPDX-License-Identifier: MIT
/* Source `anon`: private anonymous memory, what malloc gives. It cannot be shared with a server: on
 * `ipc` it goes through a staging area. */
#include <errno.h>
#include <sys/mman.h>

#include "clients/source.h"

static int anon_alloc(struct source *src, size_t size, struct err *e)
{
	src->size = (size + 4095) & ~(size_t)4095;
	src->fd = -1;
	src->map = mmap(NULL, src->size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return src->map == MAP_FAILED ? err_sys(e, -errno, "source anon: %zu bytes", src->size) : 0;
}

const struct source_ops source_anon = {
	.name = "anon",
	.help = "private anonymous memory; cannot be shared (ipc copies it to a staging area)",
	.page_size = 4096,
	.not_shared = true,
	.fio_mem = "malloc",
	.alloc = anon_alloc,
	.free = source_free_mapping,
};
