/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* On a machine of plain files: descriptors of BARs, and what a killed helper left. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/journal-internal.h"
#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "tests/helper/serve-tree.h"

#define POLICY                                                              \
	"[alice]\nuser = 41000\npci = 1234:11e8 rw\nbar = 1234:11e8 0 rw\n" \
	"bar = 1234:11e8 1 r\nbar = 1234:11e8 2 0x0-0xff rw\n"

/* The kernel's own word: may the descriptor that comes with it be mapped for writing? */
static int ask_bar(int fd, uint32_t bar, uint32_t rights, uint64_t size, int *ret_fd)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_bar *ask = (void *)(request.bytes + sizeof(request.head));

	wire_begin(&request, HWS_WIRE_BAR, 0, 1);
	*ask = (struct hws_wire_bar) {
		.bdf = { .device = 3 }, .bar = bar, .rights = rights, .size = size
	};
	must(sys_send_message(fd, &request, request.head.size) > 0);
	must(sys_receive_message(fd, &reply, sizeof(reply), ret_fd) > 0);
	return reply.answer.code;
}

static int maps_bars(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_mmio *mmio;
	uint32_t value;
	int fd = bare_hello(daemon);
	int bar;

	(void)context;
	must(hws_mmio_map(hw, "00:03.0", 0, 0, 0, HWS_RW, &mmio) == 0);
	must(hws_mmio_size(mmio) == TREE_BAR);
	must(hws_mmio_read32(mmio, 0x10, &value) == 0 && value == 0xabcd0000);
	must(hws_mmio_write32(mmio, 0x20, 0x77) == 0);
	hws_mmio_unmap(mmio);
	must(hws_mmio_map(hw, "00:03.0", 1, 0, 0, HWS_RW, &mmio) == -EACCES);
	/* what policy gives a part of goes access by access */
	must(hws_mmio_map(hw, "00:03.0", 2, 0, 0x100, HWS_RW, &mmio) == 0);
	must(hws_mmio_read32(mmio, 0x10, &value) == 0 && value == 0xabcd0002);
	hws_mmio_unmap(mmio);
	must(hws_mmio_map(hw, "00:03.0", 2, 0, 0, HWS_RW, &mmio) == -EACCES);
	/* descriptors: whole, part, and read-only by the kernel */
	must(ask_bar(fd, 0, HWS_RW, 0, &bar) == 0 && bar >= 0);
	sys_close(bar);
	must(ask_bar(fd, 2, HWS_RW, 0x100, &bar) == 0 && bar < 0);
	must(ask_bar(fd, 1, HWS_R, 0, &bar) == 0 && bar >= 0);
	must((sys_get_flags(bar) & O_ACCMODE) == O_RDONLY);
	sys_close(bar);
	/* who maps it again and again has no more of it than before */
	for (int i = 0; i < 40; i++) {
		must(ask_bar(fd, 0, HWS_RW, 0, &bar) == 0 && bar >= 0);
		sys_close(bar);
	}
	hws_close(hw);
	return 0;
}

/* Has it the BAR's file mapped? */
static bool daemon_maps(const struct daemon *daemon, const char *name)
{
	char path[64], line[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", daemon->pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, name);
	fclose(file);
	return found;
}

static bool daemon_unmaps(const struct daemon *daemon, const char *name)
{
	for (int waited = 0; daemon_maps(daemon, name) && waited < 500; waited++)
		usleep(10000);
	return !daemon_maps(daemon, name);
}

/* As long as one of those who used it is there. */
START_TEST(bars_that_it_has_open_end_with_the_last_who_used_them)
{
	struct daemon daemon = { 0 };
	char root[64];
	int first, second, bar;

	need_root();
	tree_make(root);
	daemon_start(&daemon, "[root]\nuser = 0\nbar = 1234:11e8 * rw\n",
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	first = bare_hello(&daemon);
	second = bare_hello(&daemon);
	ck_assert_int_eq(ask_bar(first, 2, HWS_RW, 0x100, &bar), 0);
	sys_close(bar);
	ck_assert_int_eq(ask_bar(second, 2, HWS_RW, 0x100, &bar), 0);
	sys_close(bar);
	ck_assert_int_eq(ask_bar(second, 1, HWS_R, 0x100, &bar), 0);
	sys_close(bar);
	ck_assert(daemon_maps(&daemon, "/resource1") && daemon_maps(&daemon, "/resource2"));
	sys_close(second);
	ck_assert(daemon_unmaps(&daemon, "/resource1"));
	ck_assert(daemon_maps(&daemon, "/resource2"));
	sys_close(first);
	ck_assert(daemon_unmaps(&daemon, "/resource2"));
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

START_TEST(bars_come_as_descriptors_where_policy_gives_all_of_them)
{
	struct daemon daemon = { 0 };
	char root[64];
	int before;

	tree_make(root);
	daemon_start(&daemon, POLICY,
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	before = daemon_fds(&daemon);
	ck_assert_int_eq(as_user(ALICE, maps_bars, &daemon, NULL), 0);
	ck_assert_int_eq(tree_read(root, TREE_FUNCTION "/resource0", 0x20), 0x77);
	/* the window that it opened itself is a mapping, not a descriptor */
	ck_assert(daemon_has_fds(&daemon, before));
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

/* One step: the bits of 0xff at 0x40 become 5. */
static int updates(const struct daemon *daemon, void *context)
{
	const struct hws_wire_step step = { .kind = HWS_KIND_PCI,
					    .verb = HWS_WIRE_UPDATE,
					    .width = 4,
					    .bdf = { .device = 3 },
					    .at = 0x40,
					    .value = 5,
					    .mask = 0xff };
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0);
	return bare_step(fd, &step) == 0 ? 0 : 1;
}

/* Also the one that only tells the policy what stands there. */
START_TEST(each_access_has_its_last_words)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	struct daemon daemon = { 0 };
	char root[64];
	int count;

	need_root();
	tree_make(root);
	daemon_start(&daemon, "[alice]\nuser = 41000\npci = 1234:11e8 rw, last-words\n",
		     (const char *const[]) { "--backend", "native", "--sysroot", root,
					     "--last-words", "/words", NULL });
	ck_assert_int_eq(as_user(ALICE, updates, &daemon, NULL), 0);
	ck_assert_uint_eq(tree_read(root, TREE_FUNCTION "/config", 0x40), 0x11223305);
	count = hws_last_words_read(root, "/words", words, HWS_LAST_WORDS);
	/* looked at, read, written */
	ck_assert_int_eq(count, 3);
	for (int i = 0; i < count; i++) {
		ck_assert(words[i].over);
		ck_assert_uint_eq(words[i].access.rights, i == 0 ? HWS_W : HWS_R);
	}
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

/* Holds its transaction open until it is killed. */
static int writes_and_waits(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_step steps[3];
	struct hws_txn *txn;
	struct hws_pci *pci;
	char byte = 1;

	must(hws_pci_open(hw, "00:03.0", 0x40, 0x40, HWS_RW, &pci) == 0);
	must(hws_txn_open(hw, NULL, &txn) == 0);
	steps[0] = hws_step_write(hws_in_pci(pci, 0x40, 4), 1);
	steps[1] = hws_step_update(hws_in_pci(pci, 0x44, 2), 0xff, 0x5a);
	steps[2] = hws_step_write(hws_in_pci(pci, 0x40, 4), 2);
	must(hws_txn_run(txn, steps, 3) == 0);
	must(write(((int *)context)[1], &byte, 1) == 1);
	pause();
	return 0;
}

static void kill_and_begin_again(struct daemon *daemon, const char *root)
{
	daemon_kill(daemon);
	ck_assert_int_eq(tree_read(root, TREE_FUNCTION "/config", 0x40), 2);
	daemon_again(daemon);
}

static void tell_to_end(struct daemon *daemon, const char *root)
{
	(void)root;
	daemon_end(daemon);
	daemon_again(daemon);
}

/* Whatever ends the helper, itself or the next one undoes what was open. */
START_TEST(p17_open_transactions_are_undone_when_the_helper_ends)
{
	static void (*const ways[])(struct daemon * daemon, const char *root) = {
		kill_and_begin_again,
		tell_to_end,
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct daemon daemon = { 0 };
		char root[64];
		int pipes[2];
		char byte;
		pid_t pid;

		tree_make(root);
		ck_ok(pipe(pipes));
		daemon_start(
			&daemon, POLICY,
			(const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
		pid = as_user_begin(ALICE, writes_and_waits, &daemon, pipes);
		ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
		ck_assert_int_eq(tree_read(root, TREE_FUNCTION "/config", 0x40), 2);
		ways[i](&daemon, root);
		ck_assert_int_eq(tree_read(root, TREE_FUNCTION "/config", 0x40), 0x11223344);
		ck_assert_int_eq(tree_read(root, TREE_FUNCTION "/config", 0x44), 0);
		kill(pid, SIGKILL);
		as_user_end(pid);
		daemon_stop(&daemon);
		tree_remove(root);
	}
}
END_TEST

/* What a helper left that died over it: @done of four undone already, from the last on. */
static void leave_journal(const struct daemon *daemon, const char *root, unsigned int done)
{
	static const struct hws_access writes[] = {
		{ .kind = HWS_KIND_PCI, .first = 0x40, .old = 0x11223344, .value = 1 },
		{ .kind = HWS_KIND_BAR, .first = 0x20, .old = 0, .value = 7 },
		{ .kind = HWS_KIND_PCI, .first = 0x40, .old = 1, .value = 2 },
		{ .kind = HWS_KIND_BAR, .first = 0x20, .old = 7, .value = 9 },
	};
	bool is_set[2] = { false, false };
	struct journal journal;
	char path[96];

	snprintf(path, sizeof(path), "%s/journals/txn-3", daemon->folder);
	ck_ok(journal_make(&journal, path));
	for (unsigned int i = 0; i < 4; i++) {
		struct hws_access access = writes[i];
		bool config = access.kind == HWS_KIND_PCI;

		access.width = 4;
		access.bdf.device = 3;
		ck_ok(journal_add(&journal, &access));
		/* as its write left it, or its undoing, which for earlier lines came later */
		if (i < 4 - done || !is_set[config])
			tree_write(root,
				   config ? TREE_FUNCTION "/config" : TREE_FUNCTION "/resource0",
				   (uint32_t)access.first,
				   (uint32_t)(i < 4 - done ? access.value : access.old),
				   config ? TREE_CONFIG : TREE_BAR);
		is_set[config] |= i >= 4 - done;
	}
	journal_close(&journal);
}

START_TEST(p17_replay_that_was_cut_short_is_done_again)
{
	struct daemon daemon = { 0 };
	char root[64];

	tree_make(root);
	daemon_start(&daemon, POLICY,
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	for (unsigned int done = 0; done <= 4; done++) {
		daemon_end(&daemon);
		leave_journal(&daemon, root, done);
		daemon_again(&daemon);
		ck_assert_uint_eq(tree_read(root, TREE_FUNCTION "/config", 0x40), 0x11223344);
		ck_assert_uint_eq(tree_read(root, TREE_FUNCTION "/resource0", 0x20), 0);
		ck_assert(daemon_has_no_journal(&daemon));
	}
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

static int reads_register(int fd, enum hws_kind kind, uint64_t at)
{
	struct hws_wire_step step = { .kind = (uint8_t)kind, .width = 1, .at = at };

	if (kind == HWS_KIND_BAR)
		step.bdf.device = 3;
	return bare_step(fd, &step);
}

/* More ranges than the helper has open at a time. */
static int uses_ports(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0);
	for (uint64_t port = 0x100; port < 0x200; port += 2)
		must(reads_register(fd, HWS_KIND_PORT, port) == 0);
	return 0;
}

/* By VFIO to close it would reset the device. */
START_TEST(bars_of_others_stay_open_while_there_are_ports_to_give_up)
{
	struct daemon daemon = { 0 };
	char root[64];
	int fd;

	need_root();
	need("ports", RAW_HAS_PORTS, "this architecture has no ports");
	tree_make(root);
	tree_write(root, "/dev/port", 0x1fc, 1, 0x10000);
	daemon_start(&daemon,
		     "[root]\nuser = 0\nbar = 1234:11e8 * rw\n"
		     "[bob]\nuser = 41001\nport = 0x100-0x1ff r\n",
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	fd = bare_hello(&daemon);
	ck_assert_int_eq(reads_register(fd, HWS_KIND_BAR, 0x10), 0);
	ck_assert(daemon_maps(&daemon, "/resource0"));
	ck_assert_int_eq(as_user(BOB, uses_ports, &daemon, NULL), 0);
	ck_assert(daemon_maps(&daemon, "/resource0"));
	sys_close(fd);
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-native",
			 (const TTest *[]) {
				 bars_come_as_descriptors_where_policy_gives_all_of_them,
				 bars_that_it_has_open_end_with_the_last_who_used_them,
				 bars_of_others_stay_open_while_there_are_ports_to_give_up,
				 each_access_has_its_last_words,
				 p17_open_transactions_are_undone_when_the_helper_ends,
				 p17_replay_that_was_cut_short_is_done_again,
				 NULL,
			 });
}
