// SPDX-License-Identifier: MIT
/* Finding zcbench's own files; see data.h. */
#include <errno.h>
#include <unistd.h>

#include "cli/data.h"
#include "lib/program.h"

int data_path(char *buf, size_t len, const char *name, struct err *e)
{
	/* beside the program; above its build folder: build/asan/zcbench, build/asan/tests/test_plan; installed */
	static const char *const places[] = {"", "../../", "../../../", "../share/zcbench/"};
	struct err unsaid = {0};

	e = e ? e : &unsaid;
	if (program_file(buf, len, places, sizeof(places) / sizeof(places[0]), name, e))
		return err_remedy(e, "make install");
	return 0;
}

int data_workload(char *buf, size_t len, const char *file)
{
	char name[300];

	snprintf(name, sizeof(name), "workloads/%s", file);
	snprintf(buf, len, "%s", name);
	return access(buf, R_OK) == 0 ? 0 : data_path(buf, len, name, NULL);
}

int data_append_plot(FILE *to, const char *name, struct err *e)
{
	char file[300], path[4096], buf[4096];
	FILE *from;
	size_t n;
	int ret;

	snprintf(file, sizeof(file), "plots/%s", name);
	ret = data_path(path, sizeof(path), file, e);
	if (ret)
		return ret;
	from = fopen(path, "re");
	if (!from)
		return err_sys(e, -errno, "reading %s", path);
	while ((n = fread(buf, 1, sizeof(buf), from)))
		fwrite(buf, 1, n, to);
	fclose(from);
	return 0;
}
