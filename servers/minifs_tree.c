// SPDX-License-Identifier: MIT
/* Files that come and go; see minifs_tree.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "servers/minifs_tree.h"

#define NAME_LENGTH_MAX 255

/* renameat2(2); <linux/fs.h> and <stdio.h> do not agree on who defines them */
#define NO_REPLACE (1u << 0)
#define EXCHANGE   (1u << 1)

/* Entries in the order in which they were made: a place in a listing stays good whatever else comes and goes. */
struct minifs_entry {
	uint64_t place; /* rising; 0 and 1 are "." and ".." */
	uint64_t ino;
	uint32_t hash;
	char name[NAME_LENGTH_MAX + 1];
};

struct minifs_dir {
	struct minifs_entry *entries;
	size_t n, allocated;
	uint64_t next_place;
};

static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	return h;
}

static struct timespec now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

static struct minifs_inode *live(struct minifs *fs, uint64_t ino)
{
	struct minifs_inode *i;

	if (ino < MINIFS_ROOT_INO || ino - MINIFS_ROOT_INO > fs->files)
		return NULL;
	i = &fs->inodes[ino - MINIFS_ROOT_INO];
	return i->mode ? i : NULL;
}

/* The folder to find a name in. */
static int folder_of(struct minifs *fs, uint64_t ino, const char *name, struct minifs_inode **out)
{
	struct minifs_inode *i = live(fs, ino);

	if (!i)
		return -ESTALE;
	if (!S_ISDIR(i->mode))
		return -ENOTDIR;
	if (strlen(name) > NAME_LENGTH_MAX)
		return -ENAMETOOLONG;
	*out = i;
	return 0;
}

static struct minifs_entry *find(const struct minifs_inode *folder, const char *name)
{
	const struct minifs_dir *d = folder->dir;
	const uint32_t hash = hash_of(name);

	for (size_t k = 0; k < d->n; k++)
		if (d->entries[k].hash == hash && !strcmp(d->entries[k].name, name))
			return &d->entries[k];
	return NULL;
}

static int add_entry(struct minifs_inode *folder, const char *name, uint64_t ino)
{
	struct minifs_dir *d = folder->dir;
	struct minifs_entry *e;

	if (d->n == d->allocated) {
		const size_t more = d->allocated ? 2 * d->allocated : 8;

		e = realloc(d->entries, more * sizeof(*e));
		if (!e)
			return -ENOMEM;
		d->entries = e;
		d->allocated = more;
	}
	e = &d->entries[d->n++];
	e->place = d->next_place++;
	e->ino = ino;
	e->hash = hash_of(name);
	strcpy(e->name, name); /* its length was checked */
	folder->mtime = folder->ctime = now();
	return 0;
}

static void drop_entry(struct minifs_inode *folder, struct minifs_entry *e)
{
	struct minifs_dir *d = folder->dir;
	const size_t k = (size_t)(e - d->entries);

	memmove(e, e + 1, (d->n - k - 1) * sizeof(*e));
	d->n--;
	folder->mtime = folder->ctime = now();
}

/* Ends it if it has no name left and nobody holds it. */
static void end_if_over(struct minifs *fs, uint64_t ino, uint64_t *gone)
{
	struct minifs_inode *i = live(fs, ino);

	if (!i || i->nlink || i->held || ino == MINIFS_ROOT_INO)
		return;
	if (S_ISREG(i->mode))
		*gone = ino;
	if (i->dir)
		free(i->dir->entries);
	free(i->dir);
	free(i->target);
	*i = (struct minifs_inode){0};
	fs->live--;
}

/* One name less; a folder's ".", and its ".." in the folder that it was in, go with it. */
static void lose_name(struct minifs *fs, struct minifs_inode *folder, uint64_t ino, uint64_t *gone)
{
	struct minifs_inode *i = live(fs, ino);

	if (S_ISDIR(i->mode)) {
		folder->nlink--;
		i->nlink = 0;
	} else {
		i->nlink--;
	}
	i->ctime = now();
	end_if_over(fs, ino, gone);
}

static int fill(struct minifs_inode *i, mode_t mode, uid_t uid, gid_t gid, const char *target,
		uint64_t parent)
{
	*i = (struct minifs_inode){.uid = uid,
				   .gid = gid,
				   .atime = now(),
				   .nlink = S_ISDIR(mode) ? 2 : 1,
				   .parent = parent};
	i->mtime = i->ctime = i->atime;
	if (S_ISDIR(mode)) {
		i->dir = calloc(1, sizeof(*i->dir));
		if (!i->dir)
			return -ENOMEM;
		i->dir->next_place = 2;
		i->size = 4096;
	}
	if (target) {
		i->target = strdup(target);
		if (!i->target)
			return -ENOMEM;
		i->size = strlen(target);
	}
	i->mode = mode; /* from here on it is there */
	return 0;
}

int minifs_tree_init(struct minifs *fs, uint64_t max_size)
{
	const size_t size = (MINIFS_TREE_INODES + 1) * sizeof(*fs->inodes);
	int ret;

	if (!max_size)
		return -EINVAL;
	*fs = (struct minifs){
		.tree = true, .files = MINIFS_TREE_INODES, .max_size = max_size, .live = 1};
	/* what was never an inode takes no memory; the table never moves, so that data requests need no lock */
	fs->inodes = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (fs->inodes == MAP_FAILED)
		return -ENOMEM;
	ret = fill(&fs->inodes[0], S_IFDIR | 0755, geteuid(), getegid(), NULL, MINIFS_ROOT_INO);
	return ret ? ret : -pthread_mutex_init(&fs->lock, NULL);
}

void minifs_tree_free(struct minifs *fs)
{
	for (uint64_t k = 0; k <= fs->made; k++) {
		if (fs->inodes[k].dir)
			free(fs->inodes[k].dir->entries);
		free(fs->inodes[k].dir);
		free(fs->inodes[k].target);
	}
	munmap(fs->inodes, (MINIFS_TREE_INODES + 1) * sizeof(*fs->inodes));
	pthread_mutex_destroy(&fs->lock);
}

int minifs_tree_lookup(struct minifs *fs, uint64_t parent, const char *name, uint64_t *ino)
{
	struct minifs_inode *folder;
	const struct minifs_entry *e;
	int ret;

	pthread_mutex_lock(&fs->lock);
	ret = folder_of(fs, parent, name, &folder);
	if (!ret) {
		e = find(folder, name);
		if (!e)
			ret = -ENOENT;
		else
			live(fs, *ino = e->ino)->held++;
	}
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

int minifs_tree_dirent(struct minifs *fs, uint64_t dir, uint64_t *place, uint64_t *ino, mode_t *mode,
		       char *name, size_t name_len)
{
	struct minifs_inode *folder;
	int ret;

	pthread_mutex_lock(&fs->lock);
	ret = folder_of(fs, dir, "", &folder);
	if (!ret && *place < 2) {
		*ino = *place ? folder->parent : dir;
		*mode = S_IFDIR;
		snprintf(name, name_len, "%s", *place ? ".." : ".");
		++*place;
	} else if (!ret) {
		const struct minifs_dir *d = folder->dir;
		size_t lo = 0, hi = d->n;

		/* the first entry at or behind this place */
		while (lo < hi) {
			const size_t middle = lo + (hi - lo) / 2;

			if (d->entries[middle].place < *place)
				lo = middle + 1;
			else
				hi = middle;
		}
		if (lo == d->n) {
			ret = -ENOENT;
		} else {
			*ino = d->entries[lo].ino;
			*mode = live(fs, *ino)->mode & S_IFMT;
			*place = d->entries[lo].place + 1;
			snprintf(name, name_len, "%s", d->entries[lo].name);
		}
	}
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

int minifs_tree_make(struct minifs *fs, uint64_t parent, const char *name, mode_t mode, uid_t uid,
		     gid_t gid, const char *target, uint64_t *ino)
{
	struct minifs_inode *folder;
	int ret;

	if (S_ISCHR(mode) || S_ISBLK(mode))
		return -EPERM; /* a mount of everybody's has none */
	pthread_mutex_lock(&fs->lock);
	ret = folder_of(fs, parent, name, &folder);
	if (!ret && !folder->nlink)
		ret = -ENOENT; /* removed, but still somebody's working folder */
	if (!ret && find(folder, name))
		ret = -EEXIST;
	if (!ret && fs->made == MINIFS_TREE_INODES)
		ret = -ENOSPC;
	if (!ret) {
		struct minifs_inode *i = &fs->inodes[fs->made + 1];

		*ino = MINIFS_ROOT_INO + fs->made + 1;
		ret = fill(i, mode, uid, gid, target, parent);
		if (!ret)
			ret = add_entry(folder, name, *ino);
		if (ret) {
			free(i->dir);
			free(i->target);
			*i = (struct minifs_inode){0};
		} else {
			i->held = 1;
			folder->nlink += S_ISDIR(mode);
			fs->made++;
			fs->live++;
		}
	}
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

int minifs_tree_link(struct minifs *fs, uint64_t ino, uint64_t parent, const char *name)
{
	struct minifs_inode *folder, *i;
	int ret;

	pthread_mutex_lock(&fs->lock);
	i = live(fs, ino);
	ret = !i ? -ESTALE : folder_of(fs, parent, name, &folder);
	if (!ret && S_ISDIR(i->mode))
		ret = -EPERM;
	if (!ret && (!i->nlink || !folder->nlink))
		ret = -ENOENT;
	if (!ret && find(folder, name))
		ret = -EEXIST;
	if (!ret)
		ret = add_entry(folder, name, ino);
	if (!ret) {
		i->nlink++;
		i->held++;
		i->ctime = now();
	}
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

int minifs_tree_unlink(struct minifs *fs, uint64_t parent, const char *name, bool want_folder,
		       uint64_t *gone)
{
	struct minifs_inode *folder, *i;
	struct minifs_entry *e;
	int ret;

	*gone = 0;
	pthread_mutex_lock(&fs->lock);
	ret = folder_of(fs, parent, name, &folder);
	e = ret ? NULL : find(folder, name);
	if (!ret && !e)
		ret = -ENOENT;
	if (!ret) {
		const uint64_t ino = e->ino;

		i = live(fs, ino);
		if (want_folder && !S_ISDIR(i->mode))
			ret = -ENOTDIR;
		else if (!want_folder && S_ISDIR(i->mode))
			ret = -EISDIR;
		else if (want_folder && i->dir->n)
			ret = -ENOTEMPTY;
		if (!ret) {
			drop_entry(folder, e);
			lose_name(fs, folder, ino, gone);
		}
	}
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

/* Whether `ino` is the folder `below`, or above it. */
static bool is_above(struct minifs *fs, uint64_t ino, uint64_t below)
{
	while (below != ino && below != MINIFS_ROOT_INO)
		below = live(fs, below)->parent;
	return below == ino;
}

/* A folder that is now in another one. */
static void moved(struct minifs *fs, uint64_t ino, uint64_t from, uint64_t to)
{
	struct minifs_inode *i = live(fs, ino);

	i->ctime = now();
	if (!S_ISDIR(i->mode))
		return;
	i->parent = to;
	live(fs, from)->nlink--;
	live(fs, to)->nlink++;
}

/* May `over` be replaced by a rename of i? */
static int may_replace(const struct minifs_inode *i, const struct minifs_inode *over)
{
	if (S_ISDIR(i->mode) && !S_ISDIR(over->mode))
		return -ENOTDIR;
	if (!S_ISDIR(i->mode) && S_ISDIR(over->mode))
		return -EISDIR;
	return S_ISDIR(over->mode) && over->dir->n ? -ENOTEMPTY : 0;
}

static int rename_locked(struct minifs *fs, uint64_t parent, const char *name, uint64_t to,
			 const char *to_name, uint32_t flags, uint64_t *gone)
{
	struct minifs_inode *from_folder, *to_folder;
	struct minifs_entry *e, *over;
	uint64_t ino, replaced;
	int ret = folder_of(fs, parent, name, &from_folder);

	if (!ret)
		ret = folder_of(fs, to, to_name, &to_folder);
	if (ret)
		return ret;
	e = find(from_folder, name);
	over = find(to_folder, to_name);
	if (!e || !to_folder->nlink || (flags & EXCHANGE && !over))
		return -ENOENT;
	if (over && flags & NO_REPLACE)
		return -EEXIST;
	ino = e->ino;
	if (S_ISDIR(live(fs, ino)->mode) && is_above(fs, ino, to))
		return -EINVAL; /* into itself */
	if (over && over->ino == ino)
		return 0; /* two names of one file */
	if (flags & EXCHANGE) {
		replaced = over->ino;
		if (S_ISDIR(live(fs, replaced)->mode) && is_above(fs, replaced, parent))
			return -EINVAL;
		e->ino = replaced;
		over->ino = ino;
		moved(fs, ino, parent, to);
		moved(fs, replaced, to, parent);
		from_folder->mtime = from_folder->ctime = to_folder->mtime = to_folder->ctime = now();
		return 0;
	}
	if (over) {
		replaced = over->ino;
		ret = may_replace(live(fs, ino), live(fs, replaced));
		if (ret)
			return ret;
		over->ino = ino;
		to_folder->mtime = to_folder->ctime = now();
		lose_name(fs, to_folder, replaced, gone);
	} else {
		ret = add_entry(to_folder, to_name, ino);
		if (ret)
			return ret;
	}
	drop_entry(from_folder, find(from_folder, name)); /* entries may have moved */
	moved(fs, ino, parent, to);
	return 0;
}

int minifs_tree_rename(struct minifs *fs, uint64_t parent, const char *name, uint64_t to,
		       const char *to_name, uint32_t flags, uint64_t *gone)
{
	int ret;

	*gone = 0;
	if (flags & ~(NO_REPLACE | EXCHANGE) || flags == (NO_REPLACE | EXCHANGE))
		return -EINVAL;
	pthread_mutex_lock(&fs->lock);
	ret = rename_locked(fs, parent, name, to, to_name, flags, gone);
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

int64_t minifs_tree_readlink(struct minifs *fs, uint64_t ino, char *buf, size_t len)
{
	struct minifs_inode *i;
	int64_t ret;

	pthread_mutex_lock(&fs->lock);
	i = live(fs, ino);
	ret = !i ? -ESTALE : !i->target ? -EINVAL : (int64_t)strlen(i->target);
	if (ret > 0)
		memcpy(buf, i->target, (size_t)ret < len ? (size_t)ret : len);
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

int minifs_tree_hold(struct minifs *fs, uint64_t ino)
{
	struct minifs_inode *i;

	pthread_mutex_lock(&fs->lock);
	i = live(fs, ino);
	if (i)
		i->held++;
	pthread_mutex_unlock(&fs->lock);
	return i ? 0 : -ESTALE;
}

void minifs_tree_forget(struct minifs *fs, uint64_t ino, uint64_t n, uint64_t *gone)
{
	struct minifs_inode *i;

	*gone = 0;
	pthread_mutex_lock(&fs->lock);
	i = live(fs, ino);
	if (i) {
		i->held -= n < i->held ? n : i->held;
		end_if_over(fs, ino, gone);
	}
	pthread_mutex_unlock(&fs->lock);
}
