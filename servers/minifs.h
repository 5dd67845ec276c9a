/* SPDX-License-Identifier: MIT */
/*
 * The small file system that every reference server serves: a root directory and a few regular
 * files, data0, data1, ... of a given size; or a tree of files that come and go (minifs_tree.h). Names,
 * attributes and sizes only; contents belong to the sink. Protocol-neutral and thread-safe.
 */
#ifndef ZC_MINIFS_H
#define ZC_MINIFS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define MINIFS_ROOT_INO  1
#define MINIFS_FIRST_INO 2
#define MINIFS_FILES_MAX 1024

struct minifs_inode {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	struct timespec atime, mtime, ctime;
	/* Of a tree: */
	uint32_t nlink;         /* names; a folder's "." and its folders' ".." too */
	uint64_t held;          /* by the kernel, and by handles of the back channel */
	uint64_t parent;        /* of a folder */
	struct minifs_dir *dir; /* a folder's entries */
	char *target;           /* of a symbolic link */
};

struct minifs {
	pthread_mutex_t lock;
	bool tree;
	unsigned int files;          /* of a tree: how many there can ever be */
	uint64_t max_size;           /* no file grows beyond it */
	struct minifs_inode *inodes; /* [0] is the root; it never moves */
	uint64_t made, live;         /* of a tree: inodes, ever and now */
};

/* Makes `files` files of `size` bytes, owned by the caller, mode 0600. 0 or -ENOMEM, -EINVAL. */
int minifs_init(struct minifs *fs, unsigned int files, uint64_t size);
void minifs_free(struct minifs *fs);

/* The file number behind an inode, for the sink; -1 for what is no regular file, or does not exist. */
static inline int minifs_file(const struct minifs *fs, uint64_t ino)
{
	return ino >= MINIFS_FIRST_INO && ino - MINIFS_FIRST_INO < fs->files &&
			       S_ISREG(fs->inodes[ino - MINIFS_ROOT_INO].mode)
		       ? (int)(ino - MINIFS_FIRST_INO)
		       : -1;
}

/* All of these return 0 or a negative errno. */
int minifs_stat(struct minifs *fs, uint64_t ino, struct stat *st);
int minifs_lookup(struct minifs *fs, uint64_t parent, const char *name, uint64_t *ino);

/* The parts of st that `valid` names (FATTR_* of the FUSE protocol; libfuse's FUSE_SET_ATTR_* have
 * the same values) become the inode's. A size beyond max_size gives -EFBIG. */
int minifs_setattr(struct minifs *fs, uint64_t ino, const struct stat *st, uint32_t valid);

/* The entry of a directory at or behind *place, "." at 0 and ".." at 1; *place is then that of the one after it.
 * -ENOENT at the end. */
int minifs_dirent(struct minifs *fs, uint64_t dir, uint64_t *place, uint64_t *ino, mode_t *mode,
		  char *name, size_t name_len);

/* The bytes of a WRITE that fit: -EFBIG when it begins at or beyond max_size. Grows the file. */
int64_t minifs_write_range(struct minifs *fs, uint64_t ino, uint64_t offset, uint64_t len);
/* The bytes of a READ before the end of the file. */
int64_t minifs_read_range(struct minifs *fs, uint64_t ino, uint64_t offset, uint64_t len);

void minifs_statfs(struct minifs *fs, struct statvfs *st);

#endif
