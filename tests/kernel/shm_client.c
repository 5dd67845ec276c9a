// SPDX-License-Identifier: MIT
/*
 * A client of uring-shm by hand, for shm.sh, which runs in a guest:
 *
 *	shm_client FILE load BS [COUNT]    writes and reads back from registered memory, COUNT times or for ever, and
 *	                                   then says "going on" once it does
 *	shm_client FILE plain BS COUNT     the same from memory that is not registered
 *	shm_client FILE cycle N            registers, writes, takes back, N times
 *	shm_client FILE flood              registers until it is refused; prints how many and why
 *	shm_client FILE hole               writes from registered memory from which it took the pages away
 *	shm_client FILE rude               breaks the rules of the back channel, one after the other
 *
 * Status 0: all as it should be. 1: not, and what. 3: an operation failed, and with which errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/ipc_client.h"
#include "lib/fdpass.h"
#include "lib/pattern.h"

#define SIZE (4u << 20)

static int file_fd;
static struct ipc_client channel;

static int fail(const char *what, int code)
{
	printf("shm_client: %s: %s\n", what, strerror(code < 0 ? -code : code));
	return 1;
}

static void greet(void)
{
	struct err e;

	if (ipc_client_connect(&channel, file_fd, 0, 0, &e)) {
		printf("shm_client: %s\n", e.what);
		exit(1);
	}
}

static int make_memory(unsigned int seals, size_t size, char **map)
{
	int fd = memfd_create("shm_client", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) || (seals && fcntl(fd, F_ADD_SEALS, seals)))
		exit(fail("memfd", errno));
	*map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (*map == MAP_FAILED)
		exit(fail("mmap", errno));
	return fd;
}

/* The sink stores what was written, so that it can be compared. */
static int transfer(char *map, size_t bs, long count)
{
	for (long i = 0; !count || i < count; i++) {
		const off_t offset = (off_t)((size_t)i % (SIZE / bs) * bs);
		ssize_t n;

		pattern_fill(map + offset, bs, (uint64_t)offset, (uint64_t)i);
		n = pwrite(file_fd, map + offset, bs, offset);
		if (n == (ssize_t)bs) {
			memset(map + offset, 0xaa, bs);
			n = pread(file_fd, map + offset, bs, offset);
		}
		if (n < 0) {
			fail("in flight", errno);
			return 3;
		}
		if (n != (ssize_t)bs ||
		    pattern_check(map + offset, bs, (uint64_t)offset, (uint64_t)i) >= 0)
			return fail("what was written is not what came back", EILSEQ);
		if (!count && i == 8)
			puts("going on");
	}
	return 0;
}

static int load(size_t bs, long count)
{
	char *map;
	int fd = make_memory(F_SEAL_SHRINK, SIZE, &map);
	struct err e;

	greet();
	if (ipc_client_register(&channel, fd, &e) < 0)
		return fail(e.what, e.code);
	return transfer(map, bs, count);
}

static int plain(size_t bs, long count)
{
	char *map;

	make_memory(F_SEAL_SHRINK, SIZE, &map);
	return transfer(map, bs, count);
}

static int cycle(long count)
{
	struct err e;

	greet();
	for (long i = 0; i < count; i++) {
		char *map;
		int fd = make_memory(F_SEAL_SHRINK, SIZE, &map);
		int buffer = ipc_client_register(&channel, fd, &e), ret;

		if (buffer < 0)
			return fail(e.what, e.code);
		ret = transfer(map, 65536, 4);
		if (ret)
			return ret;
		if (ipc_client_unregister(&channel, buffer, &e))
			return fail(e.what, e.code);
		ret = transfer(map, 65536, 1); /* by a copy now */
		if (ret)
			return ret;
		munmap(map, SIZE);
		close(fd);
	}
	return 0;
}

static int flood(void)
{
	struct err e = {0};
	int n = 0;

	greet();
	for (char *map; n <= IPC_BUFFERS_MAX; n++)
		if (ipc_client_register(&channel, make_memory(F_SEAL_SHRINK, 4096, &map), &e) < 0)
			break;
	printf("%d, then: %s\n", n, strerror(-e.code));
	return n == IPC_BUFFERS_MAX && e.code == -EDQUOT ? 0 : 1;
}

static int hole(void)
{
	char *map;
	int fd = make_memory(F_SEAL_SHRINK, SIZE, &map);
	struct err e;

	greet();
	if (ipc_client_register(&channel, fd, &e) < 0)
		return fail(e.what, e.code);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE))
		return fail("fallocate", errno);
	if (pwrite(file_fd, map, 65536, 0) != 65536)
		return fail("a write of zeros", errno);
	return transfer(map, 65536, 64);
}

/* Expects the server to refuse it with this error; goes on with a new connection. */
static int refused(const char *what, unsigned int type, uint64_t value, int fd, int error)
{
	struct ipc_message m = {.type = type, .value = value};
	int none;

	greet();
	if (fdpass_send(channel.sock, &m, sizeof(m), fd) ||
	    fdpass_recv(channel.sock, &m, sizeof(m), &none, 0) != sizeof(m))
		return fail(what, EPIPE);
	ipc_client_close(&channel);
	return m.error == error ? 0 : fail(what, m.error);
}

static int rude(void)
{
	char *map;
	int unsealed = make_memory(0, SIZE, &map), sealed = make_memory(F_SEAL_SHRINK, SIZE, &map), null,
	    ret, sparse = memfd_create("shm_client", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct err e;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || ftruncate(sparse, SIZE) || fcntl(sparse, F_ADD_SEALS, F_SEAL_SHRINK))
		return fail("set-up", errno);
	/* what can be cut short under the server, has no pages, is no memory at all */
	ret = refused("not sealed", IPC_REGISTER, 0, unsealed, -EPERM);
	ret |= refused("holes", IPC_REGISTER, 0, sparse, -ENODATA);
	ret |= refused("/dev/null", IPC_REGISTER, 0, null, -EINVAL);
	ret |= refused("no fd", IPC_REGISTER, 0, -1, -EPROTO);
	ret |= refused("a buffer that is not there", IPC_UNREGISTER, 0, -1, -EBADF);
	ret |= refused("a buffer far out", IPC_UNREGISTER, UINT64_MAX, -1, -EBADF);
	ret |= refused("UNREGISTER with an fd", IPC_UNREGISTER, 0, sealed, -EPROTO);
	ret |= refused("a second HELLO", IPC_HELLO, 0, -1, -EALREADY);
	/* there is no ring here */
	if (!ipc_client_connect(&channel, file_fd, 8, 0, &e) || e.code != -EINVAL)
		ret = fail("HELLO with a ring", EPROTO);
	/* twice the same memory is allowed, and one of the two may go */
	greet();
	if (ipc_client_register(&channel, sealed, &e) != 0 ||
	    ipc_client_register(&channel, sealed, &e) != 1 || ipc_client_unregister(&channel, 0, &e))
		ret = fail("the same memory twice", e.code);
	return ret ? ret : transfer(map, 65536, 64);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	const long a = argc > 3 ? strtol(argv[3], NULL, 0) : 0,
		   b = argc > 4 ? strtol(argv[4], NULL, 0) : 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	file_fd = argc > 1 ? open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC) : -1;
	if (file_fd < 0)
		return fail("opening the file", errno);
	if (!strcmp(what, "load") && a > 0)
		return load((size_t)a, b);
	if (!strcmp(what, "plain") && a > 0)
		return plain((size_t)a, b);
	if (!strcmp(what, "cycle"))
		return cycle(a);
	if (!strcmp(what, "flood"))
		return flood();
	if (!strcmp(what, "hole"))
		return hole();
	if (!strcmp(what, "rude"))
		return rude();
	return fail("what?", EINVAL);
}
