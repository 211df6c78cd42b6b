/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe plugin check: what a plug-in's file is, and how it does when it is used, in a process of
 * its own. No rule of a policy is needed for that, and none is asked.
 *
 * The document: file name plugin_version abi sha256 signature (none, unchecked, good) rule brings
 * (array) attributes (object) steps: array of step error why; good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/frame.h"
#include "hw/hwprobe/verbs.h"

enum { KEY };
enum { SIZE = 4096, STEPS = 8 /* run() has 6, and how it ended */, PATIENCE_S = 3 };

static const struct args_option options[] = {
	[KEY] = { "key", 'k', "KEY", "it must be signed by this minisign public key" },
	{ 0 },
};

struct step {
	const char *name;
	int code; /* 0 or -errno */
	char why[256];
};

struct checked {
	char path[4096];
	struct hws_plugin_file file;
	const char *key;
	bool signature; /* there is a file of one */
	uint32_t brings;
	struct json_object *attributes;
	struct step steps[STEPS];
	unsigned int count;
	bool ending; /* the plug-in is being closed */
};

/* Notes how a step went; false: it failed. */
static bool went(struct checked *checked, const char *name, int code)
{
	struct step *step = &checked->steps[checked->count++];

	step->name = name;
	step->code = code;
	if (code < 0)
		snprintf(step->why, sizeof(step->why), "%s",
			 *hws_why() ? hws_why() : strerror(-code));
	return code == 0;
}

/*
 * What the plug-in or its process says; only how that ended is a finding. The plug-in may say the
 * same itself, as often as it likes: it fills one step, and only where it has come to its end.
 */
static void take_line(enum hws_level level, const char *line, void *context)
{
	static const char ended[] = "a plug-in says: its process ";
	struct checked *checked = context;
	struct step *step = &checked->steps[checked->count];

	(void)level;
	if (!checked->ending || strncmp(line, ended, sizeof(ended) - 1) != 0)
		return;
	step->name = "end";
	step->code = -ENODEV;
	snprintf(step->why, sizeof(step->why), "%s", line + strlen("a plug-in says: "));
}

/* Takes both; @accel may be NULL. */
static void end(struct checked *checked, struct hws_accel *accel, struct hws_plugin *plugin)
{
	checked->ending = true;
	if (accel)
		hws_accel_close(accel);
	else
		hws_plugin_close(plugin);
	checked->ending = false;
	checked->count += checked->steps[checked->count].name != NULL;
}

static bool find_path(const char *name, struct checked *checked)
{
	const char *between = name[0] == '/' ? "" : "/";
	char here[2048] = "";

	if (*between && !getcwd(here, sizeof(here)))
		return false;
	here[strlen(here) - (strcmp(here, "/") == 0)] = '\0';
	/* no part of where we are is a link */
	for (; !strncmp(name, "./", 2) || !strncmp(name, "../", 3); name = strchr(name, '/') + 1)
		if (name[1] == '.' && *here)
			*strrchr(here, '/') = '\0';
	/* the rest of the name as it is: a link in it is a finding */
	return snprintf(checked->path, sizeof(checked->path), "%s%s%s", here, between, name) <
	       (int)sizeof(checked->path);
}

static struct json_object *ints_of(const struct hws_value *value)
{
	struct json_object *array = json_object_new_array();
	const int64_t *numbers;
	uint64_t count;

	if (hws_value_ints(value, &numbers, &count) == 0)
		for (uint64_t i = 0; i < count; i++)
			json_object_array_add(array, json_object_new_int64(numbers[i]));
	return array;
}

static struct json_object *value_of(const struct hws_value *value)
{
	switch (value->type) {
	case HWS_VALUE_INT:
		return json_object_new_int64(value->as.integer);
	case HWS_VALUE_FLOAT:
		return json_object_new_double(value->as.floating);
	case HWS_VALUE_BOOL:
		return json_object_new_boolean(value->as.boolean != 0);
	case HWS_VALUE_STRING:
		return json_object_new_string_len(value->as.string, (int)value->count);
	default:
		return ints_of(value);
	}
}

static void take_attributes(struct checked *checked, const struct hws_accel *accel)
{
	const struct hws_values *values = hws_accel_attributes(accel);

	for (uint64_t i = 0; i < values->count; i++)
		json_object_object_add(checked->attributes, values->at[i].name,
				       value_of(&values->at[i]));
}

static int fill(struct hws_pool *pool, struct hws_buf buf, bool pattern)
{
	HWS_VIEW(view);
	int r = hws_view_open(pool, buf, HWS_RW, &view);

	for (uint64_t i = 0; r == 0 && i < SIZE; i++)
		((uint8_t *)view.bytes)[i] = pattern ? (uint8_t)(i * 7 + (i >> 8)) : 0;
	return r;
}

/* 0; -EBADMSG: it is not what was copied there. */
static int compare(struct hws_pool *pool, struct hws_buf buf)
{
	HWS_VIEW(view);
	int r = hws_view_open(pool, buf, HWS_R, &view);

	for (uint64_t i = 0; r == 0 && i < SIZE; i++)
		if (((const uint8_t *)view.bytes)[i] != (uint8_t)(i * 7 + (i >> 8)))
			r = -EBADMSG;
	return r;
}

static void use(struct checked *checked, struct hws_accel *accel, struct hws_pool *pool,
		struct hws_buf buf)
{
	uint64_t memory;
	int r;

	if (!went(checked, "alloc", hws_accel_alloc(accel, SIZE, &memory)))
		return;
	r = fill(pool, buf, true);
	r = r < 0 ? r : hws_accel_put(accel, memory, 0, buf, SIZE, NULL);
	if (went(checked, "copy in", r)) {
		r = fill(pool, buf, false);
		r = r < 0 ? r : hws_accel_get(accel, memory, 0, buf, SIZE, NULL);
		if (went(checked, "copy out", r) && compare(pool, buf) < 0) {
			struct step *step = &checked->steps[checked->count - 1];

			step->code = -EBADMSG;
			snprintf(step->why, sizeof(step->why),
				 "what came back is not what was copied there");
		}
	}
	/* free() can't say that it failed: what comes next shows it */
	r = hws_accel_free(accel, memory);
	r = r < 0 ? r : hws_accel_alloc(accel, SIZE, &memory);
	r = r < 0 ? r : hws_accel_free(accel, memory);
	went(checked, "free", r);
}

/* Takes the plug-in. */
static void exercise(struct checked *checked, struct hws *hw, struct hws_plugin *plugin)
{
	const struct hws_pool_options how = { .size = sizeof(how), .classes = { { SIZE, 2 } } };
	struct hws_accel *accel = NULL;
	struct hws_pool *pool = NULL;
	struct hws_buf buf;
	int r = hws_pool_open(hw, &how, &pool);

	r = r < 0 ? r : hws_buf_take(pool, SIZE, &buf);
	if (r < 0)
		went(checked, "buffers", r);
	else if (went(checked, "attributes", hws_accel_open(plugin, pool, &accel))) {
		take_attributes(checked, accel);
		use(checked, accel, pool, buf);
	}
	end(checked, accel, plugin);
	if (pool)
		hws_pool_close(pool, NULL);
}

/* As a rule has the path. */
static const char *quote_of(const char *path)
{
	return strpbrk(path, " \t,#=[]") ? "\"" : "";
}

/* In a context of its own, whose only rule lets in this one file. */
static int open_context(struct checked *checked, struct hws **ret_hw)
{
	char rule[sizeof(checked->path) + 64];
	const struct hws_options how = {
		.size = sizeof(how),
		.backend = "sim",
		.policy_directory = "/nowhere/policy.d",
		.policy_text = rule,
		.policy_owner = getuid(),
		.log = take_line,
		.log_context = checked,
	};

	snprintf(rule, sizeof(rule), "[check]\nplugin = %s%s%s unsigned\n", quote_of(checked->path),
		 checked->path, quote_of(checked->path));
	return hws_open(&how, ret_hw);
}

static void run(struct checked *checked, struct hws *hw)
{
	const struct hws_plugin_options how = {
		.size = sizeof(how),
		.isolate = true,
		.patience_ns = PATIENCE_S * UINT64_C(1000000000),
	};
	struct hws_plugin *plugin;

	if (!went(checked, "load", hws_plugin_open(hw, checked->path, &how, &plugin)))
		return;
	checked->brings = hws_plugin_brings(plugin);
	if (checked->brings & HWS_PLUGIN_DEVICE)
		exercise(checked, hw, plugin);
	else
		end(checked, NULL, plugin);
}

static const char *signature_of(const struct checked *checked)
{
	return checked->key ? "good" : checked->signature ? "unchecked" : "none";
}

static void rule_of(const struct checked *checked, char *text, size_t size)
{
	const char *quote = quote_of(checked->path);

	snprintf(text, size, "plugin = %s%s%s %s %s", quote, checked->path, quote,
		 checked->key ? "key" : "sha256",
		 checked->key ? checked->key : checked->file.sha256);
}

static bool is_good(const struct checked *checked)
{
	for (unsigned int i = 0; i < checked->count; i++)
		if (checked->steps[i].code < 0)
			return false;
	return true;
}

static const char *const bringing[] = { "back end", "device" };

static int print_json(const struct call *call, struct checked *checked)
{
	struct json_object *o = document(&call->settings);
	struct json_object *steps = json_object_new_array();
	struct json_object *brings = json_object_new_array();
	char rule[sizeof(checked->path) + 128];

	rule_of(checked, rule, sizeof(rule));
	put_text(o, "file", checked->path);
	put_text(o, "name", checked->file.name);
	put_text(o, "plugin_version", checked->file.version);
	put_hex(o, "abi", 8, checked->file.abi);
	put_text(o, "sha256", checked->file.sha256);
	put_text(o, "signature", signature_of(checked));
	put_text(o, "rule", rule);
	for (unsigned int i = 0; i < COUNT(bringing); i++)
		if (checked->brings & 1u << i)
			json_object_array_add(brings, json_object_new_string(bringing[i]));
	put(o, "brings", brings);
	put(o, "attributes", json_object_get(checked->attributes));
	for (unsigned int i = 0; i < checked->count; i++) {
		struct json_object *step = json_object_new_object();

		put_text(step, "step", checked->steps[i].name);
		put_error(step, checked->steps[i].code);
		put_text(step, "why", checked->steps[i].code ? checked->steps[i].why : NULL);
		json_object_array_add(steps, step);
	}
	put(o, "steps", steps);
	put(o, "good", json_object_new_boolean(is_good(checked)));
	return document_print(o);
}

static void print_text(const struct call *call, struct checked *checked)
{
	static const char *const words[] = { "", "a back end (it was opened, not used)", "a device",
					     "a back end and a device" };
	char line[sizeof(checked->path) + 128];
	struct page page;

	page_init(&page, call->settings.color);
	snprintf(line, sizeof(line), "%s %s", checked->file.name, checked->file.version);
	page_row(&page, "plug-in", TONE_PLAIN, "", line);
	snprintf(line, sizeof(line), "%u.%u", checked->file.abi >> 16, checked->file.abi & 0xffff);
	page_row(&page, "boundary", TONE_PLAIN, "", line);
	page_row(&page, "brings", TONE_PLAIN, "", words[checked->brings & 3]);
	page_row(&page, "sha256", TONE_PLAIN, "", checked->file.sha256);
	page_row(&page, "signature", TONE_PLAIN, "",
		 checked->key	      ? "good, by the key that was given"
		 : checked->signature ? "there is one; give --key to check it"
				      : "none: whoever can write the file decides what it does");
	json_object_object_foreach(checked->attributes, name, value)
	{
		char plain[sizeof(line)];

		snprintf(line, sizeof(line), "%s = %s", name, json_object_to_json_string(value));
		frame_plain(plain, sizeof(plain), line);
		page_row(&page, "attribute", TONE_PLAIN, "", plain);
	}
	for (unsigned int i = 0; i < checked->count; i++)
		page_row(&page, checked->steps[i].name,
			 checked->steps[i].code ? TONE_BAD : TONE_GOOD,
			 checked->steps[i].code ? "FAILED" : "ok", checked->steps[i].why);
	rule_of(checked, line, sizeof(line));
	printf("\nA rule for it:\n%s\n", line);
}

static enum result report(const struct call *call, struct checked *checked)
{
	if (!call->settings.json)
		print_text(call, checked);
	else if (print_json(call, checked) < 0)
		return RESULT_FAILURE;
	return is_good(checked) ? RESULT_OK : RESULT_FAILURE;
}

static enum result check(const struct call *call)
{
	struct checked checked = {
		.file = { .size = sizeof(checked.file) },
		.key = call->given[KEY].value,
	};
	char signature[sizeof(checked.path) + 16];
	enum result result;
	struct hws *hw;
	int r;

	if (call->settings.sysroot)
		return call_live_only("plugin");
	if (!find_path(call->words[0], &checked))
		return call_fail(call->words[0], -ENAMETOOLONG);
	r = hws_plugin_inspect(checked.path, getuid(), checked.key, &checked.file);
	r = r < 0 ? r : open_context(&checked, &hw);
	if (r < 0)
		return call_fail("plugin", r);
	snprintf(signature, sizeof(signature), "%s.minisig", checked.path);
	checked.signature = access(signature, F_OK) == 0;
	checked.attributes = json_object_new_object();
	run(&checked, hw);
	hws_close(hw);
	result = report(call, &checked);
	json_object_put(checked.attributes);
	return result;
}

const struct verb verb_plugin_check = {
	.area = "plugin",
	.name = "check",
	.words = "FILE",
	.help = "what a plug-in is, and does in a process of its own",
	.options = options,
	.least = 1,
	.most = 1,
	.run = check,
};
