/* SPDX-License-Identifier: MIT */
/* The machine a result was measured on, and what about it makes numbers untrustworthy. */
#ifndef ZC_HOST_H
#define ZC_HOST_H

#include <jansson.h>
#include <stdbool.h>

/* Everything that does not change from one run to the next: kernel, CPU, caches, mitigations, governor,
 * clock source, virtualization, memory, module parameters, library versions. What cannot be read is
 * left out. */
json_t *host_describe(void);

/* What does change: load averages and the share of the CPUs that is busy right now (watched for
 * 200 ms). {"load_1min", "busy_share"} */
json_t *host_load(void);

/* Warns on stderr, with a remedy each: load, frequency governor, too few CPUs for `clients` clients and a server (split: on CPUs of their own),
 * hardware threads shared between them, slow clock source. Returns the warnings as an array. */
json_t *host_warnings(const json_t *host, const json_t *load, bool split, unsigned int clients);

/* Warns on stderr and adds the warning to such an array. */
void host_warn(json_t *warnings, const char *what, const char *remedy);

#endif
