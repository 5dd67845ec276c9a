// SPDX-License-Identifier: MIT
/* Where zcbench vm gets what it needs from; see vm_kernel.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/data.h"
#include "cli/vm_kernel.h"
#include "lib/program.h"

int vm_needs(bool uml, struct err *e)
{
	static const struct {
		const char *program, *package;
	} all[] = {{"qemu-system-x86_64", "qemu-system-x86"}, {"busybox", "busybox-static"}};
	struct utsname u;
	char path[4096];

	if (uname(&u) == 0 && strcmp(u.machine, "x86_64") != 0)
		return err_set(e, -ENOENT,
			       "zcbench vm knows x86_64 only: the guest runs this very program, "
			       "which is for %s",
			       u.machine);
	for (int i = uml ? 1 : 0; i < 2; i++)
		if (program_find(all[i].program, path, sizeof(path)))
			return err_remedy(
				(err_set(e, -ENOENT, "%s is not installed", all[i].program), e),
				"sudo apt-get install %s", all[i].package);
	return 0;
}

unsigned int vm_cpus(uint64_t wanted)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return wanted ? (unsigned int)wanted : n < 2 ? 2 : n > 4 ? 4 : (unsigned int)n;
}

void vm_terminal_size(char *buf, size_t len)
{
	struct winsize w;

	buf[0] = '\0';
	if (ioctl(0, TIOCGWINSZ, &w) == 0 && w.ws_row && w.ws_col)
		snprintf(buf, len, "rows %u cols %u", w.ws_row, w.ws_col);
}

static int cache_folder(char *buf, size_t len, struct err *e)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (xdg && xdg[0] == '/')
		snprintf(buf, len, "%s/zcbench", xdg);
	else if (geteuid() == 0)
		snprintf(buf, len, "/var/cache/zcbench");
	else if (home && home[0] == '/')
		snprintf(buf, len, "%s/.cache/zcbench", home);
	else
		return err_remedy((err_set(e, -ENOENT, "there is no folder to keep a kernel in"), e),
				  "set XDG_CACHE_HOME or HOME");
	return 0;
}

/* A script of ours that prints where a kernel lies, and says itself what is wrong: `words` go before and
 * behind the cache folder. */
static int ask(const char *name, const char *before, const char *behind, const char *remedy,
	       char *kernel, size_t len, struct err *e)
{
	char script[4096], cache[4096];
	char *argv[5] = {script};
	int n = 1, ret = data_path(script, sizeof(script), name, e);

	if (!ret)
		ret = cache_folder(cache, sizeof(cache), e);
	if (ret)
		return ret;
	if (before)
		argv[n++] = (char *)before;
	argv[n++] = cache;
	argv[n] = (char *)behind;
	ret = program_run(argv, kernel, len);
	kernel[strcspn(kernel, "\n")] = '\0';
	if (ret || !kernel[0])
		return err_remedy((err_set(e, -EIO, "there is no kernel for the guest"), e), "%s",
				  remedy);
	return 0;
}

static int fetch(const char *version, char *kernel, size_t len, struct err *e)
{
	return ask("kernel/fetch-debian.sh", NULL, version,
		   "zcbench vm --kernel PATH, with a bzImage that you have", kernel, len, e);
}

/* What `make kernel` built. */
static int find_built(const char *target, char *kernel, size_t len, struct err *e)
{
	return ask("kernel/build.sh", "--built", target,
		   !strcmp(target, "uml") ? "--accel tcg, which needs no kernel of ours"
					  : "--kernel debian, which is fetched",
		   kernel, len, e);
}

/* The boot protocol's magic number (Documentation/arch/x86/boot.rst). */
static bool is_bzimage(const char *kernel, struct err *e)
{
	int fd = open(kernel, O_RDONLY | O_CLOEXEC);
	char magic[4] = "";

	if (fd < 0) {
		err_remedy((err_sys(e, -errno, "--kernel: cannot read %s", kernel), e),
			   "--kernel debian, debian:VERSION, zcbench, or the path of a bzImage");
		return false;
	}
	if (pread(fd, magic, 4, 0x202) != 4 || memcmp(magic, "HdrS", 4)) {
		close(fd);
		err_remedy((err_set(e, -EINVAL, "--kernel: %s is not a bzImage", kernel), e),
			   "arch/x86/boot/bzImage of a kernel's build folder, or /boot/vmlinuz-VERSION");
		return false;
	}
	close(fd);
	return true;
}

static bool is_program(const char *kernel, struct err *e)
{
	int fd = open(kernel, O_RDONLY | O_CLOEXEC);
	char magic[4] = "";
	bool is = fd >= 0 && pread(fd, magic, 4, 0) == 4 && !memcmp(magic, "\177ELF", 4) &&
		  access(kernel, X_OK) == 0;

	if (fd >= 0)
		close(fd);
	if (!is)
		err_remedy((err_set(e, -EINVAL, "--kernel: %s is not a user-mode Linux", kernel), e),
			   "--accel uml without --kernel, or the file 'linux' of a build with ARCH=um");
	return is;
}

int vm_kernel(const char *wanted, bool uml, char *kernel, size_t len, char *modules, size_t mlen,
	      struct err *e)
{
	/* what `make kernel` builds */
	static const struct {
		const char *name, *target;
		bool uml;
	} built[] = {
		{"zcbench", "x86", false},
		{"zcbench-debug", "debug", false},
		{"zcbench", "uml", true},
		{"debian", "uml", true}, /* the default of --kernel */
	};
	const char *target = NULL;
	struct stat st;
	int ret = 0;

	for (size_t i = 0; i < sizeof(built) / sizeof(built[0]); i++)
		if (built[i].uml == uml && !strcmp(built[i].name, wanted))
			target = built[i].target;
	if (target)
		ret = find_built(target, kernel, len, e);
	else if (!strcmp(wanted, "debian"))
		ret = fetch(NULL, kernel, len, e);
	else if (!strncmp(wanted, "debian:", 7) && wanted[7] && !uml)
		ret = fetch(wanted + 7, kernel, len, e);
	else
		snprintf(kernel, len, "%s", wanted);
	modules[0] = '\0';
	if (!ret && !(uml ? is_program(kernel, e) : is_bzimage(kernel, e)))
		ret = e->code;
	if (ret || uml)
		return ret;
	snprintf(modules, mlen, "%.*s/modules",
		 strrchr(kernel, '/') ? (int)(strrchr(kernel, '/') - kernel) : 1,
		 strrchr(kernel, '/') ? kernel : ".");
	if (stat(modules, &st) || !S_ISDIR(st.st_mode))
		modules[0] = '\0';
	return 0;
}
