/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/batch.h"

#include <errno.h>

#include "hw/batch-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { POLL_FAST = 64, POLL_PAUSE_NS = 20000 };

uint64_t batch_now(void)
{
	uint64_t ns = 0;

	return sys_clock(CLOCK_MONOTONIC, &ns) < 0 ? 0 : ns;
}

static int do_read(const struct place *place, struct hws_step *step)
{
	return place_read(place, &step->result);
}

static int do_write(const struct place *place, struct hws_step *step)
{
	return place_write(place, step->value);
}

static int do_update(const struct place *place, struct hws_step *step)
{
	int r = place_read(place, &step->result);

	return r < 0 ? r : place_write(place, (step->result & ~step->mask) | step->value);
}

/* Often at first, then with pauses: the guard counts each look. */
static int do_poll(const struct place *place, struct hws_step *step)
{
	uint64_t begin = batch_now();

	for (step->polls = 1;; step->polls++) {
		int r = place_read(place, &step->result);

		if (r < 0 || (step->result & step->mask) == step->value)
			return r;
		if (batch_now() - begin >= step->limit_ns)
			return why(-ETIME, "after %llu ns it was still 0x%llx",
				   (unsigned long long)step->limit_ns,
				   (unsigned long long)step->result);
		if (step->polls > POLL_FAST)
			sys_sleep(POLL_PAUSE_NS);
	}
}

static int do_pause(const struct place *place, struct hws_step *step)
{
	(void)place;
	sys_sleep(step->limit_ns);
	return 0;
}

static const struct verb {
	bool reads;
	bool writes;
	bool masks;
	int (*fn)(const struct place *place, struct hws_step *step);
} verbs[HWS_STEP_VERBS] = {
	[HWS_STEP_READ] = { .reads = true, .fn = do_read },
	[HWS_STEP_WRITE] = { .writes = true, .fn = do_write },
	[HWS_STEP_UPDATE] = { .reads = true, .writes = true, .masks = true, .fn = do_update },
	[HWS_STEP_POLL] = { .reads = true, .masks = true, .fn = do_poll },
	[HWS_STEP_PAUSE] = { .fn = do_pause },
};

static bool goes_somewhere(const struct verb *verb)
{
	return verb->reads || verb->writes;
}

static int check_value(const struct hws_step *step, const struct verb *verb, uint64_t ones)
{
	if (verb->masks && step->value & ~step->mask)
		return why(-EINVAL, "the value 0x%llx has bits outside the mask 0x%llx",
			   (unsigned long long)step->value, (unsigned long long)step->mask);
	if ((verb->masks ? step->mask : verb->writes ? step->value : 0) & ~ones)
		return why(-EINVAL, "0x%llx is wider than %u bytes",
			   (unsigned long long)(verb->masks ? step->mask : step->value),
			   step->place.width);
	return 0;
}

/* What an update will write shows when it has read: then its rule is asked, now only its right. */
static int check_write(const struct hws_step *step, const struct verb *verb, struct place *place)
{
	place->one.value = step->value;
	if (verb->reads && place->gate->window.rights & HWS_W)
		return 0;
	return face_check(place->gate, place->face, GATE_WRITE, &place->one);
}

static int check(const struct hws_step *step)
{
	const struct verb *verb;
	struct place place;
	int r;

	if (step->verb >= HWS_STEP_VERBS)
		return why(-EINVAL, "there is no verb %u", step->verb);
	verb = &verbs[step->verb];
	if (!goes_somewhere(verb))
		return 0;
	r = place_find(&step->place, &place);
	if (r == 0 && verb->reads)
		r = face_check(place.gate, place.face, GATE_READ, &place.one);
	if (r == 0)
		r = check_value(step, verb, place_ones(&place));
	return r == 0 && verb->writes ? check_write(step, verb, &place) : r;
}

int step_check(struct hws_step *step)
{
	step->status = check(step);
	return step->status;
}

int step_do(struct hws_step *step)
{
	const struct verb *verb = &verbs[step->verb];
	struct place place = { 0 };
	int r = goes_somewhere(verb) ? place_find(&step->place, &place) : 0;

	step->began_ns = batch_now();
	if (r == 0)
		r = verb->fn(&place, step);
	step->ended_ns = batch_now();
	step->status = r;
	return r;
}

static int first_failed(const struct hws_step *steps, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (steps[i].status < 0 && steps[i].status != -ECANCELED)
			return steps[i].status;
	}
	return 0;
}

int hws_batch_check(struct hws_step *steps, uint32_t count)
{
	int first = 0;

	if (count > HWS_BATCH_STEPS)
		return why(-EINVAL, "a batch has up to %d steps", HWS_BATCH_STEPS);
	/* from the end: what hws_why() says then is about the first that is wrong */
	for (uint32_t i = count; i-- > 0;) {
		int r = step_check(&steps[i]);

		first = r < 0 ? r : first;
	}
	return first;
}

int steps_refused(struct hws_step *steps, uint32_t count, int r)
{
	for (uint32_t i = 0; i < count && count <= HWS_BATCH_STEPS; i++)
		steps[i].status = steps[i].status ? steps[i].status : -ECANCELED;
	return r;
}

static void begin(struct hws_step *step)
{
	step->status = -ECANCELED;
	step->result = step->began_ns = step->ended_ns = step->polls = 0;
}

static void do_all(struct hws_step *steps, uint32_t count, bool go_on)
{
	uint32_t i = 0;

	while (i < count) {
		uint32_t done = batch_far(&steps[i], count - i, go_on);
		int r = done ? first_failed(&steps[i], done) : step_do(&steps[i]);

		if (r < 0 && !go_on)
			return;
		i += done ? done : 1;
	}
}

int hws_batch_run(struct hws_step *steps, uint32_t count, uint32_t flags)
{
	int r;

	if (flags & ~(uint32_t)HWS_BATCH_GO_ON)
		return why(-EINVAL, "there are no such flags: %#x", flags);
	r = hws_batch_check(steps, count);
	if (r < 0)
		return steps_refused(steps, count, r);
	for (uint32_t i = 0; i < count; i++)
		begin(&steps[i]);
	do_all(steps, count, flags & HWS_BATCH_GO_ON);
	return first_failed(steps, count);
}
