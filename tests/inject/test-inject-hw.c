/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every kind of access, batches, transactions and DMA: done, or refused as if never asked for. */
#include <errno.h>
#include <string.h>

#include "shim/shim-internal.h"
#include "tests/hw/tree-kit.h"
#include "tests/inject/hw-kit.h"

#define MACHINE                                                 \
	"cpu count 2\n"                                         \
	"ports 0x300 16\n reg 0 1 rw value 0x11\n reg 4 4 rw\n" \
	"msr 0x610 rw value 5 mask 0xff\n"                      \
	"pci 00:01.0 1234:0001 class 0x00ff00\n bar 0 mem 4K\n" \
	"  reg 0x00 4 rw value 1\n  reg 0x08 8 rw value 2\n"

#define RULES                                                          \
	"port = * rw\nmsr = * rw\npci = *, config rw danger claimed\n" \
	"bar = * * rw danger claimed\ncpuid = * r\ndma = *\nirq = * 0-7 rw\n"

struct bench {
	struct hws *hw;
	struct hws_port *port;
	struct hws_mmio *mmio;
	struct hws_msr *msr;
	struct hws_pci *pci;
	struct hws_cpuid *cpuid;
	const char *bdf;
};

static int open_handles(struct bench *b)
{
	int r = 0;

	if (!b->hw->sysroot) /* a tree has none: the kernel's can't be had below a folder */
		r = inject_next(r, hws_port_open(b->hw, 0x300, 16, HWS_RW, &b->port));
	r = inject_next(r, hws_mmio_map(b->hw, b->bdf, 0, 0, 0x100, HWS_RW, &b->mmio));
	r = inject_next(r, hws_msr_open(b->hw, "all", 0x600, 0x6ff, HWS_RW, &b->msr));
	r = inject_next(r, hws_pci_open(b->hw, b->bdf, 0, 0x40, HWS_RW, &b->pci));
	return inject_next(r, hws_cpuid_open(b->hw, 0, 7, &b->cpuid));
}

static void end(struct bench *b)
{
	hws_port_close(b->port);
	hws_mmio_unmap(b->mmio);
	hws_msr_close(b->msr);
	hws_pci_close(b->pci);
	hws_cpuid_close(b->cpuid);
	close_unused(b->hw);
}

static int begin_sim(struct bench *b)
{
	struct hws_options options = sim_with(RULES);

	*b = (struct bench) { .bdf = "00:01.0" };
	options.sim = MACHINE;
	return inject_step(hws_open(&options, &b->hw));
}

/* What is written is read again, one by one and as a batch. */
static int use(struct bench *b)
{
	uint32_t four = 0, regs[4];
	uint64_t eight = 0;
	uint16_t two = 0;
	struct hws_step steps[] = {
		hws_step_write(hws_in_mmio(b->mmio, 0, 4), 7),
		hws_step_update(hws_in_msr(b->msr, 0, 0x610), 0xf0, 0x30),
		hws_step_read(hws_in_pci(b->pci, 0, 2)),
		hws_step_read(hws_in_mmio(b->mmio, 0, 4)),
	};
	int r = inject_step(hws_mmio_write32(b->mmio, 0, 3));

	r = inject_next(r, hws_mmio_read32(b->mmio, 0, &four));
	inject_check(r < 0 || four == 3);
	r = inject_next(r, hws_msr_write(b->msr, 1, 0x610, 6));
	r = inject_next(r, hws_msr_read(b->msr, 1, 0x610, &eight));
	inject_check(r < 0 || eight == 6);
	r = inject_next(r, hws_pci_read16(b->pci, 0, &two));
	inject_check(r < 0 || two == 0x1234);
	r = inject_next(r, hws_cpuid_read(b->cpuid, 0, 0, regs));
	r = inject_next(r, hws_batch_run(steps, 4, 0));
	inject_check(r < 0 || (steps[2].result == 0x1234 && steps[3].result == 7));
	return r;
}

static int accesses_sim(void)
{
	struct bench b;
	int r = begin_sim(&b);

	r = r < 0 ? r : open_handles(&b);
	r = r < 0 ? r : use(&b);
	end(&b);
	return r;
}

/* The kernel's files, as far as files can stand for them. */
#define need_files() \
	need("native", RAW_ARCH != HWS_ARCH_UNKNOWN, "the native back end is the generic one here")
static int begin_native(struct bench *b)
{
	struct hws_options options = sim_with(RULES);

	*b = (struct bench) { .bdf = "0000:00:05.0" };
	options.backend = "native";
	options.sysroot = tree_root;
	return inject_step(hws_open(&options, &b->hw));
}

static int accesses_native(void)
{
	struct bench b;
	int r = begin_native(&b);

	r = r < 0 ? r : open_handles(&b);
	r = r < 0 ? r : use(&b);
	end(&b);
	return r;
}

static void make_tree(void)
{
	static const uint8_t registers[0x6ff * 8 + 8];

	tree_begin();
	tree_function("0000:00:05.0", 0x1234, 1, 0x00ff00);
	tree_bytes("/dev/cpu/0/msr", registers, sizeof(registers));
	tree_bytes("/dev/cpu/1/msr", registers, sizeof(registers));
}

/* What the registers hold: what stood there at first, or all that was written. */
static const uint64_t before[] = { 1, 2, 5 };
static const uint64_t after[] = { 0x31, 0x32, 0x35 };
enum { REGISTERS = 3 };

static void places(struct bench *b, struct hws_place ret_places[REGISTERS])
{
	ret_places[0] = hws_in_mmio(b->mmio, 0, 4);
	ret_places[1] = hws_in_mmio(b->mmio, 8, 8);
	ret_places[2] = hws_in_msr(b->msr, 1, 0x610);
}

static int run_all(struct bench *b, const uint64_t *values, bool read, uint64_t *ret_values)
{
	struct hws_place at[REGISTERS];
	struct hws_step steps[REGISTERS];
	int r;

	places(b, at);
	for (int i = 0; i < REGISTERS; i++)
		steps[i] = read ? hws_step_read(at[i]) : hws_step_write(at[i], values[i]);
	r = hws_batch_run(steps, REGISTERS, 0);
	for (int i = 0; i < REGISTERS && read; i++)
		ret_values[i] = steps[i].result;
	return r;
}

/* All of them as they were, or all as they were to be. */
static bool holds(struct bench *b, const uint64_t *expected)
{
	uint64_t now[REGISTERS];
	bool same;

	inject_mute(true);
	same = run_all(b, NULL, true, now) == 0 && memcmp(now, expected, sizeof(now)) == 0;
	inject_mute(false);
	return same;
}

static int change(struct bench *b, struct hws_txn *txn)
{
	struct hws_place at[REGISTERS];
	struct hws_step steps[REGISTERS];
	int r;

	places(b, at);
	for (int i = 0; i < REGISTERS; i++)
		steps[i] = hws_step_write(at[i], after[i]);
	r = inject_step(hws_txn_run(txn, steps, REGISTERS));
	if (r != -ENOTRECOVERABLE)
		inject_check(holds(b, r < 0 ? before : after));
	return r;
}

/* What could not be made is not there; unless it could not be removed either. */
static void check_no_journal(const char *journal)
{
	inject_mute(true);
	if (!inject_all_fails())
		inject_check(access(journal, F_OK) < 0);
	inject_mute(false);
}

/* Kept, or undone; what its end says is so. */
static int transact(struct bench *b, const char *journal, bool keep)
{
	struct hws_txn *txn = NULL;
	int r = inject_step(hws_txn_open(b->hw, journal, &txn));
	int closed;

	if (r < 0) {
		check_no_journal(journal);
		return r;
	}
	r = change(b, txn);
	if (r == 0 && keep)
		r = inject_step(hws_txn_commit(txn));
	closed = inject_step(hws_txn_close(txn));
	if (closed == 0 && r != -ENOTRECOVERABLE)
		inject_check(holds(b, keep && r == 0 ? after : before));
	else if (closed != -ENOTRECOVERABLE && r != -ENOTRECOVERABLE)
		inject_check(holds(b, before) || holds(b, after));
	return r < 0 ? r : closed;
}

/* Where undoing failed the journal is what restores. Then it is gone. */
static void restore(struct bench *b, const char *journal)
{
	inject_mute(true);
	if (access(journal, F_OK) == 0 && !holds(b, before) && !holds(b, after)) {
		inject_check(hws_txn_restore(b->hw, journal, 0, NULL, NULL) == 0);
		inject_check(holds(b, before));
	}
	unlink(journal);
	inject_mute(false);
}

static int transactions(struct bench *b)
{
	char journal[64];
	int r;

	snprintf(journal, sizeof(journal), "%s/journal", tree_root);
	inject_mute(true);
	inject_check(run_all(b, before, false, NULL) == 0);
	inject_mute(false);
	r = transact(b, journal, false);
	restore(b, journal);
	inject_mute(true);
	inject_check(run_all(b, before, false, NULL) == 0);
	inject_mute(false);
	if (r == 0)
		r = transact(b, journal, true);
	restore(b, journal);
	return r;
}

static int transactions_sim(void)
{
	struct bench b;
	int r = begin_sim(&b);

	r = r < 0 ? r : open_handles(&b);
	r = r < 0 ? r : transactions(&b);
	end(&b);
	return r;
}

static int transactions_native(void)
{
	struct bench b;
	int r = begin_native(&b);

	r = r < 0 ? r : open_handles(&b);
	r = r < 0 ? r : transactions(&b);
	end(&b);
	return r;
}

/* A buffer goes to a device and comes back, and one stays mapped meanwhile; it rings. */
static int use_device(struct hws *hw, struct hws_domain *domain)
{
	struct hws_pool *pool = hws_dma_pool(domain);
	struct hws_buf given, kept;
	struct hws_irq *irq = NULL;
	uint64_t iova;
	int r = inject_step(hws_buf_take(pool, 4096, &given));
	int s;

	(void)hw;
	if (r < 0)
		return r;
	r = inject_step(hws_dma_give(domain, given, HWS_BOTH_WAYS, &iova));
	if (r == 0)
		r = inject_step(hws_dma_take(domain, given));
	/* the user's, or where it could not be unmapped nobody's */
	s = hws_buf_owner(pool, given);
	inject_check(s == HWS_OWNER_USER || (r < 0 && s == HWS_OWNER_QUARANTINED));
	s = inject_step(hws_buf_take(pool, 4096, &kept));
	r = r < 0 ? r : s;
	if (s == 0) {
		s = inject_step(hws_dma_map(domain, kept, HWS_TO_DEVICE, &iova));
		if (s == 0)
			s = inject_step(hws_dma_unmap(domain, kept));
		r = r < 0 ? r : s;
		s = inject_step(hws_buf_give(pool, kept));
		r = r < 0 ? r : s;
	}
	r = inject_next(r, hws_irq_open(domain, HWS_IRQ_BEST, 1, &irq));
	r = inject_next(r, hws_irq_unmask(irq));
	hws_irq_close(irq);
	return r;
}

static int dma(void)
{
	struct hws_options options = sim_with(RULES);
	struct hws_domain *domain = NULL;
	struct hws *hw = NULL;
	int left;
	int r;

	inject_mute(true);
	ck_works(hws_open(&options, &hw));
	inject_mute(false);
	r = inject_step(hws_dma_open(hw, "0000:00:03.0", NULL, &domain));
	if (r == 0) {
		r = use_device(hw, domain);
		left = hws_dma_close(domain);
		inject_check(left == 0 || inject_all_fails());
	}
	close_unused(hw);
	return r;
}

START_TEST(devices_give_back_what_they_were_given)
{
	inject_sweep(&(struct inject_flow) { "dma, simulated", dma, 20, false });
}
END_TEST

START_TEST(accesses_are_done_or_refused)
{
	inject_sweep(&(struct inject_flow) { "accesses, simulated", accesses_sim, 50, false });
}
END_TEST

START_TEST(accesses_to_files_are_done_or_refused)
{
	need_files();
	make_tree();
	inject_sweep(&(struct inject_flow) { "accesses, files", accesses_native, 50, false });
	tree_end();
}
END_TEST

START_TEST(transactions_are_whole_or_not_at_all)
{
	make_tree(); /* the journal lies there */
	inject_sweep(&(struct inject_flow) { "transaction, simulated", transactions_sim, 50 });
	tree_end();
}
END_TEST

START_TEST(transactions_on_files_are_whole_or_not_at_all)
{
	need_files();
	make_tree();
	inject_sweep(&(struct inject_flow) { "transaction, files", transactions_native, 50 });
	tree_end();
}
END_TEST

int main(void)
{
	return suite_run_for("inject/hw",
			     (const TTest *[]) { accesses_are_done_or_refused,
						 accesses_to_files_are_done_or_refused,
						 transactions_are_whole_or_not_at_all,
						 transactions_on_files_are_whole_or_not_at_all,
						 devices_give_back_what_they_were_given, NULL },
			     600);
}
