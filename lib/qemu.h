/* SPDX-License-Identifier: MIT */
/* QEMU as a child process: its command line, its channels, its certain end. lib/guest.h uses it. */
#ifndef ZC_QEMU_H
#define ZC_QEMU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

/* The channels between host and guest, as virtio-serial ports named "zcbench.NAME". */
enum qemu_port {
	PORT_OUT,     /* standard output */
	PORT_ERR,     /* standard error */
	PORT_FILES,   /* result files */
	PORT_CONTROL, /* lines: "ready KERNEL", "alive", "exit STATUS" */
	QEMU_PORTS
};

#define QEMU_HOST "10.0.2.2" /* 127.0.0.1 of this machine, for a guest with a NIC */

struct qemu_config {
	const char *kernel; /* a bzImage */
	int initramfs;      /* its descriptor */
	const char *append; /* kernel parameters on top of ours, or NULL */
	bool kvm;           /* else TCG */
	bool icount;        /* TCG with a clock that counts instructions, 1 ns each */
	unsigned int cpus;
	uint64_t mem, disk; /* bytes; disk 0: none */
	bool net;           /* a virtio NIC on QEMU's user-mode network */
	bool tty;           /* a virtio console, hvc0 in the guest */
};

struct qemu {
	pid_t pid; /* 0: none */
	int pidfd;
	int port[QEMU_PORTS]; /* our ends: connected sockets */
	int console;          /* the serial console */
	int tty;              /* hvc0, or -1 */
	int said;             /* what QEMU itself writes to stderr */
};

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
bool qemu_boots_alone(const struct qemu_config *c);

/* Starts QEMU. It dies with this process, however that ends. -ENOENT with the package to install if
 * there is no QEMU; what QEMU itself dislikes shows in `said` and in its end. */
int qemu_start(struct qemu *q, const struct qemu_config *c, struct err *e);

/* Kills QEMU and waits for its end, closes the channels. Safe to call twice. */
void qemu_stop(struct qemu *q);

/* Whether a guest really runs under KVM: /dev/kvm may be there and not work. Tried once in a process,
 * by a guest of one instruction. If not, and `why` is not NULL, the reason is written there. */
bool qemu_kvm_works(struct err *why);

#endif
