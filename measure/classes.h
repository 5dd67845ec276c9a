/* SPDX-License-Identifier: MIT */
/* What code is for, by its symbol: the table behind the sampled shares. */
#ifndef ZC_CLASSES_H
#define ZC_CLASSES_H

#include <stdbool.h>
#include <stddef.h>

enum code_class {
	CLASS_COPY,     /* moving payload, in the kernel or in user space */
	CLASS_CHECKSUM, /* the sink reads the payload */
	CLASS_PIN,      /* finding, pinning and releasing the pages of a buffer */
	CLASS_SCHED,    /* waking, sleeping, switching */
	CLASS_FUSE,     /* the protocol, in kernel and server */
	CLASS_IO_URING, /* submitting and completing */
	CLASS_NETWORK,  /* sockets, TCP */
	CLASS_IDLE,     /* polling for work that is not there yet; the idle loop */
	CLASS_OTHER,    /* none of these: system call entry, VFS, memory management, the loop itself */
	CLASS_COUNT,
	CLASS_PRODUCE = CLASS_COUNT, /* the client makes its payload: not part of the transfer */
	CLASS_NONE,                  /* the symbol says nothing; its callers may */
};
extern const char *const class_names[]; /* of CLASS_COPY to CLASS_PRODUCE; ends with NULL */

/* The class of one symbol, CLASS_NONE if the table has no row for it. A frame without a symbol is called
 * after its module, "[libfuse3.so.3]". */
enum code_class class_of(const char *symbol, bool kernel);

struct frame {
	const char *symbol;
	bool kernel;
};

/* The class of a stack, frames[0] being where it was: the first frame from there outwards that has a
 * class decides, so that a lock belongs to who took it. Of the kernel's frames, if it was in the kernel, else
 * of the user's. CLASS_OTHER if none has. */
enum code_class class_of_stack(const struct frame *frames, size_t n);

#endif
