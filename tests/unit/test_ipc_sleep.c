// SPDX-License-Identifier: MIT
/*
 * Proves that no wake-up on the bypass ring is lost. Sessions bound each sleep by 100 ms, so that a lost
 * one would only make them slow. Here are the same steps with sleeps that nothing but the other side
 * ends, and both sides meet before each, so that one publishes at about the time when the other goes to
 * sleep: a few cycles earlier or later. alarm(2) ends the test when nothing moves.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/ipc.h"
#include "tests/unit/unit.h"

#define MEETINGS  1000000
#define STUCK_SEC 20

/* a cache line each, as in the ring: it is the time that a line travels in which things go wrong */
_Alignas(64) static _Atomic uint32_t word;
_Alignas(64) static _Atomic uint32_t sleeps;
_Alignas(64) static _Atomic uint32_t meeting;
_Alignas(64) static _Atomic uint32_t parted;

static void cycles(uint64_t *random)
{
	for (uint64_t n = random64(random) % 64; n; n--)
		__asm__ __volatile__("");
}

static void until(_Atomic uint32_t *counter, uint32_t n)
{
	for (unsigned int i = 0; atomic_load(counter) != n; i++)
		if (i % 1024 == 1023)
			sched_yield();
}

static void *sleeper(void *p)
{
	uint64_t random = 3;

	(void)p;
	for (uint32_t n = 1; n <= MEETINGS; n++) {
		until(&meeting, n);
		cycles(&random);
		while (!ipc_published(&word, n))
			ipc_sleep(&sleeps, &word, n, 3600 * NSEC_PER_SEC);
		atomic_store(&parted, n);
	}
	return NULL;
}

static void test_wakeups(void **state)
{
	uint64_t random = 4;
	pthread_t thread;

	(void)state;
	alarm(STUCK_SEC);
	assert_int_equal(pthread_create(&thread, NULL, sleeper, NULL), 0);
	for (uint32_t n = 1; n <= MEETINGS; n++) {
		atomic_store(&meeting, n);
		cycles(&random);
		ipc_publish(&word, n);
		ipc_wake(&sleeps);
		until(&parted, n);
		if (n % 256 == 0)
			alarm(STUCK_SEC);
	}
	pthread_join(thread, NULL);
	alarm(0);
}

/* ipc_sleep returns when its time is over, and at once when there is nothing to wait for. */
static void test_sleep_returns(void **state)
{
	_Atomic uint32_t seq = 7, flag = 0;
	uint64_t began = clock_ns();

	(void)state;
	alarm(STUCK_SEC);
	ipc_sleep(&flag, &seq, 7, 3600 * NSEC_PER_SEC);
	assert_int_equal(flag, 0);
	ipc_sleep(&flag, &seq, 8, NSEC_PER_MSEC);
	assert_int_equal(flag, 0);
	assert_true(clock_ns() - began >= NSEC_PER_MSEC);
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wakeups),
		cmocka_unit_test(test_sleep_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
