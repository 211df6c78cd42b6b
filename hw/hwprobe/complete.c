/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe complete: where on the line the word stands, and so what it may be. */
#include "hw/hwprobe/complete.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/verbs.h"

void complete_offer(const struct completing *c, const char *candidate, const char *help)
{
	if (strncmp(candidate, c->word, strlen(c->word)) != 0)
		return;
	printf("%.*s%s", c->prefix_length, c->prefix_length ? c->prefix : "", candidate);
	if (help && *help)
		printf("\t%s", help);
	putchar('\n');
}

/* The option of a name of that length, or of a letter. */
static const struct args_option *find_in(const struct args_option *options, const char *name,
					 size_t length, char letter)
{
	for (; options && options->name; options++)
		if (letter ? options->letter == letter
			   : strlen(options->name) == length &&
				     !memcmp(options->name, name, length))
			return options;
	return NULL;
}

static const struct args_option *find_option(const struct completing *c, const char *name,
					     size_t length, char letter)
{
	const struct args_option *found =
		find_in(c->verb ? c->verb->options : NULL, name, length, letter);

	return found ? found : find_in(c->call->shared, name, length, letter);
}

/* The option that a word is; *ret_value: what stands behind its "=", or NULL. */
static const struct args_option *option_of(const struct completing *c, const char *word,
					   const char **ret_value)
{
	size_t length = strcspn(word, "=");

	*ret_value = NULL;
	if (word[0] != '-' || !word[1])
		return NULL;
	if (word[1] != '-')
		return word[2] ? NULL : find_option(c, NULL, 0, word[1]);
	if (word[length])
		*ret_value = word + length + 1;
	return find_option(c, word + 2, length - 2, '\0');
}

static bool wants_value(const struct args_option *option)
{
	return option && option->value && option->value[0] != '[';
}

/* Which machine it is about: the others change nothing here. */
static void heed(struct completing *c, const struct args_option *option, const char *value)
{
	if (!strcmp(option->name, "sysroot"))
		c->settings.sysroot = value;
	if (!strcmp(option->name, "sim")) {
		c->settings.sim = true;
		c->settings.sim_file = value;
	}
}

static const struct verb *find_verb(const struct completing *c, const char *name)
{
	for (const struct verb *const *verb = c->call->verbs; *verb; verb++) {
		if ((*verb)->hidden || strcmp((*verb)->area, c->area) != 0)
			continue;
		if (!(*verb)->name || (name && !strcmp((*verb)->name, name)))
			return *verb;
	}
	return NULL;
}

static void take_word(struct completing *c, char *word)
{
	if (c->verb) {
		c->words[c->count++] = word;
	} else if (c->area) {
		c->verb = find_verb(c, word);
	} else {
		c->area = word;
		c->verb = find_verb(c, NULL);
	}
}

/* The words before the one that is typed. Gives the option whose value that one is; or NULL. */
static const struct args_option *read_line(struct completing *c, char **words, int count)
{
	const struct args_option *option = NULL;
	const char *value;

	for (int i = 0; i < count; i++) {
		if (c->ended) {
			take_word(c, words[i]);
			continue;
		}
		if (wants_value(option)) {
			heed(c, option, words[i]);
			option = NULL;
			continue;
		}
		c->ended = !strcmp(words[i], "--");
		option = option_of(c, words[i], &value);
		if (!option && words[i][0] != '-')
			take_word(c, words[i]);
		if (option && (value || !wants_value(option))) {
			heed(c, option, value);
			option = NULL;
		}
	}
	return wants_value(option) ? option : NULL;
}

static void offer_options(const struct completing *c, const struct args_option *options)
{
	char word[64];

	for (; options && options->name; options++) {
		bool shared = options ==
			      find_in(c->call->shared, options->name, strlen(options->name), '\0');

		if (shared && c->verb && args_has(c->verb->options, options->name))
			continue;
		/* the last one stands before a command only */
		if (shared && c->area && !options[1].name)
			continue;
		snprintf(word, sizeof(word), "--%s%s", options->name,
			 wants_value(options) ? "=" : "");
		complete_offer(c, word, options->help);
		snprintf(word, sizeof(word), "-%c", options->letter);
		if (options->letter && !strcmp(c->word, "-"))
			complete_offer(c, word, options->help);
	}
}

static void offer_verbs(const struct completing *c)
{
	const struct verb *const *verbs = c->call->verbs;

	for (size_t i = 0; verbs[i]; i++) {
		bool again = i && !strcmp(verbs[i - 1]->area, verbs[i]->area);

		if (verbs[i]->hidden)
			continue;
		if (c->area && verbs[i]->name && !strcmp(verbs[i]->area, c->area))
			complete_offer(c, verbs[i]->name, verbs[i]->help);
		if (!c->area && !again)
			complete_offer(c, verbs[i]->area, verbs[i]->name ? "" : verbs[i]->help);
	}
}

/* Of several forms the first; of several places for one word the first as well. */
static void offer_place(const struct completing *c, char *place)
{
	place += strspn(place, "[");
	place[strcspn(place, "[].@,")] = '\0';
	complete_place(c, place);
}

/* The place that the help gives to the word; the last one, where words may come again. */
static void offer_words(const struct completing *c)
{
	char *places = strdup(c->verb->words);
	char *bar = places ? strstr(places, " | ") : NULL;
	bool again = places && strstr(places, "...");
	char *place = NULL;
	char *next = places;
	int index = 0;

	if (bar)
		*bar = '\0';
	while (next) {
		char *word = strsep(&next, " ");

		/* "--" is no word */
		if (!*word || !strcmp(word, "--"))
			continue;
		place = word;
		if (index++ == c->count)
			break;
	}
	if (place && (index > c->count || again))
		offer_place(c, place);
	free(places);
}

static void offer_value(struct completing *c, const struct args_option *option)
{
	char place[64];

	snprintf(place, sizeof(place), "%s", option->value);
	offer_place(c, place);
}

static void offer(struct completing *c, const struct args_option *before)
{
	const struct args_option *option;
	const char *value = NULL;

	if (before) {
		offer_value(c, before);
		return;
	}
	option = c->ended ? NULL : option_of(c, c->word, &value);
	if (!c->ended && value && option && option->value) {
		c->prefix = c->word;
		c->prefix_length = (int)(value - c->word);
		c->word = value;
		offer_value(c, option);
	} else if (!c->ended && c->word[0] == '-') {
		offer_options(c, c->verb ? c->verb->options : NULL);
		offer_options(c, c->call->shared);
	} else if (c->verb) {
		offer_words(c);
	} else {
		offer_verbs(c);
	}
}

static enum result complete(const struct call *call)
{
	int last = call->count - 1;
	struct completing c = {
		.call = call,
		.words = calloc((size_t)call->count + 1, sizeof(*c.words)),
		.word = last >= 0 ? call->words[last] : "",
	};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* somebody is typing there: what can't be told is left out */
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	if (c.words)
		offer(&c, read_line(&c, call->words, last > 0 ? last : 0));
	free(c.words);
	return RESULT_OK;
}

const struct verb verb_complete = {
	.area = "complete",
	.words = "-- [WORD]...",
	.help = "for shells: what the last word may become",
	.hidden = true,
	.most = ARGS_ANY,
	.run = complete,
};
