/* SPDX-License-Identifier: MIT */
/*
 * Tests of the kernel series: what every file of tests shares. One process is client and judge, a child of it
 * the FUSE server (server.c), and both see one page of counters.
 */
#ifndef KT_TEST_H
#define KT_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/tests/memory.h"
#include "kernel/tests/server.h"

/* A test says what it proves; the checks in it count. */
struct test {
	const char *name;
	void (*run)(void);
};

extern const struct test match_tests[], vma_tests[], uring_tests[], registry_tests[], life_tests[],
	stress_tests[], hostile_tests[];

/* Says what failed, with values, and goes on: the rest is worth knowing. */
void check_failed(const char *file, int line, const char *what, long long a, long long b);

#define CHECK(x)                                                                                        \
	do {                                                                                            \
		if (!(x))                                                                               \
			check_failed(__FILE__, __LINE__, #x, 0, 0);                                     \
	} while (0)

/* Two integers are equal; both are shown. */
#define CHECK_EQ(a, b)                                                                                  \
	do {                                                                                            \
		long long a_ = (long long)(a), b_ = (long long)(b);                                     \
		if (a_ != b_)                                                                           \
			check_failed(__FILE__, __LINE__, #a " == " #b, a_, b_);                         \
	} while (0)

/* The tests cannot go on. */
_Noreturn void die(const char *what);

/* What the server has seen of READs and WRITEs since the last call of it. */
struct seen {
	long shared, copied; /* requests */
	long shared_bytes, copied_bytes;
};
struct seen seen(void);

/* pread and pwrite that give a negative errno. */
ssize_t do_write(int fd, const void *p, size_t n, off_t o);
ssize_t do_read(int fd, void *p, size_t n, off_t o);

/* What an I/O gives whose connection has ended. */
bool is_end(ssize_t res);

/* I/O in a thread, for what happens while it is in flight. */
struct io {
	int fd;
	char *p;
	size_t n;
	off_t o;
	bool read;
	ssize_t res; /* bytes or a negative errno */
	pthread_t thread;
};
void io_start(struct io *io);
/* Waits until the gate holds `n` requests. */
void await_gated(int n);
ssize_t io_end(struct io *io);

/* The file of the mount, opened once for all tests: direct I/O by the server's or by the client's choice, one
 * whose requests wait for the gate, and one that asked for the kernel's zero copy. */
struct files {
	int direct, plain, gate, zc;
};
extern struct files files;
void files_open(void);
void files_close(void);

/* Ends what a test had: unregisters, unmaps the client's n bytes at p, closes. */
void release(int fd, int index, char *p, size_t n);

double seconds(void); /* monotonic */

/* Combination of server features under test. */
extern struct server_config config;

#endif
