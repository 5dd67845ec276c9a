/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The few kernel structs that the ledger's BPF program looks into, with the members that it reads. Offsets
 * are the running kernel's: libbpf relocates them by its BTF. A member that a kernel lacks is asked for with
 * bpf_core_field_exists() before.
 */
#ifndef ZC_LEDGER_KERNEL_H
#define ZC_LEDGER_KERNEL_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct fuse_arg {
	unsigned int size;
};

struct fuse_args {
	_Bool user_pages : 1; /* pages of an O_DIRECT client */
};

struct fuse_req {
	struct fuse_args *args;
};

struct pipe_buffer;

struct fuse_copy_state {
	struct fuse_req *req;
	struct pipe_buffer *pipebufs; /* splice: a pipe is the other side */
	_Bool write : 1;              /* to the server */
	_Bool skip_folio_copy : 1;    /* 7.3: zero copy, the pages are in a registered buffer */
};

struct sk_buff {
	unsigned int data_len; /* bytes in fragments */
	unsigned int end;      /* offset from head, on 64-bit machines */
	unsigned char *head;
};

struct skb_shared_info {      /* at head + end */
	void *destructor_arg; /* of data that was sent by reference: struct ubuf_info */
};

struct msghdr {
	unsigned int msg_flags;
};

#pragma clang attribute pop

#endif
