// SPDX-License-Identifier: MIT
/* What memory a process holds; see memory.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "measure/memory.h"

int memory_pss(pid_t pid, uint64_t *bytes)
{
	char path[64], line[256];
	uint64_t kib;
	int ret = -ENODATA;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (ret && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss: %" SCNu64, &kib) == 1)
			ret = 0;
	fclose(f);
	if (!ret)
		*bytes = kib * 1024;
	return ret;
}
