/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device that a plug-in brings: sizes, offsets and names are checked here, before it is asked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "shim/why-internal.h"

int plugin_lacks(const struct hws_plugin *plugin, const char *what)
{
	return why(-EOPNOTSUPP, "plug-in %s has no %s", plugin->name, what);
}

int plugin_need_device(const struct hws_plugin *plugin)
{
	return plugin->face.device.ext.struct_size ? 0 : plugin_lacks(plugin, "device");
}

int plugin_attributes(struct hws_plugin *plugin, struct hws_values **ret_values)
{
	struct hws_call_attributes call = { .struct_size = sizeof(call) };
	int r = plugin_need_device(plugin);

	r = r < 0 ? r : PLUGIN_CALL(plugin, attributes, &call);
	if (r < 0)
		return r;
	r = plugin_copy_values(&call.ret_values, ret_values);
	return r < 0 && r != -ENOMEM ? plugin_quarantine(plugin, "attributes: %s", hws_why()) : r;
}

static int reserve(struct hws_plugin *plugin, struct memory **ret_memory)
{
	int r;

	pthread_mutex_lock(&plugin->lock);
	r = memory_reserve(plugin, ret_memory);
	pthread_mutex_unlock(&plugin->lock);
	return r;
}

/* A name that it gave before, or none, would mix up two pieces of memory. */
static int keep(struct hws_plugin *plugin, struct memory *memory, const struct hws_call_alloc *call,
		uint64_t *ret_memory)
{
	bool fresh = call->ret_memory != 0;

	pthread_mutex_lock(&plugin->lock);
	for (uint32_t i = 0; i < PLUGIN_MEMORIES; i++)
		fresh = fresh && plugin->memories[i].name != call->ret_memory;
	if (fresh) {
		memory->name = call->ret_memory;
		memory->size = call->size;
		*ret_memory = memory_number(plugin, memory);
	} else {
		memory_release(memory);
	}
	pthread_mutex_unlock(&plugin->lock);
	return fresh ? 0 : plugin_quarantine(plugin, "alloc gave a name that is in use, or 0");
}

int plugin_alloc(struct hws_plugin *plugin, uint64_t size, void *host, enum hws_share share,
		 uint64_t *ret_memory)
{
	bool shared = share == HWS_SHARE_ZERO_COPY || share == HWS_SHARE_MUTABLE;
	struct hws_call_alloc call = {
		.struct_size = sizeof(call),
		.size = size,
		.host = host,
		.share = (uint32_t)share,
	};
	struct memory *memory;
	int r = plugin_need_device(plugin);

	if (r < 0)
		return r;
	if (!size || shared != (host != NULL) || (unsigned int)share >= HWS_SHARES)
		return why(-EINVAL, "memory of %llu bytes %s the program's can't be",
			   (unsigned long long)size, host ? "of" : "without");
	r = reserve(plugin, &memory);
	if (r < 0)
		return r;
	r = PLUGIN_CALL(plugin, alloc, &call);
	if (r == 0)
		return keep(plugin, memory, &call, ret_memory);
	pthread_mutex_lock(&plugin->lock);
	memory_release(memory);
	pthread_mutex_unlock(&plugin->lock);
	return r;
}

int plugin_free(struct hws_plugin *plugin, uint64_t number)
{
	struct memory *memory;
	uint64_t name = 0;
	int left;
	int r = plugin_enter(plugin, "free");

	if (r < 0)
		return r;
	pthread_mutex_lock(&plugin->lock);
	memory = memory_find(plugin, number);
	if (!memory) {
		r = -ESTALE;
	} else if (memory->flights) {
		r = why(-EBUSY, "plug-in %s: %u operations on that memory are in flight",
			plugin->name, memory->flights);
	} else {
		name = memory->name;
		memory_release(memory);
	}
	pthread_mutex_unlock(&plugin->lock);
	if (r == 0)
		plugin->face.device.free(plugin->self, name);
	left = plugin_leave(plugin, "free", NULL);
	return r < 0 ? r : left;
}
