// SPDX-License-Identifier: MIT
/* Sink `read`: the server looks at every byte where it lies (a checksum at memory speed); for a READ
 * it produces every byte. */
#include <stdlib.h>

#include "lib/checksum.h"
#include "lib/pattern.h"
#include "servers/sink.h"

struct read_thread {
	_Alignas(64) volatile uint64_t sum; /* so that no compiler can leave the reading out */
};

static int read_thread_init(struct sink *sink, void **thread)
{
	(void)sink;
	*thread = aligned_alloc(64, sizeof(struct read_thread));
	if (!*thread)
		return -1;
	((struct read_thread *)*thread)->sum = 0;
	return 0;
}

static void read_thread_exit(struct sink *sink, void *thread)
{
	(void)sink;
	free(thread);
}

static int read_write(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		      const void *data, size_t len, struct sink_tally *tally)
{
	struct read_thread *t = thread;

	(void)sink, (void)file, (void)offset, (void)tally;
	t->sum += checksum(data, len);
	return 0;
}

static int read_read(struct sink *sink, void *thread, unsigned int file, uint64_t offset, void *data,
		     size_t len, struct sink_tally *tally)
{
	struct read_thread *t = thread;

	(void)sink, (void)file, (void)tally;
	pattern_fill(data, len, offset, t->sum++);
	return 0;
}

/* What lies in a pipe or a slot has to be copied out before anybody can look at it, and what was produced
 * into a slot. */
static double read_copies(enum op op, enum handing how, const json_t *evidence)
{
	(void)evidence;
	return how == HANDS_SLOT || (how == HANDS_PIPE && op == OP_WRITE) ? 1 : 0;
}

static void read_describe(struct sink *sink, json_t *evidence)
{
	(void)sink;
	json_object_set_new(evidence, "checksum", json_string(checksum_name()));
}

const struct sink_ops sink_read = {
	.name = "read",
	.help = "reads every byte in place (XXH3); for op read, produces every byte",
	.thread_init = read_thread_init,
	.thread_exit = read_thread_exit,
	.write = read_write,
	.read = read_read,
	.copies = read_copies,
	.describe = read_describe,
};
