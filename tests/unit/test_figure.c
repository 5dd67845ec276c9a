// SPDX-License-Identifier: MIT
/* Proves that each figure is offered exactly for results that have what it shows, that the data written for
 * gnuplot are the numbers of the result, and that what a reader has to know stands on the figure. */
#include <errno.h>
#include <math.h>

#include "cli/crossing.h"
#include "cli/figure.h"
#include "cli/path_style.h"
#include "tests/unit/results_fixture.h"

/* A figure of a result by hand: its drawings, and the files of one of them as text. */
struct fixture {
	char *file;
	struct results r;
	struct drawings d;
	struct err e;
	int ret;
	char data[20000], script[20000];
};

static void open_figure(struct fixture *f, const char *figure, const char *quoted)
{
	*f = (struct fixture){.file = fixture_file("result.json", quoted)};
	if (results_load(&f->r, (const char *const[]){f->file}, 1, false, &f->e))
		fail_msg("%s", f->e.what);
	assert_non_null(figure_find(figure));
	f->ret = drawings_add(&f->d, figure_find(figure), &f->r, &f->e);
}

static void slurp(const char *folder, const char *name, const char *ending, char *text, size_t len)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.%s", folder, name, ending);
	file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, len - 1, file)] = '\0';
	fclose(file);
	unlink(path);
}

/* Writes drawing i and reads its files back. */
static void write_drawing(struct fixture *f, unsigned int i)
{
	char folder[200];

	assert_true(i < f->d.n);
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(f->file, '/') - f->file), f->file);
	if (drawing_write(&f->d.v[i], folder, &f->e))
		fail_msg("%s", f->e.what);
	slurp(folder, f->d.v[i].name, "tsv", f->data, sizeof(f->data));
	slurp(folder, f->d.v[i].name, "gp", f->script, sizeof(f->script));
}

static void close_figure(struct fixture *f)
{
	drawings_free(&f->d);
	results_free(&f->r);
	fixture_done(f->file);
}

#define RATE(median, lo, hi) ", 'summary': {" METRIC("throughput_bytes_per_s", median, lo, hi) "}"

static void test_the_option_names_the_table(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct figure *f = figures; f->name; f++, n++) {
		char path[100];

		assert_string_equal(f->name, figure_names[n]);
		assert_true(f->title && f->needs && f->remedy && f->write);
		assert_true(f->metric ? metric_find(f->metric) != NULL : f->fits != NULL);
		snprintf(path, sizeof(path), "plots/%s.gp", f->script);
		assert_int_equal(access(path, R_OK), 0);
	}
	assert_null(figure_names[n]);
}

static void test_a_drawing_for_each_group(void **state)
{
	struct fixture f;

	(void)state;
	open_figure(
		&f, "throughput",
		RESULT(CELL("copy", "null", 65536, RATE(200, 190, 210)) "," CELL(
			"ipc", "null", 65536,
			RATE(500, 400,
			     600)) "," CELL("copy", "null", 4096,
					    RATE(100, 90,
						 110)) "," CELL("copy", "read", 4096,
								RATE(50, 40,
								     60)) "," CELL("copy", "read", 65536,
										   RATE(70, 60,
											80)) "," CELL("i"
												      "p"
												      "c",
												      "f"
												      "i"
												      "l"
												      "e",
												      4096,
												      RATE(1,
													   1,
													   1))));
	assert_int_equal(f.ret, 0);
	/* sink file has one block size only */
	assert_int_equal(f.d.n, 2);
	assert_string_equal(f.d.v[0].name, "throughput-null");
	assert_string_equal(f.d.v[1].name, "throughput-read");
	assert_string_equal(f.d.v[0].fixed,
			    "write, sink null, source memfd, depth 1, 1 client, pin split");
	write_drawing(&f, 0);
	/* in rising order of the block size; a path may lack some */
	assert_string_equal(f.data,
			    "# copy\n# x\tmedian\tlo\thi\n4096\t100\t90\t110\n65536\t200\t190\t210\n"
			    "\n\n# ipc\n# x\tmedian\tlo\thi\n65536\t500\t400\t600\n");
	assert_contains(f.script, "title_text = 'Throughput by block size'\n");
	assert_contains(f.script, "set xtics ('4k' 4096, '64k' 65536)\n");
	assert_contains(f.script, "set linetype 1 lc rgb '#000000' pt 7 dt 1");
	assert_contains(f.script, "set linetype 2 lc rgb '#d55e00' pt 15 dt 1");
	assert_contains(f.script, "lines = ' 1 2'\n");
	assert_contains(f.script, "stamp = ''\n");
	close_figure(&f);
}

static void test_what_is_missing_is_said(void **state)
{
	struct fixture f;

	(void)state;
	open_figure(&f, "throughput", RESULT(CELL("copy", "null", 65536, RATE(200, 190, 210))));
	assert_int_equal(f.ret, -ENODATA);
	assert_contains(f.e.what, "figure throughput needs two block sizes");
	assert_contains(f.e.remedy, "zcbench run --bs");
	close_figure(&f);
	/* our own copies are not all copies: no picture that says none were made */
	open_figure(&f, "copies",
		    RESULT(CELL("copy", "null", 65536,
				", 'summary': {" METRIC("declared_copy_factor", 0, 0, 0) "}")));
	assert_int_equal(f.ret, -ENODATA);
	assert_contains(f.e.what, "copies in the kernel");
	close_figure(&f);
	open_figure(&f, "limit", RESULT(""));
	assert_int_equal(f.ret, -ENODATA);
	close_figure(&f);
}

static void test_notes(void **state)
{
	struct fixture f;

	(void)state;
	open_figure(
		&f, "throughput",
		RESULT(CELL("copy", "null", 4096, RATE(1, 1, 1) ", 'path_ok': false") "," CELL(
			"copy", "null", 8192,
			RATE(1, 1,
			     1)) "," CELL("ipc", "null", 4096,
					  RATE(1, 1,
					       1) ", 'expected': {'copy_factor': 0},"
						  " 'verified': false") "," CELL("uring", "null", 4096,
										 ", 'error': "
										 "'x'") "," CELL("splic"
												 "e",
												 "null",
												 4096,
												 RATE(1,
												      1,
												      1) ", 'expected': {'copy_factor': 1}")));
	write_drawing(&f, 0);
	assert_contains(f.script, "NOT THE WAY IT CLAIMS: copy;");
	assert_contains(f.script, "bytes not verified: ipc;");
	assert_contains(f.script, "so this is no data rate: ipc;");
	assert_contains(f.script, "not in the picture: uring (failed)'");
	close_figure(&f);
}

#define EMULATED                                                                                        \
	"{'schema': 1, 'zcbench': '0', 'host': {'virtual_machine': 'tcg'}, 'cells': [" CELL(            \
		"copy", "null", 4096,                                                                   \
		", 'summary': {" METRIC("throughput_bytes_per_s", 1, 1, 1) "," METRIC(                  \
			"copy_factor", 1, 1,                                                            \
			1) "}, 'expected': {'copy_factor': 2},"                                         \
			   " 'rounds': [{'payload_bytes': 100, 'copied_bytes': {'client_user': "        \
			   "{'user': 25},"                                                              \
			   " 'fuse': {'kernel': 75}}}]") "," CELL("copy", "null", 8192,                 \
								  RATE(1, 1, 1)) "]}"

static void test_an_emulated_machine_is_stamped(void **state)
{
	struct fixture f;

	(void)state;
	open_figure(&f, "throughput", EMULATED);
	write_drawing(&f, 0);
	assert_contains(f.script, "stamp = 'emulated: times mean nothing'\n");
	close_figure(&f);
	/* counts are exact */
	open_figure(&f, "copies", EMULATED);
	assert_int_equal(f.d.n, 1);
	write_drawing(&f, 0);
	assert_contains(f.script, "stamp = ''\n");
	close_figure(&f);
}

static void test_copies_by_hop_beside_what_was_expected(void **state)
{
	struct fixture f;

	(void)state;
	open_figure(&f, "copies", EMULATED);
	write_drawing(&f, 0);
	assert_string_equal(f.data, "# path\tmedian\tlo\thi\texpected\ttext\t0\tup to client's own code"
				    "\tup to in FUSE\ncopy\t1\t1\t1\t2\t1.00\t0\t0.25\t1\n");
	assert_contains(f.script, "part_name_1 = 'client''s own code'\n");
	close_figure(&f);
}

/* Height by the median, parts by their shares in all rounds. */
static void test_cpu_parts_add_up(void **state)
{
	struct fixture f;

	(void)state;
#define CPU(cu, ck, su, sk)                                                                             \
	"{'cpu_ns': {'client': {'user': " #cu ", 'kernel': " #ck "}, 'server': {'user': " #su           \
	", 'kernel': " #sk "}}}"
	open_figure(
		&f, "cpu",
		RESULT(CELL("copy", "null", 4096,
			    ", 'rounds': [" CPU(1, 2, 0, 5) "," CPU(3, 2, 0, 7) "], 'summary': {" METRIC(
				    "cpu_ns_per_kib", 200, 150, 300) "}")));
	write_drawing(&f, 0);
	/* 4 of 20, 4 of 20, none, 12 of 20; what is nowhere is not in the legend */
	assert_contains(f.data, "\tup to client, user\tup to client, kernel\tup to server, kernel\n");
	assert_contains(f.data, "copy\t200\t150\t300\tNaN\t200\t0\t40\t80\t200\n");
	assert_contains(f.script, "parts = 3\nexpects = 0\n");
	close_figure(&f);
}

/* 100 operations: half of them took 100 ns, half 200 ns. */
#define HISTOGRAM(n) "{'ops': 100, 'latency_ns': {'min': 100, 'max': 200}, 'latency_histogram': " n "}"

static void test_percentiles_are_medians_over_rounds(void **state)
{
	struct fixture f;

	(void)state;
	open_figure(
		&f, "latency",
		RESULT(CELL(
			"ipc", "null", 4096,
			", 'rounds': [" HISTOGRAM("[[100, 50], [200, 50]]") "," HISTOGRAM(
				"[[100, "
				"100]]") "," HISTOGRAM("[[100, 50], [200, 50]]") "],"
										 "'summary': {" METRIC(
											 "latency_p50_"
											 "ns",
											 100, 100,
											 100) "," METRIC("latency_p999_ns",
													 200,
													 100,
													 200) "}")));
	assert_int_equal(f.ret, 0);
	write_drawing(&f, 0);
	assert_contains(f.data, "\n0\t100\n");
	assert_contains(f.data, "\n0.28\t100\n");
	assert_contains(f.data, "\n0.32\t200\n");
	assert_contains(f.data, "\n0.98\t200\n");
	/* fewer than ten operations lie beyond */
	assert_null(strstr(f.data, "\n1.02\t"));
	assert_contains(f.data, "\n0.30103\t100\t100\t100\n");
	assert_null(strstr(f.data, "\n3\t"));
	close_figure(&f);
	/* too few operations for a curve */
	open_figure(&f, "latency",
		    RESULT(CELL("ipc", "null", 4096,
				", 'rounds': [{'ops': 19, 'latency_histogram': [[100, 19]]}]")));
	assert_int_equal(f.ret, -ENODATA);
	close_figure(&f);
}

/* Five rounds: a and e are the lowest and the highest. */
#define ONE(rate) "{'throughput_bytes_per_s': " #rate "}"
#define ROUNDS(a, b, c, d, e)                                                                           \
	RATE(1, 1, 1)                                                                                   \
	", 'rounds': [" ONE(a) "," ONE(b) "," ONE(c) "," ONE(d) "," ONE(e) "]"

static void test_crossover(void **state)
{
	struct fixture f;

	(void)state;
	open_figure(
		&f, "crossover",
		RESULT(CELL("copy", "null", 4096, ROUNDS(100, 200, 400, 800, 1600)) "," CELL(
			"copy", "null", 8192,
			ROUNDS(100, 100, 100, 100,
			       100)) "," CELL("copy", "null", 65536,
					      ROUNDS(100, 100, 100, 100,
						     100)) "," CELL("ipc", "null", 4096,
								    ROUNDS(50, 100, 200, 400,
									   800)) "," CELL("ipc", "null",
											  8192,
											  ROUNDS(90, 95,
												 100,
												 105,
												 110)) "," CELL("ipc",
														"null",
														65536,
														ROUNDS(200,
														       400,
														       300,
														       300,
														       300))));
	assert_int_equal(f.ret, 0);
	write_drawing(&f, 0);
	/* rounds are paired: at 4k the ratio is the same in all of them */
	assert_string_equal(f.data, "# ipc\n# x\tratio\tlo\thi\n4096\t0.5\t0.5\t0.5\n8192\t1\t0.9\t1.1\n"
				    "65536\t3\t2\t4\n# ipc: overtakes at 4k..64k\n");
	assert_contains(f.script, "lines = ' 2'\n");
	close_figure(&f);
	/* nothing to compare with: found out when it is written */
	open_figure(&f, "crossover",
		    RESULT(CELL("copy", "null", 4096, RATE(1, 1, 1)) "," CELL(
			    "copy", "null", 8192, RATE(1, 1, 1)) "," CELL("copy", "null", 65536,
									  RATE(1, 1, 1))));
	assert_int_equal(f.ret, 0);
	assert_int_equal(drawing_write(&f.d.v[0], "/tmp", &f.e), -ENODATA);
	assert_contains(f.e.what, "two paths");
	assert_int_equal(access("/tmp/crossover.tsv", F_OK), -1);
	close_figure(&f);
}

static void test_crossings(void **state)
{
	/* x, the interval, and from how many rounds */
	const struct ratio r[] = {
		{1, {0.5, 0.4, 0.6}, 5}, {2, {1, 0.9, 1.1}, 5},    {4, {2, 1.5, 3}, 5},
		{8, {1.1, 0.5, 2}, 5},   {16, {0.5, 0.4, 0.9}, 5}, {32, {0.5, 0.4, 0.9}, 4},
	};
	struct crossing c;

	(void)state;
	crossing_find(r, 1, &c);
	assert_true(c.side == -1 && !c.crosses && c.shown == 1);
	crossing_find(r + 1, 1, &c);
	assert_true(c.side == 0 && !c.crosses && c.shown == 0);
	crossing_find(r, 4, &c);
	assert_true(c.side == 1 && c.crosses && c.shown == 2 && !c.few_rounds);
	assert_double(c.lo, 1);
	assert_double(c.hi, 4);
	/* there and back: nothing is claimed */
	crossing_find(r, 5, &c);
	assert_true(c.side == 0 && !c.crosses);
	/* three rounds can all lie on one side by chance */
	crossing_find(r + 5, 1, &c);
	assert_true(c.side == 0 && c.few_rounds);
}

static void test_dots(void **state)
{
	struct fixture f;

	(void)state;
	open_figure(&f, "sinks",
		    RESULT(CELL("copy", "null", 4096, RATE(100, 90, 110)) "," CELL(
			    "ipc", "null", 4096, RATE(500, 400, 600)) "," CELL("copy", "read", 4096,
									       RATE(50, 40, 60))));
	write_drawing(&f, 0);
	assert_string_equal(f.d.v[0].fixed,
			    "write, 4k blocks, source memfd, depth 1, 1 client, pin split");
	assert_string_equal(
		f.data, "# sink null\n# row\tmedian\tlo\thi\n2.25\t100\t90\t110\n1.25\t500\t400\t600\n"
			"\n\n# sink read\n# row\tmedian\tlo\thi\n1.75\t50\t40\t60\n");
	assert_contains(f.script, "group_name_2 = 'sink read'\n");
	assert_contains(f.script, "set ytics ('copy' 2, 'ipc' 1)\n");
	close_figure(&f);
}

static void test_a_name_cannot_leave_the_folder_or_the_script(void **state)
{
	struct fixture f;

	(void)state;
	open_figure(&f, "throughput",
		    RESULT(CELL("copy", "null", 4096, RATE(1, 1, 1)) "," CELL(
			    "copy", "null", 8192,
			    RATE(1, 1, 1)) "," CELL("copy", "../it\\u0027s", 4096,
						    RATE(1, 1, 1)) "," CELL("copy", "../it\\u0027s",
									    8192, RATE(1, 1, 1))));
	assert_int_equal(f.d.n, 2);
	assert_string_equal(f.d.v[1].name, "throughput-it_s");
	write_drawing(&f, 1);
	assert_contains(f.script, "fixed = 'write, sink ../it''s, source");
	close_figure(&f);
}

static void ticks(struct axis a, const char *unit, const char *want)
{
	double v[AXIS_TICKS];
	size_t n = axis_ticks(&a, unit, v, AXIS_TICKS);
	char text[400] = "", label[40];

	for (size_t i = 0; i < n; i++) {
		strcat(text, i ? ", " : "");
		strcat(text, axis_tick_label(label, sizeof(label), v[i], unit));
	}
	assert_string_equal(text, want);
}

static void test_ticks(void **state)
{
	(void)state;
	ticks((struct axis){true, 20e6, 30e9}, "bytes/s",
	      "64 MiB/s, 256 MiB/s, 1 GiB/s, 4 GiB/s, 16 GiB/s");
	ticks((struct axis){true, 90, 2e6}, "ns", "100 ns, 1 us, 10 us, 100 us, 1 ms");
	ticks((struct axis){true, 150, 700}, "ns", "200 ns, 500 ns");
	ticks((struct axis){true, 0.4, 5}, "ratio", "1/2, 1x, 2x, 4x");
	ticks((struct axis){false, 0, 0.52}, "1", "0, 0.1, 0.2, 0.3, 0.4, 0.5");
	ticks((struct axis){false, 0, 1.1e9}, "bytes/s",
	      "0 B/s, 256 MiB/s, 512 MiB/s, 768 MiB/s, 1 GiB/s");
	ticks((struct axis){false, 0, 41e9}, "bytes/s", "0 B/s, 8 GiB/s, 16 GiB/s, 24 GiB/s, 32 GiB/s");
	ticks((struct axis){false, -20, 65}, "ns/line", "-20, 0, 20, 40, 60");
}

static void test_labels_do_not_cover_each_other(void **state)
{
	double close[] = {0.5, 0.5, 0.51}, top[] = {1, 0.99, 0.2};

	(void)state;
	axis_spread(close, 3, 0.1);
	assert_true(close[2] - close[1] > 0.099 && close[1] - close[0] > 0.099);
	assert_true(close[0] > 0.35 && close[2] < 0.65);
	axis_spread(top, 3, 0.1);
	assert_true(top[0] <= 1 && top[0] - top[1] > 0.099);
	assert_double(top[2], 0.2);
}

static void test_a_path_looks_the_same_everywhere(void **state)
{
	(void)state;
	assert_string_equal(path_style("ipc")->colour, path_style("ipc")->colour);
	assert_string_not_equal(path_style("ipc")->colour, path_style("copy")->colour);
	assert_null(path_style("a-new-path")->path);
	/* what differs by colour differs by marker too, for grey print */
	for (const struct path_style *a = path_style("copy"); a->path; a++)
		for (const struct path_style *b = a + 1; b->path; b++) {
			assert_string_not_equal(a->colour, b->colour);
			assert_int_not_equal(a->marker, b->marker);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_option_names_the_table),
		cmocka_unit_test(test_a_drawing_for_each_group),
		cmocka_unit_test(test_what_is_missing_is_said),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_an_emulated_machine_is_stamped),
		cmocka_unit_test(test_copies_by_hop_beside_what_was_expected),
		cmocka_unit_test(test_cpu_parts_add_up),
		cmocka_unit_test(test_percentiles_are_medians_over_rounds),
		cmocka_unit_test(test_crossover),
		cmocka_unit_test(test_crossings),
		cmocka_unit_test(test_dots),
		cmocka_unit_test(test_a_name_cannot_leave_the_folder_or_the_script),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_labels_do_not_cover_each_other),
		cmocka_unit_test(test_a_path_looks_the_same_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
