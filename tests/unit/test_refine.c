// SPDX-License-Identifier: MIT
/* Proves that --refine looks again at the sizes between which one path overtakes another, at no others, each once,
 * and that it says where. */
#include <math.h>

#include "cli/refine.h"
#include "tests/unit/plan_fixture.h"

/* A transfer takes `once` us, and a us for each so many bytes; the rounds differ by a few per cent. */
static void measure(struct cell *c, double once, double bytes_per_us)
{
	json_t *rounds = json_array();

	for (int i = 0; i < 6; i++) {
		const double noise = 1 + 0.005 * ((i * 7 + (int)(c->bs / 512)) % 5);
		const double us = noise * (once + (double)c->bs / bytes_per_us);

		json_array_append_new(
			rounds, json_pack("{s:f}", "throughput_bytes_per_s", (double)c->bs / us * 1e6));
	}
	c->json = json_pack("{s:o}", "rounds", rounds);
}

/* copy and ipc take the same time at 100000 bytes; splice is as copy is, but always a bit slower. */
static void measure_all(unsigned int first)
{
	for (unsigned int i = first; i < plan.n; i++) {
		struct cell *c = &plan.cells[i];

		if (!strcmp(c->path->name, "ipc"))
			measure(c, 100, 10000);
		else
			measure(c, !strcmp(c->path->name, "copy") ? 10 : 15, 1000);
	}
}

static void forget(void)
{
	for (unsigned int i = 0; i < plan.n; i++)
		json_decref(plan.cells[i].json);
}

static void added(unsigned int first, const char *want)
{
	char text[400] = "";

	for (unsigned int i = first; i < plan.n; i++) {
		const struct cell *c = &plan.cells[i];

		sprintf(text + strlen(text), "%s %" PRIu64 " %s; ", c->path->name, c->bs, c->sink->name);
		assert_null(c->skipped);
		assert_null(c->json);
	}
	assert_string_equal(text, want);
}

static void prints(const char *want)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	refine_print(f, &plan);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

static void test_halves_where_they_cross(void **state)
{
	unsigned int first;

	(void)state;
	assert_int_equal(plan_of("--path", "copy,ipc", "--bs", "4k,16k,64k,256k", "--sink", "read"), 0);
	measure_all(0);
	first = plan.n;
	assert_int_equal(refine_plan(&plan), 2);
	added(first, "copy 131072 read; ipc 131072 read; ");
	measure_all(first);
	first = plan.n;
	assert_int_equal(refine_plan(&plan), 2);
	added(first, "copy 94208 read; ipc 94208 read; ");
	measure_all(first);
	prints("\nfrom which block size on: write, sink read, source memfd, depth 1, 1 client, pin "
	       "split\n"
	       "    ipc          against copy         overtakes at 92k..128k\n");
	/* fine enough */
	assert_int_equal(refine_plan(&plan), 0);
	forget();
}

static void test_each_pair_and_sink(void **state)
{
	unsigned int first;

	(void)state;
	assert_int_equal(
		plan_of("--path", "copy,splice,ipc", "--bs", "16k,64k,256k", "--sink", "null,read"), 0);
	measure_all(0);
	/* a failed cell is nothing to go by: sink read has two sizes left */
	for (unsigned int i = 0; i < plan.n; i++)
		if (!strcmp(plan.cells[i].sink->name, "read") && plan.cells[i].bs == 262144)
			plan.cells[i].failed = true;
	first = plan.n;
	assert_int_equal(refine_plan(&plan), 3);
	added(first, "copy 131072 null; ipc 131072 null; splice 131072 null; ");
	measure_all(first);
	prints("\nfrom which block size on: write, sink null, source memfd, depth 1, 1 client, pin "
	       "split\n"
	       "    splice       against copy         always slower\n"
	       "    ipc          against copy         overtakes at 64k..128k\n"
	       "    ipc          against splice       overtakes at 64k..128k\n");
	forget();
}

static void test_nothing_crosses(void **state)
{
	(void)state;
	assert_int_equal(plan_of("--path", "copy,splice", "--bs", "16k,64k,256k", "--sink", "null"), 0);
	measure_all(0);
	assert_int_equal(refine_plan(&plan), 0);
	forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_halves_where_they_cross, start, stop),
		cmocka_unit_test_setup_teardown(test_each_pair_and_sink, start, stop),
		cmocka_unit_test_setup_teardown(test_nothing_crosses, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
