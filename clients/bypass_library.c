// SPDX-License-Identifier: MIT
/* Where libzcbypass.so is; see bypass_library.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clients/bypass_library.h"
#include "lib/program.h"

#define NAME "libzcbypass.so"

int bypass_library(char *path, size_t len, struct err *e)
{
	/* what lies beside the program, and where PREFIX/bin/zcbench has its library */
	static const char *const places[] = {"/" NAME, "/../lib/zcbench/" NAME};
	char program[3000];
	int ret = program_folder(program, sizeof(program));

	if (ret)
		return err_sys(e, ret, "finding " NAME);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, len, "%s%s", program, places[i]);
		if (!access(path, R_OK))
			return 0;
	}
	return err_remedy((err_set(e, -ENOENT, NAME " is not beside %s/zcbench", program), e),
			  "make, or make install");
}
