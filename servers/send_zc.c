// SPDX-License-Identifier: MIT
/* SEND_ZC from registered buffers; see send_zc.h. */
#include <errno.h>
#include <sys/socket.h>

#include "servers/send_zc.h"

/* of newer kernels' headers than the packaged ones */
#ifndef IORING_SEND_ZC_REPORT_USAGE
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3)
#endif
#ifndef IORING_NOTIF_USAGE_ZC_COPIED
#define IORING_NOTIF_USAGE_ZC_COPIED (1U << 31)
#endif

#define PAYLOAD 1 /* user_data of the payload's completions; the header's is 0 */

int send_zc_ring(struct io_uring *ring, unsigned int slots)
{
	int ret = io_uring_queue_init(4, ring, 0);

	if (ret)
		return ret;
	ret = io_uring_register_buffers_sparse(ring, slots);
	if (ret)
		io_uring_queue_exit(ring);
	return ret;
}

static int update(struct io_uring *ring, int slot, struct iovec iov)
{
	const __u64 tag = 0;
	int ret = io_uring_register_buffers_update_tag(ring, (unsigned int)slot, &iov, &tag, 1);

	return ret < 0 ? ret : 0;
}

int send_zc_register(struct io_uring *ring, int slot, void *memory, size_t len)
{
	return update(ring, slot, (struct iovec){memory, len});
}

void send_zc_unregister(struct io_uring *ring, int slot)
{
	update(ring, slot, (struct iovec){0});
}

void send_zc_prepare(struct io_uring_sqe *header_sqe, struct io_uring_sqe *payload_sqe, int fd,
		     const void *header, size_t header_len, const void *data, size_t len, int slot,
		     bool zc)
{
	io_uring_prep_send(header_sqe, fd, header, header_len, MSG_MORE | MSG_WAITALL | MSG_NOSIGNAL);
	header_sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	if (zc) {
		io_uring_prep_send_zc_fixed(payload_sqe, fd, data, len, MSG_WAITALL | MSG_NOSIGNAL,
					    IORING_SEND_ZC_REPORT_USAGE, (unsigned int)slot);
	} else {
		io_uring_prep_send(payload_sqe, fd, data, len, MSG_WAITALL | MSG_NOSIGNAL);
		payload_sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
		payload_sqe->buf_index = (uint16_t)slot;
	}
}

void send_zc_notified(int res, size_t len, struct sink_tally *tally)
{
	tally->zero_copy += len;
	if ((unsigned int)res & IORING_NOTIF_USAGE_ZC_COPIED)
		tally->copied_late += len;
}

int send_zc(struct io_uring *ring, int fd, const void *header, size_t header_len, const void *data,
	    size_t len, int slot, struct sink_tally *tally)
{
	struct io_uring_sqe *first = io_uring_get_sqe(ring), *second = io_uring_get_sqe(ring);
	bool sent = false, notified = false;
	int result = 0, ret;

	if (!first || !second)
		return -EBUSY; /* cannot be: one send at a time */
	send_zc_prepare(first, second, fd, header, header_len, data, len, slot, true);
	io_uring_sqe_set_data64(first, 0);
	io_uring_sqe_set_data64(second, PAYLOAD);
	while (!sent || !notified) {
		struct io_uring_cqe *cqe;

		ret = io_uring_submit_and_wait(ring, 1);
		if (ret < 0 && ret != -EINTR && ret != -EAGAIN)
			return ret;
		while (!io_uring_peek_cqe(ring, &cqe)) {
			if (cqe->flags & IORING_CQE_F_NOTIF) {
				send_zc_notified(cqe->res, len, tally);
				notified = true;
			} else if (cqe->user_data == PAYLOAD) {
				result = cqe->res;
				sent = true;
				notified = notified || !(cqe->flags & IORING_CQE_F_MORE);
			} else { /* a header that failed: the payload is canceled, and says nothing */
				result = cqe->res < 0 ? cqe->res : -EIO;
				sent = notified = true;
			}
			io_uring_cqe_seen(ring, cqe);
		}
	}
	return result == (int)len ? 0 : result < 0 ? result : -EIO;
}
