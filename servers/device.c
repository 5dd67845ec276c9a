// SPDX-License-Identifier: MIT
/* A block device as a store; see device.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/fs.h>

#include "lib/clock.h"
#include "lib/pattern.h"
#include "lib/units.h"
#include "servers/device.h"

bool device_is(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

int device_open(const char *path, uint64_t need, struct err *e)
{
	char have[32], want[32];
	uint64_t size;
	int fd = open(path, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC), ret;

	if (fd < 0) {
		ret = err_sys(e, -errno, "sink file: cannot open block device %s", path);
		if (ret == -EBUSY)
			err_set(e, ret,
				"sink file: block device %s is in use (mounted, swap, or below another "
				"device)",
				path);
		return err_remedy(
			e, ret == -EBUSY ? "name a device that nobody uses: all that is on it is lost"
					 : "name a device that this user may write to");
	}
	if (ioctl(fd, BLKGETSIZE64, &size)) {
		ret = err_sys(e, -errno, "sink file: the size of %s", path);
	} else if (size < need) {
		ret = err_set(e, -ENOSPC,
			      "sink file: block device %s has %s; all files of the mount need %s", path,
			      format_size(have, sizeof(have), size),
			      format_size(want, sizeof(want), need));
		err_remedy(e, "a smaller --size, or fewer --clients (serve: --files)");
	} else {
		return fd;
	}
	close(fd);
	return ret;
}

int device_forgets(int fd)
{
	static const char zeros[DEVICE_BLOCK];
	const uint64_t seed = clock_ns();
	char *buf;
	int ret = 0;

	if (posix_memalign((void **)&buf, DEVICE_BLOCK, DEVICE_BLOCK))
		return -ENOMEM;
	pattern_fill(buf, DEVICE_BLOCK, 0, seed);
	if (pwrite(fd, buf, DEVICE_BLOCK, 0) != DEVICE_BLOCK)
		ret = errno ? -errno : -EIO;
	pattern_fill(buf, DEVICE_BLOCK, 0, ~seed);
	if (!ret && pread(fd, buf, DEVICE_BLOCK, 0) != DEVICE_BLOCK)
		ret = errno ? -errno : -EIO;
	/* anything else that is wrong is for the verification to find */
	if (!ret &&
	    (!memcmp(buf, zeros, DEVICE_BLOCK) || pattern_check(buf, DEVICE_BLOCK, 0, ~seed) < 0))
		ret = 1;
	free(buf);
	return ret;
}

int device_zero(int fd, uint64_t from, uint64_t to)
{
	const uint64_t block = from & ~(uint64_t)(DEVICE_BLOCK - 1), begin = from - block;
	char *buf;
	int ret = 0;

	if (begin) {
		if (posix_memalign((void **)&buf, DEVICE_BLOCK, DEVICE_BLOCK))
			return -ENOMEM;
		if (pread(fd, buf, DEVICE_BLOCK, (off_t)block) != DEVICE_BLOCK)
			ret = -EIO;
		memset(buf + begin, 0, DEVICE_BLOCK - begin);
		if (!ret && pwrite(fd, buf, DEVICE_BLOCK, (off_t)block) != DEVICE_BLOCK)
			ret = -EIO;
		free(buf);
		from = block + DEVICE_BLOCK;
	}
	if (!ret && from < to &&
	    fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from)))
		ret = -errno;
	return ret;
}
