/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that come, or take another's place, while the helper runs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-tree.h"

enum { SHOWN = 0xabcd0000 };

static int asks_info(const struct daemon *daemon, void *context)
{
	union wire_request request;
	union wire_reply reply;
	int fd = bare_hello(daemon);

	must(fd >= 0);
	wire_begin(&request, HWS_WIRE_INFO, 0, 1);
	*(struct hws_wire_bdf *)(request.bytes + sizeof(request.head)) =
		(struct hws_wire_bdf) { .device = 3 };
	must(bare_ask(fd, &request, &reply) == *(const int *)context);
	return 0;
}

/* Reads ids, for which "pci = *" would do. */
static int reads_ids(const struct daemon *daemon, void *context)
{
	const struct hws_wire_step step = { .kind = HWS_KIND_PCI,
					    .width = 4,
					    .bdf = { .device = 4 } };
	int fd = bare_hello(daemon);

	must(fd >= 0);
	must(bare_step(fd, &step) == *(const int *)context);
	return 0;
}

/* Until the helper looks anew nobody knows what the policy says of it. */
START_TEST(p10_devices_that_come_later_are_not_shown_by_rules_for_all)
{
	struct daemon daemon = { 0 };
	char command[256];
	char root[64];

	need_root();
	tree_make(root);
	daemon_start(&daemon, "[alice]\nuser = 41000\npci = * r\ndeny pci = 8086:*\n",
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	ck_assert_int_eq(as_user(ALICE, asks_info, &daemon, &(int) { 0 }), 0);
	tree_write(root, TREE_FUNCTION "/vendor", 2, 0x36383038, 6); /* "0x8086" */
	ck_assert_int_eq(as_user(ALICE, asks_info, &daemon, &(int) { -ENODEV }), 0);
	snprintf(command, sizeof(command),
		 "cp -r '%s" TREE_FUNCTION "' '%s/sys/bus/pci/devices/0000:00:04.0'", root, root);
	ck_assert_int_eq(system(command), 0);
	tree_write(root, "/sys/bus/pci/devices/0000:00:04.0/config", 0, 0x15338086, TREE_CONFIG);
	ck_assert_int_eq(as_user(ALICE, reads_ids, &daemon, &(int) { -ENODEV }), 0);
	ck_ok(kill(daemon.pid, SIGHUP));
	ck_assert_int_eq(as_user(ALICE, reads_ids, &daemon, &(int) { -EACCES }), 0);
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

/* The one that is there now, in the other's place. */
static int maps_both(const struct daemon *daemon, void *context)
{
	const int *pipes = context;
	int fd = bare_hello(daemon);
	uint32_t seen;
	char byte = 0;

	for (int i = 0; i < 2; i++) {
		must(fd >= 0 && tree_ask_bar(fd, &seen) == 0 && seen == SHOWN);
		must(write(pipes[1], &byte, 1) == 1 && read(pipes[2], &byte, 1) == 1);
	}
	must(bare_dropped(fd));
	return 0;
}

START_TEST(p10_bar_of_a_device_that_came_later_is_taken_back_as_well)
{
	static const char first[] = "[alice]\nuser = 41000\nbar = 1234:11e8 0 rw\n";
	static const char both[] =
		"[alice]\nuser = 41000\nbar = 1234:11e8 0 rw\nbar = 8086:1533 0 rw\n";
	struct daemon daemon = { 0 };
	char root[64];
	int pipes[4];
	char byte;
	pid_t pid;

	need_root();
	ck_ok(pipe(pipes));
	ck_ok(pipe(pipes + 2));
	tree_make(root);
	daemon_start(&daemon, both,
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	pid = as_user_begin(ALICE, maps_both, &daemon, pipes);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	tree_write(root, TREE_FUNCTION "/config", 0, 0x15338086, TREE_CONFIG);
	ck_ok(kill(daemon.pid, SIGHUP));
	sys_close(bare_hello(&daemon)); /* by then it has looked */
	ck_assert_int_eq(write(pipes[3], &byte, 1), 1);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	daemon_policy(&daemon, first);
	ck_ok(kill(daemon.pid, SIGHUP));
	ck_assert_int_eq(write(pipes[3], &byte, 1), 1);
	ck_assert_int_eq(as_user_end(pid), 0);
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-swap",
			 (const TTest *[]) {
				 p10_devices_that_come_later_are_not_shown_by_rules_for_all,
				 p10_bar_of_a_device_that_came_later_is_taken_back_as_well,
				 NULL,
			 });
}
