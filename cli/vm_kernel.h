/* SPDX-License-Identifier: MIT */
/* Where zcbench vm gets what it needs from: kernel, modules, scripts, programs. */
#ifndef ZC_VM_KERNEL_H
#define ZC_VM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* Turns what --kernel says into the name of a bzImage, or of a user-mode Linux: "debian" and "debian:VERSION"
 * are fetched into the cache unless they are there, "zcbench" and "zcbench-debug" are what `make kernel` built
 * (-EIO if it did not yet). `modules` becomes the folder of that name beside it, or empty. */
int vm_kernel(const char *wanted, bool uml, char *kernel, size_t len, char *modules, size_t mlen,
	      struct err *e);

/* Looks for QEMU (not for user-mode Linux) and busybox, before anything is fetched. -ENOENT with the package to
 * install. */
int vm_needs(bool uml, struct err *e);

/* The guest's CPUs: as wanted, or, for 0, as many as here, at most 4 and at least 2. */
unsigned int vm_cpus(uint64_t wanted);

/* The size of our terminal as arguments of stty(1): "rows 24 cols 80", or an empty string. */
void vm_terminal_size(char *buf, size_t len);

#endif
