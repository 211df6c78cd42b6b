/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device that a plug-in brings: memory, events, chunks, threads. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/shim/plugin-kit.h"

START_TEST(device_copies_there_and_back)
{
	struct hws_plugin *plugin = opened();
	struct plugin_leftovers left;
	uint64_t memory = memory_of(plugin);
	char out[8] = "", in[8] = "seven b";
	struct plugin_copy copy = { .memory = memory, .offset = 100, .host = in, .size = 8 };
	struct hws_event *done = event();

	ck_ok(plugin_copy_in(plugin, &copy, NULL));
	copy.host = out;
	ck_ok(plugin_copy_out(plugin, &copy, done));
	ck_assert_int_eq(result_of(done), 0);
	ck_assert_str_eq(out, in);
	ck_ok(plugin_free(plugin, memory));
	plugin_close(plugin, &left);
	ck_assert_uint_eq(left.errors + left.events + left.chunks + left.memories, 0);
	ck_assert_int_eq(plug.destroyed, 1);
	ck_assert_int_eq(plug.released, 1);
	hws_event_close(done);
}
END_TEST

START_TEST(memory_is_checked_before_the_plugin_is_asked)
{
	struct hws_plugin *plugin = opened();
	uint64_t memory = memory_of(plugin);
	char bytes[8] = "";
	struct plugin_copy copy = {
		.memory = memory, .offset = BYTES - 7, .host = bytes, .size = 8
	};

	ck_assert_int_eq(plugin_copy_in(plugin, &copy, NULL), -ERANGE);
	copy.offset = UINT64_MAX;
	ck_assert_int_eq(plugin_copy_out(plugin, &copy, NULL), -ERANGE);
	copy.offset = 0;
	copy.host = NULL;
	ck_assert_int_eq(plugin_copy_out(plugin, &copy, NULL), -EINVAL);
	ck_ok(plugin_free(plugin, memory));
	ck_assert_int_eq(plugin_free(plugin, memory), -ESTALE);
	copy.host = bytes;
	ck_assert_int_eq(plugin_copy_in(plugin, &copy, NULL), -ESTALE);
	ck_assert_int_eq(plugin_free(plugin, 0), -ESTALE);
	ck_assert_int_eq(plugin_free(plugin, UINT64_MAX), -ESTALE);
	ck_assert_int_eq(plugin_alloc(plugin, 0, NULL, HWS_SHARE_CALL, &memory), -EINVAL);
	ck_assert_int_eq(plugin_alloc(plugin, 8, bytes, HWS_SHARE_CALL, &memory), -EINVAL);
	ck_assert_int_eq(plugin_alloc(plugin, 8, NULL, HWS_SHARE_MUTABLE, &memory), -EINVAL);
	plugin_close(plugin, NULL);
}
END_TEST

START_TEST(memory_of_one_name_twice_is_quarantine)
{
	struct hws_plugin *plugin = opened();
	uint64_t memory;

	plug.same_name = true;
	memory_of(plugin);
	ck_assert_int_eq(plugin_alloc(plugin, 8, NULL, HWS_SHARE_CALL, &memory), -EPROTO);
	in_quarantine(plugin, "name that is in use");
}
END_TEST

START_TEST(memory_in_flight_is_not_freed)
{
	struct hws_plugin *plugin = opened();
	uint64_t memory = memory_of(plugin);
	struct hws_event *done = event();
	char bytes[8] = "";
	struct plugin_copy copy = { .memory = memory, .host = bytes, .size = 8 };

	plug.late = true;
	ck_ok(plugin_copy_in(plugin, &copy, done));
	ck_assert_int_eq(plugin_free(plugin, memory), -EBUSY);
	ck_ok(plug.host->event_set(plug.instance, plug.last_event,
				   mistake(HWS_CODE_DATA_LOSS, "torn")));
	ck_assert_int_eq(result_of(done), -EBADMSG);
	ck_assert_msg(strstr(hws_why(), "torn"), "%s", hws_why());
	/* once only, and only what there is */
	ck_assert_int_eq(plug.host->event_set(plug.instance, plug.last_event, NULL), -ESTALE);
	ck_assert_int_eq(plug.host->event_set(plug.instance, 12345, NULL), -ESTALE);
	ck_ok(plugin_free(plugin, memory));
	plugin_close(plugin, NULL);
	hws_event_close(done);
}
END_TEST

START_TEST(events_never_set_are_cancelled_at_the_end)
{
	struct hws_plugin *plugin = opened();
	uint64_t memory = memory_of(plugin);
	struct hws_event *done = event();
	struct plugin_leftovers left;
	char bytes[8] = "";
	struct plugin_copy copy = { .memory = memory, .host = bytes, .size = 8 };

	plug.late = true;
	ck_ok(plugin_copy_in(plugin, &copy, done));
	plugin_close(plugin, &left);
	ck_assert_uint_eq(left.events, 1);
	ck_assert_uint_eq(left.memories, 1);
	ck_assert_int_eq(result_of(done), -ECANCELED);
	hws_event_close(done);
}
END_TEST

START_TEST(call_refused_at_once_leaves_its_event_unset)
{
	struct hws_plugin *plugin = opened();
	struct hws_event *done = event();
	struct plugin_leftovers left;
	int code;

	ck_assert_int_eq(plugin_run(plugin, "fill", (struct hws_values) { 0 }, NULL, 0, done),
			 -EINVAL);
	/* what it says can't play with a terminal */
	ck_assert_msg(strstr(hws_why(), "no 'value'??[1m"), "%s", hws_why());
	ck_assert_int_eq(hws_event_wait(done, 0, &code), -ETIMEDOUT);
	plugin_close(plugin, &left);
	ck_assert_uint_eq(left.events, 0);
	hws_event_close(done);
}
END_TEST

START_TEST(host_refuses_who_is_over)
{
	struct hws_plugin *plugin = opened();
	const uint64_t before = plugin_stale_calls();
	struct hws_kv kv = { .struct_size = sizeof(kv), .key = "k", .key_size = 1 };

	plugin_close(plugin, NULL);
	ck_assert_int_eq(plug.host->event_set(plug.instance, 1, NULL), -ESTALE);
	ck_assert_int_eq(plug.host->get(plug.instance, &kv), -ESTALE);
	ck_assert_int_eq(plug.host->put(plug.instance, &kv), -ESTALE);
	ck_assert_ptr_nonnull(mistake(HWS_CODE_ABORTED, "late"));
	plug.host->log(plug.instance, "late");
	plug.host->log(UINT64_MAX, "nobody");
	ck_assert_uint_eq(plugin_stale_calls(), before + 6);
	/* another one in its place is another one */
	plugin = opened();
	plugin_close(plugin, NULL);
}
END_TEST

START_TEST(host_keeps_keys_and_logs)
{
	struct hws_plugin *plugin = opened();
	char room[8] = "";
	struct hws_kv kv = { sizeof(kv), "key", 3, room, 2, 0 };

	ck_assert_int_eq(plug.host->get(plug.instance, &kv), -ENOSPC);
	ck_assert_uint_eq(kv.value_size, 5);
	ck_ok(plug.host->get(plug.instance, &kv));
	ck_assert_mem_eq(room, "value", 5);
	ck_assert_int_eq(plug.host->try_get(plug.instance, &kv), -EOPNOTSUPP);
	ck_assert_int_eq(plug.host->put(plug.instance, &kv), -EOPNOTSUPP);
	kv.key = NULL;
	ck_assert_int_eq(plug.host->get(plug.instance, &kv), -EINVAL);
	kv.key = "key";
	kv.key_size = 1 << 20;
	ck_assert_int_eq(plug.host->get(plug.instance, &kv), -EINVAL);
	kv.key_size = 3;
	kv.value_size = UINT64_MAX;
	ck_assert_int_eq(plug.host->get(plug.instance, &kv), -EINVAL);
	kv.struct_size = 1;
	ck_assert_int_eq(plug.host->get(plug.instance, &kv), -EPROTO);
	ck_assert_int_eq(plug.host->get(plug.instance, NULL), -EFAULT);
	plug.host->log(plug.instance, "two\nlines\001");
	ck_assert_str_eq(plug.line, "two?lines?");
	plug.host->log(plug.instance, NULL);
	plugin_close(plugin, NULL);
}
END_TEST

static void chunk_over(uint64_t context, void *data, uint64_t size)
{
	(void)data;
	(void)size;
	ck_assert_uint_eq(context, 9);
	plug.done++;
}

static int give_chunk(struct hws_plugin *plugin, struct hws_event *done)
{
	static char bytes[16] = "fifteen bytes..";
	const struct hws_chunk chunk = {
		.struct_size = sizeof(chunk),
		.data = bytes,
		.size = 16,
		.done = chunk_over,
		.context = 9,
	};

	return plugin_chunk_in(plugin, memory_of(plugin), 0, &chunk, done);
}

START_TEST(chunk_is_over_once)
{
	struct hws_plugin *plugin = opened();
	struct hws_event *done = event();

	ck_ok(give_chunk(plugin, done));
	ck_assert_int_eq(plug.done, 1);
	plugin_close(plugin, NULL);
	ck_assert_int_eq(plug.done, 1);
	hws_event_close(done);
}
END_TEST

START_TEST(chunk_over_twice_is_quarantine)
{
	struct hws_plugin *plugin = opened();
	struct hws_event *done = event();

	plug.twice = true;
	(void)give_chunk(plugin, done);
	ck_assert_int_eq(plug.done, 1);
	in_quarantine(plugin, "a chunk twice");
	ck_assert_int_eq(plug.done, 1);
	hws_event_close(done);
}
END_TEST

START_TEST(chunk_never_over_is_over_at_the_end)
{
	struct hws_plugin *plugin = opened();
	struct hws_event *done = event();
	struct plugin_leftovers left;

	plug.keep_chunk = true;
	ck_ok(give_chunk(plugin, done));
	plugin_close(plugin, &left);
	ck_assert_uint_eq(left.chunks, 1);
	ck_assert_int_eq(plug.done, 1);
	/* and once it is gone nobody finds it */
	plug.last_chunk.done(plug.last_chunk.context, NULL, 0);
	ck_assert_int_eq(plug.done, 1);
	hws_event_close(done);
}
END_TEST

START_TEST(mapping_is_exact)
{
	struct hws_plugin *plugin = opened();
	char bytes[64];
	uint64_t address;

	ck_ok(plugin_map(plugin, bytes, 64, HWS_RW, &address));
	ck_ok(plugin_unmap(plugin, bytes, 64, address));
	ck_assert_int_eq(plugin_map(plugin, NULL, 64, HWS_RW, &address), -EINVAL);
	plugin_close(plugin, NULL);
}
END_TEST

static void *runs(void *plugin)
{
	const struct hws_value value = { sizeof(value), "value", HWS_VALUE_INT, 0, 1, { 0 } };
	for (int i = 0; i < 20; i++) {
		struct hws_event *one = event();

		ck_ok(plugin_run(plugin, "fill", (struct hws_values) { &value, 1 }, NULL, 0, one));
		hws_event_close(one);
	}
	return NULL;
}

START_TEST(calls_come_one_at_a_time_unless_promised)
{
	struct hws_plugin *plugin;
	pthread_t threads[4];

	table.flags = 0;
	plugin = opened();
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, runs, plugin), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(plug.most_inside, 1);
	plugin_close(plugin, NULL);
}
END_TEST

static struct hws_plugin *again;

static struct hws_error *come_back(void *self, struct hws_call_copy *call)
{
	uint64_t memory;

	(void)self;
	(void)call;
	ck_assert_int_eq(plugin_alloc(again, 8, NULL, HWS_SHARE_CALL, &memory), -EDEADLK);
	ck_assert_msg(strstr(hws_why(), "from inside another call"), "%s", hws_why());
	return NULL;
}

START_TEST(call_from_inside_a_call_is_refused)
{
	char bytes[8];
	struct plugin_copy copy = { .host = bytes, .size = 8 };

	table.flags = 0;
	device.copy_out = come_back;
	again = opened();
	copy.memory = memory_of(again);
	ck_ok(plugin_copy_out(again, &copy, NULL));
	/* no harm done */
	memory_of(again);
	plugin_close(again, NULL);
	ck_assert_int_eq(plug.destroyed, 1);
}
END_TEST

START_TEST(call_left_by_longjmp_is_told_from_then_on)
{
	static struct hws_plugin *plugin;
	char bytes[8] = "";
	struct plugin_copy copy = { .host = bytes, .size = 8 };
	uint64_t memory;
	jmp_buf back;

	table.flags = 0;
	plugin = opened();
	copy.memory = memory_of(plugin);
	plug.away = &back;
	if (setjmp(back) == 0)
		(void)plugin_copy_in(plugin, &copy, NULL);
	ck_assert_int_eq(plugin_alloc(plugin, 8, NULL, HWS_SHARE_CALL, &memory), -EDEADLK);
	ck_assert_msg(strstr(hws_why(), "longjmp"), "%s", hws_why());
	plugin_close(plugin, NULL);
	ck_assert_int_eq(plug.destroyed, 0);
}
END_TEST

START_TEST(instances_have_an_end)
{
	struct hws_plugin *all[PLUGIN_INSTANCES];
	struct hws_plugin *more;

	for (int i = 0; i < PLUGIN_INSTANCES; i++)
		all[i] = opened();
	ck_assert_int_eq(try_open(&more), -EMFILE);
	for (int i = 0; i < PLUGIN_INSTANCES; i++)
		plugin_close(all[i], NULL);
	plugin_close(opened(), NULL);
	plugin_close(NULL, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		device_copies_there_and_back,
		memory_is_checked_before_the_plugin_is_asked,
		memory_of_one_name_twice_is_quarantine,
		memory_in_flight_is_not_freed,
		events_never_set_are_cancelled_at_the_end,
		call_refused_at_once_leaves_its_event_unset,
		host_refuses_who_is_over,
		host_keeps_keys_and_logs,
		chunk_is_over_once,
		chunk_over_twice_is_quarantine,
		chunk_never_over_is_over_at_the_end,
		mapping_is_exact,
		calls_come_one_at_a_time_unless_promised,
		call_from_inside_a_call_is_refused,
		call_left_by_longjmp_is_told_from_then_on,
		instances_have_an_end,
		NULL,
	};

	return suite_run("shim/plugin", tests);
}
