// SPDX-License-Identifier: MIT
/* The list of drivers. A new one is its file and one line here. */
#include <string.h>

#include "clients/driver.h"

#define DRIVERS(X)                                                                                      \
	X(native)                                                                                       \
	X(fio)

#define DECLARE(name) extern const struct driver driver_##name;
#define POINTER(name) &driver_##name,
#define NAME(name)    #name,

DRIVERS(DECLARE)

const struct driver *const drivers[] = {DRIVERS(POINTER) NULL};
const char *driver_names[] = {DRIVERS(NAME) NULL};

const struct driver *driver_find(const char *name)
{
	for (const struct driver *const *d = drivers; *d; d++)
		if (!strcmp((*d)->name, name))
			return *d;
	return NULL;
}
