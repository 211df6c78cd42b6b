/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plug-in still has to answer for: events it will set, chunks it will be done with. */
#include <errno.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "shim/why-internal.h"

/* Numbers of events and memories: generation above, slot and one below; 0 is none. */
enum { NUMBER_BITS = 16 };

static uint64_t number_of(uint32_t slot, uint32_t generation)
{
	return (uint64_t)generation << NUMBER_BITS | (slot + 1);
}

static uint32_t slot_of(uint64_t number)
{
	return (uint32_t)(number & ((1u << NUMBER_BITS) - 1)) - 1;
}

static uint32_t generation_of(uint64_t number)
{
	return (uint32_t)(number >> NUMBER_BITS);
}

struct memory *memory_find(struct hws_plugin *plugin, uint64_t number)
{
	uint32_t slot = slot_of(number);
	struct memory *memory = slot < PLUGIN_MEMORIES ? &plugin->memories[slot] : NULL;

	if (!memory || !memory->name || number != number_of(slot, memory->generation)) {
		why(-ESTALE, "plug-in %s: that memory was freed, or never allocated", plugin->name);
		return NULL;
	}
	return memory;
}

int memory_reserve(struct hws_plugin *plugin, struct memory **ret_memory)
{
	for (uint32_t i = 0; i < PLUGIN_MEMORIES; i++) {
		if (plugin->memories[i].used)
			continue;
		plugin->memories[i].used = true;
		*ret_memory = &plugin->memories[i];
		return 0;
	}
	return why(-EDQUOT, "plug-in %s has %d pieces of memory, which is the most", plugin->name,
		   PLUGIN_MEMORIES);
}

void memory_release(struct memory *memory)
{
	memory->used = false;
	memory->name = 0;
	memory->generation++;
}

uint64_t memory_number(struct hws_plugin *plugin, const struct memory *memory)
{
	return number_of((uint32_t)(memory - plugin->memories), memory->generation);
}

static struct flight *flight_free(struct hws_plugin *plugin)
{
	for (uint32_t i = 0; i < PLUGIN_FLIGHTS; i++)
		if (!plugin->flights[i].event)
			return &plugin->flights[i];
	return NULL;
}

int flight_begin(struct hws_plugin *plugin, struct hws_event *event, struct memory *const *memories,
		 uint32_t count, uint64_t *ret_number)
{
	struct flight *flight = flight_free(plugin);

	if (!flight)
		return why(-EDQUOT, "plug-in %s has %d operations in flight, which is the most",
			   plugin->name, PLUGIN_FLIGHTS);
	flight->event = hws_event_share(event);
	flight->memory_count = count;
	for (uint32_t i = 0; i < count; i++) {
		flight->memories[i] = (uint16_t)(memories[i] - plugin->memories);
		memories[i]->flights++;
	}
	*ret_number = number_of((uint32_t)(flight - plugin->flights), flight->generation);
	return 0;
}

/* Out of the books: its event, which the caller sets and closes. */
static struct hws_event *land(struct hws_plugin *plugin, struct flight *flight)
{
	struct hws_event *event = flight->event;

	for (uint32_t i = 0; i < flight->memory_count; i++)
		plugin->memories[flight->memories[i]].flights--;
	flight->event = NULL;
	flight->generation++;
	return event;
}

/* NULL: it was over, or is none. */
static struct hws_event *land_number(struct hws_plugin *plugin, uint64_t number)
{
	uint32_t slot = slot_of(number);
	struct hws_event *event = NULL;

	pthread_mutex_lock(&plugin->lock);
	if (slot < PLUGIN_FLIGHTS && plugin->flights[slot].event &&
	    plugin->flights[slot].generation == generation_of(number))
		event = land(plugin, &plugin->flights[slot]);
	pthread_mutex_unlock(&plugin->lock);
	return event;
}

int flight_end(struct hws_plugin *plugin, uint64_t number, int code)
{
	struct hws_event *event = land_number(plugin, number);

	if (!event)
		return why(-ESTALE, "plug-in %s: that event was set, or is none", plugin->name);
	hws_event_set(event, code);
	hws_event_close(event);
	return 0;
}

int flight_cancel(struct hws_plugin *plugin, uint64_t number)
{
	struct hws_event *event = land_number(plugin, number);

	hws_event_close(event);
	return event ? 0 : -ESTALE;
}

uint32_t flights_end(struct hws_plugin *plugin)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PLUGIN_FLIGHTS; i++) {
		struct flight *flight = &plugin->flights[i];

		if (!flight->event)
			continue;
		count++;
		why(-ECANCELED, "plug-in %s ended without an answer", plugin->name);
		flight_end(plugin, number_of(i, flight->generation), -ECANCELED);
	}
	return count;
}

/* A chunk's context: the instance above, slot and generation below. */
enum { CHUNK_BITS = 8, INSTANCE_SHIFT = 32 };
_Static_assert((int)PLUGIN_CHUNKS <= 1 << CHUNK_BITS, "a chunk's slot fits");

static uint64_t chunk_context(const struct hws_plugin *plugin, const struct lent_chunk *lent)
{
	uint32_t slot = (uint32_t)(lent - plugin->chunks);

	return (uint64_t)plugin->number << INSTANCE_SHIFT |
	       (uint32_t)(lent->generation << CHUNK_BITS | slot);
}

static void chunk_over(const struct hws_chunk *chunk)
{
	if (chunk->done)
		chunk->done(chunk->context, chunk->data, chunk->size);
}

/* What the plug-in calls. Data and size are the ones that it was given: ours are believed. */
static void chunk_done(uint64_t context, void *data, uint64_t size)
{
	struct hws_plugin *plugin = plugin_get(context >> INSTANCE_SHIFT);
	struct hws_chunk chunk = { 0 };
	struct lent_chunk *lent;
	bool found;

	(void)data;
	(void)size;
	if (!plugin)
		return;
	lent = &plugin->chunks[context & (PLUGIN_CHUNKS - 1)];
	pthread_mutex_lock(&plugin->lock);
	found = lent->used && chunk_context(plugin, lent) == context;
	if (found) {
		chunk = lent->chunk;
		lent->used = false;
		lent->generation++;
	}
	pthread_mutex_unlock(&plugin->lock);
	if (found)
		chunk_over(&chunk);
	else
		plugin_quarantine(plugin, "it was done with a chunk twice");
	plugin_put(plugin);
}

int chunk_lend(struct hws_plugin *plugin, const struct hws_chunk *chunk, struct hws_chunk *ret_lent)
{
	struct lent_chunk *lent = NULL;

	pthread_mutex_lock(&plugin->lock);
	for (uint32_t i = 0; !lent && i < PLUGIN_CHUNKS; i++)
		if (!plugin->chunks[i].used)
			lent = &plugin->chunks[i];
	if (lent) {
		lent->used = true;
		lent->chunk = *chunk;
		*ret_lent = (struct hws_chunk) {
			.struct_size = sizeof(*ret_lent),
			.data = chunk->data,
			.size = chunk->size,
			.done = chunk_done,
			.context = chunk_context(plugin, lent),
		};
	}
	pthread_mutex_unlock(&plugin->lock);
	return lent ? 0
		    : why(-EDQUOT, "plug-in %s has %d chunks, which is the most", plugin->name,
			  PLUGIN_CHUNKS);
}

uint32_t chunks_end(struct hws_plugin *plugin)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PLUGIN_CHUNKS; i++) {
		if (!plugin->chunks[i].used)
			continue;
		count++;
		plugin->chunks[i].used = false;
		chunk_over(&plugin->chunks[i].chunk);
	}
	return count;
}
