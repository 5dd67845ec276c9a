/* SPDX-License-Identifier: MIT */
/*
 * libzcbypass.so: an unmodified program's reads and writes on a mount with a back channel (lib/ipc.h) take the ring,
 * and everything else goes to the kernel. docs/bypass.md says what it promises.
 *
 *   wrap_*.c   the functions that programs call: whose call is it?
 *   file.c     which descriptors are open files of such a mount
 *   session.c  the ring: one for each mount and process, used by one thread at a time
 *   memory.c   which addresses are shared memory that the server can map, too
 *   real.c     the functions behind ours
 *
 * What keeps this simple: the kernel's descriptor stays open and keeps all that is not data: offset, flags, locks,
 * attributes, permissions. Whoever does not come by here (stdio, io_uring, a program that inherits a descriptor over
 * exec) is served by the mount, and both see the same bytes.
 *
 * Locks, in the order in which they are taken: a file's offset, sessions, one session, memory; descriptors by itself.
 */
#ifndef ZC_BYPASS_H
#define ZC_BYPASS_H

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#define FDS_MAX      65536 /* descriptors above are the kernel's alone */
#define SESSIONS_MAX 8     /* mounts */

#define EXPORT __attribute__((visibility("default")))

/* The functions behind ours: the next in the order of loading, as a rule libc's. */
#define REAL_CALLS(X)                                                                                   \
	X(int, open, (const char *, int, ...))                                                          \
	X(int, openat, (int, const char *, int, ...))                                                   \
	X(int, close, (int))                                                                            \
	X(int, close_range, (unsigned int, unsigned int, int))                                          \
	X(int, dup, (int))                                                                              \
	X(int, dup2, (int, int))                                                                        \
	X(int, dup3, (int, int, int))                                                                   \
	X(int, fcntl, (int, int, ...))                                                                  \
	X(FILE *, fdopen, (int, const char *))                                                          \
	X(ssize_t, read, (int, void *, size_t))                                                         \
	X(ssize_t, write, (int, const void *, size_t))                                                  \
	X(ssize_t, pread, (int, void *, size_t, off_t))                                                 \
	X(ssize_t, pwrite, (int, const void *, size_t, off_t))                                          \
	X(ssize_t, readv, (int, const struct iovec *, int))                                             \
	X(ssize_t, writev, (int, const struct iovec *, int))                                            \
	X(ssize_t, preadv, (int, const struct iovec *, int, off_t))                                     \
	X(ssize_t, pwritev, (int, const struct iovec *, int, off_t))                                    \
	X(ssize_t, preadv2, (int, const struct iovec *, int, off_t, int))                               \
	X(ssize_t, pwritev2, (int, const struct iovec *, int, off_t, int))                              \
	X(int, ftruncate, (int, off_t))                                                                 \
	X(void *, mmap, (void *, size_t, int, int, int, off_t))                                         \
	X(int, munmap, (void *, size_t))                                                                \
	X(void *, mremap, (void *, size_t, size_t, int, ...))                                           \
	X(void, _exit, (int))

struct real {
#define MEMBER(type, name, args) type(*name) args;
	REAL_CALLS(MEMBER)
#undef MEMBER
};

/* Filled in by the first call, whichever that is. */
const struct real *real(void);

/* Above 0: this thread is inside the library, and what it calls is not for the library. */
extern __thread int bypass_inside __attribute__((tls_model("initial-exec")));

/* False in a process that was made without telling us (clone(2), vfork(2)): the kernel serves it. */
bool bypass_active(void);

/* Around whatever takes a lock: signals wait, as they do while the kernel reads or writes a file, so that a handler
 * neither finds a lock held nor jumps out with one. */
struct bypass_guard {
	sigset_t signals;
	int error;  /* errno, which stays what it was */
	int cancel; /* the thread is not canceled with a lock held either */
};
void bypass_enter(struct bypass_guard *g);
void bypass_leave(const struct bypass_guard *g);

/* Descriptors of the library's own, out of the way of the program's: moves fd there (closing it), and -1 stays -1. */
int own_fd_move(int fd);
/* A copy of a program's descriptor. -1 if there is none to be had. */
int own_fd_copy(int fd);
void own_fd_close(int fd);
bool own_fd(int fd);

/* --- file.c --- */

enum file_route {
	FILE_NEW,    /* not used yet */
	FILE_RING,   /* handle and session are good */
	FILE_KERNEL, /* no ring to be had: the mount serves it */
};

/* One open(2) of a regular file on a mount that may have a back channel; descriptors share it by dup(2). */
struct file {
	unsigned int refs; /* under the lock of file.c */
	dev_t dev;
	ino_t ino;
	_Atomic int route;
	_Atomic bool append; /* O_APPEND or O_SYNC: the kernel has to see each write */
	_Atomic bool mapped; /* somebody mapped it: the kernel has to see all */
	int session;
	uint16_t handle;
	pthread_mutex_t offset;       /* this process's threads take turns in moving it */
	_Atomic uint64_t size;        /* what the kernel believes, at least; see file_grown */
	_Atomic unsigned int shrinks; /* ... as of so many file_shrunk */
};

/* The open file behind fd with a reference, or NULL: it is the kernel's. */
struct file *file_get(int fd);
void file_put(struct file *f);

/* After open(2): is it one of ours? */
void file_opened(int fd, int flags);
/* `to` is now another descriptor of what `from` is. */
void file_dup(int from, int to);
/* fd is about to be closed, or to be used by something that we do not see. */
void file_forget(int fd);
void file_forget_range(unsigned int first, unsigned int last);

/* Has the kernel ask for the size when a write ended beyond what it believed. */
void file_grown(struct file *f, int fd, uint64_t end);
/* Some file was made smaller: no size that was known is good any more. */
void file_shrunk(void);
/* Before a write that the kernel does at what it believes to be the end. */
void file_ask_size(struct file *f, int fd);
/* Somebody maps it: the kernel has to see all that this process does with it from now on, by whatever open file. */
void file_mapped(struct file *f);

void file_fork_child(void);
void file_fork_lock(bool lock);

/* --- session.c --- */

/* Whether reads and writes of f shall take the ring; connects at the first. */
bool session_ready(struct file *f, int fd);

/* Moves what iov says from or to this offset. Bytes, which may be less than asked for, or a negative errno. */
ssize_t session_rw(struct file *f, bool write, const struct iovec *iov, int n, uint64_t offset);

void session_close(struct file *f);
/* The server forgets a buffer. */
void session_unregister(int session, int buffer);

void session_fork_child(void);
void session_fork_lock(bool lock);

/* --- memory.c --- */

/* After a successful mmap(2), munmap(2) or mremap(2). */
void memory_mapped(void *address, size_t len, int flags, int fd, uint64_t offset);
void memory_unmapped(void *address, size_t len);

/* Whether [address, address + len) lies in shared memory that the server has or can have: its buffer number, and
 * the place in it. `connect` shares it: the buffer number or a negative errno. */
bool memory_find(int session, const void *address, size_t len, uint16_t *buffer, uint64_t *place,
		 int (*share)(int session, int fd));

void memory_forget_session(int session);
void memory_fork_child(void);
void memory_fork_lock(bool lock);

/* --- what was done, for ZCBYPASS_REPORT --- */

struct bypass_counts {
	_Atomic uint64_t ops, in_place_bytes, staged_bytes, passed, files, lost;
};
extern struct bypass_counts counts;

static inline void count(_Atomic uint64_t *n, uint64_t by)
{
	atomic_fetch_add_explicit(n, by, memory_order_relaxed);
}

#endif
