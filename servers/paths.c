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
