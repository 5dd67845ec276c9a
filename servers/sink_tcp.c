// SPDX-License-Identifier: MIT
/*
 * Sink `tcp`: forwards the payload of a WRITE to `zcbench sink` at --tcp HOST:PORT, and takes a READ's from
 * there, over a connection for each server thread. A WRITE is done when its buffer can be used again: when the
 * socket has taken a copy, or, sent by reference, when the kernel says that it no longer needs the pages
 * (the receiver has acknowledged them, or they were copied after all).
 *
 * By reference means SEND_ZC from a registered buffer. This file does it from memory that was shared with
 * `share` (a client's on ipc, payload buffers); uring-zc, whose payload is in a slot of its own ring, sends
 * by itself and asks for the connection only. splice hands over its pipe.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/stream.h"
#include "servers/send_zc.h"
#include "servers/sink.h"

#define SLOTS     256 /* registered buffers of a thread */
#define SETTLE_NS (10 * NSEC_PER_SEC)

/* Memory in which payloads lie. */
struct range {
	char *start;
	size_t len;
	bool refused; /* a thread could not register it */
};

struct tcp_state {
	uint64_t session;
	int fd; /* the main thread's connection */
	pthread_mutex_t lock;
	struct range *ranges;
	unsigned int nranges, allocated;
	struct tcp_thread *threads;
	uint64_t resent;           /* by connections of threads that ended */
	_Atomic uint64_t unshared; /* how many ranges went: what threads remember may be gone */
	_Atomic bool verify;
	uint64_t seed;
	struct stream_totals base;  /* when verification began */
	_Atomic uint64_t forwarded; /* payload bytes of WRITEs sent while verifying */
};

struct tcp_thread {
	int fd;
	bool broken; /* a request ended in the middle: what follows would be taken for its rest */
	bool has_ring;
	struct io_uring ring;
	struct tcp_thread *next;
	struct range slots[SLOTS]; /* what is registered; others change it under the lock */
	/* what the payload before this one lay in, and `unshared` at that time */
	struct range last;
	int last_slot;
	uint64_t last_unshared;
};

static struct stream_frame frame(struct tcp_state *st, enum stream_op op, unsigned int file,
				 uint64_t offset, size_t len)
{
	struct stream_frame f = stream_frame(op, st->session, file, offset, (uint32_t)len);

	if (atomic_load_explicit(&st->verify, memory_order_acquire)) {
		f.flags = htole16(STREAM_VERIFY);
		f.seed = htole64(st->seed + file);
		if (op == STREAM_WRITE)
			atomic_fetch_add(&st->forwarded, len);
	}
	return f;
}

static int ask_totals(struct tcp_state *st, struct stream_totals *t)
{
	struct stream_frame f = stream_frame(STREAM_TOTALS, st->session, 0, 0, 0);
	int ret = stream_send(st->fd, &f, sizeof(f), 0);

	if (!ret)
		ret = stream_recv(st->fd, t, sizeof(*t), 0);
	if (ret)
		return ret;
	t->payload_bytes = le64toh(t->payload_bytes);
	t->verified_bytes = le64toh(t->verified_bytes);
	t->wrong = le64toh(t->wrong);
	t->wrong_file = le64toh(t->wrong_file);
	t->wrong_offset = le64toh(t->wrong_offset);
	return 0;
}

static int tcp_open(struct sink *sink, struct err *e)
{
	struct tcp_state *st = calloc(1, sizeof(*st));
	const struct timeval patience = {.tv_sec = 5};
	int ret = 0;

	if (!st)
		return err_sys(e, -ENOMEM, "sink tcp");
	pthread_mutex_init(&st->lock, NULL);
	st->fd = stream_connect(sink->config.tcp, e);
	if (st->fd < 0) {
		ret = err_remedy(e, "start the receiver there: zcbench sink --listen HOST:PORT");
	} else if (getrandom(&st->session, sizeof(st->session), 0) != sizeof(st->session)) {
		ret = err_sys(e, -errno, "sink tcp: getrandom");
	} else {
		/* is it ours at all? */
		setsockopt(st->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		ret = ask_totals(st, &st->base);
		if (ret)
			err_remedy((err_sys(e, ret, "sink tcp: %s does not answer as zcbench sink does",
					    sink->config.tcp),
				    e),
				   "start the receiver there: zcbench sink --listen HOST:PORT");
	}
	if (ret) {
		if (st->fd >= 0)
			close(st->fd);
		free(st);
		return ret;
	}
	sink->state = st;
	return 0;
}

static void tcp_close(struct sink *sink)
{
	struct tcp_state *st = sink->state;

	close(st->fd);
	free(st->ranges);
	free(st);
}

/* What TCP sent more than once on a connection, in bytes: tcpi_bytes_retrans (Linux 4.19). */
static uint64_t resent(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? 0 : info.tcpi_bytes_retrans;
}

static uint64_t tcp_resent(struct sink *sink)
{
	struct tcp_state *st = sink->state;
	uint64_t sum;

	pthread_mutex_lock(&st->lock);
	sum = st->resent;
	for (struct tcp_thread *t = st->threads; t; t = t->next)
		sum += resent(t->fd);
	pthread_mutex_unlock(&st->lock);
	return sum;
}

static int tcp_thread_init(struct sink *sink, void **thread)
{
	struct tcp_thread *t = calloc(1, sizeof(*t));
	struct tcp_state *st = sink->state;
	struct err e;

	if (!t)
		return -ENOMEM;
	t->fd = stream_connect(sink->config.tcp, &e);
	if (t->fd < 0) {
		err_print(&e);
		free(t);
		return e.code;
	}
	pthread_mutex_lock(&st->lock);
	t->next = st->threads;
	st->threads = t;
	pthread_mutex_unlock(&st->lock);
	*thread = t;
	return 0;
}

static void tcp_thread_exit(struct sink *sink, void *thread)
{
	struct tcp_state *st = sink->state;
	struct tcp_thread *t = thread, **p;

	pthread_mutex_lock(&st->lock);
	for (p = &st->threads; *p != t; p = &(*p)->next)
		;
	*p = t->next;
	st->resent += resent(t->fd);
	pthread_mutex_unlock(&st->lock);
	if (t->has_ring)
		io_uring_queue_exit(&t->ring);
	close(t->fd);
	free(t);
}

static void tcp_share(struct sink *sink, void *memory, size_t len)
{
	struct tcp_state *st = sink->state;
	struct range *more;

	if (sink->config.send != SEND_ZERO_COPY)
		return;
	pthread_mutex_lock(&st->lock);
	if (st->nranges == st->allocated) {
		st->allocated += 64;
		more = realloc(st->ranges, st->allocated * sizeof(*more));
		if (!more)
			abort(); /* a few KiB, while buffers are being set up */
		st->ranges = more;
	}
	st->ranges[st->nranges++] = (struct range){.start = memory, .len = len};
	pthread_mutex_unlock(&st->lock);
}

/* Nothing is in flight there, but threads may be sending from elsewhere. */
static void tcp_unshare(struct sink *sink, void *memory)
{
	struct tcp_state *st = sink->state;

	pthread_mutex_lock(&st->lock);
	for (unsigned int i = 0; i < st->nranges; i++)
		if (st->ranges[i].start == memory) {
			st->ranges[i] = st->ranges[--st->nranges];
			break;
		}
	for (struct tcp_thread *t = st->threads; t; t = t->next)
		for (int slot = 0; slot < SLOTS; slot++)
			if (t->slots[slot].start == memory) {
				send_zc_unregister(&t->ring, slot);
				t->slots[slot] = (struct range){0};
			}
	atomic_fetch_add(&st->unshared, 1);
	pthread_mutex_unlock(&st->lock);
}

static bool holds(const struct range *r, const char *data, size_t len)
{
	return r->start && data >= r->start && len <= r->len &&
	       (size_t)(data - r->start) <= r->len - len;
}

/* Once for each buffer and thread: pins its pages. The slot, or -1: it cannot be registered. */
static int register_range(struct tcp_thread *t, struct range *r)
{
	int ret = t->has_ring ? 0 : send_zc_ring(&t->ring, SLOTS), slot = 0;

	t->has_ring = !ret;
	while (!ret && slot < SLOTS && t->slots[slot].start)
		slot++;
	if (!ret)
		ret = slot == SLOTS ? -ENOSPC : send_zc_register(&t->ring, slot, r->start, r->len);
	if (!ret) {
		t->slots[slot] = *r;
		return slot;
	}
	r->refused = true;
	warn("sink tcp: this memory cannot be registered for SEND_ZC (%s): its payload is copied",
	     strerror(-ret));
	return -1;
}

/* The slot of the registered buffer that the payload lies in. -1: there is none. */
static int find_slot(struct tcp_state *st, struct tcp_thread *t, const char *data, size_t len)
{
	const uint64_t unshared = atomic_load_explicit(&st->unshared, memory_order_acquire);

	if (t->last_unshared == unshared && holds(&t->last, data, len))
		return t->last_slot;
	t->last = (struct range){0};
	t->last_unshared = unshared;
	t->last_slot = -1;
	pthread_mutex_lock(&st->lock);
	for (int slot = 0; slot < SLOTS && t->last_slot < 0; slot++)
		if (holds(&t->slots[slot], data, len)) {
			t->last = t->slots[slot];
			t->last_slot = slot;
		}
	for (unsigned int i = 0; i < st->nranges && t->last_slot < 0; i++)
		if (holds(&st->ranges[i], data, len)) {
			if (!st->ranges[i].refused)
				t->last_slot = register_range(t, &st->ranges[i]);
			t->last = st->ranges[i];
			break;
		}
	pthread_mutex_unlock(&st->lock);
	return t->last_slot;
}

/* Header and payload in one system call. */
static int send_copied(int fd, const struct stream_frame *f, const void *data, size_t len)
{
	struct iovec iov[2] = {{(void *)f, sizeof(*f)}, {(void *)data, len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	do {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(*f))
		return -EIO;
	return stream_send(fd, (const char *)data + ((size_t)n - sizeof(*f)),
			   len - ((size_t)n - sizeof(*f)), 0);
}

static int tcp_write(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		     const void *data, size_t len, struct sink_tally *tally)
{
	struct tcp_state *st = sink->state;
	struct tcp_thread *t = thread;
	struct stream_frame f;
	int slot, ret;

	if (t->broken)
		return -EPIPE;
	f = frame(st, STREAM_WRITE, file, offset, len);
	slot = sink->config.send == SEND_ZERO_COPY ? find_slot(st, t, data, len) : -1;
	if (slot >= 0)
		ret = send_zc(&t->ring, t->fd, &f, sizeof(f), data, len, slot, tally);
	else
		ret = send_copied(t->fd, &f, data, len);
	t->broken = ret != 0;
	return ret;
}

static int tcp_read(struct sink *sink, void *thread, unsigned int file, uint64_t offset, void *data,
		    size_t len, struct sink_tally *tally)
{
	struct tcp_state *st = sink->state;
	struct tcp_thread *t = thread;
	struct stream_frame f;
	int ret;

	(void)tally;
	if (t->broken)
		return -EPIPE;
	f = frame(st, STREAM_READ, file, offset, len);
	ret = stream_send(t->fd, &f, sizeof(f), 0);
	if (!ret)
		ret = stream_recv(t->fd, data, len, 0);
	t->broken = ret != 0;
	return ret;
}

static int tcp_write_pipe(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
			  int pipe_fd, size_t len, struct sink_tally *tally)
{
	struct tcp_state *st = sink->state;
	struct tcp_thread *t = thread;
	struct stream_frame f;
	int ret;

	if (t->broken)
		return -EPIPE;
	f = frame(st, STREAM_WRITE, file, offset, len);
	ret = stream_send(t->fd, &f, sizeof(f), MSG_MORE);
	while (len && !ret) {
		ssize_t n = splice(pipe_fd, NULL, t->fd, NULL, len, SPLICE_F_MOVE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			ret = n ? -errno : -EIO;
			break;
		}
		tally->zero_copy += (uint64_t)n;
		len -= (size_t)n;
	}
	t->broken = ret != 0;
	return ret;
}

static int tcp_stream(struct sink *sink, void *thread, bool write, unsigned int file, uint64_t offset,
		      size_t len, void *header, size_t *header_len)
{
	const struct stream_frame f =
		frame(sink->state, write ? STREAM_WRITE : STREAM_READ, file, offset, len);

	memcpy(header, &f, sizeof(f));
	*header_len = sizeof(f);
	return ((struct tcp_thread *)thread)->fd;
}

static int tcp_verify(struct sink *sink, uint64_t seed, struct err *e)
{
	struct tcp_state *st = sink->state;
	int ret = ask_totals(st, &st->base);

	if (ret)
		return err_sys(e, ret, "sink tcp: asking the receiver");
	st->seed = seed;
	atomic_store(&st->forwarded, 0);
	atomic_store_explicit(&st->verify, true, memory_order_release);
	return 0;
}

/* What was sent may still be under way. */
static int tcp_verified(struct sink *sink, uint64_t *bytes, struct err *e)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	const uint64_t end = clock_ns() + SETTLE_NS;
	struct tcp_state *st = sink->state;
	struct stream_totals t;
	int ret;

	atomic_store_explicit(&st->verify, false, memory_order_release);
	for (;;) {
		ret = ask_totals(st, &t);
		if (ret)
			return err_sys(e, ret, "sink tcp: asking the receiver");
		*bytes = t.verified_bytes - st->base.verified_bytes;
		if (*bytes >= atomic_load(&st->forwarded) || clock_ns() > end)
			break;
		nanosleep(&pause, NULL);
	}
	if (t.wrong > st->base.wrong)
		return err_set(e, -EILSEQ,
			       "data%" PRIu64 ": byte %" PRIu64
			       " that reached the receiver is not what the client wrote",
			       t.wrong_file, t.wrong_offset);
	return 0;
}

/* Into the socket's buffers, and out of them. */
static double tcp_copies(enum op op, enum handing how, const json_t *evidence)
{
	(void)op, (void)how, (void)evidence;
	return 1;
}

static void tcp_describe(struct sink *sink, json_t *evidence)
{
	json_object_set_new(evidence, "tcp", json_string(sink->config.tcp));
	json_object_set_new(evidence, "send",
			    json_string(sink->config.send == SEND_ZERO_COPY ? "zc" : "copy"));
}

const struct sink_ops sink_tcp = {
	.name = "tcp",
	.help = "forwards the payload over TCP to zcbench sink, a connection for each server thread",
	.needs_tcp = true,
	.open = tcp_open,
	.close = tcp_close,
	.thread_init = tcp_thread_init,
	.thread_exit = tcp_thread_exit,
	.write = tcp_write,
	.read = tcp_read,
	.write_pipe = tcp_write_pipe,
	.stream = tcp_stream,
	.share = tcp_share,
	.unshare = tcp_unshare,
	.resent = tcp_resent,
	.verify = tcp_verify,
	.verified = tcp_verified,
	.copies = tcp_copies,
	.describe = tcp_describe,
};
