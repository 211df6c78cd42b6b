/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe: what this machine allows, and why. Commands and options are tables. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/hwprobe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum action { ACTION_RUN, ACTION_HELP, ACTION_VERSION };

/* What the arguments ask for. */
struct request {
	struct settings settings;
	enum action action;
};

static int take_json(struct request *request, const char *value)
{
	(void)value;
	request->settings.json = true;
	return 0;
}

static int take_sysroot(struct request *request, const char *value)
{
	request->settings.sysroot = value;
	return *value ? 0 : -EINVAL;
}

static const char *const color_names[] = {
	[COLOR_AUTO] = "auto",
	[COLOR_ALWAYS] = "always",
	[COLOR_NEVER] = "never",
};

static int take_color(struct request *request, const char *value)
{
	for (size_t i = 0; i < COUNT(color_names); i++)
		if (!strcmp(value, color_names[i])) {
			request->settings.color = (enum color)i;
			return 0;
		}
	return -EINVAL;
}

static int take_help(struct request *request, const char *value)
{
	(void)value;
	request->action = ACTION_HELP;
	return 0;
}

static int take_version(struct request *request, const char *value)
{
	(void)value;
	request->action = ACTION_VERSION;
	return 0;
}

static const struct {
	const char *name;
	char letter;	   /* 0: none */
	const char *value; /* its name in the help; NULL: takes none */
	const char *expected;
	int (*take)(struct request *request, const char *value);
	const char *help;
} options[] = {
	{ "json", 'j', NULL, "", take_json, "one JSON document, with \"schema_version\"" },
	{ "sysroot", 0, "DIR", "a directory", take_sysroot,
	  "read a captured tree, not this machine" },
	{ "color", 0, "WHEN", "auto, always or never", take_color,
	  "auto, always or never; NO_COLOR is heeded" },
	{ "help", 'h', NULL, "", take_help, "this page" },
	{ "version", 'V', NULL, "", take_version, "the version and the back ends compiled in" },
};

/* A command shows the report, or does as its own arguments say. */
struct command {
	const char *name;
	const char *arguments;
	int (*text)(const struct report *report, const struct settings *settings);
	int (*json)(const struct report *report, const struct settings *settings);
	enum result (*run)(int argc, char **argv);
	const char *help;
};

/* The first is what runs without a command. */
static const struct command commands[] = {
	{ .name = "doctor",
	  .text = report_print,
	  .json = report_print_json,
	  .help = "what works, and what to do about what doesn't (the default)" },
	{ .name = "backends",
	  .text = backends_print,
	  .json = backends_print_json,
	  .help = "the back ends, and why each is usable or not" },
	{ .name = "sim",
	  .arguments = "check FILE",
	  .run = sim_command,
	  .help = "is this a machine's description? Every error, by its line" },
	{ .name = "sim",
	  .arguments = "show",
	  .run = sim_command,
	  .help = "the description of the built-in machine" },
};

static const struct {
	enum result result;
	const char *meaning;
} results[] = {
	{ RESULT_OK, "done" },
	{ RESULT_FAILURE, "failed" },
	{ RESULT_USAGE, "wrong arguments" },
	{ RESULT_NOT_FOUND, "not found" },
};

static void print_help(void)
{
	char left[64];

	printf("Usage: hwprobe [OPTION]... [COMMAND]\n"
	       "What this machine allows, why not, and what to do about it.\n\nCommands:\n");
	for (size_t i = 0; i < COUNT(commands); i++) {
		snprintf(left, sizeof(left), "%s %s", commands[i].name,
			 commands[i].arguments ? commands[i].arguments : "");
		printf("  %-16s %s\n", left, commands[i].help);
	}
	printf("\nOptions:\n");
	for (size_t i = 0; i < COUNT(options); i++) {
		char letter[8] = "    ";

		if (options[i].letter)
			snprintf(letter, sizeof(letter), "-%c, ", options[i].letter);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, options[i].name,
			 options[i].value ? "=" : "", options[i].value ? options[i].value : "");
		printf("  %-20s %s\n", left, options[i].help);
	}
	printf("\nExit codes:\n");
	for (size_t i = 0; i < COUNT(results); i++)
		printf("  %-16d %s\n", (int)results[i].result, results[i].meaning);
	printf("\nKeys of the document: schema_version version sysroot machine process ways\n"
	       "io_uring backends pci. Keys you don't know are to be ignored.\n");
}

static void print_version(void)
{
	const struct hws_probe_backend *backend;

	printf("hwprobe %s\nlibhwsafe %s\nback ends:", HWS_VERSION, hws_version());
	for (unsigned int i = 0; (backend = hws_probe_backend(i)); i++)
		printf(" %s", backend->name);
	putchar('\n');
}

/* getopt's own tables, from ours. */
struct getopt_tables {
	char letters[2 * COUNT(options) + 2];
	struct option longs[COUNT(options) + 1];
};

static void make_tables(struct getopt_tables *tables)
{
	char *at = tables->letters;

	memset(tables, 0, sizeof(*tables));
	*at++ = ':'; /* tell a missing value from an unknown option */
	for (size_t i = 0; i < COUNT(options); i++) {
		if (options[i].letter)
			*at++ = options[i].letter;
		tables->longs[i] = (struct option) {
			.name = options[i].name,
			.has_arg = options[i].value ? required_argument : no_argument,
			/* above the letters; a letter's index is looked up */
			.val = 256 + (int)i,
		};
	}
}

static size_t index_of(int got)
{
	if (got >= 256)
		return (size_t)(got - 256);
	for (size_t i = 0; i < COUNT(options); i++)
		if (options[i].letter == got && got)
			return i;
	return COUNT(options);
}

static enum result refuse_option(int got, char **argv)
{
	size_t known = index_of(optopt);

	if (got == ':') {
		fprintf(stderr, "hwprobe: --%s needs a value: %s\n", options[known].name,
			options[known].expected);
	} else if (known < COUNT(options) && optopt >= 256) {
		fprintf(stderr, "hwprobe: --%s takes no value\n", options[known].name);
	} else {
		if (optopt)
			fprintf(stderr, "hwprobe: unknown option '-%c'; known:", optopt);
		else
			fprintf(stderr, "hwprobe: unknown option '%s'; known:", argv[optind - 1]);
		for (size_t i = 0; i < COUNT(options); i++)
			fprintf(stderr, " --%s", options[i].name);
		fputc('\n', stderr);
	}
	return RESULT_USAGE;
}

static enum result parse(int argc, char **argv, struct request *request)
{
	struct getopt_tables tables;
	int got;

	make_tables(&tables);
	opterr = 0;
	while ((got = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		size_t i = index_of(got);

		if (got == '?' || got == ':' || i >= COUNT(options))
			return refuse_option(got, argv);
		if (options[i].take(request, optarg) < 0) {
			fprintf(stderr, "hwprobe: --%s: '%s' is not %s\n", options[i].name, optarg,
				options[i].expected);
			return RESULT_USAGE;
		}
	}
	return RESULT_OK;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	fprintf(stderr, "hwprobe: unknown command '%s'; known:", name);
	for (size_t i = 0; i < COUNT(commands); i++)
		if (i == 0 || strcmp(commands[i - 1].name, commands[i].name) != 0)
			fprintf(stderr, " %s", commands[i].name);
	fputc('\n', stderr);
	return NULL;
}

static enum result show(const struct command *command, const struct settings *settings)
{
	struct report report;
	int r = report_init(settings, &report);

	if (r < 0)
		fprintf(stderr, "hwprobe: %s: %s\n",
			settings->sysroot ? settings->sysroot : "cannot look at this machine",
			strerror(-r));
	else
		r = (settings->json ? command->json : command->text)(&report, settings);
	report_fini(&report);
	if (r == -ENOENT || r == -ENOTDIR)
		return RESULT_NOT_FOUND;
	return r < 0 ? RESULT_FAILURE : RESULT_OK;
}

static enum result act(int argc, char **argv, const struct request *request)
{
	const struct command *command = &commands[0];

	if (request->action == ACTION_HELP) {
		print_help();
		return RESULT_OK;
	}
	if (request->action == ACTION_VERSION) {
		print_version();
		return RESULT_OK;
	}
	if (optind < argc)
		command = find_command(argv[optind]);
	if (!command)
		return RESULT_USAGE;
	if (command->run)
		return command->run(argc - optind - 1, argv + optind + 1);
	if (optind + 1 < argc) {
		fprintf(stderr, "hwprobe: %s takes no argument '%s'\n", command->name,
			argv[optind + 1]);
		return RESULT_USAGE;
	}
	return show(command, &request->settings);
}

/* A file opened later must not become a standard stream. False when stdout is closed. */
static bool keep_streams(void)
{
	bool has_output = fcntl(STDOUT_FILENO, F_GETFD) >= 0;

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return false;
	return has_output;
}

/* What stdio kept back may fail only here: a full disk is a failure, a gone reader a quiet one. */
static enum result finish(enum result result)
{
	bool failed = ferror(stdout);

	if (fclose(stdout) == 0 && !failed)
		return result;
	if (errno != EPIPE)
		fprintf(stderr, "hwprobe: cannot write: %s\n", strerror(errno));
	return RESULT_FAILURE;
}

int main(int argc, char **argv)
{
	struct request request = { 0 };
	enum result result;

	if (!keep_streams()) {
		fprintf(stderr, "hwprobe: standard output is closed\n");
		return RESULT_FAILURE;
	}
	/* argc may be 0: nothing below looks at argv[0] */
	result = argc > 0 ? parse(argc, argv, &request) : RESULT_OK;
	if (result == RESULT_OK)
		result = act(argc, argv, &request);
	return (int)finish(result);
}
