// SPDX-License-Identifier: MIT
/* Loads the ledger's BPF programs, attaches them and reads what they counted; see ledger.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "measure/ledger.h"
#include "measure/ledger.skel.h"

#define INIT_PID_NS 0xEFFFFFFCu /* inode of the first process namespace, include/linux/proc_ns.h */
#define PROOF_BYTES 12345

struct ledger {
	struct ledger_bpf *bpf;
	const char *method;
	struct ledger_count *percpu; /* one cell, of every possible CPU */
	int ncpus;
	struct bpf_link *links[2 * LEDGER_FUNCTIONS];
	unsigned int nlinks;
	int programs[2 * LEDGER_FUNCTIONS];
};

static char last_log[256]; /* what libbpf said last; it gives no other reason */

static int keep_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(last_log, sizeof(last_log), fmt, ap);
	last_log[strcspn(last_log, "\n")] = '\0';
	return 0;
}

/* Only the reasons that can be told before trying; the kernel's own words for the rest. */
static int check_kernel(struct err *e)
{
	const char *machine = getenv("ZCBENCH_VIRTUAL");
	struct stat st;

	if (machine && !strcmp(machine, "uml"))
		return err_remedy((err_set(e, -EOPNOTSUPP,
					   "user-mode Linux has no BPF trampolines, by which the ledger "
					   "counts what a kernel copies"),
				   e),
				  "zcbench vm --kernel zcbench --accel tcg, for the counts");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return err_remedy(
			(err_set(e, -EOPNOTSUPP,
				 "this kernel has no BTF (/sys/kernel/btf/vmlinux), by which BPF "
				 "programs find their way in it"),
			 e),
			"a kernel with CONFIG_DEBUG_INFO_BTF=y, as distributions build them");
	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != INIT_PID_NS)
		return err_remedy((err_set(e, -EOPNOTSUPP,
					   "BPF sees other process numbers than this container does"),
				   e),
				  "run outside of the container, or with its host's process namespace "
				  "(--pid=host)");
	return 0;
}

static int refuse(int code, const char *what, struct err *e)
{
	if ((code == -EPERM || code == -EACCES) && geteuid())
		return err_remedy((err_set(e, code, "BPF needs root (CAP_BPF and CAP_PERFMON)"), e),
				  "sudo zcbench run ...");
	if (code == -EPERM || code == -EACCES) {
		err_sys(e, code, "the kernel refuses BPF programs that trace it");
		return err_remedy(e,
				  "a kernel that is not locked down (/sys/kernel/security/lockdown), or "
				  "zcbench vm -- run ...");
	}
	return err_set(e, code, "%s: %s%s%s", what, strerror(-code), last_log[0] ? ": " : "", last_log);
}

/* Which of the functions this kernel has. */
static int find_functions(bool *has, struct err *e)
{
	struct btf *btf = btf__load_vmlinux_btf(), *module;
	int ret = 0;

	if (!btf)
		return refuse(-errno, "reading the kernel's BTF", e);
	for (int f = 0; f < LEDGER_FUNCTIONS && !ret; f++) {
		const struct ledger_function_row *row = &ledger_functions[f];

		has[f] = btf__find_by_name_kind(btf, row->name, BTF_KIND_FUNC) > 0;
		if (!has[f] && row->module) {
			module = btf__load_module_btf(row->module, btf);
			has[f] = module && btf__find_by_name_kind(module, row->name, BTF_KIND_FUNC) > 0;
			btf__free(module);
		}
		if (!has[f] && !row->may_lack)
			ret = err_set(e, -EOPNOTSUPP, "this kernel has no function %s to trace",
				      row->name);
	}
	btf__free(btf);
	return ret;
}

/* Programs are named KIND_FUNCTION. -1: not one of ours. */
static int function_of(const struct bpf_program *p, const char *kind)
{
	const char *name = bpf_program__name(p);
	size_t n = strlen(kind);

	if (strncmp(name, kind, n) || name[n] != '_')
		return -1;
	for (int f = 0; f < LEDGER_FUNCTIONS; f++)
		if (!strcmp(name + n + 1, ledger_functions[f].name))
			return f;
	return -1;
}

static int attach(struct ledger *l, struct bpf_program *p, const char *function, struct err *e)
{
	struct bpf_link *link = bpf_program__attach(p);
	char what[128];

	if (!link) {
		snprintf(what, sizeof(what), "attaching to the kernel's %s", function);
		return refuse(-errno, what, e);
	}
	l->programs[l->nlinks] = bpf_program__fd(p);
	l->links[l->nlinks++] = link;
	return 0;
}

/* With one kind of programs, for all functions alike. */
static int load(struct ledger *l, const bool *has, bool trampolines, struct err *e)
{
	struct bpf_program *p;
	int ret;

	last_log[0] = '\0';
	l->method = trampolines ? "fexit" : "kprobe";
	l->bpf = ledger_bpf__open();
	if (!l->bpf)
		return refuse(-errno, "opening the ledger's BPF programs", e);
	l->bpf->rodata->page_size = (unsigned long long)sysconf(_SC_PAGESIZE);
	bpf_object__for_each_program(p, l->bpf->obj)
	{
		int f = function_of(p, trampolines ? "fexit" : "kprobe");

		if (f < 0 && !trampolines)
			f = function_of(p, "kretprobe");
		bpf_program__set_autoload(p, f >= 0 && has[f]);
	}
	ret = ledger_bpf__load(l->bpf);
	if (ret)
		return refuse(ret, "loading the ledger's BPF programs", e);
	/* a call's return must not be missed once its begin was seen: returns first */
	for (int pass = 0; pass < 2; pass++) {
		const char *kind = trampolines ? "fexit" : pass ? "kprobe" : "kretprobe";

		bpf_object__for_each_program(p, l->bpf->obj)
		{
			int f = function_of(p, kind);

			if (f >= 0 && has[f] && !ret)
				ret = attach(l, p, ledger_functions[f].name, e);
		}
		if (ret || trampolines)
			break;
	}
	return ret;
}

static void unload(struct ledger *l)
{
	for (unsigned int i = 0; i < l->nlinks; i++)
		bpf_link__destroy(l->links[i]);
	l->nlinks = 0;
	ledger_bpf__destroy(l->bpf);
	l->bpf = NULL;
}

static int set_role(struct ledger *l, pid_t pid, __u32 role)
{
	__u32 key = (__u32)pid;

	return bpf_map__update_elem(l->bpf->maps.roles, &key, sizeof(key), &role, sizeof(role), BPF_ANY);
}

static void forget_roles(struct ledger *l)
{
	__u32 key;

	while (!bpf_map__get_next_key(l->bpf->maps.roles, NULL, &key, sizeof(key)))
		if (bpf_map__delete_elem(l->bpf->maps.roles, &key, sizeof(key), 0))
			return;
}

int ledger_watch(struct ledger *l, pid_t server, const pid_t *clients, unsigned int n, struct err *e)
{
	int ret = 0;

	forget_roles(l);
	if (server)
		ret = set_role(l, server, LEDGER_SERVER);
	for (unsigned int i = 0; i < n && !ret; i++)
		ret = set_role(l, clients[i], LEDGER_CLIENT);
	return ret ? err_sys(e, ret, "the copy ledger: naming the processes of a round") : 0;
}

/* The kernel runs no program on a CPU on which it is running already, and counts that. */
static int read_missed(const struct ledger *l, uint64_t *missed)
{
	*missed = 0;
	for (unsigned int i = 0; i < l->nlinks; i++) {
		struct bpf_prog_info info = {0};
		__u32 len = sizeof(info);

		if (bpf_obj_get_info_by_fd(l->programs[i], &info, &len))
			return -errno;
		*missed += info.recursion_misses;
	}
	return 0;
}

int ledger_read(const struct ledger *l, struct ledger_counts *out, struct err *e)
{
	int ret = read_missed(l, &out->missed);

	for (__u32 key = 0; key < LEDGER_CELLS && !ret; key++) {
		struct ledger_count *sum = &out->of[key / LEDGER_ROLES][key % LEDGER_ROLES];

		*sum = (struct ledger_count){0};
		ret = bpf_map__lookup_elem(l->bpf->maps.counts, &key, sizeof(key), l->percpu,
					   sizeof(*l->percpu) * (size_t)l->ncpus, 0);
		for (int cpu = 0; cpu < l->ncpus && !ret; cpu++) {
			sum->bytes += l->percpu[cpu].bytes;
			sum->calls += l->percpu[cpu].calls;
		}
	}
	return ret ? err_sys(e, ret, "the copy ledger: reading the counts") : 0;
}

int ledger_since(const struct ledger *l, const struct ledger_counts *before, struct ledger_counts *out,
		 struct err *e)
{
	static struct ledger_counts now;
	int ret = ledger_read(l, &now, e);

	if (!ret)
		ledger_diff(out, before, &now);
	return ret;
}

/* Through a memfd and a pipe, and back: PROOF_BYTES by each of four functions. */
static int copy_something(struct err *e)
{
	char data[PROOF_BYTES] = {0};
	int fd = memfd_create("zcbench-proof", MFD_CLOEXEC), pipe_fds[2], ret = 0;

	if (fd < 0 || pipe2(pipe_fds, O_CLOEXEC)) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return err_sys(e, ret, "the copy ledger: testing it");
	}
	if (pwrite(fd, data, sizeof(data), 0) != PROOF_BYTES ||
	    pread(fd, data, sizeof(data), 0) != PROOF_BYTES ||
	    write(pipe_fds[1], data, sizeof(data)) != PROOF_BYTES ||
	    read(pipe_fds[0], data, sizeof(data)) != PROOF_BYTES)
		ret = err_set(e, -EIO, "the copy ledger: testing it: a short copy");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(fd);
	return ret;
}

/* A ledger that sees nothing would say that nothing was copied. */
static int prove(struct ledger *l, struct err *e)
{
	static struct ledger_counts before, d;
	const pid_t self = getpid();
	uint64_t seen;
	int ret = ledger_watch(l, 0, &self, 1, e);

	if (!ret)
		ret = ledger_read(l, &before, e);
	if (!ret)
		ret = copy_something(e);
	if (!ret)
		ret = ledger_since(l, &before, &d, e);
	forget_roles(l);
	if (ret)
		return ret;
	seen = ledger_kernel_bytes(&d, HOP_CLIENT_SYSCALL);
	if (seen != 4ull * PROOF_BYTES)
		return err_set(e, -EIO,
			       "the ledger's BPF programs (%s) saw %llu of %d bytes that were copied to "
			       "test them",
			       l->method, (unsigned long long)seen, 4 * PROOF_BYTES);
	return 0;
}

static int try_open(struct ledger *l, const bool *has, bool trampolines, struct err *e)
{
	int ret = load(l, has, trampolines, e);

	if (!ret)
		ret = prove(l, e);
	if (ret)
		unload(l);
	return ret;
}

int ledger_open(struct ledger **out, bool trampolines, struct err *e)
{
	struct ledger *l = calloc(1, sizeof(*l));
	bool has[LEDGER_FUNCTIONS];
	struct err second;
	int ret;

	if (!l)
		return err_sys(e, -ENOMEM, "the copy ledger");
	libbpf_set_print(keep_log);
	l->ncpus = libbpf_num_possible_cpus();
	l->percpu = l->ncpus > 0 ? calloc((size_t)l->ncpus, sizeof(*l->percpu)) : NULL;
	ret = l->percpu ? check_kernel(e) : err_sys(e, -ENOMEM, "the copy ledger");
	if (!ret)
		ret = find_functions(has, e);
	if (!ret) {
		ret = try_open(l, has, trampolines, e);
		/* what is wrong with trampolines is told, unless kprobes work */
		if (ret && trampolines && !try_open(l, has, false, &second))
			ret = 0;
	}
	if (ret) {
		free(l->percpu);
		free(l);
		return ret;
	}
	*out = l;
	return 0;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	unload(l);
	free(l->percpu);
	free(l);
}

const char *ledger_method(const struct ledger *l)
{
	return l->method;
}
