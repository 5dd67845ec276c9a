// SPDX-License-Identifier: MIT
/*
 * Stores into, and loads from, a MAP_SHARED mapping of the mounted file, for paths whose server has the same
 * pages mapped. A WRITE is production in place: the producer's stores are the transfer, and nothing is left
 * to do after them. A READ is one pass over the payload where it lies.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/io.h"
#include "lib/checksum.h"

struct mapping {
	char *map;
	size_t size;
	int fd;
	volatile uint64_t sum; /* so that no compiler can leave the loads out */
};

static void mapping_close(struct io *io)
{
	struct mapping *m = io->state;

	if (m->map)
		munmap(m->map, m->size);
	close(m->fd);
	free(m);
}

static int mapping_open(struct io *io, struct err *e)
{
	struct mapping *m = calloc(1, sizeof(*m));
	struct stat st;
	void *map;
	int ret = 0;

	if (!m)
		return err_sys(e, -ENOMEM, "a mapping");
	m->fd = io_open_file(io, e);
	if (m->fd < 0) {
		ret = m->fd;
		free(m);
		return ret;
	}
	io->state = m;
	if (fstat(m->fd, &st))
		ret = err_sys(e, -errno, "%s", io->path);
	m->size = ret ? 0 : (size_t)st.st_size;
	map = ret ? MAP_FAILED
		  : mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, m->fd, 0);
	if (map != MAP_FAILED)
		m->map = map;
	else if (!ret)
		ret = err_sys(e, -errno, "mapping %zu bytes of %s", m->size, io->path);
	if (ret)
		mapping_close(io);
	return ret;
}

static char *mapping_place(struct io *io, uint64_t file_offset)
{
	return ((struct mapping *)io->state)->map + file_offset;
}

static ssize_t mapping_rw(struct io *io, enum op op, size_t buffer_offset, size_t len,
			  uint64_t file_offset)
{
	struct mapping *m = io->state;

	(void)buffer_offset;
	if (op == OP_READ)
		m->sum += checksum(m->map + file_offset, len);
	return (ssize_t)len;
}

const struct io_ops io_mmap = {
	.name = "mmap",
	.open = mapping_open,
	.close = mapping_close,
	.rw = mapping_rw,
	.place = mapping_place,
};
