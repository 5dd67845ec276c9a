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
	char folder[3000];
	struct err unsaid = {0};
	int ret = program_folder(folder, sizeof(folder));

	e = e ? e : &unsaid;
	if (ret)
		return err_sys(e, ret, "finding %s", name);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(buf, len, "%s/%s%s", folder, places[i], name);
		if (access(buf, R_OK) == 0)
			return 0;
	}
	err_set(e, -ENOENT, "%s is neither in %s nor in %s/../share/zcbench", name, folder, folder);
	return err_remedy(e, "make install");
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
