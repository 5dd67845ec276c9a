// SPDX-License-Identifier: MIT
/*
 * Fuzz target: what a client says on its socket. An input is a list of packets, right and wrong ones, with
 * descriptors of many kinds or none, and of what happens between them: answers that are read or not, operations
 * on the ring, the socket closed one way. One thread is the server's for this client (ipc_server_attend),
 * with or without a ring (as on uring-shm) by the first byte of the input.
 *
 * What must hold: each packet is answered once at most, in order; what is wrong with it is refused (a descriptor
 * that is no sealed memfd without holes, a ticket of somebody else, a message before HELLO), what is right
 * is not; the path is told of a buffer's end once for each; all is given back when the client has gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fdpass.h"
#include "servers/ipc_session.h"
#include "tests/fuzz/fuzz.h"

#define ACTIONS_MAX  48
#define FILES        64 /* file handles that tickets are for */
#define FDS_SENT_MAX 6
#define ANSWER_NS    (10 * NSEC_PER_SEC)

enum kind {
	GOOD,
	READ_ONLY, /* opened so: good for WRITE */
	GOOD_LAST = READ_ONLY,
	NOT_SEALED,
	OTHER_SEAL,
	HOLES,
	EMPTY,
	HUGE,
	WRITE_ONLY,
	REGULAR,
	FOLDER,
	DEVICE,
	PIPE_OUT,
	PIPE_IN,
	EVENT,
	SOCKET,
	OWN_SOCKET, /* the end that it is sent on */
	KINDS,
};

static struct server srv;
static struct ipc_server *server;
static int fds[KINDS];

/* One input's run: the client. */
static struct ipc_message sent[ACTIONS_MAX]; /* `error` is what its answer has to say, see EXPECT_* */
static unsigned int n_sent, n_answered;
static int sock;
static bool clean;   /* so far the client gave no reason to be cut off */
static bool greeted; /* HELLO was answered well */
static unsigned int files;
static struct ipc_ring *ring;
static uint32_t entries, next;
static struct ipc_channel last; /* a ticket that was used, or not */
/* ... and the path's side of it */
static _Atomic int added, begun;
static atomic_bool add_fails;

enum { EXPECT_ANY = 0, EXPECT_REFUSAL = 1, EXPECT_SUCCESS = 2 };

static int touch_write(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		       const void *data, size_t len, struct sink_tally *tally)
{
	volatile unsigned char sum = 0;

	(void)sink, (void)thread, (void)file, (void)offset, (void)tally;
	for (size_t i = 0; i < len; i++)
		sum = (unsigned char)(sum + ((const unsigned char *)data)[i]);
	return 0;
}

static int touch_read(struct sink *sink, void *thread, unsigned int file, uint64_t offset, void *data,
		      size_t len, struct sink_tally *tally)
{
	(void)sink, (void)thread, (void)file, (void)offset, (void)tally;
	memset(data, 1, len);
	return 0;
}

static const struct sink_ops sink = {.name = "touch", .write = touch_write, .read = touch_read};

static int begin(struct ipc_session *s, struct err *e)
{
	(void)e;
	begun++;
	s->memory_state = &begun;
	return 0;
}

static void end(struct ipc_session *s)
{
	claim(s->memory_state == &begun, "the end of what did not begin");
	begun--;
}

static int add(struct ipc_session *s, struct ipc_buffer *b, struct err *e)
{
	(void)s, (void)b;
	if (atomic_load(&add_fails))
		return err_set(e, -ENOSPC, "the input says so");
	added++;
	return 0;
}

static void removed(struct ipc_session *s, struct ipc_buffer *b)
{
	(void)s;
	claim(atomic_load(&b->ready), "a buffer that is not there is removed");
	added--;
}

static const struct ipc_memory_ops with_ring = {
	.ring = true, .begin = begin, .end = end, .add = add, .remove = removed};
static const struct ipc_memory_ops without_ring = {
	.begin = begin, .end = end, .add = add, .remove = removed};
static struct ipc_server *servers[2];

static void prepare(void)
{
	struct ipc_server_config config = {.memory = &with_ring};
	char name[64];
	struct err e;
	int ends[2];

	srv.sink.ops = &sink;
	pthread_mutex_init(&srv.lock, NULL);
	claim(!minifs_init(&srv.fs, FILES, FILE_SIZE), "minifs");
	claim(!ipc_server_start(&servers[0], &srv, &config, &e), "%s", e.what);
	config.memory = &without_ring;
	claim(!ipc_server_start(&servers[1], &srv, &config, &e), "%s", e.what);
	fds[GOOD] = fuzz_memfd(4096, true, F_SEAL_SHRINK);
	fds[NOT_SEALED] = fuzz_memfd(4096, true, 0);
	fds[OTHER_SEAL] = fuzz_memfd(4096, true, F_SEAL_GROW);
	fds[HOLES] = fuzz_memfd(8192, false, F_SEAL_SHRINK);
	fds[EMPTY] = fuzz_memfd(0, false, F_SEAL_SHRINK);
	fds[HUGE] = fuzz_memfd(1ULL << 40, false, F_SEAL_SHRINK);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[GOOD]);
	fds[READ_ONLY] = open(name, O_RDONLY | O_CLOEXEC);
	fds[WRITE_ONLY] = open(name, O_WRONLY | O_CLOEXEC);
	fds[REGULAR] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	fds[FOLDER] = open("/", O_PATH | O_CLOEXEC);
	fds[DEVICE] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	claim(!pipe2(ends, O_CLOEXEC), "pipe");
	fds[PIPE_OUT] = ends[0];
	fds[PIPE_IN] = ends[1];
	fds[EVENT] = eventfd(0, EFD_CLOEXEC);
	fds[SOCKET] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* Reads an answer if there is one; `wait`: or until there is, or the end. False: the end. */
static bool receive(bool wait)
{
	struct ipc_message answer;
	struct ipc_message *asked = &sent[n_answered];
	int fd;
	ssize_t n = fdpass_recv(sock, &answer, sizeof(answer), &fd, wait ? 0 : MSG_DONTWAIT);

	if (n == -EAGAIN && !wait)
		return true;
	if (n <= 0) {
		claim(!clean, "cut off without a reason: %zd", n);
		return false;
	}
	claim(n == sizeof(answer) && answer.error <= 0, "%zd bytes, error %d", n, answer.error);
	claim(n_answered < n_sent, "an answer to nothing");
	n_answered++;
	claim(answer.type == asked->type, "an answer of type %u and not %u", answer.type, asked->type);
	claim(!answer.error || asked->error != EXPECT_SUCCESS, "refused with %d", answer.error);
	claim(answer.error || asked->error != EXPECT_REFUSAL, "a message of type %u was accepted",
	      answer.type);
	claim(answer.error || (answer.type == IPC_HELLO) != greeted, "type %u, greeted %d", answer.type,
	      greeted);
	claim((fd >= 0) == (answer.type == IPC_HELLO && !answer.error && server == servers[0]),
	      "descriptor %d with an answer of type %u, error %d", fd, answer.type, answer.error);
	if (fd >= 0) {
		claim(answer.value && answer.value <= IPC_ENTRIES_MAX &&
			      !(answer.value & (answer.value - 1)),
		      "%llu entries", (unsigned long long)answer.value);
		entries = (uint32_t)answer.value;
		ring = mmap(NULL, ipc_ring_size(entries), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		claim(ring != MAP_FAILED, "mapping the ring");
		close(fd);
	}
	if (answer.type == IPC_HELLO && !answer.error)
		greeted = true;
	claim(answer.error || answer.type != IPC_REGISTER || answer.value < IPC_BUFFERS_MAX,
	      "buffer %llu", (unsigned long long)answer.value);
	claim(answer.error || answer.type != IPC_OPEN || answer.value < IPC_HANDLES_MAX, "file %llu",
	      (unsigned long long)answer.value);
	if (answer.error == -EPROTO || (answer.type == IPC_HELLO && answer.error))
		clean = false;
	return true;
}

static void put_ticket(struct ipc_message *m, uint64_t choice)
{
	uint32_t uid = geteuid() + (choice == 1);

	if (choice < 4) /* a new one: right, or another user's */
		claim(!ipc_server_ticket(server, files % FILES, MINIFS_FIRST_INO + files % FILES, O_RDWR,
					 uid, &last),
		      "no ticket");
	if (choice < 4)
		files++;
	memcpy(m->ticket, last.ticket, sizeof(m->ticket)); /* or the one before */
	if (choice == 5)
		m->ticket[0] ^= 1;
}

/* A packet. False: the server is gone. */
static bool say(struct input *in)
{
	union {
		char buf[CMSG_SPACE(FDS_SENT_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct ipc_message packet[2] = {0}, *m = packet;
	struct iovec iov = {packet, sizeof(*m)};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	const uint64_t what = take(in, 1), how = take(in, 1);
	const uint64_t ticket = (how >> 2) & 7,
		       n_fds = what & 0x10 ? take(in, 1) % (FDS_SENT_MAX + 1) : 0;
	bool known = true, wait = how & 1, odd = false;
	int list[FDS_SENT_MAX];
	enum kind kind = KINDS;

	m->type = what % 8 < 6    ? (uint32_t)(what % 8)
		  : what % 8 == 6 ? IPC_REGISTER
				  : (uint32_t)take(in, 4);
	m->value = how & 2 ? take_value(in) : server == servers[0] ? 8 : 0;
	put_ticket(m, ticket);
	for (uint64_t i = 0; i < n_fds; i++) {
		kind = (enum kind)(take(in, 1) % KINDS);
		list[i] = fds[kind];
	}
	if (what & 0x20)
		iov.iov_len = take(in, 1) % (sizeof(packet) + 1);
	if (n_fds) {
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), list, n_fds * sizeof(int));
	}
	odd = iov.iov_len != sizeof(*m) || n_fds > 1;
	switch (m->type) {
	case IPC_HELLO:
		known = !n_fds && !greeted;
		m->error = ticket == 1 || ticket == 5 ? EXPECT_REFUSAL : EXPECT_ANY;
		if (n_answered == n_sent && clean && !odd && known && !(how & 2) && ticket < 4 &&
		    !m->error)
			m->error = EXPECT_SUCCESS;
		break;
	case IPC_REGISTER:
		known = n_fds == 1;
		m->error = n_fds && kind > GOOD_LAST ? EXPECT_REFUSAL : EXPECT_ANY;
		if (wait && n_answered == n_sent && clean && greeted && !odd && known && !m->error &&
		    !atomic_load(&add_fails) && added < IPC_BUFFERS_MAX / 2)
			m->error = EXPECT_SUCCESS;
		break;
	case IPC_OPEN:
		known = !n_fds;
		m->error = ticket == 1 || ticket == 5 ? EXPECT_REFUSAL : EXPECT_ANY;
		break;
	case IPC_UNREGISTER:
		known = !n_fds && server == servers[1];
		break;
	default:
		known = false;
	}
	/* A descriptor or a ticket that is refused is not the end; all else that is wrong is. */
	if (odd || !known || (m->type == IPC_HELLO ? m->error != EXPECT_SUCCESS : !greeted))
		clean = false;
	sent[n_sent] = *m;
	m->error = 0;
	if (sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)iov.iov_len) {
		claim(!clean || errno == EAGAIN || errno == ETOOMANYREFS, "sending failed");
		return errno == EAGAIN;
	}
	n_sent++;
	if (odd) /* it is not answered, and a packet of no bytes is the end, too */
		return receive(false);
	while (wait && n_answered < n_sent)
		if (!receive(true))
			return false;
	return true;
}

/* An operation on the ring. */
static bool operate(struct input *in)
{
	const uint64_t what = take(in, 1);
	struct ipc_sqe *d;
	uint64_t limit;

	if (!ring)
		return true;
	d = &ring->sqes[next & (entries - 1)];
	d->op = (uint8_t)(what & 7);
	d->buffer = (uint16_t)(what >> 3) % 4;
	d->handle = (uint16_t)(what >> 5);
	d->length = (uint32_t)take_value(in);
	d->buffer_offset = d->file_offset = 0;
	ipc_publish(&d->seq, next + 1);
	ipc_wake(&ring->server_sleeps);
	limit = clock_ns() + ANSWER_NS;
	while (!ipc_published(&ipc_cqes(ring, entries)[next & (entries - 1)].seq, next + 1)) {
		if (!clean)
			return true;
		claim(clock_ns() < limit, "operation %u is not answered", next);
		if (what & 0x80) /* else by looking again and again */
			ipc_sleep(&ring->client_sleeps,
				  &ipc_cqes(ring, entries)[next & (entries - 1)].seq, next + 1,
				  NSEC_PER_MSEC);
	}
	next++;
	return true;
}

static bool act(struct input *in)
{
	static const int hows[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
	const uint64_t action = take(in, 1);

	switch (action % 8) {
	case 4:
		return operate(in);
	case 5:
		return receive(false);
	case 6:
		atomic_store(&add_fails, action & 8);
		return true;
	case 7:
		if (action >= 0x20) { /* rarely, or little would be said */
			if (ring)
				memset((char *)ring + take(in, 2) % ipc_ring_size(entries),
				       (int)take(in, 1), 1);
			clean = clean && !ring;
			return true;
		}
		clean = false;
		shutdown(sock, hows[(action >> 3) % 3]);
		return true;
	default:
		return say(in);
	}
}

static void *attend(void *arg)
{
	static struct worker *worker;
	int *end_of_it = arg;

	ipc_server_attend(server, *end_of_it, &worker);
	close(*end_of_it);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	struct held before;
	pthread_t thread;
	int ends[2];

	if (!servers[0])
		prepare();
	before = held();
	server = servers[take(&in, 1) & 1];
	n_sent = n_answered = files = 0;
	next = entries = 0;
	ring = NULL;
	greeted = false;
	clean = true;
	atomic_store(&add_fails, false);
	/* one ticket is always there: who has none is not listened to */
	claim(!ipc_server_ticket(server, FILES, MINIFS_FIRST_INO, O_RDWR, geteuid(), &last),
	      "no ticket");
	claim(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
	sock = fds[OWN_SOCKET] = ends[0];
	claim(!pthread_create(&thread, NULL, attend, &ends[1]), "a thread");

	for (int i = 0; i < ACTIONS_MAX && more(&in) && act(&in); i++)
		;
	close(sock);
	pthread_join(thread, NULL);
	if (ring)
		munmap(ring, ipc_ring_size(entries));
	claim(!added && !begun, "%d buffers and %d sessions are left", added, begun);
	claim_held(&before);
	return 0;
}
