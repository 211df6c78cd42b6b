/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must hold of functions that are bound to vfio-pci: one owner at a time, and an end of it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/helper/client.h"
#include "tests/helper/launch.h"
#include "tests/helper/must-hold.h"

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
static pid_t hold_edu(const struct daemon *daemon, const char *what)
{
	char line[16] = "";
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		launch_become("alice", daemon->socket, "client", what, "broker", NULL);
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
	NEEDS_ROOT;
	for (int killed = 0; killed < 2; killed++) {
		pid_t pid;

		memset(&daemon, 0, sizeof(daemon));
		must_serve(&daemon, ALICE_HAS(DMA_RULES));
		pid = hold_edu(&daemon, "dma-hold");
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
		/* nor while the child has it */
		launch_socket(&of, daemon.socket, "alice", "dma", "broker", NULL);
		ck_assert_int_ne(of.code, 0);
		kill(-pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (killed) {
			launch_socket(&of, daemon.socket, "alice", "dma", "broker", NULL);
			launch_went_well(&of);
		}
		must_stop(&daemon);
	}
}
END_TEST

/* Its IOMMU group, which the kernel opens once. */
static bool edu_is_free(void)
{
	char link[256] = "", path[300];
	int fd;

	ck_assert_int_gt(
		readlink("/sys/bus/pci/devices/" CLIENT_EDU "/iommu_group", link, sizeof(link) - 1),
		0);
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	fd = open(path, O_RDWR);
	ck_assert(fd >= 0 || errno == EBUSY);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Where the helper reaches them by VFIO it looks at each access, and has the device no longer. */
START_TEST(registers_end_with_the_policy_and_the_device_with_who_used_them)
{
	struct daemon daemon = { 0 };
	int status;
	pid_t pid;

	need_lab("lockdown");
	need_lab("vfio");
	NEEDS_ROOT;
	must_serve(&daemon, ALICE_HAS(EDU_RULES "pci = 1234:11e8 rw\n"));
	ck_assert(edu_is_free());
	pid = hold_edu(&daemon, "edu-hold");
	ck_assert(!edu_is_free());
	daemon_policy(&daemon, ALICE_HAS("bar = 1234:11e8 0 0x0-0x3 r\n"));
	kill(daemon.pid, SIGHUP);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	for (int waited = 0; !edu_is_free() && waited < 500; waited++)
		usleep(10000);
	ck_assert(edu_is_free());
	must_stop(&daemon);
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
	must_serve(&daemon, rules);
	launch_socket(&of, daemon.socket, "alice", "denied", "broker", "sibling", "0000:00:07.0",
		      NULL);
	launch_went_well(&of);
	must_stop(&daemon);
	/* and when the rules allow them all, the kernel still wants the other one's driver gone */
	launch_client(&of, launch_policy(ALICE_HAS("dma = *\n")), "mine", "alice", "none", "/",
		      NULL);
	launch_refused(&of, 1, "(virtio-pci)");
	put("/sys/bus/pci/devices/0000:00:07.1/driver/unbind", "0000:00:07.1");
	put("/sys/bus/pci/devices/0000:00:07.1/driver_override", "\n");
}
END_TEST

int main(int argc, char **argv)
{
	int code = client_main(argc, argv);

	if (code >= 0)
		return code;
	return suite_run("helper/must-hold-vfio",
			 (const TTest *[]) {
				 registers_end_with_the_policy_and_the_device_with_who_used_them,
				 edu_stops_when_alice_dies_or_the_policy_takes_it_back,
				 function_is_refused_with_the_sibling_that_no_rule_allows,
				 NULL,
			 });
}
