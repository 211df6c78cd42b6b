/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must hold, with real users on the lab's machines: alice is allowed, bob isn't, and alice
 * outside her rule isn't either; by the launcher, and by the socket.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/helper/client.h"
#include "tests/helper/launch.h"
#include "tests/helper/must-hold.h"

#define CLOCK_RULES "port = 0x70-0x71 rw claimed\nport = 0x80 r\n"
#define MSR_RULES   "msr = 0x1b r, cpus 0\n"
#define DISK_RULES  "ring = " CLIENT_DISK " read, buffers 1M\n"
/* for the socket: a refusal has a rule to name */
#define BOB_HAS_NOT                                                    \
	"[not-his]\nuser = bob\ndeny port = 0x70-0x71\ndeny msr = *\n" \
	"deny bar = 1234:11e8 *\ndeny dma = 1234:11e8\n"

/* The launcher's three answers: to alice, to bob, and to alice with a profile without the rule. */
static void launcher(const char *rules, const char *what, const char *first, const char *second)
{
	const char *policy = launch_policy("[mine]\nuser = alice\n%s[other]\nuser = alice\n"
					   "cpuid = *\n",
					   rules);
	struct launch of = { 0 };

	launch_client(&of, policy, "mine", "alice", what, "grants", first, second, NULL);
	launch_went_well(&of);
	launch_client(&of, policy, "mine", "bob", what, "grants", first, second, NULL);
	launch_refused(&of, 4, "test.conf:3) is not for user bob");
	launch_client(&of, policy, "other", "alice", "denied", "grants", what, "no rule", NULL);
	launch_went_well(&of);
}

/* Does a line of the trail say that bob was refused by a rule? It may be on its way. */
static bool trail_names_rule(const char *kind)
{
	char wanted[32], line[1024];
	bool found = false;

	snprintf(wanted, sizeof(wanted), "\"kind\":\"%s\"", kind);
	for (int waited = 0; !found && waited < 500; waited++) {
		FILE *file = fopen(must_trail(), "re");

		while (file && !found && fgets(line, sizeof(line), file))
			found = strstr(line, wanted) && strstr(line, "\"reason\":\"deny-rule\"") &&
				strstr(line, "\"uid\":1002") && strstr(line, "\"rule\":");
		if (file)
			fclose(file);
		usleep(10000);
	}
	return found;
}

/*
 * The same by the socket. Bob's answer has these words: the rule's place, where that tells nothing
 * of the machine; the trail names the rule always.
 */
static void socket_of(const char *policy, const char *what, const char *kind, const char *words,
		      const char *first, const char *second)
{
	struct daemon daemon = { 0 };
	struct launch of = { 0 };

	must_serve(&daemon, policy);
	launch_socket(&of, daemon.socket, "alice", what, "broker", first, second, NULL);
	launch_went_well(&of);
	launch_socket(&of, daemon.socket, "bob", "denied", "broker", what, words, NULL);
	launch_went_well(&of);
	ck_assert(trail_names_rule(kind));
	must_stop(&daemon);
}

START_TEST(alice_reads_the_clock_by_the_launcher_bob_does_not)
{
	need_lab("ioport");
	need_lab("rtc");
	NEEDS_ROOT;
	launcher(CLOCK_RULES, "clock", NULL, NULL);
}
END_TEST

/* Without the right "claimed" the kernel's own driver has it alone. */
START_TEST(what_the_kernel_uses_is_not_granted)
{
	struct launch of = { 0 };

	need_lab("ioport");
	need_lab("rtc");
	NEEDS_ROOT;
	launch_client(&of, launch_policy(ALICE_HAS("port = 0x70-0x71 rw\n")), "mine", "alice",
		      "clock", "grants", NULL);
	ck_assert_int_eq(of.code, 1);
	ck_assert_str_eq(of.out, "");
}
END_TEST

static void limit_memory(void *context)
{
	struct rlimit limit = { *(const rlim_t *)context, RLIM_INFINITY };

	if (setrlimit(RLIMIT_AS, &limit) < 0)
		_exit(121);
}

/* Did it start the program? Then it had looked who uses the ports. */
static bool starts_within(const char *policy, rlim_t memory)
{
	struct launch of = { .before = limit_memory, .context = &memory };

	launch(&of, policy, "-v", "-p", "mine", "-u", "alice", "--", "true", NULL);
	if (of.code == 0)
		ck_assert_msg(strstr(of.err, "port 0x71: not granted"), "%llu bytes: %s",
			      (unsigned long long)memory, of.err);
	return of.code == 0;
}

/* Who starts the helper chooses its limits: what can't be looked up is not granted either. */
START_TEST(what_the_kernel_uses_is_not_granted_whatever_the_limits)
{
	const rlim_t much = 1 << 20, little = 64 << 10;
	const char *policy;
	rlim_t memory = 0;

	need_lab("ioport");
	need_lab("rtc");
	NEEDS_ROOT;
	policy = launch_policy(ALICE_HAS("port = 0x70-0x71 rw\n"));
	do
		memory += much;
	while (memory < 64 * much && !starts_within(policy, memory));
	ck_assert_uint_lt(memory, 64 * much);
	for (rlim_t less = memory - much; less < memory + much; less += little)
		starts_within(policy, less);
}
END_TEST

/* Ranges that the helper has open for one leave the others theirs, and whole accesses to them. */
START_TEST(many_ranges_of_ports_are_as_good_as_one)
{
	struct daemon daemon = { 0 };
	struct launch of = { 0 };

	need_lab("ioport");
	NEEDS_ROOT;
	must_serve(&daemon, ALICE_HAS("port = 0x200-0x2ff r\n"));
	launch_socket(&of, daemon.socket, "alice", "ports", "broker", NULL);
	launch_went_well(&of);
	must_stop(&daemon);
}
END_TEST

/* What a descriptor can't be held to is not granted by one. */
START_TEST(part_of_a_bar_is_not_granted)
{
	struct launch of = { 0 };

	need_lab("edu");
	NEEDS_ROOT;
	launch_client(&of, launch_policy(ALICE_HAS("bar = 1234:11e8 0 0x0-0xff rw\n")), "mine",
		      "alice", "edu", "grants", CLIENT_EDU, "rw", NULL);
	ck_assert_int_eq(of.code, 1);
	ck_assert_str_eq(of.out, "");
}
END_TEST

START_TEST(alice_reads_the_clock_by_the_socket_bob_does_not)
{
	need_lab("ioport");
	need_lab("rtc");
	NEEDS_ROOT;
	socket_of(ALICE_HAS(CLOCK_RULES) BOB_HAS_NOT, "clock", "port", "test.conf:7", NULL, NULL);
}
END_TEST

START_TEST(alice_reads_an_msr_by_the_socket_bob_does_not)
{
	need_lab("msr");
	NEEDS_ROOT;
	socket_of(ALICE_HAS(MSR_RULES) BOB_HAS_NOT, "msr", "msr", "test.conf:7", NULL, NULL);
}
END_TEST

START_TEST(alice_uses_edus_registers_by_the_launcher_bob_does_not)
{
	need_lab("edu");
	NEEDS_ROOT;
	launcher(EDU_RULES, "edu", CLIENT_EDU, "rw");
	launcher("bar = 1234:11e8 0 r\n", "edu", CLIENT_EDU, "r");
}
END_TEST

/* Where no BAR can be mapped by its file, the helper reaches it by VFIO. */
START_TEST(alice_uses_edus_registers_by_the_socket_bob_does_not)
{
	if (!suite_lab_has("vfio"))
		need_lab("edu");
	NEEDS_ROOT;
	socket_of(ALICE_HAS(EDU_RULES) BOB_HAS_NOT, "edu", "bar", "nothing for uid 1002",
		  CLIENT_EDU, "rw");
	socket_of(ALICE_HAS("bar = 1234:11e8 0 r\n") BOB_HAS_NOT, "edu", "bar",
		  "nothing for uid 1002", CLIENT_EDU, "r");
}
END_TEST

START_TEST(alice_has_edu_do_dma_by_the_launcher_bob_does_not)
{
	struct launch of = { 0 };

	need_lab("vfio");
	NEEDS_ROOT;
	launcher(DMA_RULES, "dma", NULL, NULL);
	launch_client(&of, launch_policy(ALICE_HAS(DMA_RULES)), "mine", "alice", "dma-raw", NULL);
	launch_went_well(&of);
}
END_TEST

START_TEST(alice_has_edu_do_dma_by_the_socket_bob_does_not)
{
	need_lab("vfio");
	NEEDS_ROOT;
	socket_of(ALICE_HAS(DMA_RULES) BOB_HAS_NOT, "dma", "dma", "nothing for uid 1002", NULL,
		  NULL);
}
END_TEST

/* In each block its own byte, as the client expects. */
static void write_disk(void)
{
	unsigned char block[CLIENT_BLOCK];
	struct stat is;
	int fd = open(CLIENT_DISK, O_WRONLY);

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
}

START_TEST(alice_reads_the_disk_through_a_ring_bob_does_not)
{
	struct launch of = { 0 };

	need_lab("nvme");
	need_lab("uring");
	NEEDS_ROOT;
	write_disk();
	launcher(DISK_RULES, "disk", "r", NULL);
	launcher("ring = " CLIENT_DISK " rw, buffers 1M\n", "disk", "rw", NULL);
	launch_client(&of, launch_policy(ALICE_HAS(DISK_RULES)), "mine", "alice", "raw",
		      CLIENT_DISK, "r", client_last_operation(), NULL);
	launch_went_well(&of);
}
END_TEST

int main(int argc, char **argv)
{
	int code = client_main(argc, argv);

	if (code >= 0)
		return code;
	return suite_run("helper/must-hold",
			 (const TTest *[]) {
				 alice_reads_the_clock_by_the_launcher_bob_does_not,
				 what_the_kernel_uses_is_not_granted,
				 what_the_kernel_uses_is_not_granted_whatever_the_limits,
				 many_ranges_of_ports_are_as_good_as_one,
				 part_of_a_bar_is_not_granted,
				 alice_reads_the_clock_by_the_socket_bob_does_not,
				 alice_reads_an_msr_by_the_socket_bob_does_not,
				 alice_uses_edus_registers_by_the_launcher_bob_does_not,
				 alice_uses_edus_registers_by_the_socket_bob_does_not,
				 alice_has_edu_do_dma_by_the_launcher_bob_does_not,
				 alice_has_edu_do_dma_by_the_socket_bob_does_not,
				 alice_reads_the_disk_through_a_ring_bob_does_not,
				 NULL,
			 });
}
