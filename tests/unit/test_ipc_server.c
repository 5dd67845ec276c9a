// SPDX-License-Identifier: MIT
/*
 * Proves that the bypass's server refuses what it should with the right errno: tickets, users, messages
 * and memory of clients. What they can do with the ring is in test_ipc_hostile.c. After each test a
 * well-behaved client works, and nothing of the sessions is left.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/ipc_fixture.h"

static void test_tickets(void **state)
{
	struct ipc_channel a = ticket(0, O_RDWR, getuid()), b = ticket(1, O_RDWR, getuid()), wrong = a;
	uint64_t refused = ipc_server_refused(server);
	struct peer p;
	int sock;

	(void)state;
	wrong.ticket[15] ^= 1;
	sock = dial(&a);
	assert_int_equal(ask(sock, IPC_HELLO, 8, &wrong, -1, NULL), -EACCES);
	assert_true(hung_up(sock));
	close(sock);
	assert_int_equal(ipc_server_refused(server), refused + 1);

	assert_int_equal(join(&p, &a, 8), 0);
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &wrong, -1, NULL), -EACCES);
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), -EACCES); /* it is used */
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &b, -1, NULL), 1);
	a = ticket(0, O_RDWR, getuid());
	b = ticket(0, O_RDWR, getuid()); /* replaces it */
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), -EACCES);
	ipc_server_revoke(server, 0);
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &b, -1, NULL), -EACCES);
	for (int i = 2; i < IPC_HANDLES_MAX; i++) {
		a = ticket(0, O_RDWR, getuid());
		assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), i);
	}
	a = ticket(0, O_RDWR, getuid());
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), -EMFILE);
	assert_int_equal(operate(&p, &(struct ipc_sqe){.op = IPC_OP_CLOSE, .handle = 9}), 0);
	a = ticket(0, O_RDWR, getuid());
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), 9);
	leave(&p);

	/* one user asking for tickets all day takes none from the others */
	for (int i = 0; i < IPC_TICKETS_MAX + 1; i++)
		assert_int_equal(ticket(0, O_RDWR, getuid()).version, IPC_VERSION);
	ipc_server_revoke(server, 0);
}

/* Runs as another user; tells what the server answered. */
static int as_nobody(const struct ipc_channel *ch)
{
	pid_t pid = fork();
	int status, ret;

	if (!pid) {
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		ret = ask(dial(ch), IPC_HELLO, 8, ch, -1, NULL);
		_exit(ret < 0 ? -ret : 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EFAULT;
}

static void test_other_user(void **state)
{
	struct ipc_channel ours = ticket(0, O_RDWR, getuid()), theirs;

	(void)state;
	if (getuid())
		skip();
	assert_int_equal(as_nobody(&ours), -ENOTCONN); /* who has no ticket is not even listened to */
	theirs = ticket(1, O_RDWR, NOBODY);
	assert_int_equal(as_nobody(&ours), -EACCES);
	assert_int_equal(as_nobody(&theirs), 0);
	ipc_server_revoke(server, 0);
}

static void test_hello(void **state)
{
	static const struct {
		uint64_t entries;
		int answer;
	} cases[] = {{0, -EINVAL}, {IPC_ENTRIES_MAX + 1, -EINVAL}, {UINT64_MAX, -EINVAL}, {1, 1},
		     {3, 4}, {IPC_ENTRIES_MAX, IPC_ENTRIES_MAX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ipc_channel ch = ticket(0, O_RDWR, getuid());
		int sock = dial(&ch), fd;

		assert_int_equal(ask(sock, IPC_HELLO, cases[i].entries, &ch, -1, &fd), cases[i].answer);
		if (cases[i].answer > 0) { /* HELLO is said once */
			ch = ticket(0, O_RDWR, getuid());
			assert_int_equal(close(fd), 0);
			assert_int_equal(ask(sock, IPC_HELLO, 8, &ch, -1, &fd), -EALREADY);
		}
		assert_int_equal(fd, -1);
		assert_true(hung_up(sock));
		close(sock);
	}
	ipc_server_revoke(server, 0);
}

/* A message of any length with any number of descriptors; after it the server has hung up. */
static void assert_cut_off(size_t len, int nfds, bool joined)
{
	struct ipc_message m[2] = {{.type = IPC_REGISTER}};
	union {
		char buf[CMSG_SPACE(253 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {m, len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct ipc_channel ch = ticket(0, O_RDWR, getuid());
	struct peer p = {.ring_fd = -1, .memfd = memfd(4096, true, F_SEAL_SHRINK)};

	if (nfds) {
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
		for (int i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(&control.align) + (size_t)i * sizeof(int), &p.memfd, sizeof(int));
	}
	p.c.sock = dial(&ch);
	if (joined)
		assert_int_equal(ask(p.c.sock, IPC_HELLO, 8, &ch, -1, &p.ring_fd), 8);
	assert_int_equal(sendmsg(p.c.sock, &mh, 0), len);
	assert_true(hung_up(p.c.sock));
	leave(&p);
}

static void test_malformed_messages(void **state)
{
	static const size_t lengths[] = {0, 1, sizeof(struct ipc_message) - 1,
					 sizeof(struct ipc_message) + 1};

	(void)state;
	for (int joined = 0; joined < 2; joined++) {
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			assert_cut_off(lengths[i], 0, joined);
			assert_cut_off(lengths[i], 1, joined);
		}
		assert_cut_off(sizeof(struct ipc_message), 2, joined);
		assert_cut_off(sizeof(struct ipc_message), 5, joined);
		assert_cut_off(sizeof(struct ipc_message), 253, joined);
	}
}

static void test_wrong_messages(void **state)
{
	static const struct {
		uint32_t type;
		bool joined, fd;
	} cases[] = {{IPC_REGISTER, false, true}, {IPC_OPEN, false, false}, {0, false, false},
		     {4, true, false}, {UINT32_MAX, true, true}, {IPC_HELLO, false, true},
		     {IPC_HELLO, true, true}, {IPC_REGISTER, true, false}, {IPC_OPEN, true, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ipc_channel ch = ticket(0, O_RDWR, getuid());
		struct peer p = {.ring_fd = -1, .memfd = memfd(4096, true, F_SEAL_SHRINK)};

		p.c.sock = dial(&ch);
		if (cases[i].joined)
			assert_int_equal(ask(p.c.sock, IPC_HELLO, 8, &ch, -1, &p.ring_fd), 8);
		ch = ticket(0, O_RDWR, getuid());
		assert_int_equal(ask(p.c.sock, cases[i].type, 8, &ch, cases[i].fd ? p.memfd : -1, NULL),
				 -EPROTO);
		assert_true(hung_up(p.c.sock));
		leave(&p);
	}
	ipc_server_revoke(server, 0);
}

static void test_register_refuses(void **state)
{
	int plain = memfd_create("test_ipc", MFD_CLOEXEC), good = memfd(4096, true, F_SEAL_SHRINK);
	int pipes[2], ret = pipe2(pipes, O_CLOEXEC);
	char name[64];
	struct {
		const char *what;
		int fd, error;
	} cases[] = {
		{"a regular file", open("/proc/self/exe", O_RDONLY | O_CLOEXEC), -EINVAL},
		{"a device", open("/dev/null", O_RDWR | O_CLOEXEC), -EINVAL},
		{"a folder", open("/", O_PATH | O_CLOEXEC), -EINVAL},
		{"a pipe", pipes[0], -EINVAL},
		{"its other end", pipes[1], -EINVAL},
		{"a socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -EINVAL},
		{"tmpfs", open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), -EPERM},
		{"no seals", memfd(4096, true, 0), -EPERM},
		{"seals not allowed", plain, -EPERM},
		{"another seal", memfd(4096, true, F_SEAL_GROW), -EPERM},
		{"empty", memfd(0, false, F_SEAL_SHRINK), -EINVAL},
		{"beyond the quota", memfd(5ULL << 30, false, F_SEAL_SHRINK), -EDQUOT},
		{"beyond what is left of it", memfd(4ULL << 30, false, F_SEAL_SHRINK), -EDQUOT},
		{"holes", memfd(1ULL << 30, false, F_SEAL_SHRINK), -ENODATA},
		{"write-only", -1, -EACCES},
	};
	struct peer p;

	(void)state;
	assert_int_equal(ret, 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", good);
	cases[ARRAY_SIZE(cases) - 1].fd = open(name, O_WRONLY | O_CLOEXEC);
	enter(&p, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct stat st;

		ret = reg(&p, cases[i].fd);
		if (ret != cases[i].error)
			fail_msg("%s: %d instead of %d", cases[i].what, ret, cases[i].error);
		assert_int_equal(fstat(cases[i].fd, &st), 0);
		if (ret == -EDQUOT || ret == -ENODATA)
			assert_int_equal(st.st_blocks, 0); /* nothing was populated */
		close(cases[i].fd);
	}
	for (int i = 1; i < IPC_BUFFERS_MAX; i++)
		assert_int_equal(reg(&p, good), i);
	assert_int_equal(reg(&p, good), -EDQUOT);
	assert_int_equal(operate(&p, &(struct ipc_sqe){.op = IPC_OP_UNREGISTER, .buffer = 7}), 0);
	assert_int_equal(reg(&p, good), 7);
	leave(&p);
	close(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ipc_test(test_tickets),
		ipc_test(test_other_user),
		ipc_test(test_hello),
		ipc_test(test_malformed_messages),
		ipc_test(test_wrong_messages),
		ipc_test(test_register_refuses),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
