// SPDX-License-Identifier: MIT
/*
 * Well-behaved clients, many at once:
 *
 *	steady MOUNTPOINT ring|file|bound CLIENTS SECONDS KILLS
 *
 * CLIENTS processes, each with a file of its own (data0, data1, ...), memory of its own and, with `ring`, a session of
 * its own on the back channel, begin at the same time and do the same: they write blocks, read blocks that they
 * wrote, and compare every byte. KILLS of them die by SIGKILL at random times, and each is replaced by a new one.
 * After SECONDS (0: at SIGTERM) each survivor reads all that it wrote. `bound` is `file` with each client bound to a CPU,
 * by turns: where the server has a queue for each CPU, as many clients are at each.
 *
 * Prints what the survivors did over the whole time, as NAME VALUE lines. Status 0: every byte was right. 1: not, or
 * a client failed or waited for more than STALL_NS; says which.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/ipc_client.h"
#include "lib/clock.h"
#include "lib/cpus.h"
#include "lib/pattern.h"
#include "lib/units.h"

#define CLIENTS_MAX 256
#define BLOCK       (16u << 10)
#define BLOCKS      64 /* of each file */
#define BATCH       4  /* operations in flight on a ring */
#define SPIN_NS     (50 * NSEC_PER_USEC)

struct slot {
	_Atomic uint64_t ops;     /* blocks that went right */
	_Atomic uint64_t longest; /* wait for a batch, ns */
	atomic_bool ready, done;
	char error[200];
	pid_t pid;
	bool killed, replacement;
};

static struct shared {
	atomic_bool go, stop;
	struct slot slots[CLIENTS_MAX];
} * shared;

static volatile sig_atomic_t terminated;

/* --- one client */

struct client {
	struct slot *slot;
	char path[4096];
	int fd, memfd;
	char *map; /* BATCH blocks */
	bool ring;
	struct ipc_client ipc;
	uint64_t seed;
	uint32_t generation[BLOCKS]; /* how often it wrote this block; 0: it did not */
	uint64_t random;
};

static __attribute__((noreturn, format(printf, 2, 3))) void give_up(struct client *c, const char *format,
								    ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->slot->error, sizeof(c->slot->error), format, ap);
	va_end(ap);
	_exit(1);
}

static uint64_t pick(struct client *c)
{
	c->random ^= c->random << 13; /* xorshift64 (Marsaglia 2003) */
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return c->random;
}

static void connect_to(struct client *c)
{
	struct err e;

	c->fd = open(c->path, O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		give_up(c, "opening %s: %s", c->path, strerror(errno));
	c->memfd = memfd_create("steady", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (c->memfd < 0 || fallocate(c->memfd, 0, 0, BATCH * BLOCK) ||
	    fcntl(c->memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		give_up(c, "memory: %s", strerror(errno));
	c->map = mmap(NULL, BATCH * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, c->memfd, 0);
	if (c->map == MAP_FAILED)
		give_up(c, "mapping memory: %s", strerror(errno));
	if (c->ring && (ipc_client_connect(&c->ipc, c->fd, BATCH, SPIN_NS, &e) ||
			ipc_client_register(&c->ipc, c->memfd, &e)))
		give_up(c, "%s", e.what);
}

/* Writes or reads blocks[0 .. n - 1] from or to the memory's blocks 0 .. n - 1. */
static void transfer(struct client *c, bool write, const unsigned int *blocks, unsigned int n)
{
	const char *op = write ? "write" : "read";
	uint64_t start = clock_ns();
	int32_t result;
	uint64_t tag;

	for (unsigned int i = 0; i < n; i++) {
		char *memory = c->map + (size_t)i * BLOCK;
		off_t place = (off_t)blocks[i] * BLOCK;
		struct ipc_sqe d = {.op = write ? IPC_OP_WRITE : IPC_OP_READ,
				    .length = BLOCK,
				    .tag = i,
				    .buffer_offset = (uint64_t)i * BLOCK,
				    .file_offset = (uint64_t)place};
		ssize_t ret;

		if (c->ring) {
			if (ipc_client_submit(&c->ipc, &d))
				give_up(c, "the ring is full");
			continue;
		}
		ret = write ? pwrite(c->fd, memory, BLOCK, place) : pread(c->fd, memory, BLOCK, place);
		if (ret != BLOCK)
			give_up(c, "%s gave %zd, %s", op, ret, strerror(errno));
	}
	if (c->ring)
		ipc_client_flush(&c->ipc);
	for (unsigned int i = 0; c->ring && i < n; i++) {
		int ret = ipc_client_wait(&c->ipc, &tag, &result);

		if (ret || tag != i || result != BLOCK)
			give_up(c, "%s gave %d, result %d, number %" PRIu64 " for %u", op, ret, result,
				tag, i);
	}
	start = clock_ns() - start;
	if (start > atomic_load(&c->slot->longest))
		atomic_store(&c->slot->longest, start);
}

static void check_blocks(struct client *c, const unsigned int *blocks, unsigned int n)
{
	memset(c->map, 0xa5, (size_t)n * BLOCK);
	transfer(c, false, blocks, n);
	for (unsigned int i = 0; i < n; i++) {
		int64_t bad =
			pattern_check(c->map + (size_t)i * BLOCK, BLOCK, (uint64_t)blocks[i] * BLOCK,
				      c->seed + c->generation[blocks[i]]);

		if (bad >= 0)
			give_up(c, "block %u, byte %" PRId64 " is wrong", blocks[i], bad);
	}
}

static void work(struct client *c)
{
	unsigned int blocks[BATCH];

	while (!atomic_load(&shared->stop)) {
		unsigned int first = pick(c) % BLOCKS;

		for (unsigned int i = 0; i < BATCH; i++) {
			blocks[i] = (first + i * 7) % BLOCKS;
			pattern_fill(c->map + (size_t)i * BLOCK, BLOCK, (uint64_t)blocks[i] * BLOCK,
				     c->seed + ++c->generation[blocks[i]]);
		}
		transfer(c, true, blocks, BATCH);
		for (unsigned int i = 0; i < BATCH; i++)
			do
				blocks[i] = pick(c) % BLOCKS;
			while (!c->generation[blocks[i]]);
		check_blocks(c, blocks, BATCH);
		atomic_fetch_add(&c->slot->ops, 2 * BATCH);
	}
	for (unsigned int b = 0; b < BLOCKS; b++)
		if (c->generation[b])
			check_blocks(c, &b, 1);
}

/* To which CPU of those that this process may use. */
static void bind_to_one(struct client *c)
{
	int cpus[CPUS_MAX], n = cpus_allowed(cpus, CPUS_MAX);
	int ret = n < 0 ? n : cpus_bind_thread(cpus[(c->slot - shared->slots) % n]);

	if (ret)
		give_up(c, "binding it to a CPU: %s", strerror(-ret));
}

static void spawn(struct slot *slot, const char *mountpoint, const char *how)
{
	struct client c = {.slot = slot, .ring = !strcmp(how, "ring")};
	pid_t pid;

	atomic_store(&slot->ready, false);
	pid = fork();
	if (pid < 0) {
		perror("steady: fork");
		exit(1);
	}
	if (pid) {
		slot->pid = pid;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	c.seed = (uint64_t)getpid() << 32;
	c.random = c.seed + 88172645463325252ULL;
	snprintf(c.path, sizeof(c.path), "%s/data%td", mountpoint, slot - shared->slots);
	if (!strcmp(how, "bound"))
		bind_to_one(&c);
	connect_to(&c);
	atomic_store(&slot->ready, true);
	while (!atomic_load(&shared->go))
		usleep(1000);
	work(&c);
	atomic_store(&slot->done, true);
	_exit(0);
}

/* --- all of them */

static void on_term(int sig)
{
	terminated = sig;
}

/* All clients of the start are there. False: one is not. */
static bool wait_ready(unsigned int clients)
{
	for (unsigned int i = 0; i < clients; i++)
		while (!atomic_load(&shared->slots[i].ready)) {
			if (waitpid(shared->slots[i].pid, NULL, WNOHANG)) {
				printf("client %u: %s\n", i, shared->slots[i].error);
				return false;
			}
			usleep(1000);
		}
	return true;
}

static void replace_one(unsigned int clients, const char *mountpoint, const char *how)
{
	struct slot *slot;

	do
		slot = &shared->slots[(unsigned int)random() % clients];
	while (slot->replacement); /* each is killed once at most: enough others survive */
	kill(slot->pid, SIGKILL);
	waitpid(slot->pid, NULL, 0);
	slot->replacement = true;
	spawn(slot, mountpoint, how);
}

/* Whether all went right; prints the figures. `ops` is what each had done when the time was over. */
static bool account(unsigned int clients, uint64_t setup_ns, const uint64_t *ops)
{
	uint64_t sum = 0, least = UINT64_MAX, most = 0, longest = 0;
	unsigned int survivors = 0;
	bool right = true;

	for (unsigned int i = 0; i < clients; i++) {
		struct slot *slot = &shared->slots[i];
		int status;

		waitpid(slot->pid, &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) || !slot->done) {
			printf("client %u: status %d: %s\n", i, status, slot->error);
			right = false;
		}
		if (slot->longest > longest)
			longest = slot->longest;
		if (slot->replacement)
			continue;
		survivors++;
		sum += ops[i];
		least = ops[i] < least ? ops[i] : least;
		most = ops[i] > most ? ops[i] : most;
	}
	printf("survivors %u\nsum %" PRIu64 "\nmean %" PRIu64 "\nleast %" PRIu64 "\nmost %" PRIu64 "\n",
	       survivors, sum, sum / survivors, least, most);
	printf("longest_ms %llu\nsetup_us %llu\n", longest / NSEC_PER_MSEC,
	       setup_ns / clients / NSEC_PER_USEC);
	return right;
}

int main(int argc, char **argv)
{
	uint64_t clients, seconds, kills, start, setup_ns, end, at_stop[CLIENTS_MAX];
	bool right;

	if (argc != 6 || parse_uint(argv[3], 1, CLIENTS_MAX, &clients) ||
	    parse_uint(argv[4], 0, 3600, &seconds) || parse_uint(argv[5], 0, clients / 2, &kills)) {
		fprintf(stderr, "usage: steady MOUNTPOINT ring|file|bound CLIENTS SECONDS KILLS\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_term);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	srandom((unsigned int)getpid());
	start = clock_ns();
	for (uint64_t i = 0; i < clients; i++)
		spawn(&shared->slots[i], argv[1], argv[2]);
	if (!wait_ready((unsigned int)clients))
		return 1;
	setup_ns = clock_ns() - start;
	printf("going\n");
	start = clock_ns();
	atomic_store(&shared->go, true);
	end = seconds ? start + seconds * NSEC_PER_SEC : UINT64_MAX;
	for (uint64_t killed = 0; clock_ns() < end && !terminated; usleep(10000))
		/* in even steps over the time, at clients that random(3) picks */
		while (killed < kills &&
		       clock_ns() >= start + (end - start) / (kills + 1) * (killed + 1)) {
			replace_one((unsigned int)clients, argv[1], argv[2]);
			killed++;
		}
	for (uint64_t i = 0; i < clients; i++)
		at_stop[i] = atomic_load(&shared->slots[i].ops);
	atomic_store(&shared->stop, true);
	right = account((unsigned int)clients, setup_ns,
			at_stop); /* what they do in the end does not count */
	return right ? 0 : 1;
}
