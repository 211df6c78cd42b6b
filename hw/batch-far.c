/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps for a back end far away: those that follow one another go there together. */
#include <errno.h>

#include "hw/batch-internal.h"

static const struct {
	bool goes; /* pauses and polls are done here: nobody waits for them elsewhere */
	enum hws_shim_verb verb;
	enum gate_use use; /* the last */
	bool both;
} verbs[HWS_STEP_VERBS] = {
	[HWS_STEP_READ] = { true, HWS_SHIM_READ, GATE_READ, false },
	[HWS_STEP_WRITE] = { true, HWS_SHIM_WRITE, GATE_WRITE, false },
	[HWS_STEP_UPDATE] = { true, HWS_SHIM_UPDATE, GATE_WRITE, true },
};

static const enum hws_shim_space spaces[HWS_KINDS] = {
	[HWS_KIND_PORT] = HWS_SHIM_PORT,
	[HWS_KIND_MSR] = HWS_SHIM_MSR,
	[HWS_KIND_PCI] = HWS_SHIM_PCI,
	[HWS_KIND_BAR] = HWS_SHIM_BAR,
};

/* Is there more to ask than the gate, of each access when those before it are done? */
static bool stands_alone(const struct gate *gate)
{
	return gate->decision.per_access || gate->bank || gate->hw->last_words_always;
}

/* Does it go to the same place as those before it? @hw: of those, or NULL. */
static bool belongs(const struct hws_step *step, const struct hws *hw, struct place *ret_place)
{
	const struct gate *gate;

	if (!verbs[step->verb].goes || place_find(&step->place, ret_place) < 0)
		return false;
	gate = ret_place->gate;
	/* a BAR that is mapped here is nearer than any message */
	return (!hw || gate->hw == hw) && shim_ops(&gate->hw->shim)->batch != shim_defaults.batch &&
	       (gate->window.kind != HWS_KIND_BAR || gate->slow) && !stands_alone(gate);
}

static int enter(struct hws_step *step, struct place *place)
{
	unsigned int shift = place_shift(place);
	int r = 0;

	if (verbs[step->verb].both)
		r = face_enter(place->gate, GATE_READ, &place->one, shift);
	place->one.value = step->value;
	/* of an update it is not what will be written */
	place->one.has |= verbs[step->verb].verb == HWS_SHIM_WRITE ? HWS_HAS_VALUE : 0;
	return r < 0 ? r : face_enter(place->gate, verbs[step->verb].use, &place->one, shift);
}

static void describe(const struct hws_step *step, const struct place *place,
		     struct hws_shim_step *ret_far)
{
	const struct hws_access *window = &place->gate->window;

	*ret_far = (struct hws_shim_step) {
		.space = spaces[window->kind],
		.verb = verbs[step->verb].verb,
		.width = place->one.width,
		.cpu = place->one.cpu,
		.bar = window->bar,
		.bdf = window->bdf,
		.at = window->first + place->one.offset,
		.value = step->value,
		.mask = step->mask,
	};
}

struct far {
	struct hws *hw;
	uint32_t count;
	int refused; /* the step behind them, by the gate: 0 or -errno */
	struct place places[HWS_SHIM_STEPS];
	struct hws_shim_step steps[HWS_SHIM_STEPS];
};

/* A step that the gate keeps out ends those that go together. */
static void gather(struct hws_step *steps, uint32_t count, struct far *far)
{
	for (; far->count < count && far->count < HWS_SHIM_STEPS; far->count++) {
		struct hws_step *step = &steps[far->count];
		struct place *place = &far->places[far->count];

		if (!belongs(step, far->hw, place))
			return;
		/* of an update, too: no rule of this side asks for its value */
		far->refused = enter(step, place);
		if (far->refused < 0)
			return;
		far->hw = place->gate->hw;
		describe(step, place, &far->steps[far->count]);
	}
}

static void take(struct hws_step *step, const struct place *place, const struct hws_shim_step *far)
{
	step->status = far->status;
	if (far->status == 0 && step->verb != HWS_STEP_WRITE)
		step->result = far->result;
	else if (far->status < 0 && far->status != -ECANCELED)
		gate_failed(place->gate, verbs[step->verb].use, &place->one, far->status);
}

static void set_times(struct hws_step *steps, uint32_t count, uint64_t began)
{
	uint64_t ended = batch_now();

	for (uint32_t i = 0; i < count; i++) {
		steps[i].began_ns = began;
		steps[i].ended_ns = ended;
	}
}

uint32_t batch_far(struct hws_step *steps, uint32_t count, bool go_on)
{
	struct far far = { .count = 0 };
	struct place place;
	uint64_t began;
	int r = 0;

	/* one alone goes the usual way */
	if (count < 2 || !belongs(&steps[0], NULL, &place) ||
	    !belongs(&steps[1], place.gate->hw, &place))
		return 0;
	gather(steps, count, &far);
	began = batch_now();
	if (far.count > 0)
		r = shim_ops(&far.hw->shim)->batch(far.hw->shim.self, far.steps, far.count, go_on);
	for (uint32_t i = 0; i < far.count; i++)
		take(&steps[i], &far.places[i], &far.steps[i]);
	/* it has been asked for, and was told and counted: once is enough */
	if (far.refused < 0)
		steps[far.count++].status = r < 0 && !go_on ? -ECANCELED : far.refused;
	set_times(steps, far.count, began);
	return far.count;
}
