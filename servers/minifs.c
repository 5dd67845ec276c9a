// SPDX-License-Identifier: MIT
/* The small file system; see minifs.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/units.h"
#include "servers/minifs_tree.h"

#define NAME_PREFIX "data"

/* FATTR_* of the FUSE protocol, 7.9 and later */
#define SET_MODE      (1u << 0)
#define SET_UID       (1u << 1)
#define SET_GID       (1u << 2)
#define SET_SIZE      (1u << 3)
#define SET_ATIME     (1u << 4)
#define SET_MTIME     (1u << 5)
#define SET_ATIME_NOW (1u << 7)
#define SET_MTIME_NOW (1u << 8)

static struct minifs_inode *inode(struct minifs *fs, uint64_t ino)
{
	if (ino < MINIFS_ROOT_INO || ino >= MINIFS_FIRST_INO + fs->files)
		return NULL;
	return fs->inodes[ino - MINIFS_ROOT_INO].mode ? &fs->inodes[ino - MINIFS_ROOT_INO] : NULL;
}

int minifs_init(struct minifs *fs, unsigned int files, uint64_t size)
{
	struct timespec now;

	if (!files || files > MINIFS_FILES_MAX || !size)
		return -EINVAL;
	clock_gettime(CLOCK_REALTIME, &now);
	*fs = (struct minifs){.files = files, .max_size = size};
	fs->inodes = calloc(files + 1, sizeof(*fs->inodes));
	if (!fs->inodes)
		return -ENOMEM;
	for (unsigned int i = 0; i <= files; i++)
		fs->inodes[i] = (struct minifs_inode){
			.mode = i ? S_IFREG | 0600 : S_IFDIR | 0700,
			.uid = geteuid(),
			.gid = getegid(),
			.size = i ? size : 4096,
			.atime = now,
			.mtime = now,
			.ctime = now,
		};
	return -pthread_mutex_init(&fs->lock, NULL);
}

void minifs_free(struct minifs *fs)
{
	if (fs->tree) {
		minifs_tree_free(fs);
		return;
	}
	free(fs->inodes);
	pthread_mutex_destroy(&fs->lock);
}

int minifs_stat(struct minifs *fs, uint64_t ino, struct stat *st)
{
	struct minifs_inode *i = inode(fs, ino);

	if (!i)
		return -ENOENT;
	pthread_mutex_lock(&fs->lock);
	*st = (struct stat){
		.st_ino = ino,
		.st_mode = i->mode,
		.st_nlink = fs->tree           ? i->nlink
			    : S_ISDIR(i->mode) ? 2
					       : 1,
		.st_uid = i->uid,
		.st_gid = i->gid,
		.st_size = (off_t)i->size,
		.st_blocks = (blkcnt_t)((i->size + 511) / 512),
		.st_blksize = 4096,
		.st_atim = i->atime,
		.st_mtim = i->mtime,
		.st_ctim = i->ctime,
	};
	pthread_mutex_unlock(&fs->lock);
	return 0;
}

int minifs_lookup(struct minifs *fs, uint64_t parent, const char *name, uint64_t *ino)
{
	const size_t prefix = strlen(NAME_PREFIX);
	uint64_t n;

	if (fs->tree)
		return minifs_tree_lookup(fs, parent, name, ino);
	if (parent != MINIFS_ROOT_INO)
		return -ENOTDIR;
	if (strncmp(name, NAME_PREFIX, prefix) || (name[prefix] == '0' && name[prefix + 1]) ||
	    parse_uint(name + prefix, 0, fs->files - 1, &n))
		return -ENOENT;
	*ino = MINIFS_FIRST_INO + n;
	return 0;
}

int minifs_setattr(struct minifs *fs, uint64_t ino, const struct stat *st, uint32_t valid)
{
	struct minifs_inode *i = inode(fs, ino);
	struct timespec now;
	int ret = 0;

	if (!i)
		return -ENOENT;
	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&fs->lock);
	if (valid & SET_SIZE) {
		if (!S_ISREG(i->mode))
			ret = S_ISDIR(i->mode) ? -EISDIR : -EINVAL;
		else if ((uint64_t)st->st_size > fs->max_size)
			ret = -EFBIG;
	}
	if (!ret) {
		if (valid & SET_SIZE) {
			__atomic_store_n(&i->size, (uint64_t)st->st_size, __ATOMIC_RELAXED);
			i->mtime = now;
		}
		if (valid & SET_MODE)
			i->mode = (i->mode & S_IFMT) | (st->st_mode & 07777);
		if (valid & SET_UID)
			i->uid = st->st_uid;
		if (valid & SET_GID)
			i->gid = st->st_gid;
		if (valid & SET_ATIME)
			i->atime = valid & SET_ATIME_NOW ? now : st->st_atim;
		if (valid & SET_MTIME)
			i->mtime = valid & SET_MTIME_NOW ? now : st->st_mtim;
		i->ctime = now;
	}
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

int minifs_dirent(struct minifs *fs, uint64_t dir, uint64_t *place, uint64_t *ino, mode_t *mode,
		  char *name, size_t name_len)
{
	const uint64_t index = *place;

	if (fs->tree)
		return minifs_tree_dirent(fs, dir, place, ino, mode, name, name_len);
	if (dir != MINIFS_ROOT_INO)
		return -ENOTDIR;
	if (index < 2) {
		++*place;
		*ino = MINIFS_ROOT_INO;
		*mode = S_IFDIR;
		snprintf(name, name_len, "%s", index ? ".." : ".");
		return 0;
	}
	if (index - 2 >= fs->files)
		return -ENOENT;
	++*place;
	*ino = MINIFS_FIRST_INO + index - 2;
	*mode = S_IFREG;
	snprintf(name, name_len, NAME_PREFIX "%u", (unsigned int)(index - 2));
	return 0;
}

int64_t minifs_write_range(struct minifs *fs, uint64_t ino, uint64_t offset, uint64_t len)
{
	struct minifs_inode *i = inode(fs, ino);

	if (!i)
		return -ENOENT;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (offset >= fs->max_size)
		return -EFBIG;
	if (len > fs->max_size - offset)
		len = fs->max_size - offset;
	if (len && fs->tree) {
		/* programs look at the times of files; benchmarks on a fixed set need not pay for that */
		pthread_mutex_lock(&fs->lock);
		clock_gettime(CLOCK_REALTIME, &i->mtime);
		i->ctime = i->mtime;
		pthread_mutex_unlock(&fs->lock);
	}
	/* The size only changes under the lock; the common case, within the file, needs none. */
	if (len && offset + len > __atomic_load_n(&i->size, __ATOMIC_RELAXED)) {
		pthread_mutex_lock(&fs->lock);
		if (offset + len > i->size)
			__atomic_store_n(&i->size, offset + len, __ATOMIC_RELAXED);
		pthread_mutex_unlock(&fs->lock);
	}
	return (int64_t)len;
}

int64_t minifs_read_range(struct minifs *fs, uint64_t ino, uint64_t offset, uint64_t len)
{
	struct minifs_inode *i = inode(fs, ino);
	uint64_t size;

	if (!i)
		return -ENOENT;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	size = __atomic_load_n(&i->size, __ATOMIC_RELAXED);
	if (offset >= size)
		return 0;
	return (int64_t)(len > size - offset ? size - offset : len);
}

void minifs_statfs(struct minifs *fs, struct statvfs *st)
{
	const uint64_t free = fs->tree ? fs->max_size / 4096 : 0;

	*st = (struct statvfs){
		.f_bsize = 4096,
		.f_frsize = 4096,
		.f_blocks = fs->tree ? free : fs->files * (fs->max_size / 4096),
		.f_bfree = free, /* (of a tree: of one file; it does not know what its sink has) */
		.f_bavail = free,
		.f_files = fs->files + 1,
		.f_ffree = fs->tree ? fs->files - fs->made : 0,
		.f_namemax = 255,
	};
}
