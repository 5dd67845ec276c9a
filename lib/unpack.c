// SPDX-License-Identifier: MIT
/* A reader of cpio archives from a guest; see unpack.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/unpack.h"

#define HEADER     110
#define NAME_SPACE 4096

enum {
	S_HEADER = 0, /* what a zeroed struct starts with */
	S_NAME,
	S_CONTENTS,
	S_PADDING,
};

/* Field i of the header behind the magic: eight hexadecimal digits. */
static bool field(const struct unpack *u, int i, uint64_t *v)
{
	char digits[9] = "", *end;

	memcpy(digits, u->head + 6 + 8 * i, 8);
	*v = strtoull(digits, &end, 16);
	return end == digits + 8;
}

static int take_header(struct unpack *u, struct err *e)
{
	uint64_t mode, size, len;

	/* fields: 1 mode, 6 size of the contents, 11 length of the name */
	if (memcmp(u->head, "070701", 6) || !field(u, 1, &mode) || !field(u, 6, &size) ||
	    !field(u, 11, &len) || len < 2 || len > NAME_SPACE - 4)
		return err_set(e, -EPROTO, "the guest's result files are not a cpio archive");
	u->mode = (unsigned int)mode;
	u->size = size;
	u->want = HEADER + len + (-(HEADER + len) & 3);
	u->state = S_NAME;
	return 0;
}

/* At or below an allowed path, and without a way out of it. */
static bool is_allowed(const struct unpack *u)
{
	if (strstr(u->path, "/../") ||
	    (strlen(u->path) > 3 && !strcmp(u->path + strlen(u->path) - 3, "/..")))
		return false;
	for (unsigned int i = 0; i < u->nallowed; i++) {
		size_t n = strlen(u->allowed[i]);

		if (!strncmp(u->path, u->allowed[i], n) && (!u->path[n] || u->path[n] == '/'))
			return true;
	}
	return false;
}

/* The folders above the entry; `all` of the path for a folder. */
static int make_folders(char *path, bool all)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		if (!c && !all)
			return 0;
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = c;
		if (!c)
			return 0;
	}
}

static int take_name(struct unpack *u, struct err *e)
{
	const char *name = u->head + HEADER;
	int ret;

	u->have = 0;
	u->pad = (unsigned int)(-u->size & 3);
	u->state = u->size ? S_CONTENTS : S_HEADER;
	if (strnlen(name, NAME_SPACE - 4) >= NAME_SPACE - 4)
		return err_set(e, -EPROTO, "the guest's result files are not a cpio archive");
	if (!strcmp(name, "TRAILER!!!"))
		return 0;
	snprintf(u->path, sizeof(u->path), "/%s", name + strspn(name, "/"));
	if (!is_allowed(u) || (!S_ISREG(u->mode) && !S_ISDIR(u->mode)))
		return err_set(e, -EPERM, "the guest sent something that is no result file: %.300s",
			       u->path);
	ret = make_folders(u->path, S_ISDIR(u->mode));
	if (ret)
		return err_sys(e, ret, "making the folder for %.300s", u->path);
	if (S_ISDIR(u->mode))
		return 0;
	snprintf(u->temp, sizeof(u->temp), "%s.%d.new", u->path, getpid());
	u->f = fopen(u->temp, "we");
	if (!u->f)
		return err_sys(e, -errno, "writing %.300s", u->temp);
	return 0;
}

static int finish_file(struct unpack *u, struct err *e)
{
	int ret = 0;

	if (!u->f)
		return 0;
	if (fclose(u->f) || rename(u->temp, u->path))
		ret = err_sys(e, -errno, "writing %.300s", u->path);
	if (ret)
		unlink(u->temp);
	u->f = NULL;
	u->files += !ret;
	return ret;
}

/* Header and name are gathered in `head` until `want` bytes of it are there. */
static int gather(struct unpack *u, const char **data, size_t *len, struct err *e)
{
	size_t n = u->want - u->have;
	int ret;

	if (n > *len)
		n = *len;
	memcpy(u->head + u->have, *data, n);
	u->have += n;
	*data += n;
	*len -= n;
	if (u->have < u->want)
		return 0;
	if (u->state == S_HEADER)
		return take_header(u, e);
	ret = take_name(u, e);
	return !ret && u->state == S_HEADER ? finish_file(u, e) : ret;
}

int unpack_feed(struct unpack *u, const char *data, size_t len, struct err *e)
{
	int ret = 0;

	while (len && !ret) {
		size_t n = len;

		switch (u->state) {
		case S_HEADER:
			/* between archives busybox fills up with zeros */
			if (u->have == 0 && *data == '\0') {
				data++;
				len--;
				break;
			}
			u->want = HEADER;
			/* fall through */
		case S_NAME:
			ret = gather(u, &data, &len, e);
			break;
		case S_CONTENTS:
			if (n > u->size)
				n = u->size;
			if (u->f && fwrite(data, 1, n, u->f) != n)
				ret = err_sys(e, -errno, "writing %.300s", u->temp);
			u->size -= n;
			data += n;
			len -= n;
			if (u->size)
				break;
			u->state = u->pad ? S_PADDING : S_HEADER;
			if (!ret)
				ret = finish_file(u, e);
			break;
		case S_PADDING:
			data++;
			len--;
			if (--u->pad == 0)
				u->state = S_HEADER;
			break;
		}
	}
	return ret;
}

void unpack_close(struct unpack *u)
{
	if (u->f) {
		fclose(u->f);
		unlink(u->temp);
	}
	u->f = NULL;
}
