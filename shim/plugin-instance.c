/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An instance: created, called, quarantined when it lies, destroyed. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "shim/plugin-library-internal.h"
#include "shim/why-internal.h"

enum { FINE = 0, LYING = 1, TOLD = 2 };

int plugin_quarantine(struct hws_plugin *plugin, const char *format, ...)
{
	uint32_t fine = FINE;
	va_list arguments;

	/* the first lie is the one that is told */
	if (atomic_compare_exchange_strong(&plugin->quarantined, &fine, LYING)) {
		va_start(arguments, format);
		vsnprintf(plugin->trouble, sizeof(plugin->trouble), format, arguments);
		va_end(arguments);
		/* release: pairs with plugin_refusal() */
		atomic_store_explicit(&plugin->quarantined, TOLD, memory_order_release);
	}
	return plugin_refusal(plugin);
}

int plugin_refusal(const struct hws_plugin *plugin)
{
	bool told = atomic_load_explicit(&plugin->quarantined, memory_order_acquire) == TOLD;

	return why(-EPROTO, "plug-in %s is in quarantine: %s", plugin->name,
		   told ? plugin->trouble : "it broke the contract");
}

int plugin_enter_slowly(struct hws_plugin *plugin, const char *function)
{
	int r;

	if (atomic_load_explicit(&plugin->quarantined, memory_order_acquire))
		return plugin_refusal(plugin);
	if (!plugin->serial)
		return 0;
	r = -pthread_mutex_lock(&plugin->turn);
	if (r == -EDEADLK)
		return why(r,
			   "plug-in %s: %s was called from inside another call of it, or one "
			   "was left by longjmp()",
			   plugin->name, function);
	if (r == 0 && atomic_load_explicit(&plugin->quarantined, memory_order_acquire)) {
		pthread_mutex_unlock(&plugin->turn);
		return plugin_refusal(plugin);
	}
	return r;
}

int plugin_leave_slowly(struct hws_plugin *plugin, const char *function, struct hws_error *error)
{
	if (plugin->serial && pthread_mutex_unlock(&plugin->turn) != 0)
		return plugin_quarantine(plugin, "%s returned in another thread", function);
	return error ? plugin_error_take(plugin, function, error) : 0;
}

static int make(const struct plugin_options *options, const struct plugin_face *face,
		struct hws_plugin **ret_plugin)
{
	struct hws_plugin *plugin = calloc(1, sizeof(*plugin));
	pthread_mutexattr_t checked;

	if (!plugin)
		return why(-ENOMEM, "no memory for a plug-in");
	plugin->face = *face;
	plugin->serial = !(face->table.flags & HWS_PLUGIN_THREAD_SAFE);
	snprintf(plugin->name, sizeof(plugin->name), "%s", options->name ? options->name : "?");
	pthread_mutexattr_init(&checked);
	pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&plugin->turn, &checked);
	pthread_mutexattr_destroy(&checked);
	pthread_mutex_init(&plugin->lock, NULL);
	*ret_plugin = plugin;
	return 0;
}

static void unmake(struct hws_plugin *plugin)
{
	/* a call that was left by longjmp() still holds it; else we do, now */
	(void)pthread_mutex_trylock(&plugin->turn);
	(void)pthread_mutex_unlock(&plugin->turn);
	pthread_mutex_destroy(&plugin->turn);
	pthread_mutex_destroy(&plugin->lock);
	free(plugin);
}

static int create(struct hws_plugin *plugin, const struct plugin_options *options)
{
	struct hws_call_create call = {
		.struct_size = sizeof(call),
		.next = options->next,
		.host = &plugin_host,
		.instance = plugin->number,
		.options = options->values,
	};
	int r = plugin_enter(plugin, "create");

	if (r < 0)
		return r;
	r = plugin_leave(plugin, "create", plugin->face.table.create(&call));
	if (r == 0 && !call.ret_self)
		r = plugin_quarantine(plugin, "create said yes and gave nothing");
	plugin->self = r == 0 ? call.ret_self : NULL;
	return r;
}

static void give_up(const struct plugin_options *options)
{
	if (options->store.release)
		options->store.release(options->store.context);
	plugin_library_close(options->library);
}

int plugin_open(const struct hws_plugin_table *table, const struct plugin_options *options,
		struct hws_plugin **ret_plugin)
{
	struct hws_plugin *plugin = NULL;
	struct plugin_face face;
	int r = plugin_read_face(table, &face);

	r = r < 0 ? r : make(options, &face, &plugin);
	r = r < 0 ? r : plugin_register(plugin);
	if (r < 0) {
		if (plugin)
			unmake(plugin);
		give_up(options);
		return r;
	}
	plugin->store = options->store;
	plugin->library = options->library;
	r = create(plugin, options);
	if (r < 0)
		plugin_close(plugin, NULL);
	else
		*ret_plugin = plugin;
	return r;
}

/* False: it can't be called, so that nobody knows what still runs in it. */
static bool destroy(struct hws_plugin *plugin)
{
	if (!plugin->self)
		return !atomic_load_explicit(&plugin->quarantined, memory_order_acquire);
	if (plugin_enter(plugin, "destroy") < 0)
		return false;
	plugin->face.table.destroy(plugin->self);
	return plugin_leave(plugin, "destroy", NULL) == 0;
}

static uint32_t memories_left(const struct hws_plugin *plugin)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PLUGIN_MEMORIES; i++)
		count += plugin->memories[i].name != 0;
	return count;
}

void plugin_close(struct hws_plugin *plugin, struct plugin_leftovers *ret_left)
{
	struct plugin_leftovers left;
	bool over;

	if (!plugin)
		return;
	over = destroy(plugin);
	plugin_unregister(plugin);
	left.memories = memories_left(plugin);
	left.events = flights_end(plugin);
	left.chunks = chunks_end(plugin);
	left.errors = plugin_errors_free(plugin);
	if (plugin->store.release)
		plugin->store.release(plugin->store.context);
	if (over)
		plugin_library_close(plugin->library);
	unmake(plugin);
	if (ret_left)
		*ret_left = left;
}
