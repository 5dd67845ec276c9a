/* SPDX-License-Identifier: MIT */
/*
 * The small file system as a tree: files, folders and symbolic links that come and go (serve --tree), for programs
 * that are not content with a fixed set of files. In memory; gone with the server.
 *
 * An inode lives as long as it has a name or somebody holds it: the kernel (each LOOKUP and CREATE, until FORGET),
 * and a handle of the back channel. Its number is never used again, so that who comes too late finds nothing: after
 * MINIFS_TREE_INODES inodes that were ever made there is no more (ENOSPC).
 *
 * All of these return 0 or a negative errno unless they say something else, and can be called by any thread. Names
 * end with NUL. `gone` is set to an inode that has ended and whose contents can be freed, else to 0.
 */
#ifndef ZC_MINIFS_TREE_H
#define ZC_MINIFS_TREE_H

#include "servers/minifs.h"

#define MINIFS_TREE_INODES (1u << 20)

/* An empty tree; no file grows beyond max_size. */
int minifs_tree_init(struct minifs *fs, uint64_t max_size);
void minifs_tree_free(struct minifs *fs);

/* Makes what mode says: a file, a folder, a symbolic link to `target` (else NULL), a pipe or socket, which are the
 * kernel's but for their name. It is held once. */
int minifs_tree_make(struct minifs *fs, uint64_t parent, const char *name, mode_t mode, uid_t uid,
		     gid_t gid, const char *target, uint64_t *ino);
/* A second name for what is no folder. Holds it once more, as the answer to a LINK does. */
int minifs_tree_link(struct minifs *fs, uint64_t ino, uint64_t parent, const char *name);
/* unlink(2), or rmdir(2) if `folder`. */
int minifs_tree_unlink(struct minifs *fs, uint64_t parent, const char *name, bool folder,
		       uint64_t *gone);
/* renameat2(2); flags: RENAME_NOREPLACE or RENAME_EXCHANGE. */
int minifs_tree_rename(struct minifs *fs, uint64_t parent, const char *name, uint64_t to,
		       const char *to_name, uint32_t flags, uint64_t *gone);
/* The length of a link's target, of which at most len bytes are in buf, or a negative errno. */
int64_t minifs_tree_readlink(struct minifs *fs, uint64_t ino, char *buf, size_t len);

/* -ESTALE: it has ended. */
int minifs_tree_hold(struct minifs *fs, uint64_t ino);
/* n holds less. */
void minifs_tree_forget(struct minifs *fs, uint64_t ino, uint64_t n, uint64_t *gone);

/* As minifs_lookup and minifs_dirent, which call them. A LOOKUP holds what it finds. */
int minifs_tree_lookup(struct minifs *fs, uint64_t parent, const char *name, uint64_t *ino);
int minifs_tree_dirent(struct minifs *fs, uint64_t dir, uint64_t *place, uint64_t *ino, mode_t *mode,
		       char *name, size_t name_len);

#endif
