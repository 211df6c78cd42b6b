/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verbs and their arguments. A verb is a constant with a table of its own
 * options; all verbs share --json, --sim and their like. What was given is
 * looked up by the option's place in the verb's table:
 *
 *	enum { SLOT, NUMERIC };
 *	static const struct args_option options[] = {
 *		[SLOT] = { "slot", 's', "SLOT", "only these" },
 *		[NUMERIC] = { "numeric", 'n', NULL, "no names; twice: both" },
 *		{ 0 },
 *	};
 *	…
 *	if (call->given[NUMERIC].count > 1)
 */
#ifndef HWPROBE_ARGS_H
#define HWPROBE_ARGS_H

#include <signal.h>

#include "hw/hwprobe/hwprobe.h"
#include "hw/hwprobe/say.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ARGS_OPTIONS = 16, ARGS_ANY = -1 };

struct args_option {
	const char *name;  /* NULL ends a table */
	char letter;	   /* 0: none */
	const char *value; /* its name in the help; NULL: takes none; "[FILE]": may have one */
	const char *help;
};

struct args_given {
	unsigned int count;
	const char *value; /* the last one; NULL: none */
};

struct call;
struct verb {
	const char *area; /* "pci" */
	const char *name; /* "ls"; NULL: the area is all of its name */
	const char *words;
	const char *help;
	const struct args_option *options;
	int least; /* how many words it takes; "" is one */
	int most;  /* ARGS_ANY: any number */
	enum result (*run)(const struct call *call);
	bool hidden; /* not in the help: a program asks, nobody types it */
};

struct call {
	const struct verb *verb;
	const struct verb *const *verbs;  /* all there are */
	const struct args_option *shared; /* the options that all have */
	struct settings settings;
	struct args_given given[ARGS_OPTIONS];
	char **words;
	int count;
};

/*
 * The verb of these arguments is run, or the program by whose name this one was
 * called; gives what to end with. @verbs ends with NULL, its first runs without arguments.
 */
int args_run(int argc, char **argv, const struct verb *const *verbs);
/* The page of --help, in args-help.c: of an area, of a verb, or with NULL for both of all. */
void args_help(const struct verb *const *verbs, const char *area, const struct verb *verb,
	       const struct args_option *shared);

/* Is there an option of that name? A verb's own counts before one that all share. */
bool args_has(const struct args_option *options, const char *name);

/* One line on stderr; gives RESULT_USAGE. */
enum result args_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same of a word that is none of @names, with the one that may be meant. */
enum result args_refuse_unknown(const char *what, const char *word, const char *prefix,
				const char *const *names, size_t count);
enum result args_refuse_area(const char *area, const struct verb *const *verbs);
/* @name: NULL when there was none. */
enum result args_refuse_verb(const char *area, const char *name, const struct verb *const *verbs);
/*
 * The whole word as a number: decimal, or hexadecimal with 0x. False: one line
 * said what @what was to be, and where it isn't.
 */
bool args_number(const char *what, const char *word, uint64_t max, uint64_t *ret_value);
/* The whole word as C and the old tools write numbers: 0 begins an octal one. Tells nothing. */
bool args_c_number(const char *word, uint64_t max, uint64_t *ret_value);

/* A context as --sim, --sysroot and --grant say; else it was told why not. */
enum result call_open(const struct call *call, struct hws **ret_hw);
/* Tells why a call on @about failed, in one line; gives what to end with. */
enum result call_fail(const char *about, int code);
/* The same of a file, whose mode is not the policy's. */
enum result call_fail_file(const char *name, int code);

/*
 * What is to be done whole or undone must not be left in between: signals that would end the
 * process, by a person or a reader that is gone, wait until they are released.
 */
void call_hold_signals(sigset_t *ret_before);
void call_release_signals(const sigset_t *before);
/* Does one of them wait that will end the process? Whoever ignores it is not ended by it. */
bool call_is_ended(void);

/* So far from now, for what waits. */
uint64_t call_deadline(uint64_t ms);

/* Tells that a captured tree has no such thing; gives RESULT_UNSUPPORTED. */
enum result call_live_only(const char *area);

/* Options of verbs that write, in this order and first in their tables. */
enum { WRITE_YES, WRITE_DRY, WRITE_VERIFY, WRITE_DANGER, WRITE_OPTIONS };
#define ARGS_WRITE_OPTIONS                                                           \
	[WRITE_YES] = { "yes", 'y', NULL, "write without asking" },                  \
	[WRITE_DRY] = { "dry-run", 'n', NULL, "only show old->(value:mask)->new" },  \
	[WRITE_VERIFY] = { "verify", 'r', NULL, "read it back: 8 when it differs" }, \
	[WRITE_DANGER] = { "danger", 0, "NAMES", "what is dangerous, too: the named dangers" }

/*
 * May it be done? Asks on a terminal; without one --yes must have been given,
 * else it is wrong use. RESULT_OK: yes.
 */
enum result call_confirm(const struct call *call, const char *what);
/*
 * The same of a verb that has ARGS_WRITE_OPTIONS, about a write that the policy
 * allows: a dangerous one takes --danger with the danger's name as well. A dry
 * run may always be.
 */
enum result call_may_write(const struct call *call, const char *what, uint32_t dangers);

#endif
