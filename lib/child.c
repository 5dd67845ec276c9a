// SPDX-License-Identifier: MIT
/* Processes that zcbench starts; see child.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/control.h"
#include "lib/cpus.h"

static void become(char **argv, int control, const int *cpus, int n)
{
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (n > 0)
		cpus_bind_list(cpus, n);
	fcntl(control, F_SETFD, 0);
	execv("/proc/self/exe", argv);
	_exit(127);
}

int child_start(struct child *c, char **argv, const int *cpus, int n, struct err *e)
{
	char number[16];
	int fds[2], argc = 0, ret;

	*c = (struct child){.pidfd = -1, .control = -1};
	ret = control_pair(fds);
	if (ret)
		return err_sys(e, ret, "making a control channel");
	while (argv[argc])
		argc++;
	snprintf(number, sizeof(number), "%d", fds[1]);
	argv[argc] = "--control-fd";
	argv[argc + 1] = number;
	argv[argc + 2] = NULL;
	c->pid = fork();
	if (c->pid == 0)
		become(argv, fds[1], cpus, n);
	argv[argc] = NULL;
	ret = c->pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!ret) {
		c->pidfd = pidfd_open(c->pid, 0);
		if (c->pidfd < 0)
			ret = -errno;
	}
	if (ret) {
		if (c->pid > 0) {
			kill(c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
		}
		close(fds[0]);
		c->pid = 0;
		return err_sys(e, ret, "starting a process");
	}
	c->control = fds[0];
	return 0;
}

int child_wait(struct child *c, uint64_t timeout_ns)
{
	const uint64_t end = clock_ns() + timeout_ns;
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

	for (;;) {
		uint64_t now = clock_ns(), left = end > now ? end - now : 0;
		struct timespec ts = {
			.tv_sec = (time_t)(left / NSEC_PER_SEC),
			.tv_nsec = (long)(left % NSEC_PER_SEC),
		};

		if (ppoll(&p, 1, &ts, NULL) > 0)
			break;
		if (!left)
			return -ETIMEDOUT;
	}
	waitpid(c->pid, &c->status, 0);
	close(c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
	return 0;
}

bool child_end(struct child *c, uint64_t grace_ns)
{
	bool killed = false;

	if (c->control >= 0)
		close(c->control);
	c->control = -1;
	if (!c->pid)
		return false;
	if (child_wait(c, grace_ns)) {
		killed = true;
		kill(c->pid, SIGKILL);
		/* a process in uninterruptible sleep does not even die of that at once */
		child_wait(c, 5 * NSEC_PER_SEC);
	}
	return killed || (!c->pid && WIFSIGNALED(c->status));
}

const char *child_fate(const struct child *c)
{
	static char text[80];

	if (c->pid)
		return "is still running";
	if (WIFSIGNALED(c->status))
		snprintf(text, sizeof(text), "was killed by signal %d (%s)", WTERMSIG(c->status),
			 strsignal(WTERMSIG(c->status)));
	else
		snprintf(text, sizeof(text), "exited with status %d", WEXITSTATUS(c->status));
	return text;
}
