// SPDX-License-Identifier: MIT
/* Counting; see counters.h. Values and what becomes of them are in counters_json.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "measure/counters.h"

/* A group that fits runs at once, unless another profiler takes turns with it (every 4 ms by default). */
#define TRY_NS       (50 * NSEC_PER_USEC)
#define TRY_ALONE_NS (20 * NSEC_PER_MSEC)

/* Counters must not take the descriptors that the process needs for its own work. */
#define LEAVE_FDS 64

static bool leaves_enough(int fd)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return true;
	if ((rlim_t)fd + LEAVE_FDS > r.rlim_cur && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	return (rlim_t)fd + LEAVE_FDS <= r.rlim_cur;
}

static int kernel_open(struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd)
{
	long fd = syscall(SYS_perf_event_open, attr, pid, cpu, group_fd, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (leaves_enough((int)fd))
		return (int)fd;
	close((int)fd);
	return -EMFILE;
}

static int kernel_enable(int leader_fd, bool on)
{
	return ioctl(leader_fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0) ? -errno : 0;
}

static ssize_t kernel_read(int leader_fd, void *buf, size_t len)
{
	ssize_t n = read(leader_fd, buf, len);

	return n < 0 ? -errno : n;
}

static void kernel_close(int fd)
{
	close(fd);
}

const struct counters_ops counters_kernel = {
	.open = kernel_open,
	.enable = kernel_enable,
	.read = kernel_read,
	.close = kernel_close,
};
const struct counters_ops *counters_ops = &counters_kernel;

static int paranoid(void)
{
	FILE *f = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int level = 2;

	if (f) {
		if (fscanf(f, "%d", &level) != 1)
			level = 2;
		fclose(f);
	}
	return level;
}

static bool has_pmu(void)
{
	return access("/sys/bus/event_source/devices/cpu", F_OK) == 0 ||
	       access("/sys/bus/event_source/devices/cpu_core", F_OK) == 0 ||
	       access("/sys/bus/event_source/devices/armv8_pmuv3_0", F_OK) == 0;
}

void counters_explain(const struct event *event, enum domain domain, bool system, int code,
		      struct err *e)
{
	const char *part = domain == DOMAIN_KERNEL ? " in the kernel" : "";

	switch (-code) {
	case ENOENT:
	case EOPNOTSUPP:
	case ENODEV:
	case ENXIO:
		if (event->hardware && !has_pmu()) {
			err_set(e, code, "this machine has no performance counters (no PMU)");
			err_remedy(e, "in a virtual machine: have the host pass them on (QEMU: -cpu "
				      "host,pmu=on)");
			return;
		}
		err_set(e, code, "this CPU or its kernel driver cannot count it");
		err_remedy(e, "zcbench list --events shows what it can count");
		return;
	case EACCES:
	case EPERM:
		err_set(e, code,
			"not allowed to count it%s (kernel.perf_event_paranoid is %d, or a container "
			"forbids perf_event_open)",
			part, paranoid());
		err_remedy(e, "as root, with CAP_PERFMON, or: sudo sysctl kernel.perf_event_paranoid=%d",
			   system ? 0 : 1);
		return;
	case EMFILE:
	case ENFILE:
		err_sys(e, code, "opening it");
		err_remedy(e, "ulimit -n 65536, or fewer --events");
		return;
	case ENOSYS:
		err_set(e, code, "this kernel has no perf_event_open (CONFIG_PERF_EVENTS)");
		err_remedy(e, "another kernel, or --events none");
		return;
	case ENOSPC:
		err_set(e, code, "no counter is free for it");
		err_remedy(e, "end other profilers; sudo sysctl kernel.nmi_watchdog=0");
		return;
	default:
		err_sys(e, code, "the kernel refuses it");
		err_remedy(e, "zcbench list --events shows what it can count");
	}
}

/* The size of what read(2) gives of a group of n: how many, time enabled, time running, n values. */
static size_t group_size(unsigned int n)
{
	return (3 + n) * sizeof(uint64_t);
}

static unsigned int members(const struct counters *c, int leader)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < c->n; i++)
		n += c->v[i].group == leader;
	return n;
}

/* Does the group run, with its newest member? Time passes for it only while it is on. */
static bool runs(int leader_fd, unsigned int n)
{
	uint64_t buf[3 + COUNTERS_MAX], end = clock_ns() + (n > 1 ? TRY_NS : TRY_ALONE_NS);
	bool ok = false;

	if (counters_ops->enable(leader_fd, true))
		return false;
	do {
		if (counters_ops->read(leader_fd, buf, sizeof(buf)) != (ssize_t)group_size(n))
			break;
		ok = buf[2] > 0;
	} while (!ok && clock_ns() < end);
	counters_ops->enable(leader_fd, false);
	return ok;
}

static int open_one(const struct event *ev, enum domain domain, pid_t pid, int cpu, int leader_fd)
{
	struct perf_event_attr attr = ev->attr[domain];

	attr.read_format =
		PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	attr.disabled = leader_fd < 0; /* members follow their leader */
	attr.inherit = pid != -1;
	return counters_ops->open(&attr, pid, cpu, leader_fd);
}

/* Into the open group of its kind, or a new one. *leader: the index of that group's leader, -1: none. */
static int add(struct counters *c, const struct event *ev, enum domain domain, pid_t pid, int cpu,
	       int *leader)
{
	int fd = -1;

	if (*leader >= 0) {
		int leader_fd = c->v[*leader].fd;

		fd = open_one(ev, domain, pid, cpu, leader_fd);
		if (fd >= 0 && ev->hardware && !runs(leader_fd, members(c, *leader) + 1)) {
			counters_ops->close(fd);
			fd = -1;
		}
	}
	if (fd < 0) {
		fd = open_one(ev, domain, pid, cpu, -1);
		if (fd < 0)
			return fd;
		if (ev->hardware && !runs(fd, 1)) {
			counters_ops->close(fd);
			return -ENOSPC;
		}
		*leader = (int)c->n;
	}
	c->v[c->n++] = (struct counter){.event = ev, .domain = domain, .fd = fd, .group = *leader};
	return 0;
}

static void miss(struct counters *c, const struct event *ev, enum domain domain, bool system, int code)
{
	struct err e = {0};

	if (json_object_get(c->missing, ev->name))
		return; /* the first domain's reason is enough */
	counters_explain(ev, domain, system, code, &e);
	json_object_set_new(c->missing, ev->name, json_sprintf("%s; try: %s", e.what, e.remedy));
}

void counters_open(struct counters *c, const struct events *list, pid_t pid, int cpu)
{
	int leader[2] = {-1, -1}; /* of the software group, of the last hardware group */

	*c = (struct counters){.missing = json_object()};
	for (unsigned int i = 0; i < list->n; i++) {
		const struct event *ev = &list->v[i];

		for (int d = 0; d < DOMAIN_COUNT; d++) {
			int ret;

			if (!(ev->domains >> d & 1))
				continue;
			ret = add(c, ev, (enum domain)d, pid, cpu, &leader[ev->hardware]);
			if (ret)
				miss(c, ev, (enum domain)d, pid == -1, ret);
		}
	}
	for (unsigned int i = 0; i < c->n; i++)
		if (c->v[i].group == (int)i)
			counters_ops->enable(c->v[i].fd, true);
}

void counters_close(struct counters *c)
{
	/* members before their leaders */
	while (c->n)
		counters_ops->close(c->v[--c->n].fd);
	json_decref(c->missing);
	c->missing = NULL;
}

static void read_group(const struct counters *c, int leader, struct counts *out)
{
	uint64_t buf[3 + COUNTERS_MAX];
	unsigned int n = members(c, leader), k = 0;
	bool ok = counters_ops->read(c->v[leader].fd, buf, sizeof(buf)) == (ssize_t)group_size(n) &&
		  buf[0] == n;

	for (unsigned int i = 0; i < c->n; i++) {
		if (c->v[i].group != leader)
			continue;
		out->v[i] = ok ? (struct count){buf[3 + k], buf[1], buf[2], true} : (struct count){0};
		k++;
	}
}

void counters_read(const struct counters *c, struct counts *counts)
{
	for (unsigned int i = 0; i < c->n; i++)
		if (c->v[i].group == (int)i)
			read_group(c, (int)i, counts);
}
