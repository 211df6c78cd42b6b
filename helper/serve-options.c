/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command lines of serve and check. */
#include "helper/serve-options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwsafe.h"

#define AT(field) offsetof(struct serve_options, field)

enum form { TEXT, FLAG, U32, U64 };

static const struct {
	const char *name;
	enum form form;
	size_t at;
	uint64_t most; /* of a number */
} words[] = {
	{ "--socket", TEXT, AT(socket), 0 },
	{ "--policy", TEXT, AT(context.policy_directory), 0 },
	{ "--backend", TEXT, AT(context.backend), 0 },
	{ "--sysroot", TEXT, AT(context.sysroot), 0 },
	{ "--journals", TEXT, AT(journals), 0 },
	{ "--audit", TEXT, AT(audit.file), 0 },
	{ "--syslog", TEXT, AT(audit.syslog), 0 },
	{ "--stat", TEXT, AT(stat), 0 },
	{ "--last-words", TEXT, AT(context.last_words), 0 },
	{ "--user", TEXT, AT(user), 0 },
	{ "--connections", U32, AT(connections), 1000 },
	{ "--total", U32, AT(total), 1000 },
	{ "--rings", U32, AT(rings), 1000 },
	{ "--rate", U64, AT(rate), 1000000000 },
	{ "--mapped", U64, AT(mapped), INT64_MAX },
	{ "--patience", U32, AT(patience), 3600 },
	{ "--soft", FLAG, AT(soft), 0 },
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

static enum result refuse(const char *what, const char *argument)
{
	fprintf(stderr, "hwsafe-helper: serve: %s '%s'; known:", what, argument);
	for (size_t i = 0; i < WORDS; i++)
		fprintf(stderr, " %s", words[i].name);
	fputc('\n', stderr);
	return RESULT_USAGE;
}

static bool take_number(const char *text, uint64_t most, uint64_t *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *ret_number <= most;
}

static bool take(size_t which, const char *value, struct serve_options *options)
{
	void *at = (char *)options + words[which].at;
	uint64_t number = 0;

	switch (words[which].form) {
	case TEXT:
		memcpy(at, &value, sizeof(value));
		return *value != '\0';
	case FLAG:
		*(bool *)at = true;
		return true;
	case U32:
		if (!take_number(value, words[which].most, &number))
			return false;
		*(uint32_t *)at = (uint32_t)number;
		return true;
	case U64:
		return take_number(value, words[which].most, at);
	default:
		return false;
	}
}

enum result serve_take_options(int count, char **arguments, struct serve_options *ret_options)
{
	*ret_options = (struct serve_options) {
		.context = { .size = sizeof(ret_options->context), .backend = "native" },
		.audit = { .size = sizeof(ret_options->audit), .flags = HWS_AUDIT_NO_DETECTOR },
		.connections = 16,
		.total = 512,
		.rings = 16,
		.rate = 100000,
		.mapped = UINT64_C(1) << 30,
		.patience = 10,
	};
	ret_options->context.audit = &ret_options->audit;
	for (int i = 0; i < count; i++) {
		size_t which = 0;

		while (which < WORDS && strcmp(words[which].name, arguments[i]) != 0)
			which++;
		if (which == WORDS)
			return refuse("unknown argument", arguments[i]);
		if (words[which].form != FLAG && ++i == count)
			return refuse("nothing behind", arguments[i - 1]);
		if (!take(which, arguments[i], ret_options))
			return refuse("a value that makes no sense:", arguments[i]);
	}
	if (ret_options->socket || getenv("LISTEN_FDS"))
		return RESULT_OK;
	fprintf(stderr, "hwsafe-helper: serve: systemd handed no socket over: give --socket PATH, "
			"or let hwsafe-helper.socket start it\n");
	return RESULT_USAGE;
}

static void print_error(void *context, const struct hws_policy_error *error)
{
	uint32_t *told = context;

	++*told;
	fprintf(stderr, "%s:%u:%u: %s\n", error->file, error->line, error->column, error->message);
}

static int read_whole(const char *path, char *text, size_t size, size_t *ret_length)
{
	FILE *file = fopen(path, "re");
	int r;

	if (!file)
		return -errno;
	errno = 0;
	*ret_length = fread(text, 1, size, file);
	r = ferror(file) ? -errno : feof(file) ? 0 : -EFBIG;
	fclose(file);
	return r;
}

enum result check_command(int count, char **arguments)
{
	static const size_t most = (1 << 20) + 1; /* a policy file has up to 1 MiB */
	uint32_t told = 0;
	struct hws_policy_options options = { .size = sizeof(options),
					      .error = print_error,
					      .context = &told };
	HWS_CLEANUP_FREE char *text = malloc(most);
	struct hws_policy *policy;
	size_t length = 0;
	int r;

	if (count != 1) {
		fprintf(stderr, "hwsafe-helper: check: one policy file is to be named\n");
		return RESULT_USAGE;
	}
	r = text ? read_whole(arguments[0], text, most, &length) : -ENOMEM;
	if (r < 0) {
		fprintf(stderr, "hwsafe-helper: check: %s: %s\n", arguments[0], strerror(-r));
		return RESULT_FAILURE;
	}
	r = hws_policy_parse(&options, arguments[0], text, length, &policy);
	if (r < 0) {
		if (!told)
			fprintf(stderr, "hwsafe-helper: check: %s\n", hws_why());
		return RESULT_FAILURE;
	}
	printf("%s: %u rules\n", arguments[0], hws_policy_rules(policy));
	hws_policy_unref(policy);
	return RESULT_OK;
}
