/* SPDX-License-Identifier: MIT */
/* Messages with file descriptors over UNIX SOCK_SEQPACKET sockets (unix(7), SCM_RIGHTS). */
#ifndef ZC_FDPASS_H
#define ZC_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

/* Sends one message, with fd attached when fd >= 0. 0 or a negative errno. Never raises SIGPIPE. */
int fdpass_send(int sock, const void *msg, size_t len, int fd);

/* Receives one message of at most len bytes and at most one fd (close-on-exec; -1 in *fd if none).
 * A message that carries more than one fd has them all closed and gives -EPROTO; one that is longer
 * than len gives -EMSGSIZE. Returns its length, 0 at end of file, or a negative errno. */
ssize_t fdpass_recv(int sock, void *msg, size_t len, int *fd, int flags);

#endif
