/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What somebody could have the helper do for him that no rule gives him: to who holds a function,
 * by registers that both may use; by dying.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"

/* The last one's registers lie in ports, too: 0xc000-0xc0ff. */
#define USES                                                          \
	"bar = 1234:11e8 0 rw\npci = 1234:11e8 rw\ndma = 1234:11e8\n" \
	"dma = 1b36:0005\nport = 0xc000-0xc0ff rw\n"
#define POLICY                                                       \
	"[alice]\nuser = 41000\n" USES "[bob]\nuser = 41001\n" USES  \
	"[carol]\nuser = 2147483648\nbar = 1234:11e8 0 rw claimed\n" \
	"pci = 1234:11e8 rw claimed\nport = 0xc000-0xc0ff rw claimed\n"

/* What a body says of each thing that it tried. */
enum { READS = 1, WRITES_BAR = 2, WRITES_CONFIG = 4, MAPS = 8, MAY_ALL = 15 };

static int access_one(int fd, enum hws_kind kind, enum hws_wire_verb verb, uint64_t at)
{
	const struct hws_wire_step step = { .kind = (uint8_t)kind,
					    .verb = (uint8_t)verb,
					    .width = 4,
					    .bdf = { .device = 3 },
					    .at = at,
					    .value = verb == HWS_WIRE_WRITE ? 7 : 0 };

	return bare_step(fd, &step);
}

static int ask_window(int fd)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_bar *bar = (void *)(request.bytes + sizeof(request.head));

	wire_begin(&request, HWS_WIRE_BAR, 0, 2);
	*bar = (struct hws_wire_bar) { .bdf = { .device = 3 }, .rights = HWS_RW, .size = 0x100 };
	return bare_ask(fd, &request, &reply);
}

static int ask_hold(int fd, uint8_t device)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_hold *hold = (void *)(request.bytes + sizeof(request.head));

	wire_begin(&request, HWS_WIRE_HOLD, 0, 3);
	*hold = (struct hws_wire_hold) { .bdf = { .device = device } };
	return bare_ask(fd, &request, &reply);
}

static int tries_all(int fd)
{
	return (access_one(fd, HWS_KIND_BAR, HWS_WIRE_READ, 0) == 0 ? READS : 0) |
	       (access_one(fd, HWS_KIND_BAR, HWS_WIRE_WRITE, 4) == 0 ? WRITES_BAR : 0) |
	       (access_one(fd, HWS_KIND_PCI, HWS_WIRE_WRITE, 0x3c) == 0 ? WRITES_CONFIG : 0) |
	       (ask_window(fd) == 0 ? MAPS : 0);
}

static int tries(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0);
	return tries_all(fd);
}

/* The simulated machine has no descriptors to give: it is held all the same. */
static int holds(const struct daemon *daemon, void *context)
{
	const int *pipes = context;
	int fd = bare_hello(daemon);
	char byte = 0;

	must(fd >= 0 && ask_hold(fd, 3) == -EOPNOTSUPP);
	must(tries_all(fd) == MAY_ALL);
	/* her other programs are hers to mind */
	must(tries_all(bare_hello(daemon)) == MAY_ALL);
	must(write(pipes[1], &byte, 1) == 1 && read(pipes[2], &byte, 1) == 1);
	return 0;
}

static int is_kept_out(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0);
	return ask_hold(fd, 3) == -EBUSY ? tries_all(fd) : -1;
}

START_TEST(registers_of_a_function_that_is_held_are_not_written_by_others)
{
	struct daemon daemon = { 0 };
	int pipes[4];
	char byte;
	pid_t pid;

	need_root();
	ck_ok(pipe(pipes));
	ck_ok(pipe(pipes + 2));
	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(BOB, tries, &daemon, NULL), MAY_ALL);
	pid = as_user_begin(ALICE, holds, &daemon, pipes);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	/* the device would do to alice's memory what he has it do */
	ck_assert_int_eq(as_user(BOB, is_kept_out, &daemon, NULL), READS);
	ck_assert_int_eq(as_user(CAROL, tries, &daemon, NULL), MAY_ALL);
	ck_assert_int_eq(write(pipes[3], &byte, 1), 1);
	ck_assert_int_eq(as_user_end(pid), 0);
	ck_assert_int_eq(as_user(BOB, tries, &daemon, NULL), MAY_ALL);
	daemon_stop(&daemon);
}
END_TEST

static int writes_port(const struct daemon *daemon, void *context)
{
	const struct hws_wire_step step = {
		.kind = HWS_KIND_PORT, .verb = HWS_WIRE_WRITE, .width = 1, .at = 0xc000, .value = 7
	};
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0);
	return -bare_step(fd, &step);
}

static int holds_ports(const struct daemon *daemon, void *context)
{
	const int *pipes = context;
	int fd = bare_hello(daemon);
	char byte = 0;

	must(fd >= 0 && ask_hold(fd, 2) == -EOPNOTSUPP);
	must(writes_port(daemon, NULL) == 0);
	must(write(pipes[1], &byte, 1) == 1 && read(pipes[2], &byte, 1) == 1);
	return 0;
}

START_TEST(ports_of_a_function_that_is_held_are_not_written_by_others)
{
	struct daemon daemon = { 0 };
	int pipes[4];
	char byte;
	pid_t pid;

	need_root();
	ck_ok(pipe(pipes));
	ck_ok(pipe(pipes + 2));
	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(BOB, writes_port, &daemon, NULL), 0);
	pid = as_user_begin(ALICE, holds_ports, &daemon, pipes);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	ck_assert_int_eq(as_user(BOB, writes_port, &daemon, NULL), EACCES);
	ck_assert_int_eq(as_user(CAROL, writes_port, &daemon, NULL), 0);
	ck_assert_int_eq(write(pipes[3], &byte, 1), 1);
	ck_assert_int_eq(as_user_end(pid), 0);
	ck_assert_int_eq(as_user(BOB, writes_port, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* edu gives back the inverse of what was written there. */
enum { LIVENESS = 4 };

static int writes_and_dies(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_step step;
	struct hws_mmio *edu;
	struct hws_txn *txn;

	must(hws_mmio_map(hw, "00:03.0", 0, LIVENESS, 4, HWS_RW, &edu) == 0);
	must(hws_mmio_write32(edu, 0, 5) == -EACCES);
	must(hws_txn_open(hw, NULL, &txn) == 0);
	step = hws_step_write(hws_in_mmio(edu, 0, 4), *(const uint32_t *)context);
	must(hws_txn_run(txn, &step, 1) == 0);
	raise(SIGKILL);
	return 0;
}

/* What stands there when the helper has long heard of the death. */
static int reads_liveness(const struct daemon *daemon, void *context)
{
	const uint32_t wanted = *(const uint32_t *)context;
	struct hws *hw = ask_helper(daemon);
	struct hws_mmio *edu;
	uint32_t value = 0;

	must(hws_mmio_map(hw, "00:03.0", 0, LIVENESS, 4, HWS_R, &edu) == 0);
	for (int waited = 0; waited < 20; waited++) {
		must(hws_mmio_read32(edu, 0, &value) == 0);
		usleep(20000);
	}
	return value == wanted ? 0 : 1;
}

START_TEST(who_dies_gets_nothing_written_that_he_may_not_write)
{
	struct daemon daemon = { 0 };
	uint32_t value = 1;
	uint32_t seen = ~value;

	need_root();
	daemon_start(&daemon, "[alice]\nuser = 41000\nbar = 1234:11e8 0 0x4-0x7 rw, value 1 2\n",
		     NULL);
	ck_assert_int_eq(as_user(ALICE, writes_and_dies, &daemon, &value), -1);
	/* what it read as before is no value of the rule's */
	ck_assert_int_eq(as_user(ALICE, reads_liveness, &daemon, &seen), 0);
	ck_assert(daemon_has_no_journal(&daemon));
	daemon_stop(&daemon);
}
END_TEST

/* A register of edu's, for DMA: what it held before is not what bob's death has it hold again. */
enum { SOURCE = 0x80, BEFORE = 0x11, AFTER = 0x22 };

static int writes_and_waits(const struct daemon *daemon, void *context)
{
	const int *pipes = context;
	struct hws *hw = ask_helper(daemon);
	struct hws_step step;
	struct hws_mmio *edu;
	struct hws_txn *txn;
	char byte = 0;

	must(hws_mmio_map(hw, "00:03.0", 0, SOURCE, 4, HWS_RW, &edu) == 0);
	must(hws_mmio_write32(edu, 0, BEFORE) == 0);
	must(hws_txn_open(hw, NULL, &txn) == 0);
	step = hws_step_write(hws_in_mmio(edu, 0, 4), AFTER);
	must(hws_txn_run(txn, &step, 1) == 0);
	must(write(pipes[1], &byte, 1) == 1);
	pause();
	return 0;
}

static int holds_while_he_dies(const struct daemon *daemon, void *context)
{
	const int *pipes = context;
	struct hws *hw = ask_helper(daemon);
	int fd = bare_hello(daemon);
	uint32_t value = 0;
	struct hws_mmio *edu;
	char byte = 0;

	must(fd >= 0 && ask_hold(fd, 3) == -EOPNOTSUPP);
	must(hws_mmio_map(hw, "00:03.0", 0, SOURCE, 4, HWS_R, &edu) == 0);
	must(write(pipes[1], &byte, 1) == 1 && read(pipes[2], &byte, 1) == 1);
	for (int waited = 0; waited < 20; waited++) {
		must(hws_mmio_read32(edu, 0, &value) == 0);
		must(value != BEFORE);
		usleep(20000);
	}
	return 0;
}

START_TEST(who_dies_writes_nothing_back_to_what_another_holds_by_then)
{
	struct daemon daemon = { 0 };
	int pipes[4];
	pid_t alice, bob;
	char byte;

	need_root();
	ck_ok(pipe(pipes));
	ck_ok(pipe(pipes + 2));
	daemon_start(&daemon, POLICY, NULL);
	bob = as_user_begin(BOB, writes_and_waits, &daemon, pipes);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	alice = as_user_begin(ALICE, holds_while_he_dies, &daemon, pipes);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	ck_ok(kill(bob, SIGKILL));
	ck_assert_int_eq(as_user_end(bob), -1);
	ck_assert_int_eq(write(pipes[3], &byte, 1), 1);
	ck_assert_int_eq(as_user_end(alice), 0);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-harm",
			 (const TTest *[]) {
				 registers_of_a_function_that_is_held_are_not_written_by_others,
				 ports_of_a_function_that_is_held_are_not_written_by_others,
				 who_dies_gets_nothing_written_that_he_may_not_write,
				 who_dies_writes_nothing_back_to_what_another_holds_by_then,
				 NULL,
			 });
}
