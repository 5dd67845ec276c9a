/* SPDX-License-Identifier: MIT */
/*
 * The parts of the kernel's FUSE ABI that zcbench speaks by itself: include/uapi/linux/fuse.h, with
 * the protocol version in which each appeared. Distributions ship headers older than the kernels
 * that people test, so nothing here is taken from <linux/fuse.h>, and the two are never included
 * together.
 */
#ifndef ZC_FUSE_ABI_H
#define ZC_FUSE_ABI_H

#include <stdint.h>
#include <sys/ioctl.h>

#define FUSE_ABI_MAJOR 7
#define FUSE_ABI_MINOR 46 /* the newest that this header knows; the kernel may speak less */

#define FUSE_ABI_ROOT_ID     1
#define FUSE_READ_BUFFER_MIN 8192 /* 7.1: read(2) on /dev/fuse wants at least this */

enum fuse_opcode {
	FUSE_LOOKUP = 1,
	FUSE_FORGET = 2, /* no reply */
	FUSE_GETATTR = 3,
	FUSE_SETATTR = 4,
	FUSE_READLINK = 5,
	FUSE_SYMLINK = 6,
	FUSE_MKNOD = 8,
	FUSE_MKDIR = 9,
	FUSE_UNLINK = 10,
	FUSE_RMDIR = 11,
	FUSE_RENAME = 12,
	FUSE_LINK = 13,
	FUSE_OPEN = 14,
	FUSE_READ = 15,
	FUSE_WRITE = 16,
	FUSE_STATFS = 17,
	FUSE_RELEASE = 18,
	FUSE_FSYNC = 20,
	FUSE_FLUSH = 25,
	FUSE_INIT = 26,
	FUSE_OPENDIR = 27,
	FUSE_READDIR = 28,
	FUSE_RELEASEDIR = 29,
	FUSE_FSYNCDIR = 30,
	FUSE_CREATE = 35,
	FUSE_INTERRUPT = 36, /* no reply */
	FUSE_DESTROY = 38,
	FUSE_IOCTL = 39,        /* 7.11 */
	FUSE_BATCH_FORGET = 42, /* 7.16; no reply */
	FUSE_RENAME2 = 45,      /* 7.23 */
};

/* INIT flags: the low 32 bits travel in `flags`, the high ones in `flags2` (7.36). */
#define FUSE_ASYNC_READ           (1ULL << 0)  /* 7.6 */
#define FUSE_BIG_WRITES           (1ULL << 5)  /* 7.9 */
#define FUSE_ASYNC_DIO            (1ULL << 15) /* 7.22 */
#define FUSE_PARALLEL_DIROPS      (1ULL << 18) /* 7.25 */
#define FUSE_MAX_PAGES            (1ULL << 22) /* 7.28 */
#define FUSE_INIT_EXT             (1ULL << 30) /* 7.36 */
#define FUSE_DIRECT_IO_ALLOW_MMAP (1ULL << 36) /* 7.39 */
#define FUSE_PASSTHROUGH          (1ULL << 37) /* 7.40 */
#define FUSE_OVER_IO_URING        (1ULL << 41) /* 7.42 */
#define FUSE_HAS_IO_URING_BUFPOOL (1ULL << 43) /* 7.46; the kernel's offer, not to be answered */
/* Of zcbench's own kernel series, as all *SHARED_BUF* here; the kernel's offer, not to be answered */
#define FUSE_HAS_IO_URING_SHARED_BUF (1ULL << 44)

/* OPEN reply flags */
#define FOPEN_DIRECT_IO              (1u << 0)
#define FOPEN_PARALLEL_DIRECT_WRITES (1u << 6) /* 7.38 */
#define FOPEN_PASSTHROUGH            (1u << 7) /* 7.40 */
#define FOPEN_IO_URING_ZERO_COPY     (1u << 8) /* 7.46 */

#define FATTR_SIZE (1u << 3)

struct fuse_in_header {
	uint32_t len;
	uint32_t opcode;
	uint64_t unique;
	uint64_t nodeid;
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;
	uint16_t total_extlen; /* 7.38 */
	uint16_t padding;
};

struct fuse_out_header {
	uint32_t len;
	int32_t error;
	uint64_t unique;
};

struct fuse_attr {
	uint64_t ino;
	uint64_t size;
	uint64_t blocks;
	uint64_t atime;
	uint64_t mtime;
	uint64_t ctime;
	uint32_t atimensec;
	uint32_t mtimensec;
	uint32_t ctimensec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev;
	uint32_t blksize;
	uint32_t flags; /* 7.32 */
};

struct fuse_entry_out {
	uint64_t nodeid;
	uint64_t generation;
	uint64_t entry_valid;
	uint64_t attr_valid;
	uint32_t entry_valid_nsec;
	uint32_t attr_valid_nsec;
	struct fuse_attr attr;
};

struct fuse_getattr_in {
	uint32_t getattr_flags;
	uint32_t dummy;
	uint64_t fh;
};

struct fuse_attr_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t dummy;
	struct fuse_attr attr;
};

struct fuse_setattr_in {
	uint32_t valid;
	uint32_t padding;
	uint64_t fh;
	uint64_t size;
	uint64_t lock_owner;
	uint64_t atime;
	uint64_t mtime;
	uint64_t ctime;
	uint32_t atimensec;
	uint32_t mtimensec;
	uint32_t ctimensec;
	uint32_t mode;
	uint32_t unused4;
	uint32_t uid;
	uint32_t gid;
	uint32_t unused5;
};

struct fuse_open_in {
	uint32_t flags;
	uint32_t open_flags; /* 7.31 */
};

struct fuse_open_out {
	uint64_t fh;
	uint32_t open_flags;
	int32_t backing_id; /* 7.40; padding before */
};

/* Names follow these: of what is made or found; of RENAME and SYMLINK two. */
struct fuse_forget_in {
	uint64_t nlookup;
};

struct fuse_forget_one {
	uint64_t nodeid;
	uint64_t nlookup;
};

struct fuse_batch_forget_in { /* and so many fuse_forget_one */
	uint32_t count;
	uint32_t dummy;
};

struct fuse_mknod_in {
	uint32_t mode;
	uint32_t rdev;
	uint32_t umask;
	uint32_t padding;
};

struct fuse_mkdir_in {
	uint32_t mode;
	uint32_t umask;
};

struct fuse_rename_in {
	uint64_t newdir;
};

struct fuse_rename2_in {
	uint64_t newdir;
	uint32_t flags;
	uint32_t padding;
};

struct fuse_link_in {
	uint64_t oldnodeid;
};

/* Answered by a fuse_entry_out and a fuse_open_out. */
struct fuse_create_in {
	uint32_t flags;
	uint32_t mode;
	uint32_t umask;
	uint32_t open_flags; /* 7.31 */
};

struct fuse_release_in {
	uint64_t fh;
	uint32_t flags;
	uint32_t release_flags;
	uint64_t lock_owner;
};

/* FLUSH and FSYNC begin alike: fh, then 16 more bytes or 8; neither is looked at here. */
struct fuse_flush_in {
	uint64_t fh;
	uint32_t unused;
	uint32_t padding;
	uint64_t lock_owner;
};

struct fuse_fsync_in {
	uint64_t fh;
	uint32_t fsync_flags;
	uint32_t padding;
};

struct fuse_read_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t size;
	uint32_t read_flags;
	uint64_t lock_owner;
	uint32_t flags;
	uint32_t padding;
};

struct fuse_write_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t size;
	uint32_t write_flags;
	uint64_t lock_owner;
	uint32_t flags;
	uint32_t padding;
};

struct fuse_write_out {
	uint32_t size;
	uint32_t padding;
};

struct fuse_statfs_out {
	uint64_t blocks;
	uint64_t bfree;
	uint64_t bavail;
	uint64_t files;
	uint64_t ffree;
	uint32_t bsize;
	uint32_t namelen;
	uint32_t frsize;
	uint32_t padding;
	uint32_t spare[6];
};

struct fuse_init_in {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint32_t flags2; /* 7.36 */
	uint32_t unused[11];
};

struct fuse_init_out {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran;
	uint16_t max_pages; /* 7.28 */
	uint16_t map_alignment;
	uint32_t flags2;          /* 7.36 */
	uint32_t max_stack_depth; /* 7.40 */
	uint16_t request_timeout; /* 7.43 */
	uint16_t unused[11];
};

struct fuse_ioctl_in {
	uint64_t fh;
	uint32_t flags;
	uint32_t cmd;
	uint64_t arg;
	uint32_t in_size;
	uint32_t out_size;
};

struct fuse_ioctl_out {
	int32_t result;
	uint32_t flags;
	uint32_t in_iovs;
	uint32_t out_iovs;
};

struct fuse_dirent {
	uint64_t ino;
	uint64_t off;
	uint32_t namelen;
	uint32_t type;
	char name[];
};

/* Passthrough, 7.40 */
struct fuse_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};

#define FUSE_DEV_IOC_BACKING_OPEN  _IOW(229, 1, struct fuse_backing_map)
#define FUSE_DEV_IOC_BACKING_CLOSE _IOW(229, 2, uint32_t)

/* FUSE over io_uring, 7.42 */
#define FUSE_URING_IN_OUT_HEADER_SZ 128
#define FUSE_URING_OP_IN_OUT_SZ     128

struct fuse_uring_ent_in_out {
	uint64_t flags;
	uint64_t commit_id;  /* to be given back with the commit */
	uint32_t payload_sz; /* bytes of payload, either way */
	uint32_t offset;     /* 7.46: of the payload in the queue's buffer pool, if it has one */
	/* With FUSE_URING_ENT_SHARED_BUF: index << 48 | offset from the start of the registered range. Else
	 * reserved. */
	uint64_t shared_addr;
};

/* fuse_uring_ent_in_out.flags, 7.46: the payload's pages are in the entry's registered-buffer slot */
#define FUSE_URING_ENT_ZERO_COPY (1u << 0)
/* ... the payload is in a buffer that the server registered with REG_BUF, and nowhere else */
#define FUSE_URING_ENT_SHARED_BUF (1u << 1)

#define FUSE_URING_SHARED_OFF_BITS 48
#define FUSE_URING_SHARED_BUF_MAX  1024 /* indices 0 to 1023 of a connection, chosen by the server */

struct fuse_uring_req_header {
	char in_out[FUSE_URING_IN_OUT_HEADER_SZ]; /* fuse_in_header, fuse_out_header */
	char op_in[FUSE_URING_OP_IN_OUT_SZ];      /* the per-opcode argument */
	struct fuse_uring_ent_in_out ring_ent_in_out;
};

enum fuse_uring_cmd {
	FUSE_IO_URING_CMD_REGISTER = 1,
	FUSE_IO_URING_CMD_COMMIT_AND_FETCH = 2,
	FUSE_IO_URING_CMD_ADD_QUEUE = 3,   /* 7.46 */
	FUSE_IO_URING_CMD_ADD_BUFPOOL = 4, /* 7.46 */
	FUSE_IO_URING_CMD_REG_BUF = 5,
	FUSE_IO_URING_CMD_UNREG_BUF =
		6, /* completes when the last request in that buffer has been answered */
};

/* fuse_uring_cmd_req.flags of ADD_QUEUE, 7.46; asks for CAP_SYS_ADMIN and a buffer pool */
#define FUSE_URING_ZERO_COPY (1u << 0)

/* fuse_uring_cmd_req.flags of REG_BUF: no READ goes to this buffer */
#define FUSE_URING_SHARED_BUF_READ_ONLY (1u << 0)

/* io_uring_sqe.uring_cmd_flags (linux/io_uring.h, 6.4): buf_index names a registered buffer */
#ifndef IORING_URING_CMD_FIXED
#define IORING_URING_CMD_FIXED (1u << 0)
#endif

/* At byte 48 of the 128-byte SQE. */
struct fuse_uring_cmd_req {
	uint64_t flags;
	uint64_t commit_id;
	uint16_t qid;
	uint8_t padding[6];
	union {
		struct {
			uint64_t uaddr;
			uint32_t len;
			uint32_t reserved;
		} bufpool; /* ADD_BUFPOOL, 7.46 */
		struct {
			uint64_t
				uaddr; /* in one shared mapping of the server's, as len aligned to pages */
			uint64_t len;
			uint32_t index;
			uint32_t reserved;
		} shared_buf; /* REG_BUF; UNREG_BUF: the index only */
		/* REGISTER on a zero-copy queue, 7.46: the entry's own slot in the ring's table of
		 * registered buffers. 0 on other queues. */
		uint16_t ent_zero_copy_buf_index;
	};
};

_Static_assert(sizeof(struct fuse_in_header) == 40, "ABI");
_Static_assert(sizeof(struct fuse_init_in) == 64, "ABI");
_Static_assert(sizeof(struct fuse_init_out) == 64, "ABI");
_Static_assert(sizeof(struct fuse_setattr_in) == 88, "ABI");
_Static_assert(sizeof(struct fuse_entry_out) == 128, "ABI");
_Static_assert(sizeof(struct fuse_uring_req_header) == 288, "ABI");
_Static_assert(sizeof(struct fuse_uring_cmd_req) == 48, "ABI");

#endif
