/* SPDX-License-Identifier: MIT */
/*
 * An initramfs, written as it grows: a cpio archive in the "newc" form that the kernel unpacks into its
 * first root file system (Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * Names are absolute paths of the guest. The folders above a name come by themselves, everything belongs
 * to root, and a name that is there already is left as it is.
 */
#ifndef ZC_INITRAMFS_H
#define ZC_INITRAMFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/err.h"

struct initramfs {
	FILE *f;
	unsigned int ino; /* of the last entry */
	unsigned int n;   /* names so far */
	char **names;
};

/* Starts an archive at the position of `fd`, which stays the caller's and open. */
int initramfs_open(struct initramfs *a, int fd, struct err *e);

/* A folder, mode 0755 or as given. */
int initramfs_dir(struct initramfs *a, const char *name, mode_t mode, struct err *e);

/* A copy of the regular file `from` with its permissions. */
int initramfs_file(struct initramfs *a, const char *name, const char *from, struct err *e);

/* A file of `len` bytes. */
int initramfs_data(struct initramfs *a, const char *name, mode_t mode, const void *data, size_t len,
		   struct err *e);

/* A symbolic link. */
int initramfs_link(struct initramfs *a, const char *name, const char *target, struct err *e);

/* A device; type is S_IFCHR or S_IFBLK with the permissions. */
int initramfs_node(struct initramfs *a, const char *name, mode_t type, unsigned int major,
		   unsigned int minor, struct err *e);

/* Whether there is an entry of that name. */
bool initramfs_has(const struct initramfs *a, const char *name);

/* Ends the archive, after which the file is complete, and frees everything; also after an error.
 * Returns 0, or the error of a write that failed. */
int initramfs_close(struct initramfs *a, struct err *e);

#endif
