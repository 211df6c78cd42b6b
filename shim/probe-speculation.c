/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processor does ahead of this process, and what Linux says of the processor's flaws. */
#include "shim/probe-internal.h"

#include <errno.h>
#include <limits.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <string.h>

#define FLAWS "/sys/devices/system/cpu/vulnerabilities"

enum { NAMED = 6 }; /* flaws; the others are counted */

/* Of what PR_GET_SPECULATION_CTRL gives, the first whose flags are all there: prctl(2). */
struct state {
	unsigned long flags;
	enum hws_probe_status status;
	int code;
	const char *why;
};

static const struct state guessing[] = {
	{ PR_SPEC_FORCE_DISABLE, HWS_PROBE_WORKS, 0, "disabled for this process, for good" },
	{ PR_SPEC_DISABLE_NOEXEC, HWS_PROBE_WORKS, 0,
	  "disabled for this process, not for what it executes" },
	{ PR_SPEC_PRCTL | PR_SPEC_DISABLE, HWS_PROBE_WORKS, 0, "disabled for this process" },
	{ PR_SPEC_DISABLE, HWS_PROBE_WORKS, 0, "mitigated by default, for every process" },
	{ PR_SPEC_PRCTL | PR_SPEC_ENABLE, HWS_PROBE_PARTIAL, -ECANCELED,
	  "the processor speculates; this process may disable it" },
	{ PR_SPEC_ENABLE, HWS_PROBE_NO, -EOPNOTSUPP,
	  "the processor speculates, for every process" },
	{ 0 },
};

/* Here it is the flush that is enabled or disabled, where the kernel was told to offer it. */
static const struct state flushing[] = {
	{ PR_SPEC_FORCE_DISABLE, HWS_PROBE_NO, -EOPNOTSUPP, "the kernel was not told to offer it" },
	{ PR_SPEC_ENABLE, HWS_PROBE_WORKS, 0, "whenever this process leaves a processor" },
	{ PR_SPEC_DISABLE, HWS_PROBE_PARTIAL, -ECANCELED, "not done; this process may ask for it" },
	{ 0 },
};

/* What cures it, where it is the machine's choice, and where it is the program's: by status. */
#define FIXES(boot, which, how)                                                            \
	{                                                                                  \
		boot, "in the program: prctl(PR_SET_SPECULATION_CTRL, " which ", " how, "" \
	}
#define BOOT "update the microcode; boot without mitigations=off and "

static const struct {
	const struct state *states;
	const char *fixes[HWS_PROBE_WORKS + 1];
} controls[] = {
	[PR_SPEC_STORE_BYPASS] = { guessing,
				   FIXES(BOOT "spec_store_bypass_disable=off",
					 "PR_SPEC_STORE_BYPASS", "PR_SPEC_DISABLE, 0, 0)") },
	[PR_SPEC_INDIRECT_BRANCH] = { guessing,
				      FIXES(BOOT "spectre_v2_user=off", "PR_SPEC_INDIRECT_BRANCH",
					    "PR_SPEC_DISABLE, 0, 0)") },
	[PR_SPEC_L1D_FLUSH] = { flushing, FIXES("boot with l1d_flush=on", "PR_SPEC_L1D_FLUSH",
						"PR_SPEC_ENABLE, 0, 0), with SMT off") },
};

static const struct node control_node = {
	.path = "prctl",
	.absent_why = "not known: the kernel has no such control here",
	.absent_fix = "",
};

static void says_state(unsigned int control, unsigned long flags, struct finding *f)
{
	const struct state *state = controls[control].states;

	while (state->flags && (flags & state->flags) != state->flags)
		state++;
	f->own = !state->flags || state->status != HWS_PROBE_NO;
	if (state->flags)
		probe_says(f, state->status, state->code, state->why,
			   controls[control].fixes[state->status]);
	else if (!flags)
		probe_says(f, HWS_PROBE_WORKS, 0, "the processor is not affected", "");
	else
		probe_says(f, HWS_PROBE_NO, -EBADMSG, "not known: the kernel's answer is new",
			   "update libhwsafe");
}

void probe_says_control(const struct scene *scene, unsigned int control, int answer,
			struct finding *f)
{
	if (answer >= 0)
		says_state(control, (unsigned long)answer, f);
	else /* before Linux 4.17 there is no such call; arm64 has one control of the three */
		probe_refused(scene, answer == -EINVAL ? -ENODEV : answer, &control_node, f);
}

static void try_control(void *trial)
{
	((struct trial *)trial)->code = sys_speculation(((struct trial *)trial)->what);
}

/* A child has what its parent has. */
static void probe_control(const struct scene *scene, unsigned int control, struct finding *f)
{
	if (scene->captured)
		probe_says(f, HWS_PROBE_PARTIAL, -ECANCELED,
			   "not known: a captured tree has no process to ask",
			   "run it on the machine itself");
	else
		probe_says_control(scene, control, probe_in_child(try_control, control), f);
}

void probe_store_bypass(const struct scene *scene, struct finding *f)
{
	probe_control(scene, PR_SPEC_STORE_BYPASS, f);
}

void probe_indirect_branch(const struct scene *scene, struct finding *f)
{
	probe_control(scene, PR_SPEC_INDIRECT_BRANCH, f);
}

void probe_l1d_flush(const struct scene *scene, struct finding *f)
{
	probe_control(scene, PR_SPEC_L1D_FLUSH, f);
}

struct flaws {
	unsigned int known;
	unsigned int open;
	char names[NAMED * 32];
};

/* As the kernel documents it (sysfs-devices-system-cpu), and as itlb_multihit says it. */
static bool is_open(const char *text)
{
	static const char *const words[] = { "Vulnerable", "KVM: Vulnerable",
					     "Processor vulnerable" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(text, words[i], strlen(words[i])))
			return true;
	return false;
}

static void read_flaw(const struct scene *scene, const char *name, struct flaws *flaws)
{
	char path[sizeof(FLAWS "/") + NAME_MAX];
	size_t n = strlen(flaws->names);
	char text[1024];

	snprintf(path, sizeof(path), FLAWS "/%s", name);
	if (sys_read_file(scene->root, path, text, sizeof(text)) <= 0)
		return;
	flaws->known++;
	if (is_open(text) && flaws->open++ < NAMED)
		snprintf(flaws->names + n, sizeof(flaws->names) - n, "%s%.28s", n ? ", " : "",
			 name);
}

static void says_flaws(const struct flaws *flaws, struct finding *f)
{
	char more[32] = "";

	if (flaws->open > NAMED)
		snprintf(more, sizeof(more), " and %u more", flaws->open - NAMED);
	if (!flaws->open) {
		probe_says(f, HWS_PROBE_WORKS, 0, "", "");
		snprintf(f->why, sizeof(f->why), "none of %u says Vulnerable", flaws->known);
		return;
	}
	probe_says(f, HWS_PROBE_PARTIAL, -EOPNOTSUPP, "",
		   "update the kernel and the microcode; boot without mitigations=off");
	snprintf(f->why, sizeof(f->why), "%u of %u say%s Vulnerable: %s%s", flaws->open,
		 flaws->known, flaws->open == 1 ? "s" : "", flaws->names, more);
}

void probe_flaws(const struct scene *scene, struct finding *f)
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	struct flaws flaws = { 0 };
	const struct dirent *entry;

	if (sys_opendir(scene->root, FLAWS, &dir) == 0)
		while ((entry = readdir(dir)))
			if (scene_any_name(entry->d_name))
				read_flaw(scene, entry->d_name, &flaws);
	if (flaws.known)
		says_flaws(&flaws, f);
	else
		probe_says(f, HWS_PROBE_NO, -ENOENT, "not known: the kernel doesn't tell",
			   "boot Linux 4.15 or later");
}
