// SPDX-License-Identifier: MIT
/*
 * Fuzz target: what a client does to its ring, and when. An input is a list of actions: descriptors, numbers,
 * flags, bytes anywhere in the ring, buffers registered in between, and operations of the server.
 *
 * Most inputs drive the server's two steps (ipc_session_look, ipc_session_serve) on this thread. ipc_*.c is built
 * with a call before each load (-fsanitize-coverage=trace-loads), and an input says after which load from the
 * ring the client writes what: a field that the server reads twice is found the same way each time. The first byte
 * can ask for the real service thread instead, which then races with the actions.
 *
 * What must hold: the sink gets no memory but that of a registered buffer (guard pages see other accesses), and no
 * file that the handle is not for; an operation goes to the sink once at most, and is answered once, in
 * its own slot; all is given back at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/clock.h"
#include "servers/ipc_session.h"
#include "tests/fuzz/fuzz.h"

#define ACTIONS_MAX      64
#define ACTIONS_THREADED 16 /* each costs two changes of threads */
#define REWRITES_MAX     8
#define ANSWER_NS        (10 * NSEC_PER_SEC)

enum kind { READ_WRITE, READ_ONLY, RING, NOT_SEALED, HOLES, PIPE, KINDS };

/* File 0 is open both ways, file 1 for writing, file 2 for reading. */
static const uint32_t open_flags[] = {O_RDWR, O_WRONLY, O_RDONLY};

static struct server srv;
static struct worker *worker;
static int fds[KINDS];

/* One input's run. */
static struct ipc_session session;
static struct ipc_session *const s = &session;
static uint32_t next;       /* the operation that the server waits for */
static bool threaded;       /* the service thread runs */
static bool honest;         /* the client has done nothing wrong yet that could be its end */
static bool ring_is_buffer; /* READs may write to the ring */
static bool add_fails;
static int added, complaints, sink_calls, sink_ret;
static size_t sink_len;

/* What the client writes while the server is at work: after so many loads from the ring. */
static struct rewrite {
	uint8_t after;
	uint8_t size;
	size_t place;
	uint64_t value;
} rewrites[REWRITES_MAX];
static unsigned int n_rewrites, loads;
static _Thread_local bool watching;

static void write_ring(size_t place, uint64_t value, unsigned int size)
{
	const size_t limit = ipc_ring_size(s->entries);

	place %= limit;
	if (size > limit - place)
		size = (unsigned int)(limit - place);
	memcpy((char *)s->ring + place, &value, size);
}

static void tick(void)
{
	loads++;
	for (unsigned int i = 0; i < n_rewrites; i++)
		if (rewrites[i].after == loads)
			write_ring(rewrites[i].place, rewrites[i].value, rewrites[i].size);
}

static void on_load(const void *p)
{
	if (watching && (uintptr_t)p - (uintptr_t)s->ring < ipc_ring_size(s->entries))
		tick();
}

/* --- the sink: looks at what it is given, and touches all of it */

static void check_place(bool write, unsigned int file, uint64_t offset, const char *data, size_t len)
{
	bool inside = false;

	for (int i = 0; i < IPC_BUFFERS_MAX && !inside; i++) {
		const struct ipc_buffer *b = &s->buffers[i];

		inside = atomic_load(&b->ready) && data >= b->map && len <= b->size &&
			 (size_t)(data - b->map) <= b->size - len && (write || b->writable);
	}
	claim(inside, "the sink gets %zu bytes that are in no buffer", len);
	claim(offset <= FILE_SIZE && len <= FILE_SIZE - offset, "%zu bytes at %llu of the file", len,
	      (unsigned long long)offset);
	claim(file != (write ? 2 : 1), "file %u is not open for that", file);
	sink_calls++;
	sink_len = len;
}

static int look_write(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		      const void *data, size_t len, struct sink_tally *tally)
{
	volatile unsigned char sum = 0;

	(void)sink, (void)thread, (void)tally;
	check_place(true, file, offset, data, len);
	for (size_t i = 0; i < len; i++)
		sum = (unsigned char)(sum + ((const unsigned char *)data)[i]);
	if (watching)
		tick(); /* the client does not wait for the sink either */
	return sink_ret;
}

static int look_read(struct sink *sink, void *thread, unsigned int file, uint64_t offset, void *data,
		     size_t len, struct sink_tally *tally)
{
	(void)sink, (void)thread, (void)tally;
	check_place(false, file, offset, data, len);
	memset(data, (int)offset, len);
	if (watching)
		tick();
	return sink_ret;
}

static const struct sink_ops sink = {.name = "look", .write = look_write, .read = look_read};

static int add(struct ipc_session *session_, struct ipc_buffer *b, struct err *e)
{
	(void)session_, (void)b;
	if (add_fails)
		return err_set(e, -ENOSPC, "the input says so");
	added++;
	return 0;
}

static void removed(struct ipc_session *session_, struct ipc_buffer *b)
{
	(void)session_;
	claim(atomic_load(&b->ready), "a buffer that is not there is removed");
	__atomic_fetch_sub(&added, 1, __ATOMIC_RELAXED);
}

static const struct ipc_memory_ops memory = {.ring = true, .add = add, .remove = removed};

static void complain(struct ipc_session *session_, const char *why)
{
	(void)session_, (void)why;
	complaints++;
}

/* --- the client */

static size_t take_place(struct input *in, uint32_t n)
{
	static const uint8_t fields[] = {
		offsetof(struct ipc_sqe, file_offset), offsetof(struct ipc_sqe, buffer_offset),
		offsetof(struct ipc_sqe, tag),         offsetof(struct ipc_sqe, length),
		offsetof(struct ipc_sqe, buffer),      offsetof(struct ipc_sqe, handle),
		offsetof(struct ipc_sqe, op),          offsetof(struct ipc_sqe, seq),
	};
	uint64_t choice = take(in, 1);

	if (choice < 128)
		return offsetof(struct ipc_ring, sqes) +
		       (n & (s->entries - 1)) * sizeof(struct ipc_sqe) +
		       fields[choice % ARRAY_SIZE(fields)];
	switch (choice % 4) {
	case 0:
		return offsetof(struct ipc_ring, server_sleeps);
	case 1:
		return offsetof(struct ipc_ring, client_sleeps);
	case 2:
		return 0;
	default:
		return take(in, 2);
	}
}

/* What the client writes while the server executes operation n. */
static void take_rewrites(struct input *in, uint32_t n)
{
	loads = 0;
	n_rewrites = (unsigned int)take(in, 1) % (REWRITES_MAX + 1);
	for (unsigned int i = 0; i < n_rewrites; i++) {
		rewrites[i].after = (uint8_t)take(in, 1) % 32;
		rewrites[i].place = take_place(in, n);
		rewrites[i].value = take_value(in);
		rewrites[i].size = (uint8_t)(1u << take(in, 1) % 4);
	}
}

static bool answered(uint32_t n)
{
	return ipc_published(&ipc_cqes(s->ring, s->entries)[n & (s->entries - 1)].seq, n + 1);
}

/* One turn of the server, as its thread takes it. False: the client is cut off. */
static bool turn(struct input *in)
{
	struct ipc_cqe *cqes = ipc_cqes(s->ring, s->entries), was[8];
	const uint32_t slot = next & (s->entries - 1);
	bool touched = ring_is_buffer;
	int ret = ipc_session_look(s, next);

	claim((ret < 0) == !!s->cut_off, "%d, and %s", ret, s->cut_off ? s->cut_off : "no reason");
	if (ret <= 0)
		return !ret;
	take_rewrites(in, next);
	for (unsigned int i = 0; i < n_rewrites; i++)
		touched |= rewrites[i].place + 8 > (size_t)((char *)cqes - (char *)s->ring);
	memcpy(was, cqes, s->entries * sizeof(*cqes));
	sink_calls = 0;
	sink_ret = n_rewrites == 3 ? -EIO : 0;
	watching = true;
	ipc_session_serve(s, worker, next);
	watching = false;
	claim(sink_calls <= 1, "one operation went to the sink %d times", sink_calls);
	claim(!sink_calls || touched || cqes[slot].result == (sink_ret ? sink_ret : (int32_t)sink_len),
	      "the answer is %d, the sink did %zu", cqes[slot].result, sink_len);
	claim(sink_calls || touched || cqes[slot].result <= 0, "%d bytes that no sink saw",
	      cqes[slot].result);
	claim(touched || cqes[slot].seq == next + 1, "no answer");
	for (uint32_t i = 0; i < s->entries; i++)
		claim(i == slot || touched || !memcmp(&cqes[i], &was[i], sizeof(*cqes)),
		      "another slot's answer");
	next++;
	return true;
}

/* What the client sees of the service thread's work. */
static void catch_up(void)
{
	while (answered(next))
		next++;
}

/* A descriptor as a client makes one, with as much wrong as the input likes. */
static void submit(struct input *in)
{
	struct ipc_sqe *d = &s->ring->sqes[next & (s->entries - 1)];
	const uint64_t what = take(in, 1);

	d->op = what & 0x80 ? (uint8_t)take(in, 1) : (uint8_t)(1 + what % 5);
	d->handle = what & 0x40 ? (uint16_t)take_value(in) : (what >> 3) % 3;
	d->buffer = what & 0x20 ? (uint16_t)take_value(in) : 0;
	d->file_offset = take_value(in);
	d->buffer_offset = take_value(in);
	d->length = (uint32_t)take_value(in);
	d->tag = next;
	ipc_publish(&d->seq, next + 1);
}

static void enlist(struct input *in)
{
	const uint64_t choice = take(in, 1);
	const enum kind kind = choice % KINDS;
	const bool good = kind == READ_WRITE || kind == READ_ONLY || kind == RING;
	struct err e = {0};
	int ret;

	add_fails = choice & 0x80;
	ret = ipc_session_register(s, fds[kind], &e);
	claim(ret < IPC_BUFFERS_MAX, "buffer %d", ret);
	claim(ret < 0 || (good && !add_fails), "kind %d was accepted", kind);
	claim(ret >= 0 || (e.code == ret && e.what[0]), "%d without a reason", ret);
	if (ret >= 0 && kind == RING)
		ring_is_buffer = true;
	add_fails = false;
}

/* One action. False: the session is over. */
static bool act(struct input *in)
{
	const uint64_t action = take(in, 1);
	uint64_t end;

	switch (action % 8) {
	case 0: /* a descriptor, and the server takes it */
	case 1:
		submit(in);
		if (!threaded)
			return turn(in);
		ipc_wake(&s->ring->server_sleeps);
		end = clock_ns() + ANSWER_NS;
		while (honest && !ring_is_buffer && !answered(next)) {
			struct ipc_cqe *cqe = &ipc_cqes(s->ring, s->entries)[next & (s->entries - 1)];

			claim(clock_ns() < end, "operation %u is not answered", next);
			ipc_sleep(&s->ring->client_sleeps, &cqe->seq, next + 1, NSEC_PER_MSEC);
		}
		catch_up();
		return true;
	case 2: /* a descriptor, and more to come */
		submit(in);
		return true;
	case 3:
		if (!threaded)
			return turn(in);
		ipc_wake(&s->ring->server_sleeps);
		catch_up();
		return true;
	case 4: /* any place */
		honest = false;
		write_ring(take_place(in, (uint32_t)(action >> 3)), take_value(in),
			   1u << take(in, 1) % 4);
		return true;
	case 5: /* any number */
		honest = false;
		ipc_publish(&s->ring->sqes[(action >> 3) & (s->entries - 1)].seq,
			    next + (uint32_t)(int8_t)take(in, 1));
		return true;
	case 6:
		enlist(in);
		return true;
	default:
		claim(ipc_session_open(s, MINIFS_FIRST_INO + (action >> 3) % 3,
				       open_flags[(action >> 3) % 3]) < IPC_HANDLES_MAX,
		      "too many files");
		return true;
	}
}

static void prepare(void)
{
	int ends[2];

	srv.sink.ops = &sink;
	pthread_mutex_init(&srv.lock, NULL);
	claim(!minifs_init(&srv.fs, ARRAY_SIZE(open_flags), FILE_SIZE), "minifs");
	worker = worker_get(&srv);
	fuzz_on_load = on_load;
	claim(!pipe2(ends, O_CLOEXEC), "pipe");
	fds[READ_WRITE] = fuzz_memfd(BUFFER_SIZE, true, F_SEAL_SHRINK);
	fds[READ_ONLY] = fuzz_memfd(BUFFER_SIZE, true, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);
	fds[NOT_SEALED] = fuzz_memfd(BUFFER_SIZE, true, F_SEAL_GROW);
	fds[HOLES] = fuzz_memfd(BUFFER_SIZE, false, F_SEAL_SHRINK);
	fds[PIPE] = ends[0];
}

/* A session with a ring, and nobody who serves it. */
static void make_ring(uint32_t entries)
{
	s->srv = &srv;
	s->entries = entries;
	fds[RING] = fuzz_memfd(ipc_ring_size(entries), true, F_SEAL_SHRINK);
	s->ring = mmap(NULL, ipc_ring_size(entries), PROT_READ | PROT_WRITE, MAP_SHARED, fds[RING], 0);
	claim(s->ring != MAP_FAILED, "mapping a ring");
	for (uint32_t n = s->first; n != s->first + entries; n++) { /* as the lap before leaves it */
		s->ring->sqes[n & (entries - 1)].seq = n + 1 - entries;
		ipc_cqes(s->ring, entries)[n & (entries - 1)].seq = n + 1 - entries;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t firsts[] = {0, UINT32_MAX, UINT32_MAX - 5, 0x7fffffff};
	struct input in = {data, data + size};
	struct held before;
	uint64_t config = take(&in, 1);
	uint64_t sum = 0;
	struct err e;

	if (!srv.sink.ops)
		prepare();
	before = held();
	memset(s, 0, sizeof(*s));
	s->memory = &memory;
	s->worker = worker;
	s->complain = complain;
	ring_is_buffer = false;
	honest = true;
	added = complaints = sink_ret = 0;
	n_rewrites = 0;
	threaded = config >= 0xf0; /* more of them would be slower, and find no more */
	s->first = next = threaded ? 0 : firsts[(config >> 2) & 3];
	if (threaded)
		claim(!ipc_session_start(s, &srv, -1, 1u << (config & 3), config & 4 ? 20000 : 0,
					 &fds[RING]),
		      "a session");
	else
		make_ring(1u << (config & 3));
	for (unsigned int i = 0; i < ARRAY_SIZE(open_flags); i++)
		claim(ipc_session_open(s, MINIFS_FIRST_INO + i, open_flags[i]) == (int)i, "handle %u",
		      i);
	claim(ipc_session_register(s, fds[READ_WRITE], &e) == 0, "%s", e.what);
	claim(ipc_session_register(s, fds[READ_ONLY], &e) == 1, "%s", e.what);

	for (int i = 0; i < (threaded ? ACTIONS_THREADED : ACTIONS_MAX) && more(&in) && act(&in); i++)
		;
	if (!threaded)
		for (int i = 0; i < IPC_BUFFERS_MAX; i++)
			sum += atomic_load(&s->buffers[i].ready) ? s->buffers[i].size : 0;
	claim(threaded || s->mapped == sum, "%llu bytes are mapped, and not %llu",
	      (unsigned long long)s->mapped, (unsigned long long)sum);
	ipc_session_stop(s);
	close(fds[RING]);
	claim(complaints <= 1, "%d complaints", complaints);
	claim(!s->mapped && !added, "%llu bytes and %d buffers are left", (unsigned long long)s->mapped,
	      added);
	claim_held(&before);
	return 0;
}
