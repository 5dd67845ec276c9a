// SPDX-License-Identifier: MIT
/* Clients that stop half-way: they print "there", and wait to be stopped and killed. */
#include <stdio.h>

#include "lib/fdpass.h"
#include "tests/clients/bad/bad.h"

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

const struct bad_case stops_cases[] = {
	{"stops-connected", stops_connected, "it never said HELLO"},
	{"stops-greeted", stops_greeted, NULL},
	{"stops-registered", stops_registered, NULL},
	{"stops-asking", stops_asking, NULL},
	{"stops-working", stops_working, NULL},
	{0},
};
