/* SPDX-License-Identifier: MIT */
/* From which memory the kernel moves the payload. For most sources: where it lies. From a dma-buf the kernel
 * cannot do O_DIRECT: then it is the memfd below (--via memfd), or a bounce buffer of ordinary memory, to or
 * from which the payload is copied beside each operation, and each copy is counted in io->copied. Through
 * a buffer that was shared with the server (shared.h) the kernel does not look at, so any source will do. Through
 * the page cache it can come from the dma-buf: the kernel's copy is one by the CPU, and announced as such.
 * For ordinary sources these calls cost a comparison. */
#ifndef ZC_BOUNCE_H
#define ZC_BOUNCE_H

#include "clients/io.h"

/* Makes the buffer if the source needs one. 0 or -errno with a message. */
int bounce_open(struct io *io, struct err *e);
void bounce_close(struct io *io);

/* What to hand to the system call for the payload at buffer_offset: for a WRITE its copy is made. */
char *bounce_before(struct io *io, enum op op, size_t buffer_offset, size_t len);

/* After the operation: for a READ that moved `result` bytes, copies them to the source. */
void bounce_after(struct io *io, enum op op, size_t buffer_offset, int64_t result);

#endif
