/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which messages are requests. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "shim/wire-internal.h"
#include "tests/suite.h"

static struct hws_wire_step *make_run(union wire_request *request, uint32_t count)
{
	struct hws_wire_run *run = (void *)(request->bytes + sizeof(request->head));
	struct hws_wire_step *steps = (void *)(run + 1);

	wire_begin(request, HWS_WIRE_RUN, count, 1);
	run->count = count;
	for (uint32_t i = 0; i < count; i++)
		steps[i] = (struct hws_wire_step) { .kind = 1, .width = 8, .at = 0x10 };
	return steps;
}

static int check(const union wire_request *request)
{
	return wire_check(request, request->head.size, HWS_WIRE_VERSION);
}

START_TEST(wire_takes_each_operation_only_in_its_own_size)
{
	for (int op = HWS_WIRE_IDENTIFY; op < HWS_WIRE_OPS; op++) {
		union wire_request request = { 0 };
		/* of the others, all zero makes no sense */
		bool valid = op != HWS_WIRE_PORTS && op != HWS_WIRE_BAR && op != HWS_WIRE_RUN;
		size_t size = wire_begin(&request, (enum hws_wire_op)op, 0, 1);

		ck_assert_int_eq(wire_check(&request, size, HWS_WIRE_VERSION),
				 valid ? 0 : -EBADMSG);
		for (size_t other = 0; other <= sizeof(request); other++) {
			request.head.size = (uint32_t)other;
			if (other != size)
				ck_assert_int_eq(wire_check(&request, other, HWS_WIRE_VERSION),
						 -EBADMSG);
		}
	}
}
END_TEST

START_TEST(wire_takes_hello_first_and_once)
{
	union wire_request request;
	size_t size = wire_begin(&request, HWS_WIRE_HELLO, 0, 1);

	ck_assert_int_eq(wire_check(&request, size, 0), 0);
	ck_assert_int_eq(wire_check(&request, size, 1), -EBADMSG);
	size = wire_begin(&request, HWS_WIRE_IDENTIFY, 0, 1);
	ck_assert_int_eq(wire_check(&request, size, 0), -EBADMSG);
	ck_assert_int_eq(wire_check(&request, size, HWS_WIRE_VERSION), 0);
	request.head.version = 1;
	ck_assert_int_eq(wire_check(&request, size, 1), 0);
	ck_assert_int_eq(wire_check(&request, size, HWS_WIRE_VERSION), -EBADMSG);
	request.head.version = HWS_WIRE_VERSION + 1;
	ck_assert_int_eq(wire_check(&request, size, HWS_WIRE_VERSION), -EBADMSG);
}
END_TEST

START_TEST(wire_knows_rings_since_version_2_and_not_inside_one)
{
	union wire_request request;
	size_t size = wire_begin(&request, HWS_WIRE_RING, 0, 1);
	struct hws_wire_share *share = (void *)(request.bytes + sizeof(request.head));

	request.head.version = 2;
	ck_assert_int_eq(wire_check(&request, size, 2), 0);
	share->start = 2;
	ck_assert_int_eq(wire_check(&request, size, 2), -EBADMSG);
	share->start = 0;
	request.head.version = 1;
	ck_assert_int_eq(wire_check(&request, size, 1), -EBADMSG);
	for (int op = 0; op < HWS_WIRE_OPS; op++)
		ck_assert_int_eq(wire_in_ring((enum hws_wire_op)op),
				 op != HWS_WIRE_HELLO && op != HWS_WIRE_BAR &&
					 op != HWS_WIRE_RING && op != HWS_WIRE_HOLD);
}
END_TEST

START_TEST(wire_knows_functions_held_whole_since_version_2)
{
	union wire_request request;
	size_t size = wire_begin(&request, HWS_WIRE_HOLD, 0, 1);
	struct hws_wire_hold *hold = (void *)(request.bytes + sizeof(request.head));

	request.head.version = 2;
	ck_assert_int_eq(wire_check(&request, size, 2), 0);
	hold->which = HWS_HOLD_FDS;
	ck_assert_int_eq(wire_check(&request, size, 2), -EBADMSG);
	hold->which = 0;
	hold->bdf.device = 32;
	ck_assert_int_eq(wire_check(&request, size, 2), -EBADMSG);
	hold->bdf.device = 0;
	request.head.version = 1;
	ck_assert_int_eq(wire_check(&request, size, 1), -EBADMSG);
}
END_TEST

START_TEST(wire_knows_rights_since_version_3)
{
	union wire_request request;
	size_t size = wire_begin(&request, HWS_WIRE_RIGHTS, 0, 1);

	ck_assert_int_eq(wire_check(&request, size, 3), 0);
	request.head.version = 2;
	ck_assert_int_eq(wire_check(&request, size, 2), -EBADMSG);
}
END_TEST

START_TEST(wire_takes_what_fits_out_of_a_slot)
{
	static struct hws_wire_slot slot;
	union wire_request request;
	union wire_request taken;
	struct hws_wire_head *head = (void *)slot.request;

	make_run(&request, HWS_WIRE_STEPS);
	memcpy(slot.request, &request, request.head.size);
	ck_assert_uint_eq(wire_take(&slot, &taken), sizeof(request));
	ck_assert_mem_eq(&taken, &request, sizeof(request));
	for (uint32_t size = 0; size < 8192; size++) {
		head->size = size;
		ck_assert_uint_eq(wire_take(&slot, &taken), size <= sizeof(taken) ? size : 0);
	}
	head->size = UINT32_MAX;
	ck_assert_uint_eq(wire_take(&slot, &taken), 0);
}
END_TEST

START_TEST(wire_counts_steps)
{
	union wire_request request;

	make_run(&request, 0);
	ck_assert_int_eq(check(&request), -EBADMSG);
	for (uint32_t count = 1; count <= HWS_WIRE_STEPS; count++) {
		make_run(&request, count);
		ck_assert_int_eq(check(&request), 0);
	}
	((struct hws_wire_run *)(request.bytes + sizeof(request.head)))->count++;
	ck_assert_int_eq(check(&request), -EBADMSG);
	((struct hws_wire_run *)(request.bytes + sizeof(request.head)))->count = UINT32_MAX;
	ck_assert_int_eq(check(&request), -EBADMSG);
}
END_TEST

/* Each is one thing away from a good one. */
static const struct {
	struct hws_wire_step step;
	bool ok;
} steps[] = {
	{ { .kind = 0, .width = 1, .at = 0xffff }, true },
	{ { .kind = 0, .width = 2, .at = 0xffff }, false },
	{ { .kind = 0, .width = 8, .at = 0x70 }, false },
	{ { .kind = 0, .width = 3, .at = 0x70 }, false },
	{ { .kind = 0, .width = 0, .at = 0x70 }, false },
	{ { .kind = 0, .width = 1, .at = 0x70, .cpu = 1 }, false },
	{ { .kind = 0, .width = 1, .at = 0x70, .bar = 1 }, false },
	{ { .kind = 0, .width = 1, .at = 0x70, .bdf = { .bus = 1 } }, false },
	{ { .kind = 0, .width = 1, .at = 0x70, .value = 1 }, false },
	{ { .kind = 0, .width = 1, .at = 0x70, .verb = 1, .value = 0xff }, true },
	{ { .kind = 0, .width = 1, .at = 0x70, .verb = 1, .value = 0x100 }, false },
	{ { .kind = 0, .width = 1, .at = 0x70, .verb = 1, .mask = 1 }, false },
	{ { .kind = 0, .width = 1, .at = 0x70, .verb = 2, .value = 1, .mask = 3 }, true },
	{ { .kind = 0, .width = 1, .at = 0x70, .verb = 2, .value = 4, .mask = 3 }, false },
	{ { .kind = 0, .width = 1, .at = 0x70, .verb = 3 }, false },
	{ { .kind = 1, .width = 8, .at = 0xffffffff, .cpu = 8191 }, true },
	{ { .kind = 1, .width = 8, .at = 0x100000000 }, false },
	{ { .kind = 1, .width = 8, .at = 0, .cpu = 8192 }, false },
	{ { .kind = 1, .width = 4, .at = 0 }, false },
	{ { .kind = 2, .width = 4, .at = 4092, .bdf = { 5, 255, 31, 7, 0 } }, true },
	{ { .kind = 2, .width = 4, .at = 4094 }, false },
	{ { .kind = 2, .width = 4, .at = 4096 }, false },
	{ { .kind = 2, .width = 8, .at = 0 }, false },
	{ { .kind = 2, .width = 4, .at = 0, .bdf = { .device = 32 } }, false },
	{ { .kind = 2, .width = 4, .at = 0, .bdf = { .function = 8 } }, false },
	{ { .kind = 2, .width = 4, .at = 0, .bdf = { .zero = 1 } }, false },
	{ { .kind = 3, .width = 8, .at = 0x1000, .bar = 5 }, true },
	{ { .kind = 3, .width = 8, .at = 0x1004, .bar = 5 }, false },
	{ { .kind = 3, .width = 4, .at = 0x1000, .bar = 6 }, false },
	{ { .kind = 3, .width = 4, .at = UINT64_MAX - 3 }, false },
	{ { .kind = 4, .width = 4, .at = 0 }, false },
	{ { .kind = 255, .width = 4, .at = 0 }, false },
};

START_TEST(wire_checks_every_number_of_a_step)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		union wire_request request;
		struct hws_wire_step *last = make_run(&request, 3) + 2;

		*last = steps[i].step;
		ck_assert_msg(check(&request) == (steps[i].ok ? 0 : -EBADMSG), "step %zu", i);
	}
}
END_TEST

START_TEST(wire_takes_only_the_reply_to_its_request)
{
	union wire_request request;
	union wire_reply reply = { 0 };
	size_t size;

	make_run(&request, 3);
	size = wire_reply_size(&request);
	reply.answer.head = request.head;
	reply.answer.head.size = (uint32_t)size;
	ck_assert_int_eq(wire_check_reply(&request, &reply, size), 0);
	reply.answer.head.sequence++;
	ck_assert_int_eq(wire_check_reply(&request, &reply, size), -EBADMSG);
	reply.answer.head.sequence--;
	reply.answer.code = 1;
	ck_assert_int_eq(wire_check_reply(&request, &reply, size), -EBADMSG);
	reply.answer.code = -EACCES;
	ck_assert_int_eq(wire_check_reply(&request, &reply, size), 0);
	memset(reply.answer.why, 'a', sizeof(reply.answer.why));
	ck_assert_int_eq(wire_check_reply(&request, &reply, size), -EBADMSG);
}
END_TEST

/*
 * A program of 32 bits may ask a helper of 64: the sums of the members, each of one size
 * everywhere, are the whole, and nothing lies elsewhere.
 */
START_TEST(wire_lies_the_same_on_all_machines)
{
	static const struct {
		size_t is, must;
	} numbers[] = {
		{ sizeof(struct hws_wire_head), 4 + 2 + 2 + 4 + 4 },
		{ sizeof(struct hws_wire_answer), 16 + 4 + 4 + 104 },
		{ sizeof(struct hws_wire_bdf), 4 + 4 * 1 },
		{ sizeof(struct hws_wire_hello), 2 + 2 + 4 },
		{ sizeof(struct hws_wire_welcome), 2 + 2 + 4 },
		{ sizeof(struct hws_wire_cpu), 4 + 4 + 8 + 16 + 64 },
		{ sizeof(struct hws_wire_topology), 4 * 4 },
		{ sizeof(struct hws_wire_leaf), 2 * 4 },
		{ sizeof(struct hws_wire_regs), 4 * 4 },
		{ sizeof(struct hws_wire_next), 8 + 4 + 4 },
		{ sizeof(struct hws_wire_place), 8 + 8 + 4 + 4 },
		{ sizeof(struct hws_wire_info), 4 * 2 + 4 + 1 + 1 + 2 + 4 + 4 + 32 + 16 + 6 * 24 },
		{ sizeof(struct hws_wire_ports), 4 * 4 },
		{ sizeof(struct hws_wire_bar), 8 + 4 + 4 + 8 + 8 },
		{ sizeof(struct hws_wire_window), 8 + 4 + 4 },
		{ sizeof(struct hws_wire_run), 4 + 4 },
		{ sizeof(struct hws_wire_step), 4 * 1 + 4 + 8 + 3 * 8 },
		{ sizeof(struct hws_wire_end), 4 + 4 + 8 },
		{ sizeof(struct hws_wire_txn), 4 + 4 },
		{ sizeof(struct hws_wire_share), 4 + 4 },
		{ sizeof(struct hws_wire_shared), 4 + 4 },
		{ sizeof(struct hws_wire_slot), (352 + 160) * 8 },
		{ sizeof(struct hws_wire_ring), 16 * 4 + 1008 * 4 + 16 * (352 + 160) * 8 },
		{ sizeof(struct hws_wire_hold), 8 + 4 + 4 },
		{ sizeof(struct hws_wire_held), 8 + 8 + 4 + 4 },
		{ sizeof(struct hws_wire_rights), 4 + 4 + 16 * 4 },
		{ offsetof(struct hws_wire_info, bars), 72 },
		{ offsetof(struct hws_wire_step, mask), 32 },
		{ offsetof(struct hws_wire_ring, answered), 64 },
		{ offsetof(struct hws_wire_ring, slots), 4096 },
		{ sizeof(union wire_request), 16 + 8 + 64 * 40 },
		{ sizeof(union wire_reply), 128 + 64 * 16 },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		ck_assert_msg(numbers[i].is == numbers[i].must, "number %zu is %zu, not %zu", i,
			      numbers[i].is, numbers[i].must);
}
END_TEST

int main(void)
{
	return suite_run("helper/wire", (const TTest *[]) {
						wire_takes_each_operation_only_in_its_own_size,
						wire_takes_hello_first_and_once,
						wire_knows_rings_since_version_2_and_not_inside_one,
						wire_knows_functions_held_whole_since_version_2,
						wire_knows_rights_since_version_3,
						wire_takes_what_fits_out_of_a_slot,
						wire_counts_steps,
						wire_checks_every_number_of_a_step,
						wire_takes_only_the_reply_to_its_request,
						wire_lies_the_same_on_all_machines,
						NULL,
					});
}
