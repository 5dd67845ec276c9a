// SPDX-License-Identifier: MIT
/*
 * Tests of shared buffers, FUSE over io_uring. Usage: kernel-tests MODE [GROUP...], where MODE is what the server
 * uses besides: none, or any of "pool", "zc", "async" with "+" between them; "userns": as an unprivileged user in a
 * user namespace.
 * Exit: 0 fine, 1 a check failed, 77 this kernel has no shared buffers. What the kernel prints is for the caller to look at.
 */
#include <pthread.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "kernel/tests/test.h"

static const struct suite {
	const char *name;
	const struct test *tests;
} suites[] = {
	{"match", match_tests},     {"vma", vma_tests},
	{"uring", uring_tests},     {"registry", registry_tests},
	{"life", life_tests},       {"stress", stress_tests},
	{"hostile", hostile_tests}, {0},
};

struct files files;
struct server_config config;
static long failures;

void check_failed(const char *file, int line, const char *what, long long a, long long b)
{
	printf("      FAIL %s:%d: %s (%lld, %lld)\n", strrchr(file, '/') + 1, line, what, a, b);
	fflush(stdout);
	failures++;
}

void die(const char *what)
{
	printf("FAIL %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct seen seen(void)
{
	return (struct seen){
		.shared = atomic_exchange(&counters->shared, 0),
		.copied = atomic_exchange(&counters->copied, 0) +
			  atomic_exchange(&counters->zero_copied, 0),
		.shared_bytes = atomic_exchange(&counters->shared_bytes, 0),
		.copied_bytes = atomic_exchange(&counters->copied_bytes, 0),
	};
}

ssize_t do_write(int fd, const void *p, size_t n, off_t o)
{
	ssize_t r = pwrite(fd, p, n, o);

	return r < 0 ? -errno : r;
}

ssize_t do_read(int fd, void *p, size_t n, off_t o)
{
	ssize_t r = pread(fd, p, n, o);

	return r < 0 ? -errno : r;
}

bool is_end(ssize_t res)
{
	/* canceled: its ring went when the request was on the way to it */
	return res == -ENOTCONN || res == -ECONNABORTED || res == -EIO || res == -ECANCELED;
}

static void *io_run(void *arg)
{
	struct io *io = arg;

	io->res =
		io->read ? do_read(io->fd, io->p, io->n, io->o) : do_write(io->fd, io->p, io->n, io->o);
	return NULL;
}

void io_start(struct io *io)
{
	if (pthread_create(&io->thread, NULL, io_run, io))
		die("pthread_create");
}

void await_gated(int n)
{
	double start = seconds();

	while (counters->gated < n) {
		if (seconds() - start > 60) {
			printf("FAIL no request reached the gate\n");
			exit(1);
		}
		usleep(1000);
	}
}

ssize_t io_end(struct io *io)
{
	pthread_join(io->thread, NULL);
	return io->res;
}

void release(int fd, int index, char *p, size_t n)
{
	CHECK_EQ(server_unregister(index), 0);
	munmap(p, n);
	close(fd);
}

static int open_file(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", MOUNTPOINT, name);
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

void files_open(void)
{
	files = (struct files){.direct = open_file("direct"),
			       .plain = open_file("plain"),
			       .gate = open_file("gate"),
			       .zc = open_file("zc")};
}

void files_close(void)
{
	close(files.direct);
	close(files.plain);
	close(files.gate);
	close(files.zc);
}

static void run_suite(const struct suite *g)
{
	for (const struct test *t = g->tests; t->name; t++) {
		long before = failures;
		double start = seconds();

		if (!server_start(&config)) {
			printf("SKIP this kernel has no shared buffers: it needs the series of "
			       "kernel/series\n");
			server_stop();
			exit(77);
		}
		files_open();
		t->run();
		CHECK_EQ(counters->errors, 0);
		if (server_pid) {
			files_close();
			CHECK(server_alive());
			server_stop();
		}
		printf("%-4s  %-9s %s (%.1f s)\n", failures == before ? "ok" : "FAIL", g->name, t->name,
		       seconds() - start);
		fflush(stdout);
	}
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* Root of a namespace of its own, which only it is in; nobody to all others. */
static void drop_privileges(void)
{
	if (setgroups(0, NULL) || setgid(65534) || setuid(65534) || prctl(PR_SET_DUMPABLE, 1))
		die("setuid");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		die("unshare");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", "0 65534 1");
	write_file("/proc/self/gid_map", "0 65534 1");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "none";
	int n = 0;

	config.zero_copy = strstr(mode, "zc");
	config.pool = config.zero_copy || strstr(mode, "pool");
	config.async_dio = strstr(mode, "async");
	if (strstr(mode, "userns"))
		drop_privileges();
	else if (unshare(CLONE_NEWNS))
		die("unshare");
	for (const struct suite *g = suites; g->name; g++) {
		bool wanted = argc < 3;

		for (int i = 2; i < argc; i++)
			wanted |= !strcmp(argv[i], g->name);
		if (wanted) {
			run_suite(g);
			n++;
		}
	}
	printf("%s: %ld checks failed\n", mode, failures);
	return failures || !n;
}
