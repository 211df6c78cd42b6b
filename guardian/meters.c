/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/meters-internal.h"

void meters_init(struct meters *meters)
{
	pthread_mutex_init(&meters->lock, NULL);
}

void meters_fini(struct meters *meters)
{
	pthread_mutex_destroy(&meters->lock);
}

void meters_add(struct meters *meters, struct meter *meter)
{
	pthread_mutex_lock(&meters->lock);
	meter->next = meters->first;
	meter->from = &meters->first;
	if (meter->next)
		meter->next->from = &meter->next;
	meters->first = meter;
	pthread_mutex_unlock(&meters->lock);
}

void meters_remove(struct meters *meters, struct meter *meter)
{
	/* its neighbours write to it as they come and go */
	pthread_mutex_lock(&meters->lock);
	if (meter->from) {
		meter->add(meter, &meters->ended, false);
		*meter->from = meter->next;
		if (meter->next)
			meter->next->from = meter->from;
		meter->from = NULL;
	}
	pthread_mutex_unlock(&meters->lock);
}

void meters_read(struct meters *meters, struct hws_snapshot *snapshot)
{
	struct meters_state state;

	pthread_mutex_lock(&meters->lock);
	state = meters->ended;
	for (struct meter *meter = meters->first; meter; meter = meter->next)
		meter->add(meter, &state, true);
	pthread_mutex_unlock(&meters->lock);
	for (int i = 0; i < HWS_RING_BACKENDS; i++)
		snapshot->rings[i] = state.rings[i];
	snapshot->pools = state.pools;
}

void meters_sum(void *to, const void *from, size_t size)
{
	uint64_t *into = to;
	const uint64_t *numbers = from;

	for (size_t i = 0; i < size / sizeof(*into); i++)
		into[i] += numbers[i];
}
