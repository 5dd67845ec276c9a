// SPDX-License-Identifier: MIT
/* Proves that the cpio program unpacks what the initramfs writer wrote, byte for byte and with its
 * permissions, and that the unpacker of result files takes the same archives in pieces of any size, but
 * nothing outside its folders. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/initramfs.h"
#include "lib/unpack.h"
#include "tests/unit/unit.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/zcbench-unit-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in_folder(const char *name)
{
	static char path[4][400];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

/* The contents of a file, up to 64 KiB. */
static size_t contents(const char *path, char *buf)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, 65536);

	if (n < 0)
		fail_msg("reading %s: %s", path, strerror(errno));
	close(fd);
	return (size_t)n;
}

static void put_file(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* What the shell command prints, or a failure with its status. */
static void shell(const char *command, char *buf, size_t len)
{
	FILE *f = popen(command, "r");
	size_t n;
	int status;

	assert_non_null(f);
	n = fread(buf, 1, len - 1, f);
	buf[n] = '\0';
	status = pclose(f);
	if (status)
		fail_msg("status %d: %s: %s", status, command, buf);
}

static char pattern[40001];

/* An archive with one of everything; returns its length. */
static size_t write_archive(const char *path, struct err *e)
{
	uint64_t seed = 1;
	struct initramfs a;
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)random64(&seed);
	put_file(in_folder("source"), pattern, sizeof(pattern), 04751);
	assert_int_equal(initramfs_open(&a, fd, e), 0);
	assert_int_equal(initramfs_file(&a, "/usr/bin/tool", in_folder("source"), e), 0);
	assert_int_equal(initramfs_data(&a, "/etc/empty", 0600, "", 0, e), 0);
	for (int i = 1; i <= 5; i++) { /* every padding */
		char name[16] = "/etc/";

		memset(name + 5, 'n', (size_t)i);
		name[5 + i] = '\0';
		assert_int_equal(initramfs_data(&a, name, 0644, "abcde", (size_t)i, e), 0);
	}
	assert_int_equal(initramfs_data(&a, "/etc/n", 0644, "the second", 10, e), 0);
	assert_true(initramfs_has(&a, "/etc/n"));
	assert_true(initramfs_has(&a, "/etc"));
	assert_false(initramfs_has(&a, "/nothing"));
	assert_int_equal(initramfs_link(&a, "/bin/sh", "../usr/bin/tool", e), 0);
	assert_int_equal(initramfs_dir(&a, "/var/empty", 0711, e), 0);
	assert_int_equal(initramfs_node(&a, "/dev/console", S_IFCHR | 0600, 5, 1, e), 0);
	assert_int_equal(initramfs_node(&a, "/dev/sda", S_IFBLK | 0660, 8, 0, e), 0);
	assert_int_equal(initramfs_close(&a, e), 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	return (size_t)st.st_size;
}

static void same_contents(const char *path, const char *want, size_t len)
{
	char buf[65536];

	if (contents(path, buf) != len || memcmp(buf, want, len))
		fail_msg("%s has other contents", path);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		fail_msg("%s: %s", path, strerror(errno));
	return st.st_mode;
}

static void test_cpio_unpacks_it(void **state)
{
	struct err e = {0};
	char command[600], buf[4096], target[64] = "";
	ssize_t n;

	(void)state;
	write_archive(in_folder("archive"), &e);
	/* nodes take root: they are looked at in the listing */
	snprintf(command, sizeof(command),
		 "mkdir %s/x && cd %s/x && cpio --quiet -idf 'dev/*' <../archive 2>&1", folder, folder);
	shell(command, buf, sizeof(buf));
	assert_string_equal(buf, "");
	same_contents(in_folder("x/usr/bin/tool"), pattern, sizeof(pattern));
	assert_int_equal(mode_of(in_folder("x/usr/bin/tool")) & 0777, 0751);
	same_contents(in_folder("x/etc/empty"), "", 0);
	assert_int_equal(mode_of(in_folder("x/etc/empty")), S_IFREG | 0600);
	same_contents(in_folder("x/etc/n"), "a", 1);
	same_contents(in_folder("x/etc/nnnnn"), "abcde", 5);
	assert_int_equal(mode_of(in_folder("x/var/empty")), S_IFDIR | 0711);
	n = readlink(in_folder("x/bin/sh"), target, sizeof(target) - 1);
	assert_int_equal(n, 15);
	assert_string_equal(target, "../usr/bin/tool");
	snprintf(command, sizeof(command), "cpio --quiet -itvn <%s/archive 2>&1 | tr -s ' '", folder);
	shell(command, buf, sizeof(buf));
	assert_contains(buf, "crw------- 1 0 0 5, 1 ");
	assert_contains(buf, "brw-rw---- 1 0 0 8, 0 ");
	assert_contains(buf, "-rwsr-x--x 1 0 0 40001 ");
}

static void test_bad_input_is_refused(void **state)
{
	struct initramfs a;
	struct err e = {0};
	int fd = open(in_folder("archive"), O_RDWR | O_CREAT | O_TRUNC, 0600), full;
	char name[5000];

	(void)state;
	assert_int_equal(initramfs_open(&a, fd, &e), 0);
	assert_int_equal(initramfs_data(&a, "relative", 0644, "", 0, &e), -EINVAL);
	assert_int_equal(initramfs_dir(&a, "/", 0755, &e), -EINVAL);
	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(initramfs_dir(&a, name, 0755, &e), -EINVAL);
	assert_int_equal(initramfs_file(&a, "/a", in_folder("missing"), &e), -ENOENT);
	assert_contains(e.what, "missing");
	assert_int_equal(initramfs_file(&a, "/a", folder, &e), -EINVAL);
	assert_int_equal(initramfs_node(&a, "/a", S_IFREG, 1, 1, &e), -EINVAL);
	assert_int_equal(initramfs_close(&a, &e), 0);
	close(fd);
	/* a full disk is told, if not at once then at the end */
	full = open("/dev/full", O_WRONLY);
	assert_int_equal(initramfs_open(&a, full, &e), 0);
	initramfs_data(&a, "/a", 0644, pattern, sizeof(pattern), &e);
	assert_true(initramfs_close(&a, &e) < 0);
	close(full);
}

/* Feeds a file in pieces of `step` bytes. */
static int feed(struct unpack *u, const char *path, size_t step, struct err *e)
{
	char buf[65536];
	size_t len = contents(path, buf);
	int ret = 0;

	for (size_t i = 0; i < len && !ret; i += step)
		ret = unpack_feed(u, buf + i, len - i < step ? len - i : step, e);
	return ret;
}

/* A small archive of result files, with names below our folder. */
static void write_results(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct initramfs a;
	struct err e;

	/* only the result's own folders: those above are not the guest's to send */
	assert_int_equal(initramfs_open(&a, fd, &e), 0);
	a.names = calloc(2, sizeof(char *));
	a.names[0] = strdup("/tmp");
	a.names[1] = strdup(folder);
	a.n = 2;
	assert_int_equal(
		initramfs_data(&a, in_folder("out/deep/result.json"), 0644, text, strlen(text), &e), 0);
	assert_int_equal(initramfs_data(&a, in_folder("out/empty"), 0644, "", 0, &e), 0);
	assert_int_equal(initramfs_close(&a, &e), 0);
	close(fd);
}

static void test_results_come_back_in_any_pieces(void **state)
{
	static const size_t steps[] = {1, 2, 3, 7, 110, 4096, 65536};
	char allowed[400];

	(void)state;
	snprintf(allowed, sizeof(allowed), "%s", in_folder("out"));
	write_results(in_folder("one"), "the first");
	write_results(in_folder("two"), "the second, and last");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct unpack u = {.nallowed = 1, .allowed = {allowed}};
		struct err e = {0};

		/* one archive after the other, with busybox's zeros between them */
		assert_int_equal(feed(&u, in_folder("one"), steps[i], &e), 0);
		same_contents(in_folder("out/deep/result.json"), "the first", 9);
		assert_int_equal(unpack_feed(&u, "\0\0\0\0\0", 5, &e), 0);
		assert_int_equal(feed(&u, in_folder("two"), steps[i], &e), 0);
		same_contents(in_folder("out/deep/result.json"), "the second, and last", 20);
		same_contents(in_folder("out/empty"), "", 0);
		assert_int_equal(u.files, 4);
		unpack_close(&u);
	}
}

static void test_half_a_file_never_appears(void **state)
{
	char allowed[400], buf[65536];
	size_t len;

	(void)state;
	snprintf(allowed, sizeof(allowed), "%s", in_folder("out"));
	write_results(in_folder("one"), "the first");
	write_results(in_folder("two"), "the second, and last");
	len = contents(in_folder("two"), buf);
	for (size_t cut = 1; cut < len; cut++) {
		struct unpack u = {.nallowed = 1, .allowed = {allowed}};
		struct err e = {0};
		char got[65536];
		size_t n;

		assert_int_equal(feed(&u, in_folder("one"), 65536, &e), 0);
		assert_int_equal(unpack_feed(&u, buf, cut, &e), 0);
		unpack_close(&u);
		n = contents(in_folder("out/deep/result.json"), got);
		assert_true((n == 9 && !memcmp(got, "the first", 9)) ||
			    (n == 20 && !memcmp(got, "the second, and last", 20)));
	}
	/* and no temporary file stays */
	snprintf(buf, 400, "find %s/out -name '*.new'", folder);
	shell(buf, buf + 400, 1000);
	assert_string_equal(buf + 400, "");
}

static void test_nothing_outside_is_written(void **state)
{
	char allowed[400];

	(void)state;
	snprintf(allowed, sizeof(allowed), "%s", in_folder("out"));
	static const char *const names[] = {"/out/../escaped", "/outside", "/escaped", "/out/x/..",
					    "/../x"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct unpack u = {.nallowed = 1, .allowed = {allowed}};
		char head[600], name[200];
		struct err e = {0};
		int n;

		snprintf(name, sizeof(name), "%s%s", folder + 1, names[i]);
		n = snprintf(head, sizeof(head),
			     "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08zX%08X%s", 1, 0100644,
			     0, 0, 1, 0, 1, 0, 0, 0, 0, strlen(name) + 1, 0, name);
		assert_int_equal(unpack_feed(&u, head, (size_t)n, &e), 0);
		assert_int_equal(unpack_feed(&u, "\0\0\0\0", 4, &e), -EPERM);
		assert_contains(e.what, "no result file");
		unpack_close(&u);
	}
	assert_int_equal(access(in_folder("escaped"), F_OK), -1);
	assert_int_equal(access(in_folder("outside"), F_OK), -1);
}

static void test_what_is_no_archive_is_refused(void **state)
{
	static const unsigned int lengths[] = {0, 1, 5000, 0xffffffff};
	char text[200];

	(void)state;
	for (size_t i = 0; i <= ARRAY_SIZE(lengths); i++) {
		struct unpack u = {0};
		struct err e = {0};

		memset(text, 'x', sizeof(text));
		if (i < ARRAY_SIZE(lengths))
			snprintf(text, sizeof(text), "070701%088d%08X%08d", 0, lengths[i], 0);
		assert_int_equal(unpack_feed(&u, text, 110, &e), -EPROTO);
		unpack_close(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cpio_unpacks_it, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_bad_input_is_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_results_come_back_in_any_pieces, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_half_a_file_never_appears, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_nothing_outside_is_written, make_folder,
						remove_folder),
		cmocka_unit_test(test_what_is_no_archive_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
