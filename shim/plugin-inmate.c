/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process in which a plug-in is isolated: it answers requests, one after another. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/plugin-isolate-internal.h"
#include "shim/plugin-library-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

struct cell {
	int fd;
	struct inmate *inmate;
	struct hws_plugin *plugin;
	struct isolate_message message; /* the request, and then its reply */
	void *saved;
	uint64_t saved_size;
};

static void send_message(int fd, struct isolate_message *message)
{
	if (sys_send_message(fd, message, sizeof(*message)) < 0)
		message->code = -EPIPE; /* who asked is gone: so are we, soon */
}

static void send_line(void *context, const char *line)
{
	const struct cell *cell = context;
	struct isolate_message message = { .verb = ISOLATE_LOG };

	snprintf(message.text, sizeof(message.text), "%s", line);
	send_message(cell->fd, &message);
}

/* What is asynchronous ends here: who asked waits. */
static int finished(int r, struct hws_event *event)
{
	int code = 0;

	if (r == 0)
		r = hws_event_wait(event, UINT64_MAX, &code);
	hws_event_close(event);
	return r < 0 ? r : code;
}

static int do_attributes(struct cell *cell)
{
	struct hws_values *values;
	int r = plugin_attributes(cell->plugin, &values);

	if (r < 0)
		return r;
	r = flat_pack(values, cell->inmate->window, ISOLATE_WINDOW, &cell->message.size);
	plugin_free_values(values);
	return r;
}

static int do_alloc(struct cell *cell)
{
	return plugin_alloc(cell->plugin, cell->message.size, NULL, HWS_SHARE_CALL,
			    &cell->message.memory);
}

static int do_free(struct cell *cell)
{
	return plugin_free(cell->plugin, cell->message.memory);
}

static struct plugin_copy copy_of(const struct cell *cell)
{
	return (struct plugin_copy) {
		.memory = cell->message.memory,
		.offset = cell->message.offset,
		.host = cell->inmate->window,
		.size = cell->message.size,
	};
}

static int do_copy_in(struct cell *cell)
{
	const struct plugin_copy copy = copy_of(cell);

	return plugin_copy_in(cell->plugin, &copy, NULL);
}

static int do_copy_out(struct cell *cell)
{
	const struct plugin_copy copy = copy_of(cell);

	return plugin_copy_out(cell->plugin, &copy, NULL);
}

static int do_run(struct cell *cell)
{
	const struct isolate_message *message = &cell->message;
	struct hws_values *values;
	struct hws_event *event;
	int r = flat_unpack(cell->inmate->window, (size_t)message->size, &values);

	if (r < 0)
		return r;
	r = hws_event_open(&event);
	if (r == 0) {
		r = plugin_run(cell->plugin, message->text, *values, message->memories,
			       message->count, event);
		r = finished(r, event);
	}
	plugin_free_values(values);
	return r;
}

static int do_save(struct cell *cell)
{
	int r;

	free(cell->saved);
	cell->saved = NULL;
	cell->saved_size = 0;
	r = plugin_save(cell->plugin, cell->message.memory, &cell->saved, &cell->saved_size);
	cell->message.size = cell->saved_size;
	return r;
}

static int do_read(struct cell *cell)
{
	const struct isolate_message *message = &cell->message;

	if (message->size > ISOLATE_WINDOW ||
	    !hws_range_ok(message->offset, message->size, cell->saved_size))
		return why(-ERANGE, "nothing is saved there");
	memcpy(cell->inmate->window, (char *)cell->saved + message->offset, (size_t)message->size);
	return 0;
}

static int (*const verbs[ISOLATE_VERBS])(struct cell *cell) = {
	[ISOLATE_ATTRIBUTES] = do_attributes,
	[ISOLATE_ALLOC] = do_alloc,
	[ISOLATE_FREE] = do_free,
	[ISOLATE_COPY_IN] = do_copy_in,
	[ISOLATE_COPY_OUT] = do_copy_out,
	[ISOLATE_RUN] = do_run,
	[ISOLATE_SAVE] = do_save,
	[ISOLATE_READ] = do_read,
};

static void reply(struct cell *cell, int r)
{
	cell->message.code = r;
	snprintf(cell->message.text, sizeof(cell->message.text), "%s", r < 0 ? hws_why() : "");
	send_message(cell->fd, &cell->message);
}

static int start(struct cell *cell)
{
	const struct plugin_options options = {
		.name = cell->inmate->name,
		.values = cell->inmate->values,
		.store = { .log = send_line, .context = cell },
		.library = cell->inmate->library,
	};
	const struct hws_plugin_table *table;
	int r = leave_shared(cell->inmate->window);

	r = r < 0 ? r : confine();
	r = r < 0 ? r : plugin_library_load(cell->inmate->library, &table);
	r = r < 0 ? r : plugin_open(table, &options, &cell->plugin);
	if (r == 0)
		cell->message.count = (cell->plugin->face.ops.struct_size != 0) |
				      (uint32_t)(cell->plugin->face.device.ext.struct_size != 0)
					      << 1;
	return r;
}

void inmate_live(int fd, void *inmate)
{
	struct cell cell = { .fd = fd, .inmate = inmate, .message = { .verb = ISOLATE_START } };
	int nothing;
	int r = start(&cell);

	reply(&cell, r);
	while (r == 0) {
		ssize_t n = sys_receive_message(fd, &cell.message, sizeof(cell.message), &nothing);

		if (n != sizeof(cell.message) || cell.message.verb == ISOLATE_END)
			break;
		cell.message.text[sizeof(cell.message.text) - 1] = '\0';
		if (cell.message.verb < ISOLATE_VERBS && verbs[cell.message.verb])
			reply(&cell, verbs[cell.message.verb](&cell));
	}
	plugin_close(cell.plugin, NULL);
	reply(&cell, 0);
}
