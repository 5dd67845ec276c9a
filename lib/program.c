// SPDX-License-Identifier: MIT
/* Other people's programs; see program.h. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/program.h"

int program_find(const char *name, char *buf, size_t len)
{
	const char *path = getenv("PATH");
	char *copy, *save = NULL;
	int ret = -ENOENT;

	if (strchr(name, '/')) {
		snprintf(buf, len, "%s", name);
		return access(buf, X_OK) ? -ENOENT : 0;
	}
	copy = strdup(path ? path : "/usr/bin:/bin");
	if (!copy)
		return -ENOMEM;
	for (char *dir = strtok_r(copy, ":", &save); dir && ret; dir = strtok_r(NULL, ":", &save)) {
		snprintf(buf, len, "%s/%s", dir, name);
		ret = access(buf, X_OK) ? -ENOENT : 0;
	}
	free(copy);
	return ret;
}

int program_file(char *buf, size_t len, const char *const *places, size_t n, const char *name,
		 struct err *e)
{
	char folder[3000];
	ssize_t got = readlink("/proc/self/exe", folder, sizeof(folder) - 1);

	if (got < 0)
		return err_sys(e, -errno, "finding %s", name);
	folder[got] = '\0';
	*strrchr(folder, '/') = '\0';
	for (size_t i = 0; i < n; i++) {
		snprintf(buf, len, "%s/%s%s", folder, places[i], name);
		if (access(buf, R_OK) == 0)
			return 0;
	}
	return err_set(e, -ENOENT, "%s is neither in %s nor in %s/%s", name, folder, folder,
		       places[n - 1]);
}

static void become(char *const *argv, int out, pid_t parent)
{
	signal(SIGPIPE, SIG_DFL);
	dup2(out, 1);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		execvp(argv[0], argv);
	_exit(127);
}

int program_run(char *const *argv, char *buf, size_t len)
{
	pid_t parent = getpid(), pid;
	size_t have = 0;
	int fds[2], status;
	char rest[512];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		become(argv, fds[1], parent);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -EAGAIN;
	}
	do {
		/* to its end: a closed pipe would kill it */
		n = have < len - 1 ? read(fds[0], buf + have, len - 1 - have)
				   : read(fds[0], rest, sizeof(rest));
		if (n > 0 && have < len - 1)
			have += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	buf[have] = '\0';
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The loader that an ELF program asks for, or an empty string. */
static int find_loader(const char *path, char *loader, size_t len, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr h;
	Elf64_Phdr p;

	loader[0] = '\0';
	if (fd < 0)
		return err_sys(e, -errno, "reading %s", path);
	if (pread(fd, &h, sizeof(h), 0) == sizeof(h) && !memcmp(h.e_ident, ELFMAG, SELFMAG) &&
	    h.e_ident[EI_CLASS] == ELFCLASS64 && h.e_phentsize == sizeof(p)) {
		for (int i = 0; i < h.e_phnum; i++) {
			if (pread(fd, &p, sizeof(p), (off_t)(h.e_phoff + (size_t)i * sizeof(p))) !=
			    sizeof(p))
				break;
			if (p.p_type != PT_INTERP || p.p_filesz >= len)
				continue;
			if (pread(fd, loader, p.p_filesz, (off_t)p.p_offset) != (ssize_t)p.p_filesz)
				loader[0] = '\0';
			loader[p.p_filesz] = '\0';
			break;
		}
	}
	close(fd);
	return 0;
}

/* One line of the loader's list: "libx.so.1 => /lib/libx.so.1 (0x...)", "/lib64/ld.so (0x...)", or
 * "linux-vdso.so.1 (0x...)", which is no file. */
static int use_line(char *line, const char *program,
		    int (*use)(void *arg, const char *library, struct err *e), void *arg, struct err *e)
{
	char *path = strstr(line, " => ");

	if (path && strstr(path, "not found"))
		return err_set(e, -ENOENT, "%s needs a library that is not there:%s", program, line);
	path = path ? path + 4 : line + strspn(line, " \t");
	if (*path != '/')
		return 0;
	path[strcspn(path, " \t")] = '\0';
	return use(arg, path, e);
}

int program_libraries(const char *path, int (*use)(void *arg, const char *library, struct err *e),
		      void *arg, struct err *e)
{
	char loader[256], list[16384], *save = NULL;
	char *argv[] = {loader, (char *)"--list", (char *)path, NULL};
	int ret = find_loader(path, loader, sizeof(loader), e);

	if (ret || !loader[0])
		return ret;
	ret = program_run(argv, list, sizeof(list));
	if (ret)
		return err_set(e, -ENOEXEC, "%s --list %s failed", loader, path);
	for (char *line = strtok_r(list, "\n", &save); line && !ret; line = strtok_r(NULL, "\n", &save))
		ret = use_line(line, path, use, arg, e);
	return ret ? ret : use(arg, loader, e);
}
