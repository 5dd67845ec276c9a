/* SPDX-License-Identifier: MIT */
/*
 * The back channel: what an `ipc` client and server agree on, and up to step 3 those of `uring-shm`, who have no
 * ring: there HELLO asks for 0 entries, and requests go through the mount.
 *
 *   1. The client opens a file on the FUSE mount and calls IPC_IOC_CHANNEL on it. The server answers
 *      with the name of a socket and a ticket for this open file: names and permissions stay the file
 *      system's. A ticket is good once; of those of one open file that nobody used, the oldest go.
 *   2. The client connects (SOCK_SEQPACKET) and sends HELLO with the ticket, without delay: the server
 *      hangs up on who says nothing. It checks ticket and peer (SO_PEERCRED), and sends back a ring:
 *      a sealed memfd.
 *   3. The client sends each memfd that holds payload with REGISTER, and gets a buffer number. The
 *      memfd is sealed with F_SEAL_SHRINK and has no holes.
 *   4. From then on both sides use the ring. The socket stays open: its end is the session's end.
 *
 * The ring is two arrays of descriptors. There are no shared indices: each descriptor carries its own
 * sequence number, written last, so that one cache line travels for a submission, and one for a
 * completion. A slot is free when the operation `entries` before has completed, which the client
 * knows; operations complete in order. A slot holds the number of its last operation or of its next one: any other is the
 * end of the session.
 *
 * Everything here lives in memory that both sides can write. The server copies a descriptor once, checks
 * the copy and uses the copy. No field that the client can write is trusted later.
 */
#ifndef ZC_IPC_H
#define ZC_IPC_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define IPC_VERSION     1
#define IPC_ENTRIES_MAX 1024
#define IPC_TICKET_SIZE 16

/* Limits for one client; the server refuses what exceeds them. */
#define IPC_BUFFERS_MAX      64
#define IPC_DMABUFS_MAX      2 /* of the buffers: each keeps a descriptor open in the server */
#define IPC_HANDLES_MAX      64
#define IPC_BUFFER_BYTES_MAX (4ULL << 30) /* all buffers of a client together */

struct ipc_channel {
	uint32_t version;
	uint32_t socket_len; /* of the abstract name, without the leading NUL */
	char socket[64];
	uint8_t ticket[IPC_TICKET_SIZE];
};

#define IPC_IOC_CHANNEL _IOR('z', 1, struct ipc_channel)

/* Control messages, one SOCK_SEQPACKET packet each. Answers have the same type. */
enum ipc_message_type {
	IPC_HELLO = 1,      /* ticket, value = wanted entries; answer: value = entries, fd = ring */
	IPC_REGISTER = 2,   /* fd; answer: value = buffer number */
	IPC_OPEN = 3,       /* ticket of another open file; answer: value = handle. HELLO's is 0. */
	IPC_UNREGISTER = 4, /* value = buffer number; only where there is no ring to say it on */
};

struct ipc_message {
	uint32_t type;
	int32_t error; /* answers: 0 or a negative errno */
	uint64_t value;
	uint8_t ticket[IPC_TICKET_SIZE];
};

enum ipc_op {
	IPC_OP_WRITE = 1,      /* buffer to file */
	IPC_OP_READ = 2,       /* file to buffer */
	IPC_OP_UNREGISTER = 3, /* buffer number in `buffer` */
	IPC_OP_CLOSE = 4,      /* handle */
	IPC_OP_FSYNC = 5,
};

/* One operation: one cache line. */
struct ipc_sqe {
	_Alignas(64) uint64_t file_offset;
	uint64_t buffer_offset;
	uint64_t tag; /* comes back in the completion */
	uint32_t length;
	uint16_t buffer;
	uint16_t handle;
	uint8_t op;
	uint8_t pad[27];
	_Atomic uint32_t seq; /* 1 + the operation's number, modulo 2^32, written last */
};

/* Four completions to a cache line. */
struct ipc_cqe {
	uint64_t tag;
	int32_t result; /* bytes, or a negative errno */
	_Atomic uint32_t seq;
};

struct ipc_ring {
	uint32_t version;
	uint32_t entries; /* a power of two; both sides remember it and do not read it again */
	/* 1: that side sleeps (or is about to) on this word with FUTEX_WAIT; whoever publishes a
	 * descriptor sets it to 0 and wakes. */
	_Alignas(64) _Atomic uint32_t server_sleeps;
	_Alignas(64) _Atomic uint32_t client_sleeps;
	_Alignas(64) struct ipc_sqe sqes[]; /* entries of these, then entries of struct ipc_cqe */
};

_Static_assert(sizeof(struct ipc_sqe) == 64, "one cache line");
_Static_assert(sizeof(struct ipc_cqe) == 16, "four to a cache line");

static inline uint64_t ipc_ring_size(uint32_t entries)
{
	uint64_t n =
		sizeof(struct ipc_ring) + entries * (sizeof(struct ipc_sqe) + sizeof(struct ipc_cqe));

	return (n + 4095) & ~4095ULL;
}

static inline struct ipc_cqe *ipc_cqes(struct ipc_ring *ring, uint32_t entries)
{
	return (struct ipc_cqe *)(ring->sqes + entries);
}

/*
 * Publishing and waiting, the same for both directions. `seq` is the number in the descriptor that one
 * side writes and the other waits for; `sleeps` the flag of the side that waits.
 *
 * The exchange is a full barrier: either the publisher sees the flag and wakes, or the waiter, which
 * looks at seq once more after it has set the flag, sees the descriptor.
 */
static inline void ipc_publish(_Atomic uint32_t *seq, uint32_t value)
{
	atomic_exchange_explicit(seq, value, memory_order_seq_cst);
}

static inline int ipc_published(_Atomic uint32_t *seq, uint32_t value)
{
	return atomic_load_explicit(seq, memory_order_acquire) == value;
}

/* After one or more ipc_publish: wakes the other side if it sleeps. */
void ipc_wake(_Atomic uint32_t *sleeps);

/* Sleeps until `seq` has `value`, `sleeps` is cleared by the other side, or timeout_ns is over; the
 * caller looks again at whatever it waits for. */
void ipc_sleep(_Atomic uint32_t *sleeps, _Atomic uint32_t *seq, uint32_t value, uint64_t timeout_ns);

#endif
