// SPDX-License-Identifier: MIT
/* Proves that a result file is the old one or the new one, never half of one, that no temporary
 * file stays behind, and that a failure names the file and the reason. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/control.h"
#include "tests/unit/unit.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/zcbench-unit-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static const char *in_folder(const char *name)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Whatever is left in it. */
static int remove_folder(void **state)
{
	struct dirent *entry;
	DIR *d;

	(void)state;
	chmod(folder, 0700);
	d = opendir(folder);
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			remove(in_folder(entry->d_name));
	if (d)
		closedir(d);
	return rmdir(folder);
}

/* How many names the folder has besides "." and "..". */
static int files_in_folder(void)
{
	DIR *d = opendir(folder);
	int n = -2;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void assert_result(int64_t value)
{
	json_t *obj = json_load_file(in_folder("result.json"), 0, NULL);

	assert_non_null(obj);
	assert_int_equal(json_integer_value(json_object_get(obj, "value")), value);
	json_decref(obj);
	assert_int_equal(files_in_folder(), 1);
}

static int write_result(json_t *obj, struct err *e)
{
	int ret = json_write_file(obj, in_folder("result.json"), e);

	json_decref(obj);
	return ret;
}

static void test_write_file(void **state)
{
	char text[64] = "";
	struct err e;
	FILE *f;

	(void)state;
	assert_int_equal(write_result(json_pack("{s:i}", "value", 1), &e), 0);
	assert_result(1);
	assert_int_equal(write_result(json_pack("{s:i}", "value", 2), &e), 0);
	assert_result(2);
	f = fopen(in_folder("result.json"), "r");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), 16);
	assert_string_equal(text, "{\n \"value\": 2\n}\n");
	fclose(f);
}

/* A reader that has the old file open keeps all of it: the new one is another file. */
static void test_readers_keep_the_old_file(void **state)
{
	json_t *old;
	struct err e;
	FILE *f;

	(void)state;
	assert_int_equal(write_result(json_pack("{s:i}", "value", 1), &e), 0);
	f = fopen(in_folder("result.json"), "r");
	assert_non_null(f);
	assert_int_equal(write_result(json_pack("{s:i}", "value", 2), &e), 0);
	old = json_loadf(f, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(old, "value")), 1);
	json_decref(old);
	fclose(f);
	assert_result(2);
}

/* The disk is full in the middle of the file (here: a limit on its size). */
static void test_a_failed_write_leaves_the_old_file(void **state)
{
	struct rlimit old, small = {.rlim_cur = 1000};
	char text[5000];
	struct err e;
	int ret;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(write_result(json_pack("{s:i}", "value", 1), &e), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	ret = write_result(json_pack("{s:i, s:s}", "value", 2, "text", text), &e);
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(ret, -EFBIG);
	assert_contains(e.what, in_folder("result.json"));
	assert_contains(e.what, strerror(EFBIG));
	assert_result(1);
}

static void test_a_folder_that_cannot_be_written(void **state)
{
	json_t *obj = json_object();
	uid_t uid = geteuid();
	struct err e;
	int ret;

	(void)state;
	assert_int_equal(json_write_file(obj, "/tmp/zcbench-no-such-folder/x.json", &e), -ENOENT);
	assert_int_equal(e.code, -ENOENT);
	assert_contains(e.what, "cannot write /tmp/zcbench-no-such-folder/x.json");
	assert_contains(e.what, strerror(ENOENT));
	assert_int_equal(chmod(folder, 0555), 0);
	if (!uid) /* root may write anywhere: be somebody else */
		assert_int_equal(seteuid(65534), 0);
	ret = json_write_file(obj, in_folder("result.json"), &e);
	if (!uid)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(ret, -EACCES);
	assert_contains(e.what, in_folder("result.json"));
	assert_int_equal(files_in_folder(), 0);
	json_decref(obj);
}

static void test_a_target_that_is_a_folder(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(mkdir(in_folder("result.json"), 0700), 0);
	assert_int_equal(write_result(json_object(), &e), -EISDIR);
	assert_contains(e.what, in_folder("result.json"));
	assert_int_equal(files_in_folder(), 1);
}

static void test_a_name_that_is_too_long(void **state)
{
	static char path[5000];
	json_t *obj = json_object();
	struct err e;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	assert_int_equal(json_write_file(obj, path, &e), -ENAMETOOLONG);
	assert_int_equal(e.code, -ENAMETOOLONG);
	json_decref(obj);
}

/* --json /dev/stdout: what stands there is written to, and stays what it was. */
static void test_a_pipe_is_written_to(void **state)
{
	char text[64] = "";
	struct stat st;
	struct err e;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(in_folder("result.json"), 0600), 0);
	fd = open(in_folder("result.json"), O_RDWR | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(write_result(json_pack("{s:i}", "value", 3), &e), 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 16);
	assert_string_equal(text, "{\n \"value\": 3\n}\n");
	close(fd);
	assert_int_equal(lstat(in_folder("result.json"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(files_in_folder(), 1);
}

static void test_a_link_is_followed(void **state)
{
	char target[400];
	struct stat st;
	struct err e;
	json_t *obj;

	(void)state;
	snprintf(target, sizeof(target), "%s", in_folder("target"));
	obj = json_pack("{s:i}", "value", 1);
	assert_int_equal(json_write_file(obj, target, &e), 0);
	json_decref(obj);
	assert_int_equal(symlink("target", in_folder("result.json")), 0);
	assert_int_equal(write_result(json_pack("{s:i}", "value", 2), &e), 0);
	assert_int_equal(lstat(in_folder("result.json"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	obj = json_load_file(target, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(obj, "value")), 2);
	json_decref(obj);
	assert_int_equal(unlink(target), 0);
	assert_int_equal(files_in_folder(), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		TEST(test_write_file),
		TEST(test_readers_keep_the_old_file),
		TEST(test_a_failed_write_leaves_the_old_file),
		TEST(test_a_folder_that_cannot_be_written),
		TEST(test_a_target_that_is_a_folder),
		TEST(test_a_name_that_is_too_long),
		TEST(test_a_pipe_is_written_to),
		TEST(test_a_link_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
