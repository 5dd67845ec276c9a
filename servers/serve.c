// SPDX-License-Identifier: MIT
/*
 * The server process around a path: starts it, answers the control channel while it serves, ends it.
 *
 * Control messages, each answered by one: {"cmd": "stats"}, {"cmd": "verify", "seed": n, "op": "read",
 * "len": n}, {"cmd": "verify_end", "files": [bytes, ...]}, {"cmd": "chase", ...} (measure/pollution.h),
 * {"cmd": "stop"}. The end of the channel is the order to stop, so that a server never outlives the run that started it.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/control.h"
#include "lib/pattern.h"
#include "measure/pollution.h"
#include "measure/usage.h"
#include "servers/minifs_tree.h"
#include "servers/server.h"

#define CHUNK (1u << 20)

static json_t *requests_json(struct server *srv, enum op op)
{
	json_t *routes = json_object();

	for (int r = 0; r < ROUTE_COUNT; r++) {
		uint64_t requests = 0, bytes = 0;

		for (struct worker *w = srv->workers; w; w = w->next) {
			requests += atomic_load_explicit(&w->requests[op][r], memory_order_relaxed);
			bytes += atomic_load_explicit(&w->bytes[op][r], memory_order_relaxed);
		}
		if (requests)
			json_object_set_new(routes, route_names[r],
					    json_pack("{s:I, s:I}", "requests", (json_int_t)requests,
						      "bytes", (json_int_t)bytes));
	}
	return routes;
}

static json_t *stats_json(struct server *srv)
{
	uint64_t largest = 0, copied = 0, zero_copy = 0, late = 0;
	struct counts counts;
	struct usage usage;
	json_t *out;

	usage_self(&usage);
	counters_read(&srv->counters, &counts);
	pthread_mutex_lock(&srv->lock);
	for (struct worker *w = srv->workers; w; w = w->next) {
		uint64_t l = atomic_load_explicit(&w->largest, memory_order_relaxed);

		largest = l > largest ? l : largest;
		copied += atomic_load_explicit(&w->user_copied, memory_order_relaxed);
		zero_copy += atomic_load_explicit(&w->zero_copy, memory_order_relaxed);
		late += atomic_load_explicit(&w->copied_late, memory_order_relaxed);
	}
	out = json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "write", requests_json(srv, OP_WRITE),
			"read", requests_json(srv, OP_READ), "usage", usage_to_json(&usage),
			"largest_request", (json_int_t)largest, "user_copied_bytes", (json_int_t)copied,
			"verified_bytes", (json_int_t)atomic_load(&srv->verified_bytes), "verify_errors",
			(json_int_t)atomic_load(&srv->verify_errors));
	if (srv->sink.ops->needs_tcp)
		json_object_set_new(out, "sent",
				    json_pack("{s:I, s:I, s:I}", "zero_copy_bytes",
					      (json_int_t)zero_copy, "copied_late_bytes",
					      (json_int_t)late, "retransmitted_bytes",
					      (json_int_t)srv->sink.ops->resent(&srv->sink)));
	if (atomic_load(&srv->verify_errors))
		json_object_set_new(out, "verify_error", json_string(srv->verify_error.what));
	json_object_set_new(out, "counters", counts_to_json(&srv->counters, &counts));
	pthread_mutex_unlock(&srv->lock);
	return out;
}

/* Goes through what a storing sink holds: compares it with the pattern, or writes the pattern. */
static int sink_stored(struct server *srv, bool check, unsigned int file, uint64_t len, uint64_t seed,
		       struct err *e)
{
	struct worker *w = worker_get(srv);
	struct sink_tally tally = {0}; /* not a client's: not counted */
	int ret = w ? 0 : -ENOMEM;
	void *buf;

	if (ret || posix_memalign(&buf, 4096, CHUNK))
		return err_sys(e, -ENOMEM, "verification");
	for (uint64_t o = 0; o < len && !ret; o += CHUNK) {
		size_t n = len - o < CHUNK ? len - o : CHUNK;
		/* a whole number of blocks, for O_DIRECT; the rest is not looked at */
		size_t io = (n + 4095) & ~(size_t)4095;
		int64_t bad = -1;

		if (io > srv->sink.config.file_size - o)
			io = srv->sink.config.file_size - o;
		if (!check) {
			pattern_fill(buf, io, o, seed);
			ret = srv->sink.ops->write(&srv->sink, w->sink_thread, file, o, buf, io, &tally);
		} else {
			ret = srv->sink.ops->read(&srv->sink, w->sink_thread, file, o, buf, io, &tally);
			if (!ret)
				bad = pattern_check(buf, n, o, seed);
		}
		if (ret)
			err_sys(e, ret, "data%u: %s the store", file, check ? "reading" : "filling");
		else if (bad >= 0)
			ret = err_set(e, -EILSEQ,
				      "data%u: byte %" PRIu64
				      " that was stored is not what the client wrote",
				      file, o + (uint64_t)bad);
	}
	free(buf);
	return ret;
}

static int stored(struct server *srv, bool check, unsigned int file, uint64_t len, uint64_t seed,
		  struct err *e)
{
	if (sink_stores(&srv->sink))
		return sink_stored(srv, check, file, len, seed, e);
	if (check && srv->path->check_stored)
		return srv->path->check_stored(srv, file, len, seed, e);
	if (!check && srv->path->fill_stored)
		return srv->path->fill_stored(srv, file, len, seed, e);
	return 0;
}

static json_t *verify_begin(struct server *srv, const json_t *msg)
{
	uint64_t seed = (uint64_t)json_integer_value(json_object_get(msg, "seed"));
	uint64_t len = (uint64_t)json_integer_value(json_object_get(msg, "len"));
	const char *op = json_string_value(json_object_get(msg, "op"));
	struct err e;

	if (len > srv->fs.max_size)
		len = srv->fs.max_size;
	for (unsigned int i = 0; op && !strcmp(op, "read") && i < srv->fs.files; i++)
		if (stored(srv, false, i, len, seed + i, &e))
			return control_error(&e);
	if (srv->sink.ops->verify && srv->sink.ops->verify(&srv->sink, seed, &e))
		return control_error(&e);
	srv->verify_seed = seed;
	atomic_store(&srv->verified_bytes, 0);
	atomic_store(&srv->verify_errors, 0);
	atomic_store_explicit(&srv->verify, true, memory_order_release);
	return json_pack("{s:b}", "ok", 1);
}

/* `files` has the bytes that clients wrote to each file, from its start; empty for READ. */
static json_t *verify_end(struct server *srv, const json_t *msg)
{
	const json_t *files = json_object_get(msg, "files");
	uint64_t checked = 0, forwarded = 0;
	bool has_store = sink_stores(&srv->sink) || srv->path->check_stored;
	json_t *answer;
	struct err e;

	atomic_store_explicit(&srv->verify, false, memory_order_release);
	for (size_t i = 0; has_store && i < json_array_size(files) && i < srv->fs.files; i++) {
		uint64_t len = (uint64_t)json_integer_value(json_array_get(files, i));

		if (len > srv->fs.max_size)
			len = srv->fs.max_size;
		if (stored(srv, true, (unsigned int)i, len, srv->verify_seed + i, &e))
			return control_error(&e);
		checked += len;
	}
	answer = json_pack("{s:o, s:I}", "stats", stats_json(srv), "stored_bytes_checked",
			   (json_int_t)checked);
	if (srv->sink.ops->verified) {
		if (srv->sink.ops->verified(&srv->sink, &forwarded, &e)) {
			json_decref(answer);
			return control_error(&e);
		}
		json_object_set_new(answer, "forwarded_bytes_checked",
				    json_integer((json_int_t)forwarded));
	}
	return answer;
}

/* Answers one control message. False: stop. */
static bool control(struct server *srv, int fd)
{
	json_t *msg = NULL, *answer;
	const char *cmd;
	bool go_on = true;

	if (control_recv(fd, &msg, 0))
		return false; /* the run is gone */
	cmd = json_string_value(json_object_get(msg, "cmd"));
	if (!cmd || !strcmp(cmd, "stop")) {
		answer = json_pack("{s:b}", "ok", 1);
		go_on = false;
	} else if (!strcmp(cmd, "stats")) {
		answer = stats_json(srv);
	} else if (!strcmp(cmd, "verify")) {
		answer = verify_begin(srv, msg);
	} else if (!strcmp(cmd, "verify_end")) {
		answer = verify_end(srv, msg);
	} else if (!strcmp(cmd, "chase")) {
		answer = pollution_order(msg, fd);
	} else {
		answer = json_pack("{s:s}", "error", "unknown command");
	}
	json_decref(msg);
	return !control_send(fd, answer) && go_on;
}

static void announce(const struct serve_config *c)
{
	fprintf(stderr, "zcbench: serving %s with sink %s on %s; Ctrl-C or umount ends it\n",
		c->path->name, c->sink->name, c->mountpoint);
}

/* Until the control channel, a signal or the end of the mount says stop. Returns whether the mount
 * ended by itself. */
static bool wait_for_end(struct server *srv, const struct serve_config *c, int signal_fd)
{
	struct pollfd fds[3] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = srv->died_fd, .events = POLLIN},
		{.fd = c->control_fd, .events = POLLIN},
	};

	for (;;) {
		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[1].revents)
			return true;
		if (fds[0].revents)
			return false;
		if (fds[2].revents && !control(srv, c->control_fd))
			return false;
	}
}

static int check_tree(const struct serve_config *c, struct err *e)
{
	if (!c->path->tree)
		return err_remedy(
			(err_set(e, -EOPNOTSUPP, "path %s serves a fixed set of files, and no --tree",
				 c->path->name),
			 e),
			"zcbench serve ipc MOUNTPOINT --tree ...; every path serves programs that write "
			"to files "
			"which exist");
	if (!c->sink->add || !c->sink_config.file)
		return err_remedy(
			(err_set(e, -EINVAL,
				 "--tree needs a sink that keeps files, and a folder for them"),
			 e),
			"--sink file --file FOLDER, /dev/shm for one");
	return 0;
}

static int start(struct server *srv, const struct serve_config *c, struct err *e)
{
	const char *why = c->path->refuses_sink ? c->path->refuses_sink(c->sink) : NULL;
	int ret;

	if (why)
		return err_set(e, -EOPNOTSUPP, "path %s with sink %s: %s", c->path->name, c->sink->name,
			       why);
	if (c->sink->needs_file && !c->sink_config.file)
		return err_remedy((err_set(e, -EINVAL, "sink %s needs --file PATH", c->sink->name), e),
				  "--file /dev/shm/zcbench.dat (memory) or a path on the disk to test");
	if (c->sink->needs_tcp && !c->sink_config.tcp)
		return err_remedy(
			(err_set(e, -EINVAL, "sink %s needs --tcp HOST:PORT", c->sink->name), e),
			"zcbench sink --listen 127.0.0.1:7447, and then --tcp 127.0.0.1:7447");
	if (srv->sink.config.send == SEND_AUTO)
		srv->sink.config.send =
			c->path->expect[OP_WRITE].copies > 0 ? SEND_COPY : SEND_ZERO_COPY;
	if (c->sink_config.tree && (ret = check_tree(c, e)))
		return ret;
	ret = c->sink_config.tree
		      ? minifs_tree_init(&srv->fs, c->sink_config.file_size)
		      : minifs_init(&srv->fs, c->sink_config.files, c->sink_config.file_size);
	srv->sink.config.files = srv->fs.files;
	if (ret)
		return err_sys(e, ret, "%u files of %" PRIu64 " bytes", c->sink_config.files,
			       c->sink_config.file_size);
	if (c->sink->open && (ret = c->sink->open(&srv->sink, e)))
		return ret;
	ret = c->path->start(srv, e);
	if (ret && c->sink->close)
		c->sink->close(&srv->sink);
	if (!ret && c->sink->describe)
		c->sink->describe(&srv->sink, srv->evidence);
	return ret;
}

int serve(const struct serve_config *c)
{
	/* never freed: threads that hang in the kernel may still look at it while the process ends */
	struct server *srv = calloc(1, sizeof(*srv));
	const uint64_t began = clock_ns();
	struct err e = {0};
	sigset_t set;
	int signal_fd, ret;
	bool died;

	if (!srv)
		return 1;
	prctl(PR_SET_NAME, "zcbench-server"); /* for top and perf */
	srv->path = c->path;
	srv->mountpoint = realpath(c->mountpoint, NULL); /* as the kernel lists it */
	if (!srv->mountpoint)
		srv->mountpoint = c->mountpoint; /* the mount will say what is wrong */
	srv->sink = (struct sink){.ops = c->sink, .config = c->sink_config};
	srv->direct_io = c->direct_io;
	srv->shares_cpu = c->shares_cpu;
	srv->max_io = c->max_io;
	srv->fault = c->fault;
	srv->fault_delay_ns = c->fault_delay_ns;
	srv->evidence = json_object();
	srv->died_fd = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&srv->lock, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread exists: all inherit it */
	signal(SIGPIPE, SIG_IGN);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);

	/* before any thread exists, for the same reason */
	counters_open(&srv->counters, &c->events, 0, -1);
	ret = start(srv, c, &e);
	if (ret) {
		if (c->control_fd >= 0)
			control_send(c->control_fd, control_error(&e));
		else
			err_print(&e);
		return ret == -EOPNOTSUPP ? 77 : 1;
	}
	if (c->control_fd >= 0)
		control_send(c->control_fd, json_pack("{s:O, s:I}", "ready", srv->evidence, "setup_ns",
						      (json_int_t)(clock_ns() - began)));
	else
		announce(c);
	died = wait_for_end(srv, c, signal_fd);
	c->path->stop(srv);
	if (c->sink->close)
		c->sink->close(&srv->sink);
	if (died && c->control_fd >= 0) {
		fprintf(stderr, "zcbench: server %s: the mount ended by itself\n", c->path->name);
		return 1;
	}
	return 0;
}
