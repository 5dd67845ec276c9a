// SPDX-License-Identifier: MIT
/* Source `hugetlb`: shared memory in 2 MiB huge pages. The system has to have reserved some. */
#include <stdio.h>
#include <sys/mman.h>

#include "clients/source.h"

#define HUGE_PAGE (2u << 20)
/* memfd_create(2): log2 of the page size above bit 26; linux/memfd.h and sys/mman.h cannot be mixed */
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif
#define RESERVE "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static unsigned int read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned int n = 0;

	if (f) {
		if (fscanf(f, "%u", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

static int hugetlb_alloc(struct source *src, size_t size, struct err *e)
{
	unsigned int need = (unsigned int)((size + HUGE_PAGE - 1) / HUGE_PAGE);
	int ret = source_alloc_memfd(src, size, MFD_HUGETLB | MFD_HUGE_2MB, e);

	if (ret) {
		unsigned int have = read_number(RESERVE "free_hugepages");
		unsigned int all = read_number(RESERVE "nr_hugepages");

		err_set(e, ret, "source hugetlb: %u huge pages of 2 MiB needed, %u of %u are free", need,
			have, all);
		err_remedy(e,
			   "echo %u | sudo tee " RESERVE "nr_hugepages   (or zcbench run --setup, as "
			   "root)",
			   all - have + need);
	}
	return ret;
}

const struct source_ops source_hugetlb = {
	.name = "hugetlb",
	.help = "shared memory in 2 MiB huge pages (memfd_create, MFD_HUGETLB)",
	.page_size = HUGE_PAGE,
	.fio_mem = "mmaphuge",
	.reserve = RESERVE,
	.alloc = hugetlb_alloc,
	.free = source_free_mapping,
};
