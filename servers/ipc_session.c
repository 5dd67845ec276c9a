// SPDX-License-Identifier: MIT
/*
 * One client of the bypass: its ring is served here. Whatever the client writes to shared memory can
 * change at any time: a descriptor is copied once, the copy is checked, the copy is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "servers/ipc_session.h"
#include "servers/sigbus.h"

#define SLEEP_NS    (100 * NSEC_PER_MSEC) /* an upper bound: a lost wake-up costs this, no more */
#define SPIN_CHECKS 64                    /* polls between two looks at the clock */

/* Refuses what no right client asks for. The log gets the first one of a session: the client is told each time. */
static int32_t wrong(struct ipc_session *s, int32_t error, const char *why)
{
	if (s->complain && !s->complained)
		s->complain(s, why);
	s->complained = true;
	return error;
}

static int32_t do_rw(struct ipc_session *s, struct worker *w, const struct ipc_sqe *d)
{
	bool write = d->op == IPC_OP_WRITE;
	struct ipc_handle *h;
	struct ipc_buffer *b;
	int64_t n;
	int file, ret;

	if (d->handle >= IPC_HANDLES_MAX || d->buffer >= IPC_BUFFERS_MAX)
		return wrong(s, -EBADF, "an operation with a file or buffer number that does not exist");
	h = &s->handles[d->handle];
	b = &s->buffers[d->buffer];
	if (!atomic_load_explicit(&h->ready, memory_order_acquire) ||
	    !(write ? h->writable : h->readable))
		return -EBADF;
	if (!atomic_load_explicit(&b->ready, memory_order_acquire))
		return wrong(s, -EBADF, "an operation on a buffer that is not registered");
	if (d->buffer_offset > b->size || d->length > b->size - d->buffer_offset)
		return wrong(s, -EFAULT, "an operation beyond the end of its buffer");
	if (!write && !b->writable)
		return -EFAULT;
	if (d->length > INT32_MAX || d->file_offset > (uint64_t)INT64_MAX - d->length)
		return wrong(s, -EINVAL, "an operation whose length or place in the file overflows");
	n = write ? minifs_write_range(&s->srv->fs, h->ino, d->file_offset, d->length)
		  : minifs_read_range(&s->srv->fs, h->ino, d->file_offset, d->length);
	if (n <= 0)
		return (int32_t)n;
	file = minifs_file(&s->srv->fs, h->ino);
	ipc_buffer_access(b, true, write);
	if (write)
		ret = server_write(w, ROUTE_IPC, (unsigned int)file, d->file_offset,
				   b->map + d->buffer_offset, (size_t)n);
	else
		ret = server_read(w, ROUTE_IPC, (unsigned int)file, d->file_offset,
				  b->map + d->buffer_offset, (size_t)n);
	ipc_buffer_access(b, false, write);
	return ret ? ret : (int32_t)n;
}

static void close_handle(struct ipc_session *s, struct ipc_handle *h)
{
	const uint64_t ino = h->ino;

	atomic_store_explicit(&h->ready, false,
			      memory_order_release); /* from now on it can be another's */
	server_release(s->srv, ino, 1);
}

static int32_t do_handle(struct ipc_session *s, const struct ipc_sqe *d)
{
	struct ipc_handle *h;

	if (d->handle >= IPC_HANDLES_MAX)
		return -EBADF;
	h = &s->handles[d->handle];
	if (!atomic_load_explicit(&h->ready, memory_order_acquire))
		return -EBADF;
	if (d->op == IPC_OP_CLOSE) {
		close_handle(s, h);
		return 0;
	}
	if (!s->srv->sink.ops->sync)
		return 0;
	return s->srv->sink.ops->sync(&s->srv->sink, (unsigned int)minifs_file(&s->srv->fs, h->ino));
}

static int32_t execute(struct ipc_session *s, struct worker *w, const struct ipc_sqe *d)
{
	switch (d->op) {
	case IPC_OP_WRITE:
	case IPC_OP_READ:
		return do_rw(s, w, d);
	case IPC_OP_UNREGISTER:
		return ipc_session_unregister(s, d->buffer);
	case IPC_OP_CLOSE:
	case IPC_OP_FSYNC:
		return do_handle(s, d);
	default:
		return wrong(s, -EINVAL, "an unknown operation");
	}
}

int ipc_session_look(struct ipc_session *s, uint32_t n)
{
	uint32_t seq =
		atomic_load_explicit(&s->ring->sqes[n & (s->entries - 1)].seq, memory_order_acquire);

	if (seq == n + 1)
		return 1;
	/* else the number of the slot's operation before, or nothing, if there was none */
	if (seq == n + 1 - s->entries || (!seq && n - s->first < s->entries))
		return 0;
	s->cut_off = "a number in its ring that makes no sense";
	return -EPROTO;
}

/* Service threads of this process that do not sleep. */
static _Atomic unsigned int awake;

static void count_awake(struct ipc_session *s, bool on)
{
	if (s->awake != on)
		atomic_fetch_add_explicit(&awake, on ? 1 : -1U, memory_order_relaxed);
	s->awake = on;
}

/* Whether polling takes the CPU from nobody: each thread that is at work, and the client that it works for, has one.
 * (Else it takes most of the time from those who could do something.) */
static bool may_spin(const struct ipc_session *s)
{
	const unsigned int n = atomic_load_explicit(&awake, memory_order_relaxed);

	return s->spin_ns && (s->spin_always || (2 * n <= s->cpus && n <= s->own_cpus));
}

/* Waits for descriptor number `next`. False when the session shall end. Not inlined, so that samples tell
 * waiting from work. */
static __attribute__((noinline)) bool wait_next(struct ipc_session *s, struct ipc_sqe *sqe,
						uint32_t next)
{
	uint64_t end = 0;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		const bool spin = may_spin(s);

		for (int i = 0; i < SPIN_CHECKS && spin; i++) {
			if (ipc_published(&sqe->seq, next))
				return true;
			cpu_relax();
		}
		if (ipc_published(&sqe->seq, next))
			return true;
		if (spin) {
			uint64_t now = clock_ns();

			if (!end)
				end = now + s->spin_ns;
			if (now < end)
				continue;
		}
		if (ipc_session_look(s, next - 1) < 0)
			return false;
		count_awake(s, false);
		ipc_sleep(&s->ring->server_sleeps, &sqe->seq, next, SLEEP_NS);
		count_awake(s, true);
		end = 0;
	}
	return false;
}

void ipc_session_serve(struct ipc_session *s, struct worker *w, uint32_t n)
{
	struct ipc_sqe *sqe = &s->ring->sqes[n & (s->entries - 1)];
	struct ipc_cqe *cqe = &ipc_cqes(s->ring, s->entries)[n & (s->entries - 1)];
	struct ipc_sqe d;

	d.file_offset = sqe->file_offset;
	d.buffer_offset = sqe->buffer_offset;
	d.tag = sqe->tag;
	d.length = sqe->length;
	d.buffer = sqe->buffer;
	d.handle = sqe->handle;
	d.op = sqe->op;
	__asm__ __volatile__("" : : "r"(&d) : "memory"); /* the compiler reads sqe no more */
	cqe->result = execute(s, w, &d);
	cqe->tag = d.tag;
	ipc_publish(&cqe->seq, n + 1);
	ipc_wake(&s->ring->client_sleeps);
}

static void serve_ring(struct ipc_session *s, struct worker *w)
{
	for (uint32_t n = s->first; wait_next(s, &s->ring->sqes[n & (s->entries - 1)], n + 1); n++)
		ipc_session_serve(s, w, n);
}

static void *service_thread(void *p)
{
	struct ipc_session *s = p;
	sigjmp_buf jump;

	/* A worker lives as long as the server, and clients come and go: use the old one again. */
	if (!s->worker)
		s->worker = worker_get(s->srv);
	sigbus_guard = &jump;
	count_awake(s, true);
	if (s->worker && sigsetjmp(jump, 0) == 0)
		serve_ring(s, s->worker);
	else if (s->worker) {
		s->cut_off = "its shared memory went away under it (SIGBUS)";
		atomic_store(&s->broken, true);
	}
	sigbus_guard = NULL;
	count_awake(s, false);
	shutdown(s->sock, SHUT_RDWR); /* the thread that reads it ends the session */
	return NULL;
}

static int make_ring(struct ipc_session *s, int *fd)
{
	const uint64_t size = ipc_ring_size(s->entries);
	int ret;

	*fd = memfd_create("zcbench-ipc-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return -errno;
	if (ftruncate(*fd, (off_t)size) ||
	    fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		ret = -errno;
		goto fail;
	}
	s->ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, *fd, 0);
	if (s->ring == MAP_FAILED) {
		ret = -errno;
		s->ring = NULL;
		goto fail;
	}
	s->ring->version = IPC_VERSION;
	s->ring->entries = s->entries;
	return 0;
fail:
	close(*fd);
	*fd = -1;
	return ret;
}

int ipc_session_start(struct ipc_session *s, struct server *srv, int sock, uint64_t entries,
		      uint64_t spin_ns, int *ring_fd)
{
	cpu_set_t own;
	int ret;

	sigbus_catch();
	s->srv = srv;
	s->sock = sock;
	s->spin_ns = spin_ns;
	s->cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	if (!sched_getaffinity(0, sizeof(own), &own))
		s->own_cpus = (unsigned int)CPU_COUNT(&own);
	s->entries = 1;
	while (s->entries < entries && s->entries < IPC_ENTRIES_MAX)
		s->entries *= 2;
	ret = make_ring(s, ring_fd);
	if (ret)
		return ret;
	ret = pthread_create(&s->thread, NULL, service_thread, s);
	if (ret) {
		close(*ring_fd);
		*ring_fd = -1;
		return -ret; /* the ring goes with ipc_session_stop */
	}
	s->started = true;
	return 0;
}

int ipc_session_open(struct ipc_session *s, uint64_t ino, uint32_t flags)
{
	for (int i = 0; i < IPC_HANDLES_MAX; i++) {
		struct ipc_handle *h = &s->handles[i];

		if (atomic_load(&h->ready))
			continue;
		if (server_hold(s->srv, ino))
			return -ESTALE;
		h->ino = ino;
		h->readable = (flags & O_ACCMODE) != O_WRONLY;
		h->writable = (flags & O_ACCMODE) != O_RDONLY;
		atomic_store_explicit(&h->ready, true, memory_order_release);
		return i;
	}
	return -EMFILE;
}

void ipc_session_stop(struct ipc_session *s)
{
	atomic_store(&s->stop, true);
	if (s->started) {
		/* Whatever it waits for, it looks at `stop` next. The flag is not looked at: the client may
		 * have cleared it, and this thread does not survive a page that is gone. */
		syscall(SYS_futex, &s->ring->server_sleeps, FUTEX_WAKE, 1, NULL, NULL, 0);
		pthread_join(s->thread, NULL);
		s->started = false;
	}
	for (unsigned int i = 0; i < IPC_BUFFERS_MAX; i++)
		ipc_session_unregister(s, i);
	for (unsigned int i = 0; i < IPC_HANDLES_MAX; i++)
		if (atomic_load(&s->handles[i].ready))
			close_handle(s, &s->handles[i]);
	if (s->memory_state)
		s->memory->end(s);
	if (s->ring)
		munmap(s->ring, ipc_ring_size(s->entries));
	s->ring = NULL;
}

static int share_with_sink(struct ipc_session *s, struct ipc_buffer *b, struct err *e)
{
	(void)e;
	if (s->srv->sink.ops->share)
		s->srv->sink.ops->share(&s->srv->sink, b->map, b->size);
	return 0;
}

static void unshare_with_sink(struct ipc_session *s, struct ipc_buffer *b)
{
	if (s->srv->sink.ops->unshare)
		s->srv->sink.ops->unshare(&s->srv->sink, b->map);
}

const struct ipc_memory_ops ipc_memory_ring = {
	.ring = true,
	.add = share_with_sink,
	.remove = unshare_with_sink,
};
