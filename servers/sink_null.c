// SPDX-License-Identifier: MIT
/* Sink `null`: drops the payload of a WRITE; a READ's payload is whatever its buffer holds. What
 * remains is the cost of the path alone. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "servers/sink.h"

static int null_open(struct sink *sink, struct err *e)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, -errno, "sink null: cannot open /dev/null");
	sink->state = (void *)(intptr_t)fd;
	return 0;
}

static void null_close(struct sink *sink)
{
	close((int)(intptr_t)sink->state);
}

static int null_write(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
		      const void *data, size_t len, struct sink_tally *tally)
{
	(void)sink, (void)thread, (void)file, (void)offset, (void)data, (void)len, (void)tally;
	return 0;
}

static int null_read(struct sink *sink, void *thread, unsigned int file, uint64_t offset, void *data,
		     size_t len, struct sink_tally *tally)
{
	(void)sink, (void)thread, (void)file, (void)offset, (void)data, (void)len, (void)tally;
	return 0;
}

/* Drops page references: /dev/null's splice copies nothing, and keeps the pipe for the next one. */
static int null_write_pipe(struct sink *sink, void *thread, unsigned int file, uint64_t offset,
			   int pipe_fd, size_t len, struct sink_tally *tally)
{
	(void)thread, (void)file, (void)offset, (void)tally;
	while (len) {
		ssize_t n = splice(pipe_fd, NULL, (int)(intptr_t)sink->state, NULL, len, 0);

		if (n <= 0)
			return n ? -errno : -EIO;
		len -= (size_t)n;
	}
	return 0;
}

const struct sink_ops sink_null = {
	.name = "null",
	.help = "drops the payload: the cost of the path alone",
	.ignores = true,
	.open = null_open,
	.close = null_close,
	.write = null_write,
	.read = null_read,
	.write_pipe = null_write_pipe,
};
