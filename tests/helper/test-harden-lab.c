/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper on a real machine, as a user of its own: started by root, or by its file. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "helper/needs.h"
#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"
#include "tests/helper/start.h"

#define EDU "0000:00:03.0"
#define POLICY                                                                                   \
	"[alice]\nuser = 41000\nport = 0x70-0x71 rw claimed\nmsr = 0x1b r\npci = 1234:11e8 rw\n" \
	"bar = 1234:11e8 0 rw\n"

/* Whom the helper becomes. */
static const struct passwd *own_user(void)
{
	const struct passwd *user = getpwnam(suite_in_lab() ? "lab" : "nobody");

	ck_assert_ptr_nonnull(user);
	return user;
}

static void uses_clock(struct hws *hw)
{
	struct hws_port *clock;
	uint8_t month = 0;

	must(hws_port_open(hw, 0x70, 2, HWS_RW, &clock) == 0);
	must(hws_port_write8(clock, 0x70, 8) == 0);
	must(hws_port_read8(clock, 0x71, &month) == 0);
	must(month >= 1 && month <= 0x12);
	hws_port_close(clock);
	must(hws_port_open(hw, 0x60, 1, HWS_R, &clock) == -EACCES);
}

static void uses_msr(struct hws *hw)
{
	struct hws_msr *msr;
	uint64_t value;

	must(hws_msr_open(hw, "0", 0x1b, 0x1b, HWS_R, &msr) == 0);
	/* where the interrupt controller of every PC is */
	must(hws_msr_read(msr, 0, 0x1b, &value) == 0 && (value & ~0xfffull) == 0xfee00000);
	hws_msr_close(msr);
}

static void uses_pci(struct hws *hw)
{
	struct hws_pci *pci;
	uint32_t value;

	/* behind 64: the capability of messages, MSI */
	must(hws_pci_open(hw, EDU, 0, 256, HWS_RW, &pci) == 0);
	must(hws_pci_read32(pci, 0x40, &value) == 0 && (value & 0xff) == 5);
	must(hws_pci_read32(pci, 0x3c, &value) == 0);
	must(hws_pci_write8(pci, 0x3c, (uint8_t)value) == 0);
	hws_pci_close(pci);
}

static void uses_bar(struct hws *hw)
{
	struct hws_mmio *edu;
	uint32_t value;

	must(hws_mmio_map(hw, EDU, 0, 0, 0x100, HWS_RW, &edu) == 0);
	must(hws_mmio_read32(edu, 0, &value) == 0 && value == 0x010000ed);
	must(hws_mmio_write32(edu, 4, 0x12345678) == 0);
	must(hws_mmio_read32(edu, 4, &value) == 0 && value == ~0x12345678u);
	hws_mmio_unmap(edu);
}

static int uses_machine(const struct daemon *daemon, void *context)
{
	static const struct {
		const char *where;
		void (*use)(struct hws *hw);
	} parts[] = {
		{ "rtc", uses_clock }, { "msr", uses_msr }, { "edu", uses_pci }, { "edu", uses_bar }
	};
	struct hws *hw = ask_helper(daemon);

	(void)context;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (suite_lab_has(parts[i].where))
			parts[i].use(hw);
	hws_close(hw);
	return 0;
}

static int gets_nothing(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_port *clock;
	struct hws_mmio *edu;

	(void)context;
	must(hws_port_open(hw, 0x70, 2, HWS_RW, &clock) == -EACCES);
	must(hws_mmio_map(hw, EDU, 0, 0, 0x100, HWS_RW, &edu) == -EACCES);
	hws_close(hw);
	return 0;
}

START_TEST(helper_of_its_own_user_does_all_that_policy_allows)
{
	const char *const words[] = { "--backend", "native", "--user", own_user()->pw_name, NULL };
	struct daemon daemon = { 0 };

	need_hardened();
	need_lab("root");
	daemon_start(&daemon, POLICY, words);
	ck_assert_int_eq(as_user(ALICE, uses_machine, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(BOB, gets_nothing, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* A copy of the helper's file that gives these capabilities; false: this file system can't. */
static bool make_privileged(const char *path, mode_t mode, uint64_t capabilities)
{
	struct vfs_cap_data data = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = { { (uint32_t)capabilities, 0 }, { (uint32_t)(capabilities >> 32), 0 } },
	};
	int from = open(HELPER, O_RDONLY);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct stat stat;
	off_t done = 0;

	ck_assert(from >= 0 && to >= 0 && fstat(from, &stat) == 0);
	while (done < stat.st_size)
		ck_assert_int_gt(sendfile(to, from, &done, (size_t)stat.st_size), 0);
	ck_ok(fchown(to, 0, own_user()->pw_gid));
	ck_ok(fchmod(to, mode));
	close(from);
	close(to);
	return setxattr(path, "security.capability", &data, XATTR_CAPS_SZ_2, 0) == 0;
}

static void as_own_user(void *context)
{
	const struct passwd *user = own_user();

	(void)context;
	setenv("LD_PRELOAD", "/nonexistent.so", 1); /* such a program heeds no such thing */
	if (setgroups(0, NULL) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
		_exit(116);
}

static const uint64_t setpcap = UINT64_C(1) << CAP_SETPCAP;

static void make_folder(struct daemon *daemon, char program[128], char policy[128])
{
	strcpy(daemon->folder, "/tmp/hwsafe-file-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(daemon->folder));
	ck_ok(chmod(daemon->folder, 0755));
	snprintf(policy, 128, "%s/policy.d", daemon->folder);
	ck_ok(mkdir(policy, 0755));
	daemon_policy(daemon, POLICY);
	/* of the user: it binds its socket there */
	snprintf(daemon->socket, sizeof(daemon->socket), "%s/run", daemon->folder);
	ck_ok(mkdir(daemon->socket, 0755));
	ck_ok(chown(daemon->socket, own_user()->pw_uid, own_user()->pw_gid));
	strcat(daemon->socket, "/socket");
	snprintf(program, 128, "%s/hwsafe-helper", daemon->folder);
}

static void serves_by_file(struct daemon *daemon, const char *program, const char *policy)
{
	const char *const words[] = { program, "serve",	   "--backend",	   "native", "--policy",
				      policy,  "--socket", daemon->socket, NULL };

	daemon->pid = fork();
	ck_assert_int_ge(daemon->pid, 0);
	if (daemon->pid == 0) {
		as_own_user(NULL);
		execv(program, (char *const *)words);
		_exit(115);
	}
	daemon_wait(daemon);
}

START_TEST(helper_with_file_capabilities_is_started_by_its_user)
{
	struct daemon daemon = { 0 };
	char program[128];
	char policy[128];
	bool privileged;

	need_hardened();
	make_folder(&daemon, program, policy);
	privileged = make_privileged(program, 0750, needs_declared() | setpcap);
	need("file capabilities", privileged, "this file system keeps none");
	serves_by_file(&daemon, program, policy);
	if (suite_in_lab())
		ck_assert_int_eq(as_user(ALICE, uses_machine, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(BOB, gets_nothing, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

START_TEST(p13_file_capabilities_that_are_wrong_are_one_line)
{
	const struct {
		mode_t mode;
		uint64_t capabilities;
		const char *says;
	} rows[] = {
		{ 0755, needs_declared() | setpcap, "chmod 0750" },
		{ 0750, UINT64_C(1) << CAP_SYS_RAWIO,
		  "securebits" }, /* what root could do is not locked */
	};
	struct daemon daemon = { 0 };
	char program[128];
	char policy[128];

	need_hardened();
	make_folder(&daemon, program, policy);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct start of = { .before = as_own_user, .program = program };

		need("file capabilities",
		     make_privileged(program, rows[i].mode, rows[i].capabilities),
		     "this file system keeps none");
		start(&of, (const char *const[]) { "--backend", "native", "--policy", policy,
						   "--socket", daemon.socket, NULL });
		start_refused(&of, 5, rows[i].says, daemon.socket);
	}
	start_remove(daemon.folder);
}
END_TEST

int main(void)
{
	return suite_run("helper/harden-lab",
			 (const TTest *[]) {
				 helper_of_its_own_user_does_all_that_policy_allows,
				 helper_with_file_capabilities_is_started_by_its_user,
				 p13_file_capabilities_that_are_wrong_are_one_line,
				 NULL,
			 });
}
