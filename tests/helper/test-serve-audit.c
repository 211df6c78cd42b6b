/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in the trail afterwards: each allow, deny, limit and end, who it was and why. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-trail.h"
#include "tests/helper/serve-tree.h"

#define POLICY                                                             \
	"[alice]\nuser = 41000\nmsr = 0x19c r\nmsr = 0x199 rw\n"           \
	"msr = 0x10 r, rate 2/min\nmsr = 0x610 rw, mask 0xff\n"            \
	"pci = 1234:11e8 rw\nbar = 1234:11e8 0 rw\nbar = 1234:11e8 1 rw\n" \
	"deny msr = 0x1b r\n"

static void verify(struct scene *scene)
{
	struct hws_audit_source source = { .size = sizeof(source), .file = scene->trail };

	ck_assert_int_eq(hws_audit_verify(&source, NULL, NULL), 0);
}

/* With a pipe it stays until that is closed: which end, its own or the connection's, came first? */
static int uses_registers(const struct daemon *daemon, void *context)
{
	const int *ends = context;
	char byte;
	struct hws *hw = ask_helper(daemon);
	struct hws_msr *msr;
	struct hws_cpuid *cpuid;
	uint32_t regs[4];
	uint64_t value;

	if (ends)
		sys_close(ends[1]);
	must(hws_msr_open(hw, "0", 0x10, 0x700, HWS_RW, &msr) == 0);
	must(hws_msr_read(msr, 0, 0x19c, &value) == 0);
	must(hws_msr_write(msr, 0, 0x199, 0x2000) == 0);
	must(hws_msr_read(msr, 0, 0x17, &value) == -EACCES);
	must(hws_msr_read(msr, 0, 0x1b, &value) == -EACCES);
	must(hws_msr_write(msr, 0, 0x610, 0) == -EACCES);
	for (int i = 0; i < 2; i++)
		must(hws_msr_read(msr, 0, 0x10, &value) == 0);
	must(hws_msr_read(msr, 0, 0x10, &value) == -EDQUOT);
	must(hws_cpuid_open(hw, 0, 0, &cpuid) == 0);
	must(hws_cpuid_read(cpuid, 0, 0, regs) == -EACCES);
	hws_cpuid_close(cpuid);
	hws_msr_close(msr);
	hws_close(hw);
	return ends ? (int)read(ends[0], &byte, 1) : 0;
}

START_TEST(trail_has_what_was_allowed_denied_and_limited_with_who_and_why)
{
	static const struct expected table[] = {
		{ HWS_EVENT_PRIVILEGE, 0, 0, 0, 0, "connected", true },
		{ HWS_EVENT_ACCESS, 0, 0, 0x19c, 0, NULL, true },
		{ HWS_EVENT_ACCESS, 0, 0, 0x199, 2, NULL, true },
		{ HWS_EVENT_ACCESS, HWS_REASON_NO_RULE, -EACCES, 0x17, 0, NULL, true },
		{ HWS_EVENT_ACCESS, HWS_REASON_DENY_RULE, -EACCES, 0x1b, 8, NULL, true },
		{ HWS_EVENT_ACCESS, HWS_REASON_MASK, -EACCES, 0x610, 4, NULL, true },
		{ HWS_EVENT_ACCESS, HWS_REASON_RATE, -EDQUOT, 0x10, 3, NULL, true },
		{ HWS_EVENT_ACCESS, HWS_REASON_NO_RULE, -EACCES, 0, 0, NULL, true },
		{ HWS_EVENT_PRIVILEGE, 0, 0, 0, 0, "closed", true },
	};
	static struct scene scene;
	int ends[2];
	pid_t pid;

	trail_begin(&scene, POLICY, NULL);
	ck_ok(pipe(ends));
	pid = as_user_begin(ALICE, uses_registers, &scene.daemon, ends);
	trail_has_all(&scene, table, sizeof(table) / sizeof(table[0]), pid);
	sys_close(ends[1]);
	ck_assert_int_eq(as_user_end(pid), 0);
	sys_close(ends[0]);
	verify(&scene);
	trail_end(&scene);
}
END_TEST

static int asks_too_fast(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_msr *msr;
	struct hws_topology topology;
	uint64_t value;
	bool refused[2] = { false, false };

	(void)context;
	must(hws_msr_open(hw, "0", 0x19c, 0x19c, HWS_R, &msr) == 0);
	for (int i = 0; i < 1000 && !(refused[0] && refused[1]); i++) {
		refused[0] |= hws_msr_read(msr, 0, 0x19c, &value) == -EDQUOT;
		refused[1] |= hws_get_topology(hw, &topology) == -EDQUOT;
	}
	must(refused[0] && refused[1]);
	hws_msr_close(msr);
	hws_close(hw);
	return 0;
}

static int connects_thrice(const struct daemon *daemon, void *context)
{
	int fds[3];

	(void)context;
	for (int i = 0; i < 2; i++)
		must((fds[i] = bare_hello(daemon)) >= 0);
	fds[2] = bare_connect(daemon);
	must(fds[2] < 0 || bare_dropped(fds[2]));
	sys_close(fds[0]);
	sys_close(fds[1]);
	return 0;
}

START_TEST(trail_has_limits_of_users)
{
	static const struct expected table[] = {
		{ HWS_EVENT_ACCESS, HWS_REASON_SURGE, -EDQUOT, 0, 0, NULL, true },
		{ HWS_EVENT_PRIVILEGE, HWS_REASON_SURGE, -EDQUOT, 0, 0, "too many requests", true },
	};
	static const struct expected many = { HWS_EVENT_PRIVILEGE,    0,    -EDQUOT, 0, 0,
					      "too many connections", false };
	static struct scene scene;
	pid_t pid;

	trail_begin(&scene, POLICY,
		    (const char *const[]) { "--rate", "5", "--connections", "2", NULL });
	pid = as_user_begin(ALICE, asks_too_fast, &scene.daemon, NULL);
	ck_assert_int_eq(as_user_end(pid), 0);
	trail_has_all(&scene, table, 2, pid);
	pid = as_user_begin(BOB, connects_thrice, &scene.daemon, NULL);
	ck_assert_int_eq(as_user_end(pid), 0);
	ck_assert(trail_has(&scene, many, 1, pid));
	trail_end(&scene);
}
END_TEST

/* Holds a BAR and an open transaction until it is killed. */
static int holds_and_waits(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_mmio *mmio[2];
	struct hws_step step;
	struct hws_txn *txn;
	struct hws_pci *pci;
	char byte = 1;

	must(hws_mmio_map(hw, "00:03.0", 0, 0, 0, HWS_RW, &mmio[0]) == 0);
	must(hws_mmio_map(hw, "00:03.0", 1, 0, 0, HWS_RW, &mmio[1]) == 0);
	must(hws_pci_open(hw, "00:03.0", 0x40, 0x40, HWS_RW, &pci) == 0);
	must(hws_txn_open(hw, NULL, &txn) == 0);
	step = hws_step_write(hws_in_pci(pci, 0x40, 4), 1);
	must(hws_txn_run(txn, &step, 1) == 0);
	must(write(((int *)context)[1], &byte, 1) == 1);
	for (;;)
		pause();
}

struct held {
	struct scene scene;
	char root[64];
	pid_t pid;
};

static void hold(struct held *held)
{
	const char *const arguments[] = { "--backend", "native", "--sysroot", held->root,
					  "--mapped",  "8192",	 NULL };
	int pipes[2];
	char byte;

	tree_make(held->root);
	ck_ok(pipe(pipes));
	trail_begin(&held->scene, POLICY, arguments);
	held->pid = as_user_begin(ALICE, holds_and_waits, &held->scene.daemon, pipes);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
}

START_TEST(trail_has_what_ends_with_its_process)
{
	static const struct expected table[] = {
		{ HWS_EVENT_GRANT, 0, 0, 0, 6, NULL, true },
		{ HWS_EVENT_GRANT, HWS_REASON_LIMIT, NO_CODE, 0, 7, "no more descriptors", true },
		{ HWS_EVENT_GRANT, 0, 0, 0, 0, "over", true },
		{ HWS_EVENT_PRIVILEGE, 0, 0, 0, 0, "transaction undone", true },
	};
	static struct held held;

	hold(&held);
	kill(held.pid, SIGKILL);
	ck_assert_int_eq(as_user_end(held.pid), -1);
	trail_has_all(&held.scene, table, sizeof(table) / sizeof(table[0]), held.pid);
	trail_end(&held.scene);
	tree_remove(held.root);
}
END_TEST

START_TEST(p17_grants_are_listed_and_revoked)
{
	static const struct expected lists = { HWS_EVENT_GRANT, 0, 0, 0, 0, "held", true };
	static const struct expected connected = {
		HWS_EVENT_PRIVILEGE, 0, 0, 0, 0, "is connected, in a transaction", false
	};
	static const struct expected over = { HWS_EVENT_GRANT, 0, 0, 0, 0, "over", true };
	static const struct expected dropped = {
		HWS_EVENT_PRIVILEGE, 0, 0, 0, 0, "dropped: the policy took back a BAR", false
	};
	static struct held held;

	hold(&held);
	kill(held.scene.daemon.pid, SIGUSR1);
	ck_assert(trail_has(&held.scene, lists, 1, held.pid));
	ck_assert(trail_has(&held.scene, connected, 1, held.pid));
	daemon_policy(&held.scene.daemon, "[alice]\nuser = 41000\npci = 1234:11e8 rw\n");
	kill(held.scene.daemon.pid, SIGHUP);
	ck_assert(trail_has(&held.scene, over, 1, held.pid));
	ck_assert(trail_has(&held.scene, dropped, 1, held.pid));
	/* its transaction, too: it is a connection's */
	ck_assert_uint_eq(tree_read(held.root, TREE_FUNCTION "/config", 0x40), 0x11223344);
	kill(held.scene.daemon.pid, SIGUSR1);
	ck_assert_int_eq(as_user(ALICE, is_served, &held.scene.daemon, NULL), 1);
	ck_assert_uint_eq(trail_count(&held.scene, &lists, held.pid), 1);
	kill(held.pid, SIGKILL);
	ck_assert_int_eq(as_user_end(held.pid), -1);
	trail_end(&held.scene);
	tree_remove(held.root);
}
END_TEST

START_TEST(trail_has_policies_that_were_loaded_or_refused)
{
	static const struct expected loaded = { HWS_EVENT_POLICY, 0, 0, 0, 0, "8 rules", false };
	static const struct expected refused = { HWS_EVENT_POLICY,	  0,	-EBADMSG, 0, 0,
						 "test.conf:3:13: found", false };
	static const struct expected again = { HWS_EVENT_POLICY, 0, 0, 0, 0, "1 rules", false };
	static struct scene scene;

	trail_begin(&scene, POLICY, NULL);
	ck_assert(trail_has(&scene, loaded, 1, 0));
	daemon_policy(&scene.daemon, "[alice]\nuser = 41000\nmsr = 0x199 nonsense\n");
	kill(scene.daemon.pid, SIGHUP);
	ck_assert(trail_has(&scene, refused, 1, 0));
	/* the old one holds */
	ck_assert_int_eq(as_user(ALICE, is_served, &scene.daemon, NULL), 0);
	daemon_policy(&scene.daemon, "[alice]\nuser = 41000\nmsr = 0x199 r\n");
	kill(scene.daemon.pid, SIGHUP);
	ck_assert(trail_has(&scene, again, 1, 0));
	ck_assert_int_eq(as_user(ALICE, is_served, &scene.daemon, NULL), 1);
	trail_end(&scene);
}
END_TEST

/* A log daemon's socket. */
static int listen_as_syslog(char path[64])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(path, 64, "/tmp/hwsafe-log-%d", getpid());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_ge(fd, 0);
	ck_ok(bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	ck_ok(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	return fd;
}

START_TEST(syslog_is_told_the_same)
{
	char path[64];
	int fd = listen_as_syslog(path);
	const char *const arguments[] = { "--syslog", path, NULL };
	static struct scene scene;
	char line[2048];
	char who[64];
	pid_t pid;

	trail_begin(&scene, POLICY, arguments);
	pid = as_user_begin(ALICE, uses_registers, &scene.daemon, NULL);
	ck_assert_int_eq(as_user_end(pid), 0);
	snprintf(who, sizeof(who), "hwsafe[%d]: {", pid);
	for (;;) {
		ssize_t n = recv(fd, line, sizeof(line) - 1, 0);

		ck_assert_int_gt(n, 0);
		line[n] = '\0';
		/* authpriv, an error */
		if (strstr(line, who) && strstr(line, "\"deny-rule\""))
			break;
	}
	ck_assert_msg(!strncmp(line, "<83>", 4), "%s", line);
	ck_assert_ptr_nonnull(strstr(line, "41000"));
	ck_assert_ptr_nonnull(strstr(line, "-serve-audit"));
	close(fd);
	unlink(path);
	trail_end(&scene);
}
END_TEST

/* What a person reads. */
START_TEST(hwprobe_shows_the_trail_of_a_helper_that_was_killed)
{
	static const char *const words[] = { "no-rule", "deny-rule", "rate", "41000",
					     "-serve-audit" };
	static struct scene scene;
	char command[1024];
	char text[65536];
	int ends[2];
	size_t n;
	pid_t pid;
	FILE *out;

	need("hwprobe", *HWPROBE, "hwprobe is not built");
	trail_begin(&scene, POLICY, NULL);
	ck_ok(pipe(ends));
	pid = as_user_begin(ALICE, uses_registers, &scene.daemon, ends);
	ck_assert(trail_has(&scene,
			    (struct expected) { HWS_EVENT_PRIVILEGE, 0, 0, 0, 0, "closed", true },
			    1, 0));
	sys_close(ends[1]);
	ck_assert_int_eq(as_user_end(pid), 0);
	sys_close(ends[0]);
	daemon_kill(&scene.daemon);
	snprintf(command, sizeof(command), "%s audit verify %s && %s audit query --json %s",
		 HWPROBE, scene.trail, HWPROBE, scene.trail);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	n = fread(text, 1, sizeof(text) - 1, out);
	text[n] = '\0';
	ck_assert_int_eq(pclose(out), 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_msg(strstr(text, words[i]), "%s: %s", words[i], text);
	daemon_again(&scene.daemon);
	verify(&scene);
	trail_end(&scene);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-audit",
			 (const TTest *[]) {
				 trail_has_what_was_allowed_denied_and_limited_with_who_and_why,
				 trail_has_limits_of_users,
				 trail_has_what_ends_with_its_process,
				 p17_grants_are_listed_and_revoked,
				 trail_has_policies_that_were_loaded_or_refused,
				 syslog_is_told_the_same,
				 hwprobe_shows_the_trail_of_a_helper_that_was_killed,
				 NULL,
			 });
}
