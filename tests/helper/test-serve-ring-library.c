/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library takes a ring where it can have one, and does without where it can't. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardian/context-internal.h"
#include "shim/sys-internal.h"
#include "tests/helper/ring-kit.h"

#define POLICY "[alice]\nuser = 41000\nmsr = 0x19c r\nmsr = 0x199 rw\n"

static int has_two(const struct daemon *daemon, void *context)
{
	struct bare_ring rings[2];
	int fds[3];

	(void)context;
	for (int i = 0; i < 3; i++)
		must((fds[i] = bare_hello(daemon)) >= 0);
	for (int i = 0; i < 2; i++)
		must(bare_ring_open(fds[i], &rings[i]) == 0);
	must(bare_share(fds[2], 0) == -EDQUOT);
	must(bare_share(fds[2], 1) == -EINVAL);
	sys_close(fds[0]);
	bare_ring_close(&rings[0]);
	/* the helper hears of it a little later */
	for (int i = 0; i < 1000 && (fds[0] = bare_share(fds[2], 0)) == -EDQUOT; i++)
		usleep(1000);
	must(fds[0] >= 0);
	bare_ring_close(&rings[1]);
	return 0;
}

/* The real-time clock: index and data, and what reading changes. */
static int batches_what_it_knows(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_registers *registers;
	struct hws_step steps[2];
	struct hws_bank *bank;
	struct hws_port *port;
	uint64_t value;

	(void)context;
	must(hws_registers_load(hw, "cmos", &registers) == 0);
	must(hws_port_open(hw, 0x70, 2, HWS_RW, &port) == 0);
	must(hws_port_describe(port, registers, &bank) == 0);
	must(hws_register_read(bank, "StatusA", &value) == 0);
	/* by the time it is read it is StatusC, which reading clears */
	steps[0] = hws_step_write(hws_in_port(port, 0x70, 1), 0x0c);
	steps[1] = hws_step_read(hws_in_port(port, 0x71, 1));
	must(hws_batch_run(steps, 2, 0) == -EACCES);
	must(steps[0].status == 0 && steps[1].status == -EACCES);
	/* StatusD is read-only */
	must(hws_port_write8(port, 0x70, 0x0d) == 0);
	steps[0] = hws_step_update(hws_in_port(port, 0x71, 1), 0x0f, 0x05);
	steps[1] = hws_step_read(hws_in_port(port, 0x71, 1));
	must(hws_batch_run(steps, 2, 0) == -EACCES);
	must(steps[0].status == -EACCES && steps[1].status == -ECANCELED);
	hws_port_close(port);
	hws_registers_unref(registers);
	hws_close(hw);
	return 0;
}

static int does_what_is_dangerous(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_port *port;
	struct hws_msr *msr;

	(void)context;
	must(hws_msr_open(hw, "0", 0x1b, 0x1b, HWS_RW, &msr) == 0);
	must(hws_msr_write(msr, 0, 0x1b, 0xfee00900) == 0);
	hws_msr_close(msr);
	must(hws_msr_open(hw, "0", 0xc0000080, 0xc0000080, HWS_RW, &msr) == 0);
	must(hws_msr_write(msr, 0, 0xc0000080, 0xd01) == -EACCES);
	must(strstr(hws_why(), "the helper's policy"));
	hws_msr_close(msr);
	must(hws_port_open(hw, 0x70, 2, HWS_RW | HWS_SIDE, &port) == 0);
	hws_port_close(port);
	hws_close(hw);
	return 0;
}

/* The guard lets three through; the fourth is refused once, not each time that it is looked at. */
static int is_refused_once(const struct daemon *daemon, void *context)
{
	struct hws_options options = { .size = sizeof(options), .socket = daemon->socket };
	struct hws_snapshot snapshot = { .size = sizeof(snapshot) };
	struct hws_step steps[5];
	struct hws_msr *msr;
	struct hws *hw;

	(void)context;
	options.guards[HWS_GUARD_MSR].handle = 3;
	must(hws_open(&options, &hw) == 0);
	must(hws_msr_open(hw, "0", 0x199, 0x199, HWS_RW, &msr) == 0);
	for (int i = 0; i < 5; i++)
		steps[i] = hws_step_read(hws_in_msr(msr, 0, 0x199));
	must(hws_batch_run(steps, 5, 0) == -EDQUOT);
	must(steps[2].status == 0 && steps[2].result == 0x1800);
	must(steps[3].status == -EDQUOT && steps[4].status == -ECANCELED);
	must(hws_snapshot_take(hw, &snapshot) == 0);
	must(snapshot.denied[HWS_REASON_GUARD] == 1);
	hws_msr_close(msr);
	/* so is an update, before it has read */
	must(hws_msr_open(hw, "0", 0x199, 0x199, HWS_RW, &msr) == 0);
	for (int i = 0; i < 5; i++)
		steps[i] = hws_step_update(hws_in_msr(msr, 0, 0x199), 0x100, 0x100);
	must(hws_batch_run(steps, 5, 0) == -EDQUOT);
	must(steps[2].status == 0 && steps[3].status == -EDQUOT && steps[4].status == -ECANCELED);
	must(hws_snapshot_take(hw, &snapshot) == 0);
	must(snapshot.denied[HWS_REASON_GUARD] == 2);
	hws_msr_close(msr);
	hws_close(hw);
	return 0;
}

START_TEST(step_that_the_guard_refuses_is_refused_once)
{
	struct daemon daemon = { 0 };

	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, is_refused_once, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

START_TEST(what_the_helper_allows_is_not_refused_here)
{
	struct daemon daemon = { 0 };

	daemon_start(&daemon,
		     "[alice]\nuser = 41000\nmsr = 0x1b rw danger apic\nmsr = 0xc0000080 rw\n"
		     "port = 0x70-0x71 rw side\n",
		     NULL);
	ck_assert_int_eq(as_user(ALICE, does_what_is_dangerous, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

START_TEST(what_a_handle_knows_of_its_registers_holds_in_batches)
{
	struct daemon daemon = { 0 };

	daemon_start(&daemon, "[alice]\nuser = 41000\nport = 0x70-0x71 rw\n", NULL);
	ck_assert_int_eq(as_user(ALICE, batches_what_it_knows, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* By the library: batches work, with a ring of its own or without. */
static int runs_batches(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_step steps[64];
	struct hws_msr *msr;
	char maps[16384] = "";
	FILE *file;

	must(hws_msr_open(hw, "0", 0, 0xfff, HWS_RW, &msr) == 0);
	for (uint64_t round = 0; round < 100; round++) {
		for (int i = 0; i < 64; i++)
			steps[i] = i % 2 ? hws_step_read(hws_in_msr(msr, 0, 0x199))
					 : hws_step_write(hws_in_msr(msr, 0, 0x199), round << 8);
		must(hws_batch_run(steps, 64, 0) == 0);
		for (int i = 1; i < 64; i += 2)
			must(steps[i].status == 0 && steps[i].result == round << 8);
		steps[1] = hws_step_read(hws_in_msr(msr, 0, 0x1b));
		must(hws_batch_run(steps, 2, 0) == -EACCES && strstr(hws_why(), "policy"));
	}
	file = fopen("/proc/self/maps", "r");
	must(file && fread(maps, 1, sizeof(maps) - 1, file) > 0);
	fclose(file);
	must((strstr(maps, "hwsafe-ring") != NULL) == (context != NULL));
	hws_msr_close(msr);
	hws_close(hw);
	return 0;
}

START_TEST(rings_of_one_user_have_a_limit_and_without_one_messages_do)
{
	static const char *const two[] = { "--rings", "2", NULL };
	static const char *const none[] = { "--rings", "0", NULL };
	struct daemon daemon = { 0 };

	daemon_start(&daemon, POLICY, two);
	ck_assert_int_eq(as_user(ALICE, has_two, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(ALICE, runs_batches, &daemon, &daemon), 0);
	daemon_stop(&daemon);
	daemon = (struct daemon) { 0 };
	daemon_start(&daemon, POLICY, none);
	ck_assert_int_eq(as_user(ALICE, runs_batches, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static void send_with(int fd, const union wire_reply *reply, int with)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec from = { (void *)(uintptr_t)reply, reply->answer.head.size };
	struct msghdr message = { .msg_iov = &from,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &with, sizeof(with));
	must(with >= 0 && sendmsg(fd, &message, 0) > 0);
}

/* A step of asking for a ring: its memory, then the doorbell. True: it has all of it. */
static bool give_ring(int fd, const union wire_request *request, union wire_reply *reply)
{
	const struct hws_wire_share *share = wire_body(request);
	uint32_t size = sizeof(struct hws_wire_ring);

	*(struct hws_wire_shared *)wire_reply_body(reply) =
		(struct hws_wire_shared) { size, HWS_WIRE_SLOTS };
	send_with(fd, reply, share->start ? sys_eventfd() : sys_memfd_sized("ring", size));
	return share->start;
}

/*
 * A helper of that version: answers the way it did then, and takes nothing newer. It ends when
 * somebody has a ring of it.
 */
static void serve_version(int fd, uint16_t version)
{
	union wire_request request;
	union wire_reply reply;

	for (;;) {
		int none;
		ssize_t size = sys_receive_message(fd, &request, sizeof(request), &none);
		bool hello = request.head.op == HWS_WIRE_HELLO;

		if (size <= 0)
			return;
		must(wire_check(&request, (size_t)size, hello ? 0 : version) == 0);
		memset(&reply, 0, sizeof(reply));
		reply.answer.head = request.head;
		reply.answer.head.size = (uint32_t)wire_reply_size(&request);
		if (request.head.op == HWS_WIRE_RING) {
			if (give_ring(fd, &request, &reply))
				return;
			continue;
		}
		if (hello)
			*(struct hws_wire_welcome *)wire_reply_body(&reply) =
				(struct hws_wire_welcome) { version, HWS_WIRE_STEPS, 0 };
		must(sys_send_message(fd, &reply, reply.answer.head.size) > 0);
	}
}

struct fake {
	struct daemon daemon;
	int listener;
};

static void fake_start(struct fake *fake, uint16_t version)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*fake = (struct fake) { .daemon = { .socket = "/tmp/hwsafe-old-XXXXXX" },
				.listener = socket(AF_UNIX, SOCK_SEQPACKET, 0) };
	ck_assert_int_ge(mkstemp(fake->daemon.socket), 0);
	unlink(fake->daemon.socket);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake->daemon.socket);
	ck_ok(bind(fake->listener, (void *)&address, sizeof(address)));
	ck_ok(listen(fake->listener, 1));
	fake->daemon.pid = fork();
	if (fake->daemon.pid == 0) {
		serve_version(accept(fake->listener, NULL, NULL), version);
		_exit(0);
	}
}

static void fake_end(struct fake *fake)
{
	int status;

	ck_assert_int_eq(waitpid(fake->daemon.pid, &status, 0), fake->daemon.pid);
	ck_assert_int_eq(status, 0);
	close(fake->listener);
	unlink(fake->daemon.socket);
}

START_TEST(p4_library_talks_to_a_helper_of_the_first_version)
{
	struct hws_msr *msr;
	struct hws_hold hold;
	struct fake fake;
	struct hws *hw;
	uint64_t value;

	fake_start(&fake, 1);
	hw = ask_helper(&fake.daemon);
	ck_assert_int_eq(hws_msr_open(hw, "0", 0x199, 0x199, HWS_R, &msr), 0);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(hws_msr_read(msr, 0, 0x199, &value), 0);
	/* what is newer is not asked for: it would be dropped for that */
	ck_assert_int_eq(shim_ops(&hw->shim)->hold_open(hw->shim.self,
							(struct hws_bdf) { .device = 3 }, &hold),
			 -EOPNOTSUPP);
	ck_assert_int_eq(hws_msr_read(msr, 0, 0x199, &value), 0);
	hws_msr_close(msr);
	hws_close(hw);
	fake_end(&fake);
}
END_TEST

static void tick(int signal)
{
	(void)signal;
}

/* As a profiler does: each wait is cut short. */
static void tick_often(bool on)
{
	const struct sigaction action = { .sa_handler = tick };
	const struct itimerval often = { { 0, on ? 5000 : 0 }, { 0, on ? 5000 : 0 } };

	sigaction(SIGALRM, &action, NULL);
	ck_ok(setitimer(ITIMER_REAL, &often, NULL));
}

START_TEST(p6_library_notices_that_a_helper_is_gone_whatever_signals_come)
{
	struct hws_msr *msr;
	struct fake fake;
	struct hws *hw;
	uint64_t value;

	need_copies();
	fake_start(&fake, 2);
	hw = ask_helper(&fake.daemon);
	ck_assert_int_eq(hws_msr_open(hw, "0", 0x199, 0x199, HWS_R, &msr), 0);
	ck_assert_int_eq(hws_msr_read(msr, 0, 0x199, &value), 0);
	tick_often(true);
	/* this one goes by the ring, which nobody looks into */
	ck_assert_int_eq(hws_msr_read(msr, 0, 0x199, &value), -EIO);
	tick_often(false);
	ck_assert_ptr_nonnull(strstr(hws_why(), "is gone"));
	hws_msr_close(msr);
	hws_close(hw);
	fake_end(&fake);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-ring-library",
			 (const TTest *[]) {
				 step_that_the_guard_refuses_is_refused_once,
				 what_the_helper_allows_is_not_refused_here,
				 what_a_handle_knows_of_its_registers_holds_in_batches,
				 rings_of_one_user_have_a_limit_and_without_one_messages_do,
				 p4_library_talks_to_a_helper_of_the_first_version,
				 p6_library_notices_that_a_helper_is_gone_whatever_signals_come,
				 NULL,
			 });
}
