// SPDX-License-Identifier: MIT
/* QEMU as a guest's machine: its command line; see qemu.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/program.h"
#include "lib/qemu.h"

#define QEMU "qemu-system-x86_64"

static const char *const port_names[MACHINE_PORTS] = {"out", "err", "files", "control"};

/* What every guest has in common, the tiny one too. */
static void add_machine(struct command *c, bool kvm, bool icount)
{
	static const char *const all[] = {
		QEMU,   "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
		"-vga", "none",        "-monitor",        "none",       "-machine", "pc",
	};

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		command_add(c, "%s", all[i]);
	command_add(c, "-accel");
	/* QEMU counts instructions only where all CPUs share one thread */
	command_add(c, kvm ? "kvm" : icount ? "tcg,thread=single" : "tcg,thread=multi");
	if (icount) {
		command_add(c, "-icount");
		command_add(c, "shift=0,sleep=off"); /* 2^0 ns for each; idle CPUs do not wait */
	}
	command_add(c, "-cpu");
	/* five-level page tables only cost time under emulation */
	command_add(c, kvm ? "host" : "max,la57=off");
}

/* A channel: our end to *ours, the other one for QEMU as a character device. */
static int add_channel(struct command *c, const char *id, int *ours)
{
	int fd = command_channel(c, ours);

	if (fd < 0)
		return fd;
	command_add(c, "-chardev");
	command_add(c, "socket,id=%s,fd=%d", id, fd);
	return 0;
}

static int add_channels(struct command *c, struct machine *m, bool tty)
{
	int ret = add_channel(c, "console", &m->console);

	command_add(c, "-serial");
	command_add(c, "chardev:console");
	command_add(c, "-device");
	command_add(c, "virtio-serial-pci");
	if (!ret && tty) {
		ret = add_channel(c, "tty", &m->tty);
		command_add(c, "-device");
		command_add(c, "virtconsole,chardev=tty");
	}
	for (int i = 0; i < MACHINE_PORTS && !ret; i++) {
		ret = add_channel(c, port_names[i], &m->port[i]);
		command_add(c, "-device");
		command_add(c, "virtserialport,chardev=%s,name=zcbench.%s", port_names[i],
			    port_names[i]);
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
	command_keep(c, fd);
	command_add(c, "-drive");
	command_add(c, "file=/proc/self/fd/%d,format=raw,if=none,id=disk", fd);
	command_add(c, "-device");
	command_add(c, "virtio-blk-pci,drive=disk");
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
		command_add(c, "-netdev");
		command_add(c, "user,id=net%d,net=10.0.2.0/24,host=" QEMU_HOST ",dns=10.0.2.3", i);
		command_add(c, "-device");
		command_add(c, "%s", cards[i]);
	}
}

bool qemu_boots_alone(const struct machine_config *c)
{
	return c->kind == MACHINE_TCG && c->cpus > 1 && !(c->append && strstr(c->append, "maxcpus="));
}

int qemu_start(struct machine *m, const struct machine_config *cfg, struct err *e)
{
	const bool kvm = cfg->kind == MACHINE_KVM;
	struct command c = {0};
	char path[4096];
	int ret, fd;

	if (program_find(QEMU, path, sizeof(path)))
		return err_remedy((err_set(e, -ENOENT, QEMU " is not installed"), e),
				  "sudo apt-get install qemu-system-x86");
	add_machine(&c, kvm, cfg->icount);
	/* as sockets: a BIOS table for kernels without ACPI lists one CPU of each */
	command_add(&c, "-smp");
	command_add(&c, "%u,sockets=%u,cores=1,threads=1", cfg->cpus, cfg->cpus);
	command_add(&c, "-m");
	command_add(&c, "%" PRIu64 "M", cfg->mem >> 20);
	command_add(&c, "-kernel");
	command_add(&c, "%s", cfg->kernel);
	fd = command_keep(&c, fcntl(cfg->initramfs, F_DUPFD_CLOEXEC, 3));
	command_add(&c, "-initrd");
	command_add(&c, "/proc/self/fd/%d", fd);
	command_add(&c, "-append");
	/* After a panic: out, at once. What a kernel says of itself is kept (no "quiet"). Emulation keeps
	 * translated code by its address: at addresses that change, each process is translated anew. */
	command_add(&c, "console=ttyS0 panic=-1 oops=panic mitigations=off %s%s %s",
		    kvm ? "" : "tsc=reliable norandmaps ", qemu_boots_alone(cfg) ? "maxcpus=1" : "",
		    cfg->append ? cfg->append : "");
	ret = add_channels(&c, m, cfg->tty);
	if (!ret && cfg->disk)
		ret = add_disk(&c, cfg->disk);
	if (cfg->net)
		add_net(&c);
	if (ret)
		err_sys(e, ret, "making the channels to QEMU");
	else
		ret = machine_exec(m, &c, e);
	command_forget(&c);
	return ret;
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
	struct machine m;
	char words[200] = "";
	int status = 0, bios;
	bool works = false;

	machine_clear(&m);
	if (access("/dev/kvm", R_OK | W_OK)) {
		err_sys(e, -errno, "/dev/kvm");
		return false;
	}
	add_machine(&c, true, false);
	command_add(&c, "-m");
	command_add(&c, "16M");
	command_add(&c, "-device");
	command_add(&c, "isa-debug-exit,iobase=0xf4,iosize=4");
	bios = command_keep(&c, tiny_bios());
	command_add(&c, "-bios");
	command_add(&c, "/proc/self/fd/%d", bios);
	if (bios < 0 || machine_exec(&m, &c, e)) {
		err_set(e, -EIO, "QEMU could not be started");
	} else {
		p = (struct pollfd){.fd = m.pidfd, .events = POLLIN};
		if (poll(&p, 1, 10 * 1000) != 1) {
			err_set(e, -EIO, "a guest of one instruction did not end");
		} else {
			waitpid(m.pid, &status, 0);
			m.pid = 0;
			works = WIFEXITED(status) && WEXITSTATUS(status) == 42 * 2 + 1;
			first_words(m.said, words, sizeof(words));
			if (!works)
				err_set(e, -EIO, "a guest of one instruction did not run: %s", words);
		}
	}
	machine_stop(&m);
	command_forget(&c);
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
