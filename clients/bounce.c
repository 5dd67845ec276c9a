// SPDX-License-Identifier: MIT
/* The bounce buffer; see bounce.h. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "clients/bounce.h"

int bounce_open(struct io *io, struct err *e)
{
	if (!io->source->ops || !io->source->ops->sync || io->source->pinnable ||
	    io->access != ACCESS_DIRECT || io->shared)
		return 0;
	io->bounce = mmap(NULL, io->source->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (io->bounce != MAP_FAILED)
		return 0;
	io->bounce = NULL;
	return err_sys(e, -ENOMEM, "a bounce buffer of %zu bytes", io->source->size);
}

void bounce_close(struct io *io)
{
	if (io->bounce)
		munmap(io->bounce, io->source->size);
	io->bounce = NULL;
}

char *bounce_before(struct io *io, enum op op, size_t buffer_offset, size_t len)
{
	if (io->source->pinnable)
		return io->source->pinnable + buffer_offset;
	if (io->shared) /* the kernel does not touch it, the server says itself when it does */
		return io->source->map + buffer_offset;
	if (__builtin_expect(!io->bounce, true)) {
		source_begin(io->source, op == OP_READ);
		return io->source->map + buffer_offset;
	}
	if (op == OP_WRITE) {
		source_begin(io->source, false);
		memcpy(io->bounce + buffer_offset, io->source->map + buffer_offset, len);
		source_end(io->source, false);
		io->copied += len;
	}
	return io->bounce + buffer_offset;
}

void bounce_after(struct io *io, enum op op, size_t buffer_offset, int64_t result)
{
	if (__builtin_expect(!io->bounce, true)) {
		if (!io->source->pinnable && !io->shared)
			source_end(io->source, op == OP_READ);
		return;
	}
	if (op == OP_WRITE || result <= 0)
		return;
	source_begin(io->source, true);
	memcpy(io->source->map + buffer_offset, io->bounce + buffer_offset, (size_t)result);
	source_end(io->source, true);
	io->copied += (uint64_t)result;
}
