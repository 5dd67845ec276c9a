// SPDX-License-Identifier: MIT
/* Proves of the measured loop, with operations that only take notes: READs through a cache take each block once
 * between two fillings of the cache, with nothing in flight when it is emptied, in order or not, at any depth, and
 * stop after the wanted operations; a payload in place is produced there, and its production timed. */
#include <errno.h>

#include "clients/native.h"
#include "lib/clock.h"
#include "tests/unit/unit.h"

#define BLOCKS_MAX 300
#define BS         512
#define PLACE_NS   20000

static struct {
	unsigned int reads[BLOCKS_MAX]; /* of each block since the cache was emptied */
	uint64_t order[BLOCKS_MAX];     /* of the last pass */
	unsigned int in_pass, drops, flying;
	uint32_t queue[64];
	char memory[BLOCKS_MAX * BS];
} fake;

static void note(uint64_t offset)
{
	uint64_t block = offset / BS;

	assert_true(offset % BS == 0 && block < BLOCKS_MAX);
	assert_int_equal(fake.reads[block]++, 0);
	fake.order[fake.in_pass++] = block;
}

static ssize_t fake_rw(struct io *io, enum op op, size_t buffer_offset, size_t len, uint64_t offset)
{
	(void)io, (void)op, (void)buffer_offset;
	note(offset);
	return (ssize_t)len;
}

static int fake_submit(struct io *io, enum op op, uint32_t slot, size_t buffer_offset, size_t len,
		       uint64_t offset)
{
	(void)io, (void)op, (void)buffer_offset, (void)len;
	note(offset);
	fake.queue[fake.flying++] = slot;
	return 0;
}

/* One at a time, the first first. */
static int fake_reap(struct io *io, struct io_completion *out, int max)
{
	(void)io;
	assert_true(max > 0 && fake.flying > 0);
	*out = (struct io_completion){fake.queue[0], BS};
	memmove(fake.queue, fake.queue + 1, --fake.flying * sizeof(fake.queue[0]));
	return 1;
}

static int fake_drop(struct io *io)
{
	(void)io;
	assert_int_equal(fake.flying, 0);
	memset(fake.reads, 0, sizeof(fake.reads));
	fake.in_pass = 0;
	fake.drops++;
	return 0;
}

static const struct io_ops cached_ops = {.name = "cached",
					 .rw = fake_rw,
					 .submit = fake_submit,
					 .reap = fake_reap,
					 .drop_cache = fake_drop};

static struct native_result result;

static void read_cached(uint64_t blocks, unsigned int depth, bool random, uint64_t ops)
{
	struct source source = {.map = fake.memory, .size = sizeof(fake.memory), .fd = -1};
	struct io io = {.ops = &cached_ops, .source = &source, .path = "fake", .bs = BS, .depth = depth};
	struct native n = {.io = &io,
			   .op = OP_READ,
			   .bs = BS,
			   .stride = BS,
			   .depth = depth,
			   .file_size = blocks * BS + BS / 2, /* the rest is not a block */
			   .random = random,
			   .cached = true,
			   .random_state = 1};
	struct err e;

	memset(&fake, 0, sizeof(fake));
	assert_int_equal(native_run(&n, 0, ops, &result, &e), 0);
	assert_true(result.ops == ops && result.payload_bytes == ops * BS);
	assert_true(result.passes == fake.drops && result.passes == (ops + blocks - 1) / blocks);
	assert_int_equal(fake.in_pass, (ops - 1) % blocks + 1);
}

static void test_each_block_once(void **state)
{
	static const uint64_t blocks[] = {1, 2, 3, 7, 64, 255, 256, 257, BLOCKS_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		for (unsigned int depth = 1; depth <= 33; depth += 16)
			for (int random = 0; random < 2; random++) {
				read_cached(blocks[i], depth, random, 1);
				read_cached(blocks[i], depth, random, blocks[i]);
				read_cached(blocks[i], depth, random, 5 * blocks[i] + 1);
			}
}

static void test_order(void **state)
{
	uint64_t first[BLOCKS_MAX];
	unsigned int in_place = 0, ascending = 0;

	(void)state;
	read_cached(BLOCKS_MAX, 1, false, 2 * BLOCKS_MAX);
	for (uint64_t i = 0; i < BLOCKS_MAX; i++)
		assert_true(fake.order[i] == i);
	/* random: neither like this nor twice the same */
	read_cached(BLOCKS_MAX, 1, true, BLOCKS_MAX);
	memcpy(first, fake.order, sizeof(first));
	for (unsigned int i = 1; i < BLOCKS_MAX; i++)
		ascending += first[i] == first[i - 1] + 1;
	assert_true(ascending < BLOCKS_MAX / 20);
	read_cached(BLOCKS_MAX, 1, true, 2 * BLOCKS_MAX);
	for (unsigned int i = 0; i < BLOCKS_MAX; i++)
		in_place += fake.order[i] == first[i];
	assert_true(in_place < BLOCKS_MAX / 20);
}

static char *fake_place(struct io *io, uint64_t offset)
{
	const uint64_t start = clock_ns();

	(void)io;
	while (clock_ns() < start + PLACE_NS)
		; /* production takes at least this long */
	return fake.memory + offset;
}

static ssize_t fake_nothing(struct io *io, enum op op, size_t buffer_offset, size_t len, uint64_t offset)
{
	(void)io, (void)op, (void)buffer_offset, (void)offset;
	return (ssize_t)len;
}

static const struct io_ops in_place_ops = {.name = "place", .rw = fake_nothing, .place = fake_place};

static void test_in_place(void **state)
{
	static char elsewhere[BS];
	struct source source = {.map = elsewhere, .size = BS, .fd = -1};
	struct io io = {.ops = &in_place_ops, .source = &source, .path = "fake", .bs = BS, .depth = 1};
	struct native n = {.io = &io,
			   .op = OP_WRITE,
			   .bs = BS,
			   .stride = BS,
			   .depth = 1,
			   .file_size = 4 * BS,
			   .produce = true};
	uint64_t bytes = 0;
	struct err e;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	assert_int_equal(native_run(&n, 0, 1000, &result, &e), 0);
	assert_true(result.ops == 1000 && result.produce_ns == 0 && result.produce_cpu_ns == 0);
	assert_true(result.elapsed_ns >= 1000 * PLACE_NS && result.elapsed_ns <= result.wall_ns);
	for (int block = 0; block < 4; block++)
		assert_true(fake.memory[block * BS] || fake.memory[block * BS + 1]);
	assert_true(!memcmp(elsewhere, (char[BS]){0}, BS));
	/* what a WRITE left there is what a READ finds, and a READ does not write */
	assert_int_equal(native_verify(&n, 4, 42, &bytes, &e), 0);
	n.op = OP_READ;
	assert_int_equal(native_verify(&n, 4, 42, &bytes, &e), 0);
	assert_true(bytes == 8 * BS);
	fake.memory[3 * BS + 17] ^= 1;
	assert_int_equal(native_verify(&n, 4, 42, &bytes, &e), -EILSEQ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_block_once),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
