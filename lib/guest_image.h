/* SPDX-License-Identifier: MIT */
/* What is in the guest of `zcbench vm`: this very program with its libraries, busybox, the init script,
 * kernel modules, and what the user wants to have with them. Paths are the same as on the host. */
#ifndef ZC_GUEST_IMAGE_H
#define ZC_GUEST_IMAGE_H

#include "lib/err.h"
#include "lib/options.h"

#define GUEST_SCRIPT  "/zcbench/script"
#define GUEST_ZCBENCH "/usr/bin/zcbench"
#define GUEST_SHARE   "/usr/share/zcbench" /* its files: data.h */
#define GUEST_MODULES "/zcbench/modules"   /* *.ko, loaded in the order of their names */

struct guest_image {
	const char *init;   /* kernel/guest-init.sh */
	const char *config; /* the text of /zcbench/config; see the script */
	const char *script; /* the text of a shell script, GUEST_SCRIPT in the guest, or NULL */
	/* also packed: the files of a folder that have that ending, into the folder `to`; after the last: from = NULL */
	struct guest_folder {
		const char *from, *ending, *to;
	} folders[4];
	struct names programs; /* also packed, with their libraries */
	struct names files;    /* also packed: absolute names */
};

/* Writes the initramfs into a memory file and returns its descriptor, the caller's; or a negative errno
 * with a remedy (-ENOENT: busybox is missing). */
int guest_image_make(const struct guest_image *g, struct err *e);

#endif
