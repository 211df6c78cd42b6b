/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/guardian/test-snapshot.h"

/* A snapshot with a number of its own in every field that a text may show. */
static struct hws_snapshot sample(void)
{
	struct hws *hw = snapshot_context();
	struct hws_snapshot now = snapshot_of(hw);

	now.rules = 1;
	now.caps[HWS_RAM].pressure = 1234;
	now.caps[HWS_RAM].error = -ENOENT;
	now.caps[HWS_RAM].capacity = UINT64_MAX;
	now.caps[HWS_IRQ].surge_window_ns = 1500000000;
	now.denied[HWS_REASON_GUARD] = 4711;
	now.kinds[HWS_KIND_MSR].handles_open = 3;
	now.audit.rotations = 2;
	hws_close(hw);
	return now;
}

static struct json_object *at(struct json_object *from, const char *path)
{
	char copy[128];
	char *rest = copy;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *key = strsep(&rest, "/"); key; key = strsep(&rest, "/"))
		ck_assert_msg(json_object_object_get_ex(from, key, &from), "no '%s' of %s", key,
			      path);
	return from;
}

START_TEST(json_has_every_number)
{
	static const struct {
		const char *path;
		const char *value;
	} rows[] = {
		{ "schema_version", "1" },
		{ "backend", "\"sim\"" },
		{ "policy/rules", "1" },
		{ "caps/ram/pressure_percent", "12.34" },
		{ "caps/ram/error", "-2" },
		{ "caps/ram/capacity", "18446744073709551615" },
		{ "caps/irq/ceiling", "10" },
		{ "caps/irq/surge_window_ns", "1500000000" },
		{ "guards/mmio-read/limit", "10000" },
		{ "guards/cpuid/window_ns", "0" },
		{ "denials/guard", "4711" },
		{ "denials/no-rule", "0" },
		{ "kinds/msr/handles_open", "3" },
		{ "audit/rotations", "2" },
	};
	struct hws_snapshot now = sample();
	struct json_object *root;
	char *text;

	ck_ok(hws_snapshot_json(&now, &text));
	root = json_tokener_parse(text);
	ck_assert_ptr_nonnull(root);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(json_object_to_json_string(at(root, rows[i].path)), rows[i].value);
	ck_assert_uint_eq(json_object_get_uint64(at(root, "time_ns")), now.time);
	ck_assert_int_eq(json_object_get_int(at(root, "pid")), now.pid);
	ck_assert_uint_eq(json_object_get_uint64(at(root, "metadata_bytes")), now.metadata);
	ck_assert_int_eq(json_object_object_length(at(root, "denials")), HWS_REASONS - 1);
	ck_assert_int_eq(json_object_object_length(at(root, "caps")), HWS_RESOURCES);
	ck_assert_int_eq(json_object_object_length(at(root, "guards")), HWS_GUARDS);
	ck_assert_int_eq(json_object_object_length(at(root, "kinds")), HWS_KINDS);
	json_object_put(root);
	free(text);
}
END_TEST

START_TEST(metrics_have_every_number)
{
	static const char *const lines[] = {
		"hwsafe_cap_pressure_ratio{resource=\"ram\"} 0.1234\n",
		"hwsafe_cap_error{resource=\"ram\"} -2\n",
		"hwsafe_cap_capacity{resource=\"ram\"} 18446744073709551615\n",
		"hwsafe_cap_surge_window_seconds{resource=\"irq\"} 1.500000000\n",
		"hwsafe_denials_total{reason=\"guard\"} 4711\n",
		"hwsafe_handles_open{kind=\"msr\"} 3\n",
		"hwsafe_audit_rotations_total 2\n",
		"# UNIT hwsafe_metadata_bytes bytes\n",
		"# TYPE hwsafe_policy_rules gauge\n",
		"# TYPE hwsafe_denials_total counter\n",
	};
	struct hws_snapshot now = sample();
	char *text;

	ck_ok(hws_snapshot_openmetrics(&now, 0, &text));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(text, lines[i]), "no line %s", lines[i]);
	ck_assert_ptr_null(strstr(text, "reason=\"none\""));
	free(text);
}
END_TEST

/* What stands in a line, between spaces; NULL at its end. */
static const char *word(char **line)
{
	return strsep(line, " ");
}

struct family {
	char name[96];
	bool counter;
	bool helped;
	bool typed;
	unsigned int samples;
};

static void check_family(const struct family *family)
{
	ck_assert_msg(family->helped && family->typed && family->samples, "%s", family->name);
}

/* "# HELP name text", "# TYPE name type", "# UNIT name unit". */
static void read_comment(char *line, struct family *family)
{
	const char *what = (word(&line), word(&line));
	const char *name = word(&line);

	if (strcmp(name, family->name) != 0) {
		if (family->name[0])
			check_family(family);
		*family = (struct family) { 0 };
		snprintf(family->name, sizeof(family->name), "%s", name);
	}
	ck_assert_msg(family->samples == 0, "%s goes on after its samples", name);
	ck_assert_msg(line && *line, "%s of %s is empty", what, name);
	if (!strcmp(what, "HELP")) {
		family->helped = true;
	} else if (!strcmp(what, "TYPE")) {
		family->typed = true;
		family->counter = !strcmp(line, "counter");
		ck_assert(family->counter || !strcmp(line, "gauge"));
	} else {
		ck_assert_str_eq(what, "UNIT");
		ck_assert_str_eq(name + strlen(name) - strlen(line), line);
	}
}

/* "name{label="value",…} number" */
static void read_sample(const char *line, struct family *family)
{
	size_t length = strcspn(line, "{ ");
	const char *value = strrchr(line, ' ');
	char name[128];
	char *end;

	snprintf(name, sizeof(name), "%s%s", family->name, family->counter ? "_total" : "");
	ck_assert_msg(strlen(name) == length && !strncmp(line, name, length), "%s is none of %s",
		      line, family->name);
	ck_assert_ptr_nonnull(value);
	strtod(value, &end);
	ck_assert_msg(*end == '\0' && end != value, "%s", line);
	family->samples++;
}

START_TEST(strict_metrics_are_so_to_the_letter)
{
	struct hws_snapshot now = sample();
	struct family family = { 0 };
	char *text;
	char *rest;
	char *line;

	ck_ok(hws_snapshot_openmetrics(&now, HWS_METRICS_STRICT, &text));
	rest = text;
	while ((line = strsep(&rest, "\n")) && strcmp(line, "# EOF") != 0) {
		ck_assert_str_ne(line, "");
		if (*line == '#')
			read_comment(line, &family);
		else
			read_sample(line, &family);
	}
	check_family(&family);
	ck_assert_ptr_nonnull(line);
	ck_assert_str_eq(rest, "");
	free(text);
}
END_TEST

START_TEST(promtool_accepts_the_metrics)
{
	struct hws_snapshot now = sample();
	FILE *tool;
	char *text;

	need("promtool", system("command -v promtool >/dev/null") == 0,
	     "there is no promtool: it comes with prometheus");
	ck_ok(hws_snapshot_openmetrics(&now, 0, &text));
	tool = popen("promtool check metrics >&2", "w");
	ck_assert_ptr_nonnull(tool);
	fputs(text, tool);
	ck_assert_int_eq(pclose(tool), 0);
	free(text);
}
END_TEST

int main(void)
{
	return suite_run("guardian/snapshot-text", (const TTest *[]) {
							   json_has_every_number,
							   metrics_have_every_number,
							   strict_metrics_are_so_to_the_letter,
							   promtool_accepts_the_metrics,
							   NULL,
						   });
}
