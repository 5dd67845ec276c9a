// SPDX-License-Identifier: MIT
/* Proves, with a PMU made up in place of perf_event_open(2), that events get into groups that fit, that
 * values are scaled and flagged where the kernel took turns, and that what cannot be counted is absent
 * with a reason that a person can act on: never zero. */
#include <errno.h>

#include "measure/counters.h"
#include "tests/unit/unit.h"

/* The machine: `slots` hardware events fit a group by the kernel's own check, of which `taken` are in
 * somebody else's hands, which that check does not know. */
static struct fake {
	unsigned int slots, taken;
	int refuse_hardware, refuse_software, refuse_kernel; /* errnos */
	int opened, closed;
	struct fake_event {
		bool open, hardware, kernel, inherits, disabled;
		int leader; /* itself, if it leads */
		pid_t pid;
		int cpu;
		bool on;
	} events[64];
	uint64_t enabled, running;
} fake;

static unsigned int hardware_in(int leader)
{
	unsigned int n = 0;

	for (int i = 0; i < fake.opened; i++)
		n += fake.events[i].open && fake.events[i].hardware && fake.events[i].leader == leader;
	return n;
}

static int fake_open(struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd)
{
	const bool hardware = attr->type != PERF_TYPE_SOFTWARE;
	struct fake_event *ev = &fake.events[fake.opened];

	assert_true(fake.opened < (int)ARRAY_SIZE(fake.events));
	assert_int_equal(attr->read_format, PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED |
						    PERF_FORMAT_TOTAL_TIME_RUNNING);
	if (fake.refuse_hardware && hardware)
		return -fake.refuse_hardware;
	if (fake.refuse_software && !hardware)
		return -fake.refuse_software;
	if (fake.refuse_kernel && !attr->exclude_kernel)
		return -fake.refuse_kernel;
	if (group_fd >= 0 && hardware && hardware_in(group_fd) == fake.slots)
		return -EINVAL;
	*ev = (struct fake_event){
		.open = true,
		.hardware = hardware,
		.kernel = !attr->exclude_kernel,
		.inherits = attr->inherit,
		.disabled = attr->disabled,
		.leader = group_fd >= 0 ? group_fd : fake.opened,
		.pid = pid,
		.cpu = cpu,
	};
	return fake.opened++;
}

static int fake_enable(int fd, bool on)
{
	assert_int_equal(fake.events[fd].leader, fd);
	fake.events[fd].on = on;
	return 0;
}

/* The value of an event is 1000 times its descriptor. */
static ssize_t fake_read(int fd, void *buf, size_t len)
{
	uint64_t *out = buf;
	unsigned int n = 0;

	assert_int_equal(fake.events[fd].leader, fd);
	for (int i = 0; i < fake.opened; i++)
		if (fake.events[i].open && fake.events[i].leader == fd)
			out[3 + n++] = 1000 * (uint64_t)i;
	assert_true(len >= (3 + n) * sizeof(*out));
	out[0] = n;
	out[1] = fake.enabled;
	out[2] = hardware_in(fd) > fake.slots - fake.taken ? 0 : fake.running;
	return (ssize_t)((3 + n) * sizeof(*out));
}

static void fake_close(int fd)
{
	assert_true(fake.events[fd].open);
	fake.events[fd].open = false;
	fake.closed++;
}

static const struct counters_ops fake_ops = {fake_open, fake_enable, fake_read, fake_close};

static int set_up(void **state)
{
	(void)state;
	fake = (struct fake){.slots = 6, .enabled = 100, .running = 100};
	counters_ops = &fake_ops;
	return 0;
}

static struct events list;
static struct counters c;

static void count(const char *const *names)
{
	struct err e = {0};

	list.n = 0;
	for (; *names; names++)
		assert_int_equal(events_add(&list, *names, &e), 0);
	counters_open(&c, &list, 0, -1);
}

static json_t *values(void)
{
	struct counts counts;

	counters_read(&c, &counts);
	return counts_to_json(&c, &counts);
}

static const char *const three[] = {"cycles", "instructions", "cache-misses", NULL};
static const char *const four[] = {"cycles", "instructions", "cache-misses", "branches", NULL};

/* The sizes of the groups, in order. */
static void assert_groups(const char *want)
{
	char got[64] = "";

	for (unsigned int i = 0; i < c.n; i++) {
		unsigned int n = 0;

		for (unsigned int k = 0; k < c.n; k++)
			n += c.v[k].group == (int)i;
		if (n)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%u", got[0] ? " " : "",
				 n);
	}
	assert_string_equal(got, want);
}

static void test_groups_fill_the_pmu(void **state)
{
	(void)state;
	count(three);
	assert_groups("6");
	counters_close(&c);
	count(four);
	assert_groups("6 2");
	for (unsigned int i = 0; i < c.n; i++) {
		const struct fake_event *ev = &fake.events[c.v[i].fd];

		assert_true(ev->inherits);
		assert_int_equal(ev->pid, 0);
		/* only the leader is switched, and it is on now */
		assert_int_equal(ev->disabled, c.v[i].group == (int)i);
		assert_int_equal(ev->on, c.v[i].group == (int)i);
		assert_int_equal(ev->kernel, c.v[i].domain == DOMAIN_KERNEL);
	}
	assert_int_equal(json_object_size(c.missing), 0);
	counters_close(&c);
	assert_int_equal(fake.closed, fake.opened);
}

/* The kernel lets six into a group, but the NMI watchdog has one: such a group would never run. */
static void test_groups_leave_out_what_others_hold(void **state)
{
	(void)state;
	fake.taken = 1;
	count(four);
	assert_groups("5 3");
	counters_close(&c);
	assert_int_equal(fake.closed, fake.opened);
}

static void test_software_has_a_group_of_its_own(void **state)
{
	static const char *const mixed[] = {"cycles", "task-clock", "instructions", "page-faults", NULL};

	(void)state;
	count(mixed);
	assert_groups("4 3");
	counters_close(&c);
}

static void test_nothing_free(void **state)
{
	(void)state;
	fake.taken = 6;
	count(three);
	assert_int_equal(c.n, 0);
	assert_contains(json_string_value(json_object_get(c.missing, "cycles")), "no counter is free");
	assert_contains(json_string_value(json_object_get(c.missing, "cycles")), "nmi_watchdog");
	counters_close(&c);
	assert_int_equal(fake.closed, fake.opened);
}

static void test_a_cpu(void **state)
{
	struct err e;

	(void)state;
	list.n = 0;
	assert_int_equal(events_add(&list, "cycles", &e), 0);
	counters_open(&c, &list, -1, 3);
	assert_int_equal(c.n, 2);
	assert_int_equal(fake.events[0].cpu, 3);
	assert_int_equal(fake.events[0].pid, -1);
	assert_false(fake.events[0].inherits);
	counters_close(&c);
}

static void test_no_pmu(void **state)
{
	static const char *const mixed[] = {"default", NULL};
	json_t *v;

	(void)state;
	fake.refuse_hardware = ENOENT;
	count(mixed);
	v = values();
	/* absent, not zero */
	assert_null(json_object_get(v, "cycles"));
	assert_null(json_object_get(v, "LLC-LOAD-MISSES"));
	assert_int_equal(json_object_size(v), 4);
	assert_non_null(json_object_get(json_object_get(v, "page-faults"), "user"));
	assert_non_null(json_object_get(json_object_get(v, "page-faults"), "kernel"));
	assert_non_null(json_object_get(json_object_get(v, "context-switches"), "total"));
	assert_null(json_object_get(json_object_get(v, "context-switches"), "kernel"));
	assert_int_equal(json_object_size(c.missing), 7);
	assert_non_null(json_object_get(c.missing, "dTLB-load-misses"));
	json_decref(v);
	counters_close(&c);
}

/* kernel.perf_event_paranoid=2, unprivileged: the user's part is counted. What only happens in the kernel
 * is absent: with the kernel excluded it would read 0. */
static void test_user_only(void **state)
{
	static const char *const mixed[] = {"cycles", "task-clock", "context-switches", NULL};
	json_t *v;

	(void)state;
	fake.refuse_kernel = EACCES;
	count(mixed);
	v = values();
	assert_non_null(json_object_get(json_object_get(v, "cycles"), "user"));
	assert_null(json_object_get(json_object_get(v, "cycles"), "kernel"));
	assert_non_null(json_object_get(json_object_get(v, "task-clock"), "total"));
	assert_null(json_object_get(v, "context-switches"));
	assert_contains(json_string_value(json_object_get(c.missing, "cycles")), "in the kernel");
	assert_contains(json_string_value(json_object_get(c.missing, "cycles")),
			"sudo sysctl kernel.perf_event_paranoid=1");
	assert_null(json_object_get(c.missing, "task-clock"));
	json_decref(v);
	counters_close(&c);
}

/* kernel.perf_event_paranoid=3 of Debian and Ubuntu, unprivileged: nothing at all. */
static void test_paranoid_3(void **state)
{
	static const char *const mixed[] = {"default", NULL};

	(void)state;
	fake.refuse_hardware = fake.refuse_software = EACCES;
	count(mixed);
	assert_int_equal(c.n, 0);
	assert_int_equal(json_object_size(c.missing), 11);
	assert_contains(json_string_value(json_object_get(c.missing, "task-clock")),
			"perf_event_paranoid");
	assert_contains(json_string_value(json_object_get(c.missing, "task-clock")), "CAP_PERFMON");
	counters_close(&c);
}

/* Each refusal has a reason of its own. */
static void test_reasons(void **state)
{
	static const struct {
		int code;
		const char *what, *remedy;
	} reasons[] = {
		{EMFILE, "Too many open files", "ulimit -n"},
		{ENOSYS, "CONFIG_PERF_EVENTS", "--events none"},
		{EPERM, "container", "CAP_PERFMON"},
		{EINVAL, "the kernel refuses it: Invalid argument", "list --events"},
		{ENOSPC, "no counter is free", "nmi_watchdog"},
	};
	struct event ev = {.name = "cycles", .hardware = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		struct err e = {0};

		counters_explain(&ev, DOMAIN_USER, false, -reasons[i].code, &e);
		assert_contains(e.what, reasons[i].what);
		assert_contains(e.remedy, reasons[i].remedy);
		assert_int_equal(e.code, -reasons[i].code);
	}
	/* a CPU takes more rights than a process */
	for (int system = 0; system < 2; system++) {
		struct err e = {0};

		counters_explain(&ev, DOMAIN_USER, system, -EACCES, &e);
		assert_contains(e.remedy, system ? "paranoid=0" : "paranoid=1");
	}
}

static void test_scale(void **state)
{
	static const struct {
		uint64_t count, enabled, running, want;
	} cases[] = {
		{1000, 100, 100, 1000},
		{1000, 100, 50, 2000},
		{1000, 100, 33, 3030}, /* 3030.30 */
		{2, 3, 2, 3},
		{1, 1000, 3, 333},  /* 333.3 */
		{5, 1000, 3, 1667}, /* 1666.7: rounded, not cut */
		{0, 0, 0, 0},       /* a process that did not run counted nothing, and that is true */
		{1ull << 60, 4, 2, 1ull << 61},
		{3, 10, 20, 3}, /* never more than was there */
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(counters_scale(cases[i].count, cases[i].enabled, cases[i].running, &v));
		assert_true(v == cases[i].want);
	}
	/* enabled, and never on the PMU: there is no estimate */
	assert_false(counters_scale(0, 100, 0, &v));
}

static json_t *load(const char *text)
{
	json_t *obj = json_loads(text, 0, NULL);

	assert_non_null(obj);
	return obj;
}

static void assert_json(const json_t *got, const char *want_text)
{
	json_t *want = load(want_text);

	if (!json_equal(got, want))
		fail_msg("%s is not %s", json_dumps(got, JSON_COMPACT), want_text);
	json_decref(want);
}

/* Two clients: one of them was multiplexed, in the kernel domain only. */
static void test_role_adds_up(void **state)
{
	static const char *const one[] = {"cycles", NULL};
	json_t *role = json_object(), *missing = json_object();
	json_t *before = load("{\"cycles\": {\"user\": [10, 5, 5], \"kernel\": [20, 5, 5]}}");
	json_t *a = load("{\"cycles\": {\"user\": [110, 105, 105], \"kernel\": [220, 105, 55]}}");
	json_t *b = load("{\"cycles\": {\"user\": [1000, 10, 10], \"kernel\": [2000, 10, 10]}}");

	(void)state;
	count(one);
	counters_add(role, &list, before, a, missing);
	assert_json(role, "{\"cycles\": {\"user\": 100, \"kernel\": 400, \"enabled_ns\": 100, "
			  "\"running_ns\": 50, \"scaled\": true}}");
	counters_add(role, &list, NULL, b, missing);
	assert_json(role, "{\"cycles\": {\"user\": 1100, \"kernel\": 2400, \"enabled_ns\": 110, "
			  "\"running_ns\": 60, \"scaled\": true}}");
	assert_int_equal(json_object_size(missing), 0);
	json_decref(role);
	json_decref(missing);
	json_decref(before);
	json_decref(a);
	json_decref(b);
	counters_close(&c);
}

/* If one process lacks a value, the role has none: a sum over the others would look like a count. */
static void test_role_without_a_value(void **state)
{
	static const char *const two[] = {"cycles", "page-faults", NULL};
	static const struct {
		const char *process, *why;
	} cases[] = {
		{"{\"page-faults\": {\"user\": [1, 9, 9], \"kernel\": [0, 9, 9]}}",
		 "could not open or read it"},
		{"{\"cycles\": {\"user\": [5, 9, 9]}, \"page-faults\": {\"user\": [1, 9, 9], "
		 "\"kernel\": "
		 "[0, 9, 9]}}",
		 "could not open or read it"},
		{"{\"cycles\": {\"user\": [0, 9, 0], \"kernel\": [0, 9, 0]}, \"page-faults\": "
		 "{\"user\": "
		 "[1, 9, 9], \"kernel\": [0, 9, 9]}}",
		 "never got a counter"},
	};
	json_t *good = load("{\"cycles\": {\"user\": [5, 9, 9], \"kernel\": [5, 9, 9]}, "
			    "\"page-faults\": {\"user\": [2, 9, 9], \"kernel\": [0, 9, 9]}}");

	(void)state;
	count(two);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *role = json_object(), *missing = json_object(), *bad = load(cases[i].process);

		counters_add(role, &list, NULL, good, missing);
		counters_add(role, &list, NULL, bad, missing);
		counters_add(role, &list, NULL, good, missing); /* it does not come back */
		assert_json(role, "{\"page-faults\": {\"user\": 5, \"kernel\": 0, \"enabled_ns\": 27, "
				  "\"running_ns\": 27, \"scaled\": false}}");
		assert_contains(json_string_value(json_object_get(missing, "cycles")), cases[i].why);
		json_decref(role);
		json_decref(missing);
		json_decref(bad);
	}
	json_decref(good);
	counters_close(&c);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		unsigned int domains; /* 0: refused */
		const char *says, *remedy;
	} cases[] = {
		{"cycles", 1 << DOMAIN_USER | 1 << DOMAIN_KERNEL},
		{"CYCLES", 1 << DOMAIN_USER | 1 << DOMAIN_KERNEL},
		{"cycles:u", 1 << DOMAIN_USER},
		{"cycles:k", 1 << DOMAIN_KERNEL},
		{"cycles:u:k", 1 << DOMAIN_TOTAL},
		{"llc-load-misses", 1 << DOMAIN_USER | 1 << DOMAIN_KERNEL},
		{"page-faults", 1 << DOMAIN_USER | 1 << DOMAIN_KERNEL},
		{"task-clock", 1 << DOMAIN_TOTAL},
		{"cpu-migrations", 1 << DOMAIN_TOTAL},
		{"cyclse", 0, "there is no event 'cyclse'", "cycles,"},
		{"LLC-LOAD-MISES", 0, "there is no event 'LLC-LOAD-MISES'", "LLC-LOAD-MISSES,"},
		{"branchs", 0, "there is no event 'branchs'", "BRANCHES,"},
		{"cycles:x", 0, "'cycles:x'", "NAME:u"},
		{"task-clock:u", 0, "does not tell user from kernel", "task-clock"},
		{"", 0, "there is no event ''", "list --events"},
		{"no such thing at all", 0, "there is no event", "list --events"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};
		int ret;

		list.n = 0;
		ret = events_add(&list, cases[i].name, &e);
		if (cases[i].domains) {
			assert_int_equal(ret, 0);
			assert_int_equal(list.v[0].domains, cases[i].domains);
			continue;
		}
		assert_int_equal(ret, -EINVAL);
		assert_int_equal(list.n, 0);
		assert_contains(e.what, cases[i].says);
		assert_contains(e.remedy, cases[i].remedy);
	}
}

static void test_lists(void **state)
{
	static const char *const names[] = {"default", "cycles", "CYCLES", "none", NULL};
	struct err e = {0};

	(void)state;
	count(names);
	assert_int_equal(list.n, 11);
	assert_string_equal(list.v[0].name, "cycles");
	counters_close(&c);
	for (list.n = 0; list.n < EVENTS_MAX; list.n++)
		snprintf(list.v[list.n].name, sizeof(list.v[0].name), "event%u", list.n);
	assert_int_equal(events_add(&list, "cycles", &e), -EINVAL);
	assert_contains(e.what, "more than 64 events");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_groups_fill_the_pmu, set_up),
		cmocka_unit_test_setup(test_groups_leave_out_what_others_hold, set_up),
		cmocka_unit_test_setup(test_software_has_a_group_of_its_own, set_up),
		cmocka_unit_test_setup(test_nothing_free, set_up),
		cmocka_unit_test_setup(test_a_cpu, set_up),
		cmocka_unit_test_setup(test_no_pmu, set_up),
		cmocka_unit_test_setup(test_user_only, set_up),
		cmocka_unit_test_setup(test_paranoid_3, set_up),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_scale),
		cmocka_unit_test_setup(test_role_adds_up, set_up),
		cmocka_unit_test_setup(test_role_without_a_value, set_up),
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup(test_lists, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
