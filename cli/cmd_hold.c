// SPDX-License-Identifier: MIT
/*
 * zcbench hold-events (hidden, for the guest of zcbench vm): keeps every software event of perf open for as
 * long as the system runs. The first user of an event has the kernel patch its own code, and the last one
 * patch it back. A guest under emulation does not survive many of these on several CPUs (see lib/qemu.h), and each
 * round that counts would be two. With this process there is never a first nor a last.
 */
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/cmd.h"

/* Disabled, and of this process, which sleeps: nothing is counted. Returns how many are open. */
static unsigned int hold(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PERF_COUNT_SW_MAX; i++) {
		struct perf_event_attr a = {
			.type = PERF_TYPE_SOFTWARE, .size = sizeof(a), .config = i, .disabled = 1};

		n += syscall(SYS_perf_event_open, &a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC) >= 0;
	}
	return n;
}

int cmd_hold(struct options *o)
{
	unsigned int n = 0;
	int fds[2];
	pid_t pid;

	(void)o;
	if (pipe(fds))
		return EXIT_FAILED;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "zcbench-hold");
		signal(SIGHUP, SIG_IGN);
		n = hold();
		if (write(fds[1], &n, sizeof(n)) != sizeof(n) || !n)
			_exit(EXIT_FAILED);
		close(fds[1]);
		for (;;)
			pause();
	}
	close(fds[1]);
	if (pid < 0 || read(fds[0], &n, sizeof(n)) != sizeof(n) || !n)
		return EXIT_FAILED; /* a kernel without perf: then nobody counts */
	return EXIT_OK;
}
