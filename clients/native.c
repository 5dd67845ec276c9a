// SPDX-License-Identifier: MIT
/* The measured loop; see native.h. Nothing here allocates, locks or makes a system call while it
 * measures: the clock is read through the vDSO. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "clients/native.h"
#include "lib/clock.h"
#include "lib/pattern.h"

#define DEPTH_MAX 1024

/* The index-th of `blocks` blocks in an order that looks random and has each of them once: a bijection of
 * the numbers below the next power of two, taken again until it hits a block. */
static uint64_t shuffled(uint64_t index, uint64_t blocks, uint64_t seed)
{
	const unsigned int bits = blocks > 1 ? 64 - (unsigned int)__builtin_clzll(blocks - 1) : 1;
	const uint64_t mask = bits < 64 ? (1ull << bits) - 1 : UINT64_MAX;

	do {
		for (int i = 0; i < 3; i++) {
			index = (index * 0x9e3779b97f4a7c15ULL + seed) & mask;
			index ^= index >> (bits / 2 + 1);
		}
	} while (index >= blocks);
	return index;
}

static uint64_t next_offset(struct native *n)
{
	const uint64_t blocks = n->file_size / n->bs;
	uint64_t block;

	if (n->cached && n->random) {
		block = shuffled(n->next++, blocks, n->random_state);
	} else if (n->random) {
		n->random_state ^= n->random_state >> 12;
		n->random_state ^= n->random_state << 25;
		n->random_state ^= n->random_state >> 27;
		block = (uint64_t)(((unsigned __int128)(n->random_state * 0x2545f4914f6cdd1dULL) *
				    blocks) >>
				   64);
	} else {
		block = n->next++;
		if (n->next >= blocks)
			n->next = 0;
	}
	return block * n->bs;
}

/* When a loop ends: what comes first. */
struct limit {
	uint64_t ops; /* in all, r->ops included */
	uint64_t end; /* CLOCK_MONOTONIC, ns */
};

static bool go_on(const struct limit *l, const struct native_result *r, uint64_t now)
{
	return r->ops < l->ops && now < l->end;
}

/* Where the payload of an operation is. */
static char *payload(const struct native *n, unsigned int slot, uint64_t offset)
{
	return n->io->ops->place ? n->io->ops->place(n->io, offset)
				 : n->io->source->map + slot * n->stride;
}

/* Writes the payload of one operation. */
static void produce(struct native *n, unsigned int slot, uint64_t offset, uint64_t seed)
{
	source_begin(n->io->source, true);
	pattern_fill(payload(n, slot, offset), n->bs, offset, seed);
	source_end(n->io->source, true);
}

static int failed(const struct native *n, int64_t result, uint64_t offset, struct err *e)
{
	if (result < 0)
		return err_sys(e, (int)result, "%s of %zu bytes at offset %" PRIu64, op_names[n->op],
			       n->bs, offset);
	return err_set(e, -EIO, "short %s: %" PRId64 " of %zu bytes at offset %" PRIu64, op_names[n->op],
		       result, n->bs, offset);
}

static int run_single(struct native *n, const struct limit *limit, struct native_result *r,
		      struct err *e)
{
	const struct io_ops *ops = n->io->ops;
	const size_t bs = n->bs;
	uint64_t now = clock_ns();

	do {
		uint64_t offset = next_offset(n), began = now, end;
		int64_t done;

		if (n->produce)
			produce(n, 0, offset, r->ops);
		if (n->produce && !ops->place) {
			began = clock_ns();
			r->produce_ns += began - now;
			hist_add(&r->produce, began - now);
		}
		done = ops->rw(n->io, n->op, 0, bs, offset);
		end = clock_ns();
		if (done != (int64_t)bs)
			return failed(n, done, offset, e);
		hist_add(&r->latency, end - began);
		r->elapsed_ns += end - began;
		r->ops++;
		now = end;
	} while (go_on(limit, r, now));
	return 0;
}

/* Waits for completions and puts them into the histogram. Returns how many, or a negative errno. */
static int reap(struct native *n, const uint64_t *began, const uint64_t *offset,
		struct io_completion *done, struct native_result *r, uint64_t *now, struct err *e)
{
	int got = n->io->ops->reap(n->io, done, (int)n->depth);

	if (got < 0)
		return err_sys(e, got, "waiting for operations");
	*now = clock_ns();
	for (int i = 0; i < got; i++) {
		if (done[i].result != (int32_t)n->bs)
			return failed(n, done[i].result, offset[done[i].slot], e);
		hist_add(&r->latency, *now - began[done[i].slot]);
	}
	r->ops += (unsigned int)got;
	return got;
}

/* Bursts of depth operations; production in between, with nothing in flight. */
static int run_bursts(struct native *n, const struct limit *limit, struct native_result *r,
		      struct err *e)
{
	uint64_t began[DEPTH_MAX], offset[DEPTH_MAX];
	struct io_completion done[DEPTH_MAX];
	uint64_t now = clock_ns();

	do {
		uint64_t burst, before = now;
		unsigned int size = n->depth, left;

		if (limit->ops - r->ops < size)
			size = (unsigned int)(limit->ops - r->ops);
		for (unsigned int i = 0; i < size; i++) {
			offset[i] = next_offset(n);
			produce(n, i, offset[i], r->ops + i);
		}
		burst = clock_ns();
		r->produce_ns += burst - before;
		hist_add(&r->produce, burst - before);
		for (unsigned int i = 0; i < size; i++) {
			int ret = n->io->ops->submit(n->io, n->op, i, i * n->stride, n->bs, offset[i]);

			if (ret)
				return err_sys(e, ret, "submitting");
			began[i] = burst;
		}
		for (left = size; left;) {
			int got = reap(n, began, offset, done, r, &now, e);

			if (got < 0)
				return got;
			left -= (unsigned int)got;
		}
		r->elapsed_ns += now - burst;
	} while (go_on(limit, r, now));
	return 0;
}

/* A sliding window: each completion makes room for the next operation. */
static int run_window(struct native *n, const struct limit *limit, struct native_result *r,
		      struct err *e)
{
	uint64_t began[DEPTH_MAX], offset[DEPTH_MAX];
	struct io_completion done[DEPTH_MAX];
	const uint64_t start = clock_ns();
	uint64_t now = start, submitted = r->ops;
	unsigned int flying = 0, fresh = n->depth;
	bool more = true;

	/* the first fill uses slots 0 .. depth-1; after it, the slots that completed */
	for (unsigned int i = 0; i < fresh; i++)
		done[i].slot = i;
	for (;;) {
		int got;

		for (unsigned int i = 0; i < fresh && more; i++) {
			uint32_t slot = done[i].slot;
			int ret;

			offset[slot] = next_offset(n);
			began[slot] = now;
			ret = n->io->ops->submit(n->io, n->op, slot, slot * n->stride, n->bs,
						 offset[slot]);
			if (ret)
				return err_sys(e, ret, "submitting");
			flying++;
			submitted++;
			more = submitted < limit->ops;
		}
		if (!flying)
			break;
		got = reap(n, began, offset, done, r, &now, e);
		if (got < 0)
			return got;
		flying -= (unsigned int)got;
		fresh = (unsigned int)got;
		if (now >= limit->end)
			more = false;
	}
	r->elapsed_ns += now - start;
	return 0;
}

/* The loop that suits depth and production, once. */
static int run_loop(struct native *n, const struct limit *limit, struct native_result *r, struct err *e)
{
	if (n->depth == 1)
		return run_single(n, limit, r, e);
	return n->produce ? run_bursts(n, limit, r, e) : run_window(n, limit, r, e);
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* A new pass: nothing of the file is cached, and the next block is the first. Adds to *cpu_ns. */
static int begin_pass(struct native *n, uint64_t *cpu_ns, struct err *e)
{
	const uint64_t before = thread_cpu_ns();
	int ret = n->io->ops->drop_cache(n->io);

	*cpu_ns += thread_cpu_ns() - before;
	if (ret)
		return err_sys(e, ret, "emptying the cache of %s", n->io->path);
	n->random_state += 0x9e3779b97f4a7c15ULL;
	n->next = 0;
	return 0;
}

/* Pass after pass over the file; what lies between two is not timed. */
static int run_passes(struct native *n, const struct limit *limit, struct native_result *r,
		      struct err *e)
{
	int ret;

	do {
		const uint64_t blocks = n->file_size / n->bs, left = limit->ops - r->ops;
		struct limit pass = {.ops = r->ops + (left < blocks ? left : blocks), .end = limit->end};

		ret = begin_pass(n, &r->drop_cpu_ns, e);
		if (ret)
			return ret;
		r->passes++;
		ret = run_loop(n, &pass, r, e);
	} while (!ret && go_on(limit, r, clock_ns()));
	return ret;
}

int native_run(struct native *n, uint64_t runtime_ns, uint64_t count, struct native_result *r,
	       struct err *e)
{
	struct limit limit = {.ops = count ? count : UINT64_MAX, .end = UINT64_MAX};
	uint64_t start;
	int ret;

	memset(r, 0, sizeof(*r));
	hist_init(&r->latency);
	hist_init(&r->produce);
	start = clock_ns();
	if (!count)
		limit.end = start + runtime_ns;
	ret = n->cached ? run_passes(n, &limit, r, e) : run_loop(n, &limit, r, e);
	r->wall_ns = clock_ns() - start;
	r->payload_bytes = r->ops * n->bs;
	r->produce_cpu_ns = native_produce_cpu(&r->produce);
	return ret;
}

uint64_t native_produce_cpu(const struct hist *produce)
{
	double median = hist_quantile(produce, 0.5), sum = 0;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		double v = hist_value(i);

		sum += (double)produce->count[i] * (v > 4 * median ? median : v);
	}
	return (uint64_t)sum;
}

int native_batch(struct native *n, uint64_t ops, struct err *e)
{
	const struct io_ops *io = n->io->ops;
	struct io_completion done[DEPTH_MAX];
	uint64_t offset = 0;

	for (; n->depth == 1 && ops; ops--) {
		int64_t got;

		offset = next_offset(n);
		got = io->rw(n->io, n->op, 0, n->bs, offset);
		if (got != (int64_t)n->bs)
			return failed(n, got, offset, e);
	}
	while (ops) {
		unsigned int size = ops < n->depth ? (unsigned int)ops : n->depth, left = size;

		for (unsigned int i = 0; i < size; i++) {
			int ret = io->submit(n->io, n->op, i, i * n->stride, n->bs,
					     offset = next_offset(n));

			if (ret)
				return err_sys(e, ret, "submitting");
		}
		while (left) {
			int got = io->reap(n->io, done, (int)n->depth);

			if (got < 0)
				return err_sys(e, got, "waiting for operations");
			for (int i = 0; i < got; i++)
				if (done[i].result != (int32_t)n->bs)
					return failed(n, done[i].result, offset, e);
			left -= (unsigned int)got;
		}
		ops -= size;
	}
	return 0;
}

static int verify_slot(struct native *n, unsigned int slot, uint64_t offset, int64_t done, uint64_t seed,
		       struct err *e)
{
	int64_t bad;

	if (done != (int64_t)n->bs)
		return failed(n, done, offset, e);
	if (n->op == OP_WRITE)
		return 0;
	source_begin(n->io->source, false);
	bad = pattern_check(payload(n, slot, offset), n->bs, offset, seed);
	source_end(n->io->source, false);
	if (bad < 0)
		return 0;
	return err_set(e, -EILSEQ, "byte %" PRIu64 " that came back is not what the server sent",
		       offset + (uint64_t)bad);
}

/* `size` operations from block `first` on, all in flight together. */
static int verify_burst(struct native *n, uint64_t first, unsigned int size, uint64_t seed,
			struct err *e)
{
	struct io_completion done[DEPTH_MAX];
	unsigned int left = size;
	int ret;

	for (unsigned int i = 0; i < size; i++) {
		uint64_t offset = (first + i) * n->bs;

		/* For a READ: anything but what is expected, so that old contents cannot pass. (Not in place:
		 * that would be the file's own contents.) */
		if (n->op == OP_WRITE || !n->io->ops->place)
			produce(n, i, offset, n->op == OP_WRITE ? seed : ~seed);
		if (n->depth == 1) {
			int64_t r = n->io->ops->rw(n->io, n->op, 0, n->bs, offset);

			return verify_slot(n, 0, offset, r, seed, e);
		}
		ret = n->io->ops->submit(n->io, n->op, i, i * n->stride, n->bs, offset);
		if (ret)
			return err_sys(e, ret, "submitting");
	}
	while (left) {
		int got = n->io->ops->reap(n->io, done, (int)n->depth);

		if (got < 0)
			return err_sys(e, got, "waiting for operations");
		for (int i = 0; i < got; i++) {
			ret = verify_slot(n, done[i].slot, (first + done[i].slot) * n->bs,
					  done[i].result, seed, e);
			if (ret)
				return ret;
		}
		left -= (unsigned int)got;
	}
	return 0;
}

int native_verify(struct native *n, uint64_t ops, uint64_t seed, uint64_t *bytes, struct err *e)
{
	uint64_t unused = 0;
	int ret = n->cached ? begin_pass(n, &unused, e) : 0;

	if (ret)
		return ret;
	for (uint64_t done = 0; done < ops;) {
		unsigned int size = ops - done < n->depth ? (unsigned int)(ops - done) : n->depth;

		ret = verify_burst(n, done, size, seed, e);
		if (ret)
			return ret;
		done += size;
		*bytes += size * n->bs;
	}
	return 0;
}
