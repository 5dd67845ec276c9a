// SPDX-License-Identifier: MIT
/* Everything at once: I/O whose bytes are checked, while buffers come and go, mappings change, and somebody dies. */
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "kernel/tests/test.h"

#define SIZE    (4 * MIB)
#define THREADS 3
#define SECONDS 4

static char *map;
static atomic_bool stop;
static atomic_long rounds, wrong, odd; /* odd: what an I/O gave that cannot be */

static void set(uint32_t *p, size_t n, uint32_t v)
{
	for (size_t i = 0; i < n / 4; i++)
		p[i] = v + (uint32_t)i;
}

static bool is(const uint32_t *p, size_t n, uint32_t v)
{
	for (size_t i = 0; i < n / 4; i++)
		if (p[i] != v + (uint32_t)i)
			return false;
	return true;
}

/* Writes and reads back in a part of memory and file that is its own. False: the connection has ended. */
static bool once(unsigned int me, unsigned int *seed)
{
	size_t part = SIZE / THREADS / 2 & ~4095ul, n = 4 + (rand_r(seed) % (part / 4 - 1)) * 4;
	uint32_t v = (uint32_t)rand_r(seed);
	char *p = map + me * 2 * part, *q = p + part;
	off_t o = (off_t)(me * 4 * MIB);
	ssize_t r;

	set((uint32_t *)p, n, v);
	r = do_write(files.direct, p, n, o);
	if (r != (ssize_t)n) {
		if (r < 0 && !is_end(r)) /* what is short is an end in the midst of several requests */
			odd = r;
		return false;
	}
	memset(q, 0, n);
	r = do_read(files.direct, q, n, o);
	if (r != (ssize_t)n) {
		if (r < 0 && !is_end(r)) /* what is short is an end in the midst of several requests */
			odd = r;
		return false;
	}
	if (!is((uint32_t *)q, n, v))
		wrong++;
	rounds++;
	return true;
}

static void *worker(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg, seed = me + 1;

	while (!stop && once(me, &seed))
		;
	return NULL;
}

static void start(pthread_t *t, void *(*f)(void *))
{
	stop = false;
	rounds = wrong = odd = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, f, (void *)i);
}

static void finish(pthread_t *t)
{
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

/* Registers and unregisters while others do I/O in it: shared or copied, the bytes are right. */
static void come_and_go(void)
{
	int fd = memory_make(MEMFD, SIZE), n = 0;
	pthread_t t[THREADS];
	double begin;

	map = map_shared(fd, SIZE, 0);
	start(t, worker);
	for (begin = seconds(); seconds() - begin < SECONDS; n++) {
		int index = server_register(fd, SIZE);

		CHECK(index >= 0);
		usleep((unsigned int)(n % 7) * 1000);
		CHECK_EQ(server_unregister(index), 0);
	}
	finish(t);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(odd, 0);
	CHECK(rounds > 10 && n > 10);
	printf("      %ld rounds of I/O, %d registrations, %ld shared and %ld copied requests\n",
	       (long)rounds, n, (long)counters->shared, (long)counters->copied);
	CHECK(counters->shared > 0 && counters->copied > 0);
	seen();
	munmap(map, SIZE);
	close(fd);
}

static int race_fd;
static char *race;

/* Changes the mapping that `racer` does I/O with, in every way. */
static void *changer(void *arg)
{
	unsigned int seed = 99;

	(void)arg;
	while (!stop) {
		char *p = race + (rand_r(&seed) % 256) * 4096;
		size_t n = (1 + rand_r(&seed) % 64) * 4096;

		if (p + n > race + MIB)
			continue;
		switch (rand_r(&seed) % 6) {
		case 0:
			munmap(p, n);
			break;
		case 1:
			mmap(p, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			     0);
			break;
		case 2:
			mprotect(p, n, PROT_READ);
			break;
		case 3:
			madvise(p, n, MADV_DONTNEED);
			break;
		case 4:
			fallocate(race_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, p - race,
				  (off_t)n);
			break;
		case 5:
			mmap(race, MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, race_fd, 0);
			break;
		}
	}
	return NULL;
}

static void *racer(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg, seed = me + 50;

	while (!stop) {
		size_t o = rand_r(&seed) % (MIB - 1), n = 1 + rand_r(&seed) % (MIB - o);
		ssize_t r = me % 2 ? do_write(files.direct, race + o, n, 0)
				   : do_read(files.direct, race + o, n, 0);

		if (r < 0 && r != -EFAULT)
			wrong++;
		rounds++;
	}
	return NULL;
}

static void mappings_change(void)
{
	int index;
	pthread_t t[THREADS], c;

	race_fd = memory_make(MEMFD, MIB);
	race = map_shared(race_fd, MIB, 0);
	index = server_register(race_fd, MIB);
	start(t, racer);
	pthread_create(&c, NULL, changer, NULL);
	sleep(SECONDS);
	finish(t);
	pthread_join(c, NULL);
	CHECK_EQ(wrong, 0);
	CHECK(rounds > 10);
	CHECK_EQ(server_unregister(index), 0);
	munmap(race, MIB);
	close(race_fd);
	seen();
}

/* Clients come and are killed, again and again. */
static void clients_die(void)
{
	int fd = memory_make(MEMFD, SIZE), index = server_register(fd, SIZE);
	double begin = seconds();

	map = map_shared(fd, SIZE, 0);
	stop = false;
	while (seconds() - begin < SECONDS) {
		pid_t child[THREADS];

		for (unsigned int i = 0; i < THREADS; i++) {
			child[i] = fork();
			if (!child[i]) {
				worker((void *)(uintptr_t)i);
				_exit(0);
			}
		}
		usleep(150000);
		for (int i = 0; i < THREADS; i++) {
			kill(child[i], SIGKILL);
			waitpid(child[i], NULL, 0);
		}
	}
	CHECK(seen().shared > 0);
	CHECK_EQ(server_unregister(index), 0);
	munmap(map, SIZE);
	close(fd);
}

/* The server is killed, or the connection aborted, while everybody is busy; the next one starts. */
static void servers_die(void)
{
	for (int i = 0; i < 4; i++) {
		int fd = memory_make(MEMFD, SIZE);
		pthread_t t[THREADS];

		CHECK(server_register(fd, SIZE) >= 0);
		map = map_shared(fd, SIZE, 0);
		start(t, worker);
		usleep(300000);
		if (i % 2)
			umount2(MOUNTPOINT, MNT_FORCE);
		else
			kill(server_pid, SIGKILL);
		for (int k = 0; k < THREADS; k++)
			pthread_join(t[k], NULL);
		CHECK_EQ(wrong, 0);
		CHECK_EQ(odd, 0);
		files_close();
		server_reap();
		munmap(map, SIZE);
		close(fd);
		if (i < 3) {
			server_start(&config);
			files_open();
		}
	}
}

const struct test stress_tests[] = {
	{"buffers come and go under load", come_and_go},
	{"mappings change under load", mappings_change},
	{"clients are killed under load", clients_die},
	{"servers are killed and aborted under load", servers_die},
	{0},
};
