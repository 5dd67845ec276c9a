// SPDX-License-Identifier: MIT
/* The table of symbols; see classes.h. Add what a flame graph shows in a class where it does not belong. */
#include <string.h>

#include "measure/classes.h"

const char *const class_names[] = {
	"copy",  "checksum",   "page_pinning", "wakeup_and_scheduling",
	"fuse",  "io_uring",   "network",      "idle",
	"other", "production", NULL,
};

#define K 1 /* the kernel's symbols */
#define U 2 /* user code's */

/* The first row that fits counts: what is special comes before what is general. A * at the end stands for
 * anything. */
/* clang-format off */
static const struct rule {
	const char *pattern;
	int where;
	enum code_class class;
} rules[] = {
	/* our own code */
	{"produce", U, CLASS_PRODUCE}, {"pattern_fill", U, CLASS_PRODUCE}, {"fill_words*", U, CLASS_PRODUCE},
	{"wait_next", U, CLASS_IDLE}, {"ipc_client_wait", U, CLASS_IDLE}, {"ipc_client_poll", U, CLASS_IDLE},
	{"XXH*", U, CLASS_CHECKSUM}, {"checksum*", U, CLASS_CHECKSUM}, {"read_write", U, CLASS_CHECKSUM},
	{"ipc_wake", U, CLASS_SCHED}, {"ipc_sleep", U, CLASS_SCHED},
	{"fuse_*", U, CLASS_FUSE}, {"ll_*", U, CLASS_FUSE}, {"minifs_*", U, CLASS_FUSE},
	{"[libfuse*", U, CLASS_FUSE}, {"queue_thread", U, CLASS_FUSE}, {"ring_commit", U, CLASS_FUSE},
	{"io_uring_*", U, CLASS_IO_URING}, {"[liburing*", U, CLASS_IO_URING},
	{"uring_submit", U, CLASS_IO_URING}, {"uring_reap", U, CLASS_IO_URING},
	{"memcpy*", U, CLASS_COPY}, {"memmove*", U, CLASS_COPY}, {"__memcpy*", U, CLASS_COPY},
	{"__memmove*", U, CLASS_COPY},

	/* interrupts that come by are nobody's, but the one that wakes */
	{"asm_sysvec_reschedule*", K, CLASS_SCHED}, {"sysvec_reschedule*", K, CLASS_SCHED},
	{"asm_sysvec_*", K, CLASS_OTHER}, {"sysvec_*", K, CLASS_OTHER},
	{"asm_common_interrupt*", K, CLASS_OTHER}, {"asm_exc_page_fault", K, CLASS_OTHER},
	{"handle_softirqs", K, CLASS_OTHER}, {"__do_softirq", K, CLASS_OTHER},

	/* bytes that move. memcpy is used for much else too: only what is called to move payload counts */
	{"_copy_to_iter*", K, CLASS_COPY}, {"_copy_from_iter*", K, CLASS_COPY},
	{"__copy_from_iter*", K, CLASS_COPY}, {"__copy_to_iter*", K, CLASS_COPY},
	{"copy_to_user_iter*", K, CLASS_COPY}, {"copy_from_user_iter*", K, CLASS_COPY},
	{"memcpy_to_iter*", K, CLASS_COPY}, {"memcpy_from_iter*", K, CLASS_COPY},
	{"copy_folio_from_iter*", K, CLASS_COPY}, {"copy_folio_to_iter*", K, CLASS_COPY},
	{"copy_page_*", K, CLASS_COPY}, {"copy_highpage*", K, CLASS_COPY}, {"copy_mc_*", K, CLASS_COPY},
	{"copy_user_*", K, CLASS_COPY}, {"rep_movs_alternative", K, CLASS_COPY},
	{"raw_copy_*", K, CLASS_COPY}, {"_copy_to_user", K, CLASS_COPY}, {"_copy_from_user", K, CLASS_COPY},
	{"__arch_copy_*", K, CLASS_COPY}, {"memcpy_page*", K, CLASS_COPY},
	{"fuse_copy_do*", K, CLASS_COPY}, {"fuse_copy_folio*", K, CLASS_COPY},
	{"skb_copy_*", K, CLASS_COPY}, {"skb_do_copy_data*", K, CLASS_COPY},

	/* the pages of a buffer */
	{"fuse_get_user_pages*", K, CLASS_PIN}, {"fuse_release_user_pages*", K, CLASS_PIN},
	{"iov_iter_extract_pages*", K, CLASS_PIN}, {"iov_iter_get_pages*", K, CLASS_PIN},
	{"__iov_iter_get_pages*", K, CLASS_PIN}, {"get_user_pages*", K, CLASS_PIN},
	{"__get_user_pages*", K, CLASS_PIN}, {"pin_user_pages*", K, CLASS_PIN},
	{"unpin_*", K, CLASS_PIN}, {"gup_*", K, CLASS_PIN}, {"internal_get_user_pages*", K, CLASS_PIN},
	{"try_grab_folio*", K, CLASS_PIN}, {"follow_page*", K, CLASS_PIN}, {"bio_release_pages", K, CLASS_PIN},
	{"__bio_release_pages", K, CLASS_PIN}, {"bio_iov_iter_get_pages", K, CLASS_PIN},
	{"io_pin_pages", K, CLASS_PIN}, {"io_buffer_register_bvec", K, CLASS_PIN},
	{"io_buffer_unregister_bvec", K, CLASS_PIN}, {"fuse_copy_fill*", K, CLASS_PIN},

	/* waking and sleeping */
	{"schedule*", K, CLASS_SCHED}, {"__schedule*", K, CLASS_SCHED}, {"preempt_schedule*", K, CLASS_SCHED},
	{"io_schedule*", K, CLASS_SCHED}, {"finish_task_switch*", K, CLASS_SCHED},
	{"try_to_wake_up*", K, CLASS_SCHED}, {"wake_up*", K, CLASS_SCHED}, {"__wake_up*", K, CLASS_SCHED},
	{"default_wake_function", K, CLASS_SCHED}, {"autoremove_wake_function", K, CLASS_SCHED},
	{"ttwu_*", K, CLASS_SCHED}, {"select_task_rq*", K, CLASS_SCHED}, {"enqueue_task*", K, CLASS_SCHED},
	{"dequeue_task*", K, CLASS_SCHED}, {"pick_next_*", K, CLASS_SCHED}, {"prepare_to_wait*", K, CLASS_SCHED},
	{"finish_wait", K, CLASS_SCHED}, {"swake_up*", K, CLASS_SCHED}, {"complete*", K, CLASS_SCHED},
	{"wait_for_completion*", K, CLASS_SCHED}, {"futex_*", K, CLASS_SCHED}, {"do_futex", K, CLASS_SCHED},
	{"__x64_sys_futex", K, CLASS_SCHED}, {"__arm64_sys_futex", K, CLASS_SCHED},
	{"eventfd_*", K, CLASS_SCHED}, {"do_epoll_wait", K, CLASS_SCHED}, {"ep_poll*", K, CLASS_SCHED},
	{"do_sys_poll", K, CLASS_SCHED}, {"hrtimer_nanosleep", K, CLASS_SCHED},
	{"do_nanosleep", K, CLASS_SCHED}, {"__rseq_handle_notify_resume", K, CLASS_SCHED},
	{"switch_mm*", K, CLASS_SCHED}, {"__switch_to*", K, CLASS_SCHED}, {"ret_from_fork*", K, CLASS_OTHER},

	/* nobody has work */
	{"do_idle", K, CLASS_IDLE}, {"cpu_idle*", K, CLASS_IDLE}, {"default_idle*", K, CLASS_IDLE},
	{"intel_idle*", K, CLASS_IDLE}, {"acpi_idle*", K, CLASS_IDLE}, {"cpuidle_*", K, CLASS_IDLE},
	{"pv_native_safe_halt", K, CLASS_IDLE}, {"native_safe_halt", K, CLASS_IDLE},
	{"io_do_iopoll", K, CLASS_IDLE}, {"sk_busy_loop*", K, CLASS_IDLE},

	/* the parts of the kernel. io_uring is asked after FUSE, which it calls */
	{"fuse_*", K, CLASS_FUSE}, {"__fuse_*", K, CLASS_FUSE}, {"request_wait_answer*", K, CLASS_FUSE},
	{"queue_request_and_unlock", K, CLASS_FUSE}, {"flush_bg_queue", K, CLASS_FUSE},
	{"tcp_*", K, CLASS_NETWORK}, {"__tcp_*", K, CLASS_NETWORK}, {"inet_*", K, CLASS_NETWORK},
	{"sock_*", K, CLASS_NETWORK}, {"__sock_*", K, CLASS_NETWORK}, {"sk_*", K, CLASS_NETWORK},
	{"__sk_*", K, CLASS_NETWORK}, {"skb_*", K, CLASS_NETWORK}, {"__skb_*", K, CLASS_NETWORK},
	{"ip_*", K, CLASS_NETWORK}, {"__ip_*", K, CLASS_NETWORK}, {"ip6_*", K, CLASS_NETWORK},
	{"ipv4_*", K, CLASS_NETWORK}, {"net_*", K, CLASS_NETWORK}, {"__netif_*", K, CLASS_NETWORK},
	{"netif_*", K, CLASS_NETWORK}, {"dev_queue_xmit*", K, CLASS_NETWORK},
	{"__dev_queue_xmit*", K, CLASS_NETWORK}, {"dev_hard_start_xmit", K, CLASS_NETWORK},
	{"loopback_xmit", K, CLASS_NETWORK}, {"napi_*", K, CLASS_NETWORK}, {"__napi_*", K, CLASS_NETWORK},
	{"unix_stream_*", K, CLASS_NETWORK}, {"__sys_send*", K, CLASS_NETWORK}, {"__sys_recv*", K, CLASS_NETWORK},
	{"io_*", K, CLASS_IO_URING}, {"__io_*", K, CLASS_IO_URING}, {"__do_sys_io_uring*", K, CLASS_IO_URING},
	{"__x64_sys_io_uring*", K, CLASS_IO_URING}, {"__arm64_sys_io_uring*", K, CLASS_IO_URING},
	{"tctx_task_work*", K, CLASS_IO_URING},
};
/* clang-format on */

/* Whatever these call belongs to them: a futex pins its own page. */
static const struct rule owners[] = {
	{"do_futex", K, CLASS_SCHED},
};

static bool fits(const char *pattern, const char *symbol)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, symbol, len - 1);
	/* the compiler's clones: finish_task_switch.isra.0 */
	return !strncmp(pattern, symbol, len) && (!symbol[len] || symbol[len] == '.');
}

static enum code_class find(const struct rule *rule, size_t n, const struct frame *frame)
{
	for (; n--; rule++)
		if (rule->where == (frame->kernel ? K : U) && fits(rule->pattern, frame->symbol))
			return rule->class;
	return CLASS_NONE;
}

enum code_class class_of(const char *symbol, bool kernel)
{
	return find(rules, sizeof(rules) / sizeof(rules[0]), &(struct frame){symbol, kernel});
}

enum code_class class_of_stack(const struct frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum code_class c = find(owners, sizeof(owners) / sizeof(owners[0]), &frames[i]);

		if (c != CLASS_NONE)
			return c;
	}
	/* what the kernel does without a class is no class of who called it */
	for (size_t i = 0; i < n && frames[i].kernel == frames[0].kernel; i++) {
		enum code_class c = class_of(frames[i].symbol, frames[i].kernel);

		if (c != CLASS_NONE)
			return c;
	}
	return CLASS_OTHER;
}
