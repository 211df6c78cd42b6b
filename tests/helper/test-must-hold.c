/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must hold, with real users on the lab's machines: alice is allowed, bob isn't, and alice
 * outside her rule isn't either; by the launcher, and by the socket.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/helper/client.h"
#include "tests/helper/launch.h"
#include "tests/helper/serve-kit.h"

#define CLOCK_RULES	 "port = 0x70-0x71 rw claimed\nport = 0x80 r\n"
#define MSR_RULES	 "msr = 0x1b r, cpus 0\n"
#define EDU_RULES	 "bar = 1234:11e8 0 rw\n"
#define DMA_RULES	 EDU_RULES "dma = 1234:11e8 max 16K, maps 2\nirq = 1234:11e8\n"
#define DISK_RULES	 "ring = " CLIENT_DISK " read, buffers 1M\n"
#define ALICE_HAS(rules) "[mine]\nuser = alice\n" rules
/* for the socket: a refusal has a rule to name */
#define BOB_HAS_NOT                                                    \
	"[not-his]\nuser = bob\ndeny port = 0x70-0x71\ndeny msr = *\n" \
	"deny bar = 1234:11e8 *\ndeny dma = 1234:11e8\n"

#define NEEDS_ROOT need("root", launch_can(), "only root can become somebody else")

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

static char folder[32];
static char trail[64];

/* A helper as it is installed: hardened, on this machine, with a trail. */
static void serve(struct daemon *daemon, const char *policy)
{
	static const char *const arguments[] = { "--backend", "native", "--audit", trail, NULL };

	strcpy(folder, "/tmp/hwsafe-trail-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(trail, sizeof(trail), "%s/trail", folder);
	daemon_start(daemon, policy, arguments);
}

static void stop(struct daemon *daemon)
{
	char command[64];

	daemon_stop(daemon);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

/* Does a line of the trail say that bob was refused by a rule? It may be on its way. */
static bool trail_names_rule(const char *kind)
{
	char wanted[32], line[1024];
	bool found = false;

	snprintf(wanted, sizeof(wanted), "\"kind\":\"%s\"", kind);
	for (int waited = 0; !found && waited < 500; waited++) {
		FILE *file = fopen(trail, "re");

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

	serve(&daemon, policy);
	launch_socket(&of, daemon.socket, "alice", what, "broker", first, second, NULL);
	launch_went_well(&of);
	launch_socket(&of, daemon.socket, "bob", "denied", "broker", what, words, NULL);
	launch_went_well(&of);
	ck_assert(trail_names_rule(kind));
	stop(&daemon);
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

START_TEST(alice_uses_edus_registers_by_the_socket_bob_does_not)
{
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
	need_lab("edu"); /* lockdown forbids to map its registers but by the launcher's VFIO */
	NEEDS_ROOT;
	socket_of(ALICE_HAS(DMA_RULES) BOB_HAS_NOT, "dma", "dma", "nothing for uid 1002", NULL,
		  NULL);
}
END_TEST

static bool edu_is_master(void)
{
	uint16_t command = 0;
	int fd = open("/sys/bus/pci/devices/" CLIENT_EDU "/config", O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &command, sizeof(command), PCI_COMMAND), sizeof(command));
	close(fd);
	return command & PCI_COMMAND_MASTER;
}

static bool edu_is_at_rest(void)
{
	for (int waited = 0; edu_is_master() && waited < 500; waited++)
		usleep(10000);
	return !edu_is_master();
}

/* In the background; it has edu once it has said so. */
static pid_t hold_edu(const struct daemon *daemon)
{
	char line[16] = "";
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		launch_become("alice", daemon->socket, "client", "dma-hold", "broker", NULL);
	}
	close(ends[1]);
	ck_assert_int_gt(read(ends[0], line, sizeof(line) - 1), 0);
	ck_assert_str_eq(line, "holds\n");
	close(ends[0]);
	return pid;
}

/* A child of hers that still has all descriptors is left with a device that stands still. */
START_TEST(edu_stops_when_alice_dies_or_the_policy_takes_it_back)
{
	struct daemon daemon = { 0 };
	struct launch of = { 0 };

	need_lab("vfio");
	need_lab("edu"); /* as above */
	NEEDS_ROOT;
	for (int killed = 0; killed < 2; killed++) {
		pid_t pid;

		memset(&daemon, 0, sizeof(daemon));
		serve(&daemon, ALICE_HAS(DMA_RULES));
		pid = hold_edu(&daemon);
		ck_assert(edu_is_master());
		/* nobody else gets it meanwhile */
		launch_socket(&of, daemon.socket, "alice", "dma", "broker", NULL);
		ck_assert_int_ne(of.code, 0);
		if (killed) {
			kill(pid, SIGKILL);
		} else {
			daemon_policy(&daemon, "[mine]\nuser = alice\ncpuid = *\n");
			kill(daemon.pid, SIGHUP);
		}
		ck_assert(edu_is_at_rest());
		kill(-pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (killed) {
			launch_socket(&of, daemon.socket, "alice", "dma", "broker", NULL);
			launch_went_well(&of);
		}
		stop(&daemon);
	}
}
END_TEST

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	(void)!fclose(file); /* the kernel's no shows in what comes of it */
}

/* The second pci-testdev, which shares its group with the machine's random numbers. */
START_TEST(function_is_refused_with_the_sibling_that_no_rule_allows)
{
	static const char rules[] = ALICE_HAS("dma = 1b36:0005\n");
	struct daemon daemon = { 0 };
	struct launch of = { 0 };

	need_lab("iommu");
	NEEDS_ROOT;
	put("/sys/bus/pci/devices/0000:00:07.1/driver_override", "vfio-pci");
	put("/sys/bus/pci/drivers_probe", "0000:00:07.1");
	launch_client(&of, launch_policy(rules), "mine", "alice", "none", "/", NULL);
	launch_refused(&of, 4, "0000:00:07.0, which no dma rule allows");
	serve(&daemon, rules);
	launch_socket(&of, daemon.socket, "alice", "denied", "broker", "sibling", "0000:00:07.0",
		      NULL);
	launch_went_well(&of);
	stop(&daemon);
	/* and when the rules allow them all, the kernel still wants the other one's driver gone */
	launch_client(&of, launch_policy(ALICE_HAS("dma = *\n")), "mine", "alice", "none", "/",
		      NULL);
	launch_refused(&of, 1, "(virtio-pci)");
	put("/sys/bus/pci/devices/0000:00:07.1/driver/unbind", "0000:00:07.1");
	put("/sys/bus/pci/devices/0000:00:07.1/driver_override", "\n");
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
				 part_of_a_bar_is_not_granted,
				 alice_reads_the_clock_by_the_socket_bob_does_not,
				 alice_reads_an_msr_by_the_socket_bob_does_not,
				 alice_uses_edus_registers_by_the_launcher_bob_does_not,
				 alice_uses_edus_registers_by_the_socket_bob_does_not,
				 alice_has_edu_do_dma_by_the_launcher_bob_does_not,
				 alice_has_edu_do_dma_by_the_socket_bob_does_not,
				 edu_stops_when_alice_dies_or_the_policy_takes_it_back,
				 function_is_refused_with_the_sibling_that_no_rule_allows,
				 alice_reads_the_disk_through_a_ring_bob_does_not,
				 NULL,
			 });
}
