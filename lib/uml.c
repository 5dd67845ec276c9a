// SPDX-License-Identifier: MIT
/*
 * User-mode Linux as a guest's machine: a kernel that is a program. It needs no KVM and no privileges, and its
 * processes run natively: each is a process of the host whose system calls and page faults end up in the kernel's
 * process, by seccomp and a futex (or by ptrace, slower, where seccomp is not allowed).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/machine.h"

#define TMPFS_MAGIC 0x01021994 /* include/uapi/linux/magic.h */

/*
 * The guest's memory is a file that nobody sees: in /dev/shm, unless TMPDIR says otherwise. It is taken where it is
 * written, and a file system that is full then would be the guest's death by SIGBUS.
 */
static int check_memory(const struct machine_config *cfg, struct err *e)
{
	static const char dir[] = "/dev/shm";
	struct statvfs v;
	struct statfs s;

	if (statfs(dir, &s) || s.f_type != TMPFS_MAGIC || statvfs(dir, &v))
		return err_remedy(
			(err_set(e, -ENOENT, "%s, for the guest's memory, is no tmpfs", dir), e),
			"mount -t tmpfs tmpfs %s", dir);
	if (v.f_flag & ST_NOEXEC)
		return err_remedy(
			(err_set(e, -EACCES, "%s, for the guest's memory, is mounted noexec", dir), e),
			"mount -o remount,exec %s, or --accel tcg", dir);
	if ((uint64_t)v.f_bavail * v.f_frsize < cfg->mem)
		return err_remedy(
			(err_set(e, -ENOSPC, "%s, for the guest's memory, has room for %" PRIu64 "M",
				 dir, ((uint64_t)v.f_bavail * v.f_frsize) >> 20),
			 e),
			"--mem with less than that, or mount -o remount,size=%" PRIu64 "M %s",
			cfg->mem >> 19, dir);
	return 0;
}

int uml_start(struct machine *m, const struct machine_config *cfg, struct err *e)
{
	struct command c = {.env = {"TMPDIR", "/dev/shm"}};
	int ret = check_memory(cfg, e), fd;

	if (ret)
		return ret;
	command_add(&c, "%s", cfg->kernel);
	command_add(&c, "mem=%" PRIu64 "M", cfg->mem >> 20);
	if (cfg->cpus > 1)
		command_add(&c, "ncpus=%u", cfg->cpus);
	command_add(&c, "seccomp=auto");
	/* no folder with its pid: nobody asks, and a killed one would leave it */
	command_add(&c, "uml_dir=/dev/null/");
	command_add(&c, "panic=-1");
	command_add(&c, "oops=panic");
	fd = command_keep(&c, fcntl(cfg->initramfs, F_DUPFD_CLOEXEC, 3));
	command_add(&c, "initrd=/proc/self/fd/%d", fd);
	/* what it says before it has a console, and what its checks of the host say, goes to stderr: the same */
	c.stderr_fd = ret = command_channel(&c, &m->console);
	command_add(&c, "con0=null,fd:2");
	for (int i = 0; i < MACHINE_PORTS && ret >= 0; i++) {
		ret = command_channel(&c, &m->port[i]);
		command_add(&c, "ssl%d=fd:%d", i, ret);
	}
	if (cfg->tty && ret >= 0) {
		ret = command_channel(&c, &m->tty);
		command_add(&c, "ssl%d=fd:%d", MACHINE_PORTS, ret);
	}
	for (const char *p = cfg->append ? cfg->append : "";
	     *p;) { /* some of them it reads word by word */
		int n = (int)strcspn(p, " ");

		if (n)
			command_add(&c, "%.*s", n, p);
		p += n + (p[n] == ' ');
	}
	if (ret < 0)
		err_sys(e, ret, "making the channels to user-mode Linux");
	else
		ret = machine_exec(m, &c, e);
	command_forget(&c);
	return ret;
}
