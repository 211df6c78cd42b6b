/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of registers, and many accesses at once: in sim, and by a back end that has no batches. */
#include "shim/shim-internal.h"
#include "shim/sim-internal.h"
#include "tests/hw/lab-kit.h"
#include "tests/hw/tree-kit.h"

enum { PSTATE = 0x198, CONTROL = 0x199, THERMAL = 0x19c, LIMIT = 0x610, NONE_SUCH = 0x12345 };
#define POWER UINT64_C(0x42816000dd8160)

static struct hws_msr *open_set(struct hws *hw, const char *cpus, const char *registers)
{
	struct hws_msr *msr;

	ck_works(hws_msr_open_set(hw, cpus, registers, HWS_RW, &msr));
	return msr;
}

START_TEST(set_names_its_registers)
{
	static const char *const bad[] = { "",
					   "x",
					   "0x10,",
					   ",1",
					   "2-1",
					   "1 2",
					   "-1",
					   "1-",
					   "0x",
					   "1..",
					   "0x100000000",
					   "all",
					   "18446744073709551616" };
	struct hws *hw = open_with("msr = * rw");
	struct hws_msr *msr = open_set(hw, "0,2..3", "0x19c,0x198-0x199,1552");
	char many[65 * 4 + 1] = "";
	uint64_t value;

	ck_ok(hws_msr_read(msr, 0, THERMAL, &value));
	ck_ok(hws_msr_read(msr, 2, PSTATE, &value));
	ck_ok(hws_msr_read(msr, 3, CONTROL, &value));
	ck_ok(hws_msr_read(msr, 3, LIMIT, &value));
	ck_assert_uint_eq(value, POWER);
	ck_denied(hws_msr_read(msr, 0, 0x19a, &value), HWS_REASON_RANGE);
	ck_denied(hws_msr_read(msr, 0, 0x611, &value), HWS_REASON_RANGE);
	ck_denied(hws_msr_read(msr, 1, LIMIT, &value), HWS_REASON_RANGE);
	hws_msr_close(msr);
	msr = NULL;
	for (size_t i = 0; i < COUNT(bad); i++) {
		ck_assert_msg(hws_msr_open_set(hw, "0", bad[i], HWS_R, &msr) == -EINVAL, "'%s'",
			      bad[i]);
		ck_assert_msg(strstr(hws_why(), "registers"), "%s", hws_why());
	}
	ck_assert_int_eq(hws_msr_open_set(hw, "0", NULL, HWS_R, &msr), -EINVAL);
	for (int i = 0; i < 65; i++)
		strcat(many, i ? ",16" : "16");
	ck_assert_int_eq(hws_msr_open_set(hw, "0", many, HWS_R, &msr), -EINVAL);
	ck_assert_msg(strstr(hws_why(), "64"), "%s", hws_why());
	ck_assert_ptr_null(msr);
	hws_close(hw);
}
END_TEST

START_TEST(set_is_opened_whole_or_not_at_all)
{
	struct hws *hw = open_with("msr = 0x198-0x199 rw\ndeny msr = 0x199 w, cpus 1");
	struct hws_msr *msr = NULL;

	ck_denied(hws_msr_open_set(hw, "0", "0x198,0x610", HWS_RW, &msr), HWS_REASON_NO_RULE);
	ck_denied(hws_msr_open_set(hw, "all", "0x198,0x199", HWS_RW, &msr), HWS_REASON_DENY_RULE);
	ck_assert_ptr_null(msr);
	msr = open_set(hw, "0,2", "0x198,0x199");
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

START_TEST(all_stands_among_others)
{
	static const struct {
		const char *list;
		int count; /* 0: no list */
	} rows[] = {
		{ "all", 4 },  { "2,all", 4 }, { "all,5", 5 }, { "0..1,3", 3 }, { "all,", 0 },
		{ "alls", 0 }, { "al", 0 },    { "0.1", 0 },   { "1..0", 0 },	{ "0..", 0 },
	};
	struct hws *hw = open_with("msr = * r");

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hws_msr *msr = NULL;
		int r = hws_msr_open(hw, rows[i].list, 0x10, 0x10, HWS_R, &msr);
		uint32_t cpu = 0;
		int count = 0;

		ck_assert_msg(r == (rows[i].count ? 0 : -EINVAL), "'%s': %s", rows[i].list,
			      hws_why());
		for (; msr && hws_msr_next_cpu(msr, cpu, &cpu) == 0; cpu++)
			count++;
		ck_assert_int_eq(count, rows[i].count);
		hws_msr_close(msr);
	}
	hws_close(hw);
}
END_TEST

START_TEST(batch_reads_and_writes_in_order)
{
	struct hws *hw = open_with("msr = * rw");
	struct hws_msr *msr = open_set(hw, "0-3", "0x198-0x19c,0x610");
	struct hws_msr_op ops[] = {
		{ .cpu = 0, .reg = LIMIT },
		{ .cpu = 1, .reg = LIMIT },
		{ .cpu = 1, .reg = LIMIT, .value = POWER + 1, .write = 1 },
		{ .cpu = 1, .reg = LIMIT },
		{ .cpu = 0, .reg = CONTROL, .value = 0x1f00, .write = 1 },
		{ .cpu = 0, .reg = CONTROL },
		{ .cpu = 3, .reg = THERMAL },
	};

	ck_ok(hws_msr_batch(msr, ops, COUNT(ops)));
	ck_assert_uint_eq(ops[0].value, POWER);
	ck_assert_uint_eq(ops[1].value, POWER);
	ck_assert_uint_eq(ops[3].value, POWER + 1);
	ck_assert_uint_eq(ops[5].value, 0x1f00);
	ck_assert_uint_eq(ops[6].value, 0x88340000);
	for (size_t i = 0; i < COUNT(ops); i++)
		ck_assert_int_eq(ops[i].status, 0);
	ck_ok(hws_msr_batch(msr, NULL, 0));
	ck_assert_int_eq(hws_msr_batch(msr, NULL, 1), -EINVAL);
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

START_TEST(batch_is_checked_whole_before_anything_happens)
{
	static const struct {
		struct hws_msr_op last;
		enum hws_reason reason;
	} rows[] = {
		{ { .cpu = 0, .reg = 0x200 }, HWS_REASON_RANGE },
		{ { .cpu = 9, .reg = LIMIT }, HWS_REASON_RANGE },
		{ { .cpu = 0, .reg = LIMIT, .value = 0, .write = 1 }, HWS_REASON_MASK },
		{ { .cpu = 0, .reg = LIMIT, .value = POWER | 0x7fff, .write = 1 },
		  HWS_REASON_VALUE },
		{ { .cpu = 0, .reg = 0x1a0, .value = 1, .write = 1 }, HWS_REASON_DANGER },
	};
	struct hws *hw =
		open_with("msr = 0x199 rw\nmsr = 0x610 rw, mask 0x7fff, value 0x160 0x161\n"
			  "msr = 0x1a0 rw");
	struct hws_msr *msr = open_set(hw, "0", "0x199,0x610,0x1a0");

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hws_msr_op ops[] = {
			{ .reg = CONTROL, .value = 0x1111, .write = 1, .status = 77 },
			{ .reg = LIMIT, .value = 4711, .status = 77 },
			rows[i].last,
		};

		ck_denied(hws_msr_batch(msr, ops, COUNT(ops)), rows[i].reason);
		ck_assert_int_eq(ops[0].status, 77);
		ck_assert_uint_eq(ops[1].value, 4711);
		ck_assert_uint_eq(hws_msr_get(msr, 0, CONTROL), 0x1800);
	}
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

/* What becomes of the operations behind one that fails. */
static void check_failures(struct hws *hw, uint32_t good, uint32_t bad)
{
	struct hws_msr_op ops[] = {
		{ .reg = good }, { .reg = bad },
		{ .reg = good }, { .reg = bad, .value = 1, .write = 1 },
		{ .reg = good }, { .reg = good, .value = 2, .write = 1 },
	};
	static const int wanted[] = { 0, -EIO, 0, -EIO, -ECANCELED, -ECANCELED };
	struct hws_msr *msr;
	uint64_t before;

	ck_works(hws_msr_open(hw, "0", 0, UINT32_MAX, HWS_RW, &msr));
	ck_ok(hws_msr_read(msr, 0, good, &before));
	ck_assert_int_eq(hws_msr_batch(msr, ops, COUNT(ops)), -EIO);
	check_denial(HWS_REASON_DEVICE, -EIO);
	ck_assert_uint_eq(hws_last_denial()->access.first, bad);
	ck_assert_msg(strstr(hws_why(), "1 in the batch, can't be read: Input"), "%s", hws_why());
	for (size_t i = 0; i < COUNT(ops); i++)
		ck_assert_msg(ops[i].status == wanted[i], "%zu: %d", i, ops[i].status);
	ck_assert_uint_eq(ops[1].value, UINT64_MAX);
	ck_assert_uint_eq(hws_msr_get(msr, 0, good), before);
	hws_msr_close(msr);
}

START_TEST(batch_ends_at_a_write_that_fails)
{
	struct hws *hw = open_with("msr = * rw danger");

	check_failures(hw, LIMIT, NONE_SUCH);
	hws_close(hw);
}
END_TEST

START_TEST(back_end_without_batches_does_the_same)
{
	struct hws *hw;

	need("native", RAW_ARCH != HWS_ARCH_UNKNOWN, "the native back end is the generic one here");
	tree_begin();
	tree_bytes("/dev/cpu/0/msr", (const char[0x618]) { 0 }, 0x618);
	/* a file grows by writing beyond its end; no register's number is a negative offset */
	hw = tree_open("msr = * rw danger");
	{
		struct hws_msr_op ops[] = {
			{ .reg = LIMIT, .value = 5, .write = 1 },
			{ .reg = LIMIT },
			{ .reg = 0x9999 },
			{ .reg = LIMIT },
		};
		struct hws_msr *msr;

		ck_works(hws_msr_open(hw, "0", 0, UINT32_MAX, HWS_RW, &msr));
		ck_assert_int_eq(hws_msr_batch(msr, ops, COUNT(ops)), -EIO);
		ck_assert_uint_eq(ops[1].value, 5);
		ck_assert_int_eq(ops[2].status, -EIO);
		ck_assert_int_eq(ops[3].status, 0);
		hws_msr_close(msr);
	}
	hws_close(hw);
	tree_end();
}
END_TEST

START_TEST(guard_counts_each_of_a_batch)
{
	struct hws_options options = sim_with("msr = * r");
	struct hws_msr_op ops[8];
	struct hws_msr *msr;
	struct hws *hw;
	int done = 0;

	for (uint32_t i = 0; i < COUNT(ops); i++)
		ops[i] = (struct hws_msr_op) { .reg = LIMIT };
	options.guards[HWS_GUARD_MSR].context = 83;
	ck_ok(hws_open(&options, &hw));
	ck_works(hws_msr_open(hw, "0", LIMIT, LIMIT, HWS_R, &msr));
	while (hws_msr_batch(msr, ops, COUNT(ops)) == 0)
		done++;
	ck_assert_int_eq(done, 10);
	check_denial(HWS_REASON_GUARD, -EDQUOT);
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

START_TEST(batch_follows_the_policy_that_is_loaded_anew)
{
	struct hws *hw = open_with("msr = 0x610 rw, rate 5/min");
	struct hws_msr_op ops[4];
	struct hws_msr *msr;

	for (size_t i = 0; i < COUNT(ops); i++)
		ops[i] = (struct hws_msr_op) { .reg = LIMIT, .value = POWER, .write = 1 };
	ck_works(hws_msr_open(hw, "0", LIMIT, LIMIT, HWS_RW, &msr));
	ck_ok(hws_msr_batch(msr, ops, 4));
	ck_ok(hws_reload(hw));
	ck_ok(hws_msr_batch(msr, ops, 4)); /* the rate begins anew */
	ck_denied(hws_msr_batch(msr, ops, 4), HWS_REASON_RATE);
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

START_TEST(real_processors_answer_in_a_batch)
{
	enum { APIC_BASE = 0x1b };
	struct hws_msr_op ops[] = { { .cpu = 0, .reg = APIC_BASE },
				    { .cpu = 1, .reg = APIC_BASE } };
	struct hws_msr *msr;
	struct hws *hw;

	need_lab("msr");
	hw = open_native();
	ck_works(hws_msr_open(hw, "all", APIC_BASE, APIC_BASE, HWS_R, &msr));
	ck_works(hws_msr_batch(msr, ops, COUNT(ops)));
	for (uint32_t i = 0; i < COUNT(ops); i++) {
		ck_assert_uint_eq(ops[i].value & 0xfffff000, 0xfee00000);
		ck_assert_int_eq((ops[i].value >> 8) & 1, i == 0);
	}
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/msr-batch", (const TTest *[]) {
						 set_names_its_registers,
						 set_is_opened_whole_or_not_at_all,
						 all_stands_among_others,
						 batch_reads_and_writes_in_order,
						 batch_is_checked_whole_before_anything_happens,
						 batch_ends_at_a_write_that_fails,
						 back_end_without_batches_does_the_same,
						 guard_counts_each_of_a_batch,
						 batch_follows_the_policy_that_is_loaded_anew,
						 real_processors_answer_in_a_batch,
						 NULL,
					 });
}
