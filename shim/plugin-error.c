/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Error objects: made by the library, returned by the plug-in, known by their address only. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "shim/why-internal.h"

static const struct {
	int code;
	const char *name;
} codes[HWS_CODES] = {
	[HWS_CODE_OK] = { -EPROTO, "ok" },
	[HWS_CODE_CANCELLED] = { -ECANCELED, "cancelled" },
	[HWS_CODE_UNKNOWN] = { -EIO, "unknown" },
	[HWS_CODE_INVALID_ARGUMENT] = { -EINVAL, "invalid argument" },
	[HWS_CODE_DEADLINE_EXCEEDED] = { -ETIMEDOUT, "deadline exceeded" },
	[HWS_CODE_NOT_FOUND] = { -ENOENT, "not found" },
	[HWS_CODE_ALREADY_EXISTS] = { -EEXIST, "already exists" },
	[HWS_CODE_PERMISSION_DENIED] = { -EPERM, "permission denied" },
	[HWS_CODE_RESOURCE_EXHAUSTED] = { -ENOSPC, "resource exhausted" },
	[HWS_CODE_FAILED_PRECONDITION] = { -EBADFD, "failed precondition" },
	[HWS_CODE_ABORTED] = { -EAGAIN, "aborted" },
	[HWS_CODE_OUT_OF_RANGE] = { -ERANGE, "out of range" },
	[HWS_CODE_UNIMPLEMENTED] = { -EOPNOTSUPP, "unimplemented" },
	[HWS_CODE_INTERNAL] = { -EIO, "internal" },
	[HWS_CODE_UNAVAILABLE] = { -ENODEV, "unavailable" },
	[HWS_CODE_DATA_LOSS] = { -EBADMSG, "data loss" },
	[HWS_CODE_UNAUTHENTICATED] = { -EKEYREJECTED, "unauthenticated" },
};

/* What there is when no other can be made; nobody frees it. */
static const struct hws_error no_memory = {
	.code = HWS_CODE_RESOURCE_EXHAUSTED,
	.function = "hws_host.error",
	.message = "no memory for an error, or too many that were never returned",
};

int plugin_code_errno(enum hws_code code)
{
	return codes[code].code;
}

const char *plugin_code_name(enum hws_code code)
{
	return codes[code].name;
}

struct hws_error *plugin_error_none(void)
{
	return (struct hws_error *)(uintptr_t)&no_memory;
}

static bool link_error(struct hws_plugin *plugin, struct hws_error *error)
{
	bool room;

	pthread_mutex_lock(&plugin->lock);
	room = plugin->error_count < PLUGIN_ERRORS;
	if (room) {
		error->next = plugin->errors;
		plugin->errors = error;
		plugin->error_count++;
	}
	pthread_mutex_unlock(&plugin->lock);
	return room;
}

struct hws_error *plugin_error_make(struct hws_plugin *plugin, enum hws_code code,
				    const char *function, const char *message)
{
	struct hws_error *error = calloc(1, sizeof(*error));

	if (!error)
		return plugin_error_none();
	error->code = (unsigned int)code < HWS_CODES ? code : HWS_CODE_UNKNOWN;
	plugin_take_words("an error's function", function, error->function,
			  sizeof(error->function));
	plugin_take_words("an error's message", message, error->message, sizeof(error->message));
	if (link_error(plugin, error))
		return error;
	free(error);
	return plugin_error_none();
}

/* Is it one of those made for it? Then it is no longer. */
static bool unlink_error(struct hws_plugin *plugin, const struct hws_error *error)
{
	struct hws_error **link = &plugin->errors;

	pthread_mutex_lock(&plugin->lock);
	while (*link && *link != error)
		link = &(*link)->next;
	if (*link) {
		*link = error->next;
		plugin->error_count--;
		pthread_mutex_unlock(&plugin->lock);
		return true;
	}
	pthread_mutex_unlock(&plugin->lock);
	return false;
}

int plugin_error_take(struct hws_plugin *plugin, const char *function, struct hws_error *error)
{
	bool ours = error == &no_memory;
	int r;

	if (!ours && !unlink_error(plugin, error))
		return plugin_quarantine(plugin, "%s returned an error that it wasn't given",
					 function);
	r = why(plugin_code_errno(error->code), "plug-in %s: %s: %s (%s)", plugin->name,
		error->function, error->message, plugin_code_name(error->code));
	if (error->code == HWS_CODE_OK)
		r = plugin_quarantine(plugin, "%s returned an error that says it is none",
				      function);
	if (!ours)
		free(error);
	return r;
}

uint32_t plugin_errors_free(struct hws_plugin *plugin)
{
	uint32_t count = plugin->error_count;

	for (struct hws_error *error = plugin->errors, *next; error; error = next) {
		next = error->next;
		free(error);
	}
	plugin->errors = NULL;
	plugin->error_count = 0;
	return count;
}
