// SPDX-License-Identifier: MIT
/* Limits that are times; see limits.h. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "measure/handover.h"
#include "measure/limits.h"
#include "measure/stats.h"

#define BATCHES   16
#define PIN_PAGES 256 /* 1 MiB: small enough for the memlock limit of ordinary users */

/* The median over batches of the time of one of `batch` calls. */
static double batches(int (*one)(void *), void *arg, unsigned int n, unsigned int batch)
{
	double ns[BATCHES];

	for (unsigned int b = 0; b < n; b++) {
		uint64_t began = clock_ns();

		for (unsigned int i = 0; i < batch; i++)
			if (one(arg))
				return NAN;
		ns[b] = (double)(clock_ns() - began) / batch;
	}
	return stats_median(ns, n);
}

/* ---- system call ---- */

static int call_getppid(void *arg)
{
	(void)arg;
	return syscall(SYS_getppid) < 0; /* by number: no library keeps the answer */
}

static double sample_syscall(const struct limits_config *c, void *state)
{
	(void)c;
	return batches(call_getppid, state, BATCHES, 500);
}

/* ---- hand-overs ---- */

static int needs_two_cpus(const struct limits_config *c, void **state, struct err *e)
{
	(void)state;
	return c->server >= 0 ? 0 : err_set(e, -ENODEV, "there is only one CPU to run on");
}

static double sample_ping_pong(const struct limits_config *c, void *state)
{
	(void)state;
	return handover_poll(c->server, 0, BATCHES, 250);
}

static double sample_futex(const struct limits_config *c, void *state)
{
	(void)state;
	return handover_futex(c->server, BATCHES, 8);
}

/* ---- page pinning ---- */

struct pin {
	struct io_uring ring;
	struct iovec iov;
};

static int pin_unpin(void *arg)
{
	struct pin *p = arg;
	int ret = io_uring_register_buffers(&p->ring, &p->iov, 1);

	return ret ? ret : io_uring_unregister_buffers(&p->ring);
}

static void pin_close(void *state)
{
	struct pin *p = state;

	io_uring_queue_exit(&p->ring);
	munmap(p->iov.iov_base, p->iov.iov_len);
	free(p);
}

static int pin_open(const struct limits_config *c, void **state, struct err *e)
{
	const size_t len = (size_t)PIN_PAGES * (size_t)sysconf(_SC_PAGESIZE);
	struct pin *p = calloc(1, sizeof(*p));
	int ret;

	(void)c;
	if (!p)
		return err_sys(e, -ENOMEM, "pinning pages");
	p->iov = (struct iovec){
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), len};
	if (p->iov.iov_base == MAP_FAILED) {
		free(p);
		return err_sys(e, -ENOMEM, "pinning pages");
	}
	madvise(p->iov.iov_base, len, MADV_NOHUGEPAGE); /* 256 pages, not half a huge one */
	madvise(p->iov.iov_base, len, MADV_POPULATE_WRITE);
	ret = io_uring_queue_init(2, &p->ring, 0);
	if (ret) {
		munmap(p->iov.iov_base, len);
		free(p);
		return err_sys(e, ret, "io_uring_setup");
	}
	ret = pin_unpin(p);
	if (!ret) {
		*state = p;
		return 0;
	}
	pin_close(p);
	err_sys(e, ret, "pinning %d pages with IORING_REGISTER_BUFFERS", PIN_PAGES);
	if (ret == -ENOMEM)
		err_remedy(e, "ulimit -l 2048 (kilobytes that may be pinned)");
	return ret;
}

static double sample_pin(const struct limits_config *c, void *state)
{
	(void)c;
	return batches(pin_unpin, state, BATCHES, 1) / PIN_PAGES;
}

/* ---- FUSE round trips ---- */

static int mount_open(const struct limits_mount *m, void **state, struct err *e)
{
	int *fd;

	if (!m->path)
		return err_set(e, -ENODEV, "%s", m->why);
	fd = malloc(sizeof(*fd));
	if (!fd)
		return err_sys(e, -ENOMEM, "%s", m->path);
	*fd = open(m->path, O_RDWR | O_CLOEXEC);
	if (*fd < 0) {
		free(fd);
		return err_sys(e, -errno, "opening %s", m->path);
	}
	*state = fd;
	return 0;
}

static int dev_open(const struct limits_config *c, void **state, struct err *e)
{
	return mount_open(&c->dev, state, e);
}

static int ring_open(const struct limits_config *c, void **state, struct err *e)
{
	return mount_open(&c->ring, state, e);
}

/* STATFS: the smallest request that the kernel never answers by itself. */
static int call_statfs(void *arg)
{
	struct statfs st;

	return fstatfs(*(int *)arg, &st);
}

static double sample_fuse(const struct limits_config *c, void *state)
{
	(void)c;
	return batches(call_statfs, state, BATCHES, 2);
}

static void mount_close(void *state)
{
	close(*(int *)state);
	free(state);
}

const struct limits_step limits_steps[] = {
	{"system_call", "getppid(2)", NULL, sample_syscall, NULL},
	{"ping_pong", "a cache line there and back, both CPUs polling", needs_two_cpus, sample_ping_pong,
	 NULL},
	{"futex_round_trip", "the same, both CPUs sleeping in futex(2)", needs_two_cpus, sample_futex,
	 NULL},
	{"pin_page", "pin and unpin 4 KiB (of 256 pages, io_uring)", pin_open, sample_pin, pin_close},
	{"fuse_dev_round_trip", "STATFS, server on /dev/fuse (path copy)", dev_open, sample_fuse,
	 mount_close},
	{"fuse_ring_round_trip", "STATFS, FUSE over io_uring (path uring)", ring_open, sample_fuse,
	 mount_close},
	{0},
};
