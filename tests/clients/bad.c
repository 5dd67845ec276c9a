// SPDX-License-Identifier: MIT
/*
 * A client of the back channel that does one thing wrong, or stops half-way:
 *
 *	bad FILE CASE        FILE is on the mount of a server with a back channel; bad FILE list: the cases
 *
 * What it does goes through the protocol by hand (lib/ipc.h). Status 0: the server answered, or hung up, as it has to.
 * 1: it did not, and what it did. 77: this machine cannot do it. Cases that stop half-way print "there" and wait to be
 * killed or stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clients/ipc_client.h"
#include "lib/clock.h"
#include "lib/fdpass.h"
#include "servers/ipc_server.h"

#define SIZE       (64u << 10)
#define HUGE_PAGE  (2u << 20)
#define ENTRIES    8
#define ANSWER_SEC 20

static const char *file;
static struct ipc_client c;
static int memory = -1;

static __attribute__((noreturn, format(printf, 1, 2))) void wrong(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("bad: ", stdout);
	vprintf(format, ap);
	putchar('\n');
	va_end(ap);
	exit(1);
}

static int sealed(uint64_t size, bool full, unsigned int flags, int seals)
{
	int fd = memfd_create("bad", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	if (fd < 0 || ftruncate(fd, (off_t)size) || (full && fallocate(fd, 0, 0, (off_t)size)) ||
	    fcntl(fd, F_ADD_SEALS, seals))
		wrong("a memfd of %llu bytes: %s", (unsigned long long)size, strerror(errno));
	return fd;
}

static struct ipc_channel ticket(void)
{
	int fd = open(file, O_RDWR | O_CLOEXEC); /* stays open: so does the ticket */
	struct ipc_channel ch;

	if (fd < 0 || ioctl(fd, IPC_IOC_CHANNEL, &ch))
		wrong("%s: %s", file, strerror(errno));
	return ch;
}

static int dial(const struct ipc_channel *ch)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = ANSWER_SEC};
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path + 1, ch->socket, ch->socket_len);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(sock, (struct sockaddr *)&a,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + ch->socket_len)))
		wrong("connecting: %s", strerror(errno));
	return sock;
}

/* The answer's value or error. */
static int ask(int sock, uint32_t type, uint64_t value, const uint8_t *secret, int fd)
{
	struct ipc_message m = {.type = type, .value = value};
	int got;

	if (secret)
		memcpy(m.ticket, secret, sizeof(m.ticket));
	if (fdpass_send(sock, &m, sizeof(m), fd) ||
	    fdpass_recv(sock, &m, sizeof(m), &got, 0) != sizeof(m))
		return -ENOTCONN;
	return m.error ? m.error : (int)m.value;
}

static void expect(const char *what, int got, int want)
{
	if (got != want)
		wrong("%s: %d (%s) and not %d (%s)", what, got, got < 0 ? strerror(-got) : "", want,
		      want < 0 ? strerror(-want) : "");
}

static void expect_hang_up(int sock)
{
	char byte;
	ssize_t n = recv(sock, &byte, 1, 0);

	if (n > 0 || (n < 0 && errno == EAGAIN))
		wrong("the server did not hang up: %zd, %s", n, strerror(errno));
}

static void hello(void)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	struct err e;

	if (fd < 0 || ipc_client_connect(&c, fd, ENTRIES, 0, &e))
		wrong("%s", fd < 0 ? strerror(errno) : e.what);
}

static void join(void)
{
	struct err e;

	hello();
	memory = sealed(SIZE, true, 0, F_SEAL_SHRINK);
	if (ipc_client_register(&c, memory, &e))
		wrong("%s", e.what);
}

static int operate(const struct ipc_sqe *d)
{
	int32_t result;
	uint64_t tag;
	int ret = ipc_client_submit(&c, d);

	ipc_client_flush(&c);
	if (!ret)
		ret = ipc_client_wait(&c, &tag, &result);
	return ret ? ret : result;
}

static const struct ipc_sqe right = {.op = IPC_OP_WRITE, .length = 4096};

/* Something is refused; the session goes on. */
static void refused(const char *what, int got, int want)
{
	expect(what, got, want);
	expect("an operation after that", operate(&right), 4096);
}

static void enlist(const char *what, int fd, int want)
{
	join();
	refused(what, ask(c.sock, IPC_REGISTER, 0, NULL, fd), want);
}

static __attribute__((noreturn)) void wait_for_end(void)
{
	puts("there");
	fflush(stdout);
	for (;;)
		pause();
}

static void regular_file(void)
{
	enlist("a regular file", open("/proc/self/exe", O_RDONLY | O_CLOEXEC), -EINVAL);
}

static void not_sealed(void)
{
	enlist("a memfd without a seal", sealed(SIZE, true, 0, 0), -EPERM);
}

static void huge(void)
{
	enlist("a memfd of 1 EiB", sealed(1ULL << 60, false, 0, F_SEAL_SHRINK), -EDQUOT);
}

static void holes(void)
{
	enlist("a memfd with holes", sealed(1ULL << 30, false, 0, F_SEAL_SHRINK), -ENODATA);
}

static void own_file(void)
{
	enlist("a file of the server's own mount", open(file, O_RDWR | O_CLOEXEC), -EINVAL);
}

static void place(void)
{
	struct ipc_sqe d = right;

	join();
	d.buffer_offset = UINT64_MAX - 4095;
	refused("a place that overflows", operate(&d), -EFAULT);
	d.buffer_offset = SIZE - 1;
	refused("a place beyond the end", operate(&d), -EFAULT);
	d.buffer_offset = 0;
	d.length = UINT32_MAX;
	refused("a length beyond the end", operate(&d), -EFAULT);
}

static void file_place(void)
{
	struct ipc_sqe d = right;

	join();
	d.file_offset = UINT64_MAX - 4095;
	refused("a place in the file that overflows", operate(&d), -EINVAL);
}

static void numbers(void)
{
	struct ipc_sqe d = right;

	join();
	d.buffer = UINT16_MAX;
	refused("a buffer number", operate(&d), -EBADF);
	d.buffer = 0;
	d.handle = IPC_HANDLES_MAX;
	refused("a file number", operate(&d), -EBADF);
}

static void unregistered(void)
{
	struct ipc_sqe d = {.op = IPC_OP_UNREGISTER};

	join();
	expect("giving the buffer back", operate(&d), 0);
	expect("using it then", operate(&right), -EBADF);
}

static void operation(void)
{
	struct ipc_sqe d = {.op = 77};

	join();
	refused("an operation", operate(&d), -EINVAL);
}

static atomic_bool over;

static void *rewrite(void *arg)
{
	static const uint64_t far[] = {0, 1, SIZE, INT64_MAX, UINT64_MAX, UINT32_MAX};
	uint64_t n = 88172645463325252ULL;

	(void)arg;
	while (!atomic_load(&over)) {
		volatile struct ipc_sqe *d;

		n ^= n << 13, n ^= n >> 7, n ^= n << 17; /* xorshift64 (Marsaglia 2003) */
		d = &c.ring->sqes[n % ENTRIES];
		d->buffer_offset = far[(n >> 8) % 6];
		d->length = (uint32_t)far[(n >> 16) % 6];
		d->file_offset = far[(n >> 24) % 6];
		d->op = (uint8_t)(1 + (n >> 32) % 2);
	}
	return NULL;
}

static void rewriting(void)
{
	uint64_t end = clock_ns() + NSEC_PER_SEC;
	pthread_t thread;

	join();
	pthread_create(&thread, NULL, rewrite, NULL);
	while (clock_ns() < end) {
		int ret = operate(&right);

		if (ret > (int)SIZE || (ret < 0 && ret != -EFAULT && ret != -EINVAL && ret != -EFBIG))
			wrong("an operation that changes: %d", ret);
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
}

static void number(void)
{
	join();
	expect("an operation", operate(&right), 4096);
	ipc_publish(&c.ring->sqes[1].seq, 0x80000000);
	ipc_wake(&c.ring->server_sleeps);
	expect_hang_up(c.sock);
}

static void number_lost(void)
{
	join();
	for (int i = 0; i < ENTRIES + 1; i++)
		expect("an operation", operate(&right), 4096);
	ipc_publish(&c.ring->sqes[1].seq, 0);
	ipc_wake(&c.ring->server_sleeps);
	expect_hang_up(c.sock);
}

static void packet(size_t len, unsigned int fds)
{
	union {
		char buf[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct ipc_message m[2] = {{.type = IPC_REGISTER}};
	struct iovec iov = {m, len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	join();
	if (fds) {
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (unsigned int i = 0; i < fds; i++)
			memcpy(CMSG_DATA(&control.align) + i * sizeof(int), &memory, sizeof(int));
	}
	if (sendmsg(c.sock, &mh, 0) != (ssize_t)len)
		wrong("sending: %s", strerror(errno));
	expect_hang_up(c.sock);
}

static void half_message(void)
{
	packet(sizeof(struct ipc_message) / 2, 1);
}

static void long_message(void)
{
	packet(sizeof(struct ipc_message) + 1, 0);
}

static void descriptors(void)
{
	packet(sizeof(struct ipc_message), 3);
}

static void message(void)
{
	join();
	expect("a message", ask(c.sock, 99, 0, NULL, -1), -EPROTO);
	expect_hang_up(c.sock);
}

static void no_hello(void)
{
	struct ipc_channel ch = ticket();
	int sock = dial(&ch);

	expect("a buffer before HELLO",
	       ask(sock, IPC_REGISTER, 0, NULL, sealed(SIZE, true, 0, F_SEAL_SHRINK)), -EPROTO);
	expect_hang_up(sock);
}

static void silent(void)
{
	struct ipc_channel ch = ticket();

	expect_hang_up(dial(&ch));
}

static void false_ticket(void)
{
	struct ipc_channel ch = ticket();
	int sock = dial(&ch);

	ch.ticket[0] ^= 1;
	expect("HELLO", ask(sock, IPC_HELLO, ENTRIES, ch.ticket, -1), -EACCES);
	expect_hang_up(sock);
}

static void stolen_ticket(void)
{
	struct ipc_channel ch = ticket();
	int sock;

	if (setresuid(65534, 65534, 65534))
		exit(77);
	sock = dial(&ch);
	expect("HELLO", ask(sock, IPC_HELLO, ENTRIES, ch.ticket, -1), -ENOTCONN);
}

static void ring_size(void)
{
	struct ipc_channel ch = ticket();
	int sock = dial(&ch);

	expect("HELLO", ask(sock, IPC_HELLO, 1ULL << 40, ch.ticket, -1), -EINVAL);
	expect_hang_up(sock);
}

static void truncating(void)
{
	join();
	if (!ftruncate(memory, 0) || errno != EPERM)
		wrong("the memfd could be cut short");
	if (fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE))
		wrong("punching: %s", strerror(errno));
	/* the server makes new pages, which count for whoever it runs as, and within the quota */
	expect("an operation after that", operate(&right), 4096);
	refused("the memfd again", ask(c.sock, IPC_REGISTER, 0, NULL, memory), -ENODATA);
}

/* Huge pages that are taken back cannot be made again when there are no more. */
static void huge_page_gone(void)
{
	int other,
		fd = memfd_create("bad", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_HUGE_2MB);
	struct err e;

	if (fd < 0 || fallocate(fd, 0, 0, HUGE_PAGE) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		exit(77);
	hello();
	if (ipc_client_register(&c, fd, &e))
		wrong("%s", e.what);
	expect("an operation", operate(&right), 4096);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE_PAGE))
		wrong("punching: %s", strerror(errno));
	other = memfd_create("bad", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	while (!fallocate(other, 0, lseek(other, 0, SEEK_END), HUGE_PAGE))
		; /* until there are none */
	expect("an operation on no memory", operate(&right), -ENOTCONN);
	expect_hang_up(c.sock);
}

/* A session for each of as many connections as there are. How many there were. */
static int hoard(void)
{
	for (int i = 0; i < 300; i++) {
		struct ipc_channel ch = ticket();
		struct ipc_message m = {.type = IPC_HELLO, .value = 1};
		int sock = dial(&ch), ring;

		memcpy(m.ticket, ch.ticket, sizeof(m.ticket));
		if (fdpass_send(sock, &m, sizeof(m), -1) ||
		    fdpass_recv(sock, &m, sizeof(m), &ring, 0) != sizeof(m))
			return i;
		close(ring);
	}
	return 300;
}

/* One process gets a part of all sessions, and three of them no more than there are. */
static void many_sessions(void)
{
	int in_all = 0, ends[2];

	if (pipe(ends))
		wrong("pipe");
	for (int i = 0; i < 3; i++) {
		unsigned char n;

		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			n = (unsigned char)hoard();
			if (write(ends[1], &n, 1) == 1)
				pause(); /* with its sessions, until the parent ends */
			_exit(1);
		}
		if (read(ends[0], &n, 1) != 1 || n > IPC_SESSIONS_PROCESS)
			wrong("process %d has %d sessions", i, n);
		in_all += n;
	}
	if (in_all > IPC_SESSIONS_MAX || in_all < IPC_SESSIONS_MAX - 16)
		wrong("%d sessions in all", in_all);
}

static void stops_hoarding(void)
{
	expect("sessions of one process", hoard(), IPC_SESSIONS_PROCESS);
	wait_for_end();
}

/* Nothing wrong. */
static void well_behaved(void)
{
	join();
	expect("an operation", operate(&right), 4096);
}

/* Refused again and again. */
static void flood(void)
{
	int fd = sealed(SIZE, true, 0, 0);

	join();
	for (int i = 0; i < 2000; i++)
		expect("a memfd without a seal", ask(c.sock, IPC_REGISTER, 0, NULL, fd), -EPERM);
	sleep(2);
	refused("the last one", ask(c.sock, IPC_REGISTER, 0, NULL, fd), -EPERM);
}

/* Asks, and reads no answer. */
static void deaf(void)
{
	struct ipc_message m = {.type = IPC_OPEN};

	join();
	for (int full = 0; full < 10;)
		if (send(c.sock, &m, sizeof(m), MSG_DONTWAIT) < 0) {
			full++;
			usleep(10000);
		}
}

static void stops_connected(void)
{
	struct ipc_channel ch = ticket();

	dial(&ch);
	wait_for_end();
}

static void stops_greeted(void)
{
	hello();
	wait_for_end();
}

static void stops_registered(void)
{
	join();
	wait_for_end();
}

/* In the middle of a message: it has the answer to read. */
static void stops_asking(void)
{
	struct ipc_message m = {.type = IPC_REGISTER};

	join();
	if (fdpass_send(c.sock, &m, sizeof(m), memory))
		wrong("sending");
	wait_for_end();
}

/* Always as much in flight as the ring takes. */
static void stops_working(void)
{
	struct ipc_sqe d = {.op = IPC_OP_WRITE, .length = SIZE};
	int32_t result;
	uint64_t tag;

	join();
	puts("there");
	fflush(stdout);
	for (;;) {
		while (!ipc_client_submit(&c, &d))
			;
		ipc_client_flush(&c);
		if (ipc_client_wait(&c, &tag, &result))
			wrong("cut off");
	}
}

/* clang-format off */
static const struct {
	const char *name;
	void (*run)(void);
	const char *log; /* what the server says about it; NULL: nothing */
} cases[] = {
	{"regular-file",     regular_file,     "neither a memfd nor a dma-buf"},
	{"own-file",         own_file,         "neither a memfd nor a dma-buf"},
	{"not-sealed",       not_sealed,       "not sealed with F_SEAL_SHRINK"},
	{"huge",             huge,             "more than 64 buffers or 4 GiB"},
	{"holes",            holes,            "the memfd has holes"},
	{"truncating",       truncating,       "the memfd has holes"},
	{"huge-page-gone",   huge_page_gone,   "its shared memory went away under it"},
	{"place",            place,            "beyond the end of its buffer"},
	{"file-place",       file_place,       "length or place in the file overflows"},
	{"numbers",          numbers,          "file or buffer number that does not exist"},
	{"unregistered",     unregistered,     "a buffer that is not registered"},
	{"operation",        operation,        "an unknown operation"},
	{"rewriting",        rewriting,        "refused process"},
	{"number",           number,           "a number in its ring that makes no sense"},
	{"number-lost",      number_lost,      "a number in its ring that makes no sense"},
	{"half-message",     half_message,     "a malformed control message"},
	{"long-message",     long_message,     "a malformed control message"},
	{"descriptors",      descriptors,      "a malformed control message"},
	{"message",          message,          "an unknown control message"},
	{"no-hello",         no_hello,         "a control message before HELLO"},
	{"silent",           silent,           "it never said HELLO"},
	{"false-ticket",     false_ticket,     "a ticket that is not valid for this user"},
	{"stolen-ticket",    stolen_ticket,    "its user has no ticket"},
	{"ring-size",        ring_size,        "a ring of 1099511627776 entries"},
	/* who only dies is no reason for a line, but who is too slow is */
	{"stops-connected",  stops_connected,  "it never said HELLO"},
	{"stops-greeted",    stops_greeted,    NULL},
	{"stops-registered", stops_registered, NULL},
	{"stops-asking",     stops_asking,     NULL},
	{"stops-working",    stops_working,    NULL},
	{"stops-hoarding",   stops_hoarding,   "its process has too many sessions already"},
	{"well-behaved",     well_behaved,     NULL},
	/* last: these take all that the log takes */
	{"deaf",             deaf,             "a ticket that is not valid for this user"},
	{"many-sessions",    many_sessions,    "there are too many already"},
	{"flood",            flood,            "times before, of any client)"},
};
/* clang-format on */

int main(int argc, char **argv)
{
	const size_t n = sizeof(cases) / sizeof(cases[0]);

	if (argc != 3) {
		fprintf(stderr, "usage: bad FILE CASE|list\n");
		return 2;
	}
	file = argv[1];
	for (size_t i = 0; i < n && !strcmp(argv[2], "list"); i++)
		printf("%s\t%s\n", cases[i].name, cases[i].log ? cases[i].log : "-");
	for (size_t i = 0; i < n; i++)
		if (!strcmp(argv[2], cases[i].name)) {
			cases[i].run();
			return 0;
		}
	return strcmp(argv[2], "list") ? 2 : 0;
}
