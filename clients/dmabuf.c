// SPDX-License-Identifier: MIT
/* What sources on a dma-buf share; see dmabuf.h. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>

#include "clients/dmabuf.h"

int dmabuf_sync(struct source *src, bool begin, bool write)
{
	struct dma_buf_sync sync = {
		.flags = (begin ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END) |
			 (write ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ),
	};
	int ret;

	do {
		ret = ioctl(src->fd, DMA_BUF_IOCTL_SYNC, &sync);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	return ret ? -errno : 0;
}

int dmabuf_map(struct source *src, struct err *e)
{
	int ret;

	src->map = mmap(NULL, src->size, PROT_READ | PROT_WRITE, MAP_SHARED, src->fd, 0);
	if (src->map == MAP_FAILED)
		return err_sys(e, -errno, "source %s: mapping the dma-buf", src->ops->name);
	/* MAP_POPULATE does nothing for VM_PFNMAP: fault the pages in by hand */
	ret = dmabuf_sync(src, true, true);
	if (!ret) {
		memset(src->map, 0, src->size);
		ret = dmabuf_sync(src, false, true);
	}
	if (ret) {
		munmap(src->map, src->size);
		return err_sys(e, ret, "source %s: DMA_BUF_IOCTL_SYNC", src->ops->name);
	}
	return 0;
}
