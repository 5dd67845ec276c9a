// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The copy ledger's BPF program: counts the bytes that the kernel copies for the clients and the servers of a
 * round, by function and role. See ledger.h.
 *
 * memcpy, copy_to_user and the iov_iter functions cannot be traced; what is counted are their callers on
 * the way of a payload, once for each call and not for each page, after they returned. Each function is
 * hooked by fexit, or by a kprobe and a kretprobe where the kernel has no BPF trampolines: the loader
 * takes one kind or the other. Both end in the same counting function.
 */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ledger_abi.h"
#include "ledger_kernel.h"

#define MSG_PEEK         0x2
#define MSG_TRUNC        0x20
#define MSG_SPLICE_PAGES 0x8000000 /* the kernel's own: pages of a pipe by reference */

typedef unsigned long long u64;
typedef long long s64;
typedef unsigned int u32;

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile unsigned long long page_size = 4096;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LEDGER_CELLS);
	__type(key, u32);
	__type(value, struct ledger_count);
} counts SEC(".maps");

/* Thread group to role. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LEDGER_PROCESSES);
	__type(key, u32);
	__type(value, u32);
} roles SEC(".maps");

/* What our processes sent by reference (struct ubuf_info *), until others use that memory for theirs. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u32);
} references SEC(".maps");

/* Kprobes only: the arguments of a call until it returns. */
struct call {
	u64 a, b, c, d, e;
};
struct call_key {
	u64 task;
	u64 function;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct call_key);
	__type(value, struct call);
} calls SEC(".maps");

/* Of the running task, or none. */
static __always_inline u32 *role_of_task(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&roles, &tgid);
}

static __always_inline int add_as(enum ledger_function fn, u32 role, u64 bytes)
{
	u32 key = LEDGER_CELL(fn, role);
	struct ledger_count *c = bpf_map_lookup_elem(&counts, &key);

	if (c) {
		c->bytes += bytes;
		c->calls++;
	}
	return 0;
}

/* For functions that return how much they did, or a negative errno. */
static __always_inline int add(enum ledger_function fn, s64 bytes)
{
	u32 *role = bytes > 0 ? role_of_task() : NULL;

	return role ? add_as(fn, *role, bytes) : 0;
}

/*
 * fuse_copy_args(cs, numargs, argpages, args, zeroing): one request's arguments between the kernel and a
 * server. The payload of READ and WRITE is the last argument, in pages; the others are headers, and no
 * payload. Nothing is copied for a zero-copy request, nor where page-cache pages go into a pipe.
 */
static __always_inline int count_fuse_copy_args(u64 cs_arg, u64 numargs, u64 argpages, u64 args_arg,
						s64 ret)
{
	struct fuse_copy_state *cs = (void *)cs_arg;
	struct fuse_arg *args = (void *)args_arg;
	u32 *role;
	u32 n = numargs, size;

	if ((int)ret || !(u32)argpages || !n)
		return 0;
	role = role_of_task();
	if (!role)
		return 0;
	if (bpf_core_field_exists(cs->skip_folio_copy) &&
	    BPF_CORE_READ_BITFIELD_PROBED(cs, skip_folio_copy))
		return 0;
	if (BPF_CORE_READ(cs, pipebufs) && BPF_CORE_READ_BITFIELD_PROBED(cs, write)) {
		struct fuse_args *a = BPF_CORE_READ(cs, req, args);

		if (!bpf_core_field_exists(a->user_pages) ||
		    !BPF_CORE_READ_BITFIELD_PROBED(a, user_pages))
			return 0;
	}
	/* the size of an element is the kernel's, as is the offset of the member */
	args = (void *)args_arg + (u64)(n - 1) * bpf_core_type_size(struct fuse_arg);
	size = BPF_CORE_READ(args, size);
	return size ? add_as(LEDGER_fuse_copy_args, *role, size) : 0;
}

/* Only from FUSE: a page of a pipe became one of the page cache, instead of being copied. To subtract. */
static __always_inline int count_replace_page_cache_folio(void)
{
	return add(LEDGER_replace_page_cache_folio, page_size);
}

static __always_inline int count_fuse_perform_write(s64 ret)
{
	return add(LEDGER_fuse_perform_write, ret);
}

static __always_inline int count_generic_perform_write(s64 ret)
{
	return add(LEDGER_generic_perform_write, ret);
}

static __always_inline int count_iomap_file_buffered_write(s64 ret)
{
	return add(LEDGER_iomap_file_buffered_write, ret);
}

static __always_inline int count_filemap_read(u64 iocb, u64 iter, u64 already_read, s64 ret)
{
	return add(LEDGER_filemap_read, ret > 0 ? ret - (s64)already_read : ret);
}

static __always_inline int count_shmem_file_read_iter(s64 ret)
{
	return add(LEDGER_shmem_file_read_iter, ret);
}

/* Two names of the same: which it is depends on the kernel's version. */
static __always_inline int count_anon_pipe_read(s64 ret)
{
	return add(LEDGER_anon_pipe_read, ret);
}

static __always_inline int count_anon_pipe_write(s64 ret)
{
	return add(LEDGER_anon_pipe_write, ret);
}

static __always_inline int count_pipe_read(s64 ret)
{
	return add(LEDGER_pipe_read, ret);
}

static __always_inline int count_pipe_write(s64 ret)
{
	return add(LEDGER_pipe_write, ret);
}

/* All that was sent but pages of a pipe. What MSG_ZEROCOPY and SEND_ZC sent by reference is counted by the
 * next one, to subtract. */
static __always_inline int count_tcp_sendmsg_locked(u64 sk, u64 msg_arg, s64 ret)
{
	struct msghdr *msg = (void *)msg_arg;

	if (BPF_CORE_READ(msg, msg_flags) & MSG_SPLICE_PAGES)
		return 0;
	return add(LEDGER_tcp_sendmsg_locked, (int)ret);
}

static __always_inline int count_skb_zerocopy_iter_stream(u64 sk, u64 skb, u64 msg, u64 len, u64 uarg,
							  s64 ret)
{
	u32 *role = role_of_task();

	if (role)
		bpf_map_update_elem(&references, &uarg, role, BPF_ANY);
	else
		bpf_map_delete_elem(&references, &uarg);
	return add(LEDGER_skb_zerocopy_iter_stream, (int)ret);
}

/* Data sent by reference must not leave by this way (loopback, a tap, a capture): copied after all, for
 * whom the reference says. */
static __always_inline int count_skb_copy_ubufs(u64 skb_arg, s64 ret)
{
	struct sk_buff *skb = (void *)skb_arg;
	u32 len = BPF_CORE_READ(skb, data_len);
	struct skb_shared_info *shared;
	u64 uarg;

	if ((int)ret || !len)
		return 0;
	shared = (void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end));
	uarg = (u64)BPF_CORE_READ(shared, destructor_arg);
	if (!bpf_map_lookup_elem(&references, &uarg))
		return 0;
	return add_as(LEDGER_skb_copy_ubufs, LEDGER_SOFTIRQ, len);
}

static __always_inline int count_tcp_recvmsg(u64 sk, u64 msg, u64 len, u64 flags, s64 ret)
{
	return (u32)flags & (MSG_TRUNC | MSG_PEEK) ? 0 : add(LEDGER_tcp_recvmsg, (int)ret);
}

/* Kprobes: the call is remembered where it begins. */
static __always_inline int begin(enum ledger_function fn, struct pt_regs *ctx)
{
	struct call_key key = {bpf_get_current_pid_tgid(), fn};
	struct call call = {PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx),
			    PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx)};

	/* these look at who it is by themselves */
	if (fn == LEDGER_skb_copy_ubufs || fn == LEDGER_skb_zerocopy_iter_stream || role_of_task())
		bpf_map_update_elem(&calls, &key, &call, BPF_ANY);
	return 0;
}

static __always_inline int end(enum ledger_function fn, struct call *out)
{
	struct call_key key = {bpf_get_current_pid_tgid(), fn};
	struct call *call = bpf_map_lookup_elem(&calls, &key);

	if (!call)
		return 0;
	*out = *call;
	bpf_map_delete_elem(&calls, &key);
	return 1;
}

static __always_inline s64 returned(u64 *ctx)
{
	u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	return ret;
}

/*
 * The programs of one function, with what its counter takes of the arguments: `fexit` from the trampoline's
 * context, `kprobe` from the remembered call `c`. Both can use `ret`, what the function returned.
 */
#define HOOK(function, fexit, kprobe)                                                                   \
	SEC("fexit/" #function) int fexit_##function(u64 *ctx)                                          \
	{                                                                                               \
		s64 ret = returned(ctx);                                                                \
                                                                                                        \
		(void)ret;                                                                              \
		return count_##function fexit;                                                          \
	}                                                                                               \
	SEC("kprobe/" #function) int kprobe_##function(struct pt_regs *ctx)                             \
	{                                                                                               \
		return begin(LEDGER_##function, ctx);                                                   \
	}                                                                                               \
	SEC("kretprobe/" #function) int kretprobe_##function(struct pt_regs *ctx)                       \
	{                                                                                               \
		s64 ret = PT_REGS_RC(ctx);                                                              \
		struct call c;                                                                          \
                                                                                                        \
		(void)ret;                                                                              \
		return end(LEDGER_##function, &c) ? count_##function kprobe : 0;                        \
	}

/* clang-format off */
HOOK(fuse_copy_args, (ctx[0], ctx[1], ctx[2], ctx[3], ret), (c.a, c.b, c.c, c.d, ret))
HOOK(replace_page_cache_folio, (), ())
HOOK(fuse_perform_write, (ret), (ret))
HOOK(generic_perform_write, (ret), (ret))
HOOK(iomap_file_buffered_write, (ret), (ret))
HOOK(filemap_read, (ctx[0], ctx[1], ctx[2], ret), (c.a, c.b, c.c, ret))
HOOK(shmem_file_read_iter, (ret), (ret))
HOOK(anon_pipe_read, (ret), (ret))
HOOK(anon_pipe_write, (ret), (ret))
HOOK(pipe_read, (ret), (ret))
HOOK(pipe_write, (ret), (ret))
HOOK(tcp_sendmsg_locked, (ctx[0], ctx[1], ret), (c.a, c.b, ret))
HOOK(skb_zerocopy_iter_stream, (ctx[0], ctx[1], ctx[2], ctx[3], ctx[4], ret),
     (c.a, c.b, c.c, c.d, c.e, ret))
HOOK(skb_copy_ubufs, (ctx[0], ret), (c.a, ret))
HOOK(tcp_recvmsg, (ctx[0], ctx[1], ctx[2], ctx[3], ret), (c.a, c.b, c.c, c.d, ret))
/* clang-format on */
