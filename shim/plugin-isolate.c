/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This side of an isolated plug-in: each entry is a request to its process, with a deadline. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "shim/plugin-isolate-internal.h"
#include "shim/plugin-library-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

struct isolated {
	const struct hws_host *host;
	uint64_t instance;
	uint64_t patience_ns;
	int fd;	     /* -1: it has ended */
	int process; /* for sys_reap() */
	int pid;     /* whose it is: a child of fork() only forgets it */
	uint32_t brings;
	char end[PLUGIN_TROUBLE]; /* how */
	char *window;
	struct hws_values *attributes;
	struct isolate_message message; /* the request, and then its reply */
};

/* Which code stands for an errno; several do for some: the first. */
static enum hws_code code_of(int r)
{
	for (int code = HWS_CODE_CANCELLED; code < HWS_CODES; code++)
		if (plugin_code_errno((enum hws_code)code) == r)
			return (enum hws_code)code;
	return r == -ENOMEM ? HWS_CODE_RESOURCE_EXHAUSTED : HWS_CODE_INTERNAL;
}

static struct hws_error *fail(const struct isolated *isolated, int r, const char *words)
{
	return isolated->host->error(isolated->instance, code_of(r), "isolated", words);
}

/* It is over with that process, and that is what is said from now on. */
static int lose(struct isolated *isolated, int r, const char *what)
{
	int signal = sys_reap(isolated->process);

	isolated->fd = sys_close(isolated->fd);
	if (r == -ETIMEDOUT)
		snprintf(isolated->end, sizeof(isolated->end),
			 "its process did not answer %s in time, and was ended", what);
	else if (signal > 0)
		snprintf(isolated->end, sizeof(isolated->end), "its process died of SIG%s in %s",
			 sigabbrev_np(signal) ? sigabbrev_np(signal) : "?", what);
	else
		snprintf(isolated->end, sizeof(isolated->end), "its process ended in %s", what);
	return r == -ETIMEDOUT ? r : -ENODEV;
}

/* The next message, until @deadline; lines for the log are passed on. */
static int next_reply(struct isolated *isolated, uint64_t deadline)
{
	struct isolate_message *message = &isolated->message;

	for (;;) {
		struct pollfd look = { .fd = isolated->fd, .events = POLLIN };
		int r = sys_poll_until(&look, 1, deadline);
		uint64_t now;
		int fd = -1;

		if (r == -EINTR)
			continue;
		if (r < 0)
			return r == -ETIME ? -ETIMEDOUT : r;
		if (sys_receive_message(isolated->fd, message, sizeof(*message), &fd) !=
		    sizeof(*message)) {
			sys_close(fd);
			return -ENODEV;
		}
		sys_close(fd);
		message->text[sizeof(message->text) - 1] = '\0';
		if (message->verb != ISOLATE_LOG)
			return 0;
		isolated->host->log(isolated->instance, message->text);
		/* one that never stops talking doesn't keep us */
		if (sys_clock(CLOCK_MONOTONIC, &now) < 0 || now >= deadline)
			return -ETIMEDOUT;
	}
}

static int await(struct isolated *isolated, uint32_t verb, const char *what)
{
	uint64_t now;
	int r = sys_clock(CLOCK_MONOTONIC, &now);

	r = r < 0 ? r : next_reply(isolated, now + isolated->patience_ns);
	if (r == 0 && isolated->message.verb != verb)
		r = -ENODEV; /* it speaks out of turn: no reply of it can be believed */
	return r < 0 ? lose(isolated, r, what) : isolated->message.code;
}

/* NULL, or an error; the reply is in the message. */
static struct hws_error *ask(struct isolated *isolated, uint32_t verb, const char *what)
{
	int r = -ENODEV;

	if (isolated->fd < 0)
		return fail(isolated, r, isolated->end);
	if (isolated->pid != sys_pid())
		return fail(isolated, r, "it is the parent's: a child of fork() opens its own");
	isolated->message.verb = verb;
	if (sys_send_message(isolated->fd, &isolated->message, sizeof(isolated->message)) < 0)
		r = lose(isolated, r, what);
	else
		r = await(isolated, verb, what);
	if (r == 0)
		return NULL;
	return fail(isolated, r, isolated->fd < 0 ? isolated->end : isolated->message.text);
}

static int start(struct isolated *isolated, struct hws_call_create *call,
		 const struct isolate_ext *ext)
{
	struct inmate inmate = { .library = ext->library,
				 .name = ext->name,
				 .values = call->options };
	void *window;
	int r = sys_mmap(NULL, ISOLATE_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0, &window);

	if (r < 0)
		return why(r, "no memory for an isolated plug-in");
	inmate.window = isolated->window = window;
	r = sys_companion(inmate_live, &inmate, plugin_library_fd(ext->library), &isolated->fd,
			  &isolated->process);
	return r < 0 ? why(r, "no process for an isolated plug-in: %s", strerror(-r)) : 0;
}

static void forget(struct isolated *isolated)
{
	if (isolated->window)
		sys_munmap(isolated->window, ISOLATE_WINDOW);
	plugin_free_values(isolated->attributes);
	free(isolated);
}

static struct hws_error *create(struct hws_call_create *call)
{
	const struct isolate_ext *ext = (const void *)call->next;
	struct isolated *isolated = calloc(1, sizeof(*isolated));
	struct hws_error *error = NULL;
	int r = isolated ? 0 : why(-ENOMEM, "no memory for an isolated plug-in");

	if (isolated) {
		isolated->host = call->host;
		isolated->instance = call->instance;
		/* to which the clock can be added */
		isolated->patience_ns = ext->patience_ns < INT64_MAX ? ext->patience_ns : INT64_MAX;
		isolated->fd = -1;
		isolated->pid = sys_pid();
		r = start(isolated, call, ext);
	}
	if (r < 0) {
		error = call->host->error(call->instance, code_of(r), "isolated", hws_why());
	} else {
		r = await(isolated, ISOLATE_START, "create");
		isolated->brings = isolated->message.count;
		if (r < 0)
			error = fail(isolated, r,
				     isolated->fd < 0 ? isolated->end : isolated->message.text);
		if (r < 0 && isolated->fd >= 0)
			(void)lose(isolated, r, "create");
	}
	if (!error)
		call->ret_self = isolated;
	else if (isolated)
		forget(isolated);
	return error;
}

static void destroy(void *self)
{
	struct isolated *isolated = self;

	if (isolated->fd >= 0 && isolated->pid != sys_pid()) {
		sys_close(isolated->process);
		isolated->fd = sys_close(isolated->fd);
	}
	if (isolated->fd >= 0) {
		isolated->message.verb = ISOLATE_END;
		if (sys_send_message(isolated->fd, &isolated->message, sizeof(isolated->message)) >=
		    0)
			(void)await(isolated, ISOLATE_END, "destroy");
		if (isolated->fd < 0) /* there is nobody to return it to */
			isolated->host->log(isolated->instance, isolated->end);
	}
	if (isolated->fd >= 0)
		(void)lose(isolated, -ENODEV, "destroy");
	forget(isolated);
}

static struct hws_error *attributes(void *self, struct hws_call_attributes *call)
{
	struct isolated *isolated = self;
	struct hws_error *error = ask(isolated, ISOLATE_ATTRIBUTES, "attributes");
	struct hws_values *values;
	int r;

	if (error)
		return error;
	r = flat_take(isolated->window, isolated->message.size, &values);
	if (r < 0)
		return fail(isolated, r, hws_why());
	plugin_free_values(isolated->attributes);
	isolated->attributes = values;
	call->ret_values = *values;
	return NULL;
}

static struct hws_error *alloc_memory(void *self, struct hws_call_alloc *call)
{
	struct isolated *isolated = self;
	struct hws_error *error;

	if (call->host)
		return fail(isolated, -EOPNOTSUPP,
			    "memory of the program isn't there in another process");
	isolated->message.size = call->size;
	error = ask(isolated, ISOLATE_ALLOC, "alloc");
	call->ret_memory = isolated->message.memory;
	return error;
}

static void free_memory(void *self, uint64_t memory)
{
	struct isolated *isolated = self;

	if (isolated->fd < 0 || isolated->pid != sys_pid())
		return;
	isolated->message.verb = ISOLATE_FREE;
	isolated->message.memory = memory;
	if (sys_send_message(isolated->fd, &isolated->message, sizeof(isolated->message)) >= 0)
		(void)await(isolated, ISOLATE_FREE, "free");
}

static void over(const struct isolated *isolated, uint64_t event)
{
	if (event)
		isolated->host->event_set(isolated->instance, event, NULL);
}

/* Piece by piece through the window. */
static struct hws_error *copy(struct isolated *isolated, uint32_t verb,
			      const struct hws_call_copy *call)
{
	const bool in = verb == ISOLATE_COPY_IN;
	struct hws_error *error = NULL;

	for (uint64_t done = 0; !error && done < call->size;) {
		struct isolate_message *message = &isolated->message;
		uint64_t left = call->size - done;
		size_t size = left < ISOLATE_WINDOW ? (size_t)left : ISOLATE_WINDOW;

		if (in)
			memcpy(isolated->window, (const char *)call->host + done, size);
		message->memory = call->memory;
		message->offset = call->offset + done;
		message->size = size;
		error = ask(isolated, verb, in ? "copy_in" : "copy_out");
		if (!error && !in)
			memcpy((char *)call->host + done, isolated->window, size);
		done += size;
	}
	if (!error)
		over(isolated, call->event);
	return error;
}

static struct hws_error *copy_in(void *self, struct hws_call_copy *call)
{
	return copy(self, ISOLATE_COPY_IN, call);
}

static struct hws_error *copy_out(void *self, struct hws_call_copy *call)
{
	return copy(self, ISOLATE_COPY_OUT, call);
}

static struct hws_error *chunk_in(void *self, struct hws_call_chunk *call)
{
	const struct hws_chunk *chunk = &call->chunk;
	const struct hws_call_copy as_copy = {
		.memory = call->memory,
		.offset = call->offset,
		.host = chunk->data,
		.size = chunk->size,
		.event = call->event,
	};
	struct hws_error *error = copy(self, ISOLATE_COPY_IN, &as_copy);

	chunk->done(chunk->context, chunk->data, chunk->size);
	return error;
}

static struct hws_error *run(void *self, struct hws_call_run *call)
{
	struct isolated *isolated = self;
	struct isolate_message *message = &isolated->message;
	struct hws_error *error;

	if (strlen(call->name) >= sizeof(message->text) ||
	    flat_pack(&call->values, isolated->window, ISOLATE_WINDOW, &message->size) < 0)
		return fail(isolated, -EINVAL, "the operation's name or values are too long");
	strcpy(message->text, call->name);
	message->count = (uint32_t)call->memory_count;
	memcpy(message->memories, call->memories, (size_t)call->memory_count * sizeof(uint64_t));
	error = ask(isolated, ISOLATE_RUN, "run");
	if (!error)
		over(isolated, call->event);
	return error;
}

static void saved(uint64_t context, void *data, uint64_t size)
{
	(void)context;
	(void)size;
	free(data);
}

static struct hws_error *read_saved(struct isolated *isolated, char *bytes, size_t size)
{
	struct hws_error *error = NULL;

	for (size_t done = 0; !error && done < size;) {
		size_t piece = size - done < ISOLATE_WINDOW ? size - done : ISOLATE_WINDOW;

		isolated->message.offset = done;
		isolated->message.size = piece;
		error = ask(isolated, ISOLATE_READ, "save");
		if (!error)
			memcpy(bytes + done, isolated->window, piece);
		done += piece;
	}
	return error;
}

static struct hws_error *save(void *self, struct hws_call_save *call)
{
	struct isolated *isolated = self;
	struct hws_error *error;
	uint64_t size;
	char *bytes;

	isolated->message.memory = call->memory;
	error = ask(isolated, ISOLATE_SAVE, "save");
	if (error)
		return error;
	size = isolated->message.size;
	bytes = size <= HWS_PLUGIN_SAVED ? malloc((size_t)size + 1) : NULL;
	if (!bytes)
		return fail(isolated, -ENOMEM, "no memory for what was saved");
	error = read_saved(isolated, bytes, (size_t)size);
	if (error)
		free(bytes);
	else
		call->ret_chunk =
			(struct hws_chunk) { sizeof(call->ret_chunk), bytes, size, saved, 0 };
	return error;
}

static const struct hws_ext_device device = {
	.ext = { .struct_size = sizeof(device), .type = HWS_EXT_DEVICE, .version = 1 },
	.attributes = attributes,
	.alloc = alloc_memory,
	.free = free_memory,
	.copy_in = copy_in,
	.copy_out = copy_out,
	.run = run,
	.chunk_in = chunk_in,
	.save = save,
};

const struct hws_plugin_table isolate_table = {
	.struct_size = sizeof(isolate_table),
	.abi = HWS_PLUGIN_ABI,
	.next = &device.ext,
	.create = create,
	.destroy = destroy,
};

bool isolate_brings(const struct hws_plugin *plugin, uint32_t *ret_brings)
{
	if (plugin->face.table.create != create)
		return false;
	*ret_brings = ((const struct isolated *)plugin->self)->brings;
	return true;
}
