/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An access from end to end, on the simulated machine: policy, guard, rate, back end, trail. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "tests/guardian/gate-kit.h"

START_TEST(access_goes_through_both_faces)
{
	struct hws *hw = open_with(ALL_OF_IT);
	struct hws_mmio *mmio = map(hw, HWS_RW);
	uint32_t value = 0;
	uint8_t byte = 0;

	ck_ok(hws_mmio_read32(mmio, ID, &value));
	ck_assert_uint_eq(value, DEVICE_ID);
	ck_assert_uint_eq(hws_mmio_get32(mmio, ID), DEVICE_ID);
	ck_ok(hws_mmio_write32(mmio, SCRATCH, 0xcafe));
	ck_assert_uint_eq(hws_mmio_get32(mmio, SCRATCH), 0xcafe);
	hws_mmio_put32(mmio, SCRATCH, 0xbeef);
	ck_assert_uint_eq(hws_mmio_get32(mmio, SCRATCH), 0xbeef);
	ck_ok(hws_mmio_read8(mmio, 0x2d, &byte));
	ck_assert_uint_eq(byte, 0x5a);
	ck_assert_ptr_null(hws_last_denial());
	hws_mmio_unmap(mmio);
	hws_mmio_unmap(NULL);
	hws_close(hw);
	hws_close(NULL);
}
END_TEST

START_TEST(access_outside_or_askew_is_refused)
{
	struct hws *hw = open_with(ALL_OF_IT);
	struct hws_mmio *mmio = map(hw, HWS_RW);
	uint32_t value = 4711;
	static const uint64_t outside[] = { 0x100, 0x104, UINT64_MAX - 3, (uint64_t)1 << 63 };
	static const uint64_t askew[] = { 1, 2, 3, 0xfe };

	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(hws_mmio_read32(mmio, outside[i], &value), -ERANGE);
		check_denial(HWS_REASON_RANGE, -ERANGE);
		ck_assert_uint_eq(hws_mmio_get32(mmio, outside[i]), UINT32_MAX);
		ck_assert_int_eq(hws_mmio_write32(mmio, outside[i], 0), -ERANGE);
	}
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(hws_mmio_read32(mmio, askew[i], &value), -EINVAL);
		check_denial(HWS_REASON_ALIGN, -EINVAL);
	}
	ck_assert_int_eq(hws_mmio_read32(mmio, 0xfe, &value), -ERANGE);
	ck_assert_int_eq(hws_mmio_read64(mmio, 0xfc, &(uint64_t) { 0 }), -ERANGE);
	ck_assert_uint_eq(value, 4711);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(right_that_was_not_asked_for_is_refused)
{
	struct hws *hw = open_with(ALL_OF_IT);
	struct hws_mmio *mmio = map(hw, HWS_R);

	ck_assert_int_eq(hws_mmio_write32(mmio, SCRATCH, 1), -EACCES);
	check_denial(HWS_REASON_NO_RULE, -EACCES);
	hws_mmio_put32(mmio, SCRATCH, 1);
	ck_assert_uint_eq(hws_mmio_get32(mmio, SCRATCH), 0x12345678);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(window_that_no_rule_allows_is_refused)
{
	struct hws *hw = open_with("bar = 1234:11ea 0 0x00-0x1f rw\n"
				   "deny bar = 1234:11ea 0 0x08-0x0b");
	struct hws_mmio *mmio = NULL;

	ck_assert_int_eq(hws_mmio_map(hw, TEST_DEVICE, 0, 0, 0x100, HWS_RW, &mmio), -EACCES);
	ck_assert_int_eq(hws_mmio_map(hw, TEST_DEVICE, 0, 0, 0x20, HWS_R, &mmio), -EACCES);
	check_denial(HWS_REASON_DENY_RULE, -EACCES);
	ck_assert_str_eq(hws_last_denial()->place, "inline:2");
	ck_assert_ptr_null(mmio);
	ck_ok(hws_mmio_map(hw, TEST_DEVICE, 0, 0, 8, HWS_RW, &mmio));
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(refusal_names_the_rule_that_would_allow_it)
{
	static const char cure[] = "this one would: ";
	struct hws *hw = open_with("cpuid = * r");
	struct hws_mmio *mmio = NULL;
	const char *line;

	ck_assert_int_eq(hws_mmio_map(hw, TEST_DEVICE, 0, 4, 8, HWS_RW, &mmio), -EACCES);
	line = strstr(hws_why(), cure);
	ck_assert_msg(line, "%s", hws_why());
	ck_assert_str_eq(line + strlen(cure), "bar = 0000:00:05.0 0 0x4-0xb rw");
	hws_close(hw);
	hw = open_with("bar = 0000:00:05.0 0 0x4-0xb rw");
	ck_ok(hws_mmio_map(hw, TEST_DEVICE, 0, 4, 8, HWS_RW, &mmio));
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(map_says_what_is_wrong_with_its_arguments)
{
	struct hws *hw = open_with(ALL_OF_IT);
	struct hws_mmio *mmio = NULL;

	ck_assert_int_eq(hws_mmio_map(hw, "edu", 0, 0, 4, HWS_R, &mmio), -EINVAL);
	ck_assert_ptr_nonnull(strstr(hws_why(), "'edu'"));
	ck_assert_int_eq(hws_mmio_map(hw, NULL, 0, 0, 4, HWS_R, &mmio), -EINVAL);
	ck_assert_int_eq(hws_mmio_map(hw, "00:1f.0", 0, 0, 4, HWS_R, &mmio), -ENODEV);
	ck_assert_int_eq(hws_mmio_map(hw, TEST_DEVICE, 0, UINT64_MAX, 2, HWS_R, &mmio), -ERANGE);
	ck_assert_int_eq(hws_mmio_map(hw, TEST_DEVICE, 0, 0x10000000, 4, HWS_R, &mmio), -ERANGE);
	ck_assert_int_eq(hws_mmio_map(hw, TEST_DEVICE, 0, 0, 4, 0, &mmio), -EINVAL);
	ck_assert_ptr_null(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(guard_stops_a_loop_and_only_rearming_opens_it)
{
	struct hws_options options = sim_with(ALL_OF_IT);
	struct hws *hw;
	struct hws_mmio *mmio;
	uint32_t value;

	options.guards[HWS_GUARD_MMIO_READ] =
		(struct hws_guard_limit) { .handle = 50, .context = 100 };
	ck_ok(hws_open(&options, &hw));
	for (int round = 0; round < 3; round++) {
		mmio = map(hw, HWS_RW);
		for (int i = 0; i < 50; i++)
			ck_ok(hws_mmio_read32(mmio, ID, &value));
		for (int i = 0; i < 10; i++)
			ck_assert_int_eq(hws_mmio_read32(mmio, ID, &value), -EDQUOT);
		check_denial(HWS_REASON_GUARD, -EDQUOT);
		ck_assert_uint_eq(hws_mmio_get32(mmio, ID), UINT32_MAX);
		ck_ok(hws_mmio_write32(mmio, SCRATCH, 1));
		ck_ok(hws_guard_rearm(hw, HWS_GUARD_MMIO_READ));
		ck_ok(hws_mmio_read32(mmio, ID, &value));
		hws_mmio_unmap(mmio);
	}
	ck_assert_int_eq(hws_guard_rearm(hw, HWS_GUARDS), -EINVAL);
	hws_close(hw);
}
END_TEST

START_TEST(rearming_gives_the_count_anew_and_nothing_besides)
{
	struct hws *hw = open_with("port = 0x80 rw");
	uint64_t limit = hws_guard_default(HWS_GUARD_PORT_READ).handle;
	uint64_t granted = 0;
	struct hws_port *port;
	uint8_t value;

	ck_ok(hws_port_open(hw, 0x80, 1, HWS_RW, &port));
	/* some are held ready for reads when it is re-armed; a write is the first to see that */
	ck_ok(hws_port_read8(port, 0x80, &value));
	ck_ok(hws_guard_rearm(hw, HWS_GUARD_PORT_READ));
	ck_ok(hws_port_write8(port, 0x80, 1));
	while (hws_port_read8(port, 0x80, &value) == 0)
		granted++;
	check_denial(HWS_REASON_GUARD, -EDQUOT);
	ck_assert_uint_eq(granted, limit);
	hws_port_close(port);
	hws_close(hw);
}
END_TEST

START_TEST(rights_of_several_rules_are_asked_for_where_they_matter)
{
	struct hws *hw = open_with("bar = 1234:11ea 0 r side\nbar = 1234:11ea 0 w");
	struct hws_mmio *mmio = map(hw, HWS_RW | HWS_SIDE);
	uint32_t value;

	ck_ok(hws_mmio_write32(mmio, SCRATCH, 0xcafe));
	ck_ok(hws_mmio_read32(mmio, SCRATCH, &value));
	ck_assert_uint_eq(value, 0xcafe);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

static uint64_t now_ns(void)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

START_TEST(guard_with_a_window_opens_by_itself_and_gives_no_more)
{
	enum { LIMIT = 100, HANDLES = 4, ROUNDS = 3, WINDOW_NS = 20000000 };
	struct hws_options options = sim_with(ALL_OF_IT);
	struct hws *hw;
	struct hws_mmio *mmio[HANDLES];
	uint64_t begin = now_ns();
	uint64_t granted = 0;
	uint64_t refused = 0;

	options.guards[HWS_GUARD_MMIO_READ] = (struct hws_guard_limit) { .handle = LIMIT,
									 .context = LIMIT,
									 .window_ns = WINDOW_NS };
	ck_ok(hws_open(&options, &hw));
	for (int i = 0; i < HANDLES; i++)
		mmio[i] = map(hw, HWS_R);
	/* each holds some ready when the guard is used up and its window ends */
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 10 * LIMIT; i++)
			*(hws_mmio_get32(mmio[i % HANDLES], ID) == DEVICE_ID ? &granted
									     : &refused) += 1;
		usleep(WINDOW_NS / 1000 + 10000);
	}
	/* as many windows as there was time for, the first and the last in part */
	ck_assert_uint_le(granted, LIMIT * ((now_ns() - begin) / WINDOW_NS + 2));
	ck_assert_uint_ge(granted, ROUNDS * (LIMIT - HANDLES));
	ck_assert_uint_gt(refused, 0);
	for (int i = 0; i < HANDLES; i++)
		hws_mmio_unmap(mmio[i]);
	hws_close(hw);
}
END_TEST

START_TEST(rule_with_mask_value_and_width_is_asked_each_time)
{
	struct hws *hw =
		open_with("bar = 1234:11ea 0 0x04-0x07 rw, width 4, mask 0xff, value 0x0-0x7f");
	struct hws_mmio *mmio;

	ck_ok(hws_mmio_map(hw, TEST_DEVICE, 0, SCRATCH, 4, HWS_RW, &mmio));
	ck_assert_uint_eq(hws_mmio_get32(mmio, 0), 0x12345678);
	ck_ok(hws_mmio_write32(mmio, 0, 0x12345601));
	ck_assert_int_eq(hws_mmio_write32(mmio, 0, 0x02), -EACCES);
	check_denial(HWS_REASON_MASK, -EACCES);
	ck_assert_int_eq(hws_mmio_write32(mmio, 0, 0x12345680), -EACCES);
	check_denial(HWS_REASON_VALUE, -EACCES);
	ck_assert_int_eq(hws_mmio_write8(mmio, 0, 1), -EACCES);
	check_denial(HWS_REASON_WIDTH, -EACCES);
	ck_assert_uint_eq(hws_mmio_get32(mmio, 0), 0x12345601);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(rule_with_a_rate_gives_no_more)
{
	struct hws *hw = open_with("bar = 1234:11ea 0 rw, rate 5/min");
	struct hws_mmio *mmio = map(hw, HWS_RW);

	for (uint32_t i = 0; i < 5; i++)
		ck_ok(hws_mmio_write32(mmio, SCRATCH, i));
	ck_assert_int_eq(hws_mmio_write32(mmio, SCRATCH, 5), -EDQUOT);
	check_denial(HWS_REASON_RATE, -EDQUOT);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(handle_outlives_its_context)
{
	struct hws *hw = open_with(ALL_OF_IT);
	struct hws_mmio *mmio = map(hw, HWS_R);

	hws_close(hw);
	ck_assert_uint_eq(hws_mmio_get32(mmio, ID), DEVICE_ID);
	hws_mmio_unmap(mmio);
}
END_TEST

static int count_event(const struct hws_event *event, void *context)
{
	uint64_t *counts = context;

	counts[event->reason]++;
	return 0;
}

START_TEST(every_decision_is_in_the_trail)
{
	struct hws *hw = open_with(ALL_OF_IT);
	struct hws_mmio *mmio = map(hw, HWS_R);
	uint64_t counts[HWS_REASONS] = { 0 };
	uint32_t value;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hws_mmio_read32(mmio, 0x100, &value), -ERANGE);
	ck_assert_int_eq(hws_mmio_write32(mmio, 0, 0), -EACCES);
	ck_assert_int_eq(hws_mmio_map(hw, "00:03.0", 0, 0, 4, HWS_RW, &mmio), -EACCES);
	ck_ok(hws_audit_query(hws_trail(hw), NULL, count_event, counts, NULL));
	ck_assert_uint_eq(counts[HWS_REASON_RANGE], 3);
	ck_assert_uint_eq(counts[HWS_REASON_NO_RULE], 2);
	ck_assert_uint_eq(counts[HWS_REASON_NONE], 1);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("guardian/gate",
			 (const TTest *[]) {
				 access_goes_through_both_faces,
				 access_outside_or_askew_is_refused,
				 right_that_was_not_asked_for_is_refused,
				 window_that_no_rule_allows_is_refused,
				 refusal_names_the_rule_that_would_allow_it,
				 map_says_what_is_wrong_with_its_arguments,
				 guard_stops_a_loop_and_only_rearming_opens_it,
				 rearming_gives_the_count_anew_and_nothing_besides,
				 rights_of_several_rules_are_asked_for_where_they_matter,
				 guard_with_a_window_opens_by_itself_and_gives_no_more,
				 rule_with_mask_value_and_width_is_asked_each_time,
				 rule_with_a_rate_gives_no_more,
				 handle_outlives_its_context,
				 every_decision_is_in_the_trail,
				 NULL,
			 });
}
