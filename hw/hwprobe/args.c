/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/args.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "hw/hwprobe/personality.h"

enum action { ACTION_RUN, ACTION_HELP, ACTION_VERSION, ACTION_BE };

/* What the arguments ask for. */
struct request {
	struct call call;
	enum action action;
};

static bool take_json(struct request *request, const char *value)
{
	(void)value;
	request->call.settings.json = true;
	return true;
}

static bool take_sysroot(struct request *request, const char *value)
{
	request->call.settings.sysroot = value;
	return *value;
}

static bool take_sim(struct request *request, const char *value)
{
	request->call.settings.sim = true;
	request->call.settings.sim_file = value;
	return !value || *value;
}

static bool take_grant(struct request *request, const char *value)
{
	struct settings *settings = &request->call.settings;

	if (settings->grant_count == GRANTS || strchr(value, '\n'))
		return false;
	settings->grants[settings->grant_count++] = value;
	return true;
}

static bool take_color(struct request *request, const char *value)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto",
		[COLOR_ALWAYS] = "always",
		[COLOR_NEVER] = "never",
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(value, names[i])) {
			request->call.settings.color = (enum color)i;
			return true;
		}
	return false;
}

static bool take_help(struct request *request, const char *value)
{
	(void)value;
	request->action = ACTION_HELP;
	return true;
}

static bool take_version(struct request *request, const char *value)
{
	(void)value;
	request->action = ACTION_VERSION;
	return true;
}

/* All that follows is for that program. */
static bool take_as(struct request *request, const char *value)
{
	request->action = ACTION_BE;
	return *value;
}

/* The last one stands before a command only: a verb may have one of that name. */
enum { SHARED = 7, FIRST = SHARED + 1 };
static const struct args_option shared[FIRST + 1] = {
	{ "json", 'j', NULL, "one JSON document, with \"schema_version\"" },
	{ "sysroot", 0, "DIR", "read a captured tree, not this machine" },
	{ "sim", 0, "[FILE]", "a simulated machine: the built-in one, or FILE's" },
	{ "grant", 0, "RULE", "add a rule to the policy: 'msr = 0x10 r'" },
	{ "color", 0, "WHEN", "auto, always or never; NO_COLOR is heeded" },
	{ "help", 'h', NULL, "this page; behind a verb, the verb's own" },
	{ "version", 'V', NULL, "the version and the back ends compiled in" },
	{ "as", 0, "PROGRAM", "as rdmsr, devmem ... do it; the rest is for it" },
};

static const struct {
	bool (*take)(struct request *request, const char *value);
	const char *expected;
} takers[FIRST] = {
	{ take_json, "" },
	{ take_sysroot, "a directory" },
	{ take_sim, "a file" },
	{ take_grant, "one of 32 rules, each on a line" },
	{ take_color, "auto, always or never" },
	{ take_help, "" },
	{ take_version, "" },
	{ take_as, "a program" },
};

/* getopt's own tables, from ours: the shared options, then the verb's. */
enum { ALL = FIRST + ARGS_OPTIONS };
struct tables {
	char letters[3 * ALL + 3];
	struct option longs[ALL + 1];
	const struct args_option *options[ALL];
	size_t count;
};

bool args_has(const struct args_option *options, const char *name)
{
	for (; options && options->name; options++)
		if (!strcmp(options->name, name))
			return true;
	return false;
}

static void tables_add(struct tables *tables, const struct args_option *options, size_t most)
{
	char *at = tables->letters + strlen(tables->letters);

	for (; options && options->name && most; options++, most--) {
		int takes = !options->value	       ? no_argument
			    : options->value[0] == '[' ? optional_argument
						       : required_argument;
		/* above the letters; a letter's index is looked up */
		int value = 256 + (int)tables->count;

		if (options->letter)
			*at++ = options->letter;
		for (int i = 0; options->letter && i < takes; i++)
			*at++ = ':';
		tables->longs[tables->count] =
			(struct option) { options->name, takes, NULL, value };
		tables->options[tables->count++] = options;
	}
}

static size_t index_of(const struct tables *tables, int got)
{
	if (got >= 256)
		return (size_t)(got - 256);
	for (size_t i = 0; i < tables->count; i++)
		if (tables->options[i]->letter == got && got)
			return i;
	return tables->count;
}

/* The option that getopt stopped at, as it was written. */
static const char *written(const struct tables *tables, char **argv, char text[3])
{
	if (!optopt || index_of(tables, optopt) < tables->count)
		return argv[optind - 1];
	snprintf(text, 3, "-%c", optopt);
	return text;
}

static enum result refuse_option(const struct tables *tables, int got, char **argv)
{
	size_t known = index_of(tables, optopt);
	const char *names[ALL];
	char text[3];

	if (got == ':')
		return args_refuse("--%s needs a value: %s", tables->options[known]->name,
				   known < SHARED ? takers[known].expected
						  : tables->options[known]->value);
	if (known < tables->count && optopt >= 256)
		return args_refuse("--%s takes no value", tables->options[known]->name);
	for (size_t i = 0; i < tables->count; i++)
		names[i] = tables->options[i]->name;
	return args_refuse_unknown("option", written(tables, argv, text), "--", names,
				   tables->count);
}

/* @how: "+:" stops at the first word, ":" takes options between words too. */
static enum result parse(int argc, char **argv, const char *how, struct request *request)
{
	const struct verb *verb = request->call.verb;
	struct tables tables = { 0 };
	int got;

	strcpy(tables.letters, how);
	tables_add(&tables, shared, verb ? SHARED : FIRST);
	tables_add(&tables, verb ? verb->options : NULL, ARGS_OPTIONS);
	opterr = 0;
	optind = 0; /* anew, with all of getopt's state */
	while ((got = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		size_t i = index_of(&tables, got);

		if (got == '?' || got == ':' || i >= tables.count)
			return refuse_option(&tables, got, argv);
		if (verb && i >= SHARED) {
			request->call.given[i - SHARED].count++;
			request->call.given[i - SHARED].value = optarg;
		} else if (!takers[i].take(request, optarg)) {
			return args_refuse("--%s: '%s' is not %s", shared[i].name, optarg,
					   takers[i].expected);
		}
		if (request->action == ACTION_BE) {
			argv[optind - 1] = optarg;
			break;
		}
	}
	return RESULT_OK;
}

enum { HELPED = -1 };

/*
 * How many of @words are the verb's own name; 0: there is no such verb, as was told; HELPED: the
 * area's page was printed.
 */
static int find_verb(int count, char **words, const struct verb *const *verbs,
		     const struct verb **ret_verb)
{
	bool known = false;

	for (const struct verb *const *verb = verbs; *verb; verb++) {
		if (strcmp((*verb)->area, words[0]) != 0)
			continue;
		known = true;
		if ((*verb)->name && (count < 2 || strcmp((*verb)->name, words[1]) != 0))
			continue;
		*ret_verb = *verb;
		return (*verb)->name ? 2 : 1;
	}
	if (known && count > 1 && (!strcmp(words[1], "--help") || !strcmp(words[1], "-h"))) {
		args_help(verbs, words[0], NULL, shared);
		return HELPED;
	}
	if (known)
		args_refuse_verb(words[0], count > 1 ? words[1] : NULL, verbs);
	else
		args_refuse_area(words[0], verbs);
	return 0;
}

static enum result check_words(const struct call *call)
{
	const struct verb *verb = call->verb;
	const char *gap = verb->name ? " " : "";
	const char *name = verb->name ? verb->name : "";

	if (call->count < verb->least)
		return args_refuse("%s%s%s needs %s", verb->area, gap, name, verb->words);
	if (verb->most != ARGS_ANY && call->count > verb->most)
		return args_refuse("%s%s%s takes no argument '%s'", verb->area, gap, name,
				   call->words[verb->most]);
	if (call->settings.sim && call->settings.sysroot)
		return args_refuse("--sim and --sysroot are two machines: give one of them");
	return RESULT_OK;
}

static void print_version(void)
{
	const struct hws_probe_backend *backend;

	printf("hwprobe %s\nlibhwsafe %s\nback ends:", HWS_VERSION, hws_version());
	for (unsigned int i = 0; (backend = hws_probe_backend(i)); i++)
		printf(" %s", backend->name);
	putchar('\n');
}

static enum result run(struct request *request, const struct verb *const *verbs)
{
	const struct verb *verb = request->call.verb;
	enum result result;

	request->call.verbs = verbs;
	request->call.shared = shared;
	if (request->action == ACTION_HELP) {
		args_help(verbs, NULL, verb, shared);
		return RESULT_OK;
	}
	if (request->action == ACTION_VERSION) {
		print_version();
		return RESULT_OK;
	}
	if (!verb)
		request->call.verb = verbs[0];
	result = check_words(&request->call);
	return result == RESULT_OK ? request->call.verb->run(&request->call) : result;
}

/* As the program of that name, which it is called by without its path. */
static int run_as(int argc, char **argv, const struct settings *settings)
{
	const struct personality *as = personality_find(argv[0]);
	char *slash = strrchr(argv[0], '/');

	if (!as) {
		return personality_refuse(argv[0]);
	}
	if (slash)
		argv[0] = slash + 1;
	return as->run(settings, argc, argv);
}

/* The words behind the first options: a verb's name, then what is its own. */
static enum result run_words(struct request *request, int argc, char **argv,
			     const struct verb *const *verbs)
{
	int words = find_verb(argc, argv, verbs, &request->call.verb);
	enum result result;

	if (words <= 0)
		return words == HELPED ? RESULT_OK : RESULT_USAGE;
	/* the verb's last word stands where getopt expects the program's name */
	argc -= words - 1;
	argv += words - 1;
	result = parse(argc, argv, ":", request);
	if (result != RESULT_OK)
		return result;
	request->call.words = argv + optind;
	request->call.count = argc - optind;
	return run(request, verbs);
}

int args_run(int argc, char **argv, const struct verb *const *verbs)
{
	struct request request = { 0 };
	enum result result;

	if (argc > 0 && personality_find(argv[0]))
		return run_as(argc, argv, &request.call.settings);
	/* argc may be 0: nothing below looks at argv[0] */
	result = argc > 0 ? parse(argc, argv, "+:", &request) : RESULT_OK;
	if (result != RESULT_OK)
		return (int)result;
	argc -= optind;
	argv += optind;
	if (request.action == ACTION_BE)
		return run_as(argc + 1, argv - 1, &request.call.settings);
	if (request.action != ACTION_RUN || argc <= 0)
		return (int)run(&request, verbs);
	return (int)run_words(&request, argc, argv, verbs);
}
