/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handles that know their registers: what each access may do, and registers by name. */
#include "guardian/context-internal.h"
#include "shim/sim-internal.h"
#include "tests/hw/registers-kit.h"

#define KINDS "00:05.0" /* the built-in machine's device with a register of every kind */

/* Mix is a plain register in the device: what is written there can be looked at. */
static const char kinds[] = "bar 0\n"
			    "reg ID 0x000 4 ro\n"
			    "reg Mix 0x004 4 rw\n"
			    "  field Low 3:0\n"
			    "  field Flag 4 w1c\n"
			    "  field Fixed 7:5 ro\n"
			    "  field High 31:28\n"
			    "reg Command 0x008 4 wo\n"
			    "  field Go 0\n"
			    "reg Events 0x00c 4 w1c\n"
			    "  field First 0\n"
			    "  field Second 1\n"
			    "reg Latch 0x010 4 rclr\n"
			    "reg Raise 0x014 4 wo\n"
			    "reg Queue 0x020 4 fifo\n"
			    "reg Count 0x024 4 rw\n"
			    "reg Part 0x02e 2 rw\n"
			    "reg Wide 0x038 8 rw\n"
			    "bar 2\n"
			    "reg Elsewhere 0 4 rw\n";

struct rig {
	struct hws *hw;
	struct hws_mmio *mmio;
	struct hws_bank *bank;
};

static struct rig open_rig(const char *policy, uint32_t rights)
{
	struct rig rig = { .hw = open_with(policy) };
	struct hws_registers *registers = parsed(kinds);

	ck_works(hws_mmio_map(rig.hw, KINDS, 0, 0, 0, rights, &rig.mmio));
	ck_works(hws_mmio_describe(rig.mmio, registers, &rig.bank));
	ck_assert_ptr_eq(hws_bank_registers(rig.bank), registers);
	hws_registers_unref(registers); /* the handle keeps it */
	return rig;
}

static void close_rig(struct rig *rig)
{
	hws_mmio_unmap(rig->mmio);
	hws_close(rig->hw);
}

static uint64_t accesses(const struct rig *rig)
{
	struct sim_stats stats;

	sim_get_stats(rig->hw->shim.self, &stats);
	return stats.reads[SIM_MMIO] + stats.writes[SIM_MMIO];
}

/* Refused for what the description says, in a sentence that has these words. */
#define ck_said(call, words)                                              \
	do {                                                              \
		ck_denied(call, HWS_REASON_REGISTER);                     \
		ck_assert_msg(strstr(hws_why(), words), "%s", hws_why()); \
	} while (0)

START_TEST(read_only_register_is_not_written)
{
	struct rig rig = open_rig("bar = * * rw", HWS_RW);
	uint64_t before = accesses(&rig);

	ck_said(hws_mmio_write32(rig.mmio, 0, 1), "ID is read-only");
	ck_said(hws_mmio_write8(rig.mmio, 3, 1), "ID is read-only");
	ck_said(hws_mmio_write64(rig.mmio, 0, 1), "ID is read-only");
	hws_mmio_put16(rig.mmio, 2, 1);
	ck_said(hws_register_write(rig.bank, "ID", 1, 0), "ID is read-only");
	ck_said(hws_register_write(rig.bank, "Mix.Fixed", 1, 0), "Mix.Fixed is read-only");
	ck_assert_uint_eq(accesses(&rig), before);
	ck_works(hws_mmio_write32(rig.mmio, 4, 1));
	ck_assert_uint_eq(hws_mmio_get32(rig.mmio, 0), 0x11ea0001);
	ck_works(hws_mmio_write8(rig.mmio, 0x2c, 7)); /* nobody described it */
	close_rig(&rig);
}
END_TEST

START_TEST(reading_what_reading_changes_needs_a_right)
{
	struct rig rig = open_rig("bar = * * rw", HWS_RW);
	uint64_t before = accesses(&rig);
	uint64_t wide = 4711;
	uint32_t value = 4711;
	uint8_t byte = 47;

	ck_said(hws_mmio_read32(rig.mmio, 0x008, &value), "Command is write-only");
	ck_said(hws_mmio_read32(rig.mmio, 0x010, &value), "Latch is cleared by reading it");
	ck_said(hws_mmio_read32(rig.mmio, 0x020, &value), "Queue is a queue");
	ck_said(hws_mmio_read8(rig.mmio, 0x013, &byte), "the right 'side'");
	ck_said(hws_mmio_read64(rig.mmio, 0x020, &wide), "Queue");
	ck_said(hws_register_read(rig.bank, "Latch", &wide), "Latch");
	ck_said(hws_mmio_read_block(rig.mmio, 0x010, 4, &value, 1, 0), "Latch");
	ck_assert_uint_eq(hws_mmio_get32(rig.mmio, 0x010), 0xffffffff);
	ck_assert_uint_eq(accesses(&rig), before);
	ck_assert_uint_eq(value, 4711);
	ck_assert_uint_eq(wide, 4711);
	ck_assert_uint_eq(byte, 47);
	close_rig(&rig);
}
END_TEST

START_TEST(right_side_is_the_policys_to_give)
{
	struct rig rig = open_rig("bar = * * rw side", HWS_RW | HWS_SIDE);
	struct hws *hw = open_with("bar = * * rw");
	struct hws_mmio *mmio = NULL;
	uint32_t value;

	ck_works(hws_mmio_read32(rig.mmio, 0x010, &value));
	ck_assert_uint_eq(value, 0xff);
	ck_assert_uint_eq(hws_mmio_get32(rig.mmio, 0x010), 0);
	ck_works(hws_register_write(rig.bank, "Queue", 5, 0));
	ck_assert_uint_eq(value_of(rig.bank, "Queue"), 5);
	close_rig(&rig);
	ck_denied(hws_mmio_map(hw, KINDS, 0, 0, 0, HWS_R | HWS_SIDE, &mmio), HWS_REASON_NO_RULE);
	ck_assert_ptr_null(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(registers_and_fields_are_read_by_name)
{
	struct rig rig = open_rig("bar = * * rw", HWS_RW);
	uint64_t value = 4711;

	ck_assert_uint_eq(value_of(rig.bank, "ID"), 0x11ea0001);
	ck_assert_uint_eq(value_of(rig.bank, "Mix"), 0x12345678);
	ck_assert_uint_eq(value_of(rig.bank, "Mix.Low"), 8);
	ck_assert_uint_eq(value_of(rig.bank, "Mix.Fixed"), 3);
	ck_assert_uint_eq(value_of(rig.bank, "Mix.High"), 1);
	ck_works(hws_register_write(rig.bank, "Wide", UINT64_MAX - 1, HWS_VERIFY));
	ck_assert_uint_eq(value_of(rig.bank, "Wide"), UINT64_MAX - 1);
	ck_assert_int_eq(hws_register_read(rig.bank, "Mixed", &value), -ENOENT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "there are Mix"));
	ck_assert_int_eq(hws_register_read(rig.bank, "Mix.low", &value), -ENOENT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "it has Low, Flag, Fixed, High"));
	ck_assert_int_eq(hws_register_read(rig.bank, "ID.Low", &value), -ENOENT);
	ck_assert_int_eq(hws_register_read(rig.bank, "Mix.", &value), -ENOENT);
	ck_assert_int_eq(hws_register_read(rig.bank, "", &value), -ENOENT);
	ck_assert_int_eq(hws_register_read(rig.bank, NULL, &value), -EINVAL);
	ck_assert_int_eq(hws_register_read(rig.bank, "Elsewhere", &value), -ENOENT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "outside"));
	ck_assert_uint_eq(value, 4711);
	close_rig(&rig);
}
END_TEST

START_TEST(field_is_written_and_the_rest_stays)
{
	struct rig rig = open_rig("bar = * * rw", HWS_RW);
	uint64_t before;

	ck_works(hws_register_write(rig.bank, "Mix.Low", 3, 0));
	/* kept: what can be written; not written: Flag (a one would clear it), Fixed */
	ck_assert_uint_eq(value_of(rig.bank, "Mix"), 0x12345603);
	ck_works(hws_register_write(rig.bank, "Mix.High", 15, HWS_VERIFY));
	ck_assert_uint_eq(value_of(rig.bank, "Mix"), 0xf2345603);
	ck_assert_int_eq(hws_register_write(rig.bank, "Mix.Low", 16, 0), -EINVAL);
	ck_assert_ptr_nonnull(strstr(hws_why(), "it has 4 bits"));
	ck_assert_int_eq(hws_register_write(rig.bank, "Part", 0x10000, 0), -EINVAL);
	ck_assert_int_eq(hws_register_write(rig.bank, "Mix", 0, 2), -EINVAL);
	before = accesses(&rig);
	ck_works(hws_register_write(rig.bank, "Events.Second", 1, 0));
	ck_assert_uint_eq(accesses(&rig), before + 1); /* nothing to keep, so nothing was read */
	ck_assert_uint_eq(value_of(rig.bank, "Events"), 0xfd);
	ck_said(hws_register_write(rig.bank, "Command.Go", 1, 0), "can't be written alone");
	ck_works(hws_register_write(rig.bank, "Command", 1, 0));
	close_rig(&rig);
}
END_TEST

START_TEST(verification_knows_what_ones_clear)
{
	struct rig rig = open_rig("bar = * * rw", HWS_RW);
	uint64_t before;

	ck_works(hws_register_write(rig.bank, "Events", 0x0f, HWS_VERIFY));
	ck_assert_uint_eq(value_of(rig.bank, "Events"), 0xf0);
	ck_works(hws_register_write(rig.bank, "Events.First", 1, HWS_VERIFY));
	ck_works(hws_register_write(rig.bank, "Mix.Low", 5, HWS_VERIFY));
	ck_works(hws_register_write(rig.bank, "Mix", 0x10000002, HWS_VERIFY));
	/* a plain register, where the description says that a one clears the bit */
	ck_denied(hws_register_write(rig.bank, "Mix.Flag", 1, HWS_VERIFY), HWS_REASON_DEVICE);
	ck_assert_ptr_nonnull(strstr(hws_why(), "Mix.Flag did not take it"));
	/* a register of which the device keeps some bits only */
	ck_works(hws_register_write(rig.bank, "Part", 0x0ab0, HWS_VERIFY));
	ck_denied(hws_register_write(rig.bank, "Part", 0xffff, HWS_VERIFY), HWS_REASON_DEVICE);
	ck_assert_ptr_nonnull(strstr(hws_why(), "0xffff was written, 0xff0 is read"));
	before = accesses(&rig);
	ck_said(hws_register_write(rig.bank, "Queue", 1, HWS_VERIFY), "can't be verified");
	ck_said(hws_register_write(rig.bank, "Command", 1, HWS_VERIFY), "can't be verified");
	ck_assert_uint_eq(accesses(&rig), before);
	close_rig(&rig);
}
END_TEST

START_TEST(handle_that_may_not_read_can_not_verify)
{
	struct rig rig = open_rig("bar = * * rw", HWS_W);
	uint64_t before = accesses(&rig);
	uint64_t value;

	ck_said(hws_register_write(rig.bank, "Part", 0, HWS_VERIFY), "may not read");
	ck_denied(hws_register_write(rig.bank, "Mix.Low", 0, 0), HWS_REASON_NO_RULE);
	ck_denied(hws_register_read(rig.bank, "Part", &value), HWS_REASON_NO_RULE);
	ck_assert_uint_eq(accesses(&rig), before);
	ck_works(hws_register_write(rig.bank, "Part", 0, 0));
	ck_works(hws_register_write(rig.bank, "Events.First", 1, 0));
	close_rig(&rig);
}
END_TEST

START_TEST(mask_of_a_rule_reads_nothing_that_reading_changes)
{
	struct rig rig = open_rig("bar = * * rw, mask 0xff", HWS_RW);
	uint64_t before = accesses(&rig);

	ck_denied(hws_mmio_write32(rig.mmio, 0x020, 1), HWS_REASON_MASK);
	ck_denied(hws_mmio_write32(rig.mmio, 0x010, 1), HWS_REASON_MASK);
	ck_assert_uint_eq(accesses(&rig), before);
	ck_works(hws_mmio_write32(rig.mmio, 0x004, 0x12345600));
	close_rig(&rig);
}
END_TEST

struct dump {
	unsigned int read;
	unsigned int skipped;
	unsigned int absent;
	unsigned int stop_after;
};

static int see(const struct hws_register_state *state, void *context)
{
	struct dump *dump = context;

	if (state->code == 0) {
		dump->read++;
		ck_assert(!hws_attribute_side(state->reg.attribute));
		ck_assert_ptr_null(state->why);
		ck_assert_uint_eq(state->value, !strcmp(state->reg.name, "ID")	     ? 0x11ea0001
						: !strcmp(state->reg.name, "Mix")    ? 0x12345678
						: !strcmp(state->reg.name, "Events") ? 0xff
										     : 0);
	} else {
		dump->skipped += state->code == -EACCES;
		dump->absent += state->code == -ENOENT;
		ck_assert_str_ne(state->why, "");
	}
	return dump->stop_after && dump->read == dump->stop_after ? 42 : 0;
}

/* The log of the machine: only registers that are harmless to read were read. */
static void must_be_harmless(const struct sim_access *access, void *context)
{
	unsigned int *seen = context;

	++*seen;
	ck_assert(!access->write);
	ck_assert_uint_ne(access->offset, 0x008);
	ck_assert_uint_ne(access->offset, 0x010);
	ck_assert_uint_ne(access->offset, 0x014);
	ck_assert_uint_ne(access->offset, 0x020);
}

START_TEST(dump_leaves_alone_what_reading_changes)
{
	struct rig rig = open_rig("bar = * * rw side", HWS_RW | HWS_SIDE);
	struct dump dump = { 0 };
	unsigned int seen = 0;

	sim_set_log(rig.hw->shim.self, must_be_harmless, &seen);
	ck_assert_int_eq(hws_bank_dump(rig.bank, see, &dump), 0);
	ck_assert_uint_eq(dump.read, 6);
	ck_assert_uint_eq(dump.skipped, 4);
	ck_assert_uint_eq(dump.absent, 1);
	ck_assert_uint_eq(seen, 6);
	dump = (struct dump) { .stop_after = 2 };
	ck_assert_int_eq(hws_bank_dump(rig.bank, see, &dump), 42);
	sim_set_log(rig.hw->shim.self, NULL, NULL);
	close_rig(&rig);
}
END_TEST

static int see_code(const struct hws_register_state *state, void *context)
{
	*(int *)context = state->code;
	return state->code == -EDQUOT;
}

START_TEST(dump_tells_what_failed)
{
	struct hws_options options = sim_with("bar = * * rw");
	struct rig rig;
	int code = 0;

	options.guards[HWS_GUARD_MMIO_READ].handle = 2;
	ck_works(hws_open(&options, &rig.hw));
	ck_works(hws_mmio_map(rig.hw, KINDS, 0, 0, 0, HWS_R, &rig.mmio));
	ck_works(hws_mmio_describe(rig.mmio, parsed(kinds), &rig.bank));
	ck_assert_int_eq(hws_bank_dump(rig.bank, see_code, &code), 1);
	ck_assert_int_eq(code, -EDQUOT);
	hws_registers_unref(hws_bank_registers(rig.bank)); /* the test's own */
	close_rig(&rig);
}
END_TEST

START_TEST(register_is_waited_for)
{
	struct rig rig = open_rig("bar = * * rw", HWS_RW);
	uint64_t value = 4711;

	/* the device counts its reads there */
	ck_works(hws_register_wait(rig.bank, "Count", 5, UINT64_MAX, &value));
	ck_assert_uint_eq(value, 5);
	ck_works(hws_register_wait(rig.bank, "Mix.Fixed", 3, 0, NULL));
	ck_assert_int_eq(hws_register_wait(rig.bank, "Mix.Fixed", 4, 0, &value), -ETIME);
	ck_assert_int_eq(hws_register_wait(rig.bank, "Mix.Fixed", 8, 0, &value), -EINVAL);
	ck_assert_int_eq(hws_register_wait(rig.bank, "Nix", 8, 0, &value), -ENOENT);
	ck_said(hws_register_wait(rig.bank, "Latch", 8, 0, &value), "Latch");
	ck_assert_uint_eq(value, 5);
	close_rig(&rig);
}
END_TEST

START_TEST(description_that_says_nothing_is_refused)
{
	struct hws *hw = open_with("bar = * * rw");
	struct rig rig = open_rig("bar = * * rw", HWS_RW);
	struct hws_registers *edu = loaded(hw, "edu");
	struct hws_registers *clock = loaded(hw, "cmos");
	struct hws_bank *bank = NULL;
	struct hws_mmio *piece;

	ck_assert_int_eq(hws_mmio_describe(rig.mmio, edu, &bank), -EALREADY);
	ck_works(hws_mmio_map(hw, KINDS, 0, 0x100, 0x100, HWS_R, &piece));
	ck_assert_int_eq(hws_mmio_describe(piece, edu, &bank), -ENOENT);
	ck_assert_int_eq(hws_mmio_describe(piece, clock, &bank), -ENOENT);
	ck_assert_ptr_null(bank);
	ck_assert_uint_eq(hws_mmio_get32(piece, 0), 0xffffffff);
	hws_mmio_unmap(piece);
	hws_registers_unref(edu);
	hws_registers_unref(clock);
	close_rig(&rig);
	hws_close(hw);
}
END_TEST

START_TEST(window_need_not_begin_where_the_bar_does)
{
	struct hws *hw = open_with("bar = * * rw");
	struct hws_registers *registers = parsed(kinds);
	struct hws_bank *bank;
	struct hws_mmio *piece;
	uint64_t value;

	ck_works(hws_mmio_map(hw, KINDS, 0, 0x4, 0x20, HWS_RW, &piece));
	ck_works(hws_mmio_describe(piece, registers, &bank));
	ck_assert_uint_eq(value_of(bank, "Mix"), 0x12345678);
	ck_said(hws_mmio_read32(piece, 0x0c, &(uint32_t) { 0 }), "Latch");
	ck_assert_int_eq(hws_register_read(bank, "ID", &value), -ENOENT);
	ck_assert_int_eq(hws_register_read(bank, "Wide", &value), -ENOENT);
	hws_mmio_unmap(piece);
	hws_registers_unref(registers);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/bank", (const TTest *[]) {
					    read_only_register_is_not_written,
					    reading_what_reading_changes_needs_a_right,
					    right_side_is_the_policys_to_give,
					    registers_and_fields_are_read_by_name,
					    field_is_written_and_the_rest_stays,
					    verification_knows_what_ones_clear,
					    handle_that_may_not_read_can_not_verify,
					    mask_of_a_rule_reads_nothing_that_reading_changes,
					    dump_leaves_alone_what_reading_changes,
					    dump_tells_what_failed,
					    register_is_waited_for,
					    description_that_says_nothing_is_refused,
					    window_need_not_begin_where_the_bar_does,
					    NULL,
				    });
}
