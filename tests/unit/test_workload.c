// SPDX-License-Identifier: MIT
/* Proves that a workload and the command line become the cells that they describe: all
 * combinations, paths next to each other, sections apart, and what cannot run left out with the
 * reason. */
#include <glob.h>

#include "tests/unit/plan_fixture.h"

static unsigned int npaths(void)
{
	unsigned int n = 0;

	while (path_names[n])
		n++;
	return n;
}

static void test_the_default_matrix(void **state)
{
	(void)state;
	assert_int_equal(make_plan((char *[]){"zcbench", "run", NULL}), 0);
	/* every path, 4k 64k 1m, sinks null and read */
	assert_int_equal(plan.n, npaths() * 3 * 2);
	assert_int_equal(plan.rounds, 5);
	assert_null(plan.description);
	for (unsigned int i = 0; i < plan.n; i++)
		assert_string_equal(plan.cells[i].path->name, path_names[i % npaths()]);
	assert_cell(0, "copy memfd null write 4096 1 1");
	assert_cell(npaths(), "copy memfd null write 65536 1 1");
	assert_cell(3 * npaths(), "copy memfd read write 4096 1 1");
}

static void test_the_path_varies_fastest(void **state)
{
	/* clang-format off */
	static const char *const want[] = {
		"ipc memfd null write 4096 1 1", "copy memfd null write 4096 1 1",
		"ipc memfd null write 8192 1 1", "copy memfd null write 8192 1 1",
		"ipc memfd null write 4096 2 1", "copy memfd null write 4096 2 1",
		"ipc memfd null write 8192 2 1", "copy memfd null write 8192 2 1",
		"ipc memfd null write 4096 1 3", "copy memfd null write 4096 1 3",
		"ipc memfd null write 8192 1 3", "copy memfd null write 8192 1 3",
		"ipc memfd null write 4096 2 3", "copy memfd null write 4096 2 3",
		"ipc memfd null write 8192 2 3", "copy memfd null write 8192 2 3",
	};
	/* clang-format on */

	(void)state;
	assert_int_equal(
		plan_of("--path=ipc,copy", "--bs=4k,8k", "--depth=1,2", "--clients=1,3", "--sink=null"),
		0);
	assert_int_equal(plan.n, ARRAY_SIZE(want));
	for (unsigned int i = 0; i < plan.n; i++)
		assert_cell(i, want[i]);
}

static void test_then_sink_source_and_op(void **state)
{
	/* clang-format off */
	static const char *const want[] = {
		"copy memfd read write 4096 1 1", "copy memfd null write 4096 1 1",
		"copy anon read write 4096 1 1", "copy anon null write 4096 1 1",
		"copy memfd read read 4096 1 1", "copy memfd null read 4096 1 1",
		"copy anon read read 4096 1 1", "copy anon null read 4096 1 1",
	};
	/* clang-format on */

	(void)state;
	assert_int_equal(plan_of("--path=copy", "--bs=4k", "--sink=read,null", "--source=memfd,anon",
				 "--op=write,read"),
			 0);
	assert_int_equal(plan.n, ARRAY_SIZE(want));
	for (unsigned int i = 0; i < plan.n; i++)
		assert_cell(i, want[i]);
}

static void test_as_many_cells_as_combinations(void **state)
{
	(void)state;
	assert_int_equal(plan_of("--path=copy,splice,ipc", "--bs=1k,2k,3k,4k,5k", "--depth=1,2,3,4",
				 "--clients=1,2", "--sink=null,read", "--source=memfd,anon",
				 "--op=write,read"),
			 0);
	assert_int_equal(plan.n, 3 * 5 * 4 * 2 * 2 * 2 * 2);
	for (unsigned int i = 0; i < plan.n; i++) /* no two are the same */
		for (unsigned int k = i + 1; k < plan.n; k++)
			assert_false(cell_same_group(&plan.cells[i], &plan.cells[k]) &&
				     plan.cells[i].path == plan.cells[k].path);
}

static void test_groups(void **state)
{
	(void)state;
	assert_int_equal(plan_of("--path=copy,ipc", "--bs=4k,8k", "--sink=null"), 0);
	assert_true(cell_same_group(&plan.cells[0], &plan.cells[1]));
	assert_false(cell_same_group(&plan.cells[1], &plan.cells[2]));
	assert_int_equal(plan_of_file("path = copy\nbs = 4k\nsink = null\n[a]\n[b]\npin = none\n"
				      "[c]\nproduce = once\n[d]\npattern = random\n"),
			 0);
	assert_int_equal(plan.n, 4);
	for (unsigned int i = 1; i < 4; i++)
		assert_false(cell_same_group(&plan.cells[0], &plan.cells[i]));
}

static void test_a_file_without_sections(void **state)
{
	(void)state;
	assert_int_equal(plan_of_file("; one matrix\npath = copy\nbs = 8k\nsink=read\nrounds = 7\n"
				      "verify = no\nruntime: 50ms\n"),
			 0);
	assert_int_equal(plan.n, 1);
	assert_cell(0, "copy memfd read write 8192 1 1");
	assert_int_equal(plan.rounds, 7);
	assert_int_equal(plan.cells[0].config.rounds, 7);
	assert_int_equal(plan.cells[0].config.runtime_ns, 50000000);
	assert_false(plan.cells[0].config.verify);
	assert_null(plan.cells[0].skipped);
}

static void test_sections_are_apart(void **state)
{
	(void)state;
	assert_int_equal(plan_of_file("path = copy\nbs = 8k\nsink = null\nrounds = 2\n"
				      "[one]\nrounds = 9\nop = read\n"
				      "[two]\nbs = 4k,16k\npath = ipc\n"
				      "[three]\nsink = read\n"),
			 0);
	assert_int_equal(plan.n, 4);
	assert_cell(0, "copy memfd null read 8192 1 1");
	assert_cell(1, "ipc memfd null write 4096 1 1");
	assert_cell(2, "ipc memfd null write 16384 1 1");
	assert_cell(3, "copy memfd read write 8192 1 1");
	assert_int_equal(plan.cells[0].config.rounds, 9);
	assert_int_equal(plan.cells[1].config.rounds, 2);
	assert_int_equal(plan.cells[3].config.rounds, 2);
	assert_int_equal(plan.rounds, 9); /* the most that any asks for */
}

/* A section in which nothing differs from what holds for all is one all the same. */
static void test_an_empty_section(void **state)
{
	(void)state;
	assert_int_equal(plan_of_file("path = copy\nbs = 8k\nsink = null\n"
				      "[as above]\n[larger]\nbs = 1m\n[as above, at the end]"),
			 0);
	assert_int_equal(plan.n, 3);
	assert_cell(0, "copy memfd null write 8192 1 1");
	assert_cell(1, "copy memfd null write 1048576 1 1");
	assert_cell(2, "copy memfd null write 8192 1 1");
}

static void test_a_section_in_two_places(void **state)
{
	(void)state;
	assert_int_equal(plan_of_file("path = copy\nsink = null\n[a]\nbs = 8k\n[b]\nbs = 4k\n"
				      "[a]\ndepth = 2\n"),
			 0);
	assert_int_equal(plan.n, 2);
	assert_cell(0, "copy memfd null write 8192 2 1");
	assert_cell(1, "copy memfd null write 4096 1 1");
}

static void test_the_command_line_overrides_both(void **state)
{
	(void)state;
	assert_int_equal(plan_of_file("path = copy\nbs = 8k\nsink = null\nrounds = 2\n"
				      "[one]\nbs = 16k\ndepth = 4\n[two]\nrounds = 6\n",
				      "--bs=4k", "--rounds", "3"),
			 0);
	assert_int_equal(plan.n, 2);
	assert_cell(0, "copy memfd null write 4096 4 1");
	assert_cell(1, "copy memfd null write 4096 1 1");
	assert_int_equal(plan.rounds, 3);
	/* wherever the workload stands among the options */
	write_file("w.ini", "path = copy\nbs = 8k\nsink = null\n");
	assert_int_equal(plan_of("--bs", "4k", "w.ini", "--no-verify"), 0);
	assert_int_equal(plan.n, 1);
	assert_cell(0, "copy memfd null write 4096 1 1");
	assert_false(plan.cells[0].config.verify);
}

static void test_description(void **state)
{
	(void)state;
	assert_int_equal(plan_of_file("description = What is it for? = this\npath = copy\n"), 0);
	assert_string_equal(plan.description, "What is it for? = this");
	assert_refused("path = copy\n[a]\ndescription = x\n",
		       "w.ini:3: description: there is no such option");
}

static void test_options_of_a_path_reach_its_server_alone(void **state)
{
	(void)state;
	assert_int_equal(plan_of_file("path = copy,splice,ipc,uring\nbs = 4k\nsink = null\n"
				      "threads = 3\n[a]\n[b]\nentries = 2\nthreads = 5\n"),
			 0);
	assert_int_equal(plan.n, 8);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(plan.cells[i].nargs, i % 4 < 2 || i == 7);
	assert_string_equal(plan.cells[0].server_args[0], "--threads=3");
	assert_string_equal(plan.cells[1].server_args[0], "--threads=3");
	assert_string_equal(plan.cells[4].server_args[0], "--threads=5");
	assert_string_equal(plan.cells[7].server_args[0], "--entries=2");
	assert_int_equal(plan_of("--path=copy", "--bs=4k", "--sink=null", "--threads", "8"), 0);
	assert_int_equal(plan.cells[0].nargs, 1);
	assert_string_equal(plan.cells[0].server_args[0], "--threads=8");
}

static void test_a_block_larger_than_the_file_is_skipped(void **state)
{
	(void)state;
	assert_int_equal(plan_of("--path=copy", "--sink=null", "--bs=4k,1m,1025k", "--size=1m"), 0);
	assert_int_equal(plan.n, 3);
	assert_null(plan.cells[0].skipped);
	assert_null(plan.cells[1].skipped);
	assert_string_equal(plan.cells[2].skipped, "the block is larger than the file (--size)");
}

static void test_passthrough_with_sink_read_is_skipped(void **state)
{
	(void)state;
	assert_int_equal(plan_of("--path=passthrough,copy", "--sink=null,read", "--bs=4k"), 0);
	assert_int_equal(plan.n, 4);
	assert_cell(2, "passthrough memfd read write 4096 1 1");
	assert_string_equal(plan.cells[2].skipped,
			    "the server is not on the data path: it has nothing to read");
	assert_null(plan.cells[0].skipped);
	assert_null(plan.cells[1].skipped);
	assert_null(plan.cells[3].skipped);
}

static void test_sink_file_needs_a_file(void **state)
{
	(void)state;
	assert_refused("path = copy\nsink = null,file\n", "sink file needs --file PATH");
	assert_contains(e.remedy, "--file /dev/shm/zcbench.dat");
	/* in one section only, too */
	assert_refused("path = copy\n[a]\nsink = file\nfile = /dev/shm/x\n[b]\nsink = file\n",
		       "sink file needs --file PATH");
	assert_int_equal(plan_of_file("path = copy\nsink = file\nfile = /dev/shm/x\nbs = 4k\n"), 0);
	assert_cell(0, "copy memfd file write 4096 1 1");
	assert_string_equal(plan.cells[0].config.file, "/dev/shm/x");
	assert_int_equal(plan_of_file("path = copy\nsink = file\n", "--file=/dev/shm/y"), 0);
	assert_string_equal(plan.cells[0].config.file, "/dev/shm/y");
}

/* Run from the top of the tree, as tests/run does. A file to store in is the user's to name. */
static void test_the_workloads_that_we_ship(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob("workloads/*.ini", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (plan_of(found.gl_pathv[i], "--file=/dev/shm/zcbench.dat"))
			fail_msg("%s", e.what);
		assert_true(plan.n > 0);
		assert_non_null(plan.description);
	}
	globfree(&found);
	plan_free(&plan);
	memset(&plan, 0, sizeof(plan));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		/* before the others go elsewhere */
		cmocka_unit_test(test_the_workloads_that_we_ship),
		TEST(test_the_default_matrix),
		TEST(test_the_path_varies_fastest),
		TEST(test_then_sink_source_and_op),
		TEST(test_as_many_cells_as_combinations),
		TEST(test_groups),
		TEST(test_a_file_without_sections),
		TEST(test_sections_are_apart),
		TEST(test_an_empty_section),
		TEST(test_a_section_in_two_places),
		TEST(test_the_command_line_overrides_both),
		TEST(test_description),
		TEST(test_options_of_a_path_reach_its_server_alone),
		TEST(test_a_block_larger_than_the_file_is_skipped),
		TEST(test_passthrough_with_sink_read_is_skipped),
		TEST(test_sink_file_needs_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
