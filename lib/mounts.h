/* SPDX-License-Identifier: MIT */
/* The mounts of zcbench's servers (type fuse.zcbench), as the kernel lists them. Nothing here asks a
 * mount itself: a dead or hung server cannot stop us. */
#ifndef ZC_MOUNTS_H
#define ZC_MOUNTS_H

struct fuse_mount_entry {
	char point[512];
	unsigned int minor; /* of its device: the number of its FUSE connection */
};

/* Those at or below `prefix` (NULL: all), newest first, at most max. Returns how many. */
int mounts_list(const char *prefix, struct fuse_mount_entry *out, int max);

/* Aborts a FUSE connection (fusectl), so that nothing hangs in it any more. */
void mounts_abort(unsigned int minor);

/* The same by mount point; nothing happens if there is none. */
void fuse_abort(const char *mountpoint);

/* Unmounts lazily, by fusermount3 where umount2(2) is not allowed. 0 or a negative errno. */
int mounts_unmount(const char *point);

#endif
