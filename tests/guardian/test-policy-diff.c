/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What two policies decide differently, by examples. */
#include <stdio.h>
#include <string.h>

#include "guardian/lint.h"
#include "tests/suite.h"

static struct hws_policy *policy_of(const char *text)
{
	struct hws_policy *policy = NULL;

	ck_assert_int_eq(hws_policy_parse(NULL, "p", text, strlen(text), &policy), 0);
	return policy;
}

struct told {
	char text[2048];
	size_t length;
};

static void tell_id(struct told *told, char letter, uint32_t id)
{
	if (id != HWS_POLICY_ANYBODY)
		told->length += (size_t)snprintf(told->text + told->length,
						 sizeof(told->text) - told->length, "%c%u ", letter,
						 id);
}

/* "possible u7 1-2 0x3; " */
static void tell(const struct hws_policy_change *change, void *context)
{
	struct told *told = context;

	told->length += (size_t)snprintf(told->text + told->length,
					 sizeof(told->text) - told->length, "%s ",
					 hws_change_name(change->change));
	tell_id(told, 'u', change->uid);
	tell_id(told, 'g', change->gid);
	tell_id(told, 'g', change->group);
	told->length +=
		(size_t)snprintf(told->text + told->length, sizeof(told->text) - told->length,
				 "%llu-%llu %u; ", (unsigned long long)change->access.first,
				 (unsigned long long)change->access.last, change->access.rights);
	ck_assert(change->has_rule || change->change == HWS_CHANGE_IMPOSSIBLE);
}

static const struct row {
	const char *before;
	const char *after;
	const char *told;
} rows[] = {
	{ "[a]\nport = 1-5 rw\n", "[b]\nport = 1-2 rw\nport = 3-5 r w\n", "" },
	{ "[a]\nport = 1-5 r\n", "[a]\nport = 1-9 r\n", "possible 6-9 1; " },
	{ "[a]\nport = 1-5 r\n", "[a]\nport = 1-5 rw\n", "possible 1-5 2; " },
	{ "[a]\nport = 1-5 rw\n", "[a]\nport = 3-9 rw\n", "possible 6-9 3; impossible 1-2 3; " },
	{ "[a]\nport = 1-5 rw\n", "[a]\nport = 1-5 rw\ndeny port = 2 w\n", "impossible 2-2 2; " },
	{ "[a]\nuser = 7\nport = 1 r\n", "[a]\nuser = 8\nport = 1 r\n",
	  "possible u8 1-1 1; impossible u7 1-1 1; " },
	{ "[a]\nuser = 7\nport = 1 r\n", "[a]\nport = 1 r\n", "possible 1-1 1; " },
	{ "[a]\nport = 1 r\n", "[a]\nuser = 7\nport = 1 r\n", "impossible 1-1 1; " },
	{ "[a]\nmsr = 1 rw, mask 0xff\n", "[a]\nmsr = 1 rw\n", "limits 1-1 3; " },
	{ "[a]\nmsr = 1 rw, value 1-3\n", "[a]\nmsr = 1 rw, value 1-4\n", "limits 1-1 3; " },
	{ "[a]\nmsr = 1 r, rate 5/s\n", "[a]\nmsr = 1 r, rate 6/s\n", "limits 1-1 1; " },
	{ "[a]\ndma = * max 1M\n", "[a]\ndma = * max 2M\n", "limits 0-0 3; " },
	{ "[a]\nmsr = 1 r\n", "[a]\nmsr = 1 r, cpus 0\n", "impossible 1-1 1; " },
	{ "[a]\nring = /a r\n", "[a]\nring = * r\n", "possible 0-0 1; " },
	{ "[a]\nbar = 1234:11e8 0 r\n", "[a]\nbar = 1234:* 0 r\n",
	  "possible 0-18446744073709551615 1; " },
	/* somebody and something that an allow and a deny rule both mean */
	{ "[a]\nuser = 7\nport = 1 r\n[b]\ngroup = 5\ndeny port = 1\n",
	  "[a]\nuser = 7\nport = 1 r\n", "possible u7 g5 1-1 1; " },
	{ "[a]\ngroup = 4\nport = 1 r\n",
	  "[a]\ngroup = 4\nport = 1 r\n[b]\ngroup = 5\ndeny port = 1\n",
	  "impossible g4 g5 1-1 1; " },
	{ "[a]\npci = 00:03.0 r\n", "[a]\npci = 00:03.0 r\ndeny pci = 1234:11e8\n",
	  "impossible 0-4095 1; " },
	{ "[a]\nuser = 7\nport = 1 r\n",
	  "[a]\nuser = 7\nport = 1 r\n[b]\nuser = 8\ndeny port = 1\n", "" },
};

START_TEST(diff_tells_what_changed)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hws_policy *before = policy_of(rows[i].before);
		struct hws_policy *after = policy_of(rows[i].after);
		struct told told = { .length = 0 };

		ck_assert_int_eq(hws_policy_diff(before, after, tell, &told), 0);
		ck_assert_msg(!strcmp(told.text, rows[i].told), "%s%s\nexpected: %s\nfound: %s",
			      rows[i].before, rows[i].after, rows[i].told, told.text);
		hws_policy_unref(before);
		hws_policy_unref(after);
	}
}
END_TEST

START_TEST(diff_of_a_policy_with_itself_is_empty)
{
	struct hws_policy *policy = policy_of(hws_policy_builtin());
	struct told told = { .length = 0 };

	ck_assert_int_eq(hws_policy_diff(policy, policy, tell, &told), 0);
	ck_assert_str_eq(told.text, "");
	hws_policy_unref(policy);
	ck_assert_str_eq(hws_change_name(HWS_CHANGES), "?");
}
END_TEST

int main(void)
{
	return suite_run("guardian/policy-diff",
			 (const TTest *[]) { diff_tells_what_changed,
					     diff_of_a_policy_with_itself_is_empty, NULL });
}
