/* SPDX-License-Identifier: MIT */
/* Two threads on two CPUs that hand something over, by hand: the least that any path between two
 * processes on these CPUs has to pay. */
#ifndef ZC_HANDOVER_H
#define ZC_HANDOVER_H

#include <stddef.h>

/* One exchange through shared memory, in ns (the median): the calling thread writes a cache line, a partner
 * on CPU `cpu` that polls it answers with another. With bs > 0 the caller writes bs bytes of payload before
 * (not timed), and the partner reads them, by the checksum of sink read, before it answers. `batches`
 * times `batch` exchanges. NAN if no thread could be started. */
double handover_poll(int cpu, size_t bs, unsigned int batches, unsigned int batch);

/* One exchange by futex(2), in ns (the median of `batches` times `batch`): both sides sleep, each wakes the
 * other. NAN as above. */
double handover_futex(int cpu, unsigned int batches, unsigned int batch);

#endif
