// SPDX-License-Identifier: MIT
/* Proves that stacks as they are seen in the kernel and in our own code get the class that a person would
 * give them, and that addresses of this very process get their names, memcpy's too. */
#include <sys/mman.h>
#include <unistd.h>

#include "measure/classes.h"
#include "measure/symbols.h"
#include "tests/unit/unit.h"

/* clang-format off */
/* Innermost first; "k:" is a frame of the kernel. These were taken from samples of each path. */
static const struct {
	enum code_class class;
	const char *frames[12];
} stacks[] = {
	{CLASS_COPY, {"k:__pi_memcpy", "k:fuse_copy_do", "k:fuse_copy_folio", "k:fuse_dev_do_read", "readv"}},
	{CLASS_COPY, {"k:_copy_to_iter", "k:copy_page_to_iter", "k:shmem_file_read_iter", "pread"}},
	{CLASS_COPY, {"k:rep_movs_alternative", "k:copy_user_generic", "k:anything"}},
	{CLASS_COPY, {"k:copy_folio_from_iter_atomic", "k:generic_perform_write", "pwrite"}},
	{CLASS_COPY, {"memcpy", "stage", "ipc_rw"}},
	{CLASS_COPY, {"__memmove_avx_unaligned_erms", "main"}},
	{CLASS_CHECKSUM, {"XXH3_hashLong_64b_default.constprop.0", "read_write", "server_write"}},
	{CLASS_PIN, {"k:gup_fast_fallback", "k:iov_iter_extract_pages", "k:fuse_direct_io", "k:vfs_write"}},
	{CLASS_PIN, {"k:unpin_folio", "k:fuse_release_user_pages.isra.0", "k:fuse_direct_io"}},
	{CLASS_PIN, {"k:gup_fast_fallback", "k:__iov_iter_get_pages_alloc", "k:fuse_copy_fill", "k:fuse_copy_one"}},
	{CLASS_SCHED, {"k:_raw_spin_unlock_irqrestore", "k:__wake_up", "k:fuse_dev_queue_req", "k:fuse_direct_io"}},
	{CLASS_SCHED, {"k:finish_task_switch.isra.0", "k:__schedule", "k:schedule", "k:request_wait_answer"}},
	{CLASS_SCHED, {"k:gup_fast_fallback", "k:get_futex_key", "k:futex_wait", "k:do_futex", "ipc_sleep"}},
	{CLASS_SCHED, {"k:io_schedule", "k:folio_wait_bit_common"}},
	{CLASS_FUSE, {"k:_raw_spin_lock", "k:fuse_dev_do_read", "k:vfs_readv", "readv"}},
	{CLASS_FUSE, {"k:kfree", "k:fuse_request_end", "k:fuse_dev_do_write"}},
	{CLASS_FUSE, {"[libfuse3.so.3.14.0]", "copy_write", "[libc.so.6]"}},
	{CLASS_FUSE, {"fuse_dispatch", "queue_thread"}},
	{CLASS_FUSE, {"k:kmem_cache_free", "k:fuse_uring_commit_fetch", "k:io_uring_cmd", "k:io_issue_sqe"}},
	{CLASS_IO_URING, {"k:mutex_lock", "k:io_submit_sqes", "k:__do_sys_io_uring_enter"}},
	{CLASS_IO_URING, {"[liburing.so.2.3]", "queue_thread"}},
	{CLASS_NETWORK, {"k:_raw_spin_lock_bh", "k:tcp_sendmsg", "k:__sys_sendto"}},
	{CLASS_COPY, {"k:_copy_from_iter", "k:skb_do_copy_data_nocache", "k:tcp_sendmsg_locked"}},
	{CLASS_IDLE, {"wait_next", "service_thread"}},
	{CLASS_IDLE, {"[vdso]", "__clock_gettime", "ipc_client_wait", "ipc_rw"}},
	{CLASS_IDLE, {"k:pv_native_safe_halt", "k:default_idle", "k:do_idle"}},
	{CLASS_PRODUCE, {"fill_words_avx2", "produce", "native_run"}},
	{CLASS_OTHER, {"k:fdget", "k:__x64_sys_pwrite64", "k:do_syscall_64", "__libc_pwrite"}},
	{CLASS_OTHER, {"native_run", "client_main"}},
	/* an interrupt belongs to nobody, wherever it came by, and neither do names in the other half */
	{CLASS_OTHER, {"k:rcu_core", "k:handle_softirqs", "k:asm_sysvec_apic_timer_interrupt", "k:fuse_dev_do_read"}},
	{CLASS_OTHER, {"k:do_syscall_64", "fuse_dispatch"}},
	{CLASS_OTHER, {"k:produce"}},
	{CLASS_OTHER, {"tcp_sendmsg"}},
	{CLASS_OTHER, {"k:memcpy", "k:alloc_something"}},
	{CLASS_OTHER, {"[unknown]"}},
	{CLASS_OTHER, {NULL}},
};
/* clang-format on */

static void test_stacks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
		struct frame frames[12];
		enum code_class got;
		size_t n = 0;

		for (; stacks[i].frames[n]; n++) {
			frames[n].kernel = !strncmp(stacks[i].frames[n], "k:", 2);
			frames[n].symbol = stacks[i].frames[n] + (frames[n].kernel ? 2 : 0);
		}
		got = class_of_stack(frames, n);
		if (got != stacks[i].class)
			fail_msg("%s, ... is %s, not %s", stacks[i].frames[0], class_names[got],
				 class_names[stacks[i].class]);
	}
}

static void test_symbols(void **state)
{
	(void)state;
	/* a row is the whole name, but for what the compiler puts behind it */
	assert_int_equal(class_of("do_idle", true), CLASS_IDLE);
	assert_int_equal(class_of("do_idle.part.0", true), CLASS_IDLE);
	assert_int_equal(class_of("do_idle_not", true), CLASS_NONE);
	assert_int_equal(class_of("do_idl", true), CLASS_NONE);
	assert_int_equal(class_of("do_idle", false), CLASS_NONE);
	assert_string_equal(class_names[CLASS_SCHED], "wakeup_and_scheduling");
	assert_string_equal(class_names[CLASS_PRODUCE], "production");
	assert_null(class_names[CLASS_PRODUCE + 1]);
}

static __attribute__((noinline)) int find_me(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

static struct symbols *open_symbols(void)
{
	struct symbols *s;
	struct err e = {0};

	if (symbols_open(&s, &e)) {
		/* not for everybody's eyes: the reason and what to do */
		assert_contains(e.what, "/proc/kallsyms");
		assert_contains(e.remedy, "root");
		skip();
	}
	return s;
}

static void test_names_of_this_process(void **state)
{
	struct symbols *s = open_symbols();
	uintptr_t copy = (uintptr_t)(void *)memcpy;
	struct mappings *m;
	const char *name;
	void *nowhere;

	(void)state;
	assert_int_equal(find_me(1), 2);
	assert_int_equal(symbols_process(s, getpid(), &m), 0);
	assert_string_equal(symbols_user(m, (uintptr_t)find_me), "find_me");
	assert_string_equal(symbols_user(m, (uintptr_t)find_me + 2), "find_me");
	name = symbols_user(m, copy + 40);
#ifndef __SANITIZE_ADDRESS__ /* which has its own, in its own library */
	if (strcmp(name, "memcpy") && strcmp(name, "memmove"))
		fail_msg("memcpy is called %s", name);
#endif
	assert_int_equal(class_of(name, false), CLASS_COPY);
	nowhere = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(nowhere != MAP_FAILED);
	assert_string_equal(symbols_user(m, (uintptr_t)nowhere), "[unknown]");
	munmap(nowhere, 4096);
	symbols_process_free(m);
	assert_true(symbols_process(s, 0, &m) < 0);
	symbols_close(s);
}

/* The kernel's own table says where a function is; the address in its middle has its name. */
static void test_names_of_the_kernel(void **state)
{
	struct symbols *s = open_symbols();
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[300], name[200], type;
	unsigned long long address, found = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %c %199s", &address, &type, name) == 3 &&
		    !strcmp(name, "vfs_write"))
			found = address;
	fclose(f);
	assert_true(found);
	assert_string_equal(symbols_kernel(s, found + 4), "vfs_write");
	assert_string_equal(symbols_kernel(s, 4096), "[kernel]");
	symbols_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_names_of_this_process),
		cmocka_unit_test(test_names_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
