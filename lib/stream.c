// SPDX-License-Identifier: MIT
/* The wire between sink `tcp` and its receiver; see stream.h. */
#include <endian.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/stream.h"
#include "lib/units.h"

#define BACKLOG 128

struct stream_frame stream_frame(enum stream_op op, uint64_t session, uint32_t file, uint64_t offset,
				 uint32_t length)
{
	return (struct stream_frame){
		.magic = htole32(STREAM_MAGIC),
		.op = htole16((uint16_t)op),
		.session = htole64(session),
		.offset = htole64(offset),
		.length = htole32(length),
		.file = htole32(file),
	};
}

/* Splits and resolves; the list is the caller's to free. */
static int resolve(const char *address, int flags, struct addrinfo **out, struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
	const char *colon = strrchr(address, ':');
	uint64_t port;
	char host[256];
	size_t len = colon ? (size_t)(colon - address) : 0;
	int ret;

	if (len > 1 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	/* getaddrinfo takes 99999 for 34463 */
	if (!len || len >= sizeof(host) || parse_uint(colon + 1, 0, 65535, &port))
		return err_remedy((err_set(e, -EINVAL, "'%s' is not HOST:PORT", address), e),
				  "127.0.0.1:7447, server.example:7447 or [::1]:7447");
	memcpy(host, address, len);
	host[len] = '\0';
	ret = getaddrinfo(host, colon + 1, &hints, out);
	if (ret)
		return err_set(e, -EINVAL, "%s: %s", address, gai_strerror(ret));
	return 0;
}

static int open_socket(const struct addrinfo *a, bool listening)
{
	const int one = 1;
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol), ret;

	if (fd < 0)
		return -errno;
	if (listening) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		ret = bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, BACKLOG);
	} else {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		do {
			ret = connect(fd, a->ai_addr, a->ai_addrlen);
		} while (ret && errno == EINTR);
	}
	if (ret) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static int open_any(const char *address, bool listening, struct err *e)
{
	struct addrinfo *list;
	int fd = resolve(address, listening ? AI_PASSIVE : 0, &list, e);

	if (fd)
		return fd;
	fd = -EADDRNOTAVAIL;
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = open_socket(a, listening);
	freeaddrinfo(list);
	return fd < 0 ? err_sys(e, fd, "%s %s", listening ? "listening on" : "connecting to", address)
		      : fd;
}

int stream_connect(const char *address, struct err *e)
{
	return open_any(address, false, e);
}

int stream_listen(const char *address, struct err *e)
{
	return open_any(address, true, e);
}

int stream_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len))
		return -errno;
	return ntohs(a.any.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port);
}

int stream_send(int fd, const void *data, size_t len, int flags)
{
	while (len) {
		ssize_t n = send(fd, data, len, flags | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data = (const char *)data + n;
		len -= (size_t)n;
	}
	return 0;
}

int stream_recv(int fd, void *data, size_t len, int flags)
{
	while (len) {
		ssize_t n = recv(fd, data, len, flags | MSG_WAITALL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EPIPE;
		if (!(flags & MSG_TRUNC)) /* discarded: nothing was stored */
			data = (char *)data + n;
		len -= (size_t)n;
	}
	return 0;
}
