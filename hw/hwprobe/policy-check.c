/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe policy check: files and directories read, errors told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

char *path_below(const struct settings *settings, const char *path)
{
	char *whole = NULL;

	if (!settings->sysroot)
		return strdup(path);
	return asprintf(&whole, "%s/%s", settings->sysroot, path) < 0 ? NULL : whole;
}

FILE *open_below(const struct settings *settings, const char *path)
{
	char *below = path_below(settings, path);
	FILE *file = below ? fopen(below, "re") : NULL;

	free(below);
	return file;
}

static void take_error(void *context, const struct hws_policy_error *error)
{
	struct policy_errors *errors = context;
	struct json_object *o;

	errors->count++;
	if (!errors->array) {
		/* in the form that editors jump to */
		if (error->line)
			fprintf(stderr, "%s:%u:%u: %s\n", error->file, error->line, error->column,
				error->message);
		else
			fprintf(stderr, "hwprobe: %s: %s\n", error->file, error->message);
		return;
	}
	o = json_object_new_object();
	put_text(o, "file", error->file);
	put_number(o, "line", error->line);
	put_number(o, "column", error->column);
	put_text(o, "message", error->message);
	json_object_array_add(errors->array, o);
}

/* An error of no line: what hws_why() says of the whole. */
static void tell_whole(struct policy_errors *errors, const char *path, int code)
{
	const char *why = *hws_why() ? hws_why() : strerror(-code);

	take_error(errors, &(struct hws_policy_error) { .file = path, .message = why });
}

static int read_directory(struct hws_policy_options *options, const char *path,
			  const struct stat *is, struct hws_policy **ret_policy)
{
	char *absolute = options->sysroot ? NULL : realpath(path, NULL);
	int r;

	/* whose it is decides nothing here: the question is what stands in the files */
	options->owner_uid = is->st_uid;
	options->directory = absolute ? absolute : path;
	r = hws_policy_load(options, ret_policy);
	free(absolute);
	return r;
}

static int read_file(const char *below, const struct hws_policy_options *options, const char *path,
		     struct hws_policy **ret_policy)
{
	enum result ignored;
	char *text = read_text(below, &ignored);
	int r;

	if (!text)
		return -EIO;
	r = hws_policy_parse(options, path, text, strlen(text), ret_policy);
	free(text);
	return r;
}

int policy_read(const struct settings *settings, const char *path, struct policy_errors *errors,
		struct hws_policy **ret_policy)
{
	struct hws_policy_options options = {
		.size = sizeof(options),
		.sysroot = settings->sysroot,
		.error = take_error,
		.context = errors,
	};
	char *below = path_below(settings, path ? path : HWS_POLICY_DIRECTORY);
	struct stat is;
	int r = !below ? -ENOMEM : path && stat(below, &is) < 0 ? -errno : 0;

	if (r < 0)
		take_error(errors, &(struct hws_policy_error) { .file = path ? path : "policy",
								.message = strerror(-r) });
	else if (!path)
		r = hws_policy_load(&options, ret_policy);
	else if (S_ISDIR(is.st_mode))
		r = read_directory(&options, path, &is, ret_policy);
	else
		r = read_file(below, &options, path, ret_policy);
	free(below);
	if (r < 0 && r != -EIO && errors->count == 0)
		tell_whole(errors, path ? path : HWS_POLICY_DIRECTORY, r);
	return r;
}

enum result policy_result(int code)
{
	if (code == -ENOENT || code == -ENOTDIR)
		return RESULT_NOT_FOUND;
	return RESULT_FAILURE;
}

static enum result check_one(const struct call *call, const char *path,
			     struct policy_errors *errors, uint64_t *rules)
{
	struct hws_policy *policy;
	int r = policy_read(&call->settings, path, errors, &policy);

	if (r < 0)
		return policy_result(r);
	*rules += hws_policy_rules(policy);
	hws_policy_unref(policy);
	return RESULT_OK;
}

static enum result check(const struct call *call)
{
	struct policy_errors errors = { NULL, 0 };
	enum result result = RESULT_OK;
	struct json_object *o = NULL;
	uint64_t rules = 0;
	int i = 0;

	if (call->settings.json) {
		o = document(&call->settings);
		errors.array = json_object_new_array();
	}
	do {
		const char *path = i < call->count ? call->words[i] : NULL;
		enum result one;

		errors.count = 0;
		one = check_one(call, path, &errors, &rules);
		result = one ? one : result;
	} while (++i < call->count);
	if (!o)
		return result;
	put(o, "valid", json_object_new_boolean(result == RESULT_OK));
	put_number(o, "rules", rules);
	put(o, "errors", errors.array);
	return document_print(o) < 0 ? RESULT_FAILURE : result;
}

const struct verb verb_policy_check = {
	.area = "policy",
	.name = "check",
	.words = "[FILE|DIR]...",
	.help = "every error of policy files, by line and column",
	.most = ARGS_ANY,
	.run = check,
};
