// SPDX-License-Identifier: MIT
/* The list of sinks. A new sink is its file and one line here. */
#include <string.h>

#include "servers/sink.h"

#define SINKS(X)                                                                                        \
	X(null)                                                                                         \
	X(read)                                                                                         \
	X(file)                                                                                         \
	X(tcp)

#define DECLARE(name) extern const struct sink_ops sink_##name;
#define POINTER(name) &sink_##name,
#define NAME(name)    #name,

SINKS(DECLARE)

const struct sink_ops *const sinks[] = {SINKS(POINTER) NULL};
const char *sink_names[] = {SINKS(NAME) NULL};

const struct sink_ops *sink_find(const char *name)
{
	for (const struct sink_ops *const *s = sinks; *s; s++)
		if (!strcmp((*s)->name, name))
			return *s;
	return NULL;
}
