/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is odd about policies, by examples. */
#include "guardian/lint.h"

#include <stdio.h>
#include <string.h>

#include "tests/suite.h"

static struct hws_policy *policy_of(const char *text)
{
	struct hws_policy *policy = NULL;

	ck_assert_int_eq(hws_policy_parse(NULL, "p", text, strlen(text), &policy), 0);
	return policy;
}

struct told {
	char text[4096];
	size_t length;
	char last[512];
};

/* "dead 1 0; " with the rules' indices. */
static void tell(const struct hws_policy_finding *finding, void *context)
{
	struct told *told = context;

	told->length += (size_t)snprintf(told->text + told->length,
					 sizeof(told->text) - told->length, "%s %u",
					 hws_lint_name(finding->lint), finding->rule);
	if (finding->other != HWS_POLICY_NO_RULE)
		told->length += (size_t)snprintf(told->text + told->length,
						 sizeof(told->text) - told->length, " %u",
						 finding->other);
	told->length += (size_t)snprintf(told->text + told->length,
					 sizeof(told->text) - told->length, "; ");
	snprintf(told->last, sizeof(told->last), "%s", finding->text);
	ck_assert_int_eq(finding->danger != 0, finding->lint == HWS_LINT_DANGER);
}

static const struct row {
	const char *rules; /* of a section for user 7 */
	const char *told;
} rows[] = {
	{ "port = 1 rw\nport = 2 rw\n", "" },
	/* dead */
	{ "port = 1-2 rw\ndeny port = 0-9\n", "dead 0 1; " },
	{ "deny port = 0-9\nport = 1-2 rw\n", "dead 1 0; " },
	{ "deny port = 0-9 w\nport = 1-2 rw\n", "" },
	{ "deny port = 0-9 w\nport = 1-2 w\n", "dead 1 0; " },
	{ "deny port = 2-9\nport = 1-2 rw\n", "" },
	{ "deny msr = 1 cpus 0\nmsr = 1 r\n", "" },
	{ "deny msr = 1 cpus 0-3\nmsr = 1 r, cpus 0\n", "dead 1 0; " },
	{ "deny pci = *\npci = 1234:11e8 r\n", "dead 1 0; " },
	{ "deny pci = 1234:*\npci = 1234:11e8 r\n", "dead 1 0; " },
	{ "deny pci = 1234:11e8\npci = 1234:* r\n", "" },
	{ "deny pci = 4321:*\npci = 1234:* r\n", "" },
	{ "deny pci = 00:03.0\npci = 1234:* r\n", "" },
	{ "deny pci = 00:03.*\npci = 0000:00:03.0 r\n", "dead 1 0; " },
	{ "deny pci = class 0x06\npci = class 0x0604 r\n", "dead 1 0; " },
	{ "deny ring = *\nring = /a r\n", "dead 1 0; " },
	{ "deny ring = /b\nring = /a r\n", "" },
	{ "deny bar = * 0\nbar = 1234:11e8 0 r\n", "dead 1 0; " },
	{ "deny bar = * 1\nbar = 1234:11e8 0 r\n", "" },
	/* shadowed */
	{ "port = 0-9 rw\nport = 1-2 r\n", "shadowed 1 0; " },
	{ "port = 1-2 r\nport = 0-9 rw\n", "shadowed 0 1; " },
	{ "port = 1-2 r, rate 5/s\nport = 0-9 rw\n", "overlap 1 0; " },
	{ "port = 1 r\nport = 1 r\n", "shadowed 1 0; " },
	{ "deny port = 1\ndeny port = 0-9\n", "shadowed 0 1; " },
	{ "deny port = 0-9\ndeny port = 1\n", "shadowed 1 0; " },
	{ "deny port = 0-5\ndeny port = 3-9\n", "" },
	{ "dma = 1234:11e8 max 16M\ndma = 1234:11e8 max 8M\n", "shadowed 1 0; " },
	{ "msr = 1 rw, value 0-9\nmsr = 1 rw, value 3 5\n", "shadowed 1 0; " },
	/* loosened */
	{ "msr = 1 rw, value 3\nmsr = 1 rw, value 0-9\n", "loosened 0 1; " },
	{ "msr = 1 rw, mask 0xff\nmsr = 0-9 rw\n", "loosened 0 1; " },
	{ "msr = 0-9 rw\nmsr = 1 rw, mask 0xff\n", "shadowed 1 0; " },
	{ "msr = 0-9 rw\nmsr = 1-10 rw, mask 0xff\n", "loosened 1 0; " },
	{ "port = 0-9 rw, width 1\nport = 5-12 rw\n", "loosened 0 1; " },
	{ "msr = 1 rw, mask 0xff\nmsr = 1 rw, mask 0xf00\n", "overlap 1 0; " },
	/* overlap */
	{ "port = 0-5 rw\nport = 3-9 rw\n", "overlap 1 0; " },
	{ "port = 0-5 r\nport = 3-9 w\n", "" },
	{ "pci = 1234:11e8 r\npci = 00:03.0 r\n", "overlap 1 0; " },
	{ "msr = 1 r, cpus 0\nmsr = 1 r, cpus 1\n", "" },
	{ "port = 0-1 8-9 rw\nport = 4-5 rw\n", "" },
	/* danger, wide */
	{ "port = 0xcf9 rw\n", "" },
	{ "port = 0xcf9 rw danger reset\n", "danger 0; " },
	{ "port = 0xcf9 r danger reset\n", "" },
	{ "port = 0x60 rw danger\n", "" },
	{ "pci = 1234:11e8, config 0x18 rw danger bridge\n", "danger 0; " },
	{ "pci = class 0x0200, config 0x18 rw danger bridge\n", "" },
	{ "pci = class 0x0604, config 0x18 rw danger bridge\n", "danger 0; " },
	{ "port = * rw\n", "wide 0; " },
	{ "port = * r\n", "" },
	{ "ring = * rw\n", "wide 0; " },
	{ "dma = *\n", "wide 0; " },
	{ "bar = * * rw\n", "wide 0; " },
	{ "bar = 1234:11e8 0 rw\n", "" },
};

static void check_row(const char *text, const char *expected)
{
	struct hws_policy *policy = policy_of(text);
	struct told told = { .length = 0 };

	ck_assert_int_eq(hws_policy_lint(policy, tell, &told), 0);
	ck_assert_msg(!strcmp(told.text, expected), "%s\nexpected: %s\nfound: %s", text, expected,
		      told.text);
	hws_policy_unref(policy);
}

START_TEST(lint_finds_what_is_odd)
{
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "[a]\nuser = 7\n%s", rows[i].rules);
		check_row(text, rows[i].told);
	}
}
END_TEST

static const struct row sections[] = {
	{ "[a]\nuser = 1\nport = 1 r\n[b]\nuser = 2\nport = 1 r\n", "" },
	{ "[a]\nuser = 1\nport = 1 r\n[b]\nuser = 1 2\nport = 1 r\n", "shadowed 0 1; " },
	{ "[a]\nuser = 1\nport = 1 r\n[b]\nport = 1 r\n", "shadowed 0 1; " },
	{ "[a]\nport = 1 r\n[b]\nuser = 1\nport = 1 r\n", "shadowed 1 0; " },
	{ "[a]\nuser = 1\nport = 1 r\n[b]\ngroup = 1\nport = 1 r\n", "overlap 1 0; " },
	{ "[a]\nexe = /a\nport = 1 r\n[b]\nexe = /b\nport = 1 r\n", "" },
	{ "[a]\nexe = /a\nport = 1 r\n[b]\nexe = /b\nexe = /a\nport = 1 r\n", "shadowed 0 1; " },
	{ "[a]\nuser = 1\ndeny port = 1\n[b]\nport = 1 r\n", "" },
	{ "[a]\ndeny port = 1\n[b]\nuser = 1\nport = 1 r\n", "dead 1 0; " },
	{ "[a]\nport = 1 rw\n", "anybody 0; " },
	{ "[a]\ngroup = 1\nport = 1 rw\n", "" },
};

START_TEST(lint_knows_whom_sections_are_for)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		check_row(sections[i].rules, sections[i].told);
}
END_TEST

START_TEST(lint_names_the_dangers)
{
	struct hws_policy *policy = policy_of("[a]\nuser = 7\nport = 0xcf8-0xcff rw danger\n");
	struct told told = { .length = 0 };

	ck_assert_int_eq(hws_policy_lint(policy, tell, &told), 0);
	ck_assert_str_eq(told.last, "it opens what resets the machine, reaches every device's "
				    "configuration space");
	hws_policy_unref(policy);
	ck_assert_str_eq(hws_lint_name(HWS_LINTS), "?");
}
END_TEST

START_TEST(lint_of_the_builtin_finds_nothing)
{
	check_row(hws_policy_builtin(), "");
}
END_TEST

int main(void)
{
	return suite_run("guardian/policy-lint", (const TTest *[]) {
							 lint_finds_what_is_odd,
							 lint_knows_whom_sections_are_for,
							 lint_names_the_dangers,
							 lint_of_the_builtin_finds_nothing,
							 NULL,
						 });
}
