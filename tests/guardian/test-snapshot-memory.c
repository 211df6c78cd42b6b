/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot without memory: each call that takes some is wrapped, and fails once. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/guardian/test-snapshot.h"

static long left = -1; /* calls until one fails; negative: none does */

static bool full; /* the stream can be had, but takes nothing */

static FILE *stream(void)
{
	return full ? fopen("/dev/full", "w") : NULL;
}

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

#define WRAP(type, name, parameters, arguments, failed)            \
	type __real_##name parameters;                             \
	type __wrap_##name parameters;                             \
	type __wrap_##name parameters                              \
	{                                                          \
		return fails() ? failed : __real_##name arguments; \
	}

#define JSON struct json_object

WRAP(JSON *, json_object_new_object, (void), (), NULL)
WRAP(JSON *, json_object_new_int, (int32_t i), (i), NULL)
WRAP(JSON *, json_object_new_int64, (int64_t i), (i), NULL)
WRAP(JSON *, json_object_new_uint64, (uint64_t i), (i), NULL)
WRAP(JSON *, json_object_new_string, (const char *s), (s), NULL)
WRAP(JSON *, json_object_new_double_s, (double d, const char *s), (d, s), NULL)
WRAP(int, json_object_object_add, (JSON * to, const char *key, JSON *of), (to, key, of), -1)
WRAP(const char *, json_object_to_json_string_ext, (JSON * from, int how), (from, how), NULL)
WRAP(char *, strdup, (const char *s), (s), NULL)
WRAP(FILE *, open_memstream, (char **text, size_t *size), (text, size), stream())

START_TEST(json_is_whole_or_not_there)
{
	struct hws *hw = snapshot_context();
	struct hws_snapshot now = snapshot_of(hw);
	char *text = NULL;
	long n = 0;
	int r;

	do {
		ck_assert_ptr_null(text);
		left = n++;
		r = hws_snapshot_json(&now, &text);
		left = -1;
		ck_assert(r == 0 || r == -ENOMEM);
	} while (r < 0);
	/* a number and its place for each field at least */
	ck_assert_int_gt(n, 2 * (HWS_REASONS + 3 * HWS_KINDS + 14 * HWS_RESOURCES));
	free(text);
	hws_close(hw);
}
END_TEST

START_TEST(metrics_are_whole_or_not_there)
{
	struct hws *hw = snapshot_context();
	struct hws_snapshot now = snapshot_of(hw);
	char *text = NULL;

	for (int i = 0; i < 2; i++) {
		full = i;
		left = 0;
		ck_assert_int_eq(hws_snapshot_openmetrics(&now, 0, &text), -ENOMEM);
		left = -1;
		ck_assert_ptr_null(text);
	}
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("guardian/snapshot-memory", (const TTest *[]) {
							     json_is_whole_or_not_there,
							     metrics_are_whole_or_not_there,
							     NULL,
						     });
}
