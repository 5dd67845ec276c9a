/* SPDX-License-Identifier: MIT */
/* Which CPUs there are and who runs where. */
#ifndef ZC_CPUS_H
#define ZC_CPUS_H

#include <sched.h>
#include <stdbool.h>

#define CPUS_MAX 4096

/* The number of possible CPUs (/sys/devices/system/cpu/possible): 1 + the highest number. */
int cpus_possible(void);

/* The CPUs this process may run on, in an order in which hardware threads of one core are
 * neighbours, so that cutting the list cuts no core. Returns how many; at most max. */
int cpus_allowed(int *cpus, int max);

/* Whether two CPUs are hardware threads of the same core. */
bool cpus_share_core(int a, int b);

/* Binds the calling thread (or, from the main thread before others exist, the process) to one CPU;
 * ignores cpu < 0. 0 or a negative errno. */
int cpus_bind_thread(int cpu);

/* Binds the calling thread to a set. 0 or a negative errno. */
int cpus_bind_list(const int *cpus, int n);

/* Where everybody runs. */
struct placement {
	int client[CPUS_MAX], nclient; /* client i on client[i % nclient]; 0: anywhere */
	int server[CPUS_MAX], nserver;
	bool shared; /* both are on the same CPUs */
};

/* The CPUs of `clients` clients and a server by --pin: "split" cuts the list of cpus_allowed in half, but
 * not through a core; "same" and a machine with one CPU put both on the same; "none" leaves both lists
 * empty. */
void cpus_place(struct placement *p, const char *pin, unsigned int clients);

/* The CPU for the thread of a per-CPU queue: the queue's own CPU where this process may run on it,
 * else one of those where it may. */
int cpus_for_queue(int queue);

#endif
