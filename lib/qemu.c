// SPDX-License-Identifier: MIT
/* QEMU as a child process; see qemu.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/program.h"
#include "lib/qemu.h"

#define QEMU "qemu-system-x86_64"

static const char *const port_names[QEMU_PORTS] = {"out", "err", "files", "control"};

/* A command line that grows. Forgotten with the process: it is small, and there is one. */
struct command {
	unsigned int n;
	char *argv[96];
	int keep[16]; /* descriptors that the child inherits */
	unsigned int nkeep;
};

static void __attribute__((format(printf, 2, 3))) add(struct command *c, const char *fmt, ...)
{
	va_list ap;

	if (c->n + 1 >= sizeof(c->argv) / sizeof(c->argv[0]))
		abort();
	va_start(ap, fmt);
	if (vasprintf(&c->argv[c->n++], fmt, ap) < 0)
		abort();
	va_end(ap);
}

static void forget(struct command *c)
{
	for (unsigned int i = 0; i < c->n; i++)
		free(c->argv[i]);
	for (unsigned int i = 0; i < c->nkeep; i++)
		close(c->keep[i]);
}

/* What every guest has in common, the tiny one too. */
static void add_machine(struct command *c, bool kvm, bool icount)
{
	static const char *const all[] = {
		QEMU,   "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
		"-vga", "none",        "-monitor",        "none",       "-machine", "pc",
	};

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		add(c, "%s", all[i]);
	add(c, "-accel");
	/* QEMU counts instructions only where all CPUs share one thread */
	add(c, kvm ? "kvm" : icount ? "tcg,thread=single" : "tcg,thread=multi");
	if (icount) {
		add(c, "-icount");
		add(c, "shift=0,sleep=off"); /* 2^0 ns for each; idle CPUs do not wait */
	}
	add(c, "-cpu");
	/* five-level page tables only cost time under emulation */
	add(c, kvm ? "host" : "max,la57=off");
}

/* A channel: our end to *ours, the other one for QEMU as a character device. */
static int add_channel(struct command *c, const char *id, int *ours)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	*ours = fds[0];
	c->keep[c->nkeep++] = fds[1];
	add(c, "-chardev");
	add(c, "socket,id=%s,fd=%d", id, fds[1]);
	return 0;
}

static int add_channels(struct command *c, struct qemu *q, bool tty)
{
	int ret = add_channel(c, "console", &q->console);

	add(c, "-serial");
	add(c, "chardev:console");
	add(c, "-device");
	add(c, "virtio-serial-pci");
	if (!ret && tty) {
		ret = add_channel(c, "tty", &q->tty);
		add(c, "-device");
		add(c, "virtconsole,chardev=tty");
	}
	for (int i = 0; i < QEMU_PORTS && !ret; i++) {
		ret = add_channel(c, port_names[i], &q->port[i]);
		add(c, "-device");
		add(c, "virtserialport,chardev=%s,name=zcbench.%s", port_names[i], port_names[i]);
	}
	return ret;
}

/* The scratch disk lies in memory that is only taken where it is written. */
static int add_disk(struct command *c, uint64_t size)
{
	int fd = memfd_create("zcbench-disk", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size)) {
		int ret = -errno;

		if (fd >= 0)
			close(fd);
		return ret;
	}
	c->keep[c->nkeep++] = fd;
	add(c, "-drive");
	add(c, "file=/proc/self/fd/%d,format=raw,if=none,id=disk", fd);
	add(c, "-device");
	add(c, "virtio-blk-pci,drive=disk");
	return 0;
}

/*
 * Two cards, of which the guest takes one. User-mode networking offers virtio-net no checksum offload, and
 * without it the guest's kernel copies each segment to compute one: nothing would be sent by reference. QEMU's
 * vmxnet3 does checksums and segmentation itself, on any backend. A kernel without that driver has virtio-net.
 */
static void add_net(struct command *c)
{
	/* their boot ROMs are a package of its own */
	static const char *const cards[] = {"vmxnet3,netdev=net0,romfile=",
					    "virtio-net-pci,netdev=net1,romfile="};

	for (int i = 0; i < 2; i++) {
		add(c, "-netdev");
		add(c, "user,id=net%d,net=10.0.2.0/24,host=" QEMU_HOST ",dns=10.0.2.3", i);
		add(c, "-device");
		add(c, "%s", cards[i]);
	}
}

static void become(struct command *c, int said, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	/* a Ctrl-C on the terminal is for zcbench to handle */
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	dup2(null, 1);
	dup2(said, 2);
	for (unsigned int i = 0; i < c->nkeep; i++)
		fcntl(c->keep[i], F_SETFD, 0);
	/* SIGKILL of zcbench ends QEMU too; it may have come before this line */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		execvp(QEMU, c->argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static int start(struct qemu *q, struct command *c, struct err *e)
{
	pid_t parent = getpid();
	int said[2], ret = 0;

	c->argv[c->n] = NULL;
	if (pipe2(said, O_CLOEXEC))
		return err_sys(e, -errno, "starting QEMU");
	q->pid = fork();
	if (q->pid == 0)
		become(c, said[1], parent);
	ret = q->pid < 0 ? -errno : 0;
	close(said[1]);
	q->said = said[0];
	if (q->pid > 0) {
		q->pidfd = pidfd_open(q->pid, 0);
		ret = q->pidfd < 0 ? -errno : 0;
	} else {
		q->pid = 0;
	}
	return ret ? err_sys(e, ret, "starting QEMU") : 0;
}

static void clear(struct qemu *q)
{
	*q = (struct qemu){.pidfd = -1, .console = -1, .tty = -1, .said = -1};
	for (int i = 0; i < QEMU_PORTS; i++)
		q->port[i] = -1;
}

bool qemu_boots_alone(const struct qemu_config *c)
{
	return !c->kvm && c->cpus > 1 && !(c->append && strstr(c->append, "maxcpus="));
}

int qemu_start(struct qemu *q, const struct qemu_config *cfg, struct err *e)
{
	struct command c = {0};
	char path[4096];
	int ret;

	clear(q);
	if (program_find(QEMU, path, sizeof(path)))
		return err_remedy((err_set(e, -ENOENT, QEMU " is not installed"), e),
				  "sudo apt-get install qemu-system-x86");
	add_machine(&c, cfg->kvm, cfg->icount);
	add(&c, "-smp");
	add(&c, "%u", cfg->cpus);
	add(&c, "-m");
	add(&c, "%" PRIu64 "M", cfg->mem >> 20);
	add(&c, "-kernel");
	add(&c, "%s", cfg->kernel);
	c.keep[c.nkeep++] = fcntl(cfg->initramfs, F_DUPFD_CLOEXEC, 3);
	add(&c, "-initrd");
	add(&c, "/proc/self/fd/%d", c.keep[0]);
	add(&c, "-append");
	/* After a panic: out, at once. What a kernel says of itself is kept (no "quiet"). Emulation keeps
	 * translated code by its address: at addresses that change, each process is translated anew. */
	add(&c, "console=ttyS0 panic=-1 oops=panic mitigations=off %s%s %s",
	    cfg->kvm ? "" : "tsc=reliable norandmaps ", qemu_boots_alone(cfg) ? "maxcpus=1" : "",
	    cfg->append ? cfg->append : "");
	ret = add_channels(&c, q, cfg->tty);
	if (!ret && cfg->disk)
		ret = add_disk(&c, cfg->disk);
	if (cfg->net)
		add_net(&c);
	if (ret)
		err_sys(e, ret, "making the channels to QEMU");
	else
		ret = start(q, &c, e);
	forget(&c);
	if (ret)
		qemu_stop(q);
	return ret;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void qemu_stop(struct qemu *q)
{
	if (q->pid > 0) {
		kill(q->pid, SIGKILL);
		while (waitpid(q->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	q->pid = 0;
	drop(&q->pidfd);
	drop(&q->console);
	drop(&q->tty);
	drop(&q->said);
	for (int i = 0; i < QEMU_PORTS; i++)
		drop(&q->port[i]);
}

/*
 * A BIOS of 64 KiB that is the whole guest: at the reset vector, 16 bytes below the end, it writes 42 to
 * the port of QEMU's isa-debug-exit device, which ends QEMU with status 42 * 2 + 1.
 */
static int tiny_bios(void)
{
	static const unsigned char code[] = {0xb0, 42, 0xe6, 0xf4,
					     0xf4}; /* mov al, 42; out 0xf4, al; hlt */
	int fd = memfd_create("zcbench-bios", MFD_CLOEXEC);

	if (fd >= 0 && (ftruncate(fd, 65536) || pwrite(fd, code, sizeof(code), 65536 - 16) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The first line that QEMU wrote. */
static void first_words(int fd, char *buf, size_t len)
{
	ssize_t n = read(fd, buf, len - 1);

	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

static bool try_kvm(struct err *e)
{
	struct command c = {0};
	struct pollfd p;
	struct qemu q;
	char words[200] = "";
	int status = 0;
	bool works = false;

	clear(&q);
	if (access("/dev/kvm", R_OK | W_OK)) {
		err_sys(e, -errno, "/dev/kvm");
		return false;
	}
	add_machine(&c, true, false);
	add(&c, "-m");
	add(&c, "16M");
	add(&c, "-device");
	add(&c, "isa-debug-exit,iobase=0xf4,iosize=4");
	c.keep[c.nkeep++] = tiny_bios();
	add(&c, "-bios");
	add(&c, "/proc/self/fd/%d", c.keep[0]);
	if (c.keep[0] < 0 || start(&q, &c, e)) {
		err_set(e, -EIO, "QEMU could not be started");
	} else {
		p = (struct pollfd){.fd = q.pidfd, .events = POLLIN};
		if (poll(&p, 1, 10 * 1000) != 1) {
			err_set(e, -EIO, "a guest of one instruction did not end");
		} else {
			waitpid(q.pid, &status, 0);
			q.pid = 0;
			works = WIFEXITED(status) && WEXITSTATUS(status) == 42 * 2 + 1;
			first_words(q.said, words, sizeof(words));
			if (!works)
				err_set(e, -EIO, "a guest of one instruction did not run: %s", words);
		}
	}
	qemu_stop(&q);
	forget(&c);
	return works;
}

bool qemu_kvm_works(struct err *why)
{
	static bool tried, works;
	static struct err reason;

	if (!tried)
		works = try_kvm(&reason);
	tried = true;
	if (why)
		*why = reason;
	return works;
}
