/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/reach.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SPOTS_MAX = 1 << 17 };

struct handle {
	struct handle *next;
	void *handle;
	void (*close)(void *handle);
};

bool reach_keep(struct reach *reach, void *handle, void (*close)(void *handle))
{
	struct handle *kept = malloc(sizeof(*kept));

	if (!kept) {
		close(handle);
		call_fail("hwprobe", -ENOMEM);
		return false;
	}
	*kept = (struct handle) { reach->handles, handle, close };
	reach->handles = kept;
	return true;
}

struct spot *reach_add(struct reach *reach)
{
	struct spots *spots = &reach->spots;
	size_t room = spots->count;
	struct spot *more = spots->at;

	/* doubled whenever it is full, which it is at each power of two */
	if ((room & (room - 1)) == 0)
		more = realloc(spots->at, (room ? 2 * room : 1) * sizeof(*more));
	if (!more)
		return NULL;
	spots->at = more;
	more[spots->count] = (struct spot) { 0 };
	return &more[spots->count++];
}

enum result reach_spread(struct reach *reach, const struct where *where, struct hws_place first,
			 const char *prefix)
{
	uint64_t step = where->width;
	uint64_t count = (where->last - where->first) / step + 1;

	if (count > SPOTS_MAX - reach->spots.count)
		return args_refuse("%s0x%" PRIx64 "-0x%" PRIx64 ": more than %d at a time", prefix,
				   where->first, where->last, SPOTS_MAX);
	for (uint64_t i = 0; i < count; i++) {
		struct spot *spot = reach_add(reach);

		if (!spot)
			return call_fail(prefix, -ENOMEM);
		spot->place = first;
		spot->place.at += i * step;
		spot->low = where->low;
		spot->mask = where->mask;
		snprintf(spot->name, sizeof(spot->name), "%s0x%" PRIx64, prefix,
			 where->first + i * step);
	}
	return RESULT_OK;
}

void reach_end(struct reach *reach)
{
	free(reach->spots.at);
	while (reach->handles) {
		struct handle *kept = reach->handles;

		reach->handles = kept->next;
		kept->close(kept->handle);
		free(kept);
	}
	hws_close(reach->hw);
	*reach = (struct reach) { 0 };
}

enum result reach_name(const struct hws_registers *registers, const char *name, struct spot *spot,
		       struct hws_register *ret_register)
{
	const char *dot = strchr(name, '.');
	char reg[SPOT_NAME];

	snprintf(reg, sizeof(reg), "%.*s", (int)strcspn(name, "."), name);
	if (hws_registers_find(registers, reg, &spot->index) < 0 ||
	    hws_registers_at(registers, spot->index, ret_register) < 0)
		return call_fail(reg, -ENOENT);
	if (spot_field(registers, ret_register, dot ? dot + 1 : NULL, spot))
		return RESULT_OK;
	say("%s has no field '%s'", reg, dot + 1);
	return RESULT_NOT_FOUND;
}

bool reach_take_width(const struct call *call, int option, struct reach *reach)
{
	return !call->given[option].count || spot_width(call->given[option].value, &reach->width);
}

/* Everything is taken apart before anything is opened. */
static enum result parse_all(const struct reach *reach, const struct reach_kind *kind, char **words,
			     size_t count, struct target **ret_targets)
{
	struct target *targets = calloc(count, sizeof(*targets));

	for (size_t i = 0; targets && i < count; i++)
		if (!kind->parse(reach, words + i, &targets[i])) {
			free(targets);
			return RESULT_USAGE;
		}
	*ret_targets = targets;
	return targets ? RESULT_OK : call_fail(kind->name, -ENOMEM);
}

enum result reach_read(struct reach *reach, const struct reach_kind *kind)
{
	size_t count = (size_t)reach->call->count;
	struct target *targets = NULL;
	enum result result = spots_options(reach->call, &reach->spots)
				     ? parse_all(reach, kind, reach->call->words, count, &targets)
				     : RESULT_USAGE;

	if (result == RESULT_OK)
		result = call_open(reach->call, &reach->hw);
	for (size_t i = 0; result == RESULT_OK && i < count; i++)
		result = kind->open(reach, &targets[i], HWS_R);
	reach->spots.named |= reach->spots.count > 1;
	if (result == RESULT_OK)
		result = spots_read(reach->call, &reach->spots);
	free(targets);
	reach_end(reach);
	return result;
}

bool reach_change(const struct spot *spot, const char *value, struct change *ret_change)
{
	uint64_t bits = spot->mask ? spot->mask : spot_ones(spot->place.width);
	struct change change = { .spot = *spot };

	if (!spot_value("value", value, bits >> spot->low, &change.value, &change.mask))
		return false;
	change.value <<= spot->low;
	change.mask = change.mask ? change.mask << spot->low : spot->mask;
	*ret_change = change;
	return true;
}

bool reach_masked(const struct target *target, const char *value)
{
	return target->where.mask || strchr(target->name, '.') || (value && strchr(value, ':'));
}

/* One assignment: what it names, and the value's text, which is checked once its width is known. */
struct assignment {
	struct target target;
	const char *value;
};

/* Splits PLACE=VALUE in place. */
static bool split(char *word, const char **ret_value)
{
	char *equals = strchr(word, '=');

	if (!equals) {
		args_refuse("'%s': expected PLACE=VALUE[:MASK]", word);
		return false;
	}
	*equals = '\0';
	*ret_value = equals + 1;
	return true;
}

/* How many; 0: it was told what is wrong. */
static size_t take_assignments(const struct reach *reach, const struct reach_kind *kind,
			       struct assignment *assignments)
{
	char **words = reach->call->words;
	size_t count = (size_t)reach->call->count;
	bool together = strchr(words[0], '=');

	if (!together && count != 2) {
		args_refuse("'%s': expected a place and a value, or PLACE=VALUE...",
			    words[count - 1]);
		return 0;
	}
	count = together ? count : 1;
	for (size_t i = 0; i < count; i++) {
		struct assignment *one = &assignments[i];
		struct change change;

		one->value = words[1];
		if ((together && !split(words[i], &one->value)) ||
		    !kind->parse(reach, &words[i], &one->target) ||
		    (!one->target.name[0] &&
		     !reach_change(&(struct spot) { .place.width = one->target.where.width,
						    .mask = one->target.where.mask,
						    .low = one->target.where.low },
				   one->value, &change)))
			return 0;
	}
	return count;
}

/* The same for each processor or place that the target means. */
static enum result open_changes(struct reach *reach, const struct reach_kind *kind,
				const struct assignment *one, struct change **changes)
{
	bool masked = reach_masked(&one->target, one->value);
	size_t before = reach->spots.count;
	enum result result =
		kind->open(reach, &one->target, spot_write_rights(reach->call, masked));
	struct change *more;

	if (result != RESULT_OK)
		return result;
	more = realloc(*changes, (reach->spots.count + 1) * sizeof(*more));
	if (!more)
		return call_fail(kind->name, -ENOMEM);
	*changes = more;
	for (size_t i = before; i < reach->spots.count; i++)
		if (!reach_change(&reach->spots.at[i], one->value, &more[i]))
			return RESULT_USAGE;
	return RESULT_OK;
}

enum result reach_write(struct reach *reach, const struct reach_kind *kind)
{
	struct assignment *assignments = calloc((size_t)reach->call->count, sizeof(*assignments));
	size_t count = assignments ? take_assignments(reach, kind, assignments) : 0;
	enum result result = count ? call_open(reach->call, &reach->hw) : RESULT_USAGE;
	struct change *changes = NULL;

	for (size_t i = 0; result == RESULT_OK && i < count; i++)
		result = open_changes(reach, kind, &assignments[i], &changes);
	if (result == RESULT_OK)
		result = spots_write(reach->call, changes, reach->spots.count);
	free(changes);
	free(assignments);
	reach_end(reach);
	return result;
}
