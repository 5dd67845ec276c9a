// SPDX-License-Identifier: MIT
/* The ring of this process on a mount; see bypass.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clients/bypass/bypass.h"
#include "clients/ipc_client.h"
#include "lib/clock.h"

#define ENTRIES   4 /* one operation is in flight at a time */
#define STAGE     (1u << 20)
#define IN_PLACE  (64u << 20) /* bytes of one operation */
#define ATTEMPTS  20
#define SPIN_NS   (50 * NSEC_PER_USEC)
#define KERNEL_RW 0x7ffff000 /* the most that read(2) and write(2) move */

struct session {
	bool used, dead;
	dev_t dev;
	pthread_mutex_t lock; /* around all that follows, and the ring */
	struct ipc_client client;
	unsigned int handles;
	int stage_fd;
	uint16_t stage;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* who has which session */
static struct session sessions[SESSIONS_MAX];

static uint64_t spin_ns(void)
{
	const char *text = getenv("ZCBYPASS_SPIN_NS");

	return text ? strtoull(text, NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN) > 1 ? SPIN_NS : 0;
}

/* Frees what is ours; nothing is said to the server. */
static void let_go(struct session *s)
{
	if (s->client.ring)
		real()->munmap(s->client.ring, ipc_ring_size(s->client.entries));
	own_fd_close(s->client.sock);
	own_fd_close(s->stage_fd);
	s->client.ring = NULL;
	s->client.sock = s->stage_fd = -1;
}

static int make_stage(struct session *s, struct err *e)
{
	int fd = own_fd_move(memfd_create("zcbypass-stage", MFD_CLOEXEC | MFD_ALLOW_SEALING)), ret;

	s->stage_fd = fd;
	if (fd < 0 || posix_fallocate(fd, 0, STAGE) ||
	    real()->fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return -ENOMEM;
	ret = ipc_client_register(&s->client, fd, e);
	s->stage = (uint16_t)ret;
	return ret < 0 ? ret : 0;
}

/* Connects by way of an open file, which gets handle 0. */
static int begin(struct session *s, int fd, struct err *e)
{
	int ret = ipc_client_connect(&s->client, fd, ENTRIES, spin_ns(), e);

	s->stage_fd = -1;
	if (ret)
		return ret;
	s->client.sock = own_fd_move(s->client.sock);
	ret = make_stage(s, e);
	if (ret)
		let_go(s);
	return ret;
}

/* With `lock` held: the session of f's mount, with a handle for f. A negative errno: there is none. */
static int find(struct file *f, int fd)
{
	struct session *s = NULL, *empty = NULL;
	struct err e;
	int ret;

	for (int i = 0; i < SESSIONS_MAX; i++) {
		if (sessions[i].used && !sessions[i].dead && sessions[i].dev == f->dev)
			s = &sessions[i];
		else if (!sessions[i].used)
			empty = &sessions[i];
	}
	if (!s && !empty)
		return -EMFILE;
	if (s) {
		pthread_mutex_lock(&s->lock);
		ret = s->dead                         ? -ENOTCONN
		      : s->handles == IPC_HANDLES_MAX ? -EMFILE
						      : ipc_client_open(&s->client, fd, &e);
		s->handles += ret >= 0;
		pthread_mutex_unlock(&s->lock);
	} else {
		s = empty;
		ret = begin(s, fd, &e);
		if (!ret) {
			pthread_mutex_init(&s->lock, NULL);
			s->dev = f->dev;
			s->dead = false;
			s->handles = 1;
			s->used = true;
		}
	}
	if (ret < 0)
		return ret;
	f->session = (int)(s - sessions);
	f->handle = (uint16_t)ret;
	return 0;
}

bool session_ready(struct file *f, int fd)
{
	int ret = 0;

	if (atomic_load_explicit(&f->append, memory_order_relaxed) ||
	    atomic_load_explicit(&f->mapped, memory_order_relaxed))
		return false;
	if (atomic_load_explicit(&f->route, memory_order_acquire) == FILE_NEW) {
		pthread_mutex_lock(&lock);
		for (int i = 0; i < ATTEMPTS && atomic_load(&f->route) == FILE_NEW; i++) {
			ret = find(f, fd);
			if (!ret)
				atomic_store_explicit(&f->route, FILE_RING, memory_order_release);
			if (!ret || ret == -ENOTTY || ret == -EMFILE || ret == -EDQUOT)
				break;
			/* The ticket of another process that shares this open file took the place of ours. */
			usleep(500);
		}
		if (atomic_load(&f->route) == FILE_NEW)
			atomic_store(&f->route, FILE_KERNEL);
		else
			count(&counts.files, 1);
		pthread_mutex_unlock(&lock);
	}
	return atomic_load_explicit(&f->route, memory_order_acquire) == FILE_RING;
}

/* With s->lock held: one operation. Bytes or a negative errno; EIO for ever once the server is gone. */
static int32_t operate(struct session *s, const struct ipc_sqe *d)
{
	int32_t result;
	uint64_t tag;
	int ret;

	if (s->dead)
		return -EIO;
	ret = ipc_client_submit(&s->client, d);
	if (!ret) {
		ipc_client_flush(&s->client);
		ret = ipc_client_wait(&s->client, &tag, &result);
	}
	if (!ret && (result > (int64_t)d->length || result < -4095))
		ret = -EPROTO;
	if (ret) {
		s->dead = true; /* and stays used: files that are open there get EIO */
		count(&counts.lost, 1);
		return -EIO;
	}
	return result;
}

static int share(int session, int fd)
{
	struct err e;

	return sessions[session].dead ? -EIO : ipc_client_register(&sessions[session].client, fd, &e);
}

/* One piece through the staging area. The kernel copies between it and the program's memory, and knows best whether
 * that is there. */
static int32_t staged(struct session *s, struct ipc_sqe *d, void *base)
{
	const bool write = d->op == IPC_OP_WRITE;
	ssize_t n = (ssize_t)d->length;
	int32_t result;

	d->buffer = s->stage;
	d->buffer_offset = 0;
	if (write) {
		n = real()->pwrite(s->stage_fd, base, d->length, 0);
		if (n < 0)
			return -errno;
		d->length = (uint32_t)n;
	}
	result = operate(s, d);
	count(&counts.ops, 1);
	if (!write && result > 0) {
		n = real()->pread(s->stage_fd, base, (size_t)result, 0);
		result = n < 0 ? -errno : (int32_t)n;
	}
	if (result > 0)
		count(&counts.staged_bytes, (uint64_t)result);
	return result;
}

/* One piece of one buffer, as much as an operation takes. */
static int32_t piece(struct session *s, const struct file *f, bool write, char *base, size_t len,
		     uint64_t offset)
{
	struct ipc_sqe d = {
		.op = write ? IPC_OP_WRITE : IPC_OP_READ, .file_offset = offset, .handle = f->handle};
	uint64_t place;
	int32_t result;

	d.length = (uint32_t)(len < IN_PLACE ? len : IN_PLACE);
	if (memory_find(f->session, base, d.length, &d.buffer, &place, share)) {
		d.buffer_offset = place;
		result = operate(s, &d);
		/* what the server may not write to, or does not have (any more), still goes through the stage */
		if (result != -EFAULT && result != -EBADF) {
			count(&counts.ops, 1);
			if (result > 0)
				count(&counts.in_place_bytes, (uint64_t)result);
			return result;
		}
	}
	d.length = (uint32_t)(len < STAGE ? len : STAGE);
	return staged(s, &d, base);
}

ssize_t session_rw(struct file *f, bool write, const struct iovec *iov, int n, uint64_t offset)
{
	struct session *s = &sessions[f->session];
	ssize_t total = 0;
	int32_t ret = 0;

	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < n && total < KERNEL_RW; i++) {
		size_t done = 0, len = iov[i].iov_len;

		if (len > (size_t)(KERNEL_RW - total))
			len = (size_t)(KERNEL_RW - total);
		while (done < len) {
			const size_t want = len - done;

			ret = piece(s, f, write, (char *)iov[i].iov_base + done, want,
				    offset + (uint64_t)total);
			if (ret <= 0)
				goto out;
			done += (size_t)ret;
			total += ret;
			if ((size_t)ret < want && (size_t)ret < STAGE)
				goto out; /* the end of the file, or of the device */
		}
	}
out:
	pthread_mutex_unlock(&s->lock);
	return total ? total : ret;
}

void session_close(struct file *f)
{
	struct ipc_sqe d = {.op = IPC_OP_CLOSE, .handle = f->handle};
	struct session *s = &sessions[f->session];

	if (atomic_load(&f->route) != FILE_RING)
		return;
	pthread_mutex_lock(&s->lock);
	if (!s->dead && !operate(s, &d))
		s->handles--;
	pthread_mutex_unlock(&s->lock);
}

void session_unregister(int session, int buffer)
{
	struct ipc_sqe d = {.op = IPC_OP_UNREGISTER, .buffer = (uint16_t)buffer};
	struct session *s = &sessions[session];

	pthread_mutex_lock(&s->lock);
	if (s->used && !s->dead)
		operate(s, &d);
	pthread_mutex_unlock(&s->lock);
}

void session_fork_lock(bool on)
{
	if (on)
		pthread_mutex_lock(&lock);
	for (int i = 0; i < SESSIONS_MAX; i++) {
		if (sessions[i].used && on)
			pthread_mutex_lock(&sessions[i].lock);
		else if (sessions[i].used)
			pthread_mutex_unlock(&sessions[i].lock);
	}
	if (!on)
		pthread_mutex_unlock(&lock);
}

void session_fork_child(void)
{
	for (int i = 0; i < SESSIONS_MAX; i++) {
		if (sessions[i].used)
			let_go(&sessions[i]);
		sessions[i].used = false;
	}
}
