// SPDX-License-Identifier: MIT
/* Sleeping and waking on the bypass ring; see ipc.h. The futexes are shared ones: the two sides are
 * different processes. */
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/ipc.h"

void ipc_wake(_Atomic uint32_t *sleeps)
{
	/* The common case is a spinning peer: look before writing, so that the line stays shared. */
	if (!atomic_load_explicit(sleeps, memory_order_seq_cst))
		return;
	if (atomic_exchange_explicit(sleeps, 0, memory_order_seq_cst))
		syscall(SYS_futex, sleeps, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void ipc_sleep(_Atomic uint32_t *sleeps, _Atomic uint32_t *seq, uint32_t value, uint64_t timeout_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(timeout_ns % NSEC_PER_SEC),
	};

	atomic_exchange_explicit(sleeps, 1, memory_order_seq_cst);
	if (atomic_load_explicit(seq, memory_order_seq_cst) != value)
		syscall(SYS_futex, sleeps, FUTEX_WAIT, 1, &ts, NULL, 0);
	atomic_store_explicit(sleeps, 0, memory_order_relaxed);
}
