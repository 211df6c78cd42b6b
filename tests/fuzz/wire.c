/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a request: what is taken has every number in its range, and a reply of its size. */
#include <string.h>

#include "shim/wire-internal.h"
#include "tests/fuzz/fuzz.h"

static bool place_ok(const struct hws_wire_step *step)
{
	static const uint64_t rooms[] = { 0x10000, UINT64_C(1) << 32, 4096, INT64_MAX };

	return step->kind < 4 && step->verb < HWS_WIRE_VERBS && step->at < rooms[step->kind] &&
	       step->width <= 8 && step->width && step->bar < 6 && step->cpu < 8192 &&
	       step->bdf.device < 32 && step->bdf.function < 8;
}

static void look(const union wire_request *request, size_t size)
{
	const struct hws_wire_run *run = wire_body(request);
	const struct hws_wire_step *steps = (const void *)(run + 1);
	union wire_reply reply = { 0 };
	size_t reply_size = wire_reply_size(request);

	fuzz_must(request->head.size == size);
	fuzz_must(reply_size >= sizeof(reply.answer) && reply_size <= sizeof(reply));
	reply.answer.head = request->head;
	reply.answer.head.size = (uint32_t)reply_size;
	fuzz_must(wire_check_reply(request, &reply, reply_size) == 0);
	fuzz_must(wire_check_reply(request, &reply, reply_size - 1) < 0);
	if (request->head.op != HWS_WIRE_RUN)
		return;
	fuzz_must(run->count >= 1 && run->count <= HWS_WIRE_STEPS);
	fuzz_must(size == sizeof(request->head) + sizeof(*run) + run->count * sizeof(*steps));
	for (uint32_t i = 0; i < run->count; i++)
		fuzz_must(place_ok(&steps[i]));
}

/* As the input has it, but for what every message must begin with. */
static void mend(union wire_request *request, size_t size, uint16_t version)
{
	request->head.magic = HWS_WIRE_MAGIC;
	request->head.version = version ? version : HWS_WIRE_OLDEST;
	request->head.size = (uint32_t)size;
}

/* Out of a ring it is the same request, or none. */
static void take(const union wire_request *request)
{
	struct hws_wire_slot slot = { { 0 }, { 0 } };
	union wire_request taken;
	size_t size;

	memcpy(slot.request, request, sizeof(*request));
	size = wire_take(&slot, &taken);
	fuzz_must(size == (request->head.size <= sizeof(*request) ? request->head.size : 0));
	fuzz_must(!memcmp(&taken, request, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t how = fuzz_number(&input, 1);
	uint16_t version = how & 1 ? HWS_WIRE_VERSION : 0;
	union wire_request request;

	size = input.left < sizeof(request) ? input.left : sizeof(request);
	memset(&request, 0xa5, sizeof(request)); /* what lies behind must not matter */
	memcpy(&request, input.at, size);
	if (how & 2 && size >= sizeof(request.head))
		mend(&request, size, version);
	take(&request);
	if (wire_check(&request, size, version) == 0)
		look(&request, size);
	return 0;
}
