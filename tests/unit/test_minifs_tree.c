// SPDX-License-Identifier: MIT
/* Proves that the tree which serve --tree serves has the names that it should after anything that changes them, that
 * an inode ends when nobody can reach it any more and not before, and that its number is not given to another. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "servers/minifs_tree.h"
#include "tests/unit/unit.h"

#define SIZE       100000
#define ROOT       MINIFS_ROOT_INO
#define NO_REPLACE 1
#define EXCHANGE   2

static struct minifs fs;

static int start(void **state)
{
	(void)state;
	return minifs_tree_init(&fs, SIZE);
}

static int stop(void **state)
{
	(void)state;
	minifs_free(&fs);
	return 0;
}

/* Held once, as by a kernel. */
static uint64_t make(uint64_t parent, const char *name, mode_t mode)
{
	uint64_t ino = 0;

	assert_int_equal(
		minifs_tree_make(&fs, parent, name, mode, 1, 2, S_ISLNK(mode) ? "to" : NULL, &ino), 0);
	return ino;
}

/* 0: there is none. Holds nothing. */
static uint64_t find(uint64_t parent, const char *name)
{
	uint64_t ino = 0, gone;

	if (minifs_lookup(&fs, parent, name, &ino) == -ENOENT)
		return 0;
	assert_true(ino);
	minifs_tree_forget(&fs, ino, 1, &gone);
	assert_int_equal(gone, 0);
	return ino;
}

static uint64_t forget(uint64_t ino, uint64_t n)
{
	uint64_t gone;

	minifs_tree_forget(&fs, ino, n, &gone);
	return gone;
}

static struct stat stat_of(uint64_t ino)
{
	struct stat st;

	assert_int_equal(minifs_stat(&fs, ino, &st), 0);
	return st;
}

static int move(uint64_t from, const char *name, uint64_t to, const char *to_name, uint32_t flags)
{
	uint64_t gone;

	return minifs_tree_rename(&fs, from, name, to, to_name, flags, &gone);
}

static int drop(uint64_t parent, const char *name, bool folder)
{
	uint64_t gone;

	return minifs_tree_unlink(&fs, parent, name, folder, &gone);
}

static void test_make(void **state)
{
	char long_name[257];
	uint64_t file, folder, ino;
	struct stat st;

	(void)state;
	file = make(ROOT, "f", S_IFREG | 0640);
	folder = make(ROOT, "d", S_IFDIR | 0750);
	assert_int_equal(find(ROOT, "f"), file);
	assert_int_equal(find(ROOT, "d"), folder);
	assert_int_equal(find(folder, "f"), 0);
	assert_int_equal(minifs_file(&fs, file), file - MINIFS_FIRST_INO);
	assert_int_equal(minifs_file(&fs, folder), -1);
	st = stat_of(file);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_uid, 1);
	assert_int_equal(st.st_gid, 2);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(stat_of(folder).st_nlink, 2);
	assert_int_equal(stat_of(ROOT).st_nlink, 3);

	assert_int_equal(minifs_tree_make(&fs, ROOT, "f", S_IFREG, 0, 0, NULL, &ino), -EEXIST);
	assert_int_equal(minifs_tree_make(&fs, file, "x", S_IFREG, 0, 0, NULL, &ino), -ENOTDIR);
	assert_int_equal(minifs_tree_make(&fs, file + 99, "x", S_IFREG, 0, 0, NULL, &ino), -ESTALE);
	assert_int_equal(minifs_tree_make(&fs, ROOT, "p", S_IFCHR, 0, 0, NULL, &ino), -EPERM);
	memset(long_name, 'n', 256);
	long_name[256] = '\0';
	assert_int_equal(minifs_tree_make(&fs, ROOT, long_name, S_IFREG, 0, 0, NULL, &ino),
			 -ENAMETOOLONG);
	long_name[255] = '\0';
	assert_int_equal(find(ROOT, long_name), 0);
	ino = make(ROOT, long_name, S_IFREG);
	assert_int_equal(find(ROOT, long_name), ino);
	assert_int_equal(stat_of(ROOT).st_nlink, 3);
}

static void test_symlink(void **state)
{
	uint64_t ino = make(ROOT, "l", S_IFLNK | 0777);
	char buf[8] = "........";

	(void)state;
	assert_int_equal(minifs_tree_readlink(&fs, ino, buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "to......", 8);
	assert_int_equal(minifs_tree_readlink(&fs, ROOT, buf, sizeof(buf)), -EINVAL);
	assert_int_equal(stat_of(ino).st_size, 2);
	assert_int_equal(minifs_file(&fs, ino), -1);
	assert_int_equal(minifs_setattr(&fs, ino, &(struct stat){.st_size = 1}, 1u << 3), -EINVAL);
}

/* The contents go when the last name and the last who holds it are gone, in either order. */
static void test_end(void **state)
{
	uint64_t ino, gone;

	(void)state;
	ino = make(ROOT, "a", S_IFREG);
	assert_int_equal(minifs_tree_hold(&fs, ino), 0);
	assert_int_equal(minifs_tree_unlink(&fs, ROOT, "a", false, &gone), 0);
	assert_int_equal(gone, 0);
	assert_int_equal(stat_of(ino).st_nlink, 0);
	assert_int_equal(minifs_write_range(&fs, ino, 10, 20), 20);
	assert_int_equal(minifs_tree_link(&fs, ino, ROOT, "again"), -ENOENT);
	assert_int_equal(forget(ino, 1), 0);
	assert_int_equal(stat_of(ino).st_size, 30);
	assert_int_equal(forget(ino, 1), ino);
	assert_int_equal(minifs_stat(&fs, ino, &(struct stat){0}), -ENOENT);
	assert_int_equal(minifs_tree_hold(&fs, ino), -ESTALE);
	assert_int_equal(minifs_write_range(&fs, ino, 0, 1), -ENOENT);
	assert_int_equal(minifs_file(&fs, ino), -1);
	assert_int_equal(forget(ino, 1), 0);
	assert_true(make(ROOT, "b", S_IFREG) > ino);

	ino = make(ROOT, "c", S_IFREG);
	assert_int_equal(forget(ino, 1), 0);
	assert_int_equal(find(ROOT, "c"), ino);
	assert_int_equal(minifs_tree_unlink(&fs, ROOT, "c", false, &gone), 0);
	assert_int_equal(gone, ino);

	/* a kernel that forgets more than it was told of */
	ino = make(ROOT, "d", S_IFREG);
	assert_int_equal(forget(ino, UINT64_MAX), 0);
	assert_int_equal(find(ROOT, "d"), ino);
	assert_int_equal(forget(ROOT, UINT64_MAX), 0);
	assert_int_equal(find(ROOT, "d"), ino);
}

static void test_link(void **state)
{
	uint64_t file = make(ROOT, "f", S_IFREG), folder = make(ROOT, "d", S_IFDIR), gone;

	(void)state;
	assert_int_equal(minifs_tree_link(&fs, file, folder, "g"), 0);
	assert_int_equal(find(folder, "g"), file);
	assert_int_equal(stat_of(file).st_nlink, 2);
	assert_int_equal(minifs_tree_link(&fs, file, ROOT, "f"), -EEXIST);
	assert_int_equal(minifs_tree_link(&fs, folder, ROOT, "e"), -EPERM);
	assert_int_equal(forget(file, 2), 0); /* of make and of link */
	assert_int_equal(drop(ROOT, "f", false), 0);
	assert_int_equal(find(folder, "g"), file);
	assert_int_equal(minifs_tree_unlink(&fs, folder, "g", false, &gone), 0);
	assert_int_equal(gone, file);
}

static void test_unlink_refuses(void **state)
{
	uint64_t folder = make(ROOT, "d", S_IFDIR);

	(void)state;
	make(folder, "f", S_IFREG);
	assert_int_equal(drop(ROOT, "d", true), -ENOTEMPTY);
	assert_int_equal(drop(ROOT, "d", false), -EISDIR);
	assert_int_equal(drop(folder, "f", true), -ENOTDIR);
	assert_int_equal(drop(folder, "g", false), -ENOENT);
	assert_int_equal(drop(folder, "f", false), 0);
	assert_int_equal(drop(ROOT, "d", true), 0);
	assert_int_equal(stat_of(ROOT).st_nlink, 2);
	/* somebody is in it still */
	assert_int_equal(minifs_tree_make(&fs, folder, "x", S_IFREG, 0, 0, NULL, &(uint64_t){0}),
			 -ENOENT);
	assert_int_equal(forget(folder, 1), 0);
	assert_int_equal(find(ROOT, "d"), 0);
}

static void test_rename(void **state)
{
	uint64_t a = make(ROOT, "a", S_IFREG), b = make(ROOT, "b", S_IFREG),
		 d = make(ROOT, "d", S_IFDIR), e = make(d, "e", S_IFDIR), gone;

	(void)state;
	assert_int_equal(move(ROOT, "a", d, "a2", 0), 0);
	assert_int_equal(find(d, "a2"), a);
	assert_int_equal(find(ROOT, "a"), 0);
	assert_int_equal(move(d, "a2", ROOT, "b", NO_REPLACE), -EEXIST);
	assert_int_equal(forget(b, 1), 0);
	assert_int_equal(minifs_tree_rename(&fs, d, "a2", ROOT, "b", 0, &gone), 0);
	assert_int_equal(gone, b);
	assert_int_equal(find(ROOT, "b"), a);
	assert_int_equal(move(ROOT, "none", ROOT, "x", 0), -ENOENT);
	assert_int_equal(move(ROOT, "b", ROOT, "b", 0), 0);
	assert_int_equal(find(ROOT, "b"), a);

	/* folders */
	assert_int_equal(move(ROOT, "d", e, "x", 0), -EINVAL);
	assert_int_equal(move(ROOT, "d", d, "x", 0), -EINVAL);
	assert_int_equal(move(ROOT, "b", ROOT, "d", 0), -EISDIR);
	assert_int_equal(move(ROOT, "d", ROOT, "b", 0), -ENOTDIR);
	assert_int_equal(stat_of(d).st_nlink, 3);
	assert_int_equal(move(d, "e", ROOT, "e", 0), 0);
	assert_int_equal(stat_of(d).st_nlink, 2);
	assert_int_equal(stat_of(ROOT).st_nlink, 4);
	make(e, "f", S_IFREG);
	assert_int_equal(move(ROOT, "d", ROOT, "e", 0), -ENOTEMPTY);
	assert_int_equal(move(ROOT, "e", ROOT, "d", 0), 0);
	assert_int_equal(find(ROOT, "d"), e);
	assert_int_equal(stat_of(ROOT).st_nlink, 3);
	assert_int_equal(stat_of(d).st_nlink, 0);

	/* exchange: a file and a folder change places, and a folder's ".." with it */
	d = make(ROOT, "sub", S_IFDIR);
	assert_int_equal(move(ROOT, "b", ROOT, "no", EXCHANGE), -ENOENT);
	assert_int_equal(move(ROOT, "b", ROOT, "d", EXCHANGE | NO_REPLACE), -EINVAL);
	assert_int_equal(move(ROOT, "b", ROOT, "d", 8), -EINVAL);
	assert_int_equal(move(ROOT, "d", d, "in", 0), 0);
	assert_int_equal(move(ROOT, "b", d, "in", EXCHANGE), 0);
	assert_int_equal(find(ROOT, "b"), e);
	assert_int_equal(find(d, "in"), a);
	assert_int_equal(stat_of(ROOT).st_nlink, 4);
	assert_int_equal(stat_of(d).st_nlink, 2);
	assert_int_equal(move(d, "in", ROOT, "sub", EXCHANGE), -EINVAL);
	/* two names of one file: nothing happens */
	assert_int_equal(minifs_tree_link(&fs, a, ROOT, "other"), 0);
	assert_int_equal(move(d, "in", ROOT, "other", 0), 0);
	assert_int_equal(find(d, "in"), a);
	assert_int_equal(find(ROOT, "other"), a);
}

/* What is there all the time is listed once, whatever comes and goes meanwhile. */
static void test_listing(void **state)
{
	char name[300], want[300];
	unsigned int seen = 0;
	uint64_t place = 0, ino;
	mode_t mode;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "stay%d", i);
		make(ROOT, name, S_IFREG);
		snprintf(name, sizeof(name), "go%d", i);
		make(ROOT, name, S_IFREG);
	}
	for (int i = 0; !minifs_dirent(&fs, ROOT, &place, &ino, &mode, name, sizeof(name)); i++) {
		if (i == 0 || i == 1) {
			assert_string_equal(name, i ? ".." : ".");
			assert_int_equal(ino, ROOT);
			assert_int_equal(mode, S_IFDIR);
			continue;
		}
		assert_int_equal(mode, S_IFREG);
		if (!strncmp(name, "stay", 4)) {
			snprintf(want, sizeof(want), "stay%u", seen++);
			assert_string_equal(name, want);
			/* remove what was listed before and what comes after */
			snprintf(name, sizeof(name), "go%u", seen > 50 ? seen - 50 : 100 - seen);
			drop(ROOT, name, false);
			snprintf(name, sizeof(name), "new%u", seen);
			if (seen < 20)
				make(ROOT, name, S_IFREG);
		}
	}
	assert_int_equal(seen, 100);
	assert_int_equal(minifs_dirent(&fs, ino, &(uint64_t){0}, &ino, &mode, name, sizeof(name)),
			 -ENOTDIR);
}

static void test_times(void **state)
{
	uint64_t folder = make(ROOT, "d", S_IFDIR), file = make(folder, "f", S_IFREG);
	struct stat before = stat_of(file), after, folder_before = stat_of(folder);

	(void)state;
	usleep(2000);
	assert_int_equal(minifs_write_range(&fs, file, 0, 1), 1);
	after = stat_of(file);
	assert_true(after.st_mtim.tv_nsec != before.st_mtim.tv_nsec ||
		    after.st_mtim.tv_sec > before.st_mtim.tv_sec);
	assert_memory_equal(&after.st_mtim, &after.st_ctim, sizeof(after.st_mtim));
	after = stat_of(folder);
	assert_memory_equal(&folder_before.st_mtim, &after.st_mtim, sizeof(after.st_mtim));
	drop(folder, "f", false);
	after = stat_of(folder);
	assert_memory_not_equal(&folder_before.st_mtim, &after.st_mtim, sizeof(after.st_mtim));
}

/* Many names come and go: what is live is bounded, and the numbers run out in the end. */
static void test_numbers_run_out(void **state)
{
	uint64_t ino, gone, last = 0, live = fs.live;

	(void)state;
	while (fs.made < MINIFS_TREE_INODES) {
		ino = make(ROOT, "x", S_IFREG);
		assert_true(ino > last);
		last = ino;
		assert_int_equal(minifs_tree_unlink(&fs, ROOT, "x", false, &gone), 0);
		assert_int_equal(forget(ino, 1), ino);
	}
	assert_int_equal(fs.live, live);
	assert_int_equal(minifs_tree_make(&fs, ROOT, "x", S_IFREG, 0, 0, NULL, &ino), -ENOSPC);
	assert_int_equal(find(ROOT, "x"), 0);
}

#define THREADS 4
#define TURNS   5000

static uint64_t folders[2];

/* Makes, finds, links, renames, lists and unlinks among a few names of two folders, as the other threads do. What the
 * others left or took is up to chance: each call may also say that there is no such name, or that there is one. */
static void *meddle(void *arg)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	unsigned int seed = *(unsigned int *)arg;

#define ANY(array) (array)[(size_t)rand_r(&seed) % (sizeof(array) / sizeof(*(array)))]
	for (int i = 0; i < TURNS; i++) {
		uint64_t ino, found, gone, place = 0;
		char listed[256];
		mode_t mode;

		if (!minifs_tree_make(&fs, ANY(folders), ANY(names), S_IFREG | 0600, 0, 0, NULL, &ino)) {
			minifs_write_range(&fs, ino, 0, 1 + (uint64_t)i % SIZE);
			if (!minifs_tree_link(&fs, ino, ANY(folders), ANY(names)))
				minifs_tree_forget(&fs, ino, 1, &gone);
			minifs_tree_forget(&fs, ino, 1, &gone);
		}
		if (!minifs_lookup(&fs, ANY(folders), ANY(names), &found)) {
			/* held, so there */
			if (minifs_tree_hold(&fs, found) || minifs_read_range(&fs, found, 0, SIZE) < 0)
				return "an inode that is held has ended";
			minifs_tree_forget(&fs, found, 2, &gone);
		}
		minifs_tree_rename(&fs, ANY(folders), ANY(names), ANY(folders), ANY(names),
				   i % 4 ? 0 : EXCHANGE, &gone);
		while (!minifs_dirent(&fs, ANY(folders), &place, &ino, &mode, listed, sizeof(listed)))
			;
		minifs_tree_unlink(&fs, ANY(folders), ANY(names), false, &gone);
	}
#undef ANY
	return NULL;
}

/* Everything that threads made is there or has ended, once: nothing is left over when its names are gone. */
static void test_threads(void **state)
{
	pthread_t threads[THREADS];
	unsigned int seeds[THREADS];
	uint64_t gone;
	void *said;

	(void)state;
	folders[0] = make(ROOT, "0", S_IFDIR);
	folders[1] = make(ROOT, "1", S_IFDIR);
	for (unsigned int t = 0; t < THREADS; t++) {
		seeds[t] = t;
		assert_int_equal(pthread_create(&threads[t], NULL, meddle, &seeds[t]), 0);
	}
	for (int t = 0; t < THREADS; t++) {
		assert_int_equal(pthread_join(threads[t], &said), 0);
		assert_null(said);
	}
	for (int f = 0; f < 2; f++)
		for (const char *c = "abcde"; *c; c++)
			minifs_tree_unlink(&fs, folders[f], (char[]){*c, '\0'}, false, &gone);
	assert_true(fs.made > THREADS);
	assert_int_equal(fs.live, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_make, start, stop),
		cmocka_unit_test_setup_teardown(test_symlink, start, stop),
		cmocka_unit_test_setup_teardown(test_end, start, stop),
		cmocka_unit_test_setup_teardown(test_link, start, stop),
		cmocka_unit_test_setup_teardown(test_unlink_refuses, start, stop),
		cmocka_unit_test_setup_teardown(test_rename, start, stop),
		cmocka_unit_test_setup_teardown(test_listing, start, stop),
		cmocka_unit_test_setup_teardown(test_times, start, stop),
		cmocka_unit_test_setup_teardown(test_threads, start, stop),
		cmocka_unit_test_setup_teardown(test_numbers_run_out, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
