// SPDX-License-Identifier: MIT
/* Source `dmaheap`: a dma-buf from the system heap, as cameras, codecs and displays use. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-heap.h>

#include "clients/dmabuf.h"

#define DEVICE "/dev/dma_heap/system"

static int dmaheap_alloc(struct source *src, size_t size, struct err *e)
{
	struct dma_heap_allocation_data data = {.fd_flags = O_RDWR | O_CLOEXEC};
	int device = open(DEVICE, O_RDONLY | O_CLOEXEC), ret;

	if (device < 0)
		return err_remedy(
			(err_sys(e, -errno, "source dmaheap: " DEVICE), e),
			"a kernel with CONFIG_DMABUF_HEAPS_SYSTEM and the right to open " DEVICE
			" (zcbench vm -- run --source dmaheap has both)");
	src->size = (size + 4095) & ~(size_t)4095;
	data.len = src->size;
	ret = ioctl(device, DMA_HEAP_IOCTL_ALLOC, &data) ? -errno : 0;
	close(device);
	if (ret)
		return err_sys(e, ret, "source dmaheap: %zu bytes", src->size);
	src->fd = (int)data.fd;
	ret = dmabuf_map(src, e);
	if (ret)
		close(src->fd);
	return ret;
}

const struct source_ops source_dmaheap = {
	.name = "dmaheap",
	.help = "a dma-buf from the system heap; FUSE paths bounce it (O_DIRECT gives EFAULT), ipc "
		"shares it",
	.page_size = 4096,
	.alloc = dmaheap_alloc,
	.free = source_free_mapping,
	.sync = dmabuf_sync,
};
