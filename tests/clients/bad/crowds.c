// SPDX-License-Identifier: MIT
/* Bad clients: too much of what one alone may have; and a good one, for the time in between. Those that fill
 * the log come last. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fdpass.h"
#include "servers/ipc_server.h"
#include "tests/clients/bad/bad.h"

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

const struct bad_case crowds_cases[] = {
	{"stops-hoarding", stops_hoarding, "its process has too many sessions already"},
	{"well-behaved", well_behaved, NULL},
	{"deaf", deaf, "a ticket that is not valid for this user"},
	{"many-sessions", many_sessions, "there are too many already"},
	{"flood", flood, "times before, of any client)"},
	{0},
};
