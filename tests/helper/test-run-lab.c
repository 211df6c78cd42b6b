/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher on the lab's machines, with users of their own: alice is allowed, bob isn't. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/helper/client.h"
#include "tests/helper/launch.h"
#include "tests/suite.h"

#define DISK "/dev/nvme0n1"
#define EDU  "0000:00:03.0"

static void went_well(const struct launch *launch)
{
	ck_assert_msg(launch->code == 0, "%d: %s%s", launch->code, launch->out, launch->err);
	ck_assert_str_eq(launch->out, "well\n");
}

/* Allowed for alice, refused for bob. */
static void alice_not_bob(const char *policy, const char *client, const char *first,
			  const char *second)
{
	struct launch of = { 0 };

	launch_client(&of, policy, "mine", "alice", client, first, second, NULL);
	went_well(&of);
	launch_client(&of, policy, "mine", "bob", client, first, second, NULL);
	launch_refused(&of, 4, "test.conf:3) is not for user bob");
}

START_TEST(alice_reads_the_clock)
{
	struct launch of = { 0 };

	need_lab("rtc");
	need("root", launch_can(), "only root can become somebody else");
	alice_not_bob(launch_policy("[mine]\nuser = alice\nport = 0x70-0x71 rw claimed\n"
				    "port = 0x80 r\n"),
		      "clock", NULL, NULL);
	/* without that right the kernel's own driver has it alone */
	launch_client(&of, launch_policy("[mine]\nuser = alice\nport = 0x70-0x71 rw\n"), "mine",
		      "alice", "clock", NULL);
	ck_assert_int_eq(of.code, 1);
	ck_assert_str_eq(of.out, "");
}
END_TEST

START_TEST(alice_uses_edu)
{
	need_lab("edu");
	need("root", launch_can(), "only root can become somebody else");
	alice_not_bob(launch_policy("[mine]\nuser = alice\nbar = 1234:11e8 0 rw\n"), "edu", EDU,
		      "rw");
	alice_not_bob(launch_policy("[mine]\nuser = alice\nbar = 1234:11e8 0 r\n"), "edu", EDU,
		      "r");
}
END_TEST

/* What a descriptor can't be held to is not granted by one. */
START_TEST(part_of_a_bar_is_not_granted)
{
	struct launch of = { 0 };

	need_lab("edu");
	need("root", launch_can(), "only root can become somebody else");
	launch_client(&of, launch_policy("[mine]\nuser = alice\nbar = 1234:11e8 0 0x0-0xff rw\n"),
		      "mine", "alice", "edu", EDU, "rw", NULL);
	ck_assert_int_eq(of.code, 1);
	ck_assert_str_eq(of.out, "");
}
END_TEST

START_TEST(alice_reads_the_disk_through_a_ring)
{
	unsigned char block[CLIENT_BLOCK];
	struct stat is;
	int fd;

	need_lab("nvme");
	need_lab("uring");
	need("root", launch_can(), "only root can become somebody else");
	fd = open(DISK, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &is), 0);
	ck_assert_int_eq(is.st_uid, 0);
	ck_assert_int_eq(is.st_mode & 07, 0);
	for (unsigned int i = 0; i < CLIENT_BLOCKS; i++) {
		memset(block, CLIENT_BYTE(i), sizeof(block));
		ck_assert_int_eq(write(fd, block, sizeof(block)), sizeof(block));
	}
	ck_assert_int_eq(fsync(fd), 0);
	close(fd);
	alice_not_bob(launch_policy("[mine]\nuser = alice\nring = " DISK " read, buffers 1M\n"),
		      "ring", DISK, "r");
	alice_not_bob(launch_policy("[mine]\nuser = alice\nring = " DISK " rw, buffers 1M\n"),
		      "ring", DISK, "rw");
}
END_TEST

int main(int argc, char **argv)
{
	int code = client_main(argc, argv);

	if (code >= 0)
		return code;
	return suite_run("helper/run-lab", (const TTest *[]) {
						   alice_reads_the_clock,
						   alice_uses_edu,
						   part_of_a_bar_is_not_granted,
						   alice_reads_the_disk_through_a_ring,
						   NULL,
					   });
}
