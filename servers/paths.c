// SPDX-License-Identifier: MIT
/* The list of paths. A new path is its file and one line here. */
#include <string.h>

#include "servers/server.h"

#define PATHS(X)                                                                                        \
	X(copy, "copy")                                                                                 \
	X(splice, "splice")                                                                             \
	X(uring, "uring")                                                                               \
	X(uring_pool, "uring-pool")                                                                     \
	X(uring_zc, "uring-zc")                                                                         \
	X(uring_shm, "uring-shm")                                                                       \
	X(passthrough, "passthrough")                                                                   \
	X(ipc, "ipc")

#define DECLARE(id, name) extern const struct path_ops path_##id;
#define POINTER(id, name) &path_##id,
#define NAME(id, name)    name,

PATHS(DECLARE)

const struct path_ops *const paths[] = {PATHS(POINTER) NULL};
const char *path_names[] = {PATHS(NAME) NULL};

const struct path_ops *path_find(const char *name)
{
	for (const struct path_ops *const *p = paths; *p; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

double path_copies(const struct path_ops *path, enum op op, const struct sink_ops *sink,
		   enum access access, bool direct)
{
	/* the bypass never sees the page cache */
	const bool cached = access == ACCESS_BUFFERED && path->client != CLIENT_IPC;

	if (path->copies)
		return path->copies(op, sink, access, direct);
	return path->expect[op].copies + (cached ? 1 : 0);
}
