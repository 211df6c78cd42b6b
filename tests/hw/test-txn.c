/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches and transactions over every kind of handle. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/hw/hw-kit.h"

#define MACHINE                                                   \
	"cpu count 2\n"                                           \
	"ports 0x300 16\n reg 0 1 rw value 0x11\n reg 4 4 rw\n"   \
	"msr 0x610 rw value 5 mask 0xff\nmsr 0x611 ro value 9\n"  \
	"pci 00:01.0 1234:0001 class 0x00ff00\n bar 0 mem 4K\n"   \
	"  reg 0x00 4 rw value 1\n  reg 0x08 8 rw value 2\n"      \
	"  reg 0x10 4 ro value 7\n  reg 0x14 4 counter value 0\n" \
	"  reg 0x18 4 wo\n  reg 0x20 4 w1c value 0xf\n"           \
	"pci 00:02.0 1234:0001 class 0x00ff00 unplug 12\n bar 0 mem 4K\n  reg 0 4 rw value 3\n"

#define RULES \
	"port = * rw\nmsr = * rw\npci = *, config rw danger claimed\nbar = * * rw danger claimed\n"

struct bench {
	struct hws *hw;
	struct hws_port *port;
	struct hws_mmio *mmio;
	struct hws_msr *msr;
	struct hws_pci *pci;
};

static struct bench set_up_with(const char *rules)
{
	struct hws_options options = sim_with(rules);
	struct bench b;

	options.sim = MACHINE;
	ck_works(hws_open(&options, &b.hw));
	ck_works(hws_port_open(b.hw, 0x300, 16, HWS_RW, &b.port));
	ck_works(hws_mmio_map(b.hw, "00:01.0", 0, 0, 0x100, HWS_RW, &b.mmio));
	ck_works(hws_msr_open(b.hw, "all", 0x600, 0x6ff, HWS_RW, &b.msr));
	ck_works(hws_pci_open(b.hw, "00:01.0", 0, 0x40, HWS_RW, &b.pci));
	return b;
}

static struct bench set_up(void)
{
	return set_up_with(RULES);
}

static void tear_down(struct bench *b)
{
	hws_port_close(b->port);
	hws_mmio_unmap(b->mmio);
	hws_msr_close(b->msr);
	hws_pci_close(b->pci);
	hws_close(b->hw);
}

/* What the four writable registers hold. */
static void check_values(struct bench *b, uint32_t port, uint32_t mmio, uint64_t wide, uint64_t msr)
{
	ck_assert_uint_eq(hws_port_get8(b->port, 0x300), port);
	ck_assert_uint_eq(hws_mmio_get32(b->mmio, 0), mmio);
	ck_assert_uint_eq(hws_mmio_get64(b->mmio, 8), wide);
	ck_assert_uint_eq(hws_msr_get(b->msr, 1, 0x610), msr);
}

START_TEST(batch_does_steps_of_all_kinds_in_order)
{
	struct bench b = set_up();
	struct hws_step steps[] = {
		hws_step_write(hws_in_port(b.port, 0x300, 1), 0x22),
		hws_step_read(hws_in_port(b.port, 0x300, 1)),
		hws_step_update(hws_in_mmio(b.mmio, 0, 4), 0xf0, 0x50),
		hws_step_read(hws_in_mmio(b.mmio, 0, 4)),
		hws_step_write(hws_in_msr(b.msr, 1, 0x610), 6),
		hws_step_read(hws_in_msr(b.msr, 0, 0x610)),
		hws_step_read(hws_in_msr(b.msr, 1, 0x610)),
		hws_step_read(hws_in_pci(b.pci, 2, 2)),
		hws_step_pause(1000),
	};

	for (int run = 0; run < 2; run++) {
		ck_works(hws_batch_run(steps, COUNT(steps), 0));
		ck_assert_uint_eq(steps[1].result, 0x22);
		ck_assert_uint_eq(steps[2].result, run ? 0x51 : 0x01);
		ck_assert_uint_eq(steps[3].result, 0x51);
		ck_assert_uint_eq(steps[5].result, 5);
		ck_assert_uint_eq(steps[6].result, 6);
		ck_assert_uint_eq(steps[7].result, 0x0001);
		for (size_t i = 0; i < COUNT(steps); i++) {
			ck_assert_int_eq(steps[i].status, 0);
			ck_assert_uint_ge(steps[i].ended_ns, steps[i].began_ns);
			ck_assert(i == 0 || steps[i].began_ns >= steps[i - 1].ended_ns);
		}
	}
	tear_down(&b);
}
END_TEST

START_TEST(batch_that_is_refused_in_one_step_does_nothing)
{
	struct bench b = set_up();
	struct hws_step steps[] = {
		hws_step_write(hws_in_port(b.port, 0x300, 1), 0x22),
		hws_step_write(hws_in_mmio(b.mmio, 0, 4), 0x33),
		hws_step_write(hws_in_mmio(b.mmio, 0, 4), 0x100000000),
	};

	ck_assert_int_eq(hws_batch_run(steps, 3, 0), -EINVAL);
	check_values(&b, 0x11, 1, 2, 5);
	steps[2] = hws_step_write(hws_in_mmio(b.mmio, 0x100, 4), 1);
	ck_assert_int_eq(hws_batch_run(steps, 3, 0), -ERANGE);
	ck_assert_int_eq(steps[2].status, -ERANGE);
	steps[2] = hws_step_write(hws_in_mmio(b.mmio, 2, 4), 1);
	ck_assert_int_eq(hws_batch_run(steps, 3, 0), -EINVAL);
	steps[2] = hws_step_update(hws_in_mmio(b.mmio, 0, 4), 0x0f, 0x10);
	ck_assert_int_eq(hws_batch_run(steps, 3, 0), -EINVAL);
	steps[2] = hws_step_read(hws_in_msr(b.msr, 2, 0x610));
	ck_assert_int_eq(hws_batch_run(steps, 3, 0), -ERANGE);
	steps[2] = hws_step_read(hws_in_mmio(NULL, 0, 4));
	ck_assert_int_eq(hws_batch_run(steps, 3, 0), -EINVAL);
	steps[2].place.kind = HWS_KIND_DMA;
	ck_assert_int_eq(hws_batch_run(steps, 3, 0), -EINVAL);
	steps[2].verb = HWS_STEP_VERBS;
	ck_assert_int_eq(hws_batch_run(steps, 3, 0), -EINVAL);
	ck_assert_int_eq(hws_batch_run(steps, 2, 0x80), -EINVAL);
	ck_assert_int_eq(hws_batch_run(steps, HWS_BATCH_STEPS + 1, 0), -EINVAL);
	ck_works(hws_batch_run(steps, 0, 0));
	check_values(&b, 0x11, 1, 2, 5);
	tear_down(&b);
}
END_TEST

START_TEST(batch_asks_the_policy_before_it_begins)
{
	struct bench b =
		set_up_with("port = 0x300-0x30f rw value 0-0x7f\nmsr = * rw\n"
			    "pci = *, config rw danger claimed\nbar = * * rw danger claimed");
	struct hws_step steps[] = {
		hws_step_write(hws_in_mmio(b.mmio, 0, 4), 0x33),
		hws_step_write(hws_in_port(b.port, 0x300, 1), 0x80),
	};

	ck_denied(hws_batch_check(steps, 2), HWS_REASON_VALUE);
	ck_assert_int_eq(steps[0].status, 0);
	ck_denied(hws_batch_run(steps, 2, 0), HWS_REASON_VALUE);
	ck_assert_int_eq(steps[0].status, -ECANCELED); /* it may be, and wasn't */
	ck_assert_int_eq(steps[1].status, -EACCES);
	check_values(&b, 0x11, 1, 2, 5);
	tear_down(&b);
}
END_TEST

START_TEST(batch_ends_at_a_failure_or_goes_on)
{
	struct bench b = set_up();
	struct hws_step steps[] = {
		hws_step_write(hws_in_mmio(b.mmio, 0, 4), 0x33),
		hws_step_write(hws_in_msr(b.msr, 0, 0x611), 1), /* read-only: -EIO */
		hws_step_write(hws_in_mmio(b.mmio, 8, 8), 0x44),
	};

	ck_assert_int_eq(hws_batch_run(steps, 3, 0), -EIO);
	ck_assert_int_eq(steps[0].status, 0);
	ck_assert_int_eq(steps[1].status, -EIO);
	ck_assert_int_eq(steps[2].status, -ECANCELED);
	check_values(&b, 0x11, 0x33, 2, 5);
	ck_assert_int_eq(hws_batch_run(steps, 3, HWS_BATCH_GO_ON), -EIO);
	ck_assert_int_eq(steps[2].status, 0);
	check_values(&b, 0x11, 0x33, 0x44, 5);
	tear_down(&b);
}
END_TEST

START_TEST(poll_ends_when_the_bits_are_there_or_at_its_limit)
{
	struct bench b = set_up();
	struct hws_step steps[] = {
		hws_step_poll(hws_in_mmio(b.mmio, 0x14, 4), 0x8, 0x8, UINT64_C(10000000000)),
		hws_step_poll(hws_in_mmio(b.mmio, 0x10, 4), 0x8, 0x8, 1000),
	};

	ck_assert_int_eq(hws_batch_run(steps, 2, 0), -ETIME);
	ck_assert_int_eq(steps[0].status, 0);
	ck_assert_uint_eq(steps[0].result, 8);
	ck_assert_uint_eq(steps[0].polls, 9);
	ck_assert_int_eq(steps[1].status, -ETIME);
	ck_assert_uint_eq(steps[1].result, 7);
	ck_assert_uint_ge(steps[1].polls, 1);
	tear_down(&b);
}
END_TEST

START_TEST(batch_that_uses_up_the_guard_says_where)
{
	struct hws_options options = sim_with(RULES);
	struct hws_mmio *mmio;
	struct hws_step steps[5];
	struct hws *hw;

	options.sim = MACHINE;
	options.guards[HWS_GUARD_MMIO_WRITE].handle = 3;
	ck_works(hws_open(&options, &hw));
	ck_works(hws_mmio_map(hw, "00:01.0", 0, 0, 0x100, HWS_RW, &mmio));
	for (uint32_t i = 0; i < 5; i++)
		steps[i] = hws_step_write(hws_in_mmio(mmio, 0, 4), i);
	ck_denied(hws_batch_run(steps, 5, 0), HWS_REASON_GUARD);
	ck_assert_int_eq(steps[2].status, 0);
	ck_assert_int_eq(steps[3].status, -EDQUOT);
	ck_assert_int_eq(steps[4].status, -ECANCELED);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(transaction_that_fails_leaves_all_as_it_was)
{
	struct bench b = set_up();
	struct hws_txn *txn;
	struct hws_step steps[] = {
		hws_step_write(hws_in_port(b.port, 0x300, 1), 0x22),
		hws_step_write(hws_in_mmio(b.mmio, 0, 4), 0x33),
		hws_step_update(hws_in_mmio(b.mmio, 0, 4), 0xff00, 0x4400),
		hws_step_write(hws_in_mmio(b.mmio, 8, 8), 0x55),
		hws_step_write(hws_in_msr(b.msr, 1, 0x610), 6),
		hws_step_write(hws_in_msr(b.msr, 0, 0x611), 1),
	};

	ck_works(hws_txn_open(b.hw, NULL, &txn));
	ck_assert_int_eq(hws_txn_run(txn, steps, COUNT(steps)), -EIO);
	ck_assert_int_eq(steps[4].status, 0);
	ck_assert_int_eq(steps[5].status, -EIO);
	check_values(&b, 0x11, 1, 2, 5);
	/* and what was run before stays until it is undone */
	ck_works(hws_txn_run(txn, steps, 2));
	ck_assert_int_eq(hws_txn_run(txn, &steps[3], 3), -EIO);
	check_values(&b, 0x22, 0x33, 2, 5);
	ck_works(hws_txn_undo(txn));
	check_values(&b, 0x11, 1, 2, 5);
	ck_works(hws_txn_close(txn));
	tear_down(&b);
}
END_TEST

START_TEST(transaction_is_kept_by_commit_and_undone_by_close)
{
	struct bench b = set_up();
	struct hws_txn *txn;
	struct hws_step steps[] = {
		hws_step_write(hws_in_port(b.port, 0x300, 1), 0x22),
		hws_step_write(hws_in_mmio(b.mmio, 8, 8), 0x55),
	};

	ck_works(hws_txn_open(b.hw, NULL, &txn));
	ck_works(hws_txn_run(txn, steps, 2));
	ck_works(hws_txn_close(txn));
	check_values(&b, 0x11, 1, 2, 5);
	ck_works(hws_txn_open(b.hw, NULL, &txn));
	ck_works(hws_txn_run(txn, steps, 1));
	ck_works(hws_txn_commit(txn));
	ck_works(hws_txn_run(txn, &steps[1], 1));
	ck_works(hws_txn_close(txn));
	check_values(&b, 0x22, 1, 2, 5);
	ck_works(hws_txn_close(NULL));
	tear_down(&b);
}
END_TEST

START_TEST(transaction_touches_only_what_it_names)
{
	struct bench b = set_up();
	struct hws_txn *txn;
	struct hws_step steps[] = {
		hws_step_write(hws_in_mmio(b.mmio, 0, 4), 0x33),
		hws_step_write(hws_in_msr(b.msr, 0, 0x611), 1),
	};

	ck_works(hws_txn_open(b.hw, NULL, &txn));
	ck_assert_int_eq(hws_txn_run(txn, steps, 2), -EIO);
	ck_works(hws_txn_close(txn));
	/* each reading would have counted */
	ck_assert_uint_eq(hws_mmio_get32(b.mmio, 0x14), 0);
	ck_assert_uint_eq(hws_mmio_get32(b.mmio, 0x20), 0xf);
	tear_down(&b);
}
END_TEST

START_TEST(transaction_needs_to_read_what_it_writes)
{
	struct bench b = set_up();
	struct hws_port *blind;
	struct hws_txn *txn;
	struct hws_step step;

	ck_works(hws_port_open(b.hw, 0x304, 4, HWS_W, &blind));
	ck_works(hws_txn_open(b.hw, NULL, &txn));
	step = hws_step_write(hws_in_port(blind, 0x304, 4), 1);
	ck_denied(hws_txn_run(txn, &step, 1), HWS_REASON_NO_RULE);
	ck_works(hws_batch_run(&step, 1, 0));
	ck_works(hws_txn_close(txn));
	hws_port_close(blind);
	tear_down(&b);
}
END_TEST

START_TEST(transaction_that_cannot_undo_says_so)
{
	struct bench b = set_up();
	struct hws_mmio *gone;
	struct hws_txn *txn;
	struct hws_step steps[2];
	uint32_t value;

	ck_works(hws_mmio_map(b.hw, "00:02.0", 0, 0, 0x10, HWS_RW, &gone));
	ck_works(hws_txn_open(b.hw, NULL, &txn));
	steps[0] = hws_step_write(hws_in_mmio(gone, 0, 4), 0x33);
	ck_works(hws_txn_run(txn, steps, 1));
	while (hws_mmio_read32(gone, 0, &value) == 0)
		;
	steps[0] = hws_step_write(hws_in_mmio(b.mmio, 0, 4), 0x33);
	ck_works(hws_txn_run(txn, steps, 1));
	ck_assert_int_eq(hws_txn_undo(txn), -ENOTRECOVERABLE);
	/* and why the last of them could not be, whole */
	ck_assert_str_eq(hws_why(), "1 registers could not be written back: "
				    "read bar 0000:00:02.0 0x0-0x3: 0000:00:02.0 is unplugged");
	/* the others were written back all the same */
	check_values(&b, 0x11, 1, 2, 5);
	ck_works(hws_txn_close(txn));
	hws_mmio_unmap(gone);
	tear_down(&b);
}
END_TEST

static void use_parents(void *arg)
{
	struct hws_txn *txn = arg;

	if (hws_txn_undo(txn) == -ECHILD && hws_txn_commit(txn) == -ECHILD &&
	    hws_txn_run(txn, NULL, 0) == -ECHILD && hws_txn_close(txn) == -ECHILD)
		_exit(0);
	_exit(1);
}

START_TEST(child_of_fork_does_not_undo)
{
	struct bench b = set_up();
	struct hws_step step = hws_step_write(hws_in_mmio(b.mmio, 0, 4), 0x33);
	struct hws_txn *txn;

	ck_works(hws_txn_open(b.hw, NULL, &txn));
	ck_works(hws_txn_run(txn, &step, 1));
	ck_assert_int_eq(suite_child(use_parents, txn), 0);
	check_values(&b, 0x11, 0x33, 2, 5);
	ck_works(hws_txn_close(txn));
	tear_down(&b);
}
END_TEST

int main(void)
{
	return suite_run("hw/txn", (const TTest *[]) {
					   batch_does_steps_of_all_kinds_in_order,
					   batch_that_is_refused_in_one_step_does_nothing,
					   batch_asks_the_policy_before_it_begins,
					   batch_ends_at_a_failure_or_goes_on,
					   poll_ends_when_the_bits_are_there_or_at_its_limit,
					   batch_that_uses_up_the_guard_says_where,
					   transaction_that_fails_leaves_all_as_it_was,
					   transaction_is_kept_by_commit_and_undone_by_close,
					   transaction_touches_only_what_it_names,
					   transaction_needs_to_read_what_it_writes,
					   transaction_that_cannot_undo_says_so,
					   child_of_fork_does_not_undo,
					   NULL,
				   });
}
