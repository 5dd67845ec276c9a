// SPDX-License-Identifier: MIT
/* CPU time, context switches, page faults; see usage.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/clock.h"
#include "measure/usage.h"

static uint64_t ns(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * NSEC_PER_SEC + (uint64_t)tv->tv_usec * NSEC_PER_USEC;
}

void usage_self(struct usage *u)
{
	static const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};

	*u = (struct usage){0};
	for (int i = 0; i < 2; i++) {
		struct rusage r;

		getrusage(who[i], &r);
		u->user_ns += ns(&r.ru_utime);
		u->kernel_ns += ns(&r.ru_stime);
		u->voluntary_switches += (uint64_t)r.ru_nvcsw;
		u->involuntary_switches += (uint64_t)r.ru_nivcsw;
		u->minor_faults += (uint64_t)r.ru_minflt;
		u->major_faults += (uint64_t)r.ru_majflt;
	}
}

/* The kernel rescales the split between user and kernel time, so that either can go back a little
 * between two looks; their sum cannot. */
static uint64_t minus(uint64_t b, uint64_t a)
{
	return b > a ? b - a : 0;
}

void usage_diff(struct usage *out, const struct usage *a, const struct usage *b)
{
	*out = (struct usage){
		.user_ns = minus(b->user_ns, a->user_ns),
		.kernel_ns = minus(b->kernel_ns, a->kernel_ns),
		.voluntary_switches = b->voluntary_switches - a->voluntary_switches,
		.involuntary_switches = b->involuntary_switches - a->involuntary_switches,
		.minor_faults = b->minor_faults - a->minor_faults,
		.major_faults = b->major_faults - a->major_faults,
	};
}

void usage_add(struct usage *sum, const struct usage *u)
{
	sum->user_ns += u->user_ns;
	sum->kernel_ns += u->kernel_ns;
	sum->voluntary_switches += u->voluntary_switches;
	sum->involuntary_switches += u->involuntary_switches;
	sum->minor_faults += u->minor_faults;
	sum->major_faults += u->major_faults;
}

json_t *usage_to_json(const struct usage *u)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "user_ns", (json_int_t)u->user_ns,
			 "kernel_ns", (json_int_t)u->kernel_ns, "voluntary_switches",
			 (json_int_t)u->voluntary_switches, "involuntary_switches",
			 (json_int_t)u->involuntary_switches, "minor_faults",
			 (json_int_t)u->minor_faults, "major_faults", (json_int_t)u->major_faults);
}

static uint64_t member(const json_t *obj, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(obj, name));
}

void usage_from_json(struct usage *u, const json_t *obj)
{
	*u = (struct usage){
		.user_ns = member(obj, "user_ns"),
		.kernel_ns = member(obj, "kernel_ns"),
		.voluntary_switches = member(obj, "voluntary_switches"),
		.involuntary_switches = member(obj, "involuntary_switches"),
		.minor_faults = member(obj, "minor_faults"),
		.major_faults = member(obj, "major_faults"),
	};
}

int usage_system(struct system_usage *u)
{
	unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
	const uint64_t tick = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	FILE *f = fopen("/proc/stat", "re");
	int n;

	if (!f)
		return -errno;
	n = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
		   &iowait, &irq, &softirq, &steal);
	fclose(f);
	if (n != 8)
		return -EPROTO;
	u->busy_ns = (user + nice + system + irq + softirq) * tick;
	u->stolen_ns = steal * tick;
	return 0;
}

void usage_system_diff(struct system_usage *out, const struct system_usage *a,
		       const struct system_usage *b)
{
	*out = (struct system_usage){
		.busy_ns = minus(b->busy_ns, a->busy_ns),
		.stolen_ns = minus(b->stolen_ns, a->stolen_ns),
	};
}
