/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists of MSRs as other programs have them, msr-safe's and GEOPM's, and policies that are to
 * become such a list. What is imported is a policy; exported and imported again it is the same
 * list; and no list allows what the policy doesn't.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/probe.h"

/* The first byte. */
enum { IS_POLICY = 1, CONTROLS = 2, SECTION = 4 };

static struct hws_policy *parse(const char *text)
{
	struct hws_policy *policy;
	int r = hws_policy_parse(NULL, "fuzz", text, strlen(text), &policy);

	return r < 0 ? NULL : policy;
}

/* NULL: it was refused. */
static char *import_file(const char *name, bool controls)
{
	struct probe probe = { .count = 0 };
	struct hws_policy *policy;
	char *text;

	probe_add(&probe, "policy");
	probe_add(&probe, "import");
	if (controls)
		probe_add(&probe, "--controls");
	probe_add(&probe, probe_file(name));
	probe_run(&probe, &text);
	if (!*text) {
		free(text);
		return NULL;
	}
	policy = parse(text);
	fuzz_must(policy && probe_is_plain(text));
	hws_policy_unref(policy);
	return text;
}

static char *export_text(const char *text, const char *section)
{
	struct probe probe = { .count = 0 };
	char *list;
	enum result result;

	fuzz_write("policy", text, strlen(text));
	probe_add(&probe, "policy");
	probe_add(&probe, "export");
	if (section) {
		probe_add(&probe, "--section");
		probe_add(&probe, section);
	}
	probe_add(&probe, probe_file("policy"));
	result = probe_run(&probe, &list);
	if (result == RESULT_OK || result == RESULT_PARTIAL)
		return list;
	free(list);
	return NULL;
}

/* Is there a rule of that kind for the register? For writing: one whose mask has all these bits. */
static bool has_rule(const struct hws_policy *policy, bool deny, uint32_t rights, uint64_t msr,
		     uint64_t mask)
{
	struct hws_policy_rule rule;
	uint64_t first;
	uint64_t last;
	uint64_t bits = 0;

	for (uint32_t i = 0; hws_policy_rule_at(policy, i, &rule) == 0; i++) {
		if (rule.kind != HWS_KIND_MSR || rule.deny != deny || !(rule.rights & rights))
			continue;
		for (uint32_t k = 0; hws_policy_rule_span(policy, i, k, &first, &last) == 0; k++) {
			if (msr < first || msr > last)
				continue;
			if (deny || !mask)
				return true;
			bits |= rule.mask;
		}
	}
	return mask && (bits & mask) == mask;
}

/* Each line has a rule that allows it, and none that denies it. */
static void check_allowed(const struct hws_policy *policy, const char *list)
{
	uint64_t msr;
	uint64_t mask;

	for (; list; list = strchr(list, '\n')) {
		list += *list == '\n';
		if (sscanf(list, "0x%" SCNx64 " 0x%" SCNx64, &msr, &mask) != 2)
			continue;
		fuzz_must(has_rule(policy, false, HWS_R, msr, 0));
		fuzz_must(!has_rule(policy, true, HWS_R, msr, 0));
		if (!mask)
			continue;
		fuzz_must(has_rule(policy, false, HWS_W, msr, mask));
		fuzz_must(!has_rule(policy, true, HWS_W, msr, 0));
	}
}

/* A list that was made can be imported, and made again of that it is the same. */
static void round_trip(const char *list)
{
	char *policy;
	char *again;

	fuzz_write("list", list, strlen(list));
	policy = import_file("list", false);
	again = policy ? export_text(policy, NULL) : NULL;
	fuzz_must(policy ? again && !strcmp(list, again) : strchr(list, '\n')[1] == '\0');
	free(policy);
	free(again);
}

static void export_policy(const char *text, const char *section)
{
	struct hws_policy *policy = parse(text);
	char *list = export_text(text, section);

	fuzz_must(policy || !list);
	if (list) {
		check_allowed(policy, list);
		round_trip(list);
	}
	free(list);
	hws_policy_unref(policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t how = fuzz_number(&input, 1);
	size_t length;
	char *text = fuzz_text(&input, &length);
	char *policy;

	/* a command reads text up to a NUL */
	length = strlen(text);
	if (how & IS_POLICY) {
		export_policy(text, how & SECTION ? "a" : NULL);
	} else {
		fuzz_write("list", text, length);
		policy = import_file("list", how & CONTROLS);
		if (policy)
			export_policy(policy, NULL);
		free(policy);
	}
	free(text);
	return 0;
}
