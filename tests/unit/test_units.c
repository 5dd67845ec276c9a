// SPDX-License-Identifier: MIT
/* Proves that sizes, times and numbers are read exactly or refused with the right errno, that a
 * formatted size reads back as itself, and that times and rates are rounded to three digits. */
#include <errno.h>

#include "lib/units.h"
#include "tests/unit/unit.h"

#define UNTOUCHED 0x5a5a5a5a5a5a5a5aULL

struct parse_case {
	const char *text;
	uint64_t value; /* where ret is 0 */
	int ret;
};

static void check_parse(const char *name, int (*parse)(const char *, uint64_t *),
			const struct parse_case *cases, size_t n)
{
	for (const struct parse_case *c = cases; c < cases + n; c++) {
		uint64_t want = c->ret ? UNTOUCHED : c->value, got = UNTOUCHED;
		int ret = parse(c->text, &got);

		if (ret != c->ret || got != want)
			fail_msg("%s(\"%s\"): %d and %llu, not %d and %llu", name, c->text, ret,
				 (unsigned long long)got, c->ret, (unsigned long long)want);
	}
}

static void test_parse_size(void **state)
{
	/* clang-format off */
	static const struct parse_case cases[] = {
		{"0", 0}, {"1", 1}, {"4096", 4096}, {"007", 7},
		{"512b", 512}, {"512B", 512}, {"0k", 0}, {"4k", 4096},
		{"4K", 4096}, {"4kb", 4096}, {"4KB", 4096}, {"4kB", 4096},
		{"4Kb", 4096}, {"4kib", 4096}, {"4KiB", 4096}, {"4KIB", 4096},
		{"3m", 3145728}, {"3M", 3145728}, {"3mb", 3145728}, {"3MiB", 3145728},
		{"5g", 5ull << 30}, {"5G", 5ull << 30}, {"5gb", 5ull << 30}, {"5GiB", 5ull << 30},
		{"2t", 1ull << 41}, {"2T", 1ull << 41}, {"2tb", 1ull << 41}, {"2TIB", 1ull << 41},
		{"1536k", 1572864}, {"1000000", 1000000},
	};
	/* clang-format on */

	(void)state;
	check_parse("parse_size", parse_size, cases, ARRAY_SIZE(cases));
}

static void test_parse_size_refuses_garbage(void **state)
{
	/* clang-format off */
	static const char *const texts[] = {
		"", "-1", "+1", "4x", "1.5k", "0x10", " 4k", "4 k", "4kk", "4k ", "k",
		"ib", "b", "4ib", "4ki", "4bb", "4bk", "4kbb", "4kbi", "4i", "4p", "1e3",
		"four", "4k,8k", "4kibb", "\t4k", "4\n", "4kibi", "1,000", "4k4", "-", ".",
		"auto",
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		check_parse("parse_size", parse_size, &(struct parse_case){texts[i], .ret = -EINVAL}, 1);
}

static void test_parse_size_fits_in_63_bits(void **state)
{
	static const struct parse_case cases[] = {
		{"9223372036854775807", INT64_MAX},
		{"9223372036854775808", .ret = -ERANGE},
		{"18446744073709551615", .ret = -ERANGE},
		{"18446744073709551616", .ret = -ERANGE},
		{"99999999999999999999999999999999999k", .ret = -ERANGE},
		{"9007199254740991k", (uint64_t)INT64_MAX - 1023},
		{"9007199254740992k", .ret = -ERANGE},
		{"8796093022207m", 8796093022207ull << 20},
		{"8796093022208m", .ret = -ERANGE},
		{"8589934591g", 8589934591ull << 30},
		{"8589934592g", .ret = -ERANGE},
		{"8388607t", 8388607ull << 40},
		{"8388608t", .ret = -ERANGE},
		{"8388608TiB", .ret = -ERANGE},
	};

	(void)state;
	check_parse("parse_size", parse_size, cases, ARRAY_SIZE(cases));
}

static void test_parse_time(void **state)
{
	static const struct parse_case cases[] = {
		{"0", 0},
		{"1", 1000000000},
		{"5ns", 5},
		{"250us", 250000},
		{"100ms", 100000000},
		{"1s", 1000000000},
		{"2m", 120000000000},
		{"2min", 120000000000},
		{"1h", 3600000000000},
		{"5NS", 5},
		{"250Us", 250000},
		{"100MS", 100000000},
		{"1S", 1000000000},
		{"2M", 120000000000},
		{"2Min", 120000000000},
		{"1H", 3600000000000},
		{"0.5s", 500000000},
		{"0.5", 500000000},
		{"1.", 1000000000},
		{"1.5h", 5400000000000},
		{"0.25us", 250},
		{"0.000000001", 1},
		{"0.4ns", 0},
		{"0.6ns", 1},
		{"007ms", 7000000},
	};

	(void)state;
	check_parse("parse_time", parse_time, cases, ARRAY_SIZE(cases));
}

static void test_parse_time_refuses_garbage(void **state)
{
	/* clang-format off */
	static const char *const texts[] = {
		"", "-1", "-1s", "+1s", "1e3", "1e3s", "inf", "nan", "infinity", "0x10",
		" 1s", "1 s", "1s ", "1..5", ".5s", ".", "1.2.3s", "s", "ms", "1d",
		"1sec", "1mss", "1,5s", "1k", "1sm", "1s1s", "auto", "1mins", "1\n",
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		check_parse("parse_time", parse_time, &(struct parse_case){texts[i], .ret = -EINVAL}, 1);
}

static void test_parse_time_range(void **state)
{
	static const struct parse_case cases[] = {
		{"1000000000s", 1000000000000000000},
		{"1000000001s", .ret = -ERANGE},
		{"277777h", 999997200000000000},
		{"277778h", .ret = -ERANGE},
		{"9999999999999999999999999999s", .ret = -ERANGE},
		{"99999999999999999999999999999999999999999999s", .ret = -ERANGE},
	};

	(void)state;
	check_parse("parse_time", parse_time, cases, ARRAY_SIZE(cases));
}

static int uint_10_to_20(const char *text, uint64_t *value)
{
	return parse_uint(text, 10, 20, value);
}

static int uint_any(const char *text, uint64_t *value)
{
	return parse_uint(text, 0, UINT64_MAX, value);
}

static void test_parse_uint(void **state)
{
	static const struct parse_case range[] = {
		{"10", 10},
		{"20", 20},
		{"015", 15},
		{"9", .ret = -ERANGE},
		{"21", .ret = -ERANGE},
		{"99999999999999999999", .ret = -ERANGE},
	};
	static const struct parse_case any[] = {
		{"0", 0},
		{"18446744073709551615", UINT64_MAX},
		{"18446744073709551616", .ret = -ERANGE},
	};
	static const char *const garbage[] = {"",   "-1", "+1", "1.0", "1k", "0x1",
					      " 1", "1 ", "x",  "1e3", "1,2"};

	(void)state;
	check_parse("parse_uint 10..20", uint_10_to_20, range, ARRAY_SIZE(range));
	check_parse("parse_uint", uint_any, any, ARRAY_SIZE(any));
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		check_parse("parse_uint", uint_any, &(struct parse_case){garbage[i], .ret = -EINVAL}, 1);
}

static void test_format_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "1"},
		{1023, "1023"},
		{1024, "1k"},
		{1025, "1025"},
		{1536, "1536"},
		{4096, "4k"},
		{65536, "64k"},
		{1048575, "1048575"},
		{1048576, "1m"},
		{1572864, "1536k"},
		{1ull << 30, "1g"},
		{1ull << 40, "1t"},
		{1ull << 50, "1024t"},
		{1ull << 62, "4194304t"},
		{INT64_MAX, "9223372036854775807"},
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(format_size(buf, sizeof(buf), cases[i].bytes), cases[i].text);
	/* a buffer that is too small cuts the text, and nothing beyond it is written */
	memset(buf, '#', sizeof(buf));
	assert_string_equal(format_size(buf, 4, 123456), "123");
	assert_int_equal(buf[4], '#');
}

static void round_trip(uint64_t bytes)
{
	uint64_t back = UNTOUCHED;
	char buf[32];
	int ret = parse_size(format_size(buf, sizeof(buf), bytes), &back);

	if (ret || back != bytes)
		fail_msg("%llu is written as %s, which reads back as %llu (%d)",
			 (unsigned long long)bytes, buf, (unsigned long long)back, ret);
}

static void test_format_size_reads_back(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (uint64_t v = 0; v < 10000; v++)
		round_trip(v);
	for (unsigned int shift = 0; shift < 63; shift++) {
		round_trip(1ull << shift);
		round_trip((1ull << shift) - 1);
		round_trip((1ull << shift) + 1);
	}
	/* every magnitude, and every number of zero bits at the end */
	for (int i = 0; i < 100000; i++) {
		uint64_t v = random64(&seed) >> (1 + random64(&seed) % 63);

		round_trip(v);
		round_trip(v & ~0ull << random64(&seed) % 63);
	}
	round_trip(INT64_MAX);
}

struct format_case {
	double value;
	const char *text;
};

static void check_format(char *(*format)(char *, size_t, double), const struct format_case *cases,
			 size_t n)
{
	char buf[32];

	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(format(buf, sizeof(buf), cases[i].value), buf);
		if (strcmp(buf, cases[i].text))
			fail_msg("%.17g is written as '%s', not '%s'", cases[i].value, buf,
				 cases[i].text);
	}
}

static void test_format_time(void **state)
{
	/* clang-format off */
	static const struct format_case cases[] = {
		{0, "0.00 ns"}, {1, "1.00 ns"}, {9.994, "9.99 ns"}, {9.996, "10.0 ns"},
		{12.34, "12.3 ns"}, {99.94, "99.9 ns"}, {99.96, "100 ns"}, {850, "850 ns"},
		{999.4, "999 ns"}, {999.6, "1.00 us"}, {1000, "1.00 us"}, {12345, "12.3 us"},
		{999.4e3, "999 us"}, {999.6e3, "1.00 ms"}, {4.56e6, "4.56 ms"}, {999.4e6, "999 ms"},
		{999.6e6, "1.00 s"}, {1.2e9, "1.20 s"}, {59.96e9, "60.0 s"}, {999.6e9, "1000 s"},
		{3600e9, "3600 s"}, {0.5, "0.50 ns"},
	};
	/* clang-format on */

	(void)state;
	check_format(format_time, cases, ARRAY_SIZE(cases));
}

static void test_format_rate(void **state)
{
	const double k = 1024, m = k * 1024, g = m * 1024, t = g * 1024;
	/* clang-format off */
	const struct format_case cases[] = {
		{0, "0.00 B/s"}, {1, "1.00 B/s"}, {999.4, "999 B/s"},
		{999.6, "0.98 KiB/s"}, {1000, "0.98 KiB/s"}, {1023, "1.00 KiB/s"},
		{k, "1.00 KiB/s"}, {9.994 * k, "9.99 KiB/s"}, {9.996 * k, "10.0 KiB/s"},
		{999.4 * k, "999 KiB/s"}, {999.6 * k, "0.98 MiB/s"}, {1023.9 * k, "1.00 MiB/s"},
		{118 * m, "118 MiB/s"}, {999.6 * m, "0.98 GiB/s"}, {3.42 * g, "3.42 GiB/s"},
		{99.96 * g, "100 GiB/s"}, {999.6 * g, "0.98 TiB/s"}, {2.5 * t, "2.50 TiB/s"},
		{5000 * t, "5000 TiB/s"},
	};
	/* clang-format on */

	(void)state;
	check_format(format_rate, cases, ARRAY_SIZE(cases));
}

/* The unit is that of the value between them, whatever they are themselves. */
static void test_format_rate_interval(void **state)
{
	const double m = 1 << 20, g = 1 << 30;
	const struct {
		double lo, hi, like;
		const char *text;
	} cases[] = {
		{3.38 * g, 3.51 * g, 3.42 * g, "3.38 .. 3.51"},
		{118 * m, 1023 * m, 500 * m, "118 .. 1023"},
		{118 * m, 1536 * m, 999.4 * m, "118 .. 1536"},
		{512 * m, 1536 * m, 999.6 * m, "0.50 .. 1.50"},
		{9.994 * g, 99.96 * g, 12 * g, "9.99 .. 100"},
		{0, 9, 5, "0.00 .. 9.00"},
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_ptr_equal(
			format_rate_interval(buf, sizeof(buf), cases[i].lo, cases[i].hi, cases[i].like),
			buf);
		assert_string_equal(buf, cases[i].text);
	}
}

static void test_parse_share(void **state)
{
	static const struct {
		const char *text;
		double value;
		int ret;
	} cases[] = {
		{"5%", 0.05, 0},      {"0.5%", 0.005, 0},  {"100%", 1, 0},       {"0%", 0, 0},
		{"0.25", 0.25, 0},    {"1", 1, 0},         {".5", 0.5, 0},       {"0", 0, 0},
		{"101%", 0, -ERANGE}, {"2", 0, -ERANGE},   {"", 0, -EINVAL},     {"%", 0, -EINVAL},
		{"5 %", 0, -EINVAL},  {"-5%", 0, -EINVAL}, {"1e-2", 0, -EINVAL}, {"0x1", 0, -EINVAL},
		{"5%%", 0, -EINVAL},  {"nan", 0, -EINVAL}, {".", 0, -EINVAL},    {"1.2.3", 0, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double got = -1;

		assert_int_equal(parse_share(cases[i].text, &got), cases[i].ret);
		assert_double(got, cases[i].ret ? -1 : cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_share),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_parse_size_refuses_garbage),
		cmocka_unit_test(test_parse_size_fits_in_63_bits),
		cmocka_unit_test(test_parse_time),
		cmocka_unit_test(test_parse_time_refuses_garbage),
		cmocka_unit_test(test_parse_time_range),
		cmocka_unit_test(test_parse_uint),
		cmocka_unit_test(test_format_size),
		cmocka_unit_test(test_format_size_reads_back),
		cmocka_unit_test(test_format_time),
		cmocka_unit_test(test_format_rate),
		cmocka_unit_test(test_format_rate_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
