// SPDX-License-Identifier: MIT
/* The machine; see host.h. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "lib/checksum.h"
#include "lib/clock.h"
#include "lib/cpus.h"
#include "lib/err.h"
#include "measure/host.h"
#include "measure/usage.h"

/* The first line of a small file, without its end; NULL if it cannot be read. Static storage. */
static const char *line_of(const char *path)
{
	static char line[512];
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, sizeof(line), f);

	if (f)
		fclose(f);
	if (!ok)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static void set_line(json_t *obj, const char *name, const char *path)
{
	const char *line = line_of(path);

	if (line)
		json_object_set_new(obj, name, json_string(line));
}

/* "model name : AMD EPYC" of /proc/cpuinfo. */
static void set_cpuinfo(json_t *obj)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[4096];
	bool model = false, flags = false;

	while (f && fgets(line, sizeof(line), f) && !(model && flags)) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		value += 1 + (value[1] == ' ');
		value[strcspn(value, "\n")] = '\0';
		if (!strncmp(line, "model name", 10) && !model) {
			json_object_set_new(obj, "cpu_model", json_string(value));
			model = true;
		}
		if (!strncmp(line, "flags", 5) && !flags) {
			json_object_set_new(obj, "virtual", json_boolean(strstr(value, " hypervisor")));
			flags = true;
		}
	}
	if (f)
		fclose(f);
}

static void set_caches(json_t *obj)
{
	json_t *caches = json_object();

	for (int i = 0; i < 8; i++) {
		char path[128], name[64];
		const char *s;

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
		s = line_of(path);
		if (!s)
			break;
		snprintf(name, sizeof(name), "L%.8s", s);
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
		s = line_of(path);
		if (s && !strcmp(s, "Instruction"))
			continue;
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
		set_line(caches, name, path);
	}
	json_object_set_new(obj, "caches", caches);
}

/* Every file of a folder of settings, name to first line. */
static json_t *folder(const char *path)
{
	DIR *d = opendir(path);
	json_t *out = json_object();
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char file[512];

		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		set_line(out, e->d_name, file);
	}
	if (d)
		closedir(d);
	return out;
}

/* Of the kernel's command line only what bears on measurements: the rest is nobody's business. */
static void set_command_line(json_t *obj)
{
	static const char *const known[] = {
		"mitigations",
		"isolcpus",
		"nohz",
		"nohz_full",
		"rcu_nocbs",
		"idle",
		"nosmt",
		"maxcpus",
		"processor.max_cstate",
		"intel_idle.max_cstate",
		"intel_pstate",
		"amd_pstate",
		"preempt",
		"transparent_hugepage",
		"hugepages",
		"hugepagesz",
		"default_hugepagesz",
		"tsc",
		"clocksource",
		"cpuidle_haltpoll.force",
		"haltpoll.guest_halt_poll_ns",
		NULL,
	};
	char line[512], out[512] = "", *save = NULL;
	const char *all = line_of("/proc/cmdline");

	snprintf(line, sizeof(line), "%s", all ? all : "");
	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		size_t len = strcspn(w, "=");

		for (const char *const *k = known; *k; k++) {
			if (strlen(*k) != len || strncmp(*k, w, len))
				continue;
			strncat(out, out[0] ? " " : "", sizeof(out) - strlen(out) - 1);
			strncat(out, w, sizeof(out) - strlen(out) - 1);
		}
	}
	json_object_set_new(obj, "kernel_command_line", json_string(out));
}

json_t *host_describe(void)
{
	json_t *h = json_object();
	int cpus[CPUS_MAX];
	struct utsname u;

	if (!uname(&u)) {
		json_object_set_new(h, "kernel", json_string(u.release));
		json_object_set_new(h, "kernel_version", json_string(u.version));
		json_object_set_new(h, "machine", json_string(u.machine));
	}
	set_command_line(h);
	set_cpuinfo(h);
	json_object_set_new(h, "cpus_possible", json_integer(cpus_possible()));
	json_object_set_new(h, "cpus_allowed", json_integer(cpus_allowed(cpus, CPUS_MAX)));
	if (getenv("ZCBENCH_VIRTUAL"))
		json_object_set_new(h, "virtual_machine", json_string(getenv("ZCBENCH_VIRTUAL")));
	set_line(h, "smt", "/sys/devices/system/cpu/smt/control");
	set_caches(h);
	set_line(h, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	set_line(h, "clock_source", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	set_line(h, "transparent_hugepage", "/sys/kernel/mm/transparent_hugepage/enabled");
	set_line(h, "fuse_max_pages_limit", "/proc/sys/fs/fuse/max_pages_limit");
	json_object_set_new(h, "memory_bytes",
			    json_integer((json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE)));
	json_object_set_new(h, "mitigations", folder("/sys/devices/system/cpu/vulnerabilities"));
	json_object_set_new(h, "fuse_parameters", folder("/sys/module/fuse/parameters"));
	json_object_set_new(h, "checksum", json_string(checksum_name()));
	json_object_set_new(h, "jansson", json_string(jansson_version_str()));
	return h;
}

json_t *host_load(void)
{
	struct timespec nap = {.tv_nsec = 200 * NSEC_PER_MSEC};
	struct system_usage a, b;
	uint64_t t0 = clock_ns();
	json_t *out = json_object();
	const char *line;

	line = line_of("/proc/loadavg");
	if (line)
		json_object_set_new(out, "load_1min", json_real(atof(line)));
	if (usage_system(&a))
		return out;
	nanosleep(&nap, NULL);
	if (usage_system(&b))
		return out;
	json_object_set_new(out, "busy_share",
			    json_real((double)(b.busy_ns - a.busy_ns) / (double)(clock_ns() - t0) /
				      (double)sysconf(_SC_NPROCESSORS_ONLN)));
	return out;
}

void host_warn(json_t *list, const char *what, const char *remedy)
{
	warn("%s; %s", what, remedy);
	json_array_append_new(list, json_pack("{s:s, s:s}", "what", what, "remedy", remedy));
}

json_t *host_warnings(const json_t *host, const json_t *load, bool split, unsigned int clients)
{
	const char *governor = json_string_value(json_object_get(host, "governor"));
	const char *clock = json_string_value(json_object_get(host, "clock_source"));
	const char *machine = json_string_value(json_object_get(host, "virtual_machine"));
	double busy = json_number_value(json_object_get(load, "busy_share"));
	json_t *list = json_array();
	int cpus[CPUS_MAX], n = cpus_allowed(cpus, CPUS_MAX);
	char text[128];

	if (machine && !strcmp(machine, "tcg"))
		host_warn(list,
			  "this is an emulated machine (virtual, tcg): its times are not a machine's",
			  "read counts and bytes, not times");
	if (machine && !strcmp(machine, "uml"))
		host_warn(list,
			  "this is user-mode Linux: its system calls, wake-ups and page faults are slow",
			  "compare paths by what they copy; docs/kernels.md says what each costs");
	if (busy > 0.1) {
		snprintf(text, sizeof(text), "the machine is %.0f %% busy with other work", 100 * busy);
		host_warn(list, text,
			  "wait for it to end, or use more --rounds and compare ratios only");
	}
	if (governor && strcmp(governor, "performance")) {
		snprintf(text, sizeof(text), "the CPU frequency governor is %s", governor);
		host_warn(list, text, "cpupower frequency-set -g performance");
	}
	if (clock && strcmp(clock, "tsc") && strcmp(clock, "kvm-clock") &&
	    strcmp(clock, "arch_sys_counter")) {
		snprintf(text, sizeof(text), "reading the clock (%s) takes a system call", clock);
		host_warn(list, text,
			  "boot with tsc=reliable if the hardware allows it; small blocks look "
			  "slower than they are");
	}
	if (split && n < 2)
		host_warn(list, "client and server share the only CPU",
			  "give it two CPUs, or --pin same to say that it is meant");
	/* cpus_allowed keeps threads of a core together, so only two CPUs can be one core cut in half */
	else if (split && n == 2 && cpus_share_core(cpus[0], cpus[1]))
		host_warn(list, "client and server run on two hardware threads of one core",
			  "give it two cores, or --pin same");
	if (split && n >= 2 && clients > (unsigned int)(n / 2)) {
		snprintf(text, sizeof(text), "%u clients share %d CPU%s", clients, n / 2,
			 n / 2 == 1 ? "" : "s");
		host_warn(list, text, "fewer --clients, or read totals and not latencies");
	}
	return list;
}
