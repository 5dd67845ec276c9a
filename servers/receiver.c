// SPDX-License-Identifier: MIT
/* The far end of sink `tcp`; see receiver.h. */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/control.h"
#include "lib/pattern.h"
#include "lib/stream.h"
#include "servers/receiver.h"

#define BUFFER          (1u << 20)
#define CONNECTIONS_MAX 4096

/* Connections of one server process are counted together, so that one of them can ask for all. */
struct session {
	uint64_t id;
	unsigned int connections;
	struct stream_totals totals;
	struct session *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* sessions and their totals */
static struct session *sessions;
static unsigned int connections;

/* One served frame. */
struct done {
	uint64_t payload, verified;
	bool wrong;
	uint64_t file, offset;
};

static struct session *join(uint64_t id)
{
	struct session *s;

	for (s = sessions; s && s->id != id; s = s->next)
		;
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return NULL;
		s->id = id;
		s->next = sessions;
		sessions = s;
	}
	s->connections++;
	return s;
}

static void leave(struct session *session)
{
	if (--session->connections)
		return;
	for (struct session **s = &sessions; *s; s = &(*s)->next)
		if (*s == session) {
			*s = session->next;
			free(session);
			return;
		}
}

/* A payload that nobody checks is dropped inside the kernel (MSG_TRUNC): the receiver's own copy is not
 * what anybody measures, and would take memory bandwidth from what is. */
static int take(int fd, char *buf, const struct stream_frame *f, struct done *d)
{
	const bool verify = f->flags & STREAM_VERIFY;

	for (uint64_t at = 0; at < f->length;) {
		size_t n = f->length - at < BUFFER ? f->length - at : BUFFER;
		int ret = stream_recv(fd, buf, n, verify ? 0 : MSG_TRUNC);
		int64_t bad;

		if (ret)
			return ret;
		bad = verify && !d->wrong ? pattern_check(buf, n, f->offset + at, f->seed) : -1;
		if (bad >= 0) {
			d->wrong = true;
			d->file = f->file;
			d->offset = f->offset + at + (uint64_t)bad;
		}
		at += n;
	}
	d->payload = f->length;
	d->verified = verify ? f->length : 0;
	return 0;
}

static int give(int fd, char *buf, const struct stream_frame *f)
{
	for (uint64_t at = 0; at < f->length;) {
		size_t n = f->length - at < BUFFER ? f->length - at : BUFFER;
		int ret;

		if (f->flags & STREAM_VERIFY)
			pattern_fill(buf, n, f->offset + at, f->seed);
		ret = stream_send(fd, buf, n, 0);
		if (ret)
			return ret;
		at += n;
	}
	return 0;
}

static int tell(int fd, const struct session *s)
{
	struct stream_totals t;

	pthread_mutex_lock(&lock);
	t = s->totals;
	pthread_mutex_unlock(&lock);
	t.payload_bytes = htole64(t.payload_bytes);
	t.verified_bytes = htole64(t.verified_bytes);
	t.wrong = htole64(t.wrong);
	t.wrong_file = htole64(t.wrong_file);
	t.wrong_offset = htole64(t.wrong_offset);
	return stream_send(fd, &t, sizeof(t), 0);
}

static void add(struct session *s, const struct done *d)
{
	pthread_mutex_lock(&lock);
	s->totals.payload_bytes += d->payload;
	s->totals.verified_bytes += d->verified;
	if (d->wrong && !s->totals.wrong++) {
		s->totals.wrong_file = d->file;
		s->totals.wrong_offset = d->offset;
	}
	pthread_mutex_unlock(&lock);
}

static int next_frame(int fd, struct stream_frame *f)
{
	int ret = stream_recv(fd, f, sizeof(*f), 0);

	f->op = le16toh(f->op);
	f->flags = le16toh(f->flags);
	f->session = le64toh(f->session);
	f->offset = le64toh(f->offset);
	f->seed = le64toh(f->seed);
	f->length = le32toh(f->length);
	f->file = le32toh(f->file);
	return ret ? ret : le32toh(f->magic) == STREAM_MAGIC ? 0 : -EPROTO;
}

/* Until the peer goes, or says something that is none of ours. */
static int serve_frames(int fd, char *buf, struct session **session)
{
	for (;;) {
		struct done d = {0};
		struct stream_frame f;
		int ret = next_frame(fd, &f);

		if (ret)
			return ret;
		if (!*session) {
			pthread_mutex_lock(&lock);
			*session = join(f.session);
			pthread_mutex_unlock(&lock);
		}
		if (!*session || (*session)->id != f.session)
			return *session ? -EPROTO : -ENOMEM;
		if (f.op == STREAM_WRITE)
			ret = take(fd, buf, &f, &d);
		else if (f.op == STREAM_READ)
			ret = give(fd, buf, &f);
		else
			ret = f.op == STREAM_TOTALS ? tell(fd, *session) : -EPROTO;
		if (ret)
			return ret;
		if (f.op == STREAM_WRITE)
			add(*session, &d);
	}
}

static void *connection(void *p)
{
	int fd = (int)(intptr_t)p, ret;
	struct session *session = NULL;
	char *buf = NULL;

	ret = posix_memalign((void **)&buf, 4096, BUFFER) ? -ENOMEM : 0;
	if (!ret) {
		pattern_fill(buf, BUFFER, 0, 0); /* a READ's payload, where nobody checks it */
		ret = serve_frames(fd, buf, &session);
	}
	if (ret == -EPROTO)
		warn("sink: cut off a peer that does not speak zcbench's protocol");
	pthread_mutex_lock(&lock);
	if (session)
		leave(session);
	connections--;
	pthread_mutex_unlock(&lock);
	close(fd);
	free(buf);
	return NULL;
}

static void accept_one(int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	pthread_t thread;
	bool room;

	if (fd < 0)
		return;
	pthread_mutex_lock(&lock);
	room = connections < CONNECTIONS_MAX;
	connections += room;
	pthread_mutex_unlock(&lock);
	if (room && !pthread_create(&thread, NULL, connection, (void *)(intptr_t)fd)) {
		pthread_detach(thread);
		return;
	}
	warn("sink: too many connections");
	if (room) {
		pthread_mutex_lock(&lock);
		connections--;
		pthread_mutex_unlock(&lock);
	}
	close(fd);
}

int receiver_serve(int listen_fd, int control_fd)
{
	struct pollfd fds[3] = {{.fd = listen_fd, .events = POLLIN},
				{.fd = -1, .events = POLLIN},
				{.fd = control_fd, .events = POLLIN}};
	sigset_t set;

	prctl(PR_SET_NAME, "zcbench-sink");
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread exists: all inherit it */
	fds[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	for (;;) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return 1;
		if (fds[1].revents || fds[2].revents) /* whatever the channel says, it is the end */
			return 0;
		if (fds[0].revents)
			accept_one(listen_fd);
	}
}
