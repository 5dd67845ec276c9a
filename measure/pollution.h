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
 * Nothing but the operations shall come between. A CPU that sleeps, or wakes another, or that a hypervisor
 * gives away meanwhile, loses much of its L2 cache, and a message does all of that. So a client goes through its
 * own sets around its own batch; a server answers before it brings a set into the cache, and then polls for the
 * next order instead of sleeping; and while sets are open, a thread that yields to every other keeps the
 * CPU awake.
 *
 * Orders on the control channel:
 *   {"cmd": "chase", "do": "open", "cpu": n}     all threads of the process go to this CPU
 *       -> {"huge_pages": bool, "assumed": bool, "sets": {"l2": {"bytes", "memory_ns_per_line", "lap_ns"},
 *           ...}, "not_measured": {"llc": reason}}
 *   {"cmd": "chase", "do": "hold", "set": "l2"}  -> {"ok": true}, then brings the set into the cache; on the
 *       next order, whatever it is, goes through it
 *       -> {"ns_per_line": x, "held_at_ns": when the set was in the cache, by the clock}
 *   {"cmd": "chase", "do": "close"}              -> {"ok": true}
 */
#ifndef ZC_POLLUTION_H
#define ZC_POLLUTION_H

#include <jansson.h>
#include <stdbool.h>

/* The working sets; each half of its cache, as in measure/limits.h. */
static const char *const pollution_sets[] = {"l2", "llc", 0};

/* Answers an order that came over fd; for the process's control thread alone. NULL: the channel ended. */
json_t *pollution_order(const json_t *msg, int fd);

/* A client's own: brings a set that is open into the cache (false: there is none of that name), and goes
 * through it. ns for each line. */
bool pollution_warm(const char *set);
double pollution_time(const char *set);

#endif
