// SPDX-License-Identifier: MIT
/* The control channel and the result file; see control.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/control.h"

#define MESSAGE_MAX (1 << 20)

int control_pair(int fds[2])
{
	int size = MESSAGE_MAX;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	for (int i = 0; i < 2; i++) {
		/* FORCE needs CAP_NET_ADMIN; without it the system's limit has to do */
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
			setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	return 0;
}

int control_send(int fd, json_t *msg)
{
	char *text = json_dumps(msg, JSON_COMPACT);
	ssize_t n;

	json_decref(msg);
	if (!text)
		return -ENOMEM;
	do {
		n = send(fd, text, strlen(text), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	free(text);
	return n < 0 ? -errno : 0;
}

int control_recv(int fd, json_t **msg, uint64_t timeout_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(timeout_ns % NSEC_PER_SEC),
	};
	json_error_t je;
	ssize_t n;
	char *buf;
	int ret;

	ret = ppoll(&p, 1, timeout_ns == UINT64_MAX ? NULL : &ts, NULL);
	if (ret < 0)
		return -errno;
	if (!ret)
		return -ETIMEDOUT;
	/* MSG_TRUNC makes recv return the real length of the message */
	n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (!n)
		return -EPIPE;
	buf = malloc((size_t)n);
	if (!buf)
		return -ENOMEM;
	n = recv(fd, buf, (size_t)n, 0);
	if (n <= 0) {
		free(buf);
		return -EPIPE;
	}
	*msg = json_loadb(buf, (size_t)n, 0, &je);
	free(buf);
	return *msg ? 0 : -EPROTO;
}

json_t *json_text(const char *text)
{
	json_t *string = json_string(text);
	char ascii[sizeof(((struct err *)0)->what)];

	if (string)
		return string;
	snprintf(ascii, sizeof(ascii), "%s", text);
	for (char *p = ascii; *p; p++)
		if (*p & 0x80)
			*p = '?';
	return json_string(ascii);
}

json_t *control_error(const struct err *e)
{
	return json_pack("{s:o, s:o, s:i}", "error", json_text(e->what), "remedy", json_text(e->remedy),
			 "errno", e->code);
}

int control_is_error(const json_t *msg, struct err *e)
{
	const char *what = json_string_value(json_object_get(msg, "error"));
	const char *remedy = json_string_value(json_object_get(msg, "remedy"));
	int code = (int)json_integer_value(json_object_get(msg, "errno"));

	if (!what)
		return 0;
	if (code >= 0)
		code = -EIO;
	err_set(e, code, "%s", what);
	if (remedy)
		err_remedy(e, "%s", remedy);
	return code;
}

static int write_in_place(const json_t *obj, const char *path, struct err *e)
{
	FILE *f = fopen(path, "we");
	int ret = 0;

	if (!f)
		return err_sys(e, -errno, "cannot write %s", path);
	errno = 0;
	if (json_dumpf(obj, f, JSON_INDENT(1)) || fputc('\n', f) == EOF)
		ret = -(errno ? errno : EIO);
	if (fclose(f) && !ret)
		ret = -errno;
	return ret ? err_sys(e, ret, "cannot write %s", path) : 0;
}

int json_write_file(const json_t *obj, const char *path, struct err *e)
{
	char tmp[4096];
	struct stat st;
	int fd, ret = 0;
	FILE *f;

	/* a device, a pipe or a link (/dev/stdout is one) is written to, never replaced */
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_in_place(obj, path, e);
	if (snprintf(tmp, sizeof(tmp), "%s.tmp.%d", path, (int)getpid()) >= (int)sizeof(tmp))
		return err_sys(e, -ENAMETOOLONG, "%s", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, -errno, "cannot write %s", tmp);
	f = fdopen(fd, "w");
	if (!f) {
		ret = err_sys(e, -errno, "cannot write %s", tmp);
		close(fd);
		unlink(tmp);
		return ret;
	}
	errno = 0;
	if (json_dumpf(obj, f, JSON_INDENT(1)) || fputc('\n', f) == EOF || fflush(f) || fsync(fd))
		ret = -(errno ? errno : EIO);
	if (fclose(f) && !ret)
		ret = -errno;
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret) {
		err_sys(e, ret, "cannot write %s", path);
		unlink(tmp);
	}
	return ret;
}
