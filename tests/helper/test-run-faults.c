/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each step of giving up privileges fails, or does nothing and says it did: nothing is started. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/io_uring.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/helper/launch.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ANY	     -1

/* Where user numbers once had 16 bits, these are the calls of today's. */
#ifdef SYS_setgroups32
#define SET_GROUPS SYS_setgroups32
#define SET_RESGID SYS_setresgid32
#define SET_RESUID SYS_setresuid32
#else
#define SET_GROUPS SYS_setgroups
#define SET_RESGID SYS_setresgid
#define SET_RESUID SYS_setresuid
#endif

/* A system call, perhaps only with such an argument. */
struct fault {
	const char *says;
	int number;
	int which; /* argument, or ANY */
	uint32_t value;
	bool lies; /* also when it says 0 it is noticed */
	uint32_t result;
};

/* From now on the call gives that errno (0: it says that all went well), and does nothing. */
static void break_call(void *context)
{
	const struct fault *fault = context;
	uint32_t at = fault->which == ANY ? offsetof(struct seccomp_data, nr)
					  : (uint32_t)offsetof(struct seccomp_data, args) +
						    8 * (uint32_t)fault->which;
	uint32_t value = fault->which == ANY ? (uint32_t)fault->number : fault->value;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)fault->number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | fault->result),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = COUNT(code), .filter = code };

	/* root may without no_new_privs, which is one of the steps */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		_exit(121);
}

static const struct fault faults[] = {
	{ "securebits", SYS_prctl, 0, PR_SET_SECUREBITS, true },
	{ "bounding set", SYS_prctl, 0, PR_CAPBSET_DROP, true },
	{ "bounding set", SYS_prctl, 0, PR_CAPBSET_READ },
	{ "ambient set", SYS_prctl, 0, PR_CAP_AMBIENT },
	{ "groups", SET_GROUPS, ANY },
	{ "gid", SET_RESGID, ANY, 0, true },
	{ "uid", SET_RESUID, ANY, 0, true },
	{ "capabilities", SYS_capset, ANY, 0, true },
	{ "capabilities", SYS_capget, ANY },
	{ "no_new_privs", SYS_prctl, 0, PR_SET_NO_NEW_PRIVS, true },
	{ "dumpable", SYS_prctl, 0, PR_SET_DUMPABLE, true },
#if !SUITE_SANITIZED /* their run times can't start without it */
	{ "limits", SYS_prlimit64, 1, RLIMIT_CORE, true },
#endif
	{ "Landlock", SYS_landlock_create_ruleset, ANY },
	{ "seccomp", SYS_seccomp, ANY },
	{ "close_range", SYS_close_range, ANY },
	{ "written down", SYS_memfd_create, ANY },
	{ "echo", SYS_execveat, ANY },
};

static const struct fault ring_faults[] = {
	{ "CAP_IPC_LOCK", SYS_capset, ANY },
	{ "set-up", SYS_io_uring_setup, ANY },
	{ "memory", SYS_memfd_create, ANY },
	{ "restrictions", SYS_io_uring_register, 1, IORING_REGISTER_FILES },
	{ "restrictions", SYS_io_uring_register, 1, IORING_REGISTER_BUFFERS },
	/* as if it had worked: only the trial can show that the ring is open to everything */
	{ "restrictions", SYS_io_uring_register, 1, IORING_REGISTER_RESTRICTIONS },
	{ "self-test", SYS_io_uring_register, 1, IORING_REGISTER_RESTRICTIONS, true },
	{ "restrictions", SYS_io_uring_register, 1, IORING_REGISTER_ENABLE_RINGS },
	/* as if it were enabled: a ring that is not yet would have no restrictions */
	{ "self-test", SYS_io_uring_register, 1, IORING_REGISTER_ENABLE_RINGS, true },
};

static void try_fault(const struct fault *fault, const char *policy, uint32_t result)
{
	struct fault used = *fault;
	struct launch of = { .before = break_call, .context = &used };

	used.result = result;
	launch(&of, policy, "-p", "fine", "-u", launch_alice, "--", "echo", "started", NULL);
	if (of.code != 5)
		fprintf(stderr, "# %s %u\n", fault->says, result);
	launch_refused(&of, 5, fault->says);
}

START_TEST(no_step_may_fail)
{
	need_where("root", launch_can(), "only root can become somebody else");
	for (size_t i = 0; i < COUNT(faults); i++)
		try_fault(&faults[i], launch_policy("[fine]\ncpuid = * r\n"), EPERM);
}
END_TEST

START_TEST(no_step_may_only_say_it_worked)
{
	need_where("root", launch_can(), "only root can become somebody else");
	for (size_t i = 0; i < COUNT(faults); i++)
		if (faults[i].lies)
			try_fault(&faults[i], launch_policy("[fine]\ncpuid = * r\n"), 0);
}
END_TEST

START_TEST(p20_no_ring_is_handed_over_that_is_not_locked)
{
	const char *policy;

	need_where("root", launch_can(), "only root can become somebody else");
	policy = launch_policy("[fine]\nring = /etc/passwd read, buffers 64K\n");
	for (size_t i = 0; i < COUNT(ring_faults); i++)
		try_fault(&ring_faults[i], policy, ring_faults[i].lies ? 0 : EPERM);
}
END_TEST

int main(void)
{
	return suite_run("helper/run-faults", (const TTest *[]) {
						      no_step_may_fail,
						      no_step_may_only_say_it_worked,
						      p20_no_ring_is_handed_over_that_is_not_locked,
						      NULL,
					      });
}
