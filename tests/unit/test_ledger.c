// SPDX-License-Identifier: MIT
/* Proves the ledger's arithmetic without a kernel that allows BPF: which function and role count at which
 * hop, what is subtracted, and what is left out when nothing was counted. */
#include <string.h>

#include "measure/ledger.h"
#include "tests/unit/unit.h"

static void count(struct ledger_counts *c, enum ledger_function f, enum ledger_role r, uint64_t bytes)
{
	c->of[f][r].bytes += bytes;
	c->of[f][r].calls++;
}

/* Every function has a row, named like it. */
static void test_table(void **state)
{
#define CHECK(function) assert_string_equal(ledger_functions[LEDGER_##function].name, #function);
	LEDGER_FUNCTIONS_OF(CHECK)
	(void)state;
}

static void test_hops(void **state)
{
	struct ledger_counts c = {0};

	(void)state;
	count(&c, LEDGER_fuse_copy_args, LEDGER_SERVER, 1000);
	count(&c, LEDGER_generic_perform_write, LEDGER_CLIENT, 200); /* passthrough */
	count(&c, LEDGER_generic_perform_write, LEDGER_SERVER, 30);
	count(&c, LEDGER_anon_pipe_read, LEDGER_SERVER, 4);
	assert_int_equal(ledger_kernel_bytes(&c, HOP_FUSE), 1000);
	assert_int_equal(ledger_kernel_bytes(&c, HOP_CLIENT_SYSCALL), 200);
	assert_int_equal(ledger_kernel_bytes(&c, HOP_SINK), 34);
	assert_int_equal(ledger_kernel_bytes(&c, HOP_CLIENT_USER), 0);
	assert_int_equal(ledger_kernel_bytes(&c, HOP_SERVER_USER), 0);
}

/* Sent by reference is not copied, unless the network does it after all, on whosever CPU time. */
static void test_by_reference(void **state)
{
	struct ledger_counts c = {0};

	(void)state;
	count(&c, LEDGER_tcp_sendmsg_locked, LEDGER_SERVER, 4096 + 48);
	count(&c, LEDGER_skb_zerocopy_iter_stream, LEDGER_SERVER, 4096);
	assert_int_equal(ledger_kernel_bytes(&c, HOP_SINK), 48);
	count(&c, LEDGER_skb_copy_ubufs, LEDGER_SOFTIRQ, 4096);
	assert_int_equal(ledger_kernel_bytes(&c, HOP_SINK), 4096 + 48);
	/* pages that moved out of a pipe */
	count(&c, LEDGER_fuse_copy_args, LEDGER_SERVER, 8192);
	count(&c, LEDGER_replace_page_cache_folio, LEDGER_SERVER, 4096);
	assert_int_equal(ledger_kernel_bytes(&c, HOP_FUSE), 4096);
	/* by reference out of a function that is not in the table */
	count(&c, LEDGER_skb_zerocopy_iter_stream, LEDGER_CLIENT, 4096);
	assert_int_equal(ledger_kernel_bytes(&c, HOP_CLIENT_SYSCALL), 0);
}

static void test_diff_and_missed(void **state)
{
	struct ledger_counts a = {.missed = 1}, b, d;

	(void)state;
	count(&a, LEDGER_filemap_read, LEDGER_SERVER, 100);
	b = a;
	count(&b, LEDGER_filemap_read, LEDGER_SERVER, 23);
	count(&b, LEDGER_filemap_read, LEDGER_SERVER, 4);
	count(&b, LEDGER_filemap_read, LEDGER_SERVER, 0);
	b.missed = 2;
	ledger_diff(&d, &a, &b);
	assert_int_equal(d.of[LEDGER_filemap_read][LEDGER_SERVER].bytes, 27);
	assert_int_equal(d.of[LEDGER_filemap_read][LEDGER_SERVER].calls, 3);
	assert_int_equal(d.missed, 1);
	assert_double(ledger_missed_share(&d), 0.25);
	assert_double(ledger_missed_share(&(struct ledger_counts){0}), 0);
	assert_double(ledger_missed_share(&(struct ledger_counts){.missed = 7}), 1);
}

static uint64_t bytes(const json_t *hops, const char *hop, const char *domain, const char *source)
{
	const json_t *h = json_object_get(hops, hop);

	assert_int_equal(json_object_size(h), 2);
	assert_string_equal(json_string_value(json_object_get(h, "source")), source);
	assert_true(json_is_integer(json_object_get(h, domain)));
	return (uint64_t)json_integer_value(json_object_get(h, domain));
}

static void test_json(void **state)
{
	struct ledger_counts c = {0};
	json_t *hops, *functions;

	(void)state;
	count(&c, LEDGER_fuse_copy_args, LEDGER_SERVER, 64);
	hops = ledger_hops_json(&c, 5, 6);
	assert_int_equal(json_object_size(hops), HOP_COUNT);
	assert_int_equal(bytes(hops, "client_user", "user", "declared"), 5);
	assert_int_equal(bytes(hops, "server_user", "user", "declared"), 6);
	assert_int_equal(bytes(hops, "client_syscall", "kernel", "exact"), 0);
	assert_int_equal(bytes(hops, "fuse", "kernel", "exact"), 64);
	assert_int_equal(bytes(hops, "sink", "kernel", "exact"), 0);
	json_decref(hops);

	/* not counted is absent, never zero */
	hops = ledger_hops_json(NULL, 5, 6);
	assert_int_equal(json_object_size(hops), 2);
	assert_int_equal(bytes(hops, "client_user", "user", "declared"), 5);
	json_decref(hops);

	functions = ledger_functions_json(&c);
	assert_int_equal(json_object_size(functions), 1);
	assert_int_equal(json_object_size(json_object_get(functions, "fuse_copy_args")), 1);
	json_decref(functions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),        cmocka_unit_test(test_hops),
		cmocka_unit_test(test_by_reference), cmocka_unit_test(test_diff_and_missed),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
