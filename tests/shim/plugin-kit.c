/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/shim/plugin-kit.h"

#include "shim/sys-internal.h"

struct plug plug;

struct hws_error *mistake(enum hws_code code, const char *message)
{
	return plug.host->error(plug.instance, code, "test", message);
}

static struct hws_error *create(struct hws_call_create *call)
{
	plug.host = call->host;
	plug.instance = call->instance;
	call->ret_self = &plug;
	return plug.answer;
}

static void destroy(void *self)
{
	ck_assert_ptr_eq(self, &plug);
	plug.destroyed++;
}

static struct hws_error *attributes(void *self, struct hws_call_attributes *call)
{
	(void)self;
	call->ret_values = plug.attributes;
	return plug.answer;
}

static struct hws_error *alloc_memory(void *self, struct hws_call_alloc *call)
{
	(void)self;
	if (call->size > BYTES)
		return mistake(HWS_CODE_RESOURCE_EXHAUSTED, "too large");
	call->ret_memory = plug.same_name ? 1 : ++plug.next;
	return plug.answer;
}

static void free_memory(void *self, uint64_t memory)
{
	(void)self;
	ck_assert_uint_ge(memory, 1);
}

static void over(uint64_t event)
{
	plug.last_event = event;
	if (event && !plug.late)
		ck_ok(plug.host->event_set(plug.instance, event, NULL));
}

static struct hws_error *copy_in(void *self, struct hws_call_copy *call)
{
	(void)self;
	if (plug.away)
		longjmp(*plug.away, 1);
	memcpy(plug.memory[call->memory] + call->offset, call->host, (size_t)call->size);
	over(call->event);
	return plug.answer;
}

static struct hws_error *copy_out(void *self, struct hws_call_copy *call)
{
	(void)self;
	memcpy(call->host, plug.memory[call->memory] + call->offset, (size_t)call->size);
	over(call->event);
	return plug.answer;
}

static struct hws_error *run(void *self, struct hws_call_run *call)
{
	int64_t value;

	(void)self;
	plug.inside++;
	plug.most_inside = plug.inside > plug.most_inside ? plug.inside : plug.most_inside;
	sys_sleep(1000000);
	plug.inside--;
	if (hws_value_int(hws_value_find(&call->values, "value"), &value) < 0)
		return mistake(HWS_CODE_INVALID_ARGUMENT, "no 'value'\n\033[1m");
	for (uint64_t i = 0; i < call->memory_count; i++)
		memset(plug.memory[call->memories[i]], (int)value, BYTES);
	over(call->event);
	return NULL;
}

static struct hws_error *chunk_in(void *self, struct hws_call_chunk *call)
{
	const struct hws_chunk *chunk = &call->chunk;

	(void)self;
	memcpy(plug.memory[call->memory] + call->offset, chunk->data, (size_t)chunk->size);
	plug.last_chunk = *chunk;
	for (int i = plug.keep_chunk ? 2 : plug.twice ? 0 : 1; i < 2; i++)
		chunk->done(chunk->context, chunk->data, chunk->size);
	over(call->event);
	return plug.answer;
}

struct hws_chunk to_save;

static struct hws_error *save(void *self, struct hws_call_save *call)
{
	(void)self;
	call->ret_chunk = to_save;
	return plug.answer;
}

static struct hws_error *dma_map(void *self, struct hws_call_map *call)
{
	(void)self;
	call->address = (uintptr_t)call->host ^ 0xf000;
	return plug.answer;
}

static struct hws_error *dma_unmap(void *self, struct hws_call_map *call)
{
	(void)self;
	ck_assert_uint_eq(call->address, (uintptr_t)call->host ^ 0xf000);
	return plug.answer;
}

struct hws_ext_device device = {
	.ext = { .struct_size = sizeof(device), .type = HWS_EXT_DEVICE, .version = 1 },
	.attributes = attributes,
	.alloc = alloc_memory,
	.free = free_memory,
	.copy_in = copy_in,
	.copy_out = copy_out,
	.run = run,
	.chunk_in = chunk_in,
	.save = save,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
};

struct hws_plugin_table table = {
	.struct_size = sizeof(table),
	.abi = HWS_PLUGIN_ABI,
	.flags = HWS_PLUGIN_THREAD_SAFE,
	.next = &device.ext,
	.create = create,
	.destroy = destroy,
};

static void release(void *context)
{
	ck_assert_ptr_eq(context, &plug);
	plug.released++;
}

static int keep_line(void *context, struct hws_kv *kv)
{
	(void)context;
	if (kv->value_size < 5) {
		kv->value_size = 5;
		return -ENOSPC;
	}
	memcpy(kv->value, "value", 5);
	kv->value_size = 5;
	return 0;
}

static void log_line(void *context, const char *line)
{
	(void)context;
	snprintf(plug.line, sizeof(plug.line), "%s", line);
}

int try_open(struct hws_plugin **ret_plugin)
{
	const struct plugin_options options = {
		.name = "test",
		.store = { .get = keep_line,
			   .log = log_line,
			   .release = release,
			   .context = &plug },
	};

	return plugin_open(&table, &options, ret_plugin);
}

struct hws_plugin *opened(void)
{
	struct hws_plugin *plugin;
	int r = try_open(&plugin);

	ck_assert_msg(r == 0, "%d: %s", r, hws_why());
	return plugin;
}

void refused(int code, const char *words)
{
	struct hws_plugin *plugin = NULL;
	int r = try_open(&plugin);

	ck_assert_msg(r == code && strstr(hws_why(), words), "%d: %s, not %s", r, hws_why(), words);
	ck_assert_ptr_null(plugin);
	/* what was given is given back, once */
	ck_assert_int_eq(plug.released, 1);
	plug.released = 0;
}

void in_quarantine(struct hws_plugin *plugin, const char *words)
{
	uint64_t memory;

	ck_assert_msg(strstr(hws_why(), words), "%s, not %s", hws_why(), words);
	ck_assert_int_eq(plugin_alloc(plugin, 8, NULL, HWS_SHARE_CALL, &memory), -EPROTO);
	ck_assert_msg(strstr(hws_why(), "quarantine") && strstr(hws_why(), words), "%s", hws_why());
	plugin_close(plugin, NULL);
	ck_assert_int_eq(plug.destroyed, 0);
	ck_assert_int_eq(plug.released, 1);
}

struct hws_event *event(void)
{
	struct hws_event *made;

	ck_ok(hws_event_open(&made));
	return made;
}

int result_of(struct hws_event *happened)
{
	int code = 1;

	ck_ok(hws_event_wait(happened, 0, &code));
	return code;
}

uint64_t memory_of(struct hws_plugin *plugin)
{
	uint64_t memory;

	ck_ok(plugin_alloc(plugin, BYTES, NULL, HWS_SHARE_CALL, &memory));
	return memory;
}
