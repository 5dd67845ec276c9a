// SPDX-License-Identifier: MIT
/*
 * Which addresses are shared memory that the server can map, too; see bypass.h. A region is one mapping, an object the
 * memfd below it (or several of them).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clients/bypass/bypass.h"

#define REGIONS_MAX 256
#define OBJECTS_MAX 64

enum share { NOT_YET, SHARED, REFUSED };

struct object {
	unsigned int refs; /* regions; 0: free */
	dev_t dev;
	ino_t ino;
	int fd; /* ours */
	struct {
		enum share state;
		uint16_t buffer;
		uint64_t size; /* of the memfd when it was shared: what the server has of it */
	} in[SESSIONS_MAX];
};

struct region {
	uintptr_t start, end;
	uint64_t offset; /* of start in the object */
	struct object *object;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object objects[OBJECTS_MAX];
static struct region regions[REGIONS_MAX];
static _Atomic unsigned int nregions;

/* With the lock held; what the server is to forget is told when it is free again. */
struct farewell {
	unsigned int n;
	struct {
		int session, buffer;
	} v[SESSIONS_MAX * 4];
};

static void drop(struct region *r, struct farewell *bye)
{
	struct object *o = r->object;

	*r = regions[atomic_fetch_sub(&nregions, 1) - 1];
	if (--o->refs)
		return;
	for (int s = 0; s < SESSIONS_MAX; s++)
		if (o->in[s].state == SHARED && bye->n < sizeof(bye->v) / sizeof(bye->v[0])) {
			bye->v[bye->n].session = s;
			bye->v[bye->n++].buffer = o->in[s].buffer;
		}
	own_fd_close(o->fd);
	memset(o, 0, sizeof(*o));
}

/* [start, end) is something else now. */
static void cut(uintptr_t start, uintptr_t end, struct farewell *bye)
{
	for (unsigned int i = 0; i < nregions;) {
		struct region *r = &regions[i];

		if (r->end <= start || r->start >= end) {
			i++;
		} else if (r->start < start && r->end > end && nregions < REGIONS_MAX) {
			struct region *rest = &regions[atomic_fetch_add(&nregions, 1)];

			*rest = (struct region){end, r->end, r->offset + (end - r->start), r->object};
			r->object->refs++;
			r->end = start;
			i++;
		} else if (r->start < start) {
			r->end = start; /* (without room for the part behind it, that is staged) */
			i++;
		} else if (r->end > end) {
			r->offset += end - r->start;
			r->start = end;
			i++;
		} else {
			drop(r, bye);
		}
	}
}

static struct object *object_of(int fd, const struct stat *st)
{
	struct object *empty = NULL;

	for (int i = 0; i < OBJECTS_MAX; i++) {
		struct object *o = &objects[i];

		if (o->refs && o->dev == st->st_dev && o->ino == st->st_ino)
			return o;
		if (!o->refs)
			empty = o;
	}
	if (!empty)
		return NULL;
	fd = own_fd_copy(fd);
	if (fd < 0)
		return NULL;
	*empty = (struct object){.dev = st->st_dev, .ino = st->st_ino, .fd = fd};
	return empty;
}

static void say_farewell(const struct farewell *bye)
{
	for (unsigned int i = 0; i < bye->n; i++)
		session_unregister(bye->v[i].session, bye->v[i].buffer);
}

void memory_mapped(void *address, size_t len, int flags, int fd, uint64_t offset)
{
	const uintptr_t start = (uintptr_t)address, end = (start + len + 4095) & ~(uintptr_t)4095;
	const int type = flags & MAP_TYPE;
	struct farewell bye = {0};
	struct bypass_guard g;
	struct object *o;
	struct stat st;
	int seals = -1;

	if (fd >= 0 && !(flags & MAP_ANONYMOUS) && (type == MAP_SHARED || type == MAP_SHARED_VALIDATE))
		seals = real()->fcntl(fd, F_GET_SEALS); /* EINVAL for all but memfds */
	if (!nregions && (seals < 0 || !(seals & F_SEAL_SHRINK)))
		return;
	bypass_enter(&g);
	pthread_mutex_lock(&lock);
	cut(start, end, &bye);
	if (seals >= 0 && seals & F_SEAL_SHRINK && nregions < REGIONS_MAX && !fstat(fd, &st)) {
		o = object_of(fd, &st);
		if (o) {
			o->refs++;
			regions[atomic_fetch_add(&nregions, 1)] = (struct region){start, end, offset, o};
		}
	}
	pthread_mutex_unlock(&lock);
	say_farewell(&bye);
	bypass_leave(&g);
}

void memory_unmapped(void *address, size_t len)
{
	const uintptr_t start = (uintptr_t)address, end = (start + len + 4095) & ~(uintptr_t)4095;
	struct farewell bye = {0};
	struct bypass_guard g;

	if (!nregions)
		return;
	bypass_enter(&g);
	pthread_mutex_lock(&lock);
	cut(start, end, &bye);
	pthread_mutex_unlock(&lock);
	say_farewell(&bye);
	bypass_leave(&g);
}

bool memory_find(int session, const void *address, size_t len, uint16_t *buffer, uint64_t *place,
		 int (*share)(int session, int fd))
{
	const uintptr_t start = (uintptr_t)address;
	bool found = false;

	if (!nregions)
		return false;
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < nregions && !found; i++) {
		const struct region *r = &regions[i];
		struct object *o = r->object;
		struct stat st;
		int ret;

		if (start < r->start || start >= r->end || len > r->end - start)
			continue;
		if (o->in[session].state == NOT_YET) {
			ret = fstat(o->fd, &st) ? -1 : share(session, o->fd);
			o->in[session].state = ret < 0 ? REFUSED : SHARED;
			o->in[session].buffer = (uint16_t)ret;
			o->in[session].size = (uint64_t)st.st_size;
		}
		*buffer = o->in[session].buffer;
		*place = r->offset + (start - r->start);
		if (o->in[session].state != SHARED || *place + len > o->in[session].size)
			break;
		found = true;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

void memory_forget_session(int session)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < OBJECTS_MAX; i++)
		objects[i].in[session].state = NOT_YET;
	pthread_mutex_unlock(&lock);
}

void memory_fork_lock(bool on)
{
	if (on)
		pthread_mutex_lock(&lock);
	else
		pthread_mutex_unlock(&lock);
}

void memory_fork_child(void)
{
	for (int s = 0; s < SESSIONS_MAX; s++)
		memory_forget_session(s);
}
