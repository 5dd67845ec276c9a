/* SPDX-License-Identifier: MIT */
/*
 * What all reference servers share: the process around a path, the counters of its threads, the
 * way of every payload from a path into a sink, and verification.
 *
 * To add a path: a file path_NAME.c that ends in its struct path_ops, and a line in paths.c.
 */
#ifndef ZC_SERVER_H
#define ZC_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/err.h"
#include "lib/options.h"
#include "lib/types.h"
#include "measure/counters.h"
#include "servers/minifs.h"
#include "servers/sink.h"

struct server;

/* How a client reaches the payload side of a path. */
enum client_io {
	CLIENT_FUSE, /* system calls on the mounted file */
	CLIENT_IPC,  /* the bypass ring found through the mounted file */
	CLIENT_SHARED, /* system calls on the mounted file, from memory that was shared with the server before */
};

static const char *const client_io_names[] = {"fuse", "ipc", "shared"};

/* What a path promises for one op: compared with what was counted. */
struct expect {
	enum route route; /* every data request arrives on it */
	double copies;    /* copied bytes / payload bytes, before the sink's own work, O_DIRECT */
	unsigned int
		tolerates; /* bits of other routes that single requests may take for a good reason */
	double tolerated_copies;      /* `copies` of those */
	enum handing tolerated_hands; /* and how the sink gets their payload */
	const char *tolerates_if;     /* only if the evidence says so, in this member; NULL: always */
};

struct path_ops {
	const char *name;
	const char *help;  /* one line for `zcbench list` */
	const char *needs; /* kernel version and libraries, one line */
	enum client_io client;
	struct expect expect[OP_COUNT];
	enum handing hands[OP_COUNT]; /* how the sink gets the payload of a request on that route */
	bool tree;         /* takes serve --tree: serves requests that make and remove files */
	bool maps;         /* takes --mmap: the server has the pages that clients map */
	const char *reads; /* what the server reads when it looks at a payload, for `zcbench list` */

	/* Optional: the copies that the path promises, where they depend on more than the op. `direct`: the
	 * sink's file is opened with O_DIRECT, if it has one. */
	double (*copies)(enum op op, const struct sink_ops *sink, enum access access, bool direct);

	/* Optional: smaller blocks than this do not take the path's route at all, and why. */
	uint64_t least_block[OP_COUNT];
	const char *least_why;

	/* Optional: a kernel setting that this path needs (a file below /sys or /proc, and its value),
	 * which `run --setup` switches on for a run. */
	const char *setting, *setting_value;

	/* Options of its own, with their values; NULL if none. */
	const struct opt *options;
	void *option_values;

	/* Optional: NULL if this path can serve the sink, else why it never will. */
	const char *(*refuses_sink)(const struct sink_ops *sink);

	/* Optional: why it cannot serve sink file with --file on a block device. */
	const char *refuses_device;

	/* Required: mounts, negotiates and starts its threads. Called by the main thread with the
	 * sink open. Must refuse, with the reason and the remedy, when the kernel does not give it
	 * what it is named after; it cleans up after itself then. Puts what was negotiated into
	 * srv->evidence. Returns when clients can be served. */
	int (*start)(struct server *srv, struct err *e);

	/* Required: unmounts, ends and joins all threads. Called once by the main thread, also after
	 * the mount died. */
	void (*stop)(struct server *srv);

	/* Optional: checks what a verification pass left behind, for payloads that this server never
	 * saw: the first `len` bytes of file against the pattern of `seed`. Returns 0, -EILSEQ with
	 * the place in e, or another negative errno. */
	int (*check_stored)(struct server *srv, unsigned int file, uint64_t len, uint64_t seed,
			    struct err *e);
	/* Optional, its counterpart for READ: makes the file's contents the pattern of `seed`. */
	int (*fill_stored)(struct server *srv, unsigned int file, uint64_t len, uint64_t seed,
			   struct err *e);
};

extern const struct path_ops *const paths[]; /* ends with NULL */
extern const char *path_names[];             /* the same, for option tables */
const struct path_ops *path_find(const char *name);

/* The copy factor that a path promises, before the sink's own work: `copies` of its table, and with
 * --buffered one more, between the client's buffer and the page cache. */
double path_copies(const struct path_ops *path, enum op op, const struct sink_ops *sink,
		   enum access access, bool direct);

/* One for each server thread; only its thread writes, the main thread reads while it runs. */
struct worker {
	_Alignas(64) _Atomic uint64_t requests[OP_COUNT][ROUTE_COUNT];
	_Atomic uint64_t bytes[OP_COUNT][ROUTE_COUNT];
	_Atomic uint64_t largest;     /* payload bytes of the largest data request */
	_Atomic uint64_t user_copied; /* bytes that this server copied in user space */
	_Atomic uint64_t zero_copy;   /* bytes that its sink sent by reference */
	_Atomic uint64_t copied_late; /* ... and that the kernel then copied after all */
	struct server *srv;
	void *sink_thread;
	struct worker *next;
};

struct server {
	const struct path_ops *path;
	const char *mountpoint;
	struct sink sink;
	struct minifs fs;
	bool direct_io;   /* files are opened with FOPEN_DIRECT_IO */
	uint64_t max_io;  /* wanted payload bytes of one request */
	bool shares_cpu;  /* clients run on this server's CPUs: do not spin by default */
	json_t *evidence; /* what was negotiated; the same in every round of a cell */
	void *path_state; /* the path's own */
	void *channel;    /* that of the back channel, on paths that have one (ipc_channel_start) */
	int died_fd;      /* eventfd: a path writes to it when its mount or engine ended by itself */
	enum fault fault; /* --fault: break on purpose, for tests */
	uint64_t fault_delay_ns;

	pthread_mutex_t lock; /* workers, verification errors */
	struct worker *workers;

	/* Verification. `verify` is read by every data request. */
	atomic_bool verify;
	uint64_t verify_seed;
	_Atomic uint64_t verified_bytes;
	_Atomic uint64_t verify_errors;
	struct err verify_error; /* the first */

	struct counters counters;
};

/* The calling thread's worker; makes it on the first call. NULL if out of memory or if the sink
 * refused the thread. */
struct worker *worker_get(struct server *srv);

/* After a request of this worker broke off anywhere in the sink (servers/sigbus.h): gives it a new state there,
 * without which it must not serve any more. No thread uses w meanwhile. 0 or a negative errno. */
int worker_renew(struct worker *w);

/*
 * The way of every payload. `data` may be memory that the client can change at any time; it is
 * read once for the sink (and once more where verification is on). Both count the request under
 * `route`, verify, and return 0 for all of `len` or a negative errno. len is at most what the path
 * negotiated. server_read fills len bytes of data.
 */
int server_write(struct worker *w, enum route route, unsigned int file, uint64_t offset,
		 const void *data, size_t len);
int server_read(struct worker *w, enum route route, unsigned int file, uint64_t offset, void *data,
		size_t len);

/* The sink's descriptor for a file, to which or from which a payload can go unseen (at sink_place). -1: there
 * is none, or a verification pass wants to see the payload, of which the sink would keep nothing. */
int server_fd(struct server *srv, unsigned int file);

/* Counts a request whose payload the caller moved itself. */
void server_count(struct worker *w, enum op op, enum route route, size_t len);

/* Counts one user-space copy of len bytes (the *declared* part of the copy ledger). */
static inline void server_copied(struct worker *w, size_t len)
{
	atomic_store_explicit(&w->user_copied,
			      atomic_load_explicit(&w->user_copied, memory_order_relaxed) + len,
			      memory_order_relaxed);
}

/* Adds what a sink did for a payload that the caller moved itself. */
void server_tally(struct worker *w, const struct sink_tally *tally);

/* Keeps an inode for somebody, and n times no longer: the contents of a file that has ended go, too. Of a fixed set
 * of files nothing ever ends. 0, or -ESTALE: it has ended. */
int server_hold(struct server *srv, uint64_t ino);
void server_release(struct server *srv, uint64_t ino, uint64_t n);
/* What minifs_tree.h says has gone; 0: nothing. */
void server_gone(struct server *srv, uint64_t ino);

/* Says that the path ended by itself: the main thread stops serving. Async-signal-safe. */
void server_died(struct server *srv);

/* What to run, from `zcbench serve` (servers/serve.c). */
struct serve_config {
	const struct path_ops *path;
	const struct sink_ops *sink;
	const char *mountpoint;
	struct sink_config sink_config;
	bool direct_io;
	bool shares_cpu;
	uint64_t max_io;
	int control_fd; /* -1: in the foreground, until a signal or an unmount */
	enum fault fault;
	uint64_t fault_delay_ns; /* of FAULT_SLOW */
	struct events events;    /* to count, and to tell with "stats" */
};

/* Runs one server until told to stop. Returns the exit status of the process. */
int serve(const struct serve_config *config);

#endif
