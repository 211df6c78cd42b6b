/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done with a device's memory: copies, chunks, operations, mappings. */
#include <errno.h>
#include <stdlib.h>

#include "shim/plugin-internal.h"
#include "shim/why-internal.h"

/* An operation on memory of its: looked up, and in flight from here on, until begun() or later. */
static int begin(struct hws_plugin *plugin, const uint64_t *numbers, uint32_t count,
		 const struct plugin_copy *copy, struct hws_event *event, uint64_t *ret_names,
		 uint64_t *ret_flight)
{
	struct memory *memories[PLUGIN_RUN_MEMORIES];
	int r = 0;

	pthread_mutex_lock(&plugin->lock);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		memories[i] = memory_find(plugin, numbers[i]);
		r = memories[i] ? 0 : -ESTALE;
		if (r == 0)
			ret_names[i] = memories[i]->name;
	}
	if (r == 0 && copy && !hws_range_ok(copy->offset, copy->size, memories[0]->size))
		r = why(-ERANGE, "plug-in %s: %llu bytes at %llu go past memory of %llu",
			plugin->name, (unsigned long long)copy->size,
			(unsigned long long)copy->offset, (unsigned long long)memories[0]->size);
	*ret_flight = 0;
	if (r == 0 && event)
		r = flight_begin(plugin, event, memories, count, ret_flight);
	for (uint32_t i = 0; r == 0 && !event && i < count; i++)
		memories[i]->flights++;
	pthread_mutex_unlock(&plugin->lock);
	return r;
}

/*
 * Its call is over. Without an event so is the operation; one that was refused at once has no event
 * to come: it is taken back, unset.
 */
static int begun(struct hws_plugin *plugin, const uint64_t *numbers, uint32_t count,
		 uint64_t flight, int r)
{
	if (flight)
		return r < 0 && flight_cancel(plugin, flight) == -ESTALE ? 0 : r;
	pthread_mutex_lock(&plugin->lock);
	for (uint32_t i = 0; i < count; i++) {
		struct memory *memory = memory_find(plugin, numbers[i]);

		if (memory) /* it is: nobody could free it */
			memory->flights--;
	}
	pthread_mutex_unlock(&plugin->lock);
	return r;
}

typedef struct hws_error *copy_entry(void *self, struct hws_call_copy *call);

static int copy_by(struct hws_plugin *plugin, const char *function, copy_entry *entry,
		   const struct plugin_copy *copy, struct hws_event *event)
{
	struct hws_call_copy call = {
		.struct_size = sizeof(call),
		.offset = copy->offset,
		.host = copy->host,
		.size = copy->size,
		.share = event ? HWS_SHARE_TRANSFER : HWS_SHARE_CALL,
	};
	int r = begin(plugin, &copy->memory, 1, copy, event, &call.memory, &call.event);

	if (r < 0)
		return r;
	r = plugin_enter(plugin, function);
	if (r == 0)
		r = plugin_leave(plugin, function, entry(plugin->self, &call));
	return begun(plugin, &copy->memory, 1, call.event, r);
}

static int check_copy(const struct hws_plugin *plugin, const struct plugin_copy *copy)
{
	if (!copy->host && copy->size)
		return why(-EINVAL, "%llu bytes at NULL", (unsigned long long)copy->size);
	return plugin_need_device(plugin);
}

int plugin_copy_in(struct hws_plugin *plugin, const struct plugin_copy *copy,
		   struct hws_event *event)
{
	int r = check_copy(plugin, copy);

	return r < 0 ? r : copy_by(plugin, "copy_in", plugin->face.device.copy_in, copy, event);
}

int plugin_copy_out(struct hws_plugin *plugin, const struct plugin_copy *copy,
		    struct hws_event *event)
{
	int r = check_copy(plugin, copy);

	return r < 0 ? r : copy_by(plugin, "copy_out", plugin->face.device.copy_out, copy, event);
}

/* An entry that a device need not have. */
static int need_entry(const struct hws_plugin *plugin, bool there, const char *function)
{
	int r = plugin_need_device(plugin);

	if (r < 0 || there)
		return r;
	return plugin_lacks(plugin, function);
}

int plugin_chunk_in(struct hws_plugin *plugin, uint64_t memory, uint64_t offset,
		    const struct hws_chunk *chunk, struct hws_event *event)
{
	const struct plugin_copy copy = { memory, offset, chunk->data, chunk->size };
	struct hws_call_chunk call = { .struct_size = sizeof(call), .offset = offset };
	int r = need_entry(plugin, plugin->face.device.chunk_in, "chunk_in");

	r = r < 0 ? r : begin(plugin, &memory, 1, &copy, event, &call.memory, &call.event);
	if (r == 0) {
		r = chunk_lend(plugin, chunk, &call.chunk);
		if (r < 0)
			(void)begun(plugin, &memory, 1, call.event, r);
	}
	if (r < 0) {
		if (chunk->done)
			chunk->done(chunk->context, chunk->data, chunk->size);
		return r;
	}
	return begun(plugin, &memory, 1, call.event, PLUGIN_CALL(plugin, chunk_in, &call));
}

/* What it saved, in memory of ours. */
static int take_saved(struct hws_plugin *plugin, const struct hws_chunk *chunk, void **ret_bytes)
{
	void *bytes;
	int r;

	if (chunk->size > HWS_PLUGIN_SAVED || (chunk->size && !chunk->data))
		return plugin_quarantine(plugin, "save gave %llu bytes at %p",
					 (unsigned long long)chunk->size, chunk->data);
	bytes = malloc((size_t)chunk->size + 1);
	if (!bytes)
		return why(-ENOMEM, "no memory for what plug-in %s saved", plugin->name);
	r = chunk->size ? plugin_read("save", chunk->data, bytes, (size_t)chunk->size) : 0;
	if (r < 0) {
		free(bytes);
		return plugin_quarantine(plugin, "%s", hws_why());
	}
	*ret_bytes = bytes;
	return 0;
}

int plugin_save(struct hws_plugin *plugin, uint64_t memory, void **ret_bytes, uint64_t *ret_size)
{
	struct hws_call_save call = { .struct_size = sizeof(call) };
	const struct hws_chunk *chunk = &call.ret_chunk;
	uint64_t none;
	int r = need_entry(plugin, plugin->face.device.save, "save");

	r = r < 0 ? r : begin(plugin, &memory, 1, NULL, NULL, &call.memory, &none);
	if (r < 0)
		return r;
	r = begun(plugin, &memory, 1, none, PLUGIN_CALL(plugin, save, &call));
	if (r < 0)
		return r;
	r = take_saved(plugin, chunk, ret_bytes);
	if (r == 0)
		*ret_size = chunk->size;
	/* one in quarantine is not called, whatever it would have freed */
	if (chunk->done && plugin_enter(plugin, "done") == 0) {
		chunk->done(chunk->context, chunk->data, chunk->size);
		plugin_leave(plugin, "done", NULL);
	}
	return r;
}

int plugin_run(struct hws_plugin *plugin, const char *name, struct hws_values values,
	       const uint64_t *memories, uint32_t count, struct hws_event *event)
{
	uint64_t names[PLUGIN_RUN_MEMORIES];
	struct hws_call_run call = {
		.struct_size = sizeof(call),
		.name = name,
		.values = values,
		.memories = names,
		.memory_count = count,
	};
	int r = need_entry(plugin, plugin->face.device.run, "run");

	if (r < 0)
		return r;
	if (!name || count > PLUGIN_RUN_MEMORIES || !event)
		return why(-EINVAL, "an operation has a name, an event and %d pieces of memory",
			   PLUGIN_RUN_MEMORIES);
	r = begin(plugin, memories, count, NULL, event, names, &call.event);
	return r < 0 ? r
		     : begun(plugin, memories, count, call.event, PLUGIN_CALL(plugin, run, &call));
}

int plugin_map(struct hws_plugin *plugin, void *host, uint64_t size, enum hws_rights device,
	       uint64_t *ret_address)
{
	struct hws_call_map call = {
		.struct_size = sizeof(call),
		.host = host,
		.size = size,
		.rights = (uint32_t)device,
	};
	int r = need_entry(plugin, plugin->face.device.dma_map && plugin->face.device.dma_unmap,
			   "dma_map");

	if (r == 0 && (!host || !size))
		r = why(-EINVAL, "no memory to map");
	r = r < 0 ? r : PLUGIN_CALL(plugin, dma_map, &call);
	if (r == 0)
		*ret_address = call.address;
	return r;
}

int plugin_unmap(struct hws_plugin *plugin, void *host, uint64_t size, uint64_t address)
{
	struct hws_call_map call = {
		.struct_size = sizeof(call),
		.host = host,
		.size = size,
		.address = address,
	};
	int r = need_entry(plugin, plugin->face.device.dma_unmap, "dma_unmap");

	return r < 0 ? r : PLUGIN_CALL(plugin, dma_unmap, &call);
}
