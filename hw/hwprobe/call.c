/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What verbs that reach hardware share: the context, its errors, leave to write. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hw/hwprobe/args.h"

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : 16;
}

enum { FITS, NO_DIGIT, TOO_MUCH };

/* Moves *@at to the digit that is none, or too much. */
static int take_digits(const char **at, unsigned int base, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	do {
		unsigned int digit = (unsigned int)digit_of(**at);

		if (digit >= base)
			return NO_DIGIT;
		if (digit > max || value > (max - digit) / base)
			return TOO_MUCH;
		value = value * base + digit;
	} while (*++*at);
	*ret_value = value;
	return FITS;
}

static bool is_hex(const char *word)
{
	return word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
}

bool args_number(const char *what, const char *word, uint64_t max, uint64_t *ret_value)
{
	bool hex = is_hex(word);
	const char *at = hex ? word + 2 : word;
	int end = take_digits(&at, hex ? 16 : 10, max, ret_value);

	if (end == NO_DIGIT)
		args_refuse("%s '%s': expected a %s digit at position %zu", what, word,
			    hex ? "hexadecimal" : "decimal", (size_t)(at - word) + 1);
	if (end == TOO_MUCH)
		args_refuse("%s '%s': more than 0x%llx", what, word, (unsigned long long)max);
	return end == FITS;
}

bool args_c_number(const char *word, uint64_t max, uint64_t *ret_value)
{
	const char *at = is_hex(word) ? word + 2 : word;
	unsigned int base = is_hex(word) ? 16 : word[0] == '0' ? 8 : 10;

	return take_digits(&at, base, max, ret_value) == FITS;
}

char *grants_text(const struct settings *settings)
{
	size_t room = 1;
	char *text;
	char *at;

	for (unsigned int i = 0; i < settings->grant_count; i++)
		room += strlen(settings->grants[i]) + 1;
	text = malloc(room);
	at = text;
	for (unsigned int i = 0; at && i < settings->grant_count; i++) {
		at = stpcpy(at, settings->grants[i]);
		*at++ = '\n';
	}
	if (at)
		*at = '\0';
	return text;
}

enum result call_open(const struct call *call, struct hws **ret_hw)
{
	const struct settings *settings = &call->settings;
	enum result result = RESULT_FAILURE;
	char *sim = settings->sim_file ? machine_text(settings, &result) : NULL;
	char *rules = grants_text(settings);
	struct hws_options options = {
		.size = sizeof(options),
		.sysroot = settings->sysroot,
		.backend = settings->sim ? "sim" : NULL,
		.sim = sim,
		.sim_name = settings->sim_file,
		.policy_text = settings->grant_count ? rules : NULL,
	};
	int r;

	if (sim || !settings->sim_file) {
		r = rules ? hws_open(&options, ret_hw) : -ENOMEM;
		result = r < 0 ? call_fail("cannot begin", r) : RESULT_OK;
	}
	free(rules);
	free(sim);
	return result;
}

enum result call_fail(const char *about, int code)
{
	/* that there is no memory hwprobe finds, too: the sentence may be about something else */
	const char *why = code == -ENOMEM ? "" : hws_why();

	say("%s: %s", about, *why ? why : strerror(-code));
	return (enum result)hws_explain(code, NULL);
}

enum result call_fail_file(const char *name, int code)
{
	enum result result = call_fail(name, code);

	return code == -EACCES ? RESULT_REFUSED : result;
}

enum result call_live_only(const char *area)
{
	say("%s: a captured tree has none: leave out --sysroot", area);
	return RESULT_UNSUPPORTED;
}

/* The whole line: what is left of it would be the answer to the next question. */
static bool says_yes(void)
{
	int first = getchar();

	for (int c = first; c != '\n' && c != EOF;)
		c = getchar();
	return tolower(first) == 'y';
}

enum result call_confirm(const struct call *call, const char *what)
{
	if (call->given[WRITE_YES].count)
		return RESULT_OK;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return args_refuse("%s: nobody can be asked: give -y to write, -n to look", what);
	fprintf(stderr, "%s? [y/N] ", what);
	if (says_yes())
		return RESULT_OK;
	say("nothing was written");
	return RESULT_FAILURE;
}

void call_hold_signals(sigset_t *ret_before)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < COUNT(signals); i++)
		sigaddset(&held, signals[i]);
	sigprocmask(SIG_BLOCK, &held, ret_before);
}

void call_release_signals(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

bool call_is_ended(void)
{
	struct sigaction action;
	sigset_t waiting;

	sigpending(&waiting);
	for (int i = 1; i < NSIG; i++)
		if (sigismember(&waiting, i) == 1 && sigaction(i, NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN)
			return true;
	return false;
}

uint64_t call_deadline(uint64_t ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ms * 1000000;
}

/* Is the danger's word among those that were given, with commas between them? */
static bool is_named(const char *names, const char *name)
{
	size_t length = strlen(name);

	while (names) {
		names += *names == ',';
		if (strcspn(names, ",") == length && !strncmp(names, name, length))
			return true;
		names = strchr(names, ',');
	}
	return false;
}

enum result call_may_write(const struct call *call, const char *what, uint32_t dangers)
{
	if (call->given[WRITE_DRY].count)
		return RESULT_OK;
	for (uint32_t danger = 1; danger && danger <= dangers; danger <<= 1) {
		const char *name = hws_danger_name(danger);

		if (dangers & danger && !is_named(call->given[WRITE_DANGER].value, name))
			return args_refuse("%s: that %s: to do it all the same, add --danger=%s",
					   what, hws_danger_does(danger), name);
	}
	return call_confirm(call, what);
}
