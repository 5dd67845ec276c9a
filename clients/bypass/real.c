// SPDX-License-Identifier: MIT
/* The functions behind ours; the library's beginning, end and fork. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clients/bypass/bypass.h"

#define OWN_MAX 256

__thread int bypass_inside __attribute__((tls_model("initial-exec")));
struct bypass_counts counts;

static struct real table;
static _Atomic bool filled;
static _Atomic pid_t self;
static _Atomic int *alive; /* 1; the kernel wipes it in every child */
static _Atomic bool own[FDS_MAX];
static int report_fd = -1;

const struct real *real(void)
{
	if (!atomic_load_explicit(&filled, memory_order_acquire)) {
		/* an object pointer, where a function's is meant: dlsym(3) */
#define FIND(type, name, args) *(void **)&table.name = dlsym(RTLD_NEXT, #name);
		REAL_CALLS(FIND)
		atomic_store_explicit(&filled, true, memory_order_release);
	}
	return &table;
}

bool bypass_active(void)
{
	return alive && atomic_load_explicit(alive, memory_order_relaxed) &&
	       syscall(SYS_getpid) == atomic_load_explicit(&self, memory_order_relaxed);
}

void bypass_enter(struct bypass_guard *g)
{
	sigset_t all;

	g->error = errno;
	sigfillset(&all);
	/* what the CPU raises is for the program, at once */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_BLOCK, &all, &g->signals);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &g->cancel);
	bypass_inside++;
}

void bypass_leave(const struct bypass_guard *g)
{
	bypass_inside--;
	pthread_setcancelstate(g->cancel, NULL);
	pthread_sigmask(SIG_SETMASK, &g->signals, NULL);
	errno = g->error;
}

/* Where programs that count on the lowest free descriptor do not get to. */
static int high(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur > FDS_MAX)
		l.rlim_cur = FDS_MAX;
	return (int)(l.rlim_cur > 2 * OWN_MAX ? l.rlim_cur - OWN_MAX : l.rlim_cur / 2);
}

static int keep(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		atomic_store(&own[fd], true);
	return fd;
}

int own_fd_copy(int fd)
{
	return fd < 0 ? -1 : keep(real()->fcntl(fd, F_DUPFD_CLOEXEC, high()));
}

int own_fd_move(int fd)
{
	int moved = own_fd_copy(fd);

	if (moved < 0)
		return keep(fd);
	real()->close(fd);
	return moved;
}

void own_fd_close(int fd)
{
	if (fd < 0)
		return;
	if (fd < FDS_MAX)
		atomic_store(&own[fd], false);
	real()->close(fd);
}

bool own_fd(int fd)
{
	return fd >= 0 && fd < FDS_MAX && atomic_load_explicit(&own[fd], memory_order_relaxed);
}

static void before_fork(void)
{
	file_fork_lock(true);
	session_fork_lock(true);
	memory_fork_lock(true);
}

static void after_fork(void)
{
	memory_fork_lock(false);
	session_fork_lock(false);
	file_fork_lock(false);
}

/* The sessions are the parent's. The child gets its own when it needs them. */
static void in_child(void)
{
	after_fork();
	bypass_inside++;
	memory_fork_child();
	session_fork_child();
	file_fork_child();
	bypass_inside--;
	memset(&counts, 0, sizeof(counts));
	atomic_store(&self, getpid());
	if (alive)
		atomic_store(alive, 1);
}

static bool wanted(void)
{
	const char *text = getenv("ZCBYPASS_REPORT");

	return text && *text && strcmp(text, "0");
}

static __attribute__((constructor)) void begin(void)
{
	void *page =
		real()->mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* Without it a child made by clone(2) would use its parent's ring: rather none at all. */
	if (page == MAP_FAILED || madvise(page, 4096, MADV_WIPEONFORK) ||
	    pthread_atfork(before_fork, after_fork, in_child))
		return;
	if (wanted())
		report_fd = own_fd_copy(2); /* programs close theirs before they end */
	alive = page;
	atomic_store(&self, getpid());
	atomic_store(alive, 1);
}

static void report(void)
{
	if (report_fd < 0 || !bypass_active())
		return;
	dprintf(report_fd,
		"zcbypass: pid %d: %llu files, %llu operations on the ring, %llu bytes in place, %llu "
		"bytes staged, %llu operations passed through, %llu sessions lost\n",
		(int)getpid(), (unsigned long long)counts.files, (unsigned long long)counts.ops,
		(unsigned long long)counts.in_place_bytes, (unsigned long long)counts.staged_bytes,
		(unsigned long long)counts.passed, (unsigned long long)counts.lost);
}

static __attribute__((destructor)) void end(void)
{
	report();
}

/* It runs no destructors. */
EXPORT void _exit(int status)
{
	report();
	real()->_exit(status);
	__builtin_unreachable();
}

EXPORT void _Exit(int status)
{
	_exit(status);
}
