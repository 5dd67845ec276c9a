/* SPDX-License-Identifier: MIT */
/* Sharing the source with a server that takes direct I/O from it (uring-shm): its fd is sent over the back channel,
 * and what follows are ordinary system calls from the client's own mapping of that fd. */
#ifndef ZC_SHARED_H
#define ZC_SHARED_H

#include "clients/io.h"

/* Does so if io->share says it; file_fd is open on the mount. 0, or -errno with a message. */
int shared_open(struct io *io, int file_fd, struct err *e);

/* Shares the source again, and takes it back: the server has unmapped it then. 0 or a negative errno. */
int shared_register(struct io *io);
int shared_unregister(struct io *io);

/* Ends it, if it was done; with nothing in flight. */
void shared_close(struct io *io);

#endif
