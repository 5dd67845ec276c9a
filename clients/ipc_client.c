// SPDX-License-Identifier: MIT
/* The client side of the bypass; see ipc_client.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clients/ipc_client.h"
#include "lib/clock.h"
#include "lib/fdpass.h"

#define SLEEP_NS    (100 * NSEC_PER_MSEC) /* then look whether the server is still there */
#define SPIN_CHECKS 64

static int get_channel(int file_fd, struct ipc_channel *ch, struct err *e)
{
	if (ioctl(file_fd, IPC_IOC_CHANNEL, ch))
		return err_sys(e, -errno, "ipc: this file's server has no back channel");
	if (ch->version != IPC_VERSION || ch->socket_len > sizeof(ch->socket))
		return err_set(e, -EPROTO, "ipc: the server speaks version %u, not %u", ch->version,
			       IPC_VERSION);
	return 0;
}

/* Sends a request and takes its answer. */
static int transact(struct ipc_client *c, struct ipc_message *m, int send_fd, int *recv_fd,
		    const char *what, struct err *e)
{
	ssize_t n = fdpass_send(c->sock, m, sizeof(*m), send_fd);

	if (!n)
		n = fdpass_recv(c->sock, m, sizeof(*m), recv_fd, 0);
	if (n < 0)
		return err_sys(e, (int)n, "ipc: %s", what);
	if (n != sizeof(*m))
		return err_sys(e, -ENOTCONN, "ipc: %s", what);
	return m->error ? err_sys(e, m->error, "ipc: the server refused: %s", what) : 0;
}

/* The client does not trust the server's memory either: it must not shrink under the mapping. */
static bool ring_is_sound(int fd, uint64_t entries)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	return entries && entries <= IPC_ENTRIES_MAX && !(entries & (entries - 1)) && seals >= 0 &&
	       seals & F_SEAL_SHRINK && !fstat(fd, &st) &&
	       (uint64_t)st.st_size >= ipc_ring_size((uint32_t)entries);
}

int ipc_client_connect(struct ipc_client *c, int file_fd, uint32_t entries, uint64_t spin_ns,
		       struct err *e)
{
	struct ipc_message m = {.type = IPC_HELLO, .value = entries};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ipc_channel ch;
	int ring_fd = -1;
	socklen_t len;
	int ret;

	*c = (struct ipc_client){.spin_ns = spin_ns, .sock = -1};
	ret = get_channel(file_fd, &ch, e);
	if (ret)
		return ret;
	memcpy(address.sun_path + 1, ch.socket, ch.socket_len);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + ch.socket_len);
	c->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (c->sock < 0)
		return err_sys(e, -errno, "ipc: socket");
	if (connect(c->sock, (struct sockaddr *)&address, len)) {
		ret = err_sys(e, -errno, "ipc: connecting to the back channel");
		goto fail;
	}
	memcpy(m.ticket, ch.ticket, sizeof(m.ticket));
	ret = transact(c, &m, -1, &ring_fd, "HELLO", e);
	if (ret)
		goto fail;
	if (!entries && !m.value && ring_fd < 0)
		return 0;
	if (m.value < entries || !ring_is_sound(ring_fd, m.value)) {
		ret = err_set(e, -EPROTO, "ipc: the server's answer to HELLO makes no sense");
		goto fail;
	}
	c->entries = (uint32_t)m.value;
	c->ring = mmap(NULL, ipc_ring_size(c->entries), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring_fd, 0);
	if (c->ring == MAP_FAILED) {
		c->ring = NULL;
		ret = err_sys(e, -errno, "ipc: mapping the ring");
		goto fail;
	}
	close(ring_fd);
	c->cqes = ipc_cqes(c->ring, c->entries);
	return 0;
fail:
	if (ring_fd >= 0)
		close(ring_fd);
	ipc_client_close(c);
	return ret;
}

void ipc_client_close(struct ipc_client *c)
{
	if (c->ring)
		munmap(c->ring, ipc_ring_size(c->entries));
	if (c->sock >= 0)
		close(c->sock);
	c->ring = NULL;
	c->sock = -1;
}

int ipc_client_register(struct ipc_client *c, int fd, struct err *e)
{
	struct ipc_message m = {.type = IPC_REGISTER};
	int none, ret = transact(c, &m, fd, &none, "registering a buffer", e);

	return ret ? ret : (int)m.value;
}

int ipc_client_unregister(struct ipc_client *c, int buffer, struct err *e)
{
	struct ipc_message m = {.type = IPC_UNREGISTER, .value = (uint64_t)buffer};
	int none;

	return transact(c, &m, -1, &none, "taking a buffer back", e);
}

int ipc_client_open(struct ipc_client *c, int file_fd, struct err *e)
{
	struct ipc_message m = {.type = IPC_OPEN};
	struct ipc_channel ch;
	int none, ret = get_channel(file_fd, &ch, e);

	if (ret)
		return ret;
	memcpy(m.ticket, ch.ticket, sizeof(m.ticket));
	ret = transact(c, &m, -1, &none, "opening another file", e);
	return ret ? ret : (int)m.value;
}

/* Makes operations up to `n` visible but for the last one, which flush publishes with a barrier. */
int ipc_client_submit(struct ipc_client *c, const struct ipc_sqe *d)
{
	struct ipc_sqe *sqe;

	if (c->submitted - c->completed == c->entries)
		return -EBUSY;
	if (c->published != c->submitted) {
		sqe = &c->ring->sqes[(c->submitted - 1) & (c->entries - 1)];
		atomic_store_explicit(&sqe->seq, c->submitted, memory_order_release);
		c->published = c->submitted;
	}
	sqe = &c->ring->sqes[c->submitted & (c->entries - 1)];
	sqe->file_offset = d->file_offset;
	sqe->buffer_offset = d->buffer_offset;
	sqe->tag = d->tag;
	sqe->length = d->length;
	sqe->buffer = d->buffer;
	sqe->handle = d->handle;
	sqe->op = d->op;
	c->submitted++;
	return 0;
}

void ipc_client_flush(struct ipc_client *c)
{
	struct ipc_sqe *sqe;

	if (c->published == c->submitted)
		return;
	sqe = &c->ring->sqes[(c->submitted - 1) & (c->entries - 1)];
	ipc_publish(&sqe->seq, c->submitted);
	c->published = c->submitted;
	ipc_wake(&c->ring->server_sleeps);
}

bool ipc_client_poll(struct ipc_client *c, uint64_t *tag, int32_t *result)
{
	struct ipc_cqe *cqe = &c->cqes[c->completed & (c->entries - 1)];

	if (!ipc_published(&cqe->seq, c->completed + 1))
		return false;
	*tag = cqe->tag;
	*result = cqe->result;
	c->completed++;
	return true;
}

/* The server sends nothing by itself: anything readable, and an end of file above all, means that the
 * session is over. */
static bool server_gone(struct ipc_client *c)
{
	struct pollfd p = {.fd = c->sock, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

int ipc_client_wait(struct ipc_client *c, uint64_t *tag, int32_t *result)
{
	uint64_t end = 0;

	for (;;) {
		struct ipc_cqe *cqe = &c->cqes[c->completed & (c->entries - 1)];

		for (int i = 0; i < SPIN_CHECKS && c->spin_ns; i++) {
			if (ipc_client_poll(c, tag, result))
				return 0;
			cpu_relax();
		}
		if (ipc_client_poll(c, tag, result))
			return 0;
		if (c->spin_ns) {
			uint64_t now = clock_ns();

			if (!end)
				end = now + c->spin_ns;
			if (now < end)
				continue;
		}
		ipc_sleep(&c->ring->client_sleeps, &cqe->seq, c->completed + 1, SLEEP_NS);
		if (ipc_client_poll(c, tag, result))
			return 0;
		if (server_gone(c))
			return -ENOTCONN;
		end = 0;
	}
}
