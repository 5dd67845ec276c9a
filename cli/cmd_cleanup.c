// SPDX-License-Identifier: MIT
/* zcbench cleanup: takes back what killed runs left. */
#include <stdio.h>

#include "cli/cmd.h"
#include "lib/rundir.h"

int cmd_cleanup(struct options *o)
{
	int n;

	if (o->rest.n) {
		fprintf(stderr, "zcbench: error: cleanup takes no arguments: %s\n", o->rest.v[0]);
		return EXIT_USAGE;
	}
	n = rundir_cleanup(true);
	if (!n)
		printf("nothing to clean up\n");
	return n < 0 ? EXIT_FAILED : EXIT_OK;
}
