/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Journals: what a process wrote before it died is written back by another. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/journal-internal.h"
#include "shim/sys-internal.h"
#include "tests/hw/hw-kit.h"

#define MACHINE                                                 \
	"cpu count 2\nports 0x300 16\n reg 0 1 rw value 0x11\n" \
	"msr 0x610 rw value 5\n"                                \
	"pci 00:01.0 1234:0001 class 0x00ff00\n bar 0 mem 4K\n" \
	"  reg 0x00 4 rw value 1\n  reg 0x08 8 rw value 2\n"    \
	"pci 00:02.0 1234:0001 class 0x00ff00 unplug 12\n"      \
	" bar 0 mem 4K\n  reg 0 4 rw value 3\n"
#define RULES \
	"port = * rw\nmsr = * rw\npci = *, config rw danger claimed\nbar = * * rw danger claimed\n"

static char folder[] = "/tmp/test-txn-XXXXXX";
static char path[64];

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/journal", folder);
}

static void tear_down(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static struct hws *open_machine(void)
{
	struct hws_options options = sim_with(RULES);
	struct hws *hw;

	options.sim = MACHINE;
	ck_works(hws_open(&options, &hw));
	return hw;
}

static void write_file(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
	ck_ok(chmod(path, mode));
}

struct seen {
	unsigned int count;
	struct hws_restore all[16];
};

static void see(const struct hws_restore *one, void *context)
{
	struct seen *seen = context;

	seen->all[seen->count++ % 16] = *one;
}

/* A simulated machine dies with its process: its registers are written again by hand. */
static void write_and_die(void *arg)
{
	struct hws *hw = open_machine();
	struct hws_mmio *mmio;
	struct hws_port *port;
	struct hws_msr *msr;
	struct hws_txn *txn;

	(void)arg;
	ck_works(hws_mmio_map(hw, "00:01.0", 0, 0, 0x10, HWS_RW, &mmio));
	ck_works(hws_port_open(hw, 0x300, 4, HWS_RW, &port));
	ck_works(hws_msr_open(hw, "all", 0x610, 0x610, HWS_RW, &msr));
	ck_works(hws_txn_open(hw, path, &txn));
	{
		struct hws_step steps[] = {
			hws_step_write(hws_in_mmio(mmio, 0, 4), 0x33),
			hws_step_write(hws_in_port(port, 0x300, 1), 0x22),
			hws_step_write(hws_in_msr(msr, 1, 0x610), 6),
			hws_step_write(hws_in_mmio(mmio, 0, 4), 0x34),
			hws_step_write(hws_in_mmio(mmio, 8, 8), UINT64_MAX),
		};

		ck_works(hws_txn_run(txn, steps, COUNT(steps)));
	}
	kill(getpid(), SIGKILL);
}

START_TEST(what_a_dead_process_wrote_is_restored)
{
	struct hws *hw = open_machine();
	struct seen seen = { 0 };
	struct seen dry = { 0 };
	struct hws_mmio *mmio;
	struct hws_port *port;
	struct hws_msr *msr;

	set_up();
	ck_assert(suite_died(suite_child(write_and_die, NULL), SIGKILL));
	ck_works(hws_mmio_map(hw, "00:01.0", 0, 0, 0x10, HWS_RW, &mmio));
	ck_works(hws_port_open(hw, 0x300, 4, HWS_RW, &port));
	ck_works(hws_msr_open(hw, "all", 0x610, 0x610, HWS_RW, &msr));
	/* as the dead one left the machine, but for one write that never came, and one changed */
	hws_mmio_put32(mmio, 0, 0x34);
	hws_port_put8(port, 0x300, 0x77);
	hws_msr_put(msr, 1, 0x610, 6);
	/* what would be done is what is done then, also to what was written twice */
	ck_assert_int_eq(hws_txn_restore(hw, path, HWS_RESTORE_DRY, see, &dry), 1);
	ck_assert_uint_eq(hws_msr_get(msr, 1, 0x610), 6);
	ck_assert_int_eq(hws_txn_restore(hw, path, 0, see, &seen), 1);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_int_eq(dry.all[i].end, seen.all[i].end);
		ck_assert_uint_eq(dry.all[i].now, seen.all[i].now);
	}
	ck_assert_uint_eq(seen.count, 5);
	ck_assert_int_eq(seen.all[0].end, HWS_RESTORED_ALREADY);
	ck_assert_int_eq(seen.all[1].end, HWS_RESTORED);
	ck_assert_uint_eq(seen.all[1].now, 0x34);
	ck_assert_int_eq(seen.all[2].end, HWS_RESTORED);
	ck_assert_int_eq(seen.all[2].access.kind, HWS_KIND_MSR);
	ck_assert_uint_eq(seen.all[2].access.cpu, 1);
	ck_assert_int_eq(seen.all[3].end, HWS_RESTORE_CHANGED);
	ck_assert_uint_eq(seen.all[3].now, 0x77);
	ck_assert_int_eq(seen.all[4].end, HWS_RESTORED);
	ck_assert_uint_eq(hws_mmio_get32(mmio, 0), 1);
	ck_assert_uint_eq(hws_mmio_get64(mmio, 8), 2);
	ck_assert_uint_eq(hws_msr_get(msr, 1, 0x610), 5);
	ck_assert_uint_eq(hws_port_get8(port, 0x300), 0x77);
	ck_works(hws_txn_restore(hw, path, HWS_RESTORE_FORCE, NULL, NULL));
	ck_assert_uint_eq(hws_port_get8(port, 0x300), 0x11);
	ck_assert_int_eq(hws_txn_restore(hw, path, 0, NULL, NULL), -ENOENT);
	hws_mmio_unmap(mmio);
	hws_port_close(port);
	hws_msr_close(msr);
	hws_close(hw);
	tear_down();
}
END_TEST

START_TEST(journal_is_there_until_the_transaction_ends)
{
	struct hws *hw = open_machine();
	struct hws_txn *txn;
	struct hws_txn *second = NULL;

	set_up();
	ck_works(hws_txn_open(hw, path, &txn));
	ck_assert_int_eq(hws_txn_open(hw, path, &second), -EEXIST);
	ck_assert_ptr_null(second);
	ck_assert_int_eq(hws_txn_restore(hw, path, 0, NULL, NULL), -EBUSY);
	ck_works(hws_txn_commit(txn));
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_works(hws_txn_close(txn));
	ck_works(hws_txn_open(hw, path, &txn));
	ck_works(hws_txn_close(txn));
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(hws_txn_open(hw, "/nowhere/at/all", &txn), -ENOENT);
	ck_assert_int_eq(hws_txn_open(hw, "", &txn), -EINVAL);
	ck_assert_int_eq(hws_txn_open(hw, folder, &txn), -EEXIST);
	hws_close(hw);
	tear_down();
}
END_TEST

/* A journal of these lines, each with its right sum; the first one may be another head. */
static const char *journal_of(const char *const *lines, const char *head)
{
	static char text[2048];
	uint64_t sum = journal_sum(JOURNAL_SUM, head);
	size_t n = (size_t)sprintf(text, "%s #%016" PRIx64 "\n", head, sum);

	for (; *lines; lines++) {
		sum = journal_sum(sum, *lines);
		n += (size_t)sprintf(text + n, "%s #%016" PRIx64 "\n", *lines, sum);
	}
	return text;
}

static const char *head(void)
{
	static char text[64];
	char boot[SYS_BOOT];

	sys_boot(boot);
	snprintf(text, sizeof(text), "hwsafe-journal 2 %s", boot);
	return text;
}

static const char *one_line(const char *line)
{
	return journal_of((const char *const[]) { line, NULL }, head());
}

static const char *const broken[] = {
	"bar",
	"bar 0000:00:01.0 0 0x0 4 0 0x1",
	"bar 0000:00:01.0 0 0x0 4 0 0x1 0x33 more",
	"dma 0000:00:01.0 0 0x0 4 0 0x1 0x33",
	"bar nonsense 0 0x0 4 0 0x1 0x33",
	"bar 0000:00:01.0 6 0x0 4 0 0x1 0x33",
	"bar 0000:00:01.0 0 -1 4 0 0x1 0x33",
	"bar 0000:00:01.0 0 0x1 4 0 0x1 0x33",
	"bar 0000:00:01.0 0 0x0 3 0 0x1 0x33",
	"bar 0000:00:01.0 0 0x0 0 0 0x1 0x33",
	"bar 0000:00:01.0 0 0x0 16 0 0x1 0x33",
	"bar 0000:00:01.0 0 0x0 4 9999 0x1 0x33",
	"bar 0000:00:01.0 0 0x0 4 0 0x1 0x10000000000000000",
	"bar 0000:00:01.0 0 0x0 4 0 0x1 0x100000000",
	"pci 0000:00:01.0 0 0x1000 4 0 0x1 0x33",
	"port 0000:00:00.0 0 0x10300 1 0 0x1 0x33",
	"msr 0000:00:00.0 0 0x100000610 8 0 0x1 0x33",
	"",
};

static void is_refused(struct hws *hw, const char *text, int code)
{
	write_file(text, 0600);
	ck_assert_msg(hws_txn_restore(hw, path, HWS_RESTORE_FORCE, NULL, NULL) == code, "%s: %s",
		      text, hws_why());
	ck_assert_ptr_nonnull(strstr(hws_why(), "journal"));
	ck_assert_int_eq(access(path, F_OK), 0);
}

START_TEST(journal_stays_when_undoing_failed)
{
	struct hws *hw = open_machine();
	struct seen seen = { 0 };
	struct hws_step steps[20];
	struct hws_mmio *gone, *mmio;
	struct hws_txn *txn;

	set_up();
	ck_works(hws_mmio_map(hw, "00:01.0", 0, 0, 0x10, HWS_RW, &mmio));
	ck_works(hws_mmio_map(hw, "00:02.0", 0, 0, 0x10, HWS_RW, &gone));
	ck_works(hws_txn_open(hw, path, &txn));
	steps[0] = hws_step_write(hws_in_mmio(gone, 0, 4), 0x33);
	for (size_t i = 1; i < COUNT(steps); i++) /* until it is unplugged */
		steps[i] = hws_step_read(hws_in_mmio(gone, 0, 4));
	ck_assert_int_eq(hws_txn_run(txn, steps, COUNT(steps)), -ENOTRECOVERABLE);
	steps[0] = hws_step_write(hws_in_mmio(mmio, 0, 4), 0x34);
	ck_works(hws_txn_run(txn, steps, 1));
	ck_assert_int_eq(hws_txn_restore(hw, path, HWS_RESTORE_DRY, see, &seen), -EBUSY);
	ck_works(hws_txn_close(txn));
	hws_mmio_unmap(mmio);
	hws_mmio_unmap(gone);
	hws_close(hw);
	/* plugged in again */
	hw = open_machine();
	ck_assert_int_eq(hws_txn_restore(hw, path, HWS_RESTORE_DRY, see, &seen), 0);
	ck_assert_uint_eq(seen.count, 2);
	ck_assert_uint_eq(seen.all[0].access.value, 0x34);
	ck_assert_uint_eq(seen.all[1].access.value, 0x33);
	hws_close(hw);
	tear_down();
}
END_TEST

START_TEST(journal_that_is_broken_restores_nothing)
{
	struct hws *hw = open_machine();

	set_up();
	for (size_t i = 0; i < COUNT(broken); i++)
		is_refused(hw, one_line(broken[i]), -EBADMSG);
	is_refused(hw, "nonsense", -EBADMSG);
	is_refused(hw, "nonsense\n", -EBADMSG);
	is_refused(hw, "hwsafe-journal 1\nbar 0000:00:01.0 0 0x0 4 0 0x1 0x33\n", -EBADMSG);
	is_refused(hw, journal_of((const char *const[]) { NULL }, "hwsafe-journal 3 -"), -EBADMSG);
	hws_close(hw);
	tear_down();
}
END_TEST

/* Any byte changed, any line gone but the last: nothing of the rest is believed. */
START_TEST(journal_that_is_damaged_anywhere_restores_nothing)
{
	static const char *const lines[] = { "bar 0000:00:01.0 0 0x0 4 0 0x9 0x1",
					     "bar 0000:00:01.0 0 0x0 4 0 0x8 0x9",
					     "bar 0000:00:01.0 0 0x0 4 0 0x7 0x8", NULL };
	struct hws *hw = open_machine();
	char text[2048];
	char *second;

	set_up();
	strcpy(text, journal_of(lines, head()));
	for (size_t i = 0; text[i]; i++) {
		char before = text[i];

		text[i] ^= 0x10;
		/* the last line's end: as if it were still being written */
		if (text[i + 1])
			is_refused(hw, text, -EBADMSG);
		text[i] = before;
	}
	second = strstr(text, "bar");
	memmove(second, strchr(second, '\n') + 1, strlen(strchr(second, '\n')));
	is_refused(hw, text, -EBADMSG);
	hws_close(hw);
	tear_down();
}
END_TEST

START_TEST(journal_of_another_start_of_the_machine_restores_nothing)
{
	static const char *const lines[] = { "bar 0000:00:01.0 0 0x0 4 0 0x9 0x1", NULL };
	struct hws *hw = open_machine();

	set_up();
	is_refused(hw, journal_of(lines, "hwsafe-journal 2 01234567-89ab-cdef-0123-456789abcdef"),
		   -ESTALE);
	hws_close(hw);
	tear_down();
}
END_TEST

START_TEST(journal_whose_last_line_is_cut_off_is_good)
{
	struct hws *hw = open_machine();
	struct seen seen = { 0 };
	char text[2048];

	set_up();
	strcpy(text, one_line("bar 0000:00:01.0 0 0x0 4 0 0x9 0x1"));
	write_file(strcat(text, "bar 0000:00:01.0 0 0x"), 0600);
	ck_works(hws_txn_restore(hw, path, 0, see, &seen));
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_int_eq(seen.all[0].end, HWS_RESTORED);
	write_file("hwsafe-jour", 0600);
	ck_works(hws_txn_restore(hw, path, 0, see, &seen));
	write_file("", 0600);
	ck_works(hws_txn_restore(hw, path, 0, see, &seen));
	hws_close(hw);
	tear_down();
}
END_TEST

START_TEST(journal_of_others_is_not_trusted)
{
	struct hws *hw = open_machine();
	char link_path[80];

	set_up();
	write_file(journal_of((const char *const[]) { NULL }, head()), 0622);
	ck_assert_int_eq(hws_txn_restore(hw, path, 0, NULL, NULL), -EACCES);
	ck_ok(chmod(path, 0600));
	snprintf(link_path, sizeof(link_path), "%s/link", folder);
	ck_ok(symlink(path, link_path));
	ck_assert_int_eq(hws_txn_restore(hw, link_path, 0, NULL, NULL), -ELOOP);
	unlink(link_path);
	ck_ok(mkfifo(link_path, 0600));
	ck_assert_int_eq(hws_txn_restore(hw, link_path, 0, NULL, NULL), -EACCES);
	unlink(link_path);
	hws_close(hw);
	tear_down();
}
END_TEST

START_TEST(restoring_asks_the_policy)
{
	struct hws *hw = open_with("pci = * r");
	struct seen seen = { 0 };

	set_up();
	write_file(one_line("msr 0000:00:00.0 0 0x10 8 0 0x9 0x1"), 0600);
	ck_assert_int_eq(hws_txn_restore(hw, path, HWS_RESTORE_FORCE, see, &seen), 1);
	ck_assert_int_eq(seen.all[0].end, HWS_RESTORE_FAILED);
	ck_assert_int_eq(seen.all[0].code, -EACCES);
	ck_assert_int_eq(access(path, F_OK), 0);
	hws_close(hw);
	tear_down();
}
END_TEST

int main(void)
{
	return suite_run("hw/txn-restore",
			 (const TTest *[]) {
				 what_a_dead_process_wrote_is_restored,
				 journal_is_there_until_the_transaction_ends,
				 journal_stays_when_undoing_failed,
				 journal_that_is_broken_restores_nothing,
				 journal_that_is_damaged_anywhere_restores_nothing,
				 journal_of_another_start_of_the_machine_restores_nothing,
				 journal_whose_last_line_is_cut_off_is_good,
				 journal_of_others_is_not_trusted,
				 restoring_asks_the_policy,
				 NULL,
			 });
}
