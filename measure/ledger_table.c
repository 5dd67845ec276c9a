// SPDX-License-Identifier: MIT
/* The kernel's functions that copy payload, and the arithmetic of hops; see ledger.h. */
#include <string.h>

#include "measure/ledger.h"

const char *const ledger_hop_names[HOP_COUNT] = {"client_user", "client_syscall", "fuse", "server_user",
						 "sink"};

static const char *const role_names[LEDGER_ROLES] = {"client", "server", "softirq"};

#define ROW(function, ...) [LEDGER_##function] = {.name = #function, __VA_ARGS__}
/* client, server, softirq */
#define SYSCALLS .hop = {HOP_CLIENT_SYSCALL, HOP_SINK, -1}

/* clang-format off */
const struct ledger_function_row ledger_functions[LEDGER_FUNCTIONS] = {
	/* a request's payload between the client's pages and the server */
	ROW(fuse_copy_args,            .module = "fuse", .hop = {HOP_FUSE, HOP_FUSE, HOP_FUSE}),
	/* ... that moved as a page */
	ROW(replace_page_cache_folio,  .may_lack = true, .subtract = true, .hop = {HOP_FUSE, HOP_FUSE, HOP_FUSE}),
	/* a client that writes through FUSE's page cache */
	ROW(fuse_perform_write,        .module = "fuse", .may_lack = true, SYSCALLS),
	/* into page cache: tmpfs, memfds, ext4, block devices; XFS and FUSE's write-back cache */
	ROW(generic_perform_write,     SYSCALLS),
	ROW(iomap_file_buffered_write, .may_lack = true, SYSCALLS),
	/* out of page cache; tmpfs and memfds */
	ROW(filemap_read,              SYSCALLS),
	ROW(shmem_file_read_iter,      SYSCALLS),
	/* pipes, by read and write; what is spliced is not copied. Older kernels have them by other names */
	ROW(anon_pipe_read,            .may_lack = true, SYSCALLS),
	ROW(anon_pipe_write,           .may_lack = true, SYSCALLS),
	ROW(pipe_read,                 .may_lack = true, SYSCALLS),
	ROW(pipe_write,                .may_lack = true, SYSCALLS),
	/* TCP: into the socket's buffers, less what goes by reference; what loopback then copies of that */
	ROW(tcp_sendmsg_locked,        SYSCALLS),
	ROW(skb_zerocopy_iter_stream,  .subtract = true, SYSCALLS),
	ROW(skb_copy_ubufs,            .hop = {-1, -1, HOP_SINK}),
	ROW(tcp_recvmsg,               SYSCALLS),
};
/* clang-format on */

void ledger_diff(struct ledger_counts *out, const struct ledger_counts *a, const struct ledger_counts *b)
{
	for (int f = 0; f < LEDGER_FUNCTIONS; f++)
		for (int r = 0; r < LEDGER_ROLES; r++)
			out->of[f][r] = (struct ledger_count){b->of[f][r].bytes - a->of[f][r].bytes,
							      b->of[f][r].calls - a->of[f][r].calls};
	out->missed = b->missed - a->missed;
}

double ledger_missed_share(const struct ledger_counts *c)
{
	uint64_t calls = c->missed;

	for (int f = 0; f < LEDGER_FUNCTIONS; f++)
		for (int r = 0; r < LEDGER_ROLES; r++)
			calls += c->of[f][r].calls;
	return calls ? (double)c->missed / (double)calls : 0;
}

uint64_t ledger_kernel_bytes(const struct ledger_counts *c, enum ledger_hop hop)
{
	uint64_t copied = 0, not_copied = 0;

	for (int f = 0; f < LEDGER_FUNCTIONS; f++)
		for (int r = 0; r < LEDGER_ROLES; r++) {
			const struct ledger_function_row *row = &ledger_functions[f];

			if (row->hop[r] == (int)hop)
				*(row->subtract ? &not_copied : &copied) += c->of[f][r].bytes;
		}
	/* by reference, and counted by no caller that is in the table: never less than nothing */
	return copied > not_copied ? copied - not_copied : 0;
}

json_t *ledger_hops_json(const struct ledger_counts *kernel, uint64_t client_user, uint64_t server_user)
{
	json_t *out = json_object();

	for (int hop = 0; hop < HOP_COUNT; hop++) {
		bool user = hop == HOP_CLIENT_USER || hop == HOP_SERVER_USER;
		uint64_t bytes = hop == HOP_CLIENT_USER   ? client_user
				 : hop == HOP_SERVER_USER ? server_user
				 : kernel ? ledger_kernel_bytes(kernel, (enum ledger_hop)hop)
					  : 0;

		if (user || kernel)
			json_object_set_new(out, ledger_hop_names[hop],
					    json_pack("{s:I, s:s}", user ? "user" : "kernel",
						      (json_int_t)bytes, "source",
						      user ? "declared" : "exact"));
	}
	return out;
}

json_t *ledger_functions_json(const struct ledger_counts *c)
{
	json_t *out = json_object();

	for (int f = 0; f < LEDGER_FUNCTIONS; f++) {
		json_t *roles = json_object();

		for (int r = 0; r < LEDGER_ROLES; r++)
			if (c->of[f][r].calls)
				json_object_set_new(roles, role_names[r],
						    json_pack("{s:I, s:I}", "bytes",
							      (json_int_t)c->of[f][r].bytes, "calls",
							      (json_int_t)c->of[f][r].calls));
		if (json_object_size(roles))
			json_object_set_new(out, ledger_functions[f].name, roles);
		else
			json_decref(roles);
	}
	return out;
}
