/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports of the simulated machine. */
#include "tests/hw/hw-kit.h"

static struct hws_port *open_ports(struct hws *hw, uint32_t first, uint32_t count, uint32_t rights)
{
	struct hws_port *port;

	ck_works(hws_port_open(hw, first, count, rights, &port));
	return port;
}

START_TEST(clock_is_read_by_both_faces)
{
	struct hws *hw = open_with("port = 0x70-0x71 rw");
	struct hws_port *clock = open_ports(hw, 0x70, 2, HWS_RW);
	uint8_t minute = 0;

	ck_assert_str_eq(hws_port_way(clock), "sim");
	ck_ok(hws_port_write8(clock, 0x70, 0x02));
	ck_ok(hws_port_read8(clock, 0x71, &minute));
	ck_assert_uint_eq(minute, 0x34);
	hws_port_put8(clock, 0x70, 0x04);
	ck_assert_uint_eq(hws_port_get8(clock, 0x71), 0x12);
	ck_assert_ptr_null(hws_last_denial());
	hws_port_close(clock);
	hws_port_close(NULL);
	hws_close(hw);
}
END_TEST

START_TEST(port_outside_the_range_is_refused)
{
	struct hws *hw = open_with("port = 0x3f8-0x3ff rw");
	struct hws_port *port = open_ports(hw, 0x3f8, 8, HWS_RW);
	static const uint32_t outside[] = { 0,	     0x3f7,   0x400,	  0xffff,
					    0x10000, 0x103f8, UINT32_MAX, 0x800003f8 };
	uint8_t byte = 0x11;
	uint16_t word = 0x1111;
	uint32_t dword = 0x11111111;

	for (size_t i = 0; i < COUNT(outside); i++) {
		ck_denied(hws_port_read8(port, outside[i], &byte), HWS_REASON_RANGE);
		ck_denied(hws_port_write8(port, outside[i], 0), HWS_REASON_RANGE);
		ck_assert_uint_eq(hws_port_get8(port, outside[i]), 0xff);
	}
	ck_denied(hws_port_read16(port, 0x3ff, &word), HWS_REASON_RANGE);
	ck_denied(hws_port_read32(port, 0x3fd, &dword), HWS_REASON_RANGE);
	ck_denied(hws_port_write16(port, 0x3ff, 0), HWS_REASON_RANGE);
	ck_denied(hws_port_write32(port, 0x3fd, 0), HWS_REASON_RANGE);
	ck_assert_uint_eq(hws_port_get16(port, 0x3ff), 0xffff);
	ck_assert_uint_eq(hws_port_get32(port, 0x3fd), 0xffffffff);
	ck_assert_uint_eq(byte, 0x11);
	ck_assert_uint_eq(word, 0x1111);
	ck_assert_uint_eq(dword, 0x11111111);
	hws_port_close(port);
	hws_close(hw);
}
END_TEST

START_TEST(open_refuses_ports_that_are_not)
{
	struct hws *hw = open_with("port = * rw\ndeny port = 0xcf8-0xcff");
	struct hws_port *port = NULL;

	ck_assert_int_eq(hws_port_open(hw, 0xffff, 2, HWS_R, &port), -ERANGE);
	ck_assert_int_eq(hws_port_open(hw, 0x10000, 1, HWS_R, &port), -ERANGE);
	ck_assert_int_eq(hws_port_open(hw, 0x70, 0, HWS_R, &port), -ERANGE);
	ck_assert_int_eq(hws_port_open(hw, 0x70, UINT32_MAX, HWS_R, &port), -ERANGE);
	ck_assert_str_ne(hws_why(), "");
	ck_assert_int_eq(hws_port_open(hw, 0x70, 1, 0, &port), -EINVAL);
	ck_denied(hws_port_open(hw, 0xcf0, 16, HWS_R, &port), HWS_REASON_DENY_RULE);
	ck_assert_ptr_null(port);
	ck_ok(hws_port_open(hw, 0xffff, 1, HWS_R, &port));
	hws_port_close(port);
	hws_close(hw);
}
END_TEST

START_TEST(right_that_was_not_asked_for_is_refused)
{
	struct hws *hw = open_with("port = 0x80 rw\nport = 0x3f8-0x3ff w");
	struct hws_port *read_only = open_ports(hw, 0x80, 1, HWS_R);
	struct hws_port *write_only = open_ports(hw, 0x3f8, 8, HWS_W);
	uint8_t before = hws_port_get8(read_only, 0x80);
	uint8_t value;

	ck_denied(hws_port_write8(read_only, 0x80, (uint8_t)~before), HWS_REASON_NO_RULE);
	hws_port_put8(read_only, 0x80, (uint8_t)~before);
	ck_assert_uint_eq(hws_port_get8(read_only, 0x80), before);
	ck_denied(hws_port_read8(write_only, 0x3f8, &value), HWS_REASON_NO_RULE);
	ck_assert_uint_eq(hws_port_get8(write_only, 0x3f8), 0xff);
	ck_ok(hws_port_write8(write_only, 0x3f8, 'x'));
	hws_port_close(read_only);
	hws_port_close(write_only);
	ck_denied(hws_port_open(hw, 0x3f8, 8, HWS_RW, &read_only), HWS_REASON_NO_RULE);
	hws_close(hw);
}
END_TEST

START_TEST(rule_of_width_and_value_is_asked_each_time)
{
	struct hws *hw = open_with("port = 0x80-0x83 rw, width 1, value 0x10-0x1f\nport = 0x80 r");
	struct hws_port *port = open_ports(hw, 0x80, 1, HWS_RW);

	ck_ok(hws_port_write8(port, 0x80, 0x12));
	ck_denied(hws_port_write8(port, 0x80, 0x20), HWS_REASON_VALUE);
	ck_assert_uint_eq(hws_port_get8(port, 0x80), 0x12);
	hws_port_close(port);
	port = open_ports(hw, 0x80, 4, HWS_RW);
	ck_denied(hws_port_write32(port, 0x80, 0x12), HWS_REASON_WIDTH);
	hws_port_close(port);
	hws_close(hw);
}
END_TEST

START_TEST(guard_and_rate_stop_a_loop)
{
	struct hws_options options = sim_with("port = 0x80 rw\nport = 0x70-0x71 rw, rate 3/min");
	struct hws_port *port;
	struct hws *hw;
	uint8_t value;

	options.guards[HWS_GUARD_PORT_READ].handle = 10;
	options.guards[HWS_GUARD_PORT_WRITE].handle = 5;
	ck_ok(hws_open(&options, &hw));
	port = open_ports(hw, 0x80, 1, HWS_RW);
	for (int i = 0; i < 10; i++)
		ck_ok(hws_port_read8(port, 0x80, &value));
	for (int i = 0; i < 5; i++)
		ck_ok(hws_port_write8(port, 0x80, 0));
	ck_denied(hws_port_read8(port, 0x80, &value), HWS_REASON_GUARD);
	ck_denied(hws_port_write8(port, 0x80, 0), HWS_REASON_GUARD);
	ck_assert_uint_eq(hws_port_get8(port, 0x80), 0xff);
	ck_ok(hws_guard_rearm(hw, HWS_GUARD_PORT_READ));
	ck_ok(hws_port_read8(port, 0x80, &value));
	ck_denied(hws_port_write8(port, 0x80, 0), HWS_REASON_GUARD);
	hws_port_close(port);
	port = open_ports(hw, 0x70, 2, HWS_RW);
	for (uint8_t i = 0; i < 3; i++)
		ck_ok(hws_port_write8(port, 0x70, i));
	ck_denied(hws_port_write8(port, 0x70, 3), HWS_REASON_RATE);
	hws_port_close(port);
	hws_close(hw);
}
END_TEST

START_TEST(privilege_of_a_file_or_a_simulation_is_everybodys)
{
	struct hws *hw = open_with("port = 0x80-0x8f r");
	struct hws_port *port = open_ports(hw, 0x80, 1, HWS_R);
	struct hws_privilege *privilege = NULL;
	struct hws_privilege_status status;

	ck_assert_int_eq(hws_privilege_query(hws_port_privilege(port), NULL), HWS_PRIVILEGE_HELD);
	ck_denied(hws_privilege_acquire(hw, 0x80, 1, HWS_RW, &privilege), HWS_REASON_NO_RULE);
	ck_assert_ptr_null(privilege);
	ck_ok(hws_privilege_acquire(hw, 0x82, 3, HWS_R, &privilege));
	ck_assert_int_eq(hws_privilege_query(privilege, &status), HWS_PRIVILEGE_HELD);
	ck_assert_uint_eq(status.first, 0x82);
	ck_assert_uint_eq(status.count, 3);
	ck_assert_uint_eq(status.rights, HWS_R);
	ck_assert_str_eq(status.way, "sim");
	ck_assert_str_ne(status.why, "");
	hws_privilege_drop(privilege);
	hws_privilege_drop(NULL);
	hws_port_close(port);
	hws_close(hw);
	for (enum hws_privilege_state i = 0; i < HWS_PRIVILEGE_STATES; i++)
		ck_assert_str_ne(hws_privilege_state_name(i), "?");
	ck_assert_str_eq(hws_privilege_state_name(HWS_PRIVILEGE_STATES), "?");
	ck_ok(hws_privilege_drop_all());
}
END_TEST

int main(void)
{
	return suite_run("hw/port", (const TTest *[]) {
					    clock_is_read_by_both_faces,
					    port_outside_the_range_is_refused,
					    open_refuses_ports_that_are_not,
					    right_that_was_not_asked_for_is_refused,
					    rule_of_width_and_value_is_asked_each_time,
					    guard_and_rate_stop_a_loop,
					    privilege_of_a_file_or_a_simulation_is_everybodys,
					    NULL,
				    });
}
