/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the probe says of speculation in this process, and of the processor's flaws. */
#include <errno.h>
#include <linux/prctl.h>
#include <sys/prctl.h>

#include "shim/probe-internal.h"
#include "tests/shim/probe-kit.h"

#define FLAWS	  "sys/devices/system/cpu/vulnerabilities/"
#define STORES	  PR_SPEC_STORE_BYPASS
#define BRANCHES  PR_SPEC_INDIRECT_BRANCH
#define FLUSH	  PR_SPEC_L1D_FLUSH
#define WORKS	  HWS_PROBE_WORKS
#define PARTIAL	  HWS_PROBE_PARTIAL
#define NO	  HWS_PROBE_NO
#define BY(flags) (int)(PR_SPEC_PRCTL | (flags))

/* What the kernel answers, and what must be said of it. */
static const struct {
	unsigned int control;
	int answer;
	enum hws_probe_status status;
	int code;
	const char *why;
	const char *fix;
} answers[] = {
	{ STORES, 0, WORKS, 0, "not affected", "" },
	{ STORES, BY(PR_SPEC_FORCE_DISABLE), WORKS, 0, "this process, for good", "" },
	{ STORES, BY(PR_SPEC_DISABLE_NOEXEC), WORKS, 0, "not for what it executes", "" },
	{ STORES, BY(PR_SPEC_DISABLE), WORKS, 0, "disabled for this process", "" },
	{ STORES, PR_SPEC_DISABLE, WORKS, 0, "mitigated by default", "" },
	{ STORES, BY(PR_SPEC_ENABLE), PARTIAL, -ECANCELED, "this process may disable it",
	  "prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE, 0, 0)" },
	{ STORES, PR_SPEC_ENABLE, NO, -EOPNOTSUPP, "every process", "spec_store_bypass_disable" },
	{ STORES, 1 << 9, NO, -EBADMSG, "not known", "update libhwsafe" },
	{ STORES, -ENODEV, NO, -ENODEV, "not known: the kernel has no such control", "" },
	{ STORES, -EINVAL, NO, -ENODEV, "not known: the kernel has no such control", "" },
	{ STORES, -EPERM, NO, -EPERM, "a seccomp filter refuses it", "seccomp" },
	{ BRANCHES, 0, WORKS, 0, "not affected", "" },
	{ BRANCHES, BY(PR_SPEC_FORCE_DISABLE), WORKS, 0, "this process, for good", "" },
	{ BRANCHES, BY(PR_SPEC_ENABLE), PARTIAL, -ECANCELED, "this process may disable it",
	  "PR_SPEC_INDIRECT_BRANCH, PR_SPEC_DISABLE" },
	{ BRANCHES, PR_SPEC_ENABLE, NO, -EOPNOTSUPP, "every process", "spectre_v2_user" },
	/* the kernel's words for a flush that it was not told to offer, and for one that is done */
	{ FLUSH, PR_SPEC_FORCE_DISABLE, NO, -EOPNOTSUPP, "not told to", "l1d_flush=on" },
	{ FLUSH, BY(PR_SPEC_ENABLE), WORKS, 0, "whenever", "" },
	{ FLUSH, BY(PR_SPEC_DISABLE), PARTIAL, -ECANCELED, "may ask for it",
	  "PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE" },
	{ FLUSH, -ENODEV, NO, -ENODEV, "not known", "" },
};

START_TEST(control_is_told_in_words)
{
	const struct scene scene = { .machine.seccomp = 2 };

	for (size_t i = 0; i < COUNT(answers); i++) {
		struct finding f = { 0 };

		probe_says_control(&scene, answers[i].control, answers[i].answer, &f);
		ck_assert_msg(
			f.result.status == answers[i].status && f.result.code == answers[i].code &&
				strstr(f.why, answers[i].why) && strstr(f.fix, answers[i].fix),
			"%u, %d: %s %d '%s' '%s'", answers[i].control, answers[i].answer,
			hws_probe_status_name(f.result.status), f.result.code, f.why, f.fix);
		ck_assert_int_eq(!f.fix[0], !answers[i].fix[0]);
	}
}
END_TEST

/* Is that what is said of the control now? */
static void check_told(const char *way, const char *why)
{
	struct seen seen = { 0 };
	size_t i;

	ck_ok(hws_probe(NULL, see, &seen));
	i = index_of(&seen, way);
	ck_assert_msg(strstr(seen.at[i].why, why), "%s: '%s'", way, seen.at[i].why);
}

START_TEST(process_is_told_of_itself)
{
	int before = sys_speculation(STORES);

	need("speculation", before == BY(PR_SPEC_ENABLE),
	     "stores are not this process's to disable: other kernel, other processor");
	check_told("store bypass", "may disable it");
	ck_ok(prctl(PR_SET_SPECULATION_CTRL, (unsigned long)STORES, PR_SPEC_DISABLE, 0UL, 0UL));
	check_told("store bypass", "disabled for this process");
	ck_ok(prctl(PR_SET_SPECULATION_CTRL, (unsigned long)STORES, PR_SPEC_FORCE_DISABLE, 0UL,
		    0UL));
	check_told("store bypass", "for good");
}
END_TEST

START_TEST(process_is_asked_about_each_control)
{
	static const char *const ways[] = {
		[STORES] = "store bypass", [BRANCHES] = "indirect branches", [FLUSH] = "L1D flush"
	};
	const struct scene scene = { 0 };

	for (unsigned int i = 0; i < COUNT(ways); i++) {
		struct finding f = { 0 };

		probe_says_control(&scene, i, sys_speculation(i), &f);
		if (f.result.code != -EPERM) /* the cause of a refusal is another table's */
			check_told(ways[i], f.why);
	}
	ck_assert_int_lt(sys_speculation(UINT32_MAX), 0);
}
END_TEST

static size_t find_flaws(struct seen *seen)
{
	probe_tree(seen);
	return index_of(seen, "processor flaws");
}

static void put_flaw(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), FLAWS "%s", name);
	put(path, text, strlen(text));
}

START_TEST(flaws_are_counted_and_named)
{
	struct seen seen;
	size_t i;

	make_tree();
	i = find_flaws(&seen);
	ck_assert_int_eq(seen.at[i].code, -ENOENT);
	ck_assert_ptr_nonnull(strstr(seen.at[i].why, "not known"));
	put(FLAWS, "", 0);
	i = find_flaws(&seen);
	ck_assert_int_eq(seen.at[i].code, -ENOENT); /* a folder with nothing in it says nothing */
	put_flaw("l1tf", "Mitigation: PTE Inversion; VMX: vulnerable\n");
	put_flaw("meltdown", "Not affected\n");
	put_flaw("srbds", "Unknown: Dependent on hypervisor status\n");
	put_flaw("empty", "");
	i = find_flaws(&seen);
	ck_assert_int_eq(seen.at[i].status, WORKS);
	ck_assert_str_eq(seen.at[i].why, "none of 3 says Vulnerable");
	put_flaw("mds", "Vulnerable: Clear CPU buffers attempted, no microcode\n");
	i = find_flaws(&seen);
	ck_assert_int_eq(seen.at[i].status, PARTIAL);
	ck_assert_str_eq(seen.at[i].why, "1 of 4 says Vulnerable: mds");
	put_flaw("itlb_multihit", "KVM: Vulnerable\n");
	i = find_flaws(&seen);
	ck_assert_ptr_nonnull(strstr(seen.at[i].why, "2 of 5 say Vulnerable: "));
	ck_assert_ptr_nonnull(strstr(seen.at[i].why, "itlb_multihit"));
	ck_assert_ptr_nonnull(strstr(seen.at[i].fix, "microcode"));
	remove_tree();
}
END_TEST

/* More than a line has room for, and names that no kernel has. */
START_TEST(many_flaws_are_told_in_short)
{
	struct seen seen;
	char name[64];
	const char *why;

	make_tree();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%02d-a-flaw-with-a-name-longer-than-any-so-far", i);
		put_flaw(name, "Vulnerable\n");
	}
	why = seen.at[find_flaws(&seen)].why;
	remove_tree();
	ck_assert_msg(!strncmp(why, "20 of 20 say Vulnerable: ", 25) && strstr(why, " and 14 more"),
		      "%s", why);
}
END_TEST

START_TEST(captured_tree_has_no_process)
{
	struct seen seen;

	make_tree();
	probe_tree(&seen);
	remove_tree();
	ck_assert_ptr_nonnull(strstr(seen.at[index_of(&seen, "L1D flush")].why, "captured tree"));
	ck_assert_ptr_nonnull(strstr(seen.at[index_of(&seen, "store bypass")].fix, "itself"));
}
END_TEST

int main(void)
{
	return suite_run("shim/probe-speculation",
			 (const TTest *[]) { control_is_told_in_words, process_is_told_of_itself,
					     process_is_asked_about_each_control,
					     flaws_are_counted_and_named,
					     many_flaws_are_told_in_short,
					     captured_tree_has_no_process, NULL });
}
