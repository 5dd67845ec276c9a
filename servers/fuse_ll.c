// SPDX-License-Identifier: MIT
/* A server on libfuse3's low-level API; see fuse_ll.h. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "servers/fuse_ll.h"

#define CACHE_SECONDS 3600.0
#define INIT_SECONDS  10

/* The reply to OPEN in wire form: libfuse 3.14 has no field for parallel direct writes. */
struct open_reply {
	uint64_t fh;
	uint32_t open_flags;
	uint32_t padding;
};
#define WIRE_DIRECT_IO              (1u << 0)
#define WIRE_PARALLEL_DIRECT_WRITES (1u << 6) /* protocol 7.38 */

struct fuse_ll {
	struct fuse_session *se;
	const struct fuse_ll_ops *ops;
	struct fuse_lowlevel_ops table;
	pthread_t thread;
	sem_t init_done;
};

struct fuse_ll_options fuse_ll_options;

const struct opt fuse_ll_option_table[] = {
	{"threads", OPT_UINT, offsetof(struct fuse_ll_options, threads), "N", "10",
	 "copy, splice: at most this many libfuse threads", .min = 1, .max = 1000},
	{0},
};

static struct server *server_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static void ll_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param p = {.entry_timeout = CACHE_SECONDS, .attr_timeout = CACHE_SECONDS};
	uint64_t ino;
	int ret = minifs_lookup(&server_of(req)->fs, parent, name, &ino);

	if (!ret)
		ret = minifs_stat(&server_of(req)->fs, ino, &p.attr);
	p.ino = ino;
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_entry(req, &p);
}

static void ll_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	int ret = minifs_stat(&server_of(req)->fs, ino, &st);

	(void)fi;
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_attr(req, &st, CACHE_SECONDS);
}

static void ll_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int valid,
		       struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	int file = minifs_file(&srv->fs, ino);
	int ret = minifs_setattr(&srv->fs, ino, st, (uint32_t)valid);

	if (!ret && file >= 0 && valid & FUSE_SET_ATTR_SIZE && srv->sink.ops->truncate)
		ret = srv->sink.ops->truncate(&srv->sink, (unsigned int)file, (uint64_t)st->st_size);
	if (ret)
		fuse_reply_err(req, -ret);
	else
		ll_getattr(req, ino, fi);
}

static void ll_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct open_reply out = {0};

	(void)fi;
	if (minifs_file(&srv->fs, ino) < 0) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	if (srv->direct_io)
		out.open_flags = WIRE_DIRECT_IO | WIRE_PARALLEL_DIRECT_WRITES;
	fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

static void ll_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct fuse_ll *ll = srv->path_state;
	int64_t n = minifs_read_range(&srv->fs, ino, (uint64_t)offset, size);

	(void)fi;
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else if (!n)
		fuse_reply_buf(req, NULL, 0);
	else
		ll->ops->read(req, (unsigned int)minifs_file(&srv->fs, ino), (size_t)n, offset);
}

static void ll_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	char *buf = malloc(size);
	size_t used = 0;
	int ret = buf ? 0 : -ENOMEM;

	(void)fi;
	for (uint64_t place = (uint64_t)offset; !ret;) {
		struct stat st = {0};
		char name[256];
		uint64_t entry;
		size_t n;

		ret = minifs_dirent(&server_of(req)->fs, ino, &place, &entry, &st.st_mode, name,
				    sizeof(name));
		if (ret)
			break;
		st.st_ino = entry;
		n = fuse_add_direntry(req, buf + used, size - used, name, &st, (off_t)place);
		if (n > size - used)
			break;
		used += n;
	}
	if (ret && ret != -ENOENT)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_buf(req, buf, used);
	free(buf);
}

static void ll_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	int file = minifs_file(&srv->fs, ino), ret = 0;

	(void)datasync, (void)fi;
	if (file >= 0 && srv->sink.ops->sync)
		ret = srv->sink.ops->sync(&srv->sink, (unsigned int)file);
	fuse_reply_err(req, -ret);
}

static void ll_done(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	fuse_reply_err(req, 0);
}

static void ll_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st;

	(void)ino;
	minifs_statfs(&server_of(req)->fs, &st);
	fuse_reply_statfs(req, &st);
}

/*
 * libfuse splices only if it can make a pipe of max_write and a page for the header, and else reads
 * without a word. The system's default limit, fs.pipe-max-size, is 1 MiB: too small by that page, for
 * whoever has no CAP_SYS_RESOURCE. Then ask for requests that fit, and say so.
 */
static void fit_pipe(struct server *srv, struct fuse_conn_info *conn)
{
	unsigned int want = conn->max_write + 4096;
	int fds[2], size;

	if (pipe2(fds, O_CLOEXEC))
		return;
	if (fcntl(fds[0], F_SETPIPE_SZ, want) < 0) {
		for (size = (int)want / 2; size >= 65536 && fcntl(fds[0], F_SETPIPE_SZ, size) < 0;)
			size /= 2;
		size = fcntl(fds[0], F_GETPIPE_SZ);
		if (size > 3 * 4096) {
			conn->max_write = (unsigned int)size - 2 * 4096;
			json_object_set_new(
				srv->evidence, "note",
				json_sprintf("requests of at most %u bytes: pipes are limited "
					     "to %d; try: sysctl fs.pipe-max-size=%d, or "
					     "--setup",
					     conn->max_write, size, 2 * size));
		}
	}
	close(fds[0]);
	close(fds[1]);
}

static void ll_init(void *userdata, struct fuse_conn_info *conn)
{
	const unsigned int splice = FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE;
	struct server *srv = userdata;
	struct fuse_ll *ll = srv->path_state;
	char version[16], want[20];

	conn->want &= ~splice;
	if (ll->ops->splice) {
		conn->want |= conn->capable & splice;
		pthread_mutex_lock(&srv->lock);
		fit_pipe(srv, conn);
		pthread_mutex_unlock(&srv->lock);
	}
	conn->want |= conn->capable & (FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS);
	conn->max_background = 64;
	snprintf(version, sizeof(version), "%u.%u", conn->proto_major, conn->proto_minor);
	snprintf(want, sizeof(want), "0x%x", conn->want);
	pthread_mutex_lock(&srv->lock);
	json_object_set_new(srv->evidence, "fuse_protocol", json_string(version));
	json_object_set_new(srv->evidence, "libfuse", json_string(fuse_pkgversion()));
	json_object_set_new(srv->evidence, "libfuse_want", json_string(want));
	json_object_set_new(srv->evidence, "splice", json_boolean(ll->ops->splice));
	json_object_set_new(srv->evidence, "max_write", json_integer(conn->max_write));
	json_object_set_new(srv->evidence, "max_readahead", json_integer(conn->max_readahead));
	pthread_mutex_unlock(&srv->lock);
	sem_post(&ll->init_done);
}

static void *loop(void *p)
{
	struct server *srv = p;
	struct fuse_ll *ll = srv->path_state;
	struct fuse_loop_config *config = fuse_loop_cfg_create();

	fuse_loop_cfg_set_clone_fd(config, 1);
	fuse_loop_cfg_set_max_threads(config, (unsigned int)fuse_ll_options.threads);
	fuse_session_loop_mt(ll->se, config);
	fuse_loop_cfg_destroy(config);
	server_died(srv);
	return NULL;
}

void fuse_ll_stop(struct server *srv)
{
	struct fuse_ll *ll = srv->path_state;

	fuse_session_exit(ll->se);
	fuse_session_unmount(ll->se);
	thread_join_bounded(ll->thread);
}

int fuse_ll_start(struct server *srv, const struct fuse_ll_ops *ops, struct err *e)
{
	struct fuse_ll *ll = calloc(1, sizeof(*ll));
	struct timespec end;
	int ret;

	if (!ll)
		return err_sys(e, -ENOMEM, "%s", srv->path->name);
	srv->path_state = ll;
	sem_init(&ll->init_done, 0, 0);
	ll->ops = ops;
	ll->table = (struct fuse_lowlevel_ops){
		.init = ll_init,
		.lookup = ll_lookup,
		.getattr = ll_getattr,
		.setattr = ll_setattr,
		.open = ll_open,
		.read = ll_read,
		.write = ops->write,
		.write_buf = ops->write_buf,
		.flush = ll_done,
		.release = ll_done,
		.releasedir = ll_done,
		.fsync = ll_fsync,
		.fsyncdir = ll_fsync,
		.readdir = ll_readdir,
		.statfs = ll_statfs,
	};
	ll->se = fuse_mount(srv, &ll->table, e);
	if (!ll->se)
		return e->code;
	ret = pthread_create(&ll->thread, NULL, loop, srv);
	if (ret) {
		fuse_unmount(ll->se);
		return err_sys(e, -ret, "starting libfuse's loop");
	}
	/* What was negotiated is part of "ready"; the kernel sends INIT without being asked. */
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += INIT_SECONDS;
	do {
		ret = sem_timedwait(&ll->init_done, &end);
	} while (ret && errno == EINTR);
	if (!ret)
		return 0;
	fuse_ll_stop(srv);
	return err_set(e, -ETIMEDOUT, "the kernel sent no INIT within %d s", INIT_SECONDS);
}
