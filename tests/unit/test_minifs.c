// SPDX-License-Identifier: MIT
/* Proves that the file system which all servers share has the names, attributes and sizes that it
 * should, that no file grows beyond its limit, and that what is refused changes nothing. */
#include <errno.h>
#include <linux/fuse.h>
#include <unistd.h>

#include "servers/minifs.h"
#include "tests/unit/unit.h"

#define FILES 12
#define SIZE  100000

#define FIRST  MINIFS_FIRST_INO
#define LAST   (MINIFS_FIRST_INO + FILES - 1)
#define NO_INO (MINIFS_FIRST_INO + FILES)

static struct minifs fs;

static int start(void **state)
{
	(void)state;
	return minifs_init(&fs, FILES, SIZE);
}

static int stop(void **state)
{
	(void)state;
	minifs_free(&fs);
	return 0;
}

static struct stat stat_of(uint64_t ino)
{
	struct stat st;

	assert_int_equal(minifs_stat(&fs, ino, &st), 0);
	return st;
}

static void test_init_refuses(void **state)
{
	struct minifs other;

	(void)state;
	assert_int_equal(minifs_init(&other, 0, SIZE), -EINVAL);
	assert_int_equal(minifs_init(&other, MINIFS_FILES_MAX + 1, SIZE), -EINVAL);
	assert_int_equal(minifs_init(&other, 1, 0), -EINVAL);
	assert_int_equal(minifs_init(&other, MINIFS_FILES_MAX, 1), 0);
	minifs_free(&other);
}

static void test_lookup(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		uint64_t ino; /* 0: there is none */
	} cases[] = {
		{"data0", FIRST}, {"data1", FIRST + 1}, {"data9", FIRST + 9},
		{"data10", FIRST + 10},
		{"data11", LAST}, {"data12", 0}, {"data999", 0}, {"data", 0},
		{"data00", 0}, {"data01", 0}, {"dataX", 0}, {"data-1", 0},
		{"data+1", 0}, {"data 1", 0}, {"data1 ", 0}, {"data1x", 0},
		{"data0x1", 0}, {"Data1", 0}, {"dat", 0}, {"xdata1", 0},
		{"", 0}, {".", 0}, {"1", 0}, {"data1.0", 0},
		{"data4294967296", 0}, {"data18446744073709551616", 0},
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ino = 0;
		int ret = minifs_lookup(&fs, MINIFS_ROOT_INO, cases[i].name, &ino);

		if (ret != (cases[i].ino ? 0 : -ENOENT) || ino != cases[i].ino)
			fail_msg("'%s': %d, inode %d", cases[i].name, ret, (int)ino);
	}
}

static void test_lookup_below_a_file(void **state)
{
	uint64_t ino;

	(void)state;
	assert_int_equal(minifs_lookup(&fs, FIRST, "data0", &ino), -ENOTDIR);
	assert_int_equal(minifs_dirent(&fs, FIRST, &(uint64_t){0}, &ino, &(mode_t){0}, (char[8]){0}, 8),
			 -ENOTDIR);
}

static void test_file_numbers(void **state)
{
	(void)state;
	assert_int_equal(minifs_file(&fs, 0), -1);
	assert_int_equal(minifs_file(&fs, MINIFS_ROOT_INO), -1);
	assert_int_equal(minifs_file(&fs, FIRST), 0);
	assert_int_equal(minifs_file(&fs, LAST), FILES - 1);
	assert_int_equal(minifs_file(&fs, NO_INO), -1);
	assert_int_equal(minifs_file(&fs, UINT64_MAX), -1);
}

static void test_stat(void **state)
{
	struct stat root = stat_of(MINIFS_ROOT_INO), file = stat_of(LAST), st;

	(void)state;
	assert_int_equal(root.st_ino, MINIFS_ROOT_INO);
	assert_int_equal(root.st_mode, S_IFDIR | 0700);
	assert_int_equal(root.st_nlink, 2);
	assert_int_equal(file.st_ino, LAST);
	assert_int_equal(file.st_mode, S_IFREG | 0600);
	assert_int_equal(file.st_nlink, 1);
	assert_int_equal(file.st_uid, geteuid());
	assert_int_equal(file.st_gid, getegid());
	assert_int_equal(file.st_size, SIZE);
	assert_int_equal(file.st_blocks, 196); /* 195.3 sectors */
	assert_int_equal(file.st_blksize, 4096);
	assert_int_equal(minifs_stat(&fs, 0, &st), -ENOENT);
	assert_int_equal(minifs_stat(&fs, NO_INO, &st), -ENOENT);
	assert_int_equal(minifs_stat(&fs, UINT64_MAX, &st), -ENOENT);
}

static void test_setattr_of_everything(void **state)
{
	const struct stat want = {
		.st_mode = S_IFDIR | S_ISUID | 0644, /* the type is not the caller's to change */
		.st_uid = 12,
		.st_gid = 34,
		.st_size = 5000,
		.st_atim = {100, 1},
		.st_mtim = {200, 2},
	};
	struct stat st;

	(void)state;
	assert_int_equal(minifs_setattr(&fs, FIRST, &want,
					FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE | FATTR_ATIME |
						FATTR_MTIME),
			 0);
	st = stat_of(FIRST);
	assert_int_equal(st.st_mode, S_IFREG | S_ISUID | 0644);
	assert_int_equal(st.st_uid, 12);
	assert_int_equal(st.st_gid, 34);
	assert_int_equal(st.st_size, 5000);
	assert_int_equal(st.st_atim.tv_sec, 100);
	assert_int_equal(st.st_atim.tv_nsec, 1);
	assert_int_equal(st.st_mtim.tv_sec, 200);
	assert_int_equal(st.st_mtim.tv_nsec, 2);
	assert_int_equal(stat_of(FIRST + 1).st_size, SIZE); /* its neighbour is another file */
}

static void test_setattr_of_one_thing(void **state)
{
	const struct stat want = {.st_mode = 0444, .st_uid = 12, .st_gid = 34, .st_size = 5};
	struct stat before = stat_of(FIRST), after;

	(void)state;
	assert_int_equal(minifs_setattr(&fs, FIRST, &want, FATTR_GID), 0);
	after = stat_of(FIRST);
	assert_int_equal(after.st_gid, 34);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_size, before.st_size);
	assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof(after.st_mtim));
	assert_memory_equal(&after.st_atim, &before.st_atim, sizeof(after.st_atim));
}

static void test_setattr_times_to_now(void **state)
{
	const struct stat old = {.st_atim = {100, 1}, .st_mtim = {200, 2}};
	time_t now = time(NULL);

	(void)state;
	assert_int_equal(minifs_setattr(&fs, FIRST, &old, FATTR_ATIME | FATTR_MTIME), 0);
	assert_int_equal(minifs_setattr(&fs, FIRST, &old, FATTR_ATIME | FATTR_ATIME_NOW), 0);
	assert_in_range(stat_of(FIRST).st_atim.tv_sec, now - 1, now + 60);
	assert_int_equal(stat_of(FIRST).st_mtim.tv_sec, 200);
	assert_int_equal(minifs_setattr(&fs, FIRST, &old, FATTR_MTIME | FATTR_MTIME_NOW), 0);
	assert_in_range(stat_of(FIRST).st_mtim.tv_sec, now - 1, now + 60);
	/* a new size is a change of the contents */
	assert_int_equal(minifs_setattr(&fs, FIRST, &old, FATTR_MTIME), 0);
	assert_int_equal(minifs_setattr(&fs, FIRST, &old, FATTR_SIZE), 0);
	assert_in_range(stat_of(FIRST).st_mtim.tv_sec, now - 1, now + 60);
}

static void test_size_limits(void **state)
{
	(void)state;
	assert_int_equal(minifs_setattr(&fs, FIRST, &(struct stat){.st_size = 0}, FATTR_SIZE), 0);
	assert_int_equal(stat_of(FIRST).st_size, 0);
	assert_int_equal(minifs_setattr(&fs, FIRST, &(struct stat){.st_size = SIZE}, FATTR_SIZE), 0);
	assert_int_equal(stat_of(FIRST).st_size, SIZE);
}

static void refused(uint64_t ino, int want, off_t size)
{
	const struct stat st = {.st_mode = 0444, .st_uid = 12, .st_size = size};
	const struct stat old = {.st_mtim = {200, 2}};
	struct stat before, after;

	assert_int_equal(minifs_setattr(&fs, ino, &old, FATTR_MTIME), 0);
	before = stat_of(ino);
	assert_int_equal(minifs_setattr(&fs, ino, &st, FATTR_SIZE | FATTR_MODE | FATTR_UID), want);
	after = stat_of(ino);
	assert_memory_equal(&after, &before, sizeof(after));
}

static void test_a_refused_size_changes_nothing(void **state)
{
	(void)state;
	refused(FIRST, -EFBIG, SIZE + 1);
	refused(FIRST, -EFBIG, -1);
	refused(MINIFS_ROOT_INO, -EISDIR, 0);
	assert_int_equal(minifs_setattr(&fs, NO_INO, &(struct stat){0}, FATTR_SIZE), -ENOENT);
}

static void test_directory_entries(void **state)
{
	char name[32], want[32];
	uint64_t ino, found;
	mode_t mode;

	(void)state;
	assert_int_equal(
		minifs_dirent(&fs, MINIFS_ROOT_INO, &(uint64_t){0}, &ino, &mode, name, sizeof(name)), 0);
	assert_string_equal(name, ".");
	assert_int_equal(ino, MINIFS_ROOT_INO);
	assert_int_equal(mode, S_IFDIR);
	assert_int_equal(
		minifs_dirent(&fs, MINIFS_ROOT_INO, &(uint64_t){1}, &ino, &mode, name, sizeof(name)), 0);
	assert_string_equal(name, "..");
	assert_int_equal(mode, S_IFDIR);
	for (unsigned int i = 0; i < FILES; i++) {
		assert_int_equal(minifs_dirent(&fs, MINIFS_ROOT_INO, &(uint64_t){2 + i}, &ino, &mode,
					       name, sizeof(name)),
				 0);
		snprintf(want, sizeof(want), "data%u", i);
		assert_string_equal(name, want);
		assert_int_equal(mode, S_IFREG);
		assert_int_equal(minifs_lookup(&fs, MINIFS_ROOT_INO, name, &found), 0);
		assert_int_equal(found, ino);
	}
	assert_int_equal(minifs_dirent(&fs, MINIFS_ROOT_INO, &(uint64_t){2 + FILES}, &ino, &mode, name,
				       sizeof(name)),
			 -ENOENT);
	assert_int_equal(minifs_dirent(&fs, MINIFS_ROOT_INO, &(uint64_t){UINT64_MAX}, &ino, &mode, name,
				       sizeof(name)),
			 -ENOENT);
}

static void truncate_to(off_t size)
{
	assert_int_equal(minifs_setattr(&fs, FIRST, &(struct stat){.st_size = size}, FATTR_SIZE), 0);
}

static void test_writes_end_at_the_limit(void **state)
{
	(void)state;
	assert_int_equal(minifs_write_range(&fs, FIRST, 0, 4096), 4096);
	assert_int_equal(minifs_write_range(&fs, FIRST, 0, SIZE), SIZE);
	assert_int_equal(minifs_write_range(&fs, FIRST, 0, SIZE + 1), SIZE);
	assert_int_equal(minifs_write_range(&fs, FIRST, SIZE - 1, 4096), 1);
	assert_int_equal(minifs_write_range(&fs, FIRST, 1, UINT64_MAX), SIZE - 1);
	assert_int_equal(minifs_write_range(&fs, FIRST, SIZE, 1), -EFBIG);
	assert_int_equal(minifs_write_range(&fs, FIRST, UINT64_MAX, UINT64_MAX), -EFBIG);
	assert_int_equal(stat_of(FIRST).st_size, SIZE);
}

static void test_writes_grow_the_file(void **state)
{
	(void)state;
	truncate_to(10);
	assert_int_equal(minifs_write_range(&fs, FIRST, 0, 10), 10);
	assert_int_equal(stat_of(FIRST).st_size, 10);
	assert_int_equal(minifs_write_range(&fs, FIRST, 5, 6), 6);
	assert_int_equal(stat_of(FIRST).st_size, 11);
	assert_int_equal(minifs_write_range(&fs, FIRST, 3, 2), 2);
	assert_int_equal(stat_of(FIRST).st_size, 11);
	assert_int_equal(minifs_write_range(&fs, FIRST, 5000, 100), 100); /* a hole before it */
	assert_int_equal(stat_of(FIRST).st_size, 5100);
	assert_int_equal(minifs_write_range(&fs, FIRST, SIZE - 5, 100), 5);
	assert_int_equal(stat_of(FIRST).st_size, SIZE);
	assert_int_equal(stat_of(FIRST + 1).st_size, SIZE);
}

/* write(2): nothing written, nothing extended. */
static void test_an_empty_write_does_not_grow_it(void **state)
{
	(void)state;
	truncate_to(10);
	assert_int_equal(minifs_write_range(&fs, FIRST, 500, 0), 0);
	assert_int_equal(stat_of(FIRST).st_size, 10);
}

static void test_reads_end_at_the_end(void **state)
{
	(void)state;
	truncate_to(1000);
	assert_int_equal(minifs_read_range(&fs, FIRST, 0, 1000), 1000);
	assert_int_equal(minifs_read_range(&fs, FIRST, 0, 1001), 1000);
	assert_int_equal(minifs_read_range(&fs, FIRST, 999, 4096), 1);
	assert_int_equal(minifs_read_range(&fs, FIRST, 1000, 4096), 0);
	assert_int_equal(minifs_read_range(&fs, FIRST, UINT64_MAX, UINT64_MAX), 0);
	assert_int_equal(minifs_read_range(&fs, FIRST, 1, UINT64_MAX), 999);
	assert_int_equal(minifs_read_range(&fs, FIRST, 5, 0), 0);
	assert_int_equal(minifs_write_range(&fs, FIRST, 1000, 24), 24);
	assert_int_equal(minifs_read_range(&fs, FIRST, 0, 4096), 1024);
}

static void test_data_of_what_is_no_file(void **state)
{
	static const uint64_t none[] = {0, NO_INO, UINT64_MAX};

	(void)state;
	assert_int_equal(minifs_write_range(&fs, MINIFS_ROOT_INO, 0, 1), -EISDIR);
	assert_int_equal(minifs_read_range(&fs, MINIFS_ROOT_INO, 0, 1), -EISDIR);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		assert_int_equal(minifs_write_range(&fs, none[i], 0, 1), -ENOENT);
		assert_int_equal(minifs_read_range(&fs, none[i], 0, 1), -ENOENT);
	}
}

static void test_statfs(void **state)
{
	struct statvfs st;

	(void)state;
	minifs_statfs(&fs, &st);
	assert_int_equal(st.f_bsize, 4096);
	assert_int_equal(st.f_frsize, 4096);
	assert_int_equal(st.f_blocks, FILES * (SIZE / 4096));
	assert_int_equal(st.f_bfree, 0);
	assert_int_equal(st.f_bavail, 0);
	assert_int_equal(st.f_files, FILES + 1);
	assert_int_equal(st.f_ffree, 0);
	assert_int_equal(st.f_namemax, 255);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_init_refuses),
		TEST(test_lookup),
		TEST(test_lookup_below_a_file),
		TEST(test_file_numbers),
		TEST(test_stat),
		TEST(test_setattr_of_everything),
		TEST(test_setattr_of_one_thing),
		TEST(test_setattr_times_to_now),
		TEST(test_size_limits),
		TEST(test_a_refused_size_changes_nothing),
		TEST(test_directory_entries),
		TEST(test_writes_end_at_the_limit),
		TEST(test_writes_grow_the_file),
		TEST(test_an_empty_write_does_not_grow_it),
		TEST(test_reads_end_at_the_end),
		TEST(test_data_of_what_is_no_file),
		TEST(test_statfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
