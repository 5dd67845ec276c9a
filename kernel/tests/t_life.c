// SPDX-License-Identifier: MIT
/* Ends: of the client, of the server, of the connection. Nobody hangs, and no memory stays. */
#include <grp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kernel/tests/test.h"

#define SIZE (16 * MIB)

/* The memory of a registered file goes with the connection, whoever else is gone before. */
static void await_memory(long before)
{
	double start = seconds();

	while (shmem_bytes() - before > (long)(SIZE / 2) && seconds() - start < 20)
		usleep(50000);
	CHECK(shmem_bytes() - before <= (long)(SIZE / 2));
}

static void client_killed(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE), status;
	char *p = map_shared(fd, SIZE, 0);
	pid_t child = fork();

	if (!child) {
		do_write(files.gate, p, MIB, 0);
		_exit(0);
	}
	await_gated(1);
	kill(child, SIGKILL);
	usleep(50000);
	counters->gate_open = true;
	waitpid(child, &status, 0);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(do_write(files.direct, p, MIB, 0), MIB);
	CHECK_EQ(seen().shared, 2);
	/* the client's memory outlives it until the server lets go */
	release(fd, index, p, SIZE);
}

/* An end in the midst of it: every way there is. */
static void end(int how)
{
	long before = shmem_bytes();
	int fd = memory_make(MEMFD, SIZE), huge = memory_make(HUGETLB, 4 * MIB), status;
	long huge_before = huge_pages_free() + 0;
	char *p = map_shared(fd, SIZE, 0), path[128];
	struct io io = {.fd = files.gate, .p = p, .n = MIB}, io2 = io;
	struct stat st;

	fill(p, MIB, 1);
	memset(p, 1, SIZE);
	CHECK(server_register(fd, SIZE) >= 0);
	CHECK(server_register(huge, 4 * MIB) >= 0);
	CHECK_EQ(fstat(files.direct, &st), 0);
	io2.p = p + MIB;
	io_start(&io);
	io_start(&io2);
	await_gated(2);
	switch (how) {
	case 0:
		kill(server_pid, SIGKILL);
		break;
	case 1:
		snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort",
			 (unsigned int)(st.st_dev & 0xff) | (unsigned int)((st.st_dev >> 12) & 0xfff00));
		status = open(path, O_WRONLY);
		CHECK(status >= 0);
		CHECK_EQ(write(status, "1", 1), 1);
		close(status);
		break;
	case 2:
		umount2(MOUNTPOINT, MNT_FORCE);
		break;
	}
	CHECK(is_end(io_end(&io)));
	CHECK(is_end(io_end(&io2)));
	CHECK(is_end(do_write(files.direct, p, MIB, 0)));
	CHECK_EQ(p[2 * MIB], 1);
	files_close();
	/* its control thread still lives after an abort: nothing can be registered any more */
	if (how)
		CHECK(server_register(fd, SIZE) < 0);
	status = server_reap();
	CHECK(how ? WIFEXITED(status) : WIFSIGNALED(status));
	munmap(p, SIZE);
	close(fd);
	close(huge);
	await_memory(before);
	for (int i = 0; i < 100 && huge_pages_free() < huge_before; i++)
		usleep(20000);
	CHECK(huge_pages_free() >= huge_before);
}

static void server_killed(void)
{
	end(0);
}

static void aborted(void)
{
	end(1);
}

static void forced_umount(void)
{
	end(2);
}

/* UNREG_BUF waits while the connection is aborted: it comes back. */
static void *unregister_it(void *arg)
{
	return (void *)(intptr_t)server_unregister((int)(intptr_t)arg);
}

static void abort_while_unregistering(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	char *p = map_shared(fd, SIZE, 0);
	struct io io = {.fd = files.gate, .p = p, .n = MIB};
	pthread_t t;
	void *res;

	io_start(&io);
	await_gated(1);
	pthread_create(&t, NULL, unregister_it, (void *)(intptr_t)index);
	usleep(100000);
	umount2(MOUNTPOINT, MNT_FORCE);
	CHECK(is_end(io_end(&io)));
	pthread_join(t, &res);
	CHECK((intptr_t)res == 0 || (intptr_t)res == -EPIPE); /* or the server has left */
	files_close();
	server_reap();
	munmap(p, SIZE);
	close(fd);
}

static void unprivileged_client(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE), status;
	char *p = map_shared(fd, SIZE, 0);
	pid_t child = fork();

	if (!child) {
		char path[128], *q;
		int f, ok;

		if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
			_exit(10);
		snprintf(path, sizeof(path), "%s/direct", MOUNTPOINT);
		f = open(path, O_RDWR | O_DIRECT);
		q = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (f < 0 || q == MAP_FAILED)
			_exit(11);
		fill(q, MIB, 9);
		ok = do_write(f, q, MIB, 0) == (ssize_t)MIB;
		memset(q, 0, MIB);
		ok &= do_read(f, q, MIB, 0) == (ssize_t)MIB && filled(q, MIB, 9);
		_exit(!ok);
	}
	waitpid(child, &status, 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(seen().shared, 2);
	release(fd, index, p, SIZE);
}

/* The mapping was inherited: fork's child has another one of the same file. */
static void forked_client(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE), status;
	char *p = map_shared(fd, SIZE, 0);
	pid_t child = fork();

	close(fd); /* a mapping is enough */
	if (!child) {
		fill(p, MIB, 4);
		_exit(do_write(files.direct, p, MIB, 0) != (ssize_t)MIB);
	}
	waitpid(child, &status, 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(do_read(files.direct, p + MIB, MIB, 0), MIB);
	CHECK(filled(p + MIB, MIB, 4));
	CHECK_EQ(seen().copied, 0);
	CHECK_EQ(server_unregister(index), 0);
	munmap(p, SIZE);
}

/* A server that ends without unregistering anything, and a mount that goes with buffers still there. */
static void left_behind(void)
{
	long before = shmem_bytes();

	for (int i = 0; i < 8; i++) {
		int fd = memory_make(MEMFD, SIZE);

		CHECK_EQ(fallocate(fd, 0, 0, SIZE), 0);
		CHECK(server_register(fd, SIZE) >= 0);
		close(fd);
	}
	CHECK(shmem_bytes() - before >= 7 * (long)SIZE);
	files_close();
	server_stop();
	await_memory(before);
}

const struct test life_tests[] = {
	{"client killed in flight", client_killed},
	{"server killed in flight", server_killed},
	{"connection aborted in flight", aborted},
	{"unmounted by force in flight", forced_umount},
	{"aborted while UNREG_BUF waits", abort_while_unregistering},
	{"unprivileged client", unprivileged_client},
	{"forked client", forked_client},
	{"unmounted with buffers registered", left_behind},
	{0},
};
