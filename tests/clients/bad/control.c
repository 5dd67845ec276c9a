// SPDX-License-Identifier: MIT
/* Bad clients: what they say on the socket, and with which ticket. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/clients/bad/bad.h"

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

const struct bad_case control_cases[] = {
	{"half-message", half_message, "a malformed control message"},
	{"long-message", long_message, "a malformed control message"},
	{"descriptors", descriptors, "a malformed control message"},
	{"message", message, "an unknown control message"},
	{"no-hello", no_hello, "a control message before HELLO"},
	{"silent", silent, "it never said HELLO"},
	{"false-ticket", false_ticket, "a ticket that is not valid for this user"},
	{"stolen-ticket", stolen_ticket, "its user has no ticket"},
	{"ring-size", ring_size, "a ring of 1099511627776 entries"},
	{0},
};
