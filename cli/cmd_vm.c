// SPDX-License-Identifier: MIT
/*
 * zcbench vm: this very program in a guest with another kernel, under QEMU or in user-mode Linux. Files have the same names on both
 * sides: the guest's command runs in a folder of the same name, what it is told to write comes back to
 * where it would lie without a guest, and files that the arguments name go in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/data.h"
#include "cli/far_end.h"
#include "cli/version.h"
#include "cli/vm_kernel.h"
#include "lib/clock.h"
#include "lib/guest.h"
#include "lib/guest_image.h"
#include "lib/qemu.h"

#define FILE_MAX     (64u << 20) /* a larger file is no argument but data */
#define CONSOLE_TAIL 30          /* lines shown when a guest fails */

enum mode { RUN, SCRIPT, SHELL };
static const char *const mode_names[] = {"run", "script", "shell"};

struct vm {
	struct options *o;
	enum mode mode;
	char cwd[4096];
	char output[64];      /* the result folder, where the user named none */
	bool report;          /* a run's page: written here, where gnuplot is, from what came back */
	struct names args;    /* of the command in the guest */
	struct names collect; /* absolute: what comes back */
	char kernel[4096], modules[4096 + 16];
	char token[GUEST_TOKEN];
	struct child receiver; /* --net: of sink tcp, on this machine */
	int port;
	char *typed; /* the script on our standard input, or NULL */
	struct guest_image image;
	struct guest *guest;
};

/* The absolute form of a name without "//", "/./" and "/../", as text. The caller's to free. */
static char *absolute(const struct vm *vm, const char *name)
{
	char *all = NULL, *out, *save = NULL;

	if (asprintf(&all, "%s/%s", name[0] == '/' ? "" : vm->cwd, name) < 0)
		return NULL;
	out = calloc(1, strlen(all) + 2);
	for (char *part = strtok_r(all, "/", &save); part && out; part = strtok_r(NULL, "/", &save)) {
		if (!strcmp(part, ".."))
			*(strrchr(out, '/') ? strrchr(out, '/') : out) = '\0';
		else if (strcmp(part, "."))
			strcat(strcat(out, "/"), part);
	}
	free(all);
	return out;
}

static void add_name(struct names *list, const char *name)
{
	if (name && name[0] && list->n < OPT_LIST_MAX)
		list->v[list->n++] = name;
}

/* The value of argument i if it is an option with that name: "--name value" or "--name=value". */
static const char *value_of(const struct names *args, unsigned int i, const char *name)
{
	const char *a = args->v[i];
	size_t n = strlen(name);

	if (strncmp(a, "--", 2) || strncmp(a + 2, name, n))
		return NULL;
	if (a[2 + n] == '=')
		return a + 3 + n;
	return !a[2 + n] && i + 1 < args->n ? args->v[i + 1] : NULL;
}

static bool is_file(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX;
}

/* What the arguments name: files that the command shall write come back, files that it reads go in. */
static void look_through(struct vm *vm)
{
	static const char *const written[] = {"output", "json", "csv", "file"};
	const struct names *args = &vm->args;

	for (unsigned int i = 0; i < args->n; i++) {
		const char *v = NULL;

		for (int k = 0; k < 4 && !v; k++) {
			v = value_of(args, i, written[k]);
			/* --file is data, often a device: it stays in the guest */
			if (v && strcmp(v, "-") && strcmp(written[k], "file") != 0 &&
			    vm->collect.n < UNPACK_PATHS_MAX)
				add_name(&vm->collect, absolute(vm, v));
		}
		if (v) {
			i += v == (i + 1 < args->n ? args->v[i + 1] : NULL);
			continue;
		}
		v = strchr(args->v[i], '=');
		v = args->v[i][0] == '-' && v ? v + 1 : args->v[i];
		if (is_file(v))
			add_name(&vm->image.files, absolute(vm, v));
	}
}

/* As `run` does it, but by our clock and time zone. */
static void add_output(struct vm *vm)
{
	time_t t = time(NULL);
	struct tm tm;

	for (unsigned int i = 0; i < vm->args.n; i++)
		if (value_of(&vm->args, i, "output"))
			return;
	localtime_r(&t, &tm);
	strftime(vm->output, sizeof(vm->output), "results/%Y%m%d-%H%M%S", &tm);
	if (vm->args.n + 2 > OPT_LIST_MAX)
		return;
	memmove(vm->args.v + 3, vm->args.v + 1, (vm->args.n - 1) * sizeof(vm->args.v[0]));
	vm->args.v[1] = "--output";
	vm->args.v[2] = vm->output;
	vm->args.n += 2;
}

/* The guest has no gnuplot: it measures, and the page is made here. Not where standard output is data. */
static void take_report(struct vm *vm)
{
	vm->report = true;
	for (unsigned int i = 0; i < vm->args.n; i++) {
		const char *json = value_of(&vm->args, i, "json"), *csv = value_of(&vm->args, i, "csv");

		if ((json && !strcmp(json, "-")) || (csv && !strcmp(csv, "-")) ||
		    !strcmp(vm->args.v[i], "--quiet") || !strcmp(vm->args.v[i], "--no-report"))
			vm->report = false;
	}
	if (vm->args.n + 1 > OPT_LIST_MAX)
		return;
	add_name(&vm->args, "--no-report");
}

static void report(const struct vm *vm)
{
	const char *folder = NULL;
	char path[4200];
	struct err e = {0};

	for (unsigned int i = 0; i < vm->args.n && !folder; i++)
		folder = value_of(&vm->args, i, "output");
	snprintf(path, sizeof(path), "%s/result.json", folder ? folder : "results");
	if (folder && is_file(path) && report_of_run(path, &e))
		warn("no report: %s%s%s", e.what, e.remedy[0] ? "; try: " : "", e.remedy);
}

/* "shell" without a terminal: what is on standard input is the script. */
static int take_stdin(struct vm *vm, struct err *e)
{
	size_t len = 0;
	FILE *f = open_memstream(&vm->typed, &len);
	char buf[4096];
	ssize_t n;

	if (!f)
		return err_sys(e, -ENOMEM, "reading standard input");
	while ((n = read(0, buf, sizeof(buf))) > 0 && len < FILE_MAX) {
		fwrite(buf, 1, (size_t)n, f);
		fflush(f);
	}
	fclose(f);
	if (n)
		return err_set(e, n < 0 ? -errno : -EFBIG,
			       "reading the script from standard input failed");
	vm->image.script = vm->typed;
	vm->mode = SCRIPT;
	add_name(&vm->args, GUEST_SCRIPT);
	return 0;
}

static int take_arguments(struct vm *vm, struct err *e)
{
	const struct names *rest = &vm->o->rest;

	if (!rest->n)
		return err_remedy((err_set(e, -EINVAL, "there is nothing to run in the guest"), e),
				  "zcbench vm -- run, or zcbench vm shell");
	if (!getcwd(vm->cwd, sizeof(vm->cwd)))
		return err_sys(e, -errno, "the current folder");
	vm->mode = strcmp(rest->v[0], "shell") ? RUN : rest->n == 1 ? SHELL : SCRIPT;
	for (unsigned int i = vm->mode != RUN; i < rest->n; i++)
		add_name(&vm->args, rest->v[i]);
	if (vm->mode == SHELL && !isatty(0) && take_stdin(vm, e))
		return e->code;
	if (vm->mode == SCRIPT && !vm->typed && !is_file(vm->args.v[0]))
		return err_set(e, -EINVAL, "there is no script %s", vm->args.v[0]);
	if (vm->mode == RUN && !strcmp(vm->args.v[0], "run")) {
		add_output(vm);
		take_report(vm);
	}
	if (vm->mode != RUN)
		add_name(&vm->collect, absolute(vm, "results"));
	look_through(vm);
	return 0;
}

static void quote(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", f);
		else
			fputc(*text, f);
	fputc('\'', f);
}

/* A quoted list inside a quoted value: the init script evaluates it. */
static void put_list(FILE *f, const char *name, const struct names *list, bool lines)
{
	char *text = NULL;
	size_t len = 0;
	FILE *inner = open_memstream(&text, &len);

	for (unsigned int i = 0; inner && i < list->n; i++) {
		if (lines)
			fputs(list->v[i], inner);
		else
			quote(inner, list->v[i]);
		fputc(lines ? '\n' : ' ', inner);
	}
	if (inner)
		fclose(inner);
	fprintf(f, "%s=", name);
	quote(f, text ? text : "");
	fputc('\n', f);
	free(text);
}

/* What kernel/guest-init.sh reads. The caller's to free. */
static char *make_config(const struct vm *vm, const struct machine_config *q)
{
	const struct config *c = &vm->o->config;
	const char *term = getenv("TERM"), *fault = c->vm.fault ? c->vm.fault : "none";
	char *text = NULL, env[250], tty[64];
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	vm_terminal_size(tty, sizeof(tty));
	snprintf(env, sizeof(env), "export ZCBENCH_VIRTUAL=%s TERM=%.60s", machine_name(q->kind),
		 term && strspn(term, "abcdefghijklmnopqrstuvwxyz0123456789-+.") == strlen(term)
			 ? term
			 : "dumb");
	if (vm->port)
		snprintf(env + strlen(env), sizeof(env) - strlen(env), " ZCBENCH_TCP=%s:%d", QEMU_HOST,
			 vm->port);
	fprintf(f, "zc_mode=%s\nzc_token=%s\nzc_fault=%s\nzc_net=%s\nzc_machine=%s\n",
		mode_names[vm->mode], vm->token, fault, c->vm.net ? "yes" : "", machine_name(q->kind));
	fprintf(f, "zc_tty='%s'\nzc_env='%s'\nzc_cwd=", tty, env);
	quote(f, vm->cwd);
	fputc('\n', f);
	fprintf(f, "zc_online='");
	for (unsigned int i = 1; qemu_boots_alone(q) && i < q->cpus; i++)
		fprintf(f, " %u", i);
	fprintf(f, "'\n");
	put_list(f, "zc_arguments", &vm->args, false);
	put_list(f, "zc_collect", &vm->collect, true);
	fclose(f);
	return text;
}

static int make_token(struct vm *vm, struct err *e)
{
	unsigned char random[16];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_sys(e, -errno, "random numbers");
	strcpy(vm->token, "zcbench-end-");
	for (size_t i = 0; i < sizeof(random); i++)
		sprintf(vm->token + strlen(vm->token), "%02x", random[i]);
	return 0;
}

static int boot(struct vm *vm, enum machine_kind kind, FILE *console, struct err *e)
{
	const struct config *c = &vm->o->config;
	const bool limited = vm->mode != SHELL || opts_given(&vm->o->sets[0], "timeout");
	struct guest_config g = {
		.machine = {.kind = kind,
			    .kernel = vm->kernel,
			    .append = c->vm.append,
			    .icount = !strcmp(vm->o->config.vm.accel, "icount"),
			    .cpus = kind == MACHINE_UML && !c->vm.cpus ? 1 : vm_cpus(c->vm.cpus),
			    .mem = c->vm.mem,
			    .disk = c->vm.disk,
			    .net = c->vm.net,
			    .tty = vm->mode == SHELL},
		.token = vm->token,
		.timeout_ns = limited ? c->vm.timeout_ns : 0,
		.silence_ns = c->vm.silence_ns,
		.console_file = console,
	};
	char *config = make_config(vm, &g.machine);
	int ret;

	vm->image.config = config ? config : "";
	ret = guest_image_make(&vm->image, e);
	free(config);
	if (ret < 0)
		return ret;
	g.machine.initramfs = ret;
	memset(vm->guest, 0, sizeof(*vm->guest));
	vm->guest->files.nallowed = vm->collect.n;
	memcpy(vm->guest->files.allowed, vm->collect.v, vm->collect.n * sizeof(vm->collect.v[0]));
	ret = guest_run(vm->guest, &g, e);
	close(g.machine.initramfs);
	return ret;
}

/* KVM where a guest really runs under it. One that never says a word gets a second chance: under KVM it
 * may be that one instruction ran and a kernel does not; and QEMU's emulation has been seen to sleep for
 * ever before the kernel's first word, in one of a hundred starts on a busy host. */
static int boot_somehow(struct vm *vm, FILE *console, struct err *e)
{
	const char *accel = vm->o->config.vm.accel;
	bool emulated = !strcmp(accel, "tcg") || !strcmp(accel, "icount"), kvm;
	int ret;

	if (!strcmp(accel, "uml"))
		return boot(vm, MACHINE_UML, console, e);
	kvm = !emulated && qemu_kvm_works(e);
	if (!kvm && !strcmp(accel, "kvm"))
		return err_remedy(e, "--accel tcg (slow: timings are not a machine's)");
	ret = boot(vm, kvm ? MACHINE_KVM : MACHINE_TCG, console, e);
	if ((ret == -ETIMEDOUT || (ret == -EIO && kvm)) && !vm->guest->spoke &&
	    strcmp(accel, "kvm") != 0) {
		warn("the guest never said a word%s (%s); once more%s", kvm ? " under KVM" : "", e->what,
		     kvm ? " with TCG" : "");
		*e = (struct err){0};
		ret = boot(vm, MACHINE_TCG, console, e);
	}
	return ret;
}

static int finish(const struct vm *vm, int ret, const struct err *e)
{
	const struct guest *g = vm->guest;

	if (g->complaints)
		warn("the guest's kernel complained (%u line%s): %s; --console FILE keeps all it says",
		     g->complaints, g->complaints == 1 ? "" : "s", g->complaint);
	if (!ret) {
		const bool bad = g->complaints && vm->o->config.vm.strict;

		if (vm->report && g->status != EXIT_USAGE && g->status != EXIT_NOTHING)
			report(vm);
		if (bad)
			guest_print_console(g, stderr, CONSOLE_TAIL);
		return g->status ? g->status : bad ? EXIT_FAILED : 0;
	}
	if (ret != -EINTR)
		guest_print_console(g, stderr, CONSOLE_TAIL);
	err_print(e);
	if (g->files.files)
		for (unsigned int i = 0; i < vm->collect.n; i++)
			fprintf(stderr, "  what came until then is in %s\n", vm->collect.v[i]);
	return EXIT_FAILED;
}

/* What user-mode Linux has not. */
static int check_uml(const struct options *o, struct err *e)
{
	const struct config *c = &o->config;

	if (c->vm.net)
		return err_remedy((err_set(e, -EINVAL, "--accel uml has no network card for --net"), e),
				  "--accel tcg; sink tcp without --net stays in the guest");
	if (c->vm.disk)
		return err_remedy((err_set(e, -EINVAL, "--accel uml has no disk for --disk"), e),
				  "/dev/nullb1, which is in the guest's memory, or --accel tcg");
	if (opts_given(&o->sets[0], "kernel") && !strncmp(c->vm.kernel, "debian", 6))
		return err_remedy(
			(err_set(e, -EINVAL, "--kernel %s is no user-mode Linux", c->vm.kernel), e),
			"--accel uml alone, or --kernel PATH");
	return 0;
}

int cmd_vm(struct options *o)
{
	const bool uml = !strcmp(o->config.vm.accel, "uml");
	struct vm *vm = calloc(1, sizeof(*vm));
	char init[4096], workloads[4096], plots[4096];
	struct guest_folder *f;
	FILE *console = NULL;
	struct err e = {0};
	int ret;

	if (!vm)
		return EXIT_FAILED;
	vm->guest = calloc(1, sizeof(*vm->guest));
	vm->receiver = (struct child){.pidfd = -1, .control = -1};
	vm->o = o;
	if (take_arguments(vm, &e) || (uml && check_uml(o, &e))) {
		err_print(&e);
		return EXIT_USAGE;
	}
	if (vm_needs(uml, &e)) {
		err_print(&e);
		return EXIT_NOTHING;
	}
	ret = data_path(init, sizeof(init), "kernel/guest-init.sh", &e);
	if (!ret)
		ret = vm_kernel(o->config.vm.kernel, uml, vm->kernel, sizeof(vm->kernel), vm->modules,
				sizeof(vm->modules), &e);
	if (!ret)
		ret = make_token(vm, &e);
	if (!ret && o->config.vm.console) {
		console = fopen(o->config.vm.console, "we");
		if (!console)
			ret = err_sys(&e, -errno, "writing %s", o->config.vm.console);
	}
	vm->image.init = init;
	f = vm->image.folders;
	if (vm->modules[0])
		*f++ = (struct guest_folder){vm->modules, ".ko", GUEST_MODULES};
	if (!data_path(workloads, sizeof(workloads), "workloads", NULL))
		*f++ = (struct guest_folder){workloads, ".ini", GUEST_SHARE "/workloads"};
	/* for a run in a script: its page is made in the guest */
	if (!data_path(plots, sizeof(plots), "plots", NULL))
		*f++ = (struct guest_folder){plots, ".css", GUEST_SHARE "/plots"};
	vm->image.programs = o->config.vm.with;
	if (!ret && o->config.vm.net)
		ret = far_end_receiver(&vm->receiver, &vm->port, &e);
	if (!ret)
		ret = boot_somehow(vm, console, &e);
	child_end(&vm->receiver, NSEC_PER_SEC);
	if (console)
		fclose(console);
	return finish(vm, ret, &e);
}
