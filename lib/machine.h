/* SPDX-License-Identifier: MIT */
/*
 * The machine that a guest runs on, as a child process: QEMU (lib/qemu.c) or user-mode Linux (lib/uml.c). Its
 * channels, its certain end. lib/guest.h uses it.
 */
#ifndef ZC_MACHINE_H
#define ZC_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

/* The channels between host and guest. kernel/guest-init.sh knows where they are in the guest. */
enum machine_port {
	PORT_OUT,     /* standard output */
	PORT_ERR,     /* standard error */
	PORT_FILES,   /* result files */
	PORT_CONTROL, /* lines: "ready KERNEL", "alive", "exit STATUS" */
	MACHINE_PORTS
};

enum machine_kind {
	MACHINE_KVM,
	MACHINE_TCG, /* QEMU's emulation */
	MACHINE_UML, /* a kernel that is a program: no privileges, memory at its native speed */
};

struct machine_config {
	enum machine_kind kind;
	const char *kernel; /* a bzImage, or a user-mode Linux */
	int initramfs;      /* its descriptor */
	const char *append; /* kernel parameters on top of ours, or NULL */
	bool icount;        /* TCG with a clock that counts instructions, 1 ns each */
	unsigned int cpus;
	uint64_t mem, disk; /* bytes; disk 0: none; UML has none */
	bool net;           /* a NIC on QEMU's user-mode network; UML has none */
	bool tty;           /* a terminal: hvc0 in QEMU's guest, ttyS4 in UML */
};

struct machine {
	pid_t pid; /* 0: none; also its process group and session */
	int pidfd;
	int port[MACHINE_PORTS]; /* our ends: connected sockets */
	int console;             /* what its kernel prints */
	int tty;                 /* the terminal, or -1 */
	int said;                /* what QEMU itself writes to stderr; UML's stderr is its console: -1 */
};

/* Starts it. It dies with this process, however that ends. -ENOENT with what to install or build; what it
 * itself dislikes shows in `said` or on the console, and in its end. */
int machine_start(struct machine *m, const struct machine_config *c, struct err *e);

/* Kills it with all that it started and waits for its end, closes the channels. Safe to call twice. */
void machine_stop(struct machine *m);

/* "kvm", "tcg", "uml": as results name it (host.virtual_machine). */
const char *machine_name(enum machine_kind kind);

/* ---- for lib/qemu.c and lib/uml.c ---- */

/* A command line that grows. Forgotten with the process: it is small, and there is one. */
struct command {
	unsigned int n;
	char *argv[96];
	int keep[16]; /* descriptors that the child inherits */
	unsigned int nkeep;
	int stderr_fd;      /* one of them, the child's standard error; 0: a pipe to `said` */
	const char *env[2]; /* a variable and its value, or NULL */
};

void command_add(struct command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The child shall have a descriptor, which becomes the command's; returns it. */
int command_keep(struct command *c, int fd);

/* A connected pair of sockets: our end to *ours, returns the child's, or a negative errno. */
int command_channel(struct command *c, int *ours);

/* Starts the command as a session of its own. m was cleared. */
int machine_exec(struct machine *m, struct command *c, struct err *e);

void command_forget(struct command *c);
void machine_clear(struct machine *m);

int qemu_start(struct machine *m, const struct machine_config *c, struct err *e);
int uml_start(struct machine *m, const struct machine_config *c, struct err *e);

#endif
