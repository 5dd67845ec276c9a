/* SPDX-License-Identifier: MIT */
/* What sources on a dma-buf share. The kernel's rules: CPU access to a mapping belongs between
 * DMA_BUF_IOCTL_SYNC start and end, and such a mapping (VM_PFNMAP for udmabuf and dma-heap) cannot be
 * pinned: O_DIRECT from it fails with EFAULT, so that FUSE paths need a bounce buffer. */
#ifndef ZC_DMABUF_H
#define ZC_DMABUF_H

#include "clients/source.h"

/* Maps src->fd, a dma-buf of src->size bytes, and touches all of it. 0 or -errno with a message; the
 * descriptor stays the caller's. */
int dmabuf_map(struct source *src, struct err *e);

/* The sync callback of such sources. */
int dmabuf_sync(struct source *src, bool begin, bool write);

#endif
