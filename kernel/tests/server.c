// SPDX-License-Identifier: MIT
/* See server.h. */
#include "kernel/tests/server.h"

#include <liburing.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kernel/tests/test.h"
#include "servers/fuse_abi.h"

#define ENTRIES 8 /* of each queue */
#define GATE_NS 2000000

/* Files by inode number; 1 is the root. */
enum { DIRECT = 2, PLAIN, GATE, ZC, INODES };
static const struct {
	const char *name;
	uint32_t open_flags;
} inodes[INODES] = {
	[DIRECT] = {"direct", FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES},
	[PLAIN] = {"plain", 0},
	[GATE] = {"gate", FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES},
	[ZC] = {"zc", FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES | FOPEN_IO_URING_ZERO_COPY},
};

struct entry {
	struct fuse_uring_req_header *header;
	char *payload;
	struct iovec iov[2];
	uint16_t qid;
	struct fuse_in_header in;
	struct entry *next; /* at the gate */
};

struct buffer {
	char *p;
	size_t map_len, skip, len;
};

struct counters *counters;
pid_t server_pid;

static int control; /* of the client */
static int dev, queues;
static struct server_config conf;
static char *store[INODES], *pools[64];
static struct buffer buffers[1024];
static struct entry *gate;

static void odd(const char *what, long long v)
{
	printf("      server: %s (%lld)\n", what, v);
	fflush(stdout);
	counters->errors++;
}

static void get_attr(struct fuse_attr *a, uint64_t ino)
{
	*a = (struct fuse_attr){.ino = ino,
				.nlink = 1,
				.blksize = 4096,
				.size = ino == 1 ? 0 : STORE_SIZE,
				.mode = ino == 1 ? S_IFDIR | 0755 : S_IFREG | 0666};
}

/* Where the payload of a READ or WRITE is. */
static char *payload_of(struct entry *e, uint32_t size)
{
	const struct fuse_uring_ent_in_out *io = &e->header->ring_ent_in_out;
	uint64_t index = io->shared_addr >> FUSE_URING_SHARED_OFF_BITS;
	uint64_t offset = io->shared_addr & ((1ull << FUSE_URING_SHARED_OFF_BITS) - 1);
	const struct buffer *b = &buffers[index % 1024];

	if (io->flags & FUSE_URING_ENT_ZERO_COPY) {
		counters->zero_copied++;
		return NULL;
	}
	if (!(io->flags & FUSE_URING_ENT_SHARED_BUF)) {
		counters->copied++;
		counters->copied_bytes += size;
		return e->payload;
	}
	if (index >= 1024 || !b->p || offset + size > b->len) {
		odd("request with a shared buffer that there is not", (long long)io->shared_addr);
		return NULL;
	}
	counters->shared++;
	counters->shared_bytes += size;
	counters->index = (long)index;
	counters->offset = (long)offset;
	return b->p + b->skip + offset;
}

static int64_t do_io(struct entry *e)
{
	struct fuse_write_in arg; /* READ's begins alike */
	bool is_write = e->in.opcode == FUSE_WRITE;
	char *data;

	memcpy(&arg, e->header->op_in, sizeof(arg));
	data = payload_of(e, arg.size);
	if (!data)
		return -EIO;
	if (arg.offset >= STORE_SIZE || (is_write && arg.offset + arg.size > STORE_SIZE))
		return is_write ? -ENOSPC : 0;
	if (is_write) {
		if (e->header->ring_ent_in_out.payload_sz != arg.size)
			odd("payload_sz of a WRITE", e->header->ring_ent_in_out.payload_sz);
		memcpy(store[e->in.nodeid] + arg.offset, data, arg.size);
		*(struct fuse_write_out *)e->payload =
			(struct fuse_write_out){.size = arg.size + (counters->lie_more ? 4096 : 0)};
		return sizeof(struct fuse_write_out);
	}
	if (arg.offset + arg.size > STORE_SIZE)
		arg.size = (uint32_t)(STORE_SIZE - arg.offset);
	if (counters->fill_short)
		arg.size /= 2;
	memcpy(data, store[e->in.nodeid] + arg.offset, arg.size);
	return arg.size + (counters->lie_more ? 4096 : 0);
}

/* Bytes of reply in the payload, or a negative errno. */
static int64_t serve(struct entry *e)
{
	char name[64];

	switch (e->in.opcode) {
	case FUSE_LOOKUP: {
		struct fuse_entry_out *out = (void *)e->payload;

		snprintf(name, sizeof(name), "%s", e->payload);
		for (uint64_t i = DIRECT; i < INODES; i++)
			if (!strcmp(name, inodes[i].name)) {
				*out = (struct fuse_entry_out){
					.nodeid = i, .entry_valid = 1000, .attr_valid = 1000};
				get_attr(&out->attr, i);
				return sizeof(*out);
			}
		return -ENOENT;
	}
	case FUSE_GETATTR:
	case FUSE_SETATTR: {
		struct fuse_attr_out *out = (void *)e->payload;

		*out = (struct fuse_attr_out){.attr_valid = 1000};
		get_attr(&out->attr, e->in.nodeid);
		return sizeof(*out);
	}
	case FUSE_OPEN:
		*(struct fuse_open_out *)e->payload =
			(struct fuse_open_out){.open_flags = inodes[e->in.nodeid].open_flags};
		return sizeof(struct fuse_open_out);
	case FUSE_READ:
	case FUSE_WRITE:
		return do_io(e);
	case FUSE_RELEASE:
	case FUSE_FLUSH:
	case FUSE_FSYNC:
		return 0;
	default:
		return -ENOSYS;
	}
}

static struct fuse_uring_cmd_req *command(struct io_uring *u, uint32_t op, void *data, uint16_t qid)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(u);
	struct fuse_uring_cmd_req *req = (void *)((char *)sqe + 48);

	if (!sqe)
		die("no SQE");
	memset(sqe, 0, 128);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = dev;
	sqe->cmd_op = op;
	sqe->user_data = (uintptr_t)data;
	req->qid = qid;
	return req;
}

static void answer(struct io_uring *u, struct entry *e)
{
	struct fuse_uring_ent_in_out *io = &e->header->ring_ent_in_out;
	uint64_t commit = io->commit_id;
	int64_t ret = serve(e);

	*(struct fuse_out_header *)e->header->in_out =
		(struct fuse_out_header){.len = sizeof(struct fuse_out_header),
					 .error = ret < 0 ? (int32_t)ret : 0,
					 .unique = e->in.unique};
	io->payload_sz = ret < 0 ? 0 : (uint32_t)ret;
	command(u, FUSE_IO_URING_CMD_COMMIT_AND_FETCH, e, e->qid)->commit_id = commit;
}

static int wait_one(struct io_uring *u)
{
	struct io_uring_cqe *cqe;
	int res;

	io_uring_submit_and_wait(u, 1);
	if (io_uring_wait_cqe(u, &cqe))
		return -EIO;
	res = cqe->res;
	io_uring_cqe_seen(u, cqe);
	return res;
}

static char *memory(size_t n)
{
	return map_with(-1, n, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
}

static void set_up_queues(struct io_uring *u)
{
	if (conf.zero_copy && io_uring_register_buffers_sparse(u, 1 + (unsigned int)queues * ENTRIES))
		die("io_uring_register_buffers_sparse");
	for (int q = 0; q < queues && conf.pool; q++) {
		struct fuse_uring_cmd_req *req =
			command(u, FUSE_IO_URING_CMD_ADD_QUEUE, NULL, (uint16_t)q);

		req->flags = conf.zero_copy ? FUSE_URING_ZERO_COPY : 0;
		if (wait_one(u))
			die("ADD_QUEUE");
		pools[q] = memory(ENTRIES * MAX_IO);
		req = command(u, FUSE_IO_URING_CMD_ADD_BUFPOOL, NULL, (uint16_t)q);
		req->bufpool.uaddr = (uintptr_t)pools[q];
		req->bufpool.len = ENTRIES * MAX_IO;
		if (wait_one(u))
			die("ADD_BUFPOOL");
	}
	for (int i = 0; i < queues * ENTRIES; i++) {
		struct entry *e = calloc(1, sizeof(*e));
		struct fuse_uring_cmd_req *req =
			command(u, FUSE_IO_URING_CMD_REGISTER, e, (uint16_t)(i / ENTRIES));
		struct io_uring_sqe *sqe = (void *)((char *)req - 48);

		e->qid = (uint16_t)(i / ENTRIES);
		e->header = (void *)memory(4096);
		e->payload = conf.pool ? NULL : memory(MAX_IO);
		e->iov[0] = (struct iovec){e->header, sizeof(*e->header)};
		e->iov[1] = (struct iovec){e->payload, conf.pool ? 0 : MAX_IO};
		sqe->addr = (uintptr_t)e->iov;
		sqe->len = 2;
		if (conf.zero_copy)
			req->ent_zero_copy_buf_index = (uint16_t)(1 + i);
	}
	io_uring_submit(u);
}

static void *serve_all(void *arg)
{
	struct io_uring_params p = {.flags = IORING_SETUP_SQE128};
	struct io_uring u;

	(void)arg;
	if (io_uring_queue_init_params(256, &u, &p))
		die("io_uring");
	set_up_queues(&u);
	for (;;) {
		struct __kernel_timespec t = {.tv_nsec = GATE_NS};
		struct io_uring_cqe *cqe;
		unsigned int head, n = 0;

		io_uring_submit_and_wait_timeout(&u, &cqe, 1, gate ? &t : NULL, NULL);
		io_uring_for_each_cqe (&u, head, cqe) {
			struct entry *e = (void *)(uintptr_t)cqe->user_data;

			n++;
			if (cqe->res) {
				if (cqe->res != -ENOTCONN && cqe->res != -ECANCELED)
					odd("entry ended", cqe->res);
				continue;
			}
			memcpy(&e->in, e->header->in_out, sizeof(e->in));
			if (conf.pool)
				e->payload = pools[e->qid] + e->header->ring_ent_in_out.offset;
			if (e->in.nodeid == GATE &&
			    (e->in.opcode == FUSE_READ || e->in.opcode == FUSE_WRITE)) {
				e->next = gate;
				gate = e;
				counters->gated++;
			} else {
				answer(&u, e);
			}
		}
		io_uring_cq_advance(&u, n);
		while (gate && counters->gate_open) {
			struct entry *e = gate;

			gate = e->next;
			answer(&u, e);
			counters->committed = seconds();
			counters->gated--;
		}
	}
	return NULL;
}

static int map_and_register(struct io_uring *u, const struct wish *w, int fd)
{
	struct buffer *b = &buffers[w->index];
	struct buffer new = {
		.map_len = w->map_len, .skip = w->skip, .len = w->len ? w->len : w->map_len};
	struct fuse_uring_cmd_req *req;
	int res;

	if (b->p)
		return -EEXIST;
	new.p = mmap(NULL, w->map_len, w->prot, w->map_flags, fd, (off_t)w->map_offset);
	if (new.p == MAP_FAILED)
		return -errno;
	*b = new; /* a request may come before the completion */
	req = command(u, FUSE_IO_URING_CMD_REG_BUF, NULL, 0);
	req->shared_buf.uaddr = (uintptr_t)b->p + w->skip;
	req->shared_buf.len = b->len;
	req->shared_buf.index = w->index;
	req->flags = w->flags;
	res = wait_one(u);
	if (res) {
		munmap(b->p, b->map_len);
		b->p = NULL;
	}
	return res;
}

static int unregister(struct io_uring *u, const struct wish *w)
{
	struct buffer *b = &buffers[w->index];
	int res;

	command(u, FUSE_IO_URING_CMD_UNREG_BUF, NULL, 0)->shared_buf.index = w->index;
	if (w->what == WISH_UNREGISTER_EXIT) {
		struct io_uring_params p = {.flags = IORING_SETUP_SQE128};

		io_uring_submit(u);
		usleep(50000);
		io_uring_queue_exit(u);
		res = io_uring_queue_init_params(8, u, &p);
	} else {
		res = wait_one(u);
	}
	counters->unregistered = seconds();
	if (w->what == WISH_UNREGISTER && !res && b->p) {
		munmap(b->p, b->map_len);
		b->p = NULL;
	}
	return res;
}

static int fulfil(struct io_uring *u, const struct wish *w, int fd)
{
	struct buffer *b = &buffers[w->index % 1024];
	struct fuse_uring_cmd_req *req;

	switch (w->what) {
	case WISH_REGISTER:
		return map_and_register(u, w, fd);
	case WISH_UNREGISTER:
	case WISH_UNREGISTER_EXIT:
		return unregister(u, w);
	case WISH_COMMAND:
		req = command(u, w->cmd, NULL, 0);
		req->flags = w->flags;
		req->shared_buf.uaddr = w->uaddr;
		req->shared_buf.len = w->len;
		req->shared_buf.index = w->index;
		req->shared_buf.reserved = (uint32_t)w->reserved;
		return wait_one(u);
	case WISH_WRITE_SHARED:
		fill(b->p + b->skip, b->len, w->seed);
		return 0;
	case WISH_FILLED:
		return filled(b->p + b->skip, b->len, w->seed);
	}
	return -EINVAL;
}

static void *obey(void *arg)
{
	struct io_uring_params p = {.flags = IORING_SETUP_SQE128};
	int sock = (int)(intptr_t)arg;
	struct io_uring u;

	if (io_uring_queue_init_params(8, &u, &p))
		die("io_uring");
	for (;;) {
		char space[CMSG_SPACE(sizeof(int))] = {0};
		struct wish w;
		struct iovec iov = {&w, sizeof(w)};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = space,
				   .msg_controllen = sizeof(space)};
		int fd = -1, res;

		if (recvmsg(sock, &m, 0) != sizeof(w))
			_exit(0);
		if (CMSG_FIRSTHDR(&m))
			memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
		res = fulfil(&u, &w, fd);
		if (fd >= 0)
			close(fd);
		if (write(sock, &res, sizeof(res)) != sizeof(res))
			_exit(0);
	}
}

/* True: the kernel offers shared buffers. */
static bool answer_init(void)
{
	static char buf[1 << 17];
	const struct fuse_in_header *in = (void *)buf;
	const struct fuse_init_in *arg = (void *)(in + 1);
	uint64_t flags = FUSE_MAX_PAGES | FUSE_INIT_EXT | FUSE_ASYNC_READ | FUSE_BIG_WRITES |
			 FUSE_OVER_IO_URING | (conf.async_dio ? FUSE_ASYNC_DIO : 0);
	struct {
		struct fuse_out_header h;
		struct fuse_init_out o;
	} r = {
		.o = {.major = 7,
		      .minor = FUSE_ABI_MINOR,
		      .max_write = MAX_IO,
		      .max_pages = MAX_IO / 4096,
		      .time_gran = 1,
		      .max_background = 64,
		      .congestion_threshold = 48,
		      .flags = (uint32_t)flags,
		      .flags2 = (uint32_t)(flags >> 32)},
	};

	if (read(dev, buf, sizeof(buf)) < (ssize_t)sizeof(*in))
		die("INIT");
	r.h = (struct fuse_out_header){.len = sizeof(r), .unique = in->unique};
	if (write(dev, &r, sizeof(r)) != sizeof(r))
		die("INIT reply");
	return arg->flags2 & (FUSE_HAS_IO_URING_SHARED_BUF >> 32);
}

static _Noreturn void run(int ready, int sock)
{
	static char buf[1 << 21];
	char options[128];
	pthread_t t;
	char offers;

	signal(SIGPIPE, SIG_IGN);
	for (int i = DIRECT; i < INODES; i++)
		store[i] =
			map_with(-1, STORE_SIZE, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other",
		 dev, getuid(), getgid());
	if (dev < 0 || mount("kernel-tests", MOUNTPOINT, "fuse", 0, options))
		die("mount");
	queues = (int)sysconf(_SC_NPROCESSORS_CONF);
	offers = answer_init();
	pthread_create(&t, NULL, serve_all, NULL);
	pthread_create(&t, NULL, obey, (void *)(intptr_t)sock);
	if (write(ready, &offers, 1) != 1)
		_exit(1);
	for (;;) { /* FORGET and INTERRUPT come here */
		ssize_t n = read(dev, buf, sizeof(buf));
		const struct fuse_in_header *in = (void *)buf;

		if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		if (n < 0)
			_exit(0); /* unmounted or aborted */
		if (in->opcode == FUSE_READ || in->opcode == FUSE_WRITE)
			odd("request over /dev/fuse", in->opcode);
	}
}

bool server_start(const struct server_config *c)
{
	int sock[2], ready[2];
	char offers = 0;

	conf = *c;
	mkdir(MOUNTPOINT, 0755);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) || pipe2(ready, O_CLOEXEC))
		die("socketpair");
	if (!counters)
		counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(counters, 0, sizeof(*counters));
	fflush(stdout);
	server_pid = fork();
	if (!server_pid) {
		close(sock[0]);
		close(ready[0]);
		run(ready[1], sock[1]);
	}
	close(sock[1]);
	close(ready[1]);
	control = sock[0];
	if (read(ready[0], &offers, 1) != 1)
		die("the server");
	close(ready[0]);
	return offers;
}

bool server_alive(void)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)server_pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

int server_reap(void)
{
	int status = 0;

	umount2(MOUNTPOINT, MNT_DETACH);
	close(control);
	waitpid(server_pid, &status, 0);
	server_pid = 0;
	return status;
}

int server_stop(void)
{
	if (umount2(MOUNTPOINT, 0))
		die("umount");
	return server_reap();
}

int server_do(const struct wish *w, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(void *)w, sizeof(*w)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int res;

	if (fd >= 0) {
		m.msg_control = space;
		m.msg_controllen = sizeof(space);
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
						      .cmsg_type = SCM_RIGHTS,
						      .cmsg_len = CMSG_LEN(sizeof(fd))};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(fd));
	}
	if (sendmsg(control, &m, MSG_NOSIGNAL) != sizeof(*w) ||
	    read(control, &res, sizeof(res)) != sizeof(res))
		return -EPIPE;
	return res;
}

int server_register(int fd, size_t n)
{
	struct wish w = {.what = WISH_REGISTER,
			 .prot = PROT_READ | PROT_WRITE,
			 .map_flags = MAP_SHARED,
			 .map_len = n};
	int res;

	do
		res = server_do(&w, fd);
	while (res == -EEXIST && ++w.index < 1024);
	return res ? res : (int)w.index;
}

int server_unregister(int index)
{
	return server_do(&(struct wish){.what = WISH_UNREGISTER, .index = (uint32_t)index}, -1);
}
