/* SPDX-License-Identifier: MIT */
/* The client process that `zcbench run` starts. */
#ifndef ZC_CLIENT_H
#define ZC_CLIENT_H

#include <jansson.h>

#include "lib/err.h"
#include "measure/counters.h"

/* Serves control messages on fd until the channel ends. Returns the exit status of the process.
 *
 * First comes the configuration:
 *   {"file": PATH, "io": "fuse" | "ipc" | "shared", "op": "write" | "read", "source": NAME, "bs": n, "depth": n,
 *    "driver": NAME, "engine": NAME, "fio": PROGRAM, "file_size": n, "random": bool, "produce": bool, "access": NAME, "via": NAME, "cpu": n or -1, "number": n, "server": {...},
 *    "events": [NAME, ...]}
 * and is answered by {"ready": {"setup_ns": n, "setup": {...}, "io": NAME}} or {"error": ...}. Then, one answer each:
 *   {"cmd": "verify", "seed": n, "ops": n}        -> {"verified_bytes": n}
 *   {"cmd": "run", "start_at": ns, "runtime_ns": n, "count": n} -> {"ops", "payload_bytes",
 *     "elapsed_ns", "wall_ns", "produce_ns", "produce_cpu_ns", "copied_bytes", "passes", "drop_cpu_ns",
 *     "latency": histogram, "usage": {...},
 *     "counters_before", "counters": as counts_to_json gives them, before and after the measured loop}
 *   {"cmd": "batch", "ops": n, "idle_ns": n, "set": NAME} -> {"elapsed_ns": n, "ns_per_line": x}:
 *     operations and nothing else, or with 0 operations so long a time without any; ns_per_line if this
 *     working set is open (measure/pollution.h)
 *   {"cmd": "chase", ...}                         -> see measure/pollution.h
 *   {"cmd": "stop"}                               -> no answer; the process ends
 */
int client_main(int fd);

/* Opens the counters that the configuration names, and starts them. Before anything starts a thread: io_uring
 * workers, and programs that are started, then inherit them. 0 or -errno with a message. */
int client_count_events(const json_t *config, struct events *events, struct counters *counters,
			struct err *e);

#endif
