/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each step of giving up privileges fails, or does nothing and says it did: nothing is served. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper/harden.h"
#include "tests/helper/serve-kit.h"
#include "tests/helper/start.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

/* In the order in which they are done. */
static const struct start_fault faults[] = {
	{ "close_range", SYS_close_range, START_ANY },
	{ "chdir", SYS_chdir, START_ANY },
	{ "dumpable", SYS_prctl, 0, PR_SET_DUMPABLE, true },
	{ "reader of programs' names", SYS_socketpair, START_ANY },
	{ "reader of programs' names", SYS_clone, START_ANY },
	{ "securebits", SYS_prctl, 0, PR_SET_SECUREBITS, true },
	{ "bounding set", SYS_prctl, 0, PR_CAPBSET_DROP, true },
	{ "bounding set", SYS_prctl, 0, PR_CAPBSET_READ },
	{ "ambient set", SYS_prctl, 0, PR_CAP_AMBIENT },
	{ "groups", SYS_setgroups, START_ANY },
	{ "gid", SYS_setresgid, START_ANY, 0, true },
	{ "uid", SYS_setresuid, START_ANY, 0, true },
	{ "capabilities", SYS_capset, START_ANY, 0, true },
	{ "capabilities", SYS_capget, START_ANY },
	{ "no_new_privs", SYS_prctl, 0, PR_SET_NO_NEW_PRIVS, true },
	{ "limits", SYS_prlimit64, 1, RLIMIT_CORE, true },
	{ "no new code", SYS_prctl, 0, PR_SET_MDWE },
	{ "Landlock", SYS_landlock_create_ruleset, START_ANY },
	{ "seccomp", SYS_pipe2, START_ANY },
	{ "seccomp", SYS_seccomp, START_ANY, 0, true },
	/* the server has given up all then: it is the other process that fails */
	{ "reader of programs' names at 'limits'", SYS_prlimit64, 1, RLIMIT_FSIZE, true },
};

static const struct start_fault landlock_faults[] = {
	{ "Landlock", SYS_landlock_add_rule, START_ANY },
	{ "Landlock", SYS_landlock_restrict_self, START_ANY, 0, true },
};

static char folder[64];
static char socket_path[96];

static void make_folder(void)
{
	char policy[96];

	strcpy(folder, "/tmp/hwsafe-faults-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_ok(chmod(folder, 0755));
	snprintf(policy, sizeof(policy), "%s/policy.d", folder);
	ck_ok(mkdir(policy, 0755));
	snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
}

static void try_fault(const struct start_fault *fault, uint32_t result)
{
	const char *user = suite_in_lab() ? "lab" : "nobody";
	struct start_fault used = *fault;
	struct start of = { .before = start_break, .context = &used };
	char policy[96];

	snprintf(policy, sizeof(policy), "%s/policy.d", folder);
	used.result = result;
	start(&of, (const char *const[]) { "--backend", "sim", "--socket", socket_path, "--policy",
					   policy, "--user", user, NULL });
	start_refused(&of, 5, fault->says, socket_path);
	/* what it had bound is left: it could not be removed any more by who it became */
	unlink(socket_path);
}

static void try_faults(const struct start_fault *all, size_t count)
{
	make_folder();
	for (size_t i = 0; i < count; i++) {
		try_fault(&all[i], EPERM);
		if (all[i].lies)
			try_fault(&all[i], 0);
	}
	start_remove(folder);
}

START_TEST(p13_each_step_failing_refuses_to_serve)
{
	need_hardened();
	try_faults(faults, COUNT(faults));
}
END_TEST

START_TEST(p13_each_step_of_landlock_failing_refuses_to_serve)
{
	need_hardened();
	need("landlock", harden_landlock_abi() > 0, "this kernel has none");
	try_faults(landlock_faults, COUNT(landlock_faults));
}
END_TEST

static char words_file[96];

/* As on a kernel without Landlock; what it says goes to the file. */
static void without_landlock(const struct daemon *daemon)
{
	struct start_fault absent = {
		"", SYS_landlock_create_ruleset, START_ANY, 0, false, ENOSYS
	};

	(void)daemon;
	if (!freopen(words_file, "w", stderr))
		_exit(119);
	start_break(&absent);
}

START_TEST(absence_of_landlock_is_told_and_others_steps_hold)
{
	struct daemon daemon = { .before = without_landlock };
	char line[256] = "";
	FILE *file;

	need_hardened();
	make_folder();
	snprintf(words_file, sizeof(words_file), "%s/words", folder);
	daemon_start(&daemon, "[alice]\nuser = 41000\nmsr = 0x19c r\n", NULL);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
	file = fopen(words_file, "r");
	ck_assert(file && fgets(line, sizeof(line), file));
	ck_assert_ptr_nonnull(strstr(line, "warning: this kernel has no Landlock"));
	fclose(file);
	start_remove(folder);
}
END_TEST

int main(void)
{
	return suite_run("helper/harden-faults",
			 (const TTest *[]) {
				 p13_each_step_failing_refuses_to_serve,
				 p13_each_step_of_landlock_failing_refuses_to_serve,
				 absence_of_landlock_is_told_and_others_steps_hold,
				 NULL,
			 });
}
