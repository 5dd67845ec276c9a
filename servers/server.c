// SPDX-License-Identifier: MIT
/* The way of every payload from a path into the sink, the counters, and verification; see server.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/pattern.h"
#include "servers/minifs_tree.h"
#include "servers/server.h"

static _Thread_local struct worker *self;

struct worker *worker_get(struct server *srv)
{
	struct worker *w = self;

	if (w)
		return w;
	w = aligned_alloc(64, sizeof(*w));
	if (!w)
		return NULL;
	memset(w, 0, sizeof(*w));
	w->srv = srv;
	if (srv->sink.ops->thread_init && srv->sink.ops->thread_init(&srv->sink, &w->sink_thread)) {
		free(w);
		return NULL;
	}
	pthread_mutex_lock(&srv->lock);
	w->next = srv->workers;
	srv->workers = w;
	pthread_mutex_unlock(&srv->lock);
	self = w;
	return w;
}

int worker_renew(struct worker *w)
{
	struct sink *sink = &w->srv->sink;

	if (sink->ops->thread_exit)
		sink->ops->thread_exit(sink, w->sink_thread);
	w->sink_thread = NULL;
	return sink->ops->thread_init ? sink->ops->thread_init(sink, &w->sink_thread) : 0;
}

/* Only the owning thread writes: a load and a store are enough, and cost no locked instruction. */
static void add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

void server_count(struct worker *w, enum op op, enum route route, size_t len)
{
	add(&w->requests[op][route], 1);
	add(&w->bytes[op][route], len);
	if (len > atomic_load_explicit(&w->largest, memory_order_relaxed))
		atomic_store_explicit(&w->largest, len, memory_order_relaxed);
}

void server_tally(struct worker *w, const struct sink_tally *tally)
{
	if (tally->copied)
		add(&w->user_copied, tally->copied);
	if (tally->zero_copy)
		add(&w->zero_copy, tally->zero_copy);
	if (tally->copied_late)
		add(&w->copied_late, tally->copied_late);
}

static void verify_payload(struct server *srv, unsigned int file, uint64_t offset, const void *data,
			   size_t len)
{
	int64_t bad = pattern_check(data, len, offset, srv->verify_seed + file);

	atomic_fetch_add(&srv->verified_bytes, len);
	if (bad < 0)
		return;
	if (atomic_fetch_add(&srv->verify_errors, 1) == 0) {
		pthread_mutex_lock(&srv->lock);
		err_set(&srv->verify_error, -EILSEQ,
			"data%u: byte %" PRIu64 " that reached the server is not what the client wrote",
			file, offset + (uint64_t)bad);
		pthread_mutex_unlock(&srv->lock);
	}
}

/* A worse server: it takes longer, or copies once more and counts that. */
static void waste(struct worker *w, const void *data, size_t len)
{
	static _Thread_local char *copy;
	const uint64_t start = clock_ns();

	if (w->srv->fault == FAULT_SLOW)
		while (clock_ns() - start < w->srv->fault_delay_ns)
			cpu_relax();
	if (w->srv->fault != FAULT_MEMCPY)
		return;
	copy = realloc(copy, len);
	if (!copy)
		abort(); /* tests only */
	memcpy(copy, data, len);
	server_copied(w, len);
}

/* --fault: hands on a payload with one byte changed, or on another route, or wastes time on it, or copies it
 * without a word. */
static const void *break_write(struct worker *w, const void *data, size_t len, enum route *route)
{
	static _Thread_local char *broken;

	waste(w, data, len);
	if (w->srv->fault == FAULT_COPY) {
		static _Thread_local int fd = -1;

		if (fd < 0)
			fd = memfd_create("zcbench-fault", MFD_CLOEXEC);
		if (pwrite(fd, data, len, 0) != (ssize_t)len)
			abort(); /* tests only */
		return data;
	}
	if (w->srv->fault == FAULT_REROUTE) {
		*route = *route == ROUTE_DEV ? ROUTE_RING : ROUTE_DEV;
		return data;
	}
	if (w->srv->fault != FAULT_CORRUPT)
		return data;
	broken = realloc(broken, len);
	if (!broken)
		abort(); /* tests only */
	memcpy(broken, data, len);
	broken[len / 2] ^= 1;
	return broken;
}

int server_write(struct worker *w, enum route route, unsigned int file, uint64_t offset,
		 const void *data, size_t len)
{
	struct server *srv = w->srv;
	struct sink_tally tally = {0};
	int ret;

	if (__builtin_expect(srv->fault != FAULT_NONE, false))
		data = break_write(w, data, len, &route);
	if (__builtin_expect(atomic_load_explicit(&srv->verify, memory_order_acquire), false))
		verify_payload(srv, file, offset, data, len);
	ret = srv->sink.ops->write(&srv->sink, w->sink_thread, file, offset, data, len, &tally);
	server_tally(w, &tally);
	if (!ret)
		server_count(w, OP_WRITE, route, len);
	return ret;
}

int server_read(struct worker *w, enum route route, unsigned int file, uint64_t offset, void *data,
		size_t len)
{
	struct server *srv = w->srv;
	struct sink_tally tally = {0};
	int ret = 0;

	/* A sink without contents has nothing that a client could check: make the pattern. */
	if (__builtin_expect(atomic_load_explicit(&srv->verify, memory_order_acquire), false) &&
	    !sink_stores(&srv->sink) && !srv->sink.ops->verify)
		pattern_fill(data, len, offset, srv->verify_seed + file);
	else
		ret = srv->sink.ops->read(&srv->sink, w->sink_thread, file, offset, data, len, &tally);
	server_tally(w, &tally);
	if (__builtin_expect(srv->fault != FAULT_NONE, false))
		waste(w, data, len);
	if (__builtin_expect(srv->fault == FAULT_CORRUPT, false))
		((char *)data)[len / 2] ^= 2; /* not what was done to it on its way here */
	if (__builtin_expect(srv->fault == FAULT_REROUTE, false))
		route = route == ROUTE_DEV ? ROUTE_RING : ROUTE_DEV;
	if (!ret)
		server_count(w, OP_READ, route, len);
	return ret;
}

int server_fd(struct server *srv, unsigned int file)
{
	if (!srv->sink.ops->fd || (srv->sink.forgets && atomic_load(&srv->verify)))
		return -1;
	return srv->sink.ops->fd(&srv->sink, file);
}

void server_gone(struct server *srv, uint64_t ino)
{
	if (ino)
		srv->sink.ops->drop(&srv->sink, (unsigned int)(ino - MINIFS_FIRST_INO));
}

int server_hold(struct server *srv, uint64_t ino)
{
	return srv->fs.tree ? minifs_tree_hold(&srv->fs, ino) : 0;
}

void server_release(struct server *srv, uint64_t ino, uint64_t n)
{
	uint64_t gone;

	if (!srv->fs.tree)
		return;
	minifs_tree_forget(&srv->fs, ino, n, &gone);
	server_gone(srv, gone);
}

void server_died(struct server *srv)
{
	const uint64_t one = 1;

	if (write(srv->died_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes 2^64 - 2 of these */
}
