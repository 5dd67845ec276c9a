// SPDX-License-Identifier: MIT
/* Source `udmabuf`: a dma-buf made of a memfd's pages (/dev/udmabuf), as virtual GPUs and tests use. The payload
 * is produced in the dma-buf. With --via memfd the kernel moves it by a mapping of the memfd, which shows the
 * same pages and, unlike the dma-buf's, can be pinned. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "clients/dmabuf.h"

#define DEVICE "/dev/udmabuf"

static int udmabuf_alloc(struct source *src, size_t size, struct err *e)
{
	struct udmabuf_create create = {.flags = UDMABUF_FLAGS_CLOEXEC};
	int device = open(DEVICE, O_RDWR | O_CLOEXEC), memfd, ret;

	if (device < 0)
		return err_remedy((err_sys(e, -errno, "source udmabuf: " DEVICE), e),
				  "a kernel with CONFIG_UDMABUF and the right to open " DEVICE
				  " (zcbench vm -- run --source udmabuf has both)");
	src->size = (size + 4095) & ~(size_t)4095;
	memfd = memfd_create("zcbench-udmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0 || ftruncate(memfd, (off_t)src->size) ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		ret = err_sys(e, -errno, "source udmabuf: making a memfd");
		goto out;
	}
	create.memfd = (uint32_t)memfd;
	create.size = src->size;
	src->fd = ioctl(device, UDMABUF_CREATE, &create);
	if (src->fd < 0) {
		ret = err_sys(e, -errno, "source udmabuf: UDMABUF_CREATE of %zu bytes", src->size);
		goto out;
	}
	ret = dmabuf_map(src, e);
	if (!ret && src->via_memfd) {
		src->pinnable = mmap(NULL, src->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
				     memfd, 0);
		if (src->pinnable == MAP_FAILED) {
			ret = err_sys(e, -errno, "source udmabuf: mapping the memfd below");
			munmap(src->map, src->size);
		}
	}
	if (ret)
		close(src->fd);
out:
	if (memfd >= 0)
		close(memfd); /* the dma-buf holds its pages */
	close(device);
	return ret;
}

static void udmabuf_free(struct source *src)
{
	if (src->pinnable)
		munmap(src->pinnable, src->size);
	source_free_mapping(src);
}

const struct source_ops source_udmabuf = {
	.name = "udmabuf",
	.help = "a dma-buf over a memfd's pages; FUSE paths bounce it (O_DIRECT gives EFAULT) or go "
		"--via memfd, ipc shares it",
	.page_size = 4096,
	.on_memfd = true,
	.alloc = udmabuf_alloc,
	.free = udmabuf_free,
	.sync = dmabuf_sync,
};
