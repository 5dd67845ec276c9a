// SPDX-License-Identifier: MIT
/* --setup; see setup.h. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/setup.h"

#define PAGES_LIMIT "/proc/sys/fs/fuse/max_pages_limit"

static uint64_t read_number(const char *folder, const char *name)
{
	uint64_t n = 0;
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", folder, name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* The pages that one cell needs: two buffers for each client while one round ends and the next begins
 * would be too careful, since rounds do not overlap. */
static uint64_t pages_needed(const struct cell *c)
{
	uint64_t stride = (c->bs + 4095) & ~4095ull, page = c->source->page_size;

	/* fio maps a page more than its buffers fill */
	return c->clients * ((stride * c->depth + page - 1) / page + c->driver->foreign);
}

static int reserve(struct rundir *dir, const struct source_ops *source, uint64_t need, struct err *e)
{
	uint64_t have = read_number(source->reserve, "free_hugepages");
	uint64_t all = read_number(source->reserve, "nr_hugepages");
	char path[256], value[32];

	if (have >= need)
		return 0;
	snprintf(path, sizeof(path), "%snr_hugepages", source->reserve);
	snprintf(value, sizeof(value), "%" PRIu64, all + need - have);
	return rundir_set(dir, path, value, e);
}

int setup(struct rundir *dir, const struct plan *plan, struct err *e)
{
	uint64_t max_io = 0;
	char pages[32];
	int ret = 0;

	for (const struct path_ops *const *p = paths; *p && !ret; p++) {
		bool used = false;

		for (unsigned int i = 0; i < plan->n; i++)
			used |= !plan->cells[i].skipped && plan->cells[i].path == *p;
		if (used && (*p)->setting && access((*p)->setting, F_OK) == 0)
			ret = rundir_set(dir, (*p)->setting, (*p)->setting_value, e);
	}
	for (unsigned int i = 0; i < plan->n; i++)
		if (!plan->cells[i].skipped && plan->cells[i].config.max_io > max_io)
			max_io = plan->cells[i].config.max_io;
	if (!ret && max_io > 1 << 20 && access(PAGES_LIMIT, F_OK) == 0) {
		snprintf(pages, sizeof(pages), "%" PRIu64, max_io / 4096);
		ret = rundir_set(dir, PAGES_LIMIT, pages, e);
	}
	for (const struct source_ops *const *s = sources; *s && !ret; s++) {
		uint64_t need = 0;

		for (unsigned int i = 0; (*s)->reserve && i < plan->n; i++)
			if (!plan->cells[i].skipped && plan->cells[i].source == *s &&
			    pages_needed(&plan->cells[i]) > need)
				need = pages_needed(&plan->cells[i]);
		if (need)
			ret = reserve(dir, *s, need, e);
	}
	return ret;
}
