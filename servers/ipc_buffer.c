// SPDX-License-Identifier: MIT
/* The memory that a client of the back channel registers: what is accepted, and within which limits. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers/ipc_session.h"

void ipc_buffer_access(const struct ipc_buffer *b, bool begin, bool write)
{
	struct dma_buf_sync sync = {
		.flags = (begin ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END) |
			 (write ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_RW),
	};

	if (__builtin_expect(b->dmabuf_fd < 0, true))
		return;
	while (ioctl(b->dmabuf_fd, DMA_BUF_IOCTL_SYNC, &sync) && (errno == EINTR || errno == EAGAIN))
		;
}

static void unmap(struct ipc_buffer *b)
{
	munmap(b->map, b->size);
	if (b->dmabuf_fd >= 0)
		close(b->dmabuf_fd);
}

int ipc_session_unregister(struct ipc_session *s, uint64_t buffer)
{
	struct ipc_buffer *b;

	if (buffer >= IPC_BUFFERS_MAX)
		return -EBADF;
	b = &s->buffers[buffer];
	if (!atomic_load_explicit(&b->ready, memory_order_acquire))
		return -EBADF;
	s->memory->remove(s, b);
	unmap(b);
	atomic_fetch_sub(&s->mapped, b->size);
	atomic_store_explicit(&b->ready, false, memory_order_release);
	return 0;
}

/* A memfd (shmem or hugetlbfs), sealed against shrinking. Anything else could be cut short under the
 * mapping, or (a file on the client's own FUSE mount) never give a page at all. */
static int check_fd(int fd, struct stat *st, struct err *e)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return err_set(e, -EINVAL, "the descriptor is neither a memfd nor a dma-buf");
	if (!(seals & F_SEAL_SHRINK))
		return err_set(e, -EPERM, "the memfd is not sealed with F_SEAL_SHRINK");
	if (fstat(fd, st))
		return err_sys(e, -errno, "fstat");
	if (st->st_size <= 0)
		return err_set(e, -EINVAL, "the memfd is empty");
	return 0;
}

/*
 * The size of a dma-buf, 0 if fd is none. A dma-buf cannot be cut short, and its pages are there. The
 * kernel says so in fdinfo; asking the descriptor itself (fstat, an ioctl) could hang for ever or be
 * answered by the client, if it is a file on a FUSE mount of the client's own.
 */
static uint64_t dmabuf_size(int fd)
{
	char path[64], line[128];
	uint64_t size = 0;
	bool exporter = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	/* what follows exp_name is a name that the client gives, with line breaks if it likes */
	while (f && !exporter && fgets(line, sizeof(line), f)) {
		sscanf(line, "size: %" SCNu64, &size);
		exporter = !strncmp(line, "exp_name:", 9);
	}
	if (f)
		fclose(f);
	return exporter ? size : 0;
}

int ipc_session_register(struct ipc_session *s, int fd, struct err *e)
{
	unsigned int dmabufs = 0;
	struct ipc_buffer *b = NULL;
	struct stat st = {0};
	bool writable = true, dmabuf;
	uint64_t size;
	int i, ret;
	char *map;

	size = dmabuf_size(fd);
	dmabuf = size > 0;
	if (!dmabuf) {
		ret = check_fd(fd, &st, e);
		if (ret)
			return ret;
		size = (uint64_t)st.st_size;
	}
	for (i = IPC_BUFFERS_MAX - 1; i >= 0; i--)
		if (!atomic_load(&s->buffers[i].ready))
			b = &s->buffers[i];
		else if (s->buffers[i].dmabuf_fd >= 0)
			dmabufs++;
	if (dmabuf && dmabufs >= IPC_DMABUFS_MAX)
		return err_set(e, -EDQUOT, "more than %d dma-bufs", IPC_DMABUFS_MAX);
	if (!b || size > IPC_BUFFER_BYTES_MAX - atomic_load(&s->mapped))
		return err_set(e, -EDQUOT, "more than %d buffers or %llu GiB", IPC_BUFFERS_MAX,
			       IPC_BUFFER_BYTES_MAX >> 30);
	/* Populating makes what is missing, on the server's account: the pages have to be there. A client
	 * that frees them later can make the server pay for as much as the quota, and no more. */
	if (!dmabuf && (uint64_t)st.st_blocks * 512 < size)
		return err_set(e, -ENODATA, "the memfd has holes");
	/* All page-table entries now, not one fault at a time in the first transfers. */
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED && (errno == EPERM || errno == EACCES)) {
		writable = false; /* opened read-only, or sealed against writing: good for WRITE */
		map = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	}
	if (map == MAP_FAILED)
		return err_sys(e, -errno, "mapping the %s", dmabuf ? "dma-buf" : "memfd");
	b->dmabuf_fd = dmabuf ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (dmabuf && b->dmabuf_fd < 0) {
		munmap(map, size);
		return err_sys(e, -EMFILE, "keeping the dma-buf");
	}
	b->map = map;
	b->size = size;
	b->writable = writable;
	ret = s->memory->add(s, b, e);
	if (ret) {
		unmap(b);
		return ret;
	}
	atomic_fetch_add(&s->mapped, size);
	atomic_store_explicit(&b->ready, true, memory_order_release);
	return (int)(b - s->buffers);
}
