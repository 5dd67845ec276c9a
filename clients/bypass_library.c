// SPDX-License-Identifier: MIT
/* Where libzcbypass.so is; see bypass_library.h. */
#include "clients/bypass_library.h"
#include "lib/program.h"

int bypass_library(char *path, size_t len, struct err *e)
{
	static const char *const places[] = {"", "../lib/zcbench/"};

	if (program_file(path, len, places, sizeof(places) / sizeof(places[0]), "libzcbypass.so", e))
		return err_remedy(e, "make, or make install");
	return 0;
}
