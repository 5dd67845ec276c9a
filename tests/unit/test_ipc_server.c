// SPDX-License-Identifier: MIT
/*
 * Proves that the bypass's server refuses what it should with the right errno (tickets, users, messages
 * and memory of clients), and that a client which floods or stalls its socket holds up nobody but
 * itself. What clients can do with the ring is in test_ipc_hostile.c. After each test a well-behaved
 * client works, and nothing of the sessions is left.
 */
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/ipc_fixture.h"

static void test_tickets(void **state)
{
	struct ipc_channel a = ticket(0, O_RDWR, geteuid()), b = ticket(1, O_RDWR, geteuid()), wrong = a;
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
	a = ticket(0, O_RDWR, geteuid());
	b = ticket(0, O_RDWR, geteuid()); /* as for two processes that inherited the file */
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &b, -1, NULL), 2);
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), 3);
	a = ticket(0, O_RDWR, geteuid());
	b = ticket(0, O_RDWR, geteuid());
	for (int i = 1; i < IPC_TICKETS_FILE; i++)
		ticket(0, O_RDWR, geteuid());
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), -EACCES); /* the oldest went */
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &b, -1, NULL), 4);
	b = ticket(0, O_RDWR, geteuid());
	ipc_server_revoke(server, 0);
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &b, -1, NULL), -EACCES);
	for (int i = 5; i < IPC_HANDLES_MAX; i++) {
		a = ticket(0, O_RDWR, geteuid());
		assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), i);
	}
	a = ticket(0, O_RDWR, geteuid());
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), -EMFILE);
	assert_int_equal(operate(&p, &(struct ipc_sqe){.op = IPC_OP_CLOSE, .handle = 9}), 0);
	a = ticket(0, O_RDWR, geteuid());
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &a, -1, NULL), 9);
	leave(&p);

	/* one user asking for tickets all day takes none from the others, whatever he has open */
	for (uint64_t fh = 0; fh < IPC_FILES_MAX; fh++)
		for (int i = 0; i < (fh < 100 ? IPC_TICKETS_FILE + 1 : 1); i++)
			assert_int_equal(ticket(fh, O_RDWR, geteuid()).version, IPC_VERSION);
	for (uint64_t fh = 0; fh < IPC_FILES_MAX; fh++)
		ipc_server_revoke(server, fh);
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
	struct ipc_channel ours = ticket(0, O_RDWR, geteuid()), theirs;

	(void)state;
	if (geteuid())
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
	} cases[] = {{0, -EINVAL}, {IPC_ENTRIES_MAX + 1, -EINVAL},    {UINT64_MAX, -EINVAL}, {1, 1},
		     {3, 4},       {IPC_ENTRIES_MAX, IPC_ENTRIES_MAX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ipc_channel ch = ticket(0, O_RDWR, geteuid());
		int sock = dial(&ch), fd;

		assert_int_equal(ask(sock, IPC_HELLO, cases[i].entries, &ch, -1, &fd), cases[i].answer);
		if (cases[i].answer > 0) { /* HELLO is said once */
			ch = ticket(0, O_RDWR, geteuid());
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
	struct ipc_channel ch = ticket(0, O_RDWR, geteuid());
	struct peer p = {.ring_fd = -1, .memfd = memfd(4096, true, F_SEAL_SHRINK)};

	if (nfds) {
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
		for (int i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(&control.align) + (size_t)i * sizeof(int), &p.memfd,
			       sizeof(int));
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
	} cases[] = {{IPC_REGISTER, false, true}, {IPC_OPEN, false, false},
		     {0, false, false},           {4, true, false},
		     {UINT32_MAX, true, true},    {IPC_HELLO, false, true},
		     {IPC_HELLO, true, true},     {IPC_REGISTER, true, false},
		     {IPC_OPEN, true, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ipc_channel ch = ticket(0, O_RDWR, geteuid());
		struct peer p = {.ring_fd = -1, .memfd = memfd(4096, true, F_SEAL_SHRINK)};

		p.c.sock = dial(&ch);
		if (cases[i].joined)
			assert_int_equal(ask(p.c.sock, IPC_HELLO, 8, &ch, -1, &p.ring_fd), 8);
		ch = ticket(0, O_RDWR, geteuid());
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
		{"a regular file", open("/proc/self/maps", O_RDONLY | O_CLOEXEC), -EINVAL},
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

/* A dma-buf says what it is in /proc, where its owner can give it a name of several lines. */
static void test_dmabufs(void **state)
{
	struct udmabuf_create create = {.memfd = (uint32_t)memfd(8192, true, F_SEAL_SHRINK),
					.flags = UDMABUF_FLAGS_CLOEXEC,
					.size = 8192};
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;
	struct peer p;

	(void)state;
	if (device < 0) {
		close((int)create.memfd);
		skip();
	}
	fd = ioctl(device, UDMABUF_CREATE, &create);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, DMA_BUF_SET_NAME_B, "a\nsize: 99999999\nexp_name: b"), 0);
	enter(&p, 0);
	assert_int_equal(reg(&p, fd), 1);
	assert_int_equal(reg(&p, fd), 2);
	assert_int_equal(reg(&p, fd), -EDQUOT); /* IPC_DMABUFS_MAX */
	assert_int_equal(operate(&p, &(struct ipc_sqe){.op = IPC_OP_WRITE, .buffer = 1, .length = 8192}),
			 8192);
	assert_int_equal(operate(&p, &(struct ipc_sqe){.op = IPC_OP_READ, .buffer = 2, .length = 8193}),
			 -EFAULT);
	assert_int_equal(operate(&p, &(struct ipc_sqe){.op = IPC_OP_UNREGISTER, .buffer = 1}), 0);
	assert_int_equal(reg(&p, fd), 1);
	leave(&p);
	close(fd);
	close(device);
	close((int)create.memfd);
}

/* Asks and asks and reads no answer, until the server's answers fill the socket. */
static void test_answers_unread(void **state)
{
	struct ipc_message m = {.type = IPC_OPEN};
	int full = 0;
	struct peer p;

	(void)state;
	enter(&p, 0);
	while (full < 10) {
		if (send(p.c.sock, &m, sizeof(m), MSG_DONTWAIT) > 0)
			continue;
		full++;
		usleep(10000);
	}
	assert_good_client();
	leave(&p);
}

/* Takes all places that a process gets and says nothing: the server hangs up on each. */
static void test_silence(void **state)
{
	struct ipc_channel ch = ticket(0, O_RDWR, geteuid());
	int sock[IPC_SESSIONS_PROCESS], one_more;

	(void)state;
	for (int i = 0; i < IPC_SESSIONS_PROCESS; i++) {
		sock[i] = dial(&ch);
		assert_true(sock[i] >= 0);
	}
	one_more = dial(&ch);
	assert_true(hung_up(one_more));
	close(one_more);
	for (int i = 0; i < IPC_SESSIONS_PROCESS; i++) {
		assert_true(hung_up(sock[i]));
		close(sock[i]);
	}
	ipc_server_revoke(server, 0);
}

/* From here on, and until `all` is set again, nobody in this process gets a new descriptor. */
static void use_up_descriptors(struct rlimit *all)
{
	int next = dup(0);
	struct rlimit few;

	close(next);
	getrlimit(RLIMIT_NOFILE, all);
	few = (struct rlimit){(rlim_t)next, all->rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

/* Out of descriptors: the server waits for better times, and not in a busy loop. */
static void test_no_descriptors(void **state)
{
	struct ipc_channel ch = ticket(0, O_RDWR, geteuid());
	struct pollfd p = {socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), POLLIN, 0};
	struct rlimit all;
	int64_t began;
	int ring_fd;

	(void)state;
	use_up_descriptors(&all);
	assert_int_equal(reach(p.fd, &ch), 0);
	began = cpu_ns();
	assert_int_equal(poll(&p, 1, 500), 0);
	assert_true(cpu_ns() - began < 250000000);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_int_equal(ask(p.fd, IPC_HELLO, 8, &ch, -1, &ring_fd), 8);
	close(ring_fd);
	close(p.fd);
}

/* A TCP socket whose close(2) takes as long as its peer likes, up to 20 s: it has data to send, and
 * lingers. */
static int slow_to_close(int *peer)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct linger linger = {1, 20};
	socklen_t len = sizeof(a);
	char data[4096] = {0};

	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, len), 0);
	*peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return fd;
}

/* The server is left with the last reference to a descriptor that takes its time to close. To be sure
 * that ours is gone by then, the messages wait in the socket until the server can accept it. */
static void test_slow_close(void **state)
{
	struct ipc_channel ch = ticket(0, O_RDWR, geteuid());
	struct ipc_message hello = {.type = IPC_HELLO, .value = 8}, m = {.type = IPC_REGISTER};
	struct pollfd p = {socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), POLLIN, 0};
	int peer, slow = slow_to_close(&peer), ring_fd, none;
	struct rlimit all;

	(void)state;
	memcpy(hello.ticket, ch.ticket, sizeof(hello.ticket));
	use_up_descriptors(&all);
	assert_int_equal(reach(p.fd, &ch), 0);
	assert_int_equal(fdpass_send(p.fd, &hello, sizeof(hello), -1), 0);
	assert_int_equal(fdpass_send(p.fd, &m, sizeof(m), slow), 0);
	assert_int_equal(dup2(0, slow), slow);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_int_equal(fdpass_recv(p.fd, &hello, sizeof(hello), &ring_fd, 0), sizeof(hello));
	assert_int_equal(hello.value, 8);

	assert_good_client();
	assert_int_equal(poll(&p, 1, 0), 0); /* still closing */
	close(peer);
	assert_int_equal(fdpass_recv(p.fd, &m, sizeof(m), &none, 0), sizeof(m));
	assert_int_equal(m.error, -EINVAL);
	close(slow);
	close(ring_fd);
	close(p.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ipc_test(test_tickets),        ipc_test(test_other_user),
		ipc_test(test_hello),          ipc_test(test_malformed_messages),
		ipc_test(test_wrong_messages), ipc_test(test_register_refuses),
		ipc_test(test_dmabufs),        ipc_test(test_answers_unread),
		ipc_test(test_silence),        ipc_test(test_slow_close),
		ipc_test(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
