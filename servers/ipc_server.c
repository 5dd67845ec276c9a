// SPDX-License-Identifier: MIT
/* Tickets, the listening socket and the control thread of the bypass; see ipc_server.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fdpass.h"
#include "servers/ipc_session.h"

struct ticket {
	bool used;
	uint64_t fh, ino;
	uint32_t flags, uid;
	uint8_t secret[IPC_TICKET_SIZE];
};

struct ipc_server {
	struct server *srv;
	struct ipc_server_config config;
	int listen_fd, stop_fd;
	struct sockaddr_un address;
	socklen_t address_len;
	pthread_t thread;
	_Atomic uint64_t refused;

	pthread_mutex_t lock; /* tickets: FUSE threads make them, the control thread takes them */
	struct ticket tickets[IPC_TICKETS_MAX];

	/* the control thread's own */
	struct ipc_session *sessions[IPC_SESSIONS_MAX];
	int socks[IPC_SESSIONS_MAX]; /* -1: free; connected, maybe without a session yet */
};

int ipc_server_ticket(struct ipc_server *is, uint64_t fh, uint64_t ino, uint32_t flags, uint32_t uid,
		      struct ipc_channel *out)
{
	struct ticket *t = NULL;

	*out = (struct ipc_channel){.version = IPC_VERSION};
	out->socket_len = (uint32_t)(is->address_len - offsetof(struct sockaddr_un, sun_path) - 1);
	memcpy(out->socket, is->address.sun_path + 1, out->socket_len);
	if (getrandom(out->ticket, sizeof(out->ticket), 0) != sizeof(out->ticket))
		return -EIO;
	pthread_mutex_lock(&is->lock);
	for (unsigned int i = 0; i < IPC_TICKETS_MAX && !t; i++)
		if (!is->tickets[i].used)
			t = &is->tickets[i];
	if (t) {
		*t = (struct ticket){.used = true, .fh = fh, .ino = ino, .flags = flags, .uid = uid};
		memcpy(t->secret, out->ticket, sizeof(t->secret));
	}
	pthread_mutex_unlock(&is->lock);
	return t ? 0 : -EMFILE;
}

void ipc_server_revoke(struct ipc_server *is, uint64_t fh)
{
	pthread_mutex_lock(&is->lock);
	for (unsigned int i = 0; i < IPC_TICKETS_MAX; i++)
		if (is->tickets[i].used && is->tickets[i].fh == fh)
			is->tickets[i].used = false;
	pthread_mutex_unlock(&is->lock);
}

uint64_t ipc_server_refused(struct ipc_server *is)
{
	return atomic_load(&is->refused);
}

/* The open file behind a ticket. A ticket is good once, and for the user who opened the file. */
static int redeem(struct ipc_server *is, int sock, const uint8_t *secret, struct ticket *out)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int ret = -EACCES;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return -errno;
	pthread_mutex_lock(&is->lock);
	for (unsigned int i = 0; i < IPC_TICKETS_MAX; i++) {
		struct ticket *t = &is->tickets[i];
		unsigned char diff = 0;

		if (!t->used || t->uid != peer.uid)
			continue;
		for (size_t k = 0; k < sizeof(t->secret); k++)
			diff |= (unsigned char)(t->secret[k] ^ secret[k]);
		if (diff)
			continue;
		*out = *t;
		t->used = false;
		ret = 0;
		break;
	}
	pthread_mutex_unlock(&is->lock);
	return ret;
}

static int do_hello(struct ipc_server *is, int i, const struct ipc_message *m, uint64_t *entries,
		    int *ring_fd, struct err *e)
{
	struct ipc_session *s;
	struct ticket t;
	int ret;

	if (is->sessions[i])
		return err_set(e, -EALREADY, "a second HELLO");
	ret = redeem(is, is->socks[i], m->ticket, &t);
	if (ret)
		return err_set(e, ret, "a ticket that is not valid for this user");
	if (!m->value || m->value > IPC_ENTRIES_MAX)
		return err_set(e, -EINVAL, "a ring of %llu entries", (unsigned long long)m->value);
	s = aligned_alloc(64, (sizeof(*s) + 63) & ~(size_t)63);
	if (!s)
		return err_sys(e, -ENOMEM, "a session");
	memset(s, 0, sizeof(*s));
	ipc_session_open(s, t.ino, t.flags);
	ret = ipc_session_start(s, is->srv, is->socks[i], m->value, is->config.spin_ns, ring_fd);
	if (ret) {
		free(s);
		return err_sys(e, ret, "starting a session");
	}
	is->sessions[i] = s;
	*entries = s->entries;
	return 0;
}

static int do_open(struct ipc_server *is, int i, const struct ipc_message *m, struct err *e)
{
	struct ticket t;
	int ret = redeem(is, is->socks[i], m->ticket, &t);

	if (ret)
		return err_set(e, ret, "a ticket that is not valid for this user");
	ret = ipc_session_open(is->sessions[i], t.ino, t.flags);
	return ret < 0 ? err_set(e, ret, "more than %d open files", IPC_HANDLES_MAX) : ret;
}

static void close_client(struct ipc_server *is, int i)
{
	if (is->sessions[i]) {
		ipc_session_stop(is->sessions[i]);
		free(is->sessions[i]);
		is->sessions[i] = NULL;
	}
	close(is->socks[i]);
	is->socks[i] = -1;
}

/* One message of one client; a client that breaks the protocol is cut off. */
static void serve_client(struct ipc_server *is, int i)
{
	struct ipc_message m, answer;
	struct err e = {0};
	int fd, ring_fd = -1, ret;
	ssize_t n = fdpass_recv(is->socks[i], &m, sizeof(m), &fd, MSG_DONTWAIT);

	if (n == -EAGAIN)
		return;
	if (n != sizeof(m)) {
		if (fd >= 0)
			close(fd);
		if (n) {
			atomic_fetch_add(&is->refused, 1);
			warn("ipc: cut off a client: a malformed control message");
		}
		close_client(is, i);
		return;
	}
	answer = (struct ipc_message){.type = m.type};
	if (m.type == IPC_HELLO && fd < 0)
		ret = do_hello(is, i, &m, &answer.value, &ring_fd, &e);
	else if (!is->sessions[i])
		ret = err_set(&e, -EPROTO, "a control message before HELLO");
	else if (m.type == IPC_REGISTER && fd >= 0)
		ret = ipc_session_register(is->sessions[i], fd, &e);
	else if (m.type == IPC_OPEN && fd < 0)
		ret = do_open(is, i, &m, &e);
	else
		ret = err_set(&e, -EPROTO, "an unknown control message");
	if (fd >= 0)
		close(fd);
	if (ret < 0) {
		answer.error = ret;
		atomic_fetch_add(&is->refused, 1);
		warn("ipc: refused a client: %s", e.what);
	} else if (m.type != IPC_HELLO) {
		answer.value = (uint64_t)ret;
	}
	ret = fdpass_send(is->socks[i], &answer, sizeof(answer), ring_fd);
	if (ring_fd >= 0)
		close(ring_fd);
	/* A refused buffer or file is the client's to handle; a wrong protocol or a bad ticket is the
	 * end of the conversation. */
	if (ret || answer.error == -EPROTO || (m.type == IPC_HELLO && answer.error))
		close_client(is, i);
}

static void accept_client(struct ipc_server *is)
{
	int fd = accept4(is->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < IPC_SESSIONS_MAX; i++)
		if (is->socks[i] < 0) {
			is->socks[i] = fd;
			return;
		}
	atomic_fetch_add(&is->refused, 1);
	warn("ipc: turned away a client: there are %d already", IPC_SESSIONS_MAX);
	close(fd);
}

static void *control_thread(void *p)
{
	struct ipc_server *is = p;
	struct pollfd fds[IPC_SESSIONS_MAX + 2];
	int owner[IPC_SESSIONS_MAX + 2];

	for (;;) {
		nfds_t n = 2;

		fds[0] = (struct pollfd){.fd = is->stop_fd, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = is->listen_fd, .events = POLLIN};
		for (int i = 0; i < IPC_SESSIONS_MAX; i++)
			if (is->socks[i] >= 0) {
				owner[n] = i;
				fds[n++] = (struct pollfd){.fd = is->socks[i], .events = POLLIN};
			}
		if (poll(fds, n, -1) < 0)
			continue;
		if (fds[0].revents)
			break;
		for (nfds_t k = 2; k < n; k++)
			if (fds[k].revents)
				serve_client(is, owner[k]);
		if (fds[1].revents)
			accept_client(is);
	}
	for (int i = 0; i < IPC_SESSIONS_MAX; i++)
		if (is->socks[i] >= 0)
			close_client(is, i);
	return NULL;
}

static int open_sockets(struct ipc_server *is, struct err *e)
{
	is->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (is->listen_fd < 0)
		return err_sys(e, -errno, "ipc: socket");
	is->stop_fd = eventfd(0, EFD_CLOEXEC);
	/* An address of the family alone: the kernel picks a free abstract name (unix(7), autobind). */
	is->address.sun_family = AF_UNIX;
	is->address_len = sizeof(is->address);
	if (is->stop_fd < 0 ||
	    bind(is->listen_fd, (struct sockaddr *)&is->address, sizeof(sa_family_t)) ||
	    getsockname(is->listen_fd, (struct sockaddr *)&is->address, &is->address_len) ||
	    listen(is->listen_fd, 128))
		return err_sys(e, -errno, "ipc: making the socket");
	return 0;
}

int ipc_server_start(struct ipc_server **out, struct server *srv,
		     const struct ipc_server_config *config, struct err *e)
{
	struct ipc_server *is = calloc(1, sizeof(*is));
	int ret;

	if (!is)
		return err_sys(e, -ENOMEM, "ipc");
	is->srv = srv;
	is->config = *config;
	is->listen_fd = is->stop_fd = -1;
	for (int i = 0; i < IPC_SESSIONS_MAX; i++)
		is->socks[i] = -1;
	pthread_mutex_init(&is->lock, NULL);
	ret = open_sockets(is, e);
	if (!ret) {
		ret = -pthread_create(&is->thread, NULL, control_thread, is);
		if (ret)
			err_sys(e, ret, "ipc: starting the control thread");
	}
	if (ret) {
		close(is->listen_fd);
		close(is->stop_fd);
		free(is);
		return ret;
	}
	*out = is;
	return 0;
}

void ipc_server_stop(struct ipc_server *is)
{
	const uint64_t one = 1;

	if (write(is->stop_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it */
	pthread_join(is->thread, NULL);
	close(is->listen_fd);
	close(is->stop_fd);
	pthread_mutex_destroy(&is->lock);
	free(is);
}
