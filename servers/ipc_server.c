// SPDX-License-Identifier: MIT
/*
 * Tickets, the listening socket and the clients' control messages; see ipc_server.h.
 *
 * One thread accepts. Each client has another one that answers its messages, and where the path wants that
 * one that serves its ring (ipc_session.c). Much of what a client asks for can take as long as the client likes: an answer that
 * it does not read, a buffer of gigabytes to map, the closing of a descriptor that it sent (a file of
 * its own FUSE server asks there before it closes). So nothing of that happens in a shared thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fdpass.h"
#include "servers/ipc_session.h"
#include "servers/ipc_tickets.h"

#define HELLO_TIMEOUT_SEC 2
#define STOP_TIMEOUT_SEC  5
#define LOG_BURST         32
#define LOG_PAUSE_NS      NSEC_PER_SEC
#define ACCEPT_PAUSE_US   10000 /* when there are no descriptors or no memory */

/* One connection. The accept thread makes it, its own thread serves it. */
struct client {
	struct ipc_server *is;
	pthread_t thread;
	bool running;      /* the thread is to be joined */
	atomic_bool ended; /* and has nothing more to do */
	int sock;          /* -1: closed; its thread does that under the lock */
	struct ucred peer;
	struct worker *worker; /* of this slot's last session, for the next one */
};

struct ipc_server {
	struct server *srv;
	struct ipc_server_config config;
	int listen_fd, stop_fd;
	struct sockaddr_un address;
	socklen_t address_len;
	pthread_t thread;
	_Atomic uint64_t refused;
	struct ipc_tickets tickets;
	pthread_mutex_t lock; /* of the clients' socks, and of what follows: */
	uint64_t log_full;    /* when the log has taken all that it may */
	uint64_t untold;      /* what was left out since the last line */
	struct client clients[IPC_SESSIONS_MAX];
};

/* A client must not be able to fill our log: it takes LOG_BURST lines at once, and then one each LOG_PAUSE_NS. */
static void refuse(struct client *c, const char *what, const char *why)
{
	struct ipc_server *is = c->is;
	const uint64_t now = clock_ns();
	uint64_t untold = 0;
	char more[64] = "";
	bool tell;

	atomic_fetch_add(&is->refused, 1);
	pthread_mutex_lock(&is->lock);
	if (is->log_full < now)
		is->log_full = now;
	tell = is->log_full - now < LOG_BURST * LOG_PAUSE_NS;
	if (tell) {
		is->log_full += LOG_PAUSE_NS;
		untold = is->untold;
	}
	is->untold = tell ? 0 : is->untold + 1;
	pthread_mutex_unlock(&is->lock);
	if (untold)
		snprintf(more, sizeof(more), " (and %" PRIu64 " times before, of any client)", untold);
	if (tell)
		warn("back channel: %s process %d (user %u): %s%s", what, (int)c->peer.pid, c->peer.uid,
		     why, more);
}

int ipc_server_ticket(struct ipc_server *is, uint64_t fh, uint64_t ino, uint32_t flags, uint32_t uid,
		      struct ipc_channel *out)
{
	const struct ipc_ticket t = {.fh = fh, .ino = ino, .flags = flags, .uid = uid};

	*out = (struct ipc_channel){.version = IPC_VERSION};
	out->socket_len = (uint32_t)(is->address_len - offsetof(struct sockaddr_un, sun_path) - 1);
	memcpy(out->socket, is->address.sun_path + 1, out->socket_len);
	return ipc_tickets_issue(&is->tickets, &t, out->ticket);
}

void ipc_server_revoke(struct ipc_server *is, uint64_t fh)
{
	ipc_tickets_revoke(&is->tickets, fh);
}

uint64_t ipc_server_refused(struct ipc_server *is)
{
	return atomic_load(&is->refused);
}

static int set_timeout(int sock, time_t seconds)
{
	struct timeval tv = {.tv_sec = seconds};

	return setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ? -errno : 0;
}

static int do_hello(struct client *c, struct ipc_session *s, const struct ipc_message *m,
		    uint64_t *entries, int *ring_fd, struct err *e)
{
	const struct ipc_server_config *config = &c->is->config;
	struct ipc_ticket t;
	int ret;

	if (s->greeted)
		return err_set(e, -EALREADY, "a second HELLO");
	ret = ipc_tickets_redeem(&c->is->tickets, c->peer.uid, m->ticket, &t);
	if (ret)
		return err_set(e, ret, "a ticket that is not valid for this user");
	if (config->memory->ring ? !m->value || m->value > IPC_ENTRIES_MAX : m->value != 0)
		return err_set(e, -EINVAL, "a ring of %llu entries", (unsigned long long)m->value);
	s->srv = c->is->srv;
	s->memory = config->memory;
	ret = ipc_session_open(s, t.ino, t.flags);
	if (ret < 0)
		return err_set(e, ret, "a file that is no more");
	s->spin_always = config->spin_always;
	ret = set_timeout(c->sock, 0);
	if (!ret && config->memory->ring)
		ret = ipc_session_start(s, c->is->srv, c->sock, m->value, config->spin_ns, ring_fd);
	if (ret)
		return err_sys(e, ret, "starting a session");
	if (config->memory->begin && (ret = config->memory->begin(s, e)))
		return ret;
	s->greeted = true;
	*entries = s->entries;
	return 0;
}

static int do_open(struct client *c, struct ipc_session *s, const struct ipc_message *m, struct err *e)
{
	struct ipc_ticket t;
	int ret = ipc_tickets_redeem(&c->is->tickets, c->peer.uid, m->ticket, &t);

	if (ret)
		return err_set(e, ret, "a ticket that is not valid for this user");
	ret = ipc_session_open(s, t.ino, t.flags);
	return ret == -ESTALE ? err_set(e, ret, "a file that is no more")
	       : ret < 0      ? err_set(e, ret, "more than %d open files", IPC_HANDLES_MAX)
			      : ret;
}

static int do_unregister(struct ipc_session *s, const struct ipc_message *m, struct err *e)
{
	int ret = ipc_session_unregister(s, m->value);

	return ret ? err_set(e, ret, "no buffer %llu", (unsigned long long)m->value) : 0;
}

/* One message. False: that was the last one; a client that breaks the protocol is cut off. */
static bool serve_message(struct client *c, struct ipc_session *s)
{
	struct ipc_message m = {0}, answer;
	struct err e = {0};
	int fd, ring_fd = -1, ret;
	ssize_t n = fdpass_recv(c->sock, &m, sizeof(m), &fd, 0);

	if (n != sizeof(m)) {
		if (fd >= 0)
			close(fd);
		if (n && n != -ECONNRESET) /* it left, maybe without reading our last answer */
			refuse(c, "cut off",
			       n == -EAGAIN ? "it never said HELLO" : "a malformed control message");
		return false;
	}
	answer = (struct ipc_message){.type = m.type};
	if (m.type == IPC_HELLO && fd < 0)
		ret = do_hello(c, s, &m, &answer.value, &ring_fd, &e);
	else if (!s->greeted)
		ret = err_set(&e, -EPROTO, "a control message before HELLO");
	else if (m.type == IPC_REGISTER && fd >= 0)
		ret = ipc_session_register(s, fd, &e);
	else if (m.type == IPC_UNREGISTER && fd < 0 && !s->memory->ring)
		ret = do_unregister(s, &m, &e);
	else if (m.type == IPC_OPEN && fd < 0)
		ret = do_open(c, s, &m, &e);
	else
		ret = err_set(&e, -EPROTO, "an unknown control message");
	if (fd >= 0)
		close(fd);
	if (ret < 0) {
		answer.error = ret;
		refuse(c, "refused", e.what);
	} else if (m.type != IPC_HELLO) {
		answer.value = (uint64_t)ret;
	}
	ret = fdpass_send(c->sock, &answer, sizeof(answer), ring_fd);
	if (ring_fd >= 0)
		close(ring_fd);
	/* A refused buffer or file is the client's to handle; a wrong protocol or a bad ticket is the
	 * end of the conversation. */
	return !ret && answer.error != -EPROTO && !(m.type == IPC_HELLO && answer.error);
}

static void complain(struct ipc_session *s, const char *why)
{
	refuse(s->owner, "refused", why);
}

static void identify(struct client *c)
{
	socklen_t len = sizeof(c->peer);

	if (getsockopt(c->sock, SOL_SOCKET, SO_PEERCRED, &c->peer, &len))
		c->peer = (struct ucred){.uid = (uid_t)-1}; /* nobody has that, nor a ticket for it */
}

/* One client, from its first word to its end. */
static void attend(struct client *c)
{
	_Alignas(64) struct ipc_session s = {.worker = c->worker, .complain = complain, .owner = c};

	if (!ipc_tickets_any(&c->is->tickets, c->peer.uid) || set_timeout(c->sock, HELLO_TIMEOUT_SEC))
		refuse(c, "turned away", "its user has no ticket");
	else
		while (serve_message(c, &s))
			;
	ipc_session_stop(&s);
	c->worker = s.worker;
	if (s.cut_off)
		refuse(c, "cut off", s.cut_off);
	/* The sink was left in the middle of something. */
	if (atomic_load(&s.broken) && worker_renew(c->worker))
		c->worker = NULL;
}

void ipc_server_attend(struct ipc_server *is, int sock, struct worker **worker)
{
	struct client c = {.is = is, .sock = sock, .worker = *worker};

	identify(&c);
	attend(&c);
	*worker = c.worker;
}

static void *client_thread(void *p)
{
	struct client *c = p;
	int sock;

	attend(c);
	pthread_mutex_lock(&c->is->lock);
	sock = c->sock;
	c->sock = -1;
	pthread_mutex_unlock(&c->is->lock);
	close(sock);
	atomic_store(&c->ended, true);
	return NULL;
}

/* A place for a client of process `pid`, or NULL and why there is none. */
static struct client *free_slot(struct ipc_server *is, pid_t pid, const char **why)
{
	struct client *slot = NULL;
	unsigned int same = 0;

	for (int i = IPC_SESSIONS_MAX - 1; i >= 0; i--) {
		struct client *c = &is->clients[i];

		if (c->running && atomic_load(&c->ended)) {
			pthread_join(c->thread, NULL);
			c->running = false;
		}
		if (!c->running)
			slot = c;
		else if (c->peer.pid == pid)
			same++;
	}
	*why = slot ? "its process has too many sessions already" : "there are too many already";
	return same < IPC_SESSIONS_PROCESS ? slot : NULL;
}

static void accept_client(struct ipc_server *is)
{
	struct client new = {.is = is, .sock = accept4(is->listen_fd, NULL, NULL, SOCK_CLOEXEC)};
	const char *why;
	struct client *c;
	int ret;

	if (new.sock < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			usleep(ACCEPT_PAUSE_US); /* it still waits in the queue */
		return;
	}
	identify(&new);
	c = free_slot(is, new.peer.pid, &why);
	if (!c) {
		refuse(&new, "turned away", why);
		close(new.sock);
		return;
	}
	atomic_store(&c->ended, false);
	c->peer = new.peer;
	c->sock = new.sock;
	ret = pthread_create(&c->thread, NULL, client_thread, c);
	c->running = !ret;
	if (ret) {
		refuse(c, "turned away", strerror(ret));
		c->sock = -1;
		close(new.sock);
	}
}

static void *accept_thread(void *p)
{
	struct ipc_server *is = p;
	struct pollfd fds[2] = {
		{.fd = is->stop_fd, .events = POLLIN},
		{.fd = is->listen_fd, .events = POLLIN},
	};

	while (poll(fds, 2, -1) < 0 || !fds[0].revents)
		if (fds[1].revents)
			accept_client(is);
	return NULL;
}

static int open_sockets(struct ipc_server *is, struct err *e)
{
	is->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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

int ipc_server_start(struct ipc_server **out, struct server *srv, const struct ipc_server_config *config,
		     struct err *e)
{
	struct ipc_server *is = calloc(1, sizeof(*is));
	int ret;

	if (!is)
		return err_sys(e, -ENOMEM, "ipc");
	is->srv = srv;
	is->config = *config;
	is->listen_fd = is->stop_fd = -1;
	for (int i = 0; i < IPC_SESSIONS_MAX; i++) {
		is->clients[i].is = is;
		is->clients[i].sock = -1;
	}
	pthread_mutex_init(&is->lock, NULL);
	ipc_tickets_init(&is->tickets);
	ret = open_sockets(is, e);
	if (!ret) {
		ret = -pthread_create(&is->thread, NULL, accept_thread, is);
		if (ret)
			err_sys(e, ret, "ipc: starting a thread");
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
	struct timespec until;
	bool hangs = false;

	if (write(is->stop_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it */
	pthread_join(is->thread, NULL);
	pthread_mutex_lock(&is->lock);
	for (int i = 0; i < IPC_SESSIONS_MAX; i++)
		if (is->clients[i].sock >= 0)
			shutdown(is->clients[i].sock, SHUT_RDWR); /* ends what its thread waits for */
	pthread_mutex_unlock(&is->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_TIMEOUT_SEC;
	for (int i = 0; i < IPC_SESSIONS_MAX; i++)
		if (is->clients[i].running && pthread_timedjoin_np(is->clients[i].thread, NULL, &until))
			hangs = true;
	close(is->listen_fd);
	close(is->stop_fd);
	if (hangs) /* in the kernel, closing what a client sent: leave it what it may still look at */
		return;
	pthread_mutex_destroy(&is->lock);
	ipc_tickets_destroy(&is->tickets);
	free(is);
}
