/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/guardian/sim-context.h"

START_TEST(open_refuses_what_makes_no_sense)
{
	static const struct hws_options bad[] = {
		{ .size = 1 },
		{ .size = sizeof(bad[0]), .backend = "warp" },
		{ .size = sizeof(bad[0]), .sysroot = "/nowhere/at/all" },
		{ .size = sizeof(bad[0]), .backend = "sim", .sim = "nonsense" },
		{ .size = sizeof(bad[0]), .backend = "sim", .policy_text = "port = 0x70-" },
		{ .size = sizeof(bad[0]), .backend = "sim", .caps = { { .percent = 101 } } },
	};
	struct hws *hw = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = hws_open(&bad[i], &hw);

		ck_assert_msg(r < 0 && !hw, "row %zu was taken", i);
		ck_assert_str_ne(hws_why(), "");
		ck_assert_int_gt(hws_explain(r, NULL), 0);
	}
	ck_assert_int_eq(hws_open(NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(backend_is_chosen_and_the_others_say_why_not)
{
	struct hws_options options = sim_with(NULL);
	struct hws *hw;

	ck_ok(hws_open(&options, &hw));
	ck_assert_str_eq(hws_backend(hw), "sim");
	ck_assert_str_eq(hws_backend_tried(hw, 1)->name, "native");
	ck_assert_int_eq(hws_backend_tried(hw, 1)->code, -ECANCELED);
	ck_assert_str_ne(hws_backend_tried(hw, 1)->why, "");
	ck_assert_str_eq(hws_backend_tried(hw, 2)->name, "broker");
	ck_assert_int_eq(hws_backend_tried(hw, 2)->code, -ECANCELED);
	ck_assert_int_eq(hws_backend_tried(hw, 3)->code, 0);
	ck_assert_ptr_null(hws_backend_tried(hw, 4)); /* it was the last that was needed */
	hws_close(hw);
	options.backend = NULL;
	if (hws_open(&options, &hw) == 0) {
		ck_assert_str_eq(hws_backend(hw), "native");
		hws_close(hw);
	}
}
END_TEST

START_TEST(explain_gives_each_error_its_status)
{
	static const struct {
		int code;
		int status;
	} rows[] = { { 0, 0 },		 { -EACCES, 4 }, { -EPERM, 5 },	 { -EDQUOT, 7 },
		     { -EBUSY, 7 },	 { -ENODEV, 3 }, { -EINVAL, 2 }, { -ERANGE, 2 },
		     { -EOPNOTSUPP, 6 }, { -ENXIO, 6 },	 { -EIO, 1 },	 { -EPIPE, 1 } };
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(hws_explain(rows[i].code, file), rows[i].status);
	fclose(file);
	ck_assert_ptr_nonnull(strstr(text, "still works"));
	free(text);
}
END_TEST

START_TEST(reserve_holds_and_tokens_are_used_once)
{
	struct hws_options options = sim_with(NULL);
	struct hws *hw;
	struct hws_token token;
	struct hws_token second = { 0 };

	options.caps[HWS_IRQ] = (struct hws_cap_limit) { .absolute = 10 };
	ck_ok(hws_open(&options, &hw));
	ck_ok(hws_guardian_reserve(hw, HWS_IRQ, 10, &token));
	ck_assert_int_eq(hws_guardian_reserve(hw, HWS_IRQ, 1, &second), -EDQUOT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "irq"));
	ck_ok(hws_guardian_release(hw, token));
	ck_assert_int_eq(hws_guardian_release(hw, token), -ESTALE);
	ck_assert_int_eq(hws_guardian_release(hw, second), -ESTALE);
	hws_close(hw);
}
END_TEST

START_TEST(reason_for_no_backend_is_told_whole)
{
	char text[128];
	struct hws_options options;
	struct hws *hw;

	memset(text, 'a', 60);
	strcpy(text + 60, " = 1");
	options = sim_with(text);
	options.backend = "plugin"; /* its rules are read while it is tried */
	options.plugin = "/nowhere.so";
	ck_assert_int_eq(hws_open(&options, &hw), -EBADMSG);
	ck_assert_msg(strstr(hws_why(), "cpuid, plugin"), "%s", hws_why());
}
END_TEST

START_TEST(grants_of_another_root_are_refused_as_such)
{
	struct hws_options options = sim_with(NULL);
	struct hws *hw;

	options.backend = "grants";
	options.sysroot = "/tmp";
	ck_assert_int_eq(hws_open(&options, &hw), -EINVAL);
	ck_assert_msg(strstr(hws_why(), "another root") && !strstr(hws_why(), "no back end"), "%s",
		      hws_why());
}
END_TEST

START_TEST(plugin_that_was_named_is_meant_in_another_root_too)
{
	struct hws_options options = {
		.size = sizeof(options),
		.sysroot = "/",
		.policy_directory = "/nowhere/policy.d",
		.policy_text = "plugin = /nowhere.so unsigned",
		.plugin = "/nowhere.so",
	};
	struct hws *hw;

	ck_assert_int_eq(hws_open(&options, &hw), -ENOENT);
	ck_assert_msg(strstr(hws_why(), "/nowhere.so"), "%s", hws_why());
}
END_TEST

static int read_nothing(void *self, struct hws_usage *ret_usage)
{
	(void)self;
	(void)ret_usage;
	return 0;
}

START_TEST(reader_that_can_not_be_is_refused_in_words)
{
	const struct hws_reader reader = { read_nothing, NULL };
	struct hws *hw = open_with(NULL);

	ck_assert_int_eq(hws_guardian_set_reader(hw, HWS_RESOURCES, &reader), -EINVAL);
	ck_assert_msg(strstr(hws_why(), "a reader is a function"), "%s", hws_why());
	ck_ok(hws_guardian_set_reader(hw, HWS_RAM, &reader));
	ck_assert_int_eq(hws_guardian_set_reader(hw, HWS_RAM, &reader), -EALREADY);
	ck_assert_msg(strstr(hws_why(), "ram was set before"), "%s", hws_why());
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("guardian/context",
			 (const TTest *[]) { open_refuses_what_makes_no_sense,
					     backend_is_chosen_and_the_others_say_why_not,
					     explain_gives_each_error_its_status,
					     reserve_holds_and_tokens_are_used_once,
					     reason_for_no_backend_is_told_whole,
					     grants_of_another_root_are_refused_as_such,
					     plugin_that_was_named_is_meant_in_another_root_too,
					     reader_that_can_not_be_is_refused_in_words, NULL });
}
