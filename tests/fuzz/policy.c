/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies and accesses: every decision is the same twice, and a window and
 * the single accesses within it don't contradict each other.
 */
#include "guardian/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"

enum { ACCESSES = 64, SINGLES = 8 };

static void told(void *context, const struct hws_policy_error *error)
{
	fuzz_must(error->message[0] && error->file[0]);
	++*(int *)context;
}

/* A root with names in it: "fan" is user and group 1000, "root" is 0. */
static const char *names_root(void)
{
	static const char names[] = "root:x:0:\nfan:x:1000:\n";
	static bool made;
	char path[128];

	if (!made) {
		snprintf(path, sizeof(path), "%s/etc", fuzz_directory());
		fuzz_must(mkdir(path, 0755) == 0);
		fuzz_write("etc/passwd", names, sizeof(names) - 1);
		fuzz_write("etc/group", names, sizeof(names) - 1);
		made = true;
	}
	return fuzz_directory();
}

static struct hws_access some_access(struct fuzz *input)
{
	static const char *const paths[] = { NULL, "/dev/nvme0n1", "/a", "" };
	uint64_t size;
	struct hws_access a = {
		.kind = (enum hws_kind)(fuzz_number(input, 1) % (HWS_KINDS + 1)),
		.rights = (uint32_t)fuzz_number(input, 1) % 33,
		.first = fuzz_odd_number(input),
	};

	size = fuzz_odd_number(input);
	a.last = a.first + size < a.first ? UINT64_MAX : a.first + size;
	a.bdf.bus = (uint8_t)fuzz_number(input, 1) & 1;
	a.bdf.device = (uint8_t)fuzz_number(input, 1) % 33;
	a.vendor = 0x1234;
	a.device = (uint16_t)(0x11e8 + fuzz_number(input, 1) % 2);
	a.class_code = (uint32_t)fuzz_number(input, 3);
	a.bar = (uint32_t)fuzz_number(input, 1) % 7;
	a.cpu = (uint32_t)fuzz_number(input, 1);
	a.path = paths[fuzz_number(input, 1) % 4];
	return a;
}

/* The decision, which must be the same when it is asked for again. */
static int decide(const struct hws_policy_view *view, const struct hws_access *access,
		  struct hws_decision *ret_decision)
{
	struct hws_decision again;
	char text[200];
	int r = hws_policy_check(view, access, ret_decision);

	fuzz_must(hws_policy_check(view, access, &again) == r);
	fuzz_must(hws_policy_explain(view, access, text, sizeof(text)) ==
		  (r == -EINVAL ? -EINVAL : 0));
	if (r == -EINVAL)
		return r;
	fuzz_must(memchr(text, '\0', sizeof(text)));
	fuzz_must(r == ret_decision->code && r == hws_reason_code(ret_decision->reason));
	fuzz_must(again.reason == ret_decision->reason && again.rule == ret_decision->rule &&
		  again.per_access == ret_decision->per_access);
	return r;
}

static void check_window(const struct hws_policy_view *view, const struct hws_access *window,
			 struct fuzz *input)
{
	struct hws_decision decision;
	struct hws_decision inner;
	uint64_t size = window->last - window->first;
	int r = decide(view, window, &decision);

	if (r == -EINVAL)
		return;
	for (uint64_t i = 0; i < SINGLES; i++) {
		uint64_t step = i == 0 ? 0 : i == 1 ? size : fuzz_number(input, 2);
		struct hws_access single = *window;
		int one;

		single.first = single.last = window->first + (step > size ? size : step);
		single.width = 1;
		one = decide(view, &single, &inner);
		/* all of it, not each access of its own: then each access but dangerous writes */
		fuzz_must(r != 0 || decision.per_access || one == 0 ||
			  inner.reason == HWS_REASON_DANGER);
		/* which the window's decision told */
		fuzz_must(!(inner.danger & ~decision.danger));
		/* no deny rule touches the window: none touches an address in it */
		fuzz_must(r != 0 || inner.reason != HWS_REASON_DENY_RULE);
		/* a window of one address is allowed where a single access there is */
		single.width = 0;
		fuzz_must(one != 0 || decide(view, &single, &inner) == 0);
	}
}

/* A single access of any form. */
static void check_single(const struct hws_policy_view *view, struct hws_access access,
			 struct fuzz *input)
{
	struct hws_decision decision;

	access.width = (uint32_t)fuzz_number(input, 1) % 10;
	access.has = (uint32_t)fuzz_number(input, 1) % 4;
	access.value = fuzz_odd_number(input);
	access.old = fuzz_odd_number(input);
	(void)decide(view, &access, &decision);
}

static void check_rules(const struct hws_policy *policy)
{
	uint32_t count = hws_policy_rules(policy);
	struct hws_policy_rule rule;

	for (uint32_t i = 0; i < count; i++) {
		fuzz_must(hws_policy_rule_at(policy, i, &rule) == 0);
		fuzz_must(rule.kind < HWS_KINDS && rule.rights && rule.text[0] && rule.line);
	}
	fuzz_must(hws_policy_rule_at(policy, count, &rule) == -ERANGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	int count = 0;
	struct hws_policy_options options = {
		.size = sizeof(options), .sysroot = names_root(), .error = told, .context = &count
	};
	struct hws_principal who = { .uid = 1000, .gid = 1000, .exe = "/usr/bin/fan" };
	struct hws_policy *policy;
	struct hws_policy_view *view;
	size_t length;
	char *text = fuzz_text(&input, &length);
	int r = hws_policy_parse(&options, "fuzz", text, length, &policy);

	fuzz_must((r == 0) == (count == 0));
	free(text);
	if (r < 0)
		return 0;
	check_rules(policy);
	who.uid = fuzz_number(&input, 1) & 1 ? 0 : 1000;
	if (hws_policy_view_open(policy, &who, &view) == 0) {
		for (int i = 0; i < ACCESSES && input.left; i++) {
			struct hws_access access = some_access(&input);

			check_window(view, &access, &input);
			check_single(view, access, &input);
		}
		hws_policy_view_unref(view);
	}
	hws_policy_unref(policy);
	return 0;
}
