// SPDX-License-Identifier: MIT
/*
 * Proves that no client of the bypass can make the server touch memory it must not touch, whatever it
 * does to the ring and to its buffers and whenever, and that it may die at any time. After each test a
 * well-behaved client works, and nothing of the sessions is left.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/unit/ipc_fixture.h"

/* Handles: 0 both ways, 1 write-only, 2 read-only. Buffers: 0, and 1 which is sealed against writing. */
#define W   IPC_OP_WRITE
#define R   IPC_OP_READ
#define MAX ((uint64_t)INT64_MAX)

static const struct descriptor {
	struct ipc_sqe d;
	int result;
} descriptors[] = {
	{{.op = W, .length = 4096}, 4096},
	{{.op = R, .length = 4096}, 4096},
	{{.op = W, .length = BUFFER_SIZE}, BUFFER_SIZE},
	{{.op = 0, .length = 1}, -EINVAL},
	{{.op = IPC_OP_FSYNC + 1, .length = 1}, -EINVAL},
	{{.op = 255, .length = 1}, -EINVAL},
	/* handles */
	{{.op = W, .length = 1, .handle = 3}, -EBADF},
	{{.op = W, .length = 1, .handle = IPC_HANDLES_MAX}, -EBADF},
	{{.op = R, .length = 1, .handle = UINT16_MAX}, -EBADF},
	{{.op = W, .length = 8, .handle = 1}, 8},
	{{.op = R, .length = 8, .handle = 1}, -EBADF},
	{{.op = W, .length = 8, .handle = 2}, -EBADF},
	{{.op = R, .length = 8, .handle = 2}, 8},
	/* buffers */
	{{.op = W, .length = 1, .buffer = 2}, -EBADF},
	{{.op = W, .length = 1, .buffer = IPC_BUFFERS_MAX}, -EBADF},
	{{.op = R, .length = 1, .buffer = UINT16_MAX}, -EBADF},
	{{.op = W, .length = 4096, .buffer = 1}, 4096},
	{{.op = R, .length = 4096, .buffer = 1}, -EFAULT},
	{{.op = W, .length = 4096, .buffer = 1, .buffer_offset = 1}, -EFAULT},
	/* places in a buffer */
	{{.op = W, .length = 0}, 0},
	{{.op = R, .length = 0, .buffer_offset = BUFFER_SIZE}, 0},
	{{.op = W, .length = 1, .buffer_offset = BUFFER_SIZE - 1}, 1},
	{{.op = W, .length = 1, .buffer_offset = BUFFER_SIZE}, -EFAULT},
	{{.op = R, .length = 0, .buffer_offset = BUFFER_SIZE + 1}, -EFAULT},
	{{.op = W, .length = BUFFER_SIZE + 1}, -EFAULT},
	{{.op = R, .length = UINT32_MAX}, -EFAULT},
	{{.op = R, .length = UINT32_MAX, .buffer_offset = 1}, -EFAULT},
	{{.op = W, .length = 1, .buffer_offset = UINT64_MAX}, -EFAULT},
	{{.op = R, .length = 4096, .buffer_offset = UINT64_MAX - 4095}, -EFAULT},
	{{.op = R, .length = UINT32_MAX, .buffer_offset = UINT64_MAX - UINT32_MAX + 1}, -EFAULT},
	/* places in the file */
	{{.op = W, .length = 4096, .file_offset = FILE_SIZE - 100}, 100},
	{{.op = R, .length = 4096, .file_offset = FILE_SIZE - 100}, 100},
	{{.op = W, .length = 1, .file_offset = FILE_SIZE}, -EFBIG},
	{{.op = R, .length = 1, .file_offset = FILE_SIZE}, 0},
	{{.op = W, .length = 4096, .file_offset = MAX - 4096}, -EFBIG},
	{{.op = R, .length = 4096, .file_offset = MAX - 4096}, 0},
	{{.op = W, .length = 4096, .file_offset = MAX - 4095}, -EINVAL},
	{{.op = R, .length = 4096, .file_offset = MAX}, -EINVAL},
	{{.op = W, .length = 1, .file_offset = UINT64_MAX}, -EINVAL},
	/* the rest, and the order matters: what is gone stays gone */
	{{.op = IPC_OP_FSYNC}, 0},
	{{.op = IPC_OP_FSYNC, .handle = 3}, -EBADF},
	{{.op = IPC_OP_FSYNC, .handle = IPC_HANDLES_MAX}, -EBADF},
	{{.op = IPC_OP_CLOSE, .handle = IPC_HANDLES_MAX}, -EBADF},
	{{.op = IPC_OP_CLOSE, .handle = 1}, 0},
	{{.op = IPC_OP_CLOSE, .handle = 1}, -EBADF},
	{{.op = IPC_OP_FSYNC, .handle = 1}, -EBADF},
	{{.op = W, .length = 1, .handle = 1}, -EBADF},
	{{.op = IPC_OP_UNREGISTER, .buffer = IPC_BUFFERS_MAX}, -EBADF},
	{{.op = IPC_OP_UNREGISTER, .buffer = 1}, 0},
	{{.op = IPC_OP_UNREGISTER, .buffer = 1}, -EBADF},
	{{.op = W, .length = 1, .buffer = 1}, -EBADF},
	{{.op = W, .length = 4096}, 4096},
};

static void test_descriptors(void **state)
{
	struct ipc_channel wo = ticket(1, O_WRONLY, geteuid()), ro = ticket(3, O_RDONLY, geteuid());
	int sealed = memfd(4096, true, F_SEAL_SHRINK | F_SEAL_WRITE);
	struct peer p;

	(void)state;
	enter(&p, 0);
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &wo, -1, NULL), 1);
	assert_int_equal(ask(p.c.sock, IPC_OPEN, 0, &ro, -1, NULL), 2);
	if (reg(&p, sealed) == -EPERM) { /* Linux before 6.7 maps no such memfd; this seal is as good */
		close(sealed);
		sealed = memfd(4096, true, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);
		assert_int_equal(reg(&p, sealed), 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(descriptors); i++) {
		int ret = operate(&p, &descriptors[i].d);

		if (ret != descriptors[i].result)
			fail_msg("descriptor %zu: %d instead of %d", i, ret, descriptors[i].result);
	}
	close(sealed);
	leave(&p);
}

/* A number that is neither the next one nor the last one of its slot is the end, as soon as the server has nothing
 * else to do; so is the right one in the place of another. */
static void test_sequence_numbers(void **state)
{
	/* on 8 entries, after `done` operations; the next one's number is done + 1 */
	static const struct {
		uint32_t done, slot, seq;
	} wrong[] = {{0, 0, 2}, {0, 0, 9}, {0, 0, UINT32_MAX}, {0, 0, 0x80000001}, {3, 3, 3},
		     {3, 3, 5}, {8, 0, 0}, {8, 0, 2},          {8, 0, 17},         {11, 3, 11}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		uint64_t refused = ipc_server_refused(server);
		struct peer p;

		enter(&p, 0);
		for (uint32_t n = 0; n < wrong[i].done; n++)
			assert_int_equal(operate(&p, &descriptors[0].d), 4096);
		p.c.ring->sqes[wrong[i].slot].op = IPC_OP_UNREGISTER;
		ipc_publish(&p.c.ring->sqes[wrong[i].slot].seq, wrong[i].seq);
		ipc_wake(&p.c.ring->server_sleeps);
		assert_true(hung_up(p.c.sock));
		for (uint32_t k = 0; k < 8; k++)
			assert_true(p.c.cqes[k].seq <= wrong[i].done);
		for (int k = 0; k < 1000 && ipc_server_refused(server) == refused; k++)
			usleep(10000); /* it hangs up first */
		assert_int_equal(ipc_server_refused(server), refused + 1);
		leave(&p);
	}
}

/* Where the server does not look yet, a client may write what it likes. */
static void test_early_numbers(void **state)
{
	struct peer p;

	(void)state;
	enter(&p, 0);
	for (uint32_t k = 1; k < 8; k++)
		ipc_publish(&p.c.ring->sqes[k].seq, 1000 + k);
	assert_int_equal(operate(&p, &descriptors[0].d), 4096);
	leave(&p);
}

static atomic_bool over;

static void *rewrite(void *arg)
{
	static const uint64_t far[] = {0, 1, BUFFER_SIZE, FILE_SIZE, MAX, UINT64_MAX, UINT32_MAX};
	struct ipc_ring *ring = ((struct peer *)arg)->c.ring;
	uint64_t random = (uint64_t)ring;

	while (!atomic_load(&over)) {
		uint64_t n = random64(&random), value = far[(n >> 8) % ARRAY_SIZE(far)];
		volatile struct ipc_sqe *d = &ring->sqes[n >> 16 & 7];

		switch (n & 7) {
		case 0:
			d->file_offset = value - (n >> 63);
			break;
		case 1:
			d->buffer_offset = value - (n >> 63);
			break;
		case 2:
			d->length = (uint32_t)value;
			break;
		case 3:
			d->length = (uint32_t)(n >> 32) % BUFFER_SIZE;
			break;
		case 4:
			d->buffer = (n >> 32) % 4 ? 0 : (uint16_t)value;
			break;
		case 5:
			d->handle = (n >> 32) % 4 ? 0 : (uint16_t)value;
			break;
		case 6: /* the ops that end a session's life are rare */
			d->op = (n >> 32) % 1024 ? (uint8_t)(1 + (n >> 48) % 2) : (uint8_t)(n >> 24);
			break;
		default:
			d->tag = n;
		}
	}
	return NULL;
}

/* Descriptors change while the server reads them: each is answered, once, as one that was right or as
 * one that was wrong. */
static void test_rewriting(void **state)
{
	unsigned int right = 0, wrong = 0;

	(void)state;
	for (int session = 0; session < 20; session++) {
		uint64_t end = clock_ns() + 100 * NSEC_PER_MSEC;
		pthread_t evil;
		struct peer p;

		enter(&p, 0);
		atomic_store(&over, false);
		assert_int_equal(pthread_create(&evil, NULL, rewrite, &p), 0);
		while (clock_ns() < end) {
			int ret = operate(&p, &descriptors[right % 2].d);

			if (ret < 0 && ret != -EINVAL && ret != -EBADF && ret != -EFAULT &&
			    ret != -EFBIG)
				fail_msg("%d", ret);
			assert_true(ret <= (int)BUFFER_SIZE);
			ret < 0 ? wrong++ : right++;
		}
		atomic_store(&over, true);
		pthread_join(evil, NULL);
		leave(&p);
	}
	assert_true(right > 100);
	assert_true(wrong > 100);
}

struct puncher {
	int fd;
	off_t size;
	useconds_t pause;
};

static void *punch(void *arg)
{
	struct puncher *h = arg;

	while (!atomic_load(&over)) {
		fallocate(h->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, h->size);
		if (h->pause)
			usleep(h->pause);
	}
	return NULL;
}

/* The pages of the buffer, and then those of the ring, go away. */
static void test_holes(void **state)
{
	uint64_t end = clock_ns() + NSEC_PER_SEC;
	unsigned int done = 0;
	struct puncher h;
	pthread_t evil;
	struct peer p;

	(void)state;
	enter(&p, 0);
	h = (struct puncher){p.memfd, BUFFER_SIZE, 0};
	atomic_store(&over, false);
	assert_int_equal(pthread_create(&evil, NULL, punch, &h), 0);
	for (; clock_ns() < end; done++) /* the first three are right */
		assert_int_equal(operate(&p, &descriptors[done % 3].d), descriptors[done % 3].result);
	atomic_store(&over, true);
	pthread_join(evil, NULL);

	/* A ring that has lost its numbers is of no use. */
	for (int i = 0; i < 8; i++)
		assert_int_equal(operate(&p, &descriptors[0].d), 4096);
	assert_int_equal(fallocate(p.ring_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				   (off_t)ipc_ring_size(8)),
			 0);
	ipc_publish(&p.c.ring->sqes[(p.c.submitted + 1) & 7].seq, 1); /* the page is there again */
	assert_true(hung_up(p.c.sock));
	leave(&p);

	/* Its pages go away all the time: it ends somehow, or not at all. */
	enter(&p, 0);
	h = (struct puncher){p.ring_fd, (off_t)ipc_ring_size(8), 1000};
	atomic_store(&over, false);
	assert_int_equal(pthread_create(&evil, NULL, punch, &h), 0);
	end = clock_ns() + NSEC_PER_SEC;
	for (uint32_t n = 0; clock_ns() < end; n++) {
		p.c.ring->sqes[n & 7].op = W;
		ipc_publish(&p.c.ring->sqes[n & 7].seq, n + 1);
		atomic_store(&p.c.ring->server_sleeps, 1);
		ipc_wake(&p.c.ring->server_sleeps);
	}
	atomic_store(&over, true);
	pthread_join(evil, NULL);
	leave(&p);
}

/* The ring is a sealed memfd too. A client that has it filled by a READ only harms itself. */
static void test_ring_as_buffer(void **state)
{
	struct ipc_sqe d = {.op = R, .buffer = 1, .length = 768};
	int32_t result;
	struct peer p;
	uint64_t tag;

	(void)state;
	enter(&p, 0);
	assert_int_equal(reg(&p, p.ring_fd), 1);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(ipc_client_submit(&p.c, &d), 0);
		ipc_client_flush(&p.c);
		usleep(1000);
		ipc_client_poll(&p.c, &tag, &result);
	}
	leave(&p);
}

/* Dies with operations in flight, again and again. */
static void test_killed(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		struct ipc_channel ch = ticket(0, O_RDWR, geteuid());
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (!pid) {
			struct peer p;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (int ret = join(&p, &ch, 64); !ret;) {
				int32_t result;
				uint64_t tag;

				while (!ipc_client_submit(&p.c, &descriptors[2].d))
					;
				ipc_client_flush(&p.c);
				ret = ipc_client_wait(&p.c, &tag, &result);
			}
			_exit(1);
		}
		usleep((useconds_t)i * 5000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status)); /* until then nothing went wrong */
		ipc_server_revoke(server, 0);     /* as the end of its open file would */
	}
}

/* Connects, works a little or not at all, and leaves in one way or another. */
static void *come_and_go(void *arg)
{
	uint64_t fh = (uint64_t)(uintptr_t)arg;
	intptr_t ret = 0;

	for (int i = 0; i < 10 && !ret; i++) {
		struct ipc_channel ch = ticket(fh, O_RDWR, geteuid());
		struct peer p = {.ring_fd = -1, .memfd = -1, .c.sock = -1};

		if (i % 5 == 4) {
			p.c.sock = dial(&ch); /* and not a word */
		} else {
			ret = join(&p, &ch, 1 + fh % 16);
			if (!ret && i % 5 < 3)
				ret = exchange(&p, fh, i);
			if (!ret && i % 5 == 2) /* with one in flight */
				ret = ipc_client_submit(&p.c,
							&(struct ipc_sqe){.op = R, .length = 4096});
		}
		ipc_client_flush(&p.c);
		leave(&p);
	}
	return (void *)ret;
}

static void test_coming_and_going(void **state)
{
	pthread_t thread[64];
	struct peer good;
	void *ret;

	(void)state;
	enter(&good, 1);
	srv.verify_seed = SEED;
	atomic_store(&srv.verify_errors, 0);
	atomic_store(&srv.verify, true);
	for (uintptr_t i = 0; i < 64; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, come_and_go, (void *)(i + 2)), 0);
	assert_int_equal(exchange(&good, 1, 2000), 0);
	for (int i = 0; i < 64; i++) {
		pthread_join(thread[i], &ret);
		assert_int_equal((intptr_t)ret, 0);
	}
	assert_int_equal(exchange(&good, 1, 100), 0);
	atomic_store(&srv.verify, false);
	assert_int_equal(srv.verify_errors, 0);
	leave(&good);
	for (uint64_t fh = 2; fh < 66; fh++)
		ipc_server_revoke(server, fh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ipc_test(test_descriptors),   ipc_test(test_sequence_numbers),
		ipc_test(test_early_numbers), ipc_test(test_rewriting),
		ipc_test(test_holes),         ipc_test(test_ring_as_buffer),
		ipc_test(test_killed),        ipc_test(test_coming_and_going),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
