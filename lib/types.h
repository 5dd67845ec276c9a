/* SPDX-License-Identifier: MIT */
/* The few words that every part shares: which way an operation goes, and on which route a request
 * reached the server. */
#ifndef ZC_TYPES_H
#define ZC_TYPES_H

enum op {
	OP_WRITE, /* client to server */
	OP_READ,  /* server to client */
	OP_COUNT,
};

/* How the payload of one data request travelled. Servers count each request under the route that it
 * really took; a path declares the one that it promises, and a run compares the two. */
enum route {
	ROUTE_DEV,       /* bytes through read(2) and write(2) on /dev/fuse */
	ROUTE_SMALL,     /* as DEV, because libfuse does not splice what is so small */
	ROUTE_PIPE,      /* a pipe spliced from or to /dev/fuse */
	ROUTE_RING,      /* the payload buffer of a FUSE io_uring entry */
	ROUTE_POOL,      /* a part of a FUSE io_uring queue's buffer pool */
	ROUTE_ZERO_COPY, /* the client's pages themselves, in a registered-buffer slot of a ring */
	ROUTE_SHARED, /* a buffer that client and server share, named by the kernel in a ring's request */
	ROUTE_IPC,    /* the bypass ring; the payload stays in shared memory */
	ROUTE_COUNT,
	ROUTE_NONE = ROUTE_COUNT, /* the server is not on the data path */
};

/* How the client opens the mounted file, and so whether the kernel's page cache takes part. */
enum access {
	ACCESS_DIRECT,   /* O_DIRECT */
	ACCESS_BUFFERED, /* through the page cache, as an unmodified program */
	ACCESS_MMAP,     /* stores into and loads from a MAP_SHARED mapping */
	ACCESS_COUNT,
};

/* --fault: what a server breaks on purpose, so that tests see that it is caught. */
enum fault {
	FAULT_NONE,
	FAULT_CORRUPT,  /* one byte of each payload changes on the way */
	FAULT_REROUTE,  /* requests arrive by another route than they should */
	FAULT_FALLBACK, /* uring-zc does not ask for zero copy when a file is opened; uring-shm
			 * registers the first half of each buffer only */
	FAULT_POOL,     /* uring-pool, uring-zc: a pool that no largest request fits into */
	FAULT_INDEX,    /* ... a pool that was never registered */
	FAULT_SLOT,     /* uring-zc: all entries of a queue share one slot */
	FAULT_COPY,     /* each WRITE's payload is copied once more than is said */
	FAULT_MEMCPY,   /* each payload is copied once more in the server's own code, which says so */
	FAULT_SLOW,     /* each data request takes --fault-delay longer, on a CPU */
};

static const char *const fault_names[] = {"none", "corrupt", "reroute", "fallback", "pool", "index",
					  "slot", "copy",    "memcpy",  "slow",     0};
static const char *const access_names[] = {"direct", "buffered", "mmap", 0};
static const char *const op_names[] = {"write", "read", 0};
static const char *const route_names[] = {"dev",       "small",  "pipe", "ring", "pool",
					  "zero_copy", "shared", "ipc",  "none", 0};

#endif
