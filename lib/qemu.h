/* SPDX-License-Identifier: MIT */
/* QEMU as a guest's machine (lib/machine.h): what has to be known about it beforehand. */
#ifndef ZC_QEMU_H
#define ZC_QEMU_H

#include <stdbool.h>

#include "lib/machine.h"

#define QEMU_HOST "10.0.2.2" /* 127.0.0.1 of this machine, for a guest with a NIC */

/*
 * Whether the guest's kernel boots on one CPU, and its init is to switch on the others.
 *
 * QEMU's emulation runs each CPU in a thread. A kernel that boots flips dozens of its static keys, and each
 * time patches int3 into code that another CPU runs: emulated, that CPU can trip over an int3 that is gone
 * already ("Oops: int3", about one boot in 50 on a busy host, QEMU 7.2). Alone it cannot. For the same
 * reason we say tsc=reliable: Linux 7's clock watchdog waits for another CPU that waits in stop_machine
 * (watchdog_check_skew, multi_cpu_stop), which hung one boot in 20. And before the other CPUs come, `zcbench
 * hold-events` makes the kernel patch itself for counting, once and for all.
 */
bool qemu_boots_alone(const struct machine_config *c);

/* Whether a guest really runs under KVM: /dev/kvm may be there and not work. Tried once in a process,
 * by a guest of one instruction. If not, and `why` is not NULL, the reason is written there. */
bool qemu_kvm_works(struct err *why);

#endif
