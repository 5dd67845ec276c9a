// SPDX-License-Identifier: MIT
/* Bad clients: what they register as memory, and what they do to it then. */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/clients/bad/bad.h"

#define HUGE_PAGE (2u << 20)

static void enlist(const char *what, int fd, int want)
{
	join();
	refused(what, ask(c.sock, IPC_REGISTER, 0, NULL, fd), want);
}

static void regular_file(void)
{
	enlist("a regular file", open("/proc/self/exe", O_RDONLY | O_CLOEXEC), -EINVAL);
}

static void not_sealed(void)
{
	enlist("a memfd without a seal", sealed(SIZE, true, 0, 0), -EPERM);
}

static void huge(void)
{
	enlist("a memfd of 1 EiB", sealed(1ULL << 60, false, 0, F_SEAL_SHRINK), -EDQUOT);
}

static void holes(void)
{
	enlist("a memfd with holes", sealed(1ULL << 30, false, 0, F_SEAL_SHRINK), -ENODATA);
}

static void own_file(void)
{
	enlist("a file of the server's own mount", open(file, O_RDWR | O_CLOEXEC), -EINVAL);
}

static void truncating(void)
{
	join();
	if (!ftruncate(memory, 0) || errno != EPERM)
		wrong("the memfd could be cut short");
	if (fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE))
		wrong("punching: %s", strerror(errno));
	/* the server makes new pages, which count for whoever it runs as, and within the quota */
	expect("an operation after that", operate(&right), 4096);
	refused("the memfd again", ask(c.sock, IPC_REGISTER, 0, NULL, memory), -ENODATA);
}

/* Huge pages that are taken back cannot be made again when there are no more. */
static void huge_page_gone(void)
{
	int other,
		fd = memfd_create("bad", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_HUGE_2MB);
	struct err e;

	if (fd < 0 || fallocate(fd, 0, 0, HUGE_PAGE) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		exit(77);
	hello();
	if (ipc_client_register(&c, fd, &e))
		wrong("%s", e.what);
	expect("an operation", operate(&right), 4096);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE_PAGE))
		wrong("punching: %s", strerror(errno));
	other = memfd_create("bad", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	while (!fallocate(other, 0, lseek(other, 0, SEEK_END), HUGE_PAGE))
		; /* until there are none */
	expect("an operation on no memory", operate(&right), -ENOTCONN);
	expect_hang_up(c.sock);
}

const struct bad_case memory_cases[] = {
	{"regular-file", regular_file, "neither a memfd nor a dma-buf"},
	{"own-file", own_file, "neither a memfd nor a dma-buf"},
	{"not-sealed", not_sealed, "not sealed with F_SEAL_SHRINK"},
	{"huge", huge, "more than 64 buffers or 4 GiB"},
	{"holes", holes, "the memfd has holes"},
	{"truncating", truncating, "the memfd has holes"},
	{"huge-page-gone", huge_page_gone, "its shared memory went away under it"},
	{0},
};
