/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fuzz/ring-model.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

const struct kind kinds[KINDS] = {
	{ HWS_OP_NOP, 0 },
	{ HWS_OP_READ, TAKES_BUF | MOVES },
	{ HWS_OP_WRITE, TAKES_BUF | MOVES },
	{ HWS_OP_READV, TAKES_LIST },
	{ HWS_OP_WRITEV, TAKES_LIST },
	{ HWS_OP_FSYNC, 0 },
	{ HWS_OP_STATX, TAKES_BUF | TAKES_DATA | TAKES_STATX },
	{ HWS_OP_POLL, 0 },
	{ HWS_OP_TIMEOUT, 0 },
	{ HWS_OP_SOCKET, 0 },
	{ HWS_OP_RECV, TAKES_BUF | MOVES | OWN_FLAGS },
	{ HWS_OP_SEND, TAKES_BUF | MOVES | OWN_FLAGS },
	{ HWS_OP_RECV_MANY, NEVER }, /* there is no group */
	{ HWS_OP_NVME, NEVER },	     /* nor is it such a ring */
	{ HWS_OP_KINDS, NEVER },
	{ UINT32_MAX, NEVER },
};

uint32_t traits_of(uint32_t kind)
{
	for (int i = 0; i < KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].traits;
	return NEVER;
}

/* Has what nobody waited for ended? Then it is nobody's handle any more. */
static void settle(struct model *model, struct held *of)
{
	int owner = hws_buf_owner(model->pool, of->buf);

	fuzz_must(owner == -ESTALE || owner == HWS_OWNER_KERNEL || owner == HWS_OWNER_RETURNING);
	if (owner < 0)
		*of = (struct held) { of->buf, HWS_OWNER_FREE, false };
}

struct held *model_holder(struct model *model, struct hws_buf buf)
{
	for (int i = 0; i < BUFFERS; i++) {
		struct held *of = &model->held[i];

		if (of->buf.slot != buf.slot || of->buf.generation != buf.generation)
			continue;
		if (of->orphan)
			settle(model, of);
		if (of->owner != HWS_OWNER_FREE)
			return of;
	}
	return NULL;
}

int model_expect_buf(struct model *model, struct hws_buf buf)
{
	const struct held *of = model_holder(model, buf);

	return !of ? -ESTALE : of->owner == HWS_OWNER_USER ? 0 : -EBUSY;
}

static int expect_form(const struct hws_request *request, uint32_t traits)
{
	bool exact = request->flags & HWS_EXACT;

	if (traits & NEVER || request->flags > 31 || (exact && !(traits & MOVES)))
		return -EINVAL;
	if (exact && request->flags & (HWS_LINK | HWS_HARDLINK))
		return -EINVAL;
	return exact && request->how && !(traits & OWN_FLAGS) ? -EINVAL : 0;
}

static int expect_one(struct model *model, const struct hws_request *request, uint32_t traits)
{
	uint64_t length = traits & TAKES_STATX ? sizeof(struct statx) : request->length;
	int r = model_expect_buf(model, request->buf);

	if (r == 0 &&
	    (request->buf_offset > BUFFER_SIZE || length > BUFFER_SIZE - request->buf_offset))
		r = -ERANGE;
	return r;
}

static int expect_list(struct model *model, const struct hws_request *request)
{
	int r = request->count ? 0 : -EINVAL;

	for (uint32_t i = 0; r == 0 && i < request->count; i++) {
		r = model_expect_buf(model, request->bufs[i]);
		/* twice in one list: the second time it is the kernel's */
		for (uint32_t k = 0; k < i && r == 0; k++)
			r = request->bufs[k].slot == request->bufs[i].slot ? -EBUSY : 0;
	}
	return r;
}

int model_expect(struct model *model, const struct hws_request *request, uint64_t in_flight)
{
	uint32_t traits = traits_of(request->kind);
	int r = expect_form(request, traits);

	if (r == 0 && in_flight >= model->depth)
		r = -EAGAIN;
	if (r == 0 && traits & TAKES_DATA && !request->data)
		r = -EINVAL;
	if (r == 0 && traits & TAKES_BUF)
		r = expect_one(model, request, traits);
	if (r == 0 && traits & TAKES_LIST)
		r = expect_list(model, request);
	return r;
}

void model_pass(struct model *model, const struct hws_request *request, enum hws_owner to,
		bool orphan)
{
	uint32_t traits = traits_of(request->kind);
	uint32_t count = traits & TAKES_BUF ? 1 : traits & TAKES_LIST ? request->count : 0;

	for (uint32_t i = 0; i < count; i++) {
		struct held *of =
			model_holder(model, traits & TAKES_BUF ? request->buf : request->bufs[i]);

		fuzz_must(of);
		of->owner = to;
		of->orphan = orphan;
	}
}

void model_suit(struct hws_request *request, bool other)
{
	switch (request->kind) {
	case HWS_OP_TIMEOUT:
		request->offset = other ? UINT64_MAX >> 1 : 1;
		break;
	case HWS_OP_POLL:
		request->how = other ? POLLIN : POLLOUT;
		break;
	case HWS_OP_STATX:
		request->data = other ? "/" : NULL;
		break;
	case HWS_OP_SOCKET:
		request->fd = AF_UNIX;
		request->offset = SOCK_STREAM;
		request->length = 0;
		break;
	default:
		break;
	}
}
