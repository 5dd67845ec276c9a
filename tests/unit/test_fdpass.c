// SPDX-License-Identifier: MIT
/* Proves that one descriptor travels with a message, and that whatever else comes is refused and
 * leaves no descriptor open in the process that received it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fdpass.h"
#include "tests/unit/unit.h"

static int socks[2];

static int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int start(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks);
}

static int stop(void **state)
{
	(void)state;
	close(socks[0]);
	if (socks[1] >= 0)
		close(socks[1]);
	return 0;
}

/* Sends a message with `n` descriptors, which fdpass_send would not. */
static void send_many(int n, size_t len)
{
	union {
		char buf[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char msg[64] = "many";
	struct iovec iov = {msg, len};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	for (int i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &socks[0], sizeof(int));
	assert_int_equal(sendmsg(socks[0], &mh, 0), len);
}

static void test_a_message_alone(void **state)
{
	char buf[16];
	int fd = 99, before = open_fds();

	(void)state;
	assert_int_equal(fdpass_send(socks[0], "hello", 5, -1), 0);
	assert_int_equal(fdpass_recv(socks[1], buf, sizeof(buf), &fd, 0), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(fd, -1);
	assert_int_equal(open_fds(), before);
}

static void test_one_descriptor(void **state)
{
	int memfd = memfd_create("unit", MFD_CLOEXEC), fd = -1, before = open_fds();
	struct stat sent, got;
	char buf[5];

	(void)state;
	assert_true(memfd >= 0);
	assert_int_equal(write(memfd, "bytes", 5), 5);
	assert_int_equal(fdpass_send(socks[0], "hello", 5, memfd), 0);
	/* a buffer of the very size is enough */
	assert_int_equal(fdpass_recv(socks[1], buf, sizeof(buf), &fd, 0), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_true(fd >= 0 && fd != memfd);
	assert_int_equal(open_fds(), before + 1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(memfd, &sent), 0);
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(got.st_ino, sent.st_ino);
	assert_int_equal(got.st_dev, sent.st_dev);
	assert_int_equal(pread(fd, buf, 5, 0), 5);
	assert_memory_equal(buf, "bytes", 5);
	close(fd);
	close(memfd);
}

static void refuse_many(int n)
{
	int fd = 99, before = open_fds();
	char buf[16];

	send_many(n, 4);
	assert_int_equal(fdpass_recv(socks[1], buf, sizeof(buf), &fd, 0), -EPROTO);
	assert_int_equal(fd, -1);
	assert_int_equal(open_fds(), before);
}

static void test_more_than_one_descriptor(void **state)
{
	(void)state;
	for (int n = 2; n <= 16; n++) /* from 5 on, not all fit where they are received */
		refuse_many(n);
}

static void test_a_message_that_is_too_long(void **state)
{
	int fd = 99, before = open_fds();
	char buf[4];

	(void)state;
	assert_int_equal(fdpass_send(socks[0], "hello", 5, -1), 0);
	assert_int_equal(fdpass_recv(socks[1], buf, sizeof(buf), &fd, 0), -EMSGSIZE);
	assert_int_equal(fd, -1);
	/* with descriptors that nobody will get */
	assert_int_equal(fdpass_send(socks[0], "hello", 5, socks[0]), 0);
	assert_int_equal(fdpass_recv(socks[1], buf, sizeof(buf), &fd, 0), -EMSGSIZE);
	assert_int_equal(fd, -1);
	send_many(2, 5);
	assert_int_equal(fdpass_recv(socks[1], buf, sizeof(buf), &fd, 0), -EMSGSIZE);
	assert_int_equal(fd, -1);
	assert_int_equal(open_fds(), before);
	/* the rest of a message is gone with it */
	assert_int_equal(fdpass_send(socks[0], "next", 4, -1), 0);
	assert_int_equal(fdpass_recv(socks[1], buf, sizeof(buf), &fd, 0), 4);
	assert_memory_equal(buf, "next", 4);
}

static void test_end_of_file(void **state)
{
	char buf[4];
	int fd = 99;

	(void)state;
	assert_int_equal(fdpass_send(socks[1], "last", 4, -1), 0);
	close(socks[1]);
	socks[1] = -1;
	assert_int_equal(fdpass_recv(socks[0], buf, sizeof(buf), &fd, 0), 4);
	assert_int_equal(fdpass_recv(socks[0], buf, sizeof(buf), &fd, 0), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(fdpass_send(socks[0], "x", 1, -1), -EPIPE); /* and no SIGPIPE */
}

static void test_errnos(void **state)
{
	int fd = 99, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char buf[4];

	(void)state;
	assert_int_equal(fdpass_recv(socks[0], buf, sizeof(buf), &fd, MSG_DONTWAIT), -EAGAIN);
	assert_int_equal(fd, -1);
	assert_int_equal(fdpass_recv(null, buf, sizeof(buf), &fd, 0), -ENOTSOCK);
	assert_int_equal(fdpass_send(null, "x", 1, -1), -ENOTSOCK);
	assert_int_equal(fdpass_send(socks[0], "x", 1, 1 << 20), -EBADF);
	close(null);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_a_message_alone),
		TEST(test_one_descriptor),
		TEST(test_more_than_one_descriptor),
		TEST(test_a_message_that_is_too_long),
		TEST(test_end_of_file),
		TEST(test_errnos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
