// SPDX-License-Identifier: MIT
/* A guest's machine as a child process; see machine.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/machine.h"

const char *machine_name(enum machine_kind kind)
{
	static const char *const names[] = {"kvm", "tcg", "uml"};

	return names[kind];
}

void command_add(struct command *c, const char *fmt, ...)
{
	va_list ap;

	if (c->n + 1 >= sizeof(c->argv) / sizeof(c->argv[0]))
		abort();
	va_start(ap, fmt);
	if (vasprintf(&c->argv[c->n++], fmt, ap) < 0)
		abort();
	va_end(ap);
}

int command_keep(struct command *c, int fd)
{
	if (fd >= 0)
		c->keep[c->nkeep++] = fd;
	return fd;
}

int command_channel(struct command *c, int *ours)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	*ours = fds[0];
	return command_keep(c, fds[1]);
}

void command_forget(struct command *c)
{
	for (unsigned int i = 0; i < c->n; i++)
		free(c->argv[i]);
	for (unsigned int i = 0; i < c->nkeep; i++)
		close(c->keep[i]);
}

static void become(struct command *c, int said, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	/* a Ctrl-C on the terminal is for zcbench to handle */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	dup2(null, 1);
	dup2(said, 2);
	if (c->env[0])
		setenv(c->env[0], c->env[1], 1);
	for (unsigned int i = 0; i < c->nkeep; i++)
		fcntl(c->keep[i], F_SETFD, 0);
	/* SIGKILL of zcbench ends it too; it may have come before this line */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		execvp(c->argv[0], c->argv);
	_exit(errno == ENOENT ? 127 : 126);
}

int machine_exec(struct machine *m, struct command *c, struct err *e)
{
	pid_t parent = getpid();
	int said[2] = {-1, -1}, ret = 0;

	c->argv[c->n] = NULL;
	if (!c->stderr_fd && pipe2(said, O_CLOEXEC))
		return err_sys(e, -errno, "starting %s", c->argv[0]);
	m->said = said[0];
	m->pid = fork();
	if (m->pid == 0)
		become(c, c->stderr_fd ? c->stderr_fd : said[1], parent);
	ret = m->pid < 0 ? -errno : 0;
	if (said[1] >= 0)
		close(said[1]);
	if (m->pid > 0) {
		m->pidfd = pidfd_open(m->pid, 0);
		ret = m->pidfd < 0 ? -errno : 0;
	} else {
		m->pid = 0;
	}
	return ret ? err_sys(e, ret, "starting %s", c->argv[0]) : 0;
}

void machine_clear(struct machine *m)
{
	*m = (struct machine){.pidfd = -1, .console = -1, .tty = -1, .said = -1};
	for (int i = 0; i < MACHINE_PORTS; i++)
		m->port[i] = -1;
}

int machine_start(struct machine *m, const struct machine_config *c, struct err *e)
{
	int ret;

	machine_clear(m);
	ret = c->kind == MACHINE_UML ? uml_start(m, c, e) : qemu_start(m, c, e);
	if (ret)
		machine_stop(m);
	return ret;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void machine_stop(struct machine *m)
{
	if (m->pid > 0) {
		/* (a group only once the child came so far) */
		kill(-m->pid, SIGKILL);
		kill(m->pid, SIGKILL);
		while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	m->pid = 0;
	drop(&m->pidfd);
	drop(&m->console);
	drop(&m->tty);
	drop(&m->said);
	for (int i = 0; i < MACHINE_PORTS; i++)
		drop(&m->port[i]);
}
