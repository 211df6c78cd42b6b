/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How every verb writes: all of it is checked, then asked for, then done.
 *
 * The document: changes[]: name kind old mask value new (hex; old null when it
 * wasn't read), written.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/spot.h"

uint32_t spot_danger(const struct hws_place *place, bool has_value, uint64_t value)
{
	struct hws_access access = {
		.kind = place->kind,
		.rights = HWS_W,
		.first = place->at,
		.last = place->at + (place->kind == HWS_KIND_MSR ? 0 : place->width - 1),
		.cpu = place->cpu,
		.width = place->width,
		.has = has_value ? HWS_HAS_VALUE : 0,
		.value = value,
	};

	if (place->kind == HWS_KIND_PCI) {
		access.bdf = hws_pci_bdf(place->handle);
		access.class_code = hws_pci_class(place->handle);
	}
	return hws_access_danger(&access);
}

static int write_place(struct hws_place place, uint64_t value)
{
	struct hws_step step = hws_step_write(place, value);

	return hws_batch_run(&step, 1, 0);
}

static uint64_t merged(const struct change *change, uint64_t old)
{
	return (old & ~change->mask & ~change->spot.clears) | (change->value & change->mask);
}

/* What should stand there after @written was. */
static uint64_t expected(const struct change *change, uint64_t old, uint64_t written)
{
	uint64_t clears = change->spot.clears;

	return (written & ~clears) | (old & clears & ~written);
}

static uint64_t mask_of(const struct change *change)
{
	return change->mask ? change->mask : spot_ones(change->spot.place.width);
}

void spot_show(const struct spot *spot, const struct effect *effect, struct json_object *array)
{
	int digits = 2 * (int)spot->place.width;
	struct json_object *o;

	if (!array) {
		if (!effect->written)
			printf("%s 0x%0*" PRIx64 "->(0x%0*" PRIx64 ":0x%0*" PRIx64 ")->0x%0*" PRIx64
			       "\n",
			       spot->name, digits, effect->old, digits, effect->value, digits,
			       effect->mask, digits, effect->new);
		return;
	}
	o = spot_object(spot);
	put(o, "old", NULL);
	if (effect->has_old)
		put_hex(o, "old", (unsigned int)digits, effect->old);
	put_hex(o, "mask", (unsigned int)digits, effect->mask);
	put_hex(o, "value", (unsigned int)digits, effect->value);
	put_hex(o, "new", (unsigned int)digits, effect->new);
	put(o, "written", json_object_new_boolean(effect->written));
	json_object_array_add(array, o);
}

enum result spot_verify(const struct change *change, uint64_t old, uint64_t written)
{
	uint64_t wanted = expected(change, old, written) & mask_of(change);
	uint64_t value;
	int r = spot_read(change->spot.place, &value);

	if (r < 0)
		return call_fail(change->spot.name, r);
	value &= mask_of(change);
	if (value == wanted)
		return RESULT_OK;
	say("%s: 0x%" PRIx64 " stands there, not 0x%" PRIx64, change->spot.name, value, wanted);
	return RESULT_MISMATCH;
}

enum result spot_write(const struct call *call, const struct change *change,
		       struct json_object *array)
{
	bool dry = call->given[WRITE_DRY].count;
	bool has_old = dry || change->mask || call->given[WRITE_VERIFY].count;
	uint64_t old = 0;
	uint64_t value = change->value;
	int r = has_old ? spot_read(change->spot.place, &old) : 0;

	if (change->mask)
		value = merged(change, old);
	if (r == 0 && !dry)
		r = write_place(change->spot.place, value);
	if (r < 0)
		return call_fail(change->spot.name, r);
	spot_show(&change->spot,
		  &(const struct effect) {
			  .has_old = has_old,
			  .old = old,
			  .value = change->value,
			  .mask = mask_of(change),
			  .new = expected(change, old, value),
			  .written = !dry,
		  },
		  array);
	return !dry && call->given[WRITE_VERIFY].count ? spot_verify(change, old, value)
						       : RESULT_OK;
}

static bool is_masked(const struct change *change)
{
	return change->mask && change->mask != spot_ones(change->spot.place.width);
}

/* None is written before all may be. */
static enum result check_all(const struct change *changes, size_t count)
{
	struct hws_step *steps = calloc(count, sizeof(*steps));
	enum result result = RESULT_OK;
	int r;

	for (size_t i = 0; steps && i < count; i++)
		steps[i] = is_masked(&changes[i])
				   ? hws_step_update(changes[i].spot.place, changes[i].mask,
						     changes[i].value)
				   : hws_step_write(changes[i].spot.place, changes[i].value);
	r = steps ? hws_batch_check(steps, (uint32_t)count) : -ENOMEM;
	for (size_t i = 0; steps && r < 0 && i < count; i++)
		if (steps[i].status < 0 && steps[i].status != -ECANCELED) {
			result = call_fail(changes[i].spot.name, r);
			break;
		}
	if (r < 0 && result == RESULT_OK)
		result = call_fail("write", r);
	free(steps);
	return result;
}

static enum result ask_for_all(const struct call *call, const struct change *changes, size_t count)
{
	char what[SPOT_NAME + 64];
	enum result result = RESULT_OK;

	for (size_t i = 0; i < count && result == RESULT_OK; i++) {
		const struct change *change = &changes[i];

		snprintf(what, sizeof(what), "write 0x%" PRIx64 " to %s", change->value,
			 change->spot.name);
		result = call_may_write(
			call, what,
			spot_danger(&change->spot.place, !is_masked(change), change->value));
	}
	return result;
}

enum result spots_write(const struct call *call, const struct change *changes, size_t count)
{
	struct json_object *array = NULL;
	enum result result = check_all(changes, count);

	if (result == RESULT_OK)
		result = ask_for_all(call, changes, count);
	if (result != RESULT_OK)
		return result;
	array = call->settings.json ? json_object_new_array() : NULL;
	for (size_t i = 0; i < count && result == RESULT_OK; i++) {
		result = spot_write(call, &changes[i], array);
		if (i && result != RESULT_OK && result != RESULT_MISMATCH)
			result = RESULT_PARTIAL;
	}
	return spots_finish(call, "changes", array, result);
}
