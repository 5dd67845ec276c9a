// SPDX-License-Identifier: MIT
/* Ring buffers of perf_event_open(2); see sampling_ring.h and the mmap layout in perf_event_open(2). */
#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "measure/sampling_ring.h"

#define RING_BYTES (2u << 20) /* for each CPU: 100 ms at 4 kHz, with the deepest stacks, twice */

static long page(void)
{
	return sysconf(_SC_PAGESIZE);
}

static int open_cpu(bool hardware, unsigned int hz, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = hardware ? PERF_TYPE_HARDWARE : PERF_TYPE_SOFTWARE,
		.config = hardware ? PERF_COUNT_HW_CPU_CYCLES : PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = hz,
		.sample_type =
			PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CALLCHAIN,
		.sample_max_stack = RING_FRAMES_MAX - 8, /* the kernel adds markers */
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.disabled = 1,
		.exclude_hv = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int refused(int code, struct err *e)
{
	if (code == -EACCES || code == -EPERM)
		return err_remedy((err_set(e, code, "not allowed to take samples of all CPUs"), e),
				  "run as root or with CAP_PERFMON; a container must let "
				  "perf_event_open through");
	return err_remedy((err_sys(e, code, "the kernel gives no samples"), e),
			  "a kernel with CONFIG_PERF_EVENTS; kernel.perf_event_max_sample_rate of 4000 "
			  "or more");
}

int rings_open(struct ring_set *set, unsigned int hz, struct err *e)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_CONF), last = -ENODEV;

	*set = (struct ring_set){.v = calloc((size_t)cpus, sizeof(*set->v)), .hardware = true};
	if (!set->v)
		return err_sys(e, -ENOMEM, "sampling");
	for (int cpu = 0; cpu < cpus; cpu++) {
		struct ring *r = &set->v[set->n];

		r->fd = open_cpu(set->hardware, hz, cpu);
		if (r->fd < 0 && !set->n && set->hardware && r->fd != -EACCES && r->fd != -EPERM) {
			set->hardware = false; /* no PMU, or no interrupts from it */
			r->fd = open_cpu(false, hz, cpu);
		}
		if (r->fd == -ENODEV)
			continue; /* offline */
		if (r->fd < 0) {
			last = r->fd;
			rings_close(set);
			return refused(last, e);
		}
		r->map = mmap(NULL, RING_BYTES + (size_t)page(), PROT_READ | PROT_WRITE, MAP_SHARED,
			      r->fd, 0);
		if (r->map == MAP_FAILED) {
			last = -errno;
			close(r->fd);
			rings_close(set);
			return err_remedy((err_sys(e, last, "memory for samples"), e),
					  "run as root, or raise kernel.perf_event_mlock_kb");
		}
		set->n++;
	}
	return set->n ? 0 : refused(last, e);
}

void rings_close(struct ring_set *set)
{
	while (set->n) {
		struct ring *r = &set->v[--set->n];

		munmap(r->map, RING_BYTES + (size_t)page());
		close(r->fd);
	}
	free(set->v);
	set->v = NULL;
}

void rings_enable(struct ring_set *set, bool on)
{
	for (unsigned int i = 0; i < set->n; i++)
		ioctl(set->v[i].fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

/* Copies out of the ring, which a record may wrap around in. */
static void copy_out(const char *data, uint64_t at, void *to, size_t len)
{
	size_t begin = at % RING_BYTES, first = RING_BYTES - begin < len ? RING_BYTES - begin : len;

	memcpy(to, data + begin, first);
	memcpy((char *)to + first, data, len - first);
}

/* PERF_RECORD_SAMPLE with the sample_type above. */
struct sample_record {
	struct perf_event_header header;
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time;
	uint64_t n;
	uint64_t ips[RING_FRAMES_MAX];
};
struct lost_record {
	struct perf_event_header header;
	uint64_t id, lost;
};

static void drain_one(struct ring *r,
		      void (*sample)(void *, pid_t, uint64_t, const uint64_t *, uint64_t),
		      void (*lost)(void *, uint64_t), void *user)
{
	struct perf_event_mmap_page *meta = r->map;
	const char *data = (const char *)r->map + page();
	uint64_t head = __atomic_load_n(&meta->data_head, __ATOMIC_ACQUIRE), tail = meta->data_tail;

	while (tail < head) {
		union {
			struct perf_event_header header;
			struct sample_record sample;
			struct lost_record lost;
		} rec;
		size_t len;

		copy_out(data, tail, &rec.header, sizeof(rec.header));
		if (rec.header.size < sizeof(rec.header) || rec.header.size > head - tail)
			break; /* cannot be */
		len = rec.header.size < sizeof(rec) ? rec.header.size : sizeof(rec);
		copy_out(data, tail, &rec, len);
		if (rec.header.type == PERF_RECORD_SAMPLE && rec.sample.n <= RING_FRAMES_MAX &&
		    offsetof(struct sample_record, ips) + rec.sample.n * sizeof(uint64_t) <= len)
			sample(user, (pid_t)rec.sample.pid, rec.sample.time, rec.sample.ips,
			       rec.sample.n);
		else if (rec.header.type == PERF_RECORD_SAMPLE)
			lost(user, 1);
		else if (rec.header.type == PERF_RECORD_LOST)
			lost(user, rec.lost.lost);
		tail += rec.header.size;
	}
	__atomic_store_n(&meta->data_tail, tail, __ATOMIC_RELEASE);
}

void rings_drain(struct ring_set *set,
		 void (*sample)(void *user, pid_t pid, uint64_t when, const uint64_t *ips, uint64_t n),
		 void (*lost)(void *user, uint64_t n), void *user)
{
	for (unsigned int i = 0; i < set->n; i++)
		drain_one(&set->v[i], sample, lost, user);
}

bool ring_is_marker(uint64_t ip)
{
	return ip >= PERF_CONTEXT_MAX;
}

bool ring_marks_kernel(uint64_t ip)
{
	return ip == PERF_CONTEXT_KERNEL || ip == PERF_CONTEXT_HV;
}
