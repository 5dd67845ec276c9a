// SPDX-License-Identifier: MIT
/* The list of paths. A new path is its file and one line here. */
#include <string.h>

#include "servers/server.h"

#define PATHS(X)                                                                                   \
	X(copy)                                                                                    \
	X(splice)                                                                                  \
	X(uring)                                                                                   \
	X(passthrough)                                                                             \
	X(ipc)

#define DECLARE(name) extern const struct path_ops path_##name;
#define POINTER(name) &path_##name,
#define NAME(name)    #name,

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
