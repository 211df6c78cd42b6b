/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/fake.h"
#include "tests/suite.h"

static int open_contexts;

static int setup_counts(const struct bench_case *of, void **ret_context)
{
	open_contexts++;
	*ret_context = (void *)(uintptr_t)of->arg;
	return 0;
}

static void teardown_counts(void *context)
{
	ck_assert_str_eq(context, "argument");
	open_contexts--;
}

static const struct bench_case lent[] = {
	{ FAKE_ROW("lent", fake_10, fake_10), .setup = setup_counts, .teardown = teardown_counts,
	  .arg = "argument" },
	{ 0 },
};
static const struct bench_case refused[] = {
	{ FAKE_ROW("good", fake_10, fake_10), .limits = { { BENCH_RATIO, 1 } } },
	{ FAKE_ROW("refused", fake_10, fake_10), .setup = fake_refused },
	{ 0 },
};
static const struct bench_case broken[] = { { FAKE_ROW("broken", fake_fails, fake_10) }, { 0 } };
static const struct bench_case frozen[] = { { FAKE_ROW("frozen", fake_0, fake_0) }, { 0 } };

/* What a run printed. */
struct printed {
	char *out;
	char *err;
};

static int run(const struct bench_case *cases, const char *arguments, struct printed *ret)
{
	char *argv[8] = { "bench-fake" };
	char words[128];
	char *rest = words;
	int argc = 1;
	size_t size;
	struct bench_env env = { .clock = fake_clock };
	int r;

	snprintf(words, sizeof(words), "%s", arguments);
	for (char *word; (word = strsep(&rest, " ")) && *word;)
		argv[argc++] = word;
	env.out = open_memstream(&ret->out, &size);
	env.err = open_memstream(&ret->err, &size);
	r = bench_run("fake", cases, &env, argc, argv);
	fclose(env.out);
	fclose(env.err);
	return r;
}

static void forget(struct printed *printed)
{
	free(printed->out);
	free(printed->err);
}

static struct json_object *field(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	ck_assert_msg(json_object_object_get_ex(object, key, &value), "no %s", key);
	return value;
}

START_TEST(json_has_every_key)
{
	static const char *const numbers[] = { "ours", "base", "ratio", "noise" };
	struct printed printed;
	struct json_object *all;
	struct json_object *row;

	ck_assert_int_eq(run(fake_twice, "--json --quick", &printed), 0);
	all = json_tokener_parse(printed.out);
	ck_assert_int_eq(json_object_get_int(field(all, "schema")), 1);
	ck_assert_str_eq(json_object_get_string(field(all, "suite")), "fake");
	ck_assert_uint_eq(json_object_array_length(field(all, "results")), 1);
	ck_assert(!json_object_object_get_ex(all, "unmeasured", NULL));
	row = json_object_array_get_idx(field(all, "results"), 0);
	ck_assert_str_eq(json_object_get_string(field(row, "name")), "twice");
	ck_assert_str_eq(json_object_get_string(field(row, "baseline")), "base line");
	ck_assert_str_eq(json_object_get_string(field(row, "unit")), "ns/op");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		ck_assert(json_object_is_type(field(row, numbers[i]), json_type_double));
	ck_assert_double_eq(json_object_get_double(field(row, "ratio")), 2);
	ck_assert_uint_eq(json_object_array_length(field(row, "ci")), 2);
	ck_assert_ptr_null(field(row, "extra_instructions"));
	ck_assert_double_eq(json_object_get_double(field(field(row, "limit"), "max_ratio")), 1.5);
	ck_assert(!json_object_get_boolean(field(row, "holds")));
	json_object_put(all);
	forget(&printed);
}
END_TEST

START_TEST(json_keeps_the_skipped_apart)
{
	struct printed printed;
	struct json_object *all;
	struct json_object *row;

	ck_assert_int_eq(run(refused, "--json --quick", &printed), 0);
	all = json_tokener_parse(printed.out);
	ck_assert_uint_eq(json_object_array_length(field(all, "results")), 1);
	row = json_object_array_get_idx(field(all, "unmeasured"), 0);
	ck_assert_str_eq(json_object_get_string(field(row, "name")), "refused");
	ck_assert_str_eq(json_object_get_string(field(row, "why")),
			 "no such device in this machine");
	json_object_put(all);
	forget(&printed);
}
END_TEST

START_TEST(table_has_a_verdict)
{
	struct printed printed;

	ck_assert_int_eq(run(fake_twice, "", &printed), 0);
	ck_assert_ptr_nonnull(strstr(printed.out, "2.000"));
	ck_assert_ptr_nonnull(strstr(printed.out, "MISSED"));
	ck_assert_ptr_nonnull(strstr(printed.out, "ratio <= 1.5; base line"));
	ck_assert_str_eq(printed.err, "");
	forget(&printed);
	ck_assert_int_eq(run(refused, "", &printed), 0);
	ck_assert_ptr_nonnull(strstr(printed.out, "skipped: no such device in this machine"));
	forget(&printed);
}
END_TEST

START_TEST(progress_shows_on_long_runs)
{
	struct printed printed;

	ck_assert_int_eq(run(fake_same, "--seconds 12", &printed), 0);
	ck_assert_ptr_nonnull(strstr(printed.err, "bench-fake: same 4"));
	forget(&printed);
}
END_TEST

START_TEST(contexts_are_given_back)
{
	struct printed printed;

	ck_assert_int_eq(run(lent, "--quick", &printed), 0);
	ck_assert_int_eq(open_contexts, 0);
	forget(&printed);
}
END_TEST

START_TEST(exit_code_tells_how_it_went)
{
	static const struct {
		const struct bench_case *cases;
		const char *arguments;
		int code;
	} rows[] = {
		{ fake_same, "--check", 0 },
		{ fake_twice, "", 0 },
		{ fake_twice, "--check", 1 },
		{ refused, "", 0 },
		{ refused, "--check", 1 },
		{ refused, "--check --filter good", 0 },
		{ broken, "", 1 },
		{ frozen, "", 1 },
		{ fake_same, "--help", 0 },
		{ fake_same, "--list", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct printed printed;

		ck_assert_msg(run(rows[i].cases, rows[i].arguments, &printed) == rows[i].code,
			      "%s: '%s'", rows[i].cases->name, rows[i].arguments);
		ck_assert_str_ne(printed.out, "");
		forget(&printed);
	}
}
END_TEST

START_TEST(failure_names_its_cause)
{
	struct printed printed;

	ck_assert_int_eq(run(broken, "", &printed), 1);
	ck_assert_ptr_nonnull(strstr(printed.out, "FAILED: Input/output error"));
	forget(&printed);
	ck_assert_int_eq(run(frozen, "", &printed), 1);
	ck_assert_ptr_nonnull(strstr(printed.out, "FAILED: takes no time"));
	forget(&printed);
}
END_TEST

START_TEST(bad_arguments_are_one_clear_line)
{
	static const struct {
		const char *arguments;
		const char *says;
	} rows[] = {
		{ "--frobnicate", "'--frobnicate'" },
		{ "--quick --frobnicate=3", "'--frobnicate=3'" },
		{ "-xy", "'-xy'" },
		{ "--json=yes", "'--json=yes'" },
		{ "--seconds", "'--seconds'" },
		{ "--seconds 0", "'0'" },
		{ "--seconds -1", "'-1'" },
		{ "--seconds nan", "'nan'" },
		{ "--seconds 1s", "'1s'" },
		{ "--seconds 3601", "'3601'" },
		{ "--filter nothing", "'nothing'" },
		{ "same", "'same'" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct printed printed;

		ck_assert_int_eq(run(fake_same, rows[i].arguments, &printed), 2);
		ck_assert_str_eq(printed.out, "");
		ck_assert_msg(strstr(printed.err, rows[i].says) != NULL, "%s", printed.err);
		ck_assert_ptr_eq(strchr(printed.err, '\n'), printed.err + strlen(printed.err) - 1);
		forget(&printed);
	}
}
END_TEST

int main(void)
{
	return suite_run("bench",
			 (const TTest *[]) { json_has_every_key, json_keeps_the_skipped_apart,
					     table_has_a_verdict, progress_shows_on_long_runs,
					     contexts_are_given_back, exit_code_tells_how_it_went,
					     failure_names_its_cause,
					     bad_arguments_are_one_clear_line, NULL });
}
