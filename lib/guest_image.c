// SPDX-License-Identifier: MIT
/* What is in the guest; see guest_image.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/guest_image.h"
#include "lib/initramfs.h"
#include "lib/program.h"

/* Below the init script's folder: what it copies to its place once everything is mounted. */
#define FILES "/zcbench/files"

static int add_library(void *arg, const char *library, struct err *e)
{
	/* pthread_exit() and pthread_cancel() load this one when they are first called */
	static const char unwinder[] = "libgcc_s.so.1";
	struct initramfs *a = arg;
	int ret = initramfs_file(a, library, library, e);
	char path[4096];

	if (ret || !strstr(library, "/libc.so."))
		return ret;
	snprintf(path, sizeof(path), "%.*s/%s", (int)(strrchr(library, '/') - library), library,
		 unwinder);
	return access(path, R_OK) ? 0 : initramfs_file(a, path, path, e);
}

static int add_program(struct initramfs *a, const char *name, const char *from, struct err *e)
{
	int ret = initramfs_file(a, name, from, e);

	return ret ? ret : program_libraries(from, add_library, a, e);
}

static int has_libraries(void *arg, const char *library, struct err *e)
{
	(void)library;
	(void)e;
	*(int *)arg = 1;
	return 0;
}

static int add_busybox(struct initramfs *a, struct err *e)
{
	static const char remedy[] = "sudo apt-get install busybox-static";
	char path[4096];
	int shared = 0, ret;

	if (program_find("busybox", path, sizeof(path)))
		return err_remedy(
			(err_set(e, -ENOENT, "busybox is not installed; the guest needs it"), e),
			remedy);
	ret = program_libraries(path, has_libraries, &shared, e);
	if (!ret && shared)
		return err_remedy((err_set(e, -ENOENT, "%s is not a static program", path), e), remedy);
	return ret ? ret : initramfs_file(a, "/bin/busybox", path, e);
}

/* The programs that the user named, and those that zcbench itself may start. */
static int add_programs(struct initramfs *a, const struct names *programs, struct err *e)
{
	char path[4096], name[4096 + 16];
	int ret = program_find("fusermount3", path, sizeof(path)) ? 0 : add_program(a, path, path, e);

	for (unsigned int i = 0; i < programs->n && !ret; i++) {
		const char *p = programs->v[i];

		if (program_find(p, path, sizeof(path)))
			return err_set(e, -ENOENT, "--with: there is no program %s", p);
		p = strrchr(path, '/');
		snprintf(name, sizeof(name), "/usr/local/bin%s", p ? p : path);
		ret = add_program(a, name, path, e);
	}
	return ret;
}

static int add_folder(struct initramfs *a, const struct guest_folder *f, struct err *e)
{
	const size_t n = strlen(f->ending);
	DIR *dir = opendir(f->from);
	struct dirent *d;
	int ret = 0;

	if (!dir)
		return err_sys(e, -errno, "reading folder %s", f->from);
	while (!ret && (d = readdir(dir))) {
		size_t len = strlen(d->d_name);
		char name[4096], path[4096];

		if (len <= n || strcmp(d->d_name + len - n, f->ending))
			continue;
		snprintf(name, sizeof(name), "%s/%s", f->to, d->d_name);
		snprintf(path, sizeof(path), "%s/%s", f->from, d->d_name);
		ret = initramfs_file(a, name, path, e);
	}
	closedir(dir);
	return ret;
}

static int add_files(struct initramfs *a, const struct guest_image *g, struct err *e)
{
	int ret = 0;

	for (const struct guest_folder *f = g->folders; f->from && !ret; f++)
		ret = add_folder(a, f, e);
	for (unsigned int i = 0; i < g->files.n && !ret; i++) {
		char name[4096 + sizeof(FILES)];

		snprintf(name, sizeof(name), FILES "%s", g->files.v[i]);
		ret = initramfs_file(a, name, g->files.v[i], e);
	}
	return ret;
}

static int add_system(struct initramfs *a, const struct guest_image *g, struct err *e)
{
	static const char passwd[] =
		"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n";
	static const char group[] = "root:x:0:\nnogroup:x:65534:\n";
	static const char cache[] =
		"/etc/ld.so.cache"; /* libraries in places of their own are found by it */
	int ret = initramfs_node(a, "/dev/console", S_IFCHR | 0600, 5, 1, e);

	if (!ret)
		ret = initramfs_node(a, "/dev/null", S_IFCHR | 0666, 1, 3, e);
	if (!ret)
		ret = initramfs_data(a, "/etc/passwd", 0644, passwd, sizeof(passwd) - 1, e);
	if (!ret)
		ret = initramfs_data(a, "/etc/group", 0644, group, sizeof(group) - 1, e);
	if (!ret && !access(cache, R_OK))
		ret = initramfs_file(a, cache, cache, e);
	if (!ret)
		ret = initramfs_file(a, "/init", g->init, e);
	if (!ret && g->script)
		ret = initramfs_data(a, GUEST_SCRIPT, 0700, g->script, strlen(g->script), e);
	return ret ? ret : initramfs_data(a, "/zcbench/config", 0600, g->config, strlen(g->config), e);
}

int guest_image_make(const struct guest_image *g, struct err *e)
{
	int fd = memfd_create("zcbench-initramfs", MFD_CLOEXEC), ret;
	struct initramfs a = {0};
	struct err late = {0};
	char self[64];

	if (fd < 0)
		return err_sys(e, -errno, "making the guest's initramfs");
	/* the file that runs, also after a new one was built in its place */
	snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
	ret = initramfs_open(&a, fd, e);
	if (!ret)
		ret = add_busybox(&a, e);
	if (!ret)
		ret = add_system(&a, g, e);
	if (!ret)
		ret = add_program(&a, GUEST_ZCBENCH, self, e);
	if (!ret)
		ret = add_programs(&a, &g->programs, e);
	if (!ret)
		ret = add_files(&a, g, e);
	if (initramfs_close(&a, &late) && !ret) {
		*e = late;
		ret = e->code;
	}
	if (ret)
		close(fd);
	return ret ? ret : fd;
}
