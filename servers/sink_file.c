// SPDX-License-Identifier: MIT
/*
 * Sink `file`: stores the payload of a WRITE in --file PATH at the same offset, and takes a READ's
 * from there. O_DIRECT where the file system and the block size allow it. The mount's file 0 is PATH
 * itself, file n is PATH.n. A block device is shared by all files of the mount, one behind the other, and
 * always used with O_DIRECT; it must not be in use otherwise.
 *
 * In a tree (serve --tree), PATH is a folder, and each file an unnamed one there (O_TMPFILE), past O_DIRECT: programs
 * read and write what they like.
 *
 * Files that did not exist are unlinked as soon as they are open: however the server ends, nothing
 * stays behind. Files that did exist are only touched with --overwrite.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "lib/pattern.h"
#include "lib/units.h"
#include "servers/device.h"
#include "servers/sink.h"

#define ALIGN  4096u /* covers the alignment that any common device asks of O_DIRECT */
#define BOUNCE (1u << 20)

struct file_state {
	unsigned int files;
	bool direct; /* fds were opened with O_DIRECT */
	bool device; /* all fds are the same one, a block device's */
	const char *fs;
	int *fds;
	int folder; /* of a tree, else -1 */
};

struct file_thread {
	void *bounce; /* aligned, BOUNCE bytes; made when first needed */
};

static const char *fs_name(int fd)
{
	static char hex[20];
	struct statfs s;

	if (fstatfs(fd, &s))
		return "unknown";
	switch ((unsigned long)s.f_type) {
	case TMPFS_MAGIC:
		return "tmpfs";
	case EXT4_SUPER_MAGIC:
		return "ext4";
	case XFS_SUPER_MAGIC:
		return "xfs";
	case BTRFS_SUPER_MAGIC:
		return "btrfs";
	case OVERLAYFS_SUPER_MAGIC:
		return "overlayfs";
	}
	snprintf(hex, sizeof(hex), "0x%lx", (unsigned long)s.f_type);
	return hex;
}

/* Opens one file, allocates its blocks, and reopens it for O_DIRECT if that is wanted. */
static int open_one(struct sink *sink, unsigned int i, int *out, struct err *e)
{
	struct file_state *st = sink->state;
	const struct sink_config *c = &sink->config;
	bool created = true;
	char path[4096], size[32];
	struct stat sb;
	int fd, ret;

	if (snprintf(path, sizeof(path), i ? "%s.%u" : "%s", c->file, i) >= (int)sizeof(path))
		return err_sys(e, -ENAMETOOLONG, "sink file: %s", c->file);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST) {
		if (!c->overwrite)
			return err_remedy((err_sys(e, -EEXIST, "sink file: %s", path), e),
					  "name a file that does not exist, or give --overwrite to lose "
					  "what is in it");
		created = false;
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (fd < 0)
		return err_remedy((err_sys(e, -errno, "sink file: cannot open %s", path), e),
				  "give --file a place that this user can write to");
	st->fs = fs_name(fd);
	ret = fstat(fd, &sb) ? -errno : 0;
	if (!ret && S_ISREG(sb.st_mode))
		ret = -posix_fallocate(fd, 0, (off_t)c->file_size);
	if (ret) {
		err_sys(e, ret, "sink file: cannot allocate %s in %s",
			format_size(size, sizeof(size), c->file_size), path);
		err_remedy(e, "free some space, or give a smaller --size or another --file");
	} else if (st->direct) {
		int dfd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);

		if (dfd >= 0) {
			close(fd);
			fd = dfd;
		} else {
			st->direct = false; /* the file system has no O_DIRECT: said by describe */
		}
	}
	if (created)
		unlink(path);
	if (ret)
		close(fd);
	else
		*out = fd;
	return ret;
}

static int file_add(struct sink *sink, unsigned int file)
{
	struct file_state *st = sink->state;

	st->fds[file] = openat(st->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return st->fds[file] < 0 ? -errno : 0;
}

static void file_drop(struct sink *sink, unsigned int file)
{
	struct file_state *st = sink->state;

	close(st->fds[file]);
	st->fds[file] = -1;
}

/* Opens the one descriptor for all files. */
static int open_device(struct sink *sink, struct err *e)
{
	struct file_state *st = sink->state;
	const struct sink_config *c = &sink->config;
	int fd, ret;

	if (!c->overwrite)
		return err_remedy((err_set(e, -EEXIST, "sink file: %s is a block device", c->file), e),
				  "give --overwrite to lose what is on it");
	if (!st->direct)
		return err_remedy(
			(err_set(e, -EINVAL, "sink file: %s is a block device: only O_DIRECT", c->file),
			 e),
			"--bs and --size that are multiples of 4 KiB (serve: without "
			"--no-aligned)");
	fd = device_open(c->file, c->files * c->file_size, e);
	if (fd < 0)
		return fd;
	ret = device_forgets(fd);
	if (ret < 0) {
		close(fd);
		return err_sys(e, ret, "sink file: trying %s", c->file);
	}
	st->fs = "block device";
	st->device = true;
	sink->forgets = ret;
	sink->stride = c->file_size;
	for (st->files = 0; st->files < c->files; st->files++)
		st->fds[st->files] = fd;
	return 0;
}

/* Of a tree: files are opened as they are made. */
static int open_folder(struct sink *sink, struct err *e)
{
	struct file_state *st = sink->state;
	struct rlimit files;
	int ret;

	st->folder = open(sink->config.file, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (st->folder < 0)
		return err_remedy(
			(err_sys(e, -errno, "--tree: cannot open the folder %s", sink->config.file), e),
			"--file with a folder that this user can write to");
	st->files = sink->config.files;
	memset(st->fds, 0xff, st->files * sizeof(int)); /* -1 */
	st->direct = false;
	st->fs = fs_name(st->folder);
	/* each file is a descriptor */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	ret = file_add(sink, 0);
	if (ret)
		return err_remedy((err_sys(e, ret, "--tree: unnamed files in %s", sink->config.file), e),
				  "--file with a folder on a file system that has O_TMPFILE: /dev/shm, "
				  "ext4, xfs, btrfs");
	file_drop(sink, 0);
	return 0;
}

static void file_close(struct sink *sink)
{
	struct file_state *st = sink->state;

	for (unsigned int i = 0; i < (st->device ? 1 : st->files); i++)
		if (st->fds[i] >= 0)
			close(st->fds[i]);
	if (st->folder >= 0)
		close(st->folder);
	free(st->fds);
	free(st);
}

/* All of len, or an errno; a short read is past what is stored and gives zeros. */
static int rw_all(bool write, int fd, char *data, size_t len, uint64_t offset)
{
	while (len) {
		ssize_t n = write ? pwrite(fd, data, len, (off_t)offset)
				  : pread(fd, data, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n && write)
			return -EIO;
		if (!n) {
			memset(data, 0, len);
			return 0;
		}
		data += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* Contents for a READ: written, so that no read finds an unwritten extent and skips the device. */
static int file_fill(struct sink *sink, struct err *e)
{
	struct file_state *st = sink->state;
	int ret = 0;
	void *buf;

	if (posix_memalign(&buf, ALIGN, BOUNCE))
		return err_sys(e, -ENOMEM, "sink file");
	for (unsigned int i = 0; i < sink->config.files && !ret; i++) {
		for (uint64_t o = 0; o < sink->config.file_size && !ret; o += BOUNCE) {
			uint64_t left = sink->config.file_size - o;
			size_t n = left < BOUNCE ? left : BOUNCE;

			pattern_fill(buf, n, o, 0);
			ret = rw_all(true, st->fds[i], buf, n, sink_place(sink, i, o));
		}
	}
	free(buf);
	return ret ? err_sys(e, ret, "sink file: cannot fill %s", sink->config.file) : 0;
}

static int file_open(struct sink *sink, struct err *e)
{
	struct file_state *st = calloc(1, sizeof(*st));
	int ret = 0;

	if (st)
		st->fds = calloc(sink->config.files, sizeof(int));
	if (!st || !st->fds) {
		free(st);
		return err_sys(e, -ENOMEM, "sink file");
	}
	sink->state = st;
	st->folder = -1;
	if (sink->config.tree) {
		ret = open_folder(sink, e);
		if (ret)
			file_close(sink);
		return ret;
	}
	st->direct = sink->config.direct && sink->config.file_size % ALIGN == 0;
	if (device_is(sink->config.file))
		ret = open_device(sink, e);
	while (!ret && st->files < sink->config.files) {
		ret = open_one(sink, st->files, &st->fds[st->files], e);
		if (!ret)
			st->files++;
	}
	if (!ret && sink->config.fill && !sink->forgets)
		ret = file_fill(sink, e);
	if (ret)
		file_close(sink);
	return ret;
}

static int file_thread_init(struct sink *sink, void **thread)
{
	(void)sink;
	*thread = calloc(1, sizeof(struct file_thread));
	return *thread ? 0 : -ENOMEM;
}

static void file_thread_exit(struct sink *sink, void *thread)
{
	(void)sink;
	free(((struct file_thread *)thread)->bounce);
	free(thread);
}

/* O_DIRECT from memory that is not aligned (libfuse's payloads follow a header), or that cannot be pinned (a
 * mapping of a client's dma-buf): through an aligned buffer, as a real server would have to, and counted. */
static int rw_bounced(bool write, int fd, struct file_thread *t, char *data, size_t len, uint64_t offset,
		      struct sink_tally *tally)
{
	if (!t->bounce && posix_memalign(&t->bounce, ALIGN, BOUNCE))
		return -ENOMEM;
	while (len) {
		size_t n = len < BOUNCE ? len : BOUNCE;
		int ret;

		if (write)
			memcpy(t->bounce, data, n);
		ret = rw_all(write, fd, t->bounce, n, offset);
		if (ret)
			return ret;
		if (!write)
			memcpy(data, t->bounce, n);
		tally->copied += n;
		data += n;
		len -= n;
		offset += n;
	}
	return 0;
}

static int file_rw(bool write, struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		   char *data, size_t len, struct sink_tally *tally)
{
	struct file_state *st = sink->state;
	int ret = -EFAULT;

	if (file >= st->files)
		return -EIO;
	offset = sink_place(sink, file, offset);
	if (!st->direct || (uintptr_t)data % ALIGN == 0)
		ret = rw_all(write, st->fds[file], data, len, offset);
	if (ret == -EFAULT && st->direct)
		ret = rw_bounced(write, st->fds[file], thread, data, len, offset, tally);
	return ret;
}

static int file_write(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		      const void *data, size_t len, struct sink_tally *tally)
{
	return file_rw(true, sink, thread, file, offset, (char *)data, len, tally);
}

static int file_read(struct sink *sink, void *thread, unsigned int file, uint64_t offset, void *data,
		     size_t len, struct sink_tally *tally)
{
	return file_rw(false, sink, thread, file, offset, data, len, tally);
}

static int file_write_pipe(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
			   int pipe_fd, size_t len, struct sink_tally *tally)
{
	struct file_state *st = sink->state;
	loff_t at = (loff_t)sink_place(sink, file, offset);

	(void)thread, (void)tally;
	if (file >= st->files)
		return -EIO;
	while (len) {
		ssize_t n = splice(pipe_fd, NULL, st->fds[file], &at, len, SPLICE_F_MOVE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		len -= (size_t)n;
	}
	return 0;
}

static int file_fd(struct sink *sink, unsigned int file)
{
	struct file_state *st = sink->state;

	return file < st->files ? st->fds[file] : -1;
}

static int file_truncate(struct sink *sink, unsigned int file, uint64_t size)
{
	struct file_state *st = sink->state;

	if (st->folder >= 0)
		return ftruncate(st->fds[file], (off_t)size) ? -errno : 0;
	/* Keep the blocks, lose the bytes behind the new end. */
	if (size >= sink->config.file_size)
		return 0;
	if (st->device)
		return device_zero(st->fds[file], sink_place(sink, file, size),
				   sink_place(sink, file, sink->config.file_size));
	if (fallocate(st->fds[file], FALLOC_FL_ZERO_RANGE, (off_t)size,
		      (off_t)(sink->config.file_size - size)) == 0)
		return 0;
	if (fallocate(st->fds[file], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)size,
		      (off_t)(sink->config.file_size - size)))
		return -errno;
	return 0;
}

static int file_sync(struct sink *sink, unsigned int file)
{
	struct file_state *st = sink->state;

	return fdatasync(st->fds[file]) ? -errno : 0;
}

/* One copy to or from the page cache, which O_DIRECT spares; but not on tmpfs, which is nothing but page
 * cache, and takes O_DIRECT all the same. */
static double file_copies(enum op op, enum handing how, const json_t *evidence)
{
	const char *io = json_string_value(json_object_get(evidence, "file_io"));
	const char *fs = json_string_value(json_object_get(evidence, "file_system"));
	const bool direct = io && !strcmp(io, "direct");
	double cache = direct && fs && strcmp(fs, "tmpfs") ? 0 : 1;

	/* pages of the page cache go into a pipe by reference, unless the file is read with O_DIRECT */
	if (op == OP_READ && how == HANDS_PIPE && !direct)
		return 0;
	if (direct && how == HANDS_UNALIGNED)
		return cache + 1;                 /* the bounce buffer */
	return how == HANDS_UNPINNED ? 1 : cache; /* tmpfs pins nothing */
}

static void file_describe(struct sink *sink, json_t *evidence)
{
	struct file_state *st = sink->state;

	json_object_set_new(evidence, "file_io", json_string(st->direct ? "direct" : "buffered"));
	json_object_set_new(evidence, "file_system", json_string(st->fs));
	if (st->device)
		json_object_set_new(evidence, "device_stores", json_boolean(!sink->forgets));
	if (sink->forgets && !json_object_get(evidence, "note"))
		json_object_set_new(
			evidence, "note",
			json_string("the device does not keep what is written: verified was what "
				    "reached the server, and what it sent"));
}

const struct sink_ops sink_file = {
	.name = "file",
	.help = "stores the payload in --file PATH (O_DIRECT where the file allows it)",
	.needs_file = true,
	.stores = true,
	.open = file_open,
	.close = file_close,
	.thread_init = file_thread_init,
	.thread_exit = file_thread_exit,
	.write = file_write,
	.read = file_read,
	.write_pipe = file_write_pipe,
	.fd = file_fd,
	.truncate = file_truncate,
	.add = file_add,
	.drop = file_drop,
	.sync = file_sync,
	.copies = file_copies,
	.describe = file_describe,
};
