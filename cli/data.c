// SPDX-License-Identifier: MIT
/* Finding zcbench's own files; see data.h. */
#include <errno.h>
#include <unistd.h>

#include "cli/data.h"
#include "cli/version.h"

int data_path(char *buf, size_t len, const char *folder, const char *name)
{
	static const char *const roots[] = {"", ZCBENCH_DATADIR "/"};

	for (size_t i = 0; i < 2; i++) {
		snprintf(buf, len, "%s%s/%s", roots[i], folder, name);
		if (access(buf, R_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

int data_append_plot(FILE *to, const char *what, const char *name, struct err *e)
{
	char path[400], buf[4096];
	FILE *from = data_path(path, sizeof(path), "plots", name) ? NULL : fopen(path, "re");
	size_t n;

	if (!from) {
		err_sys(e, -ENOENT, "%s plots/%s, also as %s", what, name, path);
		return err_remedy(e, "make install, or start zcbench in its source tree");
	}
	while ((n = fread(buf, 1, sizeof(buf), from)))
		fwrite(buf, 1, n, to);
	fclose(from);
	return 0;
}
