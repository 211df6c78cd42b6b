/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plug-ins that do the right thing at the wrong time, in the wrong thread, or with what is gone. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/shim/plugin-kit.h"

enum { LONG = 1000000 };

START_TEST(chain_of_a_million_is_refused_at_once)
{
	struct hws_ext *many = calloc(LONG, sizeof(*many));

	ck_assert_ptr_nonnull(many);
	for (int i = 0; i < LONG; i++)
		many[i] = (struct hws_ext) { sizeof(many[i]), 99, 1,
					     i + 1 < LONG ? &many[i + 1] : NULL };
	table.next = many;
	refused(-EPROTO, "more than 64");
	free(many);
}
END_TEST

START_TEST(versions_before_and_after_are_refused)
{
	table.abi = 0;
	refused(-EPROTO, "speaks version 0");
	table.abi = 0xffff0000;
	refused(-EPROTO, "speaks version 65535");
}
END_TEST

static void chunk_over(uint64_t context, void *data, uint64_t size)
{
	(void)context, (void)data, (void)size;
	plug.done++;
}

/* Lent, and not given back yet. */
static struct hws_plugin *with_chunk(struct hws_event **ret_done)
{
	static char bytes[64];
	const struct hws_chunk chunk = { sizeof(chunk), bytes, sizeof(bytes), chunk_over, 0 };
	struct hws_plugin *plugin = opened();

	plug.keep_chunk = true;
	*ret_done = event();
	ck_ok(plugin_chunk_in(plugin, memory_of(plugin), 0, &chunk, *ret_done));
	ck_assert_int_eq(plug.done, 0);
	return plugin;
}

static void *give_back(void *times)
{
	const struct hws_chunk *chunk = &plug.last_chunk;

	for (int i = 0; i < *(const int *)times; i++)
		chunk->done(chunk->context, chunk->data, chunk->size);
	return NULL;
}

static void give_back_elsewhere(int times)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, give_back, &times), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

START_TEST(deleter_may_be_called_from_any_thread)
{
	struct hws_event *done;
	struct hws_plugin *plugin = with_chunk(&done);
	struct plugin_leftovers left;

	give_back_elsewhere(1);
	ck_assert_int_eq(plug.done, 1);
	plugin_close(plugin, &left);
	ck_assert_uint_eq(left.chunks, 0);
	ck_assert_int_eq(plug.done, 1);
	hws_event_close(done);
}
END_TEST

START_TEST(deleter_called_twice_from_another_thread_is_quarantine)
{
	struct hws_event *done;
	struct hws_plugin *plugin = with_chunk(&done);

	give_back_elsewhere(2);
	ck_assert_int_eq(plug.done, 1);
	/* found there, told here */
	ck_assert_int_eq(plugin_attributes(plugin, &(struct hws_values *) { NULL }), -EPROTO);
	in_quarantine(plugin, "a chunk twice");
	hws_event_close(done);
}
END_TEST

START_TEST(deleter_called_after_the_end_does_nothing)
{
	struct hws_event *done;
	struct hws_plugin *plugin = with_chunk(&done);
	const uint64_t before = plugin_stale_calls();

	plugin_close(plugin, NULL);
	ck_assert_int_eq(plug.done, 1);
	give_back_elsewhere(2);
	ck_assert_int_eq(plug.done, 1);
	ck_assert_uint_eq(plugin_stale_calls(), before + 2);
	hws_event_close(done);
}
END_TEST

START_TEST(event_set_twice_or_never_given_is_stale)
{
	struct hws_plugin *plugin = opened();
	char bytes[8] = "";
	struct plugin_copy copy = { .host = bytes, .size = sizeof(bytes) };
	struct hws_event *done = event();

	plug.late = true;
	copy.memory = memory_of(plugin);
	ck_ok(plugin_copy_in(plugin, &copy, done));
	ck_assert_int_eq(plug.host->event_set(plug.instance, plug.last_event, NULL), 0);
	ck_assert_int_eq(plug.host->event_set(plug.instance, plug.last_event, NULL), -ESTALE);
	ck_assert_int_eq(plug.host->event_set(plug.instance, 0, NULL), -ESTALE);
	ck_assert_int_eq(plug.host->event_set(plug.instance, UINT64_MAX, NULL), -ESTALE);
	ck_assert_int_eq(result_of(done), 0);
	plugin_close(plugin, NULL);
	hws_event_close(done);
}
END_TEST

START_TEST(error_of_another_instance_is_quarantine)
{
	struct hws_plugin *other = opened();
	struct hws_error *error = mistake(HWS_CODE_INTERNAL, "the other's");
	struct plugin_leftovers left;
	struct hws_plugin *plugin = opened();
	struct hws_values *values;

	plug.answer = error;
	ck_assert_int_eq(plugin_attributes(plugin, &values), -EPROTO);
	plug.answer = NULL;
	ck_assert_msg(strstr(hws_why(), "it wasn't given"), "%s", hws_why());
	plugin_close(plugin, NULL);
	plugin_close(other, &left);
	ck_assert_uint_eq(left.errors, 1);
}
END_TEST

/* What its memory pages hold is gone when we look. */
static void *gone(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	ck_assert_int_eq(munmap(page, 4096), 0);
	return page;
}

START_TEST(values_that_are_gone_are_quarantine)
{
	struct hws_value value = { sizeof(value), "x", HWS_VALUE_STRING, 0, 4, { 0 } };
	struct hws_values *values;
	struct hws_plugin *plugin;

	for (int i = 0; i < 3; i++) {
		value.name = i == 1 ? gone() : "x";
		value.as.string = i == 2 ? gone() : "four";
		plugin = opened();
		plug.attributes = (struct hws_values) { i == 0 ? gone() : &value, 1 };
		ck_assert_int_eq(plugin_attributes(plugin, &values), -EPROTO);
		in_quarantine(plugin, "isn't there");
		plug.released = 0;
	}
}
END_TEST

START_TEST(saved_bytes_that_are_gone_or_endless_are_quarantine)
{
	struct hws_plugin *plugin = opened();
	uint64_t size;
	void *bytes;

	to_save = (struct hws_chunk) { sizeof(to_save), gone(), 64, NULL, 0 };
	ck_assert_int_eq(plugin_save(plugin, memory_of(plugin), &bytes, &size), -EPROTO);
	in_quarantine(plugin, "isn't there");
	plug.released = 0;
	plugin = opened();
	to_save.size = HWS_PLUGIN_SAVED + 1;
	ck_assert_int_eq(plugin_save(plugin, memory_of(plugin), &bytes, &size), -EPROTO);
	in_quarantine(plugin, "save gave");
}
END_TEST

START_TEST(key_or_value_that_is_gone_is_an_error)
{
	struct hws_plugin *plugin = opened();
	struct hws_kv kv = { sizeof(kv), "key", 3, gone(), 8, 0 };

	ck_assert_int_eq(plug.host->get(plug.instance, &kv), -EFAULT);
	ck_assert_int_eq(plug.host->put(plug.instance, &kv), -EFAULT);
	kv.key = gone();
	ck_assert_int_eq(plug.host->get(plug.instance, &kv), -EFAULT);
	ck_assert_int_eq(plug.host->try_get(plug.instance, &kv), -EFAULT);
	ck_assert_uint_eq(kv.value_size, 8);
	plugin_close(plugin, NULL);
}
END_TEST

static int give_one(void *context, struct hws_kv *kv)
{
	(void)context;
	memset(kv->value, 1, 1);
	kv->value_size = 1;
	return 0;
}

START_TEST(key_and_value_that_cannot_be_written_are_an_error)
{
	const struct plugin_options options = { .name = "test", .store = { .try_get = give_one } };
	static char byte;
	struct hws_kv *kv =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct hws_plugin *plugin;

	ck_assert_ptr_ne(kv, MAP_FAILED);
	ck_ok(plugin_open(&table, &options, &plugin));
	*kv = (struct hws_kv) { sizeof(*kv), "key", 3, &byte, 1, 0 };
	ck_ok(plug.host->try_get(plug.instance, kv));
	ck_assert_int_eq(mprotect(kv, 4096, PROT_READ), 0);
	ck_assert_int_eq(plug.host->try_get(plug.instance, kv), -EFAULT);
	ck_assert_uint_eq(kv->value_size, 1);
	ck_assert_int_eq(plug.host->try_get(plug.instance, &(struct hws_kv) { sizeof(*kv), "key", 3,
									      kv + 1, 1, 0 }),
			 -EFAULT);
	ck_assert_int_eq(*(char *)(kv + 1), 0);
	plugin_close(plugin, NULL);
	munmap(kv, 4096);
}
END_TEST

static struct {
	struct hws_plugin *plugin;
	uint64_t memory;
	int code;
} freed;

static struct hws_error *free_what_is_used(void *self, struct hws_call_copy *call)
{
	(void)self;
	(void)call;
	freed.code = plugin_free(freed.plugin, freed.memory);
	return NULL;
}

/* As another thread would, while the call is under way. */
static void free_inside_a_call(uint32_t flags, int code)
{
	char bytes[8] = "";
	struct plugin_copy copy = { .host = bytes, .size = 8 };

	table.flags = flags;
	device.copy_in = free_what_is_used;
	freed.plugin = opened();
	copy.memory = freed.memory = memory_of(freed.plugin);
	ck_ok(plugin_copy_in(freed.plugin, &copy, NULL));
	ck_assert_int_eq(freed.code, code);
	/* it is there as before */
	ck_ok(plugin_copy_out(freed.plugin, &copy, NULL));
	ck_ok(plugin_free(freed.plugin, freed.memory));
	plugin_close(freed.plugin, NULL);
}

START_TEST(memory_that_a_call_uses_is_not_freed)
{
	free_inside_a_call(HWS_PLUGIN_THREAD_SAFE, -EBUSY);
	free_inside_a_call(0, -EDEADLK);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		chain_of_a_million_is_refused_at_once,
		versions_before_and_after_are_refused,
		deleter_may_be_called_from_any_thread,
		deleter_called_twice_from_another_thread_is_quarantine,
		deleter_called_after_the_end_does_nothing,
		event_set_twice_or_never_given_is_stale,
		error_of_another_instance_is_quarantine,
		values_that_are_gone_are_quarantine,
		saved_bytes_that_are_gone_or_endless_are_quarantine,
		key_or_value_that_is_gone_is_an_error,
		key_and_value_that_cannot_be_written_are_an_error,
		memory_that_a_call_uses_is_not_freed,
		NULL,
	};

	return suite_run("shim/plugin-late", tests);
}
