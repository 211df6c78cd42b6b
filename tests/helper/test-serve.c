/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the helper grants, to whom, and for how long. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/helper/serve-kit.h"

#define POLICY                                       \
	"[alice]\nuser = 41000\n"                    \
	"port = 0x70-0x71 rw\n"                      \
	"msr = 0x19c r\nmsr = 0x199 rw\n"            \
	"msr = 0x10 r, rate 5/min\n"                 \
	"msr = 0x610 rw, mask 0xff\n"                \
	"pci = 1234:11e8 rw\nbar = 1234:11e8 0 rw\n" \
	"[nobody-here]\nuser = 41007\nport = 0x80 r\ndeny port = 0x3f8 rw\n"

static int alice_uses_all(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_port *clock;
	struct hws_msr *msr;
	struct hws_mmio *edu;
	struct hws_pci *pci;
	struct hws_bdf bdf;
	uint64_t value;
	uint32_t word;
	uint16_t id;
	uint8_t byte;

	(void)context;
	must(hws_port_open(hw, 0x70, 2, HWS_RW, &clock) == 0);
	must(hws_port_write8(clock, 0x70, 9) == 0 && hws_port_read8(clock, 0x71, &byte) == 0);
	must(byte == 0x24); /* the year */
	must(hws_msr_open(hw, "0-1", 0x10, 0x700, HWS_RW, &msr) == 0);
	must(hws_msr_read(msr, 0, 0x19c, &value) == 0 && value == 0x88340000);
	must(hws_msr_write(msr, 0, 0x199, 0x2000) == 0);
	must(hws_msr_read(msr, 0, 0x199, &value) == 0 && value == 0x2000);
	must(hws_msr_write(msr, 0, 0x19c, 0) == -EACCES);
	must(hws_msr_read(msr, 0, 0x1b, &value) == -EACCES);
	must(hws_msr_write(msr, 0, 0x610, 0x42816000dd8161) == 0);
	must(hws_msr_write(msr, 0, 0x610, 0) == -EACCES);
	must(hws_mmio_map(hw, "00:03.0", 0, 0, 0x100, HWS_RW, &edu) == 0);
	must(hws_mmio_write32(edu, 4, 0x12345678) == 0);
	must(hws_mmio_read32(edu, 4, &word) == 0 && word == (uint32_t)~0x12345678);
	must(hws_pci_open(hw, "00:03.0", 0, 0, HWS_R, &pci) == 0);
	must(hws_pci_read16(pci, 0, &id) == 0 && id == 0x1234);
	must(hws_pci_next(hw, NULL, &bdf) == 0 && bdf.device == 3);
	must(hws_pci_next(hw, &bdf, &bdf) == -ENOENT);
	hws_pci_close(pci);
	hws_mmio_unmap(edu);
	hws_msr_close(msr);
	hws_port_close(clock);
	hws_close(hw);
	return 0;
}

static int bob_gets_nothing(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_port *port;
	struct hws_msr *msr;
	struct hws_mmio *edu;
	struct hws_bdf bdf;
	uint64_t value;

	(void)context;
	must(hws_port_open(hw, 0x70, 2, HWS_R, &port) == -EACCES);
	must(hws_msr_open(hw, "0", 0x19c, 0x19c, HWS_R, &msr) == 0);
	must(hws_msr_read(msr, 0, 0x19c, &value) == -EACCES);
	must(strstr(hws_why(), "policy"));
	must(hws_mmio_map(hw, "00:03.0", 0, 0, 0x100, HWS_R, &edu) == -EACCES);
	must(hws_pci_next(hw, NULL, &bdf) == -ENOENT);
	hws_msr_close(msr);
	hws_close(hw);
	return 0;
}

static int denied_by_rule(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_port *port;

	(void)context;
	must(hws_port_open(hw, 0x3f8, 1, HWS_R, &port) == -EACCES);
	must(strstr(hws_why(), "test.conf:13"));
	hws_close(hw);
	return 0;
}

START_TEST(serve_gives_alice_what_policy_says_and_bob_nothing)
{
	struct daemon daemon = { 0 };

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, alice_uses_all, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(BOB, bob_gets_nothing, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(41007, denied_by_rule, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* Of one step; the whole reply is the caller's to compare. */
static void read_config(int fd, uint8_t device, union wire_reply *reply)
{
	union wire_request request;
	struct hws_wire_run *run = (void *)(request.bytes + sizeof(request.head));
	struct hws_wire_step *step = (void *)(run + 1);

	wire_begin(&request, HWS_WIRE_RUN, 1, 7);
	run->count = 1;
	*step = (struct hws_wire_step) { .kind = HWS_KIND_PCI,
					 .width = 4,
					 .bdf = { .device = device } };
	memset(reply, 0, sizeof(*reply));
	must(bare_ask(fd, &request, reply) == -EACCES);
}

static int compare_answers(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);
	union wire_reply there;
	union wire_reply absent;

	(void)context;
	must(fd >= 0);
	read_config(fd, 2, &there);
	read_config(fd, 9, &absent);
	return memcmp(&there, &absent, sizeof(there)) != 0;
}

START_TEST(p16_denied_and_absent_are_answered_alike)
{
	struct daemon daemon = { 0 };

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, compare_answers, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(BOB, compare_answers, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static int batch_over(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_step steps[100];
	struct hws_msr *msr;

	(void)context;
	must(hws_msr_open(hw, "0", 0, 0xfff, HWS_RW, &msr) == 0);
	for (int i = 0; i < 100; i++)
		steps[i] = i % 2 ? hws_step_read(hws_in_msr(msr, 0, 0x199))
				 : hws_step_write(hws_in_msr(msr, 0, 0x199), (uint64_t)i << 8);
	must(hws_batch_run(steps, 100, 0) == 0);
	for (int i = 1; i < 100; i += 2)
		must(steps[i].status == 0 && steps[i].result == (uint64_t)(i - 1) << 8);
	/* the helper refuses the batch as a whole: nothing of it is done */
	steps[0] = hws_step_write(hws_in_msr(msr, 0, 0x199), 0x5500);
	steps[1] = hws_step_update(hws_in_msr(msr, 0, 0x199), 0xf00, 0x100);
	steps[2] = hws_step_write(hws_in_msr(msr, 0, 0x1b), 1);
	must(hws_batch_run(steps, 3, 0) == -EACCES && steps[2].status == -EACCES);
	must(steps[0].status == -ECANCELED && steps[1].status == -ECANCELED);
	steps[0] = hws_step_read(hws_in_msr(msr, 0, 0x199));
	must(hws_batch_run(steps, 1, 0) == 0 && steps[0].result == 98 << 8);
	hws_msr_close(msr);
	hws_close(hw);
	return 0;
}

START_TEST(batch_is_one_request_and_checked_whole)
{
	struct daemon daemon = { 0 };

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, batch_over, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static int count_rate(const struct daemon *daemon, void *context)
{
	int allowed = 0;
	uint64_t value;

	(void)context;
	for (int i = 0; i < 3; i++) {
		struct hws *hw = ask_helper(daemon);
		struct hws_msr *msr;

		must(hws_msr_open(hw, "0", 0x10, 0x10, HWS_R, &msr) == 0);
		for (int n = 0; n < 4; n++) {
			int r = hws_msr_read(msr, 0, 0x10, &value);

			must(r == 0 || r == -EDQUOT);
			allowed += r == 0;
		}
		hws_msr_close(msr);
		hws_close(hw);
	}
	return allowed;
}

static int count_tokens(const struct daemon *daemon, void *context)
{
	struct hws *hw[3];
	int refused = 0;

	(void)context;
	for (int i = 0; i < 3; i++)
		hw[i] = ask_helper(daemon);
	for (int i = 0; i < 3; i++) {
		struct hws_msr *msr;
		uint64_t value;

		must(hws_msr_open(hw[i], "0", 0x19c, 0x19c, HWS_R, &msr) == 0);
		for (int n = 0; n < 100; n++)
			refused += hws_msr_read(msr, 0, 0x19c, &value) == -EDQUOT;
		hws_msr_close(msr);
		hws_close(hw[i]);
	}
	return refused > 100 ? 0 : 1;
}

START_TEST(p15_rates_are_a_users_over_all_its_connections)
{
	static const char *const slow[] = { "--rate", "40", NULL };
	struct daemon daemon = { 0 };

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, count_rate, &daemon, NULL), 5);
	ck_assert_int_eq(as_user(ALICE, count_rate, &daemon, NULL), 0);
	daemon_stop(&daemon);
	daemon = (struct daemon) { 0 };
	daemon_start(&daemon, POLICY, slow);
	ck_assert_int_eq(as_user(ALICE, count_tokens, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* Waits for a byte in between: the policy is another one then. */
static int use_before_and_after(const struct daemon *daemon, void *context)
{
	const int *pipes = context;
	struct hws *hw = ask_helper(daemon);
	struct hws_msr *msr;
	uint64_t value;
	char byte = 0;

	must(hws_msr_open(hw, "0", 0x19c, 0x19c, HWS_R, &msr) == 0);
	must(hws_msr_read(msr, 0, 0x19c, &value) == 0);
	must(write(pipes[1], &byte, 1) == 1 && read(pipes[2], &byte, 1) == 1);
	for (int i = 0; i < 1000 && hws_msr_read(msr, 0, 0x19c, &value) == 0; i++)
		usleep(10000);
	must(hws_msr_read(msr, 0, 0x19c, &value) == (byte ? -EIO : -EACCES));
	hws_msr_close(msr);
	hws_close(hw);
	return 0;
}

/* What @how does to the helper, the client sees. */
static void between(struct daemon *daemon, void (*how)(struct daemon *daemon), char byte)
{
	int pipes[4];
	pid_t pid;
	char began;

	ck_ok(pipe(pipes));
	ck_ok(pipe(pipes + 2));
	pid = as_user_begin(ALICE, use_before_and_after, daemon, pipes);
	ck_assert_int_eq(read(pipes[0], &began, 1), 1);
	how(daemon);
	ck_assert_int_eq(write(pipes[3], &byte, 1), 1);
	ck_assert_int_eq(as_user_end(pid), 0);
}

static void take_back(struct daemon *daemon)
{
	daemon_policy(daemon, "[alice]\nuser = 41000\nmsr = 0x199 r\n");
	kill(daemon->pid, SIGHUP);
}

static void break_policy(struct daemon *daemon)
{
	daemon_policy(daemon, "[alice]\nuser = 41000\nmsr = 0x199 nonsense\n");
	kill(daemon->pid, SIGHUP);
	usleep(200000);
	/* nothing changed */
	ck_assert_int_eq(as_user(BOB, bob_gets_nothing, daemon, NULL), 0);
	take_back(daemon);
}

START_TEST(p17_reload_is_whole_and_reaches_who_is_connected)
{
	struct daemon daemon = { 0 };

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	between(&daemon, take_back, 0);
	daemon_policy(&daemon, POLICY);
	kill(daemon.pid, SIGHUP);
	usleep(200000);
	between(&daemon, break_policy, 0);
	daemon_stop(&daemon);
}
END_TEST

START_TEST(p17_client_is_told_that_the_helper_died)
{
	struct daemon daemon = { 0 };

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	between(&daemon, daemon_kill, 1);
	daemon_again(&daemon);
	ck_assert_int_eq(as_user(ALICE, alice_uses_all, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static int write_and_die(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_step steps[2];
	struct hws_txn *txn;
	struct hws_msr *msr;

	must(hws_msr_open(hw, "0", 0x199, 0x199, HWS_RW, &msr) == 0);
	must(hws_txn_open(hw, NULL, &txn) == 0);
	steps[0] = hws_step_write(hws_in_msr(msr, 0, 0x199), 0x3300);
	steps[1] = hws_step_write(hws_in_msr(msr, 0, 0x199), 0x4400);
	must(hws_txn_run(txn, steps, 2) == 0);
	if (context)
		must(hws_txn_commit(txn) == 0);
	raise(SIGKILL);
	return 0;
}

static int reads_0x199(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_msr *msr;
	uint64_t value = 0;

	must(hws_msr_open(hw, "0", 0x199, 0x199, HWS_R, &msr) == 0);
	/* the helper hears of the death a little later */
	for (int i = 0; i < 1000 && value != *(uint64_t *)context; i++) {
		must(hws_msr_read(msr, 0, 0x199, &value) == 0);
		usleep(1000);
	}
	return value != *(uint64_t *)context;
}

START_TEST(p17_transaction_of_a_dead_client_is_undone)
{
	struct daemon daemon = { 0 };
	uint64_t before = 0x1800;
	uint64_t after = 0x4400;
	char command[128];

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, write_and_die, &daemon, NULL), -1);
	ck_assert_int_eq(as_user(ALICE, reads_0x199, &daemon, &before), 0);
	ck_assert_int_eq(as_user(ALICE, write_and_die, &daemon, &daemon), -1);
	ck_assert_int_eq(as_user(ALICE, reads_0x199, &daemon, &after), 0);
	/* no journal is left */
	snprintf(command, sizeof(command), "rmdir '%s/journals'", daemon.folder);
	ck_assert_int_eq(system(command), 0);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve", (const TTest *[]) {
						 serve_gives_alice_what_policy_says_and_bob_nothing,
						 p16_denied_and_absent_are_answered_alike,
						 batch_is_one_request_and_checked_whole,
						 p15_rates_are_a_users_over_all_its_connections,
						 p17_reload_is_whole_and_reaches_who_is_connected,
						 p17_client_is_told_that_the_helper_died,
						 p17_transaction_of_a_dead_client_is_undone,
						 NULL,
					 });
}
