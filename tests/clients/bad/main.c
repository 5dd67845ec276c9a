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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fdpass.h"
#include "tests/clients/bad/bad.h"

#define ANSWER_SEC 20

const char *file;
struct ipc_client c;
int memory = -1;

void wrong(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("bad: ", stdout);
	vprintf(format, ap);
	putchar('\n');
	va_end(ap);
	exit(1);
}

int sealed(uint64_t size, bool full, unsigned int flags, int seals)
{
	int fd = memfd_create("bad", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	if (fd < 0 || ftruncate(fd, (off_t)size) || (full && fallocate(fd, 0, 0, (off_t)size)) ||
	    fcntl(fd, F_ADD_SEALS, seals))
		wrong("a memfd of %llu bytes: %s", (unsigned long long)size, strerror(errno));
	return fd;
}

struct ipc_channel ticket(void)
{
	int fd = open(file, O_RDWR | O_CLOEXEC); /* stays open: so does the ticket */
	struct ipc_channel ch;

	if (fd < 0 || ioctl(fd, IPC_IOC_CHANNEL, &ch))
		wrong("%s: %s", file, strerror(errno));
	return ch;
}

int dial(const struct ipc_channel *ch)
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

int ask(int sock, uint32_t type, uint64_t value, const uint8_t *secret, int fd)
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

void expect(const char *what, int got, int want)
{
	if (got != want)
		wrong("%s: %d (%s) and not %d (%s)", what, got, got < 0 ? strerror(-got) : "", want,
		      want < 0 ? strerror(-want) : "");
}

void expect_hang_up(int sock)
{
	char byte;
	ssize_t n = recv(sock, &byte, 1, 0);

	if (n > 0 || (n < 0 && errno == EAGAIN))
		wrong("the server did not hang up: %zd, %s", n, strerror(errno));
}

void hello(void)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	struct err e;

	if (fd < 0 || ipc_client_connect(&c, fd, ENTRIES, 0, &e))
		wrong("%s", fd < 0 ? strerror(errno) : e.what);
}

void join(void)
{
	struct err e;

	hello();
	memory = sealed(SIZE, true, 0, F_SEAL_SHRINK);
	if (ipc_client_register(&c, memory, &e))
		wrong("%s", e.what);
}

int operate(const struct ipc_sqe *d)
{
	int32_t result;
	uint64_t tag;
	int ret = ipc_client_submit(&c, d);

	ipc_client_flush(&c);
	if (!ret)
		ret = ipc_client_wait(&c, &tag, &result);
	return ret ? ret : result;
}

const struct ipc_sqe right = {.op = IPC_OP_WRITE, .length = 4096};

void refused(const char *what, int got, int want)
{
	expect(what, got, want);
	expect("an operation after that", operate(&right), 4096);
}

void wait_for_end(void)
{
	puts("there");
	fflush(stdout);
	for (;;)
		pause();
}

/* In the order in which they run: see crowds.c. */
static const struct bad_case *const groups[] = {memory_cases, ring_cases, control_cases, stops_cases,
						crowds_cases};

int main(int argc, char **argv)
{
	bool list;

	if (argc != 3) {
		fprintf(stderr, "usage: bad FILE CASE|list\n");
		return 2;
	}
	file = argv[1];
	list = !strcmp(argv[2], "list");
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct bad_case *b = groups[g]; b->name; b++) {
			if (list)
				printf("%s\t%s\n", b->name, b->log ? b->log : "-");
			if (strcmp(argv[2], b->name))
				continue;
			b->run();
			return 0;
		}
	return list ? 0 : 2;
}
