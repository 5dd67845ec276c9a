// SPDX-License-Identifier: MIT
/* A writer of cpio archives for the kernel; see initramfs.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/initramfs.h"

struct header {
	mode_t mode;
	uint64_t size;
	unsigned int major, minor;
};

int initramfs_open(struct initramfs *a, int fd, struct err *e)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	*a = (struct initramfs){0};
	a->f = own < 0 ? NULL : fdopen(own, "w");
	if (!a->f) {
		int ret = err_sys(e, -errno, "writing an initramfs");

		if (own >= 0)
			close(own);
		return ret;
	}
	return 0;
}

bool initramfs_has(const struct initramfs *a, const char *name)
{
	for (unsigned int i = 0; i < a->n; i++)
		if (!strcmp(a->names[i], name))
			return true;
	return false;
}

static int remember(struct initramfs *a, const char *name)
{
	char **more = realloc(a->names, (a->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	a->names = more;
	more[a->n] = strdup(name);
	if (!more[a->n])
		return -ENOMEM;
	a->n++;
	return 0;
}

/* Every header and every content starts at a multiple of four bytes. */
static void pad(struct initramfs *a, uint64_t written)
{
	static const char zero[4];

	fwrite(zero, 1, -written & 3, a->f);
}

static void put_header(struct initramfs *a, const char *name, const struct header *h)
{
	const size_t len = strlen(name) + 1;

	/* magic, ino, mode, uid, gid, nlink, mtime, size, device, device of a node, name length, checksum */
	fprintf(a->f, "070701%08X%08X%08X%08X%08X%08X%08" PRIX64 "%08X%08X%08X%08X%08zX%08X", ++a->ino,
		h->mode, 0, 0, S_ISDIR(h->mode) ? 2 : 1, 0, h->size, 0, 0, h->major, h->minor, len, 0);
	fwrite(name, 1, len, a->f);
	pad(a, 110 + len);
}

/* The folders above `name` first. Returns 1 if `name` itself is there already. */
static int begin(struct initramfs *a, const char *name, const struct header *h, struct err *e)
{
	char parent[4096];

	if (name[0] != '/' || !name[1] || strlen(name) >= sizeof(parent))
		return err_set(e, -EINVAL, "'%s' is no name for an initramfs", name);
	if (initramfs_has(a, name))
		return 1;
	snprintf(parent, sizeof(parent), "%s", name);
	*strrchr(parent, '/') = '\0';
	if (parent[0]) {
		int ret = initramfs_dir(a, parent, 0755, e);

		if (ret)
			return ret;
	}
	if (h->size > UINT32_MAX)
		return err_set(e, -EFBIG, "%s is too large for an initramfs (4 GiB)", name);
	if (remember(a, name))
		return err_sys(e, -ENOMEM, "writing an initramfs");
	put_header(a, name + 1, h);
	return 0;
}

static int end(struct initramfs *a, uint64_t size, struct err *e)
{
	pad(a, size);
	return ferror(a->f) ? err_sys(e, -EIO, "writing an initramfs") : 0;
}

int initramfs_dir(struct initramfs *a, const char *name, mode_t mode, struct err *e)
{
	struct header h = {.mode = S_IFDIR | (mode & 07777)};
	int ret = begin(a, name, &h, e);

	return ret ? (ret < 0 ? ret : 0) : end(a, 0, e);
}

int initramfs_data(struct initramfs *a, const char *name, mode_t mode, const void *data, size_t len,
		   struct err *e)
{
	struct header h = {.mode = S_IFREG | (mode & 07777), .size = len};
	int ret = begin(a, name, &h, e);

	if (ret)
		return ret < 0 ? ret : 0;
	fwrite(data, 1, len, a->f);
	return end(a, len, e);
}

int initramfs_link(struct initramfs *a, const char *name, const char *target, struct err *e)
{
	struct header h = {.mode = S_IFLNK | 0777, .size = strlen(target)};
	int ret = begin(a, name, &h, e);

	if (ret)
		return ret < 0 ? ret : 0;
	fwrite(target, 1, h.size, a->f);
	return end(a, h.size, e);
}

int initramfs_node(struct initramfs *a, const char *name, mode_t type, unsigned int major,
		   unsigned int minor, struct err *e)
{
	struct header h = {.mode = type, .major = major, .minor = minor};
	int ret;

	if (!S_ISCHR(type) && !S_ISBLK(type))
		return err_set(e, -EINVAL, "%s: mode %o is no device", name, type);
	ret = begin(a, name, &h, e);
	return ret ? (ret < 0 ? ret : 0) : end(a, 0, e);
}

/* Exactly `size` bytes, as the header said: a file that shrinks meanwhile is an error. */
static int copy_contents(struct initramfs *a, int fd, uint64_t size, const char *from, struct err *e)
{
	char buf[65536];

	while (size) {
		ssize_t n = read(fd, buf, size < sizeof(buf) ? size : sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, -errno, "reading %s", from);
		if (n == 0)
			return err_set(e, -EIO, "%s became shorter while it was read", from);
		fwrite(buf, 1, (size_t)n, a->f);
		size -= (uint64_t)n;
	}
	return 0;
}

int initramfs_file(struct initramfs *a, const char *name, const char *from, struct err *e)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	struct header h = {0};
	struct stat st;

	if (fd < 0)
		return err_sys(e, -errno, "reading %s", from);
	ret = fstat(fd, &st) ? -errno : 0;
	if (ret) {
		err_sys(e, ret, "reading %s", from);
	} else if (!S_ISREG(st.st_mode)) {
		ret = err_set(e, -EINVAL, "%s is not a regular file", from);
	} else {
		h.mode = st.st_mode;
		h.size = (uint64_t)st.st_size;
		ret = begin(a, name, &h, e);
		if (ret == 0)
			ret = copy_contents(a, fd, h.size, from, e);
		if (ret == 0)
			ret = end(a, h.size, e);
	}
	close(fd);
	return ret < 0 ? ret : 0;
}

int initramfs_close(struct initramfs *a, struct err *e)
{
	struct header h = {0};
	int ret = 0;

	if (a->f) {
		a->ino = UINT32_MAX; /* the trailer's is 0 */
		put_header(a, "TRAILER!!!", &h);
		ret = ferror(a->f) ? -EIO : 0;
		if (fclose(a->f) && !ret)
			ret = -errno;
	}
	for (unsigned int i = 0; i < a->n; i++)
		free(a->names[i]);
	free(a->names);
	*a = (struct initramfs){0};
	return ret ? err_sys(e, ret, "writing an initramfs") : 0;
}
