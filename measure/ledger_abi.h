/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the copy ledger's BPF program and its loader agree on. Included by both. */
#ifndef ZC_LEDGER_ABI_H
#define ZC_LEDGER_ABI_H

/* The kernel's functions that move payload on our paths; names as in kallsyms. Each counts what it copied
 * by itself; those that call another of them are left out, so that no byte is counted twice. */
#define LEDGER_FUNCTIONS_OF(X)                                                                          \
	X(fuse_copy_args)                                                                               \
	X(replace_page_cache_folio)                                                                     \
	X(fuse_perform_write)                                                                           \
	X(generic_perform_write)                                                                        \
	X(iomap_file_buffered_write)                                                                    \
	X(filemap_read)                                                                                 \
	X(shmem_file_read_iter)                                                                         \
	X(anon_pipe_read)                                                                               \
	X(anon_pipe_write)                                                                              \
	X(pipe_read)                                                                                    \
	X(pipe_write)                                                                                   \
	X(tcp_sendmsg_locked)                                                                           \
	X(skb_zerocopy_iter_stream)                                                                     \
	X(skb_copy_ubufs)                                                                               \
	X(tcp_recvmsg)

#define LEDGER_ENUM(name) LEDGER_##name,
enum ledger_function { LEDGER_FUNCTIONS_OF(LEDGER_ENUM) LEDGER_FUNCTIONS };

/* Whose thread group copies. What the network does in softirq context runs on top of whoever was there. */
enum ledger_role { LEDGER_CLIENT, LEDGER_SERVER, LEDGER_SOFTIRQ, LEDGER_ROLES };

struct ledger_count {
	unsigned long long bytes, calls;
};

#define LEDGER_CELLS          (LEDGER_FUNCTIONS * LEDGER_ROLES)
#define LEDGER_CELL(fn, role) ((fn)*LEDGER_ROLES + (role))
#define LEDGER_PROCESSES      1024 /* clients and servers at a time */

#endif
