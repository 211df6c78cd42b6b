/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an operation has besides its slot: copies of what its request points to,
 * and memory to bounce by where the kernel can't reach a buffer by its address.
 */
#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <stdlib.h>
#include <string.h>

#include "shim/why-internal.h"
#include "uring/op-internal.h"
#include "uring/ring-group-internal.h"

#define LIST_MAX 1024 /* the kernel's IOV_MAX */
#define DATA_MAX 4096 /* and its PATH_MAX */

/* The device follows every address it is given: the only one is to be the buffer's. */
static int check_command(const struct hws_request *request)
{
	struct nvme_uring_cmd command;

	if (request->data_size != sizeof(command))
		return why(-EINVAL, "nvme takes a struct nvme_uring_cmd");
	memcpy(&command, request->data, sizeof(command));
	if (request->how != NVME_URING_CMD_IO && request->how != NVME_URING_CMD_ADMIN)
		return why(-EINVAL,
			   "nvme takes NVME_URING_CMD_IO or _ADMIN: no lists of addresses");
	if (command.metadata || command.metadata_len)
		return why(-EINVAL,
			   "nvme commands have no metadata of their own: it has no buffer");
	return 0;
}

int extra_measure(const struct op_kind *kind, const struct hws_request *request,
		  struct extra_sizes *ret_sizes)
{
	struct extra_sizes sizes = { 0 };

	if (kind->traits & OP_LIST) {
		if (!request->bufs || request->count == 0 || request->count > LIST_MAX)
			return why(-EINVAL, "%s takes a list of 1 to %d buffers", kind->name,
				   LIST_MAX);
		sizes.count = request->count;
	}
	if (kind->traits & OP_TIME)
		sizes.data = sizeof(struct __kernel_timespec);
	else if (kind->traits & OP_DATA && !request->data)
		return why(-EINVAL, "%s needs data", kind->name);
	else if (kind->traits & OP_PATH)
		sizes.data = strnlen(request->data, DATA_MAX) + 1;
	else if (kind->traits & OP_DATA)
		sizes.data = request->data_size;
	if (sizes.data > DATA_MAX)
		return why(-ENAMETOOLONG, "%s takes up to %d bytes", kind->name, DATA_MAX);
	*ret_sizes = sizes;
	return kind->traits & OP_NVME ? check_command(request) : 0;
}

static void fill_time(struct __kernel_timespec *time, uint64_t ns)
{
	time->tv_sec = (int64_t)(ns / 1000000000);
	time->tv_nsec = (long long)(ns % 1000000000);
}

int extra_make(const struct op_kind *kind, const struct hws_request *request,
	       struct op_extra **ret_extra)
{
	struct op_extra *extra;
	struct extra_sizes sizes = { 0 };
	int r = extra_measure(kind, request, &sizes);

	if (r < 0)
		return r;
	/* in order of alignment */
	extra = calloc(1, sizeof(*extra) +
				  sizes.count * (sizeof(struct iovec) + sizeof(struct hws_buf)) +
				  sizes.data);
	if (!extra)
		return why(-ENOMEM, "no memory for %s", kind->name);
	extra->count = sizes.count;
	extra->iov = (struct iovec *)(extra + 1);
	extra->bufs = (struct hws_buf *)(extra->iov + sizes.count);
	extra->data = extra->bufs + sizes.count;
	if (kind->traits & OP_GROUP) {
		extra->group = request->group;
		group_use(extra->group, true);
	}
	if (sizes.count)
		memcpy(extra->bufs, request->bufs, sizes.count * sizeof(struct hws_buf));
	if (kind->traits & OP_TIME)
		fill_time(extra->data, request->offset);
	else if (sizes.data)
		memcpy(extra->data, request->data, sizes.data);
	*ret_extra = extra;
	return 0;
}

void extra_free(struct op_extra *extra)
{
	if (!extra)
		return;
	free(extra->bounce);
	free(extra);
}

/* Between the operation's memory, piece by piece, and what it is bounced by. */
static int copy(struct hws_ring *ring, const struct op *op, uint64_t size, bool in)
{
	const struct op_extra *extra = op->extra;
	struct iovec one = { (void *)(uintptr_t)op->address, op->length };
	const struct iovec *iov = extra->count ? extra->iov : &one;
	const struct hws_buf *bufs = extra->count ? extra->bufs : &op->buf;
	char *bounce = extra->bounce;

	for (uint32_t i = 0; size; i++) {
		size_t part = size < iov[i].iov_len ? (size_t)size : iov[i].iov_len;
		int r = buf_open_for_kernel(ring->pool, bufs[i]);

		if (r < 0)
			return r;
		memcpy(in ? iov[i].iov_base : bounce, in ? bounce : iov[i].iov_base, part);
		buf_close_for_kernel(ring->pool, bufs[i]);
		bounce += part;
		size -= part;
	}
	return 0;
}

int extra_copy_in(struct hws_ring *ring, const struct op *op, uint64_t size)
{
	return copy(ring, op, size < op->extra->size ? size : op->extra->size, true);
}

int extra_bounce(struct hws_ring *ring, const struct op_kind *kind, struct op *op)
{
	if (!op->extra)
		op->extra = calloc(1, sizeof(*op->extra));
	if (!op->extra)
		return why(-ENOMEM, "no memory for %s", kind->name);
	op->extra->bounce = malloc(op->length ? op->length : 1);
	if (!op->extra->bounce)
		return why(-ENOMEM, "no memory to copy %u bytes by", op->length);
	op->extra->size = op->length;
	op->extra->whole = (struct iovec) { op->extra->bounce, op->length };
	op->state |= OP_SLOW;
	ring->stats.bounced++;
	return kind->traits & OP_IN ? 0 : copy(ring, op, op->length, false);
}

int op_bufs(struct hws_ring *ring, const struct op *op, op_buf_fn *fn)
{
	const struct op_extra *extra = op->extra;
	uint32_t count = extra && extra->count ? extra->count : op->state & OP_HAS_BUF ? 1 : 0;
	const struct hws_buf *bufs = extra && extra->count ? extra->bufs : &op->buf;
	int first = 0;

	for (uint32_t i = 0; i < count; i++) {
		int r = fn(ring->pool, bufs[i], op_number(op));

		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}
