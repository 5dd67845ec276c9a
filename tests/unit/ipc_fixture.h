/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the bypass's server share: a server in the test's own process, clients that speak
 * the protocol by hand, and the check after each test: a well-behaved client still works, and all
 * descriptors, threads and mappings of the sessions are gone.
 */
#ifndef ZC_IPC_FIXTURE_H
#define ZC_IPC_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clients/ipc_client.h"
#include "lib/clock.h"
#include "lib/fdpass.h"
#include "lib/pattern.h"
#include "servers/ipc_server.h"
#include "tests/unit/unit.h"

#define FILE_SIZE   (1u << 20)
#define BUFFER_SIZE (64u << 10)
#define SEED        7
#define NOBODY      65534
#define LIMIT_SEC   60

extern const struct sink_ops sink_read;

static struct server srv;
static struct ipc_server *server;
static struct held {
	int fds, threads, maps;
} before;

/* A client by hand. Nothing here asserts: forked children use it too. */
struct peer {
	struct ipc_client c;
	int ring_fd, memfd;
	char *map;
};

static inline struct ipc_channel ticket(uint64_t fh, uint32_t flags, uid_t uid)
{
	struct ipc_channel ch;

	if (ipc_server_ticket(server, fh, MINIFS_FIRST_INO + fh % 2, flags, uid, &ch))
		ch.version = 0;
	return ch;
}

static inline int reach(int sock, const struct ipc_channel *ch)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	memcpy(a.sun_path + 1, ch->socket, ch->socket_len);
	return connect(sock, (struct sockaddr *)&a,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + ch->socket_len));
}

static inline int dial(const struct ipc_channel *ch)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	return reach(sock, ch) ? -1 : sock;
}

/* The answer's value or error; -ENOTCONN when there is none but the end of the connection. */
static inline int ask(int sock, uint32_t type, uint64_t value, const struct ipc_channel *ch, int fd,
		      int *got)
{
	struct ipc_message m = {.type = type, .value = value};
	int none;

	if (ch)
		memcpy(m.ticket, ch->ticket, sizeof(m.ticket));
	if (fdpass_send(sock, &m, sizeof(m), fd) ||
	    fdpass_recv(sock, &m, sizeof(m), got ? got : &none, 0) != sizeof(m))
		return -ENOTCONN;
	return m.error ? m.error : (int)m.value;
}

static inline bool hung_up(int sock)
{
	char c;

	return recv(sock, &c, 1, 0) <= 0;
}

static inline int memfd(uint64_t size, bool full, int seals)
{
	int fd = memfd_create("test_ipc", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (ftruncate(fd, (off_t)size) || (full && fallocate(fd, 0, 0, (off_t)size)) ||
	    fcntl(fd, F_ADD_SEALS, seals))
		return -1;
	return fd;
}

/* Connects with a ticket and registers a buffer, number 0. */
static inline int join(struct peer *p, const struct ipc_channel *ch, uint64_t entries)
{
	int ret;

	*p = (struct peer){.ring_fd = -1, .memfd = memfd(BUFFER_SIZE, true, F_SEAL_SHRINK)};
	p->c.sock = dial(ch);
	ret = ask(p->c.sock, IPC_HELLO, entries, ch, -1, &p->ring_fd);
	if (ret < 0)
		return ret;
	p->c.entries = (uint32_t)ret;
	p->c.ring = mmap(NULL, ipc_ring_size(p->c.entries), PROT_READ | PROT_WRITE, MAP_SHARED,
			 p->ring_fd, 0);
	p->c.cqes = ipc_cqes(p->c.ring, p->c.entries);
	p->map = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, p->memfd, 0);
	if (p->c.ring == MAP_FAILED || p->map == MAP_FAILED)
		return -ENOMEM;
	return ask(p->c.sock, IPC_REGISTER, 0, NULL, p->memfd, NULL);
}

static inline void leave(struct peer *p)
{
	if (p->map)
		munmap(p->map, BUFFER_SIZE);
	close(p->memfd);
	if (p->ring_fd >= 0)
		close(p->ring_fd);
	ipc_client_close(&p->c);
}

static inline int operate(struct peer *p, const struct ipc_sqe *d)
{
	int32_t result;
	uint64_t tag;
	int ret = ipc_client_submit(&p->c, d);

	ipc_client_flush(&p->c);
	if (!ret)
		ret = ipc_client_wait(&p->c, &tag, &result);
	return ret ? ret : result;
}

static inline int reg(struct peer *p, int fd)
{
	return ask(p->c.sock, IPC_REGISTER, 0, NULL, fd, NULL);
}

/* Joins with a ticket of its own. */
static inline void enter(struct peer *p, uint64_t fh)
{
	struct ipc_channel ch = ticket(fh, O_RDWR, geteuid());

	assert_int_equal(join(p, &ch, 8), 0);
}

/* Writes and reads; the server checks what it gets, we what we get. Returns a negative errno. */
static inline int exchange(struct peer *p, uint64_t fh, int ops)
{
	for (int i = 0; i < ops; i++) {
		struct ipc_sqe d = {.op = IPC_OP_WRITE,
				    .file_offset = (uint64_t)i * 4099 % 999999,
				    .length = 4099,
				    .buffer_offset = (uint64_t)i % 50000};
		int ret;

		pattern_fill(p->map + d.buffer_offset, d.length, d.file_offset, SEED + fh % 2);
		ret = operate(p, &d);
		if (ret == 4099) {
			d.op = IPC_OP_READ;
			memset(p->map + d.buffer_offset, 0, d.length);
			ret = operate(p, &d);
		}
		if (ret != 4099)
			return ret < 0 ? ret : -EIO;
		if (pattern_check(p->map + d.buffer_offset, d.length, d.file_offset, SEED + fh % 2) >= 0)
			return -EILSEQ;
	}
	return 0;
}

static inline void assert_good_client(void)
{
	struct peer p;

	enter(&p, 1);
	srv.verify_seed = SEED;
	atomic_store(&srv.verified_bytes, 0);
	atomic_store(&srv.verify_errors, 0);
	atomic_store(&srv.verify, true);
	assert_int_equal(exchange(&p, 1, 100), 0);
	atomic_store(&srv.verify, false);
	assert_int_equal(srv.verified_bytes, 100 * 4099);
	assert_int_equal(srv.verify_errors, 0);
	leave(&p);
}

static inline int entries_of(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static inline struct held held(void)
{
	struct held u = {entries_of("/proc/self/fd"), entries_of("/proc/self/task"), 0};
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	while (fgets(line, sizeof(line), f))
		u.maps += !!strstr(line, "memfd:"); /* rings and buffers; stacks are cached by libc */
	fclose(f);
	return u;
}

static inline int begin(void **state)
{
	(void)state;
	alarm(LIMIT_SEC);
	before = held();
	return 0;
}

static inline int finish(void **state)
{
	struct held now;

	(void)state;
	assert_good_client();
	for (int i = 0; i < 1000; i++) {
		now = held();
		if (!memcmp(&now, &before, sizeof(now)))
			return 0;
		usleep(10000);
	}
	print_error("left behind: %d descriptors, %d threads, %d mappings\n", now.fds - before.fds,
		    now.threads - before.threads, now.maps - before.maps);
	return -1;
}

static inline int start_server(void **state)
{
	struct ipc_server_config config = {.memory = &ipc_memory_ring, .spin_ns = 20 * NSEC_PER_USEC};
	struct err e;

	(void)state;
	srv.sink.ops = &sink_read;
	pthread_mutex_init(&srv.lock, NULL);
	return minifs_init(&srv.fs, 2, FILE_SIZE) || ipc_server_start(&server, &srv, &config, &e);
}

static inline int stop_server(void **state)
{
	(void)state;
	ipc_server_stop(server);
	while (srv.workers) {
		struct worker *w = srv.workers;

		srv.workers = w->next;
		sink_read.thread_exit(&srv.sink, w->sink_thread);
		free(w);
	}
	minifs_free(&srv.fs);
	return 0;
}

#define ipc_test(f) cmocka_unit_test_setup_teardown(f, begin, finish)

#endif
