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

#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"

enum { BAR = 8192, CONFIG = 256 };

#define DEVICES	 "/sys/bus/pci/devices"
#define FUNCTION DEVICES "/0000:00:03.0"
#define POLICY                                                              \
	"[alice]\nuser = 41000\npci = 1234:11e8 rw\nbar = 1234:11e8 0 rw\n" \
	"bar = 1234:11e8 1 r\nbar = 1234:11e8 2 0x0-0xff rw\n"

static void write_at(const char *root, const char *name, uint32_t at, uint32_t value, off_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s%s", root, name);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	ck_ok(ftruncate(fd, size));
	ck_assert_int_eq(pwrite(fd, &value, sizeof(value), at), sizeof(value));
	close(fd);
}

static uint32_t read_at(const char *root, const char *name, uint32_t at)
{
	char path[256];
	uint32_t value = 0;
	int fd;

	snprintf(path, sizeof(path), "%s%s", root, name);
	fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &value, sizeof(value), at), sizeof(value));
	close(fd);
	return value;
}

static void make_machine(char root[64])
{
	char command[256];

	snprintf(root, 64, "/tmp/hwsafe-root-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(command, sizeof(command), "mkdir -p '%s" FUNCTION "'", root);
	ck_assert_int_eq(system(command), 0);
	write_at(root, FUNCTION "/config", 0, 0x11e81234, CONFIG);
	write_at(root, FUNCTION "/config", 8, 0x00ff0010, CONFIG);
	write_at(root, FUNCTION "/config", 0x40, 0x11223344, CONFIG);
	for (int bar = 0; bar < 3; bar++) {
		char name[64];

		snprintf(name, sizeof(name), FUNCTION "/resource%d", bar);
		write_at(root, name, 0x10, 0xabcd0000u + (uint32_t)bar, BAR);
	}
	write_at(root, FUNCTION "/vendor", 0, 0x0a323178, 4);
}

static void remove_machine(const char *root)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

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
	must(hws_mmio_size(mmio) == BAR);
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
	hws_close(hw);
	return 0;
}

START_TEST(bars_come_as_descriptors_where_policy_gives_all_of_them)
{
	struct daemon daemon = { 0 };
	char root[64];
	int before;

	make_machine(root);
	daemon_start(&daemon, POLICY,
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	before = daemon_fds(&daemon);
	ck_assert_int_eq(as_user(ALICE, maps_bars, &daemon, NULL), 0);
	ck_assert_int_eq(read_at(root, FUNCTION "/resource0", 0x20), 0x77);
	/* the window that it opened itself is a mapping, not a descriptor */
	ck_assert(daemon_has_fds(&daemon, before + 4));
	daemon_stop(&daemon);
	remove_machine(root);
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

START_TEST(p17_journal_of_a_killed_helper_is_replayed)
{
	struct daemon daemon = { 0 };
	char root[64];
	int pipes[2];
	char byte;
	pid_t pid;

	make_machine(root);
	ck_ok(pipe(pipes));
	daemon_start(&daemon, POLICY,
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	pid = as_user_begin(ALICE, writes_and_waits, &daemon, pipes);
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	ck_assert_int_eq(read_at(root, FUNCTION "/config", 0x40), 2);
	daemon_kill(&daemon);
	ck_assert_int_eq(read_at(root, FUNCTION "/config", 0x40), 2);
	daemon_again(&daemon);
	ck_assert_int_eq(read_at(root, FUNCTION "/config", 0x40), 0x11223344);
	ck_assert_int_eq(read_at(root, FUNCTION "/config", 0x44), 0);
	kill(pid, SIGKILL);
	as_user_end(pid);
	daemon_stop(&daemon);
	remove_machine(root);
}
END_TEST

START_TEST(p17_helper_told_to_end_undoes_open_transactions)
{
	struct daemon daemon = { 0 };
	char root[64];
	int pipes[2];
	char byte;
	pid_t pid;

	make_machine(root);
	ck_ok(pipe(pipes));
	daemon_start(&daemon, POLICY,
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	pid = as_user_begin(ALICE, writes_and_waits, &daemon, pipes);
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	daemon_stop(&daemon);
	ck_assert_int_eq(read_at(root, FUNCTION "/config", 0x40), 0x11223344);
	kill(pid, SIGKILL);
	as_user_end(pid);
	remove_machine(root);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-native",
			 (const TTest *[]) {
				 bars_come_as_descriptors_where_policy_gives_all_of_them,
				 p17_journal_of_a_killed_helper_is_replayed,
				 p17_helper_told_to_end_undoes_open_transactions,
				 NULL,
			 });
}
