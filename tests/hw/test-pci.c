/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI functions of the simulated machine. */
#include "tests/hw/hw-kit.h"

#define EDU "0000:00:03.0"
enum { COMMAND = 0x04, LINE = 0x3c };

static struct hws_pci *open_pci(struct hws *hw, uint32_t rights)
{
	struct hws_pci *pci;

	ck_works(hws_pci_open(hw, EDU, 0, 0x100, rights, &pci));
	return pci;
}

START_TEST(next_lists_every_function_in_order)
{
	static const char *const order[] = { "0000:00:00.0", "0000:00:02.0", EDU, "0000:00:04.0",
					     "0000:00:05.0" };
	struct hws *hw = open_with(NULL);
	struct hws_bdf bdf;
	char text[HWS_BDF_TEXT];
	int r = hws_pci_next(hw, NULL, &bdf);

	for (size_t i = 0; i < COUNT(order); i++) {
		ck_ok(r);
		ck_assert_str_eq(hws_bdf_format(bdf, text), order[i]);
		r = hws_pci_next(hw, &bdf, &bdf);
	}
	ck_assert_int_eq(r, -ENOENT);
	ck_assert_str_eq(hws_bdf_format(bdf, text), order[COUNT(order) - 1]);
	hws_close(hw);
}
END_TEST

START_TEST(configuration_goes_through_both_faces)
{
	struct hws *hw = open_with("pci = 1234:11e8, config rw");
	struct hws_pci *pci = open_pci(hw, HWS_RW);
	uint32_t id = 0;
	uint16_t command = 0;
	uint8_t line = 0;
	char text[HWS_BDF_TEXT];

	ck_assert_uint_eq(hws_pci_vendor(pci), 0x1234);
	ck_assert_uint_eq(hws_pci_device(pci), 0x11e8);
	ck_assert_uint_eq(hws_pci_class(pci), 0x00ff00);
	ck_assert_str_eq(hws_bdf_format(hws_pci_bdf(pci), text), EDU);
	ck_ok(hws_pci_read32(pci, 0, &id));
	ck_assert_uint_eq(id, 0x11e81234);
	ck_ok(hws_pci_write16(pci, COMMAND, 0x0006));
	ck_ok(hws_pci_read16(pci, COMMAND, &command));
	ck_assert_uint_eq(command, 0x0006);
	hws_pci_put8(pci, LINE, 11);
	ck_ok(hws_pci_read8(pci, LINE, &line));
	ck_assert_uint_eq(line, 11);
	ck_ok(hws_pci_write8(pci, LINE, 12));
	ck_assert_uint_eq(hws_pci_get8(pci, LINE), 12);
	hws_pci_put16(pci, COMMAND, 0x0002);
	ck_assert_uint_eq(hws_pci_get16(pci, COMMAND), 0x0002);
	hws_pci_put32(pci, COMMAND, 0x0006);
	ck_assert_uint_eq(hws_pci_get32(pci, COMMAND) & 0xffff, 0x0006);
	ck_ok(hws_pci_write32(pci, COMMAND, 0x0002));
	ck_assert_ptr_null(hws_last_denial());
	hws_pci_close(pci);
	hws_pci_close(NULL);
	hws_close(hw);
}
END_TEST

START_TEST(offset_outside_or_askew_is_refused)
{
	struct hws *hw = open_with("pci = 1234:11e8, config 0x00-0x3f rw");
	struct hws_pci *pci = NULL;
	uint32_t value = 4711;
	uint16_t word = 4711;

	ck_denied(hws_pci_open(hw, EDU, 0, 0, HWS_RW, &pci), HWS_REASON_NO_RULE);
	ck_works(hws_pci_open(hw, EDU, 0x4, 0x3c, HWS_RW, &pci));
	ck_denied(hws_pci_read32(pci, 0x00, &value), HWS_REASON_RANGE);
	ck_denied(hws_pci_read32(pci, 0x40, &value), HWS_REASON_RANGE);
	ck_denied(hws_pci_write32(pci, UINT32_MAX - 3, 0), HWS_REASON_RANGE);
	ck_denied(hws_pci_read32(pci, 0x06, &value), HWS_REASON_ALIGN);
	ck_denied(hws_pci_read16(pci, 0x07, &word), HWS_REASON_ALIGN);
	ck_denied(hws_pci_read32(pci, 0x3e, &value), HWS_REASON_RANGE);
	ck_assert_uint_eq(hws_pci_get8(pci, 0x40), 0xff);
	ck_assert_uint_eq(hws_pci_get16(pci, 0x40), 0xffff);
	ck_assert_uint_eq(hws_pci_get32(pci, 0x40), 0xffffffff);
	ck_assert_uint_eq(value, 4711);
	ck_assert_uint_eq(word, 4711);
	hws_pci_close(pci);
	hws_close(hw);
}
END_TEST

START_TEST(open_says_what_is_wrong)
{
	struct hws *hw = open_with("pci = *, config r\ndeny pci = 1234:11ea, config r");
	struct hws_pci *pci = NULL;

	ck_assert_int_eq(hws_pci_open(hw, "edu", 0, 0, HWS_R, &pci), -EINVAL);
	ck_assert_ptr_nonnull(strstr(hws_why(), "'edu'"));
	ck_assert_int_eq(hws_pci_open(hw, NULL, 0, 0, HWS_R, &pci), -EINVAL);
	ck_assert_int_eq(hws_pci_open(hw, "00:1f.0", 0, 0, HWS_R, &pci), -ENODEV);
	ck_assert_int_eq(hws_pci_open(hw, EDU, 4096, 0, HWS_R, &pci), -ERANGE);
	ck_assert_int_eq(hws_pci_open(hw, EDU, 4, 4093, HWS_R, &pci), -ERANGE);
	ck_assert_int_eq(hws_pci_open(hw, EDU, 4, UINT32_MAX, HWS_R, &pci), -ERANGE);
	ck_assert_int_eq(hws_pci_open(hw, EDU, 2, 4, HWS_R, &pci), -EINVAL);
	ck_assert_int_eq(hws_pci_open(hw, EDU, 0, 4, 0, &pci), -EINVAL);
	ck_denied(hws_pci_open(hw, EDU, 0, 0, HWS_W, &pci), HWS_REASON_NO_RULE);
	ck_denied(hws_pci_open(hw, "00:05.0", 0, 0, HWS_R, &pci), HWS_REASON_DENY_RULE);
	ck_assert_ptr_null(pci);
	hws_close(hw);
}
END_TEST

START_TEST(space_that_the_function_lacks_is_out_of_range)
{
	struct hws *hw = open_with("pci = *, config r");
	struct hws_pci *pci;
	uint32_t value = 4711;

	ck_works(hws_pci_open(hw, EDU, 0, 0, HWS_R, &pci));
	ck_denied(hws_pci_read32(pci, 0x100, &value), HWS_REASON_RANGE);
	ck_assert_uint_eq(value, 4711);
	hws_pci_close(pci);
	hws_close(hw);
}
END_TEST

START_TEST(mask_of_a_rule_is_about_what_changes)
{
	struct hws *hw = open_with("pci = 1234:11e8, config 0x04-0x05 rw, width 2, mask 0x4");
	struct hws_pci *pci;
	uint16_t before;

	ck_works(hws_pci_open(hw, EDU, COMMAND, 2, HWS_RW, &pci));
	ck_ok(hws_pci_read16(pci, COMMAND, &before));
	ck_ok(hws_pci_write16(pci, COMMAND, before ^ 0x4));
	ck_assert_uint_eq(hws_pci_get16(pci, COMMAND), before ^ 0x4);
	ck_denied(hws_pci_write16(pci, COMMAND, before ^ 0x2), HWS_REASON_MASK);
	ck_denied(hws_pci_write8(pci, COMMAND, 0), HWS_REASON_WIDTH);
	hws_pci_close(pci);
	hws_close(hw);
}
END_TEST

START_TEST(guard_counts_reads_and_writes)
{
	struct hws_options options = sim_with("pci = *, config rw");
	struct hws_pci *pci;
	struct hws *hw;

	options.guards[HWS_GUARD_PCI].context = 6;
	ck_ok(hws_open(&options, &hw));
	pci = open_pci(hw, HWS_RW);
	for (uint8_t i = 0; i < 3; i++) {
		ck_ok(hws_pci_write8(pci, LINE, i));
		ck_assert_uint_eq(hws_pci_get8(pci, LINE), i);
	}
	ck_denied(hws_pci_write8(pci, LINE, 9), HWS_REASON_GUARD);
	ck_assert_uint_eq(hws_pci_get8(pci, LINE), 0xff);
	hws_pci_close(pci);
	hws_close(hw);
}
END_TEST

START_TEST(function_that_is_unplugged_is_gone)
{
	struct hws_options options = sim_with("pci = *, config r");
	struct hws_pci *pci;
	struct hws *hw;
	uint32_t value = 4711;

	options.sim = "pci 00:01.0 1234:0001 class 0x00ff00 unplug 3\n";
	ck_works(hws_open(&options, &hw));
	ck_works(hws_pci_open(hw, "00:01.0", 0, 0x40, HWS_R, &pci));
	ck_ok(hws_pci_read32(pci, 0, &value));
	ck_assert_int_eq(hws_pci_read32(pci, 0, &value), -ENODEV);
	check_denial(HWS_REASON_DEVICE, -ENODEV);
	ck_assert_uint_eq(hws_pci_get32(pci, 0), 0xffffffff);
	hws_pci_close(pci);
	ck_assert_int_eq(hws_pci_open(hw, "00:01.0", 0, 0x40, HWS_R, &pci), -ENODEV);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/pci", (const TTest *[]) {
					   next_lists_every_function_in_order,
					   configuration_goes_through_both_faces,
					   offset_outside_or_askew_is_refused,
					   open_says_what_is_wrong,
					   space_that_the_function_lacks_is_out_of_range,
					   mask_of_a_rule_is_about_what_changes,
					   guard_counts_reads_and_writes,
					   function_that_is_unplugged_is_gone,
					   NULL,
				   });
}
