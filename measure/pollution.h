/* SPDX-License-Identifier: MIT */
/*
 * Cache pollution, as the client and the server see it on their own CPU. A process that is asked holds the
 * working sets of an imagined application: one of the size of its L2 cache, one of its last level. They are
 * brought into the cache, a batch of operations goes by, and the time to go through them again says what
 * the batch evicted.
 *
 * A set is used only if it stays in its cache while nothing happens: a last level that is shared with other
 * programs, or with other guests of a hypervisor, may not hold it.
 *
 * While sets are open, a thread that yields to every other keeps the CPU awake: a CPU that sleeps, or that a
 * hypervisor gives away meanwhile, loses its caches too, and that is not what is looked for.
 *
 * Orders on the control channel, each answered by one message:
 *   {"cmd": "chase", "do": "open", "cpu": n}     all threads of the process go to this CPU
 *       -> {"huge_pages": bool, "assumed": bool, "sets": {"l2": {"bytes", "memory_ns_per_line"}, ...},
 *           "not_measured": {"llc": reason}}
 *   {"cmd": "chase", "do": "warm", "set": "l2"}  -> {"ok": true}
 *   {"cmd": "chase", "do": "time", "set": "l2"}  -> {"ns_per_line": x}
 *   {"cmd": "chase", "do": "close"}              -> {"ok": true}
 */
#ifndef ZC_POLLUTION_H
#define ZC_POLLUTION_H

#include <jansson.h>

/* The working sets; each half of its cache, as in measure/limits.h. */
static const char *const pollution_sets[] = {"l2", "llc", 0};

/* Answers an order; for the process's control thread alone. */
json_t *pollution_order(const json_t *msg);

#endif
