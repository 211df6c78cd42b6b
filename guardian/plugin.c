/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/context-internal.h"
#include "guardian/gate-internal.h"
#include "shim/plugin-isolate-internal.h"
#include "shim/plugin-library-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

#define PATIENCE_NS UINT64_C(10000000000)

/* What an instance holds of its program. */
struct keeper {
	struct hws *hw;	 /* a share of it, unless */
	bool of_context; /* the context itself holds the instance */
	struct hws_plugin_options options;
};

static int no_store(void)
{
	return why(-EOPNOTSUPP, "the program keeps nothing for plug-ins");
}

static int keeper_get(void *context, struct hws_kv *kv)
{
	const struct hws_plugin_options *options = &((struct keeper *)context)->options;

	return options->get ? options->get(options->context, kv) : no_store();
}

static int keeper_try_get(void *context, struct hws_kv *kv)
{
	const struct hws_plugin_options *options = &((struct keeper *)context)->options;

	return options->try_get ? options->try_get(options->context, kv) : no_store();
}

static int keeper_put(void *context, const struct hws_kv *kv)
{
	const struct hws_plugin_options *options = &((struct keeper *)context)->options;

	return options->put ? options->put(options->context, kv) : no_store();
}

static void keeper_log(void *context, const char *line)
{
	const struct keeper *keeper = context;

	context_log(keeper->hw, HWS_LEVEL_INFO, "a plug-in says: %s", line);
}

static void release(const struct hws_plugin_options *options)
{
	if (options && options->release)
		options->release(options->context);
}

static void keeper_release(void *context)
{
	struct keeper *keeper = context;

	release(&keeper->options);
	if (!keeper->of_context)
		context_unref(keeper->hw);
	free(keeper);
}

static int make_keeper(struct hws *hw, const struct hws_plugin_options *options, bool of_context,
		       struct plugin_store *ret_store)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return why(-ENOMEM, "no memory for a plug-in");
	keeper->hw = of_context ? hw : context_ref(hw);
	keeper->of_context = of_context;
	if (options)
		keeper->options = *options;
	*ret_store = (struct plugin_store) {
		.get = keeper_get,
		.try_get = keeper_try_get,
		.put = keeper_put,
		.log = keeper_log,
		.release = keeper_release,
		.context = keeper,
	};
	return 0;
}

static void record(struct hws *hw, const struct hws_access *access,
		   const struct hws_decision *decision)
{
	struct hws_event event = audit_access_event(access, HWS_EVENT_GRANT, HWS_REASON_NONE);

	event.rule = decision->rule + 1;
	if (decision->unsigned_ok) {
		event.level = HWS_LEVEL_WARNING;
		context_log(hw, HWS_LEVEL_WARNING,
			    "%s is loaded without pin or signature, as %s:%u says: whoever can "
			    "write it runs in this process",
			    access->path, decision->file, decision->line);
	}
	audit_record(hw->audit, &event);
}

/* The file, as the policy wants it. @decision's strings live as long as @rules. */
static int open_library(struct hws *hw, const struct rules *rules, const char *path,
			struct plugin_library **ret_library)
{
	struct hws_access access = { .kind = HWS_KIND_PLUGIN, .rights = HWS_RW, .path = path };
	struct hws_decision decision;
	struct plugin_source source;
	int r = gate_check_window(hw, rules->view, &access, &decision);

	if (r < 0)
		return r;
	source = (struct plugin_source) {
		.root = hw->root,
		.path = path,
		.sha256 = decision.sha256,
		.key = decision.key,
		.bare = decision.unsigned_ok,
		.owner = hw->policy_owner,
	};
	r = plugin_library_open(&source, ret_library);
	if (r < 0)
		return context_fail(hw, HWS_EVENT_GRANT, &access, r);
	record(hw, &access, &decision);
	return 0;
}

static int start_isolated(struct plugin_options *inner, const struct hws_plugin_options *options,
			  struct hws_plugin **ret_plugin)
{
	const struct isolate_ext ext = {
		.library = inner->library,
		.name = inner->name,
		.patience_ns = options->patience_ns ? options->patience_ns : PATIENCE_NS,
	};

	inner->next = &ext.ext;
	return plugin_open(&isolate_table, inner, ret_plugin);
}

/* Takes @library, and the options' release, in any case. */
static int start(struct hws *hw, struct plugin_library *library, bool of_context,
		 const struct hws_plugin_options *options, struct hws_plugin **ret_plugin)
{
	const struct hws_plugin_note *note = plugin_library_note(library);
	const struct hws_plugin_table *table;
	struct plugin_options inner = { .library = library };
	char name[sizeof(note->name) + sizeof(note->version)];
	int r = make_keeper(hw, options, of_context, &inner.store);

	if (r < 0) {
		release(options);
		plugin_library_close(library);
		return r;
	}
	snprintf(name, sizeof(name), "%s %s", note->name, note->version);
	inner.name = name;
	if (options)
		inner.values = options->values;
	if (options && options->isolate)
		return start_isolated(&inner, options, ret_plugin);
	r = plugin_library_load(library, &table);
	if (r == 0)
		return plugin_open(table, &inner, ret_plugin);
	keeper_release(inner.store.context);
	plugin_library_close(library);
	return r;
}

int hws_plugin_open(struct hws *hw, const char *path, const struct hws_plugin_options *options,
		    struct hws_plugin **ret_plugin)
{
	struct plugin_library *library;
	struct rules *rules;
	int r = 0;

	if (options && options->size != sizeof(*options))
		return why(-EINVAL, "plug-in options of %zu bytes, expected %zu", options->size,
			   sizeof(*options));
	if (!path)
		r = why(-EINVAL, "no path of a plug-in");
	if (r == 0) {
		rules = context_rules(hw);
		r = open_library(hw, rules, path, &library);
		rules_unref(rules);
	}
	if (r < 0) {
		release(options);
		return r;
	}
	return start(hw, library, false, options, ret_plugin);
}

static void end(struct hws *hw, struct hws_plugin *plugin)
{
	struct plugin_leftovers left;
	char name[sizeof(plugin->name)];

	snprintf(name, sizeof(name), "%s", plugin->name);
	plugin_close(plugin, &left);
	if (left.errors || left.events || left.chunks || left.memories)
		context_log(hw, HWS_LEVEL_WARNING,
			    "plug-in %s left behind: %u errors, %u events, %u chunks, %u pieces of "
			    "memory",
			    name, left.errors, left.events, left.chunks, left.memories);
}

void hws_plugin_close(struct hws_plugin *plugin)
{
	struct hws *hw;

	if (!plugin)
		return;
	hw = context_ref(((struct keeper *)plugin->store.context)->hw);
	end(hw, plugin);
	context_unref(hw);
}

int context_plugin_open(struct hws *hw, const char *path, struct hws_plugin **ret_plugin)
{
	struct plugin_library *library;
	int r = open_library(hw, hw->rules, path, &library);

	return r < 0 ? r : start(hw, library, true, NULL, ret_plugin);
}

void context_plugin_close(struct hws *hw, struct hws_plugin *plugin)
{
	if (plugin)
		end(hw, plugin);
}

const char *hws_plugin_name(const struct hws_plugin *plugin)
{
	return plugin->name;
}

int hws_plugin_check(const struct hws_plugin *plugin)
{
	return atomic_load_explicit(&plugin->quarantined, memory_order_acquire)
		       ? plugin_refusal(plugin)
		       : 0;
}

uint32_t hws_plugin_brings(const struct hws_plugin *plugin)
{
	uint32_t brings;

	if (isolate_brings(plugin, &brings))
		return brings;
	return (plugin->face.ops.struct_size ? HWS_PLUGIN_BACKEND : 0u) |
	       (plugin->face.device.ext.struct_size ? HWS_PLUGIN_DEVICE : 0u);
}

int hws_plugin_inspect(const char *path, uint32_t owner, const char *key,
		       struct hws_plugin_file *ret_file)
{
	const struct plugin_source source = {
		.root = SYS_REAL_ROOT, .path = path, .key = key, .bare = !key, .owner = owner
	};
	struct hws_plugin_file file = { .size = sizeof(file) };
	const struct hws_plugin_note *note;
	struct plugin_library *library;
	char words[256];
	int r;

	if (!path || ret_file->size != sizeof(file))
		return why(-EINVAL, "a plug-in's file takes a path, and a size of %zu",
			   sizeof(file));
	r = plugin_library_open(&source, &library);
	if (r < 0) {
		snprintf(words, sizeof(words), "%s", hws_why());
		return why(r, "%s: %s", path, words);
	}
	note = plugin_library_note(library);
	memcpy(file.name, note->name, sizeof(file.name));
	memcpy(file.version, note->version, sizeof(file.version));
	file.abi = note->abi;
	r = plugin_library_hash(library, file.sha256);
	plugin_library_close(library);
	if (r == 0)
		*ret_file = file;
	return r;
}
