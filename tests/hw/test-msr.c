/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Model-specific registers and CPUID of the simulated machine, which has four processors. */
#include "tests/hw/hw-kit.h"

enum { POWER_LIMIT = 0x610, ENERGY = 0x611, PLATFORM_ID = 0x17, NONE_SUCH = 0x12345 };
#define POWER UINT64_C(0x42816000dd8160)

static struct hws_msr *open_msr(struct hws *hw, const char *cpus, uint32_t first, uint32_t last,
				uint32_t rights)
{
	struct hws_msr *msr;

	ck_works(hws_msr_open(hw, cpus, first, last, rights, &msr));
	return msr;
}

START_TEST(register_is_each_processors_own)
{
	struct hws *hw = open_with("msr = 0x610 rw");
	struct hws_msr *msr = open_msr(hw, "all", POWER_LIMIT, POWER_LIMIT, HWS_RW);
	uint64_t value = 0;

	for (uint32_t cpu = 0; cpu < 4; cpu++) {
		ck_ok(hws_msr_read(msr, cpu, POWER_LIMIT, &value));
		ck_assert_uint_eq(value, POWER);
		ck_ok(hws_msr_write(msr, cpu, POWER_LIMIT, POWER + cpu));
	}
	hws_msr_put(msr, 3, POWER_LIMIT, POWER + 9);
	ck_assert_uint_eq(hws_msr_get(msr, 2, POWER_LIMIT), POWER + 2);
	ck_assert_uint_eq(hws_msr_get(msr, 3, POWER_LIMIT), POWER + 9);
	ck_assert_ptr_null(hws_last_denial());
	hws_msr_close(msr);
	hws_msr_close(NULL);
	hws_close(hw);
}
END_TEST

START_TEST(list_names_the_processors)
{
	static const struct {
		const char *list;
		const char *cpus; /* NULL: no list */
	} rows[] = {
		{ "0", "0" },
		{ "2", "2" },
		{ "0-3", "0123" },
		{ "0,2", "02" },
		{ "1-2,0", "012" },
		{ "3,3,1-3", "123" },
		{ "all", "0123" },
		{ NULL, "0123" },
		{ "", NULL },
		{ "a", NULL },
		{ "1-", NULL },
		{ "-1", NULL },
		{ "1,", NULL },
		{ ",1", NULL },
		{ "3-1", NULL },
		{ "0 1", NULL },
		{ "8192", NULL },
		{ "0x1", NULL },
		{ "0-99999999999999999999", NULL },
	};
	struct hws *hw = open_with("msr = 0x10 r");

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hws_msr *msr = NULL;
		int r = hws_msr_open(hw, rows[i].list, 0x10, 0x10, HWS_R, &msr);
		char found[8] = "";
		uint32_t cpu = 0;

		ck_assert_msg(r == (rows[i].cpus ? 0 : -EINVAL), "row %zu: %s", i, hws_why());
		for (size_t n = 0; msr && hws_msr_next_cpu(msr, cpu, &cpu) == 0; cpu++, n++)
			found[n] = (char)('0' + cpu);
		ck_assert_str_eq(found, rows[i].cpus ? rows[i].cpus : "");
		hws_msr_close(msr);
	}
	hws_close(hw);
}
END_TEST

START_TEST(policy_is_asked_for_each_processor)
{
	struct hws *hw = open_with("msr = 0x10 r\ndeny msr = 0x10, cpus 2");
	struct hws_msr *msr = NULL;
	uint64_t value;

	ck_denied(hws_msr_open(hw, "0-3", 0x10, 0x10, HWS_R, &msr), HWS_REASON_DENY_RULE);
	ck_assert_uint_eq(hws_last_denial()->access.cpu, 2);
	ck_assert_ptr_null(msr);
	msr = open_msr(hw, "0-1,3", 0x10, 0x10, HWS_R);
	ck_ok(hws_msr_read(msr, 3, 0x10, &value));
	ck_denied(hws_msr_read(msr, 2, 0x10, &value), HWS_REASON_RANGE);
	ck_denied(hws_msr_read(msr, 4, 0x10, &value), HWS_REASON_RANGE);
	ck_denied(hws_msr_write(msr, UINT32_MAX, 0x10, 0), HWS_REASON_RANGE);
	ck_denied(hws_msr_update(msr, 2, 0x10, 1, 1), HWS_REASON_RANGE);
	ck_assert_uint_eq(hws_msr_get(msr, 2, 0x10), UINT64_MAX);
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

START_TEST(register_outside_the_range_is_refused)
{
	struct hws *hw = open_with("msr = 0x610-0x611 rw\nmsr = 0x17 rw\nmsr = 0x12345 r");
	struct hws_msr *msr = open_msr(hw, "0", POWER_LIMIT, ENERGY, HWS_R);
	static const uint32_t outside[] = { 0, 0x60f, 0x612, UINT32_MAX, 0x80000610 };
	uint64_t value = 4711;

	for (size_t i = 0; i < COUNT(outside); i++) {
		ck_denied(hws_msr_read(msr, 0, outside[i], &value), HWS_REASON_RANGE);
		ck_denied(hws_msr_write(msr, 0, outside[i], 1), HWS_REASON_RANGE);
	}
	ck_denied(hws_msr_write(msr, 0, POWER_LIMIT, POWER), HWS_REASON_NO_RULE);
	ck_assert_uint_eq(value, 4711);
	hws_msr_close(msr);
	ck_denied(hws_msr_open(hw, "0", 2, 1, HWS_R, &msr), HWS_REASON_ARGUMENT);
	msr = open_msr(hw, "0", NONE_SUCH, NONE_SUCH, HWS_R);
	ck_assert_int_eq(hws_msr_read(msr, 0, NONE_SUCH, &value), -EIO);
	check_denial(HWS_REASON_DEVICE, -EIO);
	hws_msr_close(msr);
	msr = open_msr(hw, "7", PLATFORM_ID, PLATFORM_ID, HWS_R);
	ck_assert_int_eq(hws_msr_read(msr, 7, PLATFORM_ID, &value), -ENODEV);
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

START_TEST(mask_and_value_of_a_rule_hold)
{
	struct hws *hw = open_with("msr = 0x610 rw, mask 0x7fff, value 0x0-0x320");
	struct hws_msr *msr = open_msr(hw, "0-1", POWER_LIMIT, POWER_LIMIT, HWS_RW);
	struct hws_msr *blind;
	uint64_t high = POWER & ~UINT64_C(0x7fff);

	ck_ok(hws_msr_write(msr, 0, POWER_LIMIT, high | 0x320));
	ck_denied(hws_msr_write(msr, 0, POWER_LIMIT, high | 0x321), HWS_REASON_VALUE);
	ck_denied(hws_msr_write(msr, 0, POWER_LIMIT, 0x100), HWS_REASON_MASK);
	ck_ok(hws_msr_update(msr, 1, POWER_LIMIT, 0x7fff, 0x111));
	ck_assert_uint_eq(hws_msr_get(msr, 1, POWER_LIMIT), high | 0x111);
	ck_ok(hws_msr_update(msr, 1, POWER_LIMIT, 0x00f0, 0x20));
	ck_assert_uint_eq(hws_msr_get(msr, 1, POWER_LIMIT), high | 0x121);
	ck_denied(hws_msr_update(msr, 1, POWER_LIMIT, 0x18000, 0x18000 & ~high), HWS_REASON_MASK);
	ck_denied(hws_msr_update(msr, 1, POWER_LIMIT, 0x7fff, 0x7000), HWS_REASON_VALUE);
	ck_assert_int_eq(hws_msr_update(msr, 1, POWER_LIMIT, 0xff, 0x100), -EINVAL);
	ck_assert_uint_eq(hws_msr_get(msr, 0, POWER_LIMIT), high | 0x320);
	hws_msr_close(msr);
	/* who may not read can't show that only those bits change */
	blind = open_msr(hw, "0", POWER_LIMIT, POWER_LIMIT, HWS_W);
	ck_denied(hws_msr_write(blind, 0, POWER_LIMIT, high | 1), HWS_REASON_MASK);
	ck_denied(hws_msr_update(blind, 0, POWER_LIMIT, 1, 1), HWS_REASON_NO_RULE);
	hws_msr_close(blind);
	hws_close(hw);
}
END_TEST

START_TEST(guard_counts_reads_and_writes)
{
	struct hws_options options = sim_with("msr = 0x610 rw");
	struct hws_msr *msr;
	struct hws *hw;
	uint64_t value;

	options.guards[HWS_GUARD_MSR].context = 20;
	ck_ok(hws_open(&options, &hw));
	msr = open_msr(hw, "0", POWER_LIMIT, POWER_LIMIT, HWS_RW);
	for (int i = 0; i < 10; i++)
		ck_ok(hws_msr_update(msr, 0, POWER_LIMIT, 1, i & 1));
	ck_denied(hws_msr_read(msr, 0, POWER_LIMIT, &value), HWS_REASON_GUARD);
	ck_denied(hws_msr_write(msr, 0, POWER_LIMIT, 0), HWS_REASON_GUARD);
	ck_assert_uint_eq(hws_msr_get(msr, 0, POWER_LIMIT), UINT64_MAX);
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

START_TEST(cpuid_tells_the_vendor_until_the_guard_closes)
{
	struct hws *hw = open_with(NULL);
	struct hws_cpuid *cpuid;
	uint32_t regs[4] = { 0 };
	int r = 0;
	int n;

	ck_works(hws_cpuid_open(hw, 0, UINT32_MAX, &cpuid));
	ck_ok(hws_cpuid_read(cpuid, 0, 0, regs));
	ck_assert_uint_eq(regs[1], 0x756e6547);
	hws_cpuid_get(cpuid, 0x80000002, 0, regs);
	ck_assert_uint_eq(regs[0], 0x756d6953); /* "Simu", as x86 has it in memory */
	for (n = 2; r == 0; n++)
		r = hws_cpuid_read(cpuid, 1, 0, regs);
	ck_assert_int_eq(n - 1, 1024);
	check_denial(HWS_REASON_GUARD, -EDQUOT);
	hws_cpuid_get(cpuid, 0, 0, regs);
	ck_assert_uint_eq(regs[0] & regs[1] & regs[2] & regs[3], UINT32_MAX);
	hws_cpuid_close(cpuid);
	hws_cpuid_close(NULL);
	hws_close(hw);
}
END_TEST

START_TEST(cpuid_keeps_to_its_leaves)
{
	struct hws *hw = open_with("deny cpuid = 0x7 r");
	struct hws_cpuid *cpuid = NULL;
	uint32_t regs[4] = { 1, 2, 3, 4 };

	ck_denied(hws_cpuid_open(hw, 0, UINT32_MAX, &cpuid), HWS_REASON_DENY_RULE);
	ck_denied(hws_cpuid_open(hw, 1, 0, &cpuid), HWS_REASON_ARGUMENT);
	ck_assert_ptr_null(cpuid);
	ck_works(hws_cpuid_open(hw, 1, 6, &cpuid));
	ck_denied(hws_cpuid_read(cpuid, 0, 0, regs), HWS_REASON_RANGE);
	ck_denied(hws_cpuid_read(cpuid, 7, 0, regs), HWS_REASON_RANGE);
	ck_assert_uint_eq(regs[3], 4);
	hws_cpuid_close(cpuid);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/msr", (const TTest *[]) {
					   register_is_each_processors_own,
					   list_names_the_processors,
					   policy_is_asked_for_each_processor,
					   register_outside_the_range_is_refused,
					   mask_and_value_of_a_rule_hold,
					   guard_counts_reads_and_writes,
					   cpuid_tells_the_vendor_until_the_guard_closes,
					   cpuid_keeps_to_its_leaves,
					   NULL,
				   });
}
