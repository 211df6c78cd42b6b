/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static const struct step_verb {
	const char *word;
	uint32_t verb;
	bool has_place;
	bool has_value;
	bool has_time;
	bool needs_mask;
	const char *usage;
} verbs[] = {
	{ "rd", HWS_STEP_READ, true, false, false, false, "rd KIND PLACE" },
	{ "wr", HWS_STEP_WRITE, true, true, false, false, "wr KIND PLACE VALUE[:MASK]" },
	{ "update", HWS_STEP_UPDATE, true, true, false, true, "update KIND PLACE VALUE:MASK" },
	{ "poll", HWS_STEP_POLL, true, true, true, false, "poll KIND PLACE VALUE[:MASK] [TIME]" },
	{ "pause", HWS_STEP_PAUSE, false, false, true, false, "pause TIME" },
};

static const struct reach_kind *const kinds[] = { &reach_io, &reach_mem, &reach_msr, &reach_pci };

void steps_place(const struct steps *steps, const struct line *line)
{
	const char *file = strcmp(steps->file, "-") ? steps->file : "standard input";

	snprintf(say_place, SAY_PLACE, "%.80s:%u: ", file, line->number);
}

/* 5ms; false: it was told. */
static bool take_time(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", SECOND } };
	const char *at = text;
	char number[32];
	uint64_t value;

	if (!where_part("time", &at, "nums", number, sizeof(number)))
		return false;
	for (size_t i = 0; i < COUNT(units); i++)
		if (!strcmp(units[i].unit, at)) {
			if (!args_number("time", number, 3600 * SECOND / units[i].ns, &value))
				return false;
			*ret_ns = value * units[i].ns;
			return true;
		}
	args_refuse("time '%s': expected a number with ns, us, ms or s", text);
	return false;
}

/* The first words: what to do, and where. How many they are; 0: it was told. */
static int take_place(char **words, int count, const struct step_verb *verb, struct line *line)
{
	if (!verb->has_place)
		return 1;
	for (size_t i = 0; i < COUNT(kinds) && count > 1; i++)
		if (!strcmp(kinds[i]->name, words[1]))
			line->kind = kinds[i];
	if (count > 1 && !line->kind) {
		args_refuse("'%s' is no kind: expected io, mem, msr or pci", words[1]);
		return 0;
	}
	if (count < 2 || count < 2 + line->kind->words) {
		args_refuse("expected %s", verb->usage);
		return 0;
	}
	if (!line->kind->parse(&(struct reach) { 0 }, words + 2, &line->target))
		return 0;
	return 2 + line->kind->words;
}

/* What is known without the place being open: the value's form, and whether it fits a number's. */
static bool check_value(const struct step_verb *verb, const struct line *line)
{
	const struct where *where = &line->target.where;
	struct spot spot = { .place.width = where->width ? where->width : 8,
			     .mask = where->mask,
			     .low = where->low };
	struct change change;

	if (!reach_change(&spot, line->value, &change))
		return false;
	if (verb->needs_mask && !change.mask && !strchr(line->target.name, '.')) {
		args_refuse("'%s': expected VALUE:MASK", line->value);
		return false;
	}
	return true;
}

static bool take_line(char **words, int count, struct line *line)
{
	const struct step_verb *verb = NULL;
	int at;

	for (size_t i = 0; i < COUNT(verbs); i++)
		if (!strcmp(verbs[i].word, words[0]))
			verb = &verbs[i];
	if (!verb) {
		args_refuse("'%s' is no step: expected rd, wr, update, poll or pause", words[0]);
		return false;
	}
	line->verb = verb->verb;
	line->limit_ns = SECOND;
	at = take_place(words, count, verb, line);
	if (!at)
		return false;
	if (verb->has_value && at < count) {
		line->value = words[at++];
		if (!check_value(verb, line))
			return false;
	}
	if (verb->has_time && at < count && !take_time(words[at++], &line->limit_ns))
		return false;
	if (at == count && !line->value == !verb->has_value && (verb->has_place || count == 2))
		return true;
	args_refuse("expected %s", verb->usage);
	return false;
}

/* Its words, up to a comment; one more than there can be is kept, to be refused. */
static int split(char *text, char *words[STEP_WORDS])
{
	char *rest = NULL;
	int count = 0;

	for (char *word = strtok_r(text, " \t\r", &rest); word && word[0] != '#';
	     word = strtok_r(NULL, " \t\r", &rest))
		if (count < STEP_WORDS)
			words[count++] = word;
	return count;
}

static bool take_text(struct steps *steps)
{
	char *next = steps->text;
	unsigned int number = 0;

	while (next) {
		char *words[STEP_WORDS];
		struct line line = { .number = ++number };
		char *text = strsep(&next, "\n");
		int count = split(text, words);

		if (!count)
			continue;
		steps_place(steps, &line);
		if (steps->line_count == HWS_BATCH_STEPS) {
			args_refuse("more than %d steps", HWS_BATCH_STEPS);
			return false;
		}
		if (!take_line(words, count, &line))
			return false;
		steps->lines[steps->line_count++] = line;
	}
	return true;
}

/* The most steps that the text can be. */
static size_t count_lines(const char *text)
{
	size_t lines = 1;

	while (lines < HWS_BATCH_STEPS && (text = strchr(text, '\n'))) {
		lines++;
		text++;
	}
	return lines;
}

enum result steps_read(const char *file, struct steps *steps)
{
	enum result result = RESULT_FAILURE;
	bool good;

	*steps = (struct steps) { .file = file, .text = read_text(file, &result) };
	if (!steps->text)
		return result;
	steps->lines = calloc(count_lines(steps->text), sizeof(*steps->lines));
	if (!steps->lines)
		return call_fail(file, -ENOMEM);
	good = take_text(steps);
	say_place[0] = '\0';
	if (good && !steps->line_count)
		return args_refuse("%s: there is no step in it", file);
	return good ? RESULT_OK : RESULT_USAGE;
}

static struct hws_step step_of(const struct line *line, const struct change *change)
{
	struct hws_place place = change->spot.place;
	uint64_t mask = change->mask ? change->mask : spot_ones(place.width);

	if (line->verb == HWS_STEP_READ)
		return hws_step_read(place);
	if (line->verb == HWS_STEP_POLL)
		return hws_step_poll(place, mask, change->value, line->limit_ns);
	/* bits that a one clears are written as zeros, as by all verbs */
	if (change->mask)
		return hws_step_update(place, mask | change->spot.clears, change->value);
	return hws_step_write(place, change->value);
}

/* For one step more. */
static bool make_room(struct steps *steps)
{
	size_t room = steps->room ? 2 * steps->room : 16;
	struct stage *stages;
	struct hws_step *more;

	if (steps->count < steps->room)
		return true;
	stages = reallocarray(steps->stages, room, sizeof(*stages));
	if (!stages)
		return false;
	steps->stages = stages;
	more = reallocarray(steps->steps, room, sizeof(*more));
	if (!more)
		return false;
	steps->steps = more;
	steps->room = room;
	return true;
}

static enum result add(struct steps *steps, const struct line *line, const struct spot *spot)
{
	bool writes = line->verb == HWS_STEP_WRITE || line->verb == HWS_STEP_UPDATE;
	struct stage *stage;

	if (!make_room(steps))
		return call_fail(steps->file, -ENOMEM);
	stage = &steps->stages[steps->count];
	*stage = (struct stage) { .line = line };
	if (spot)
		stage->change.spot = *spot;
	if (line->value && !reach_change(spot, line->value, &stage->change))
		return RESULT_USAGE;
	steps->steps[steps->count++] = line->kind ? step_of(line, &stage->change)
						  : hws_step_pause(line->limit_ns);
	steps->writes += writes;
	if (writes)
		steps->dangers |=
			spot_danger(&spot->place, !stage->change.mask, stage->change.value);
	return RESULT_OK;
}

static enum result open_line(struct steps *steps, const struct line *line, struct reach *reach,
			     bool both)
{
	bool masked = reach_masked(&line->target, line->value);
	uint32_t rights = line->verb == HWS_STEP_READ || line->verb == HWS_STEP_POLL ? HWS_R
			  : both || masked					     ? HWS_RW
										     : HWS_W;
	size_t before = reach->spots.count;
	enum result result;

	if (!line->kind)
		return steps->count < HWS_BATCH_STEPS ? add(steps, line, NULL)
						      : args_refuse("too many steps");
	result = line->kind->open(reach, &line->target, rights);
	if (result == RESULT_OK && reach->spots.count - before > HWS_BATCH_STEPS - steps->count)
		return args_refuse("more than %d steps", HWS_BATCH_STEPS);
	for (size_t i = before; result == RESULT_OK && i < reach->spots.count; i++)
		result = add(steps, line, &reach->spots.at[i]);
	return result;
}

enum result steps_open(struct steps *steps, struct reach *reach, bool both)
{
	enum result result = RESULT_OK;

	for (size_t i = 0; result == RESULT_OK && i < steps->line_count; i++) {
		steps_place(steps, &steps->lines[i]);
		result = open_line(steps, &steps->lines[i], reach, both);
	}
	say_place[0] = '\0';
	return result;
}

void steps_free(struct steps *steps)
{
	free(steps->steps);
	free(steps->stages);
	free(steps->lines);
	free(steps->text);
	*steps = (struct steps) { 0 };
}
