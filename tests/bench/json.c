/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <json.h>

#include "tests/bench/bench-internal.h"

enum { SCHEMA = 1 };

/* Six digits are more than was measured. */
static struct json_object *number(double value)
{
	static char format[] = "%.6g";
	struct json_object *object = json_object_new_double(value);

	if (object)
		json_object_set_serializer(object, json_object_double_to_json_string, format, NULL);
	return object;
}

static struct json_object *interval(const double ci[2])
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(list, number(ci[0]));
	json_object_array_add(list, number(ci[1]));
	return list;
}

static struct json_object *limits(const struct bench_case *of)
{
	struct json_object *object = NULL;

	for (int i = 0; i < BENCH_LIMITS; i++) {
		const struct bench_limit *limit = &of->limits[i];

		if (!bench_kinds[limit->kind].key)
			continue;
		if (!object)
			object = json_object_new_object();
		json_object_object_add(object, bench_kinds[limit->kind].key, number(limit->most));
	}
	return object;
}

/* null: nobody knows */
static struct json_object *holds(enum bench_verdict verdict)
{
	if (verdict == BENCH_NO_LIMIT || verdict == BENCH_NOT_COUNTED)
		return NULL;
	return json_object_new_boolean(verdict == BENCH_HOLDS);
}

static struct json_object *measured(const struct bench_result *result)
{
	const struct bench_case *of = result->of;
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "name", json_object_new_string(of->name));
	json_object_object_add(object, "baseline", json_object_new_string(of->baseline));
	json_object_object_add(object, "ours", number(result->ours));
	json_object_object_add(object, "base", number(result->base));
	json_object_object_add(object, "unit", json_object_new_string(bench_unit(of)));
	json_object_object_add(object, "ratio", number(result->ratio));
	json_object_object_add(object, "ci", interval(result->ci));
	json_object_object_add(object, "noise", number(result->noise));
	json_object_object_add(object, "extra_instructions",
			       result->counter ? number(result->extra_instructions) : NULL);
	json_object_object_add(object, "limit", limits(of));
	json_object_object_add(object, "holds", holds(result->verdict));
	return object;
}

static struct json_object *unmeasured(const struct bench_result *result)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "name", json_object_new_string(result->of->name));
	json_object_object_add(object, "verdict",
			       json_object_new_string(bench_verdict_text(result->verdict)));
	json_object_object_add(object, "why", json_object_new_string(result->why));
	return object;
}

int bench_print_json(const struct bench_run *run, const struct bench_result *results, size_t n)
{
	struct json_object *all = json_object_new_object();
	struct json_object *good = json_object_new_array();
	struct json_object *bad = json_object_new_array();
	const char *text;

	for (size_t i = 0; i < n; i++) {
		if (results[i].why[0])
			json_object_array_add(bad, unmeasured(&results[i]));
		else
			json_object_array_add(good, measured(&results[i]));
	}
	json_object_object_add(all, "schema", json_object_new_int(SCHEMA));
	json_object_object_add(all, "suite", json_object_new_string(run->suite));
	json_object_object_add(all, "results", good);
	if (json_object_array_length(bad) > 0)
		json_object_object_add(all, "unmeasured", json_object_get(bad));
	text = json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
							   JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		fprintf(run->env->out, "%s\n", text);
	json_object_put(all);
	json_object_put(bad);
	return text ? 0 : -ENOMEM;
}
