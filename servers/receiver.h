/* SPDX-License-Identifier: MIT */
/* The far end of sink `tcp`: takes what servers forward and drops it (or checks it, when a server is being
 * verified), and sends what they read. A thread for each connection. */
#ifndef ZC_RECEIVER_H
#define ZC_RECEIVER_H

/* Serves connections on a listening socket until `control_fd` ends or says "stop" (-1: until a signal).
 * Returns the exit status of the process. */
int receiver_serve(int listen_fd, int control_fd);

#endif
