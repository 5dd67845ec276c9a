// SPDX-License-Identifier: MIT
/* Which descriptors are open files of a mount with a back channel; see bypass.h. */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "clients/bypass/bypass.h"

#define MAPPED_MAX 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *_Atomic files[FDS_MAX];
static _Atomic unsigned int shrinks;

/* Files that this process mapped: the last few, which is what it may still have mapped. */
static struct {
	dev_t dev;
	ino_t ino;
} mapped[MAPPED_MAX];
static unsigned int mappings;

/* ZCBYPASS_MOUNT: only files of this mount. */
static bool wanted_mount(dev_t dev)
{
	static _Atomic int known; /* 1: any, 2: this one */
	static dev_t only;
	const char *path;
	struct stat st;

	if (!atomic_load(&known)) {
		path = getenv("ZCBYPASS_MOUNT");
		if (path && !stat(path, &st))
			only = st.st_dev;
		atomic_store(&known, path ? 2 : 1);
	}
	return atomic_load(&known) == 1 || only == dev;
}

static bool must_pass(int flags)
{
	return flags & (O_APPEND | O_SYNC | O_DSYNC);
}

void file_opened(int fd, int flags)
{
	struct bypass_guard g;
	struct statfs fs;
	struct stat st;
	struct file *f;

	if (fd < 0 || fd >= FDS_MAX || flags & (O_PATH | O_DIRECTORY))
		return;
	bypass_enter(&g);
	if (!fstatfs(fd, &fs) && fs.f_type == FUSE_SUPER_MAGIC && !fstat(fd, &st) &&
	    S_ISREG(st.st_mode) && wanted_mount(st.st_dev) && (f = calloc(1, sizeof(*f)))) {
		f->refs = 1;
		f->dev = st.st_dev;
		f->ino = st.st_ino;
		f->shrinks = atomic_load(&shrinks);
		f->size = (uint64_t)st.st_size;
		f->append = must_pass(flags);
		pthread_mutex_init(&f->offset, NULL);
		pthread_mutex_lock(&lock);
		for (unsigned int i = 0; i < mappings && i < MAPPED_MAX; i++)
			if (mapped[i].ino == f->ino && mapped[i].dev == f->dev)
				f->mapped = true;
		atomic_store(&files[fd], f);
		pthread_mutex_unlock(&lock);
	}
	bypass_leave(&g);
}

struct file *file_get(int fd)
{
	struct file *f;
	sigset_t all, old;

	if (fd < 0 || fd >= FDS_MAX || bypass_inside ||
	    !atomic_load_explicit(&files[fd], memory_order_acquire) || !bypass_active())
		return NULL;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	pthread_mutex_lock(&lock);
	f = atomic_load(&files[fd]);
	if (f)
		f->refs++;
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return f;
}

void file_put(struct file *f)
{
	struct bypass_guard g;
	bool last;

	bypass_enter(&g);
	pthread_mutex_lock(&lock);
	last = !--f->refs;
	pthread_mutex_unlock(&lock);
	if (last) {
		session_close(f);
		pthread_mutex_destroy(&f->offset);
		free(f);
	}
	bypass_leave(&g);
}

static struct file *take(unsigned int fd)
{
	struct bypass_guard g;
	struct file *f;

	bypass_enter(&g);
	pthread_mutex_lock(&lock);
	f = atomic_exchange(&files[fd], NULL);
	pthread_mutex_unlock(&lock);
	bypass_leave(&g);
	return f;
}

void file_forget(int fd)
{
	struct file *f;

	if (fd < 0 || fd >= FDS_MAX || bypass_inside || !atomic_load(&files[fd]) || !bypass_active())
		return;
	f = take((unsigned int)fd);
	if (f)
		file_put(f);
}

void file_forget_range(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && fd < FDS_MAX; fd++)
		file_forget((int)fd);
}

void file_dup(int from, int to)
{
	struct file *f, *before;
	struct bypass_guard g;

	if (to < 0 || to >= FDS_MAX || from == to || bypass_inside || !bypass_active())
		return;
	f = file_get(from);
	if (!f && !atomic_load(&files[to]))
		return;
	/* the reference that was just taken is that of `to` */
	bypass_enter(&g);
	pthread_mutex_lock(&lock);
	before = atomic_exchange(&files[to], f);
	pthread_mutex_unlock(&lock);
	bypass_leave(&g);
	if (before)
		file_put(before);
}

void file_shrunk(void)
{
	atomic_fetch_add(&shrinks, 1);
}

void file_mapped(struct file *f)
{
	struct bypass_guard g;

	bypass_enter(&g);
	pthread_mutex_lock(&lock);
	if (!f->mapped) {
		mapped[mappings % MAPPED_MAX].dev = f->dev;
		mapped[mappings++ % MAPPED_MAX].ino = f->ino;
	}
	for (unsigned int fd = 0; fd < FDS_MAX; fd++) {
		struct file *other = atomic_load_explicit(&files[fd], memory_order_relaxed);

		if (other && other->ino == f->ino && other->dev == f->dev)
			atomic_store(&other->mapped, true);
	}
	pthread_mutex_unlock(&lock);
	bypass_leave(&g);
}

void file_grown(struct file *f, int fd, uint64_t end)
{
	if (end > atomic_load_explicit(&f->size, memory_order_relaxed) ||
	    atomic_load(&f->shrinks) != atomic_load(&shrinks))
		file_ask_size(f, fd);
}

void file_ask_size(struct file *f, int fd)
{
	const unsigned int n = atomic_load(&shrinks);
	struct statx stx;

	/* The mount did not see the writes. Its idea of the size decides where O_APPEND and SEEK_END are. */
	atomic_store(&f->shrinks, n);
	if (!statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_SIZE, &stx))
		atomic_store_explicit(&f->size, stx.stx_size, memory_order_relaxed);
}

void file_fork_lock(bool on)
{
	if (on)
		pthread_mutex_lock(&lock);
	else
		pthread_mutex_unlock(&lock);
}

void file_fork_child(void)
{
	for (unsigned int fd = 0; fd < FDS_MAX; fd++) {
		struct file *f = atomic_load_explicit(&files[fd], memory_order_relaxed);

		if (!f)
			continue;
		if (atomic_load(&f->route) == FILE_RING)
			atomic_store(&f->route, FILE_NEW);
		pthread_mutex_init(&f->offset, NULL); /* a thread that is not here may have had it */
	}
}
