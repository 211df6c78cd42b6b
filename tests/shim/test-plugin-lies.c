/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plug-in says of itself: tables, chains, errors, values, and lies in each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/shim/plugin-kit.h"

START_TEST(table_is_refused_when_it_lies)
{
	const struct hws_plugin_table good = table;

	table.struct_size = 8;
	refused(-EPROTO, "says it has 8 bytes");
	table.struct_size = SIZE_MAX;
	refused(-EPROTO, "bytes, of");
	table = good;
	table.abi = HWS_PLUGIN_ABI + 0x10000;
	refused(-EPROTO, "speaks version 2");
	table = good;
	table.create = NULL;
	refused(-EPROTO, "lacks create");
	table = good;
	table.destroy = NULL;
	refused(-EPROTO, "lacks destroy");
	table = good;
	table.next = NULL;
	refused(-EPROTO, "brings nothing");
	table.next = (const void *)(uintptr_t)8;
	refused(-EFAULT, "isn't there");
	table.next = (const void *)((const char *)&device + 1);
	refused(-EPROTO, "not aligned");
}
END_TEST

START_TEST(table_may_be_older_or_newer)
{
	struct {
		struct hws_plugin_table table;
		void *more[4];
	} newer = { .table = table };
	struct hws_ext_device *older =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct hws_plugin *plugin;
	size_t least = offsetof(struct hws_ext_device, run);
	struct hws_event *done = event();

	/* at the end of what is mapped: what lies behind its size is not read */
	older = (void *)((char *)older + 4096 - least);
	memcpy(older, &device, least);
	older->ext.struct_size = least;
	newer.table.struct_size = sizeof(newer);
	newer.table.next = &older->ext;
	newer.table.abi = HWS_PLUGIN_ABI + 7;
	memset(newer.more, 0xff, sizeof(newer.more));
	ck_ok(plugin_open(&newer.table, &(struct plugin_options) { .name = "new" }, &plugin));
	ck_assert_int_eq(plugin_run(plugin, "x", (struct hws_values) { 0 }, NULL, 0, done),
			 -EOPNOTSUPP);
	plugin_close(plugin, NULL);
	hws_event_close(done);
}
END_TEST

START_TEST(chain_is_refused_when_it_lies)
{
	static struct hws_ext many[70];
	const struct hws_ext_device good = device;
	struct hws_ext_device twin;

	device.ext.next = &device.ext;
	refused(-EPROTO, "circle");
	device = good;
	device.ext.struct_size = sizeof(struct hws_ext);
	refused(-EPROTO, "says it has");
	device.ext.struct_size = 4;
	refused(-EPROTO, "says it has 4 bytes");
	device = good;
	device.ext.version = 9;
	refused(-EPROTO, "version 9");
	device = good;
	device.copy_out = NULL;
	refused(-EPROTO, "lacks copy_out");
	device = good;
	device.ext.type = HWS_EXT_BACKEND;
	refused(-EPROTO, "back end");
	device = good;
	device.ext.type = 77;
	refused(-EPROTO, "brings nothing");
	device = good;
	twin = good;
	device.ext.next = &twin.ext;
	refused(-EPROTO, "two extensions");
	for (int i = 0; i < 70; i++)
		many[i] = (struct hws_ext) { sizeof(many[i]), 99, 1, i < 69 ? &many[i + 1] : NULL };
	device.ext.next = many;
	refused(-EPROTO, "more than 64");
}
END_TEST

START_TEST(unknown_extensions_are_passed_over)
{
	static struct hws_ext strange = { sizeof(strange), 99, 5, NULL };

	device.ext.next = &strange;
	plugin_close(opened(), NULL);
	ck_assert_int_eq(plug.destroyed, 1);
}
END_TEST

START_TEST(error_is_told_and_freed)
{
	struct hws_plugin *plugin = opened();
	struct plugin_leftovers left;
	uint64_t memory = 5;

	ck_assert_int_eq(plugin_alloc(plugin, BYTES + 1, NULL, HWS_SHARE_CALL, &memory), -ENOSPC);
	ck_assert_str_eq(hws_why(), "plug-in test: test: too large (resource exhausted)");
	ck_assert_uint_eq(memory, 5);
	/* made and not returned: found at the end */
	(void)mistake(HWS_CODE_INTERNAL, "left behind");
	plugin_close(plugin, &left);
	ck_assert_uint_eq(left.errors, 1);
}
END_TEST

START_TEST(errors_have_their_codes)
{
	static const int codes[HWS_CODES] = {
		[HWS_CODE_CANCELLED] = -ECANCELED,
		[HWS_CODE_UNKNOWN] = -EIO,
		[HWS_CODE_INVALID_ARGUMENT] = -EINVAL,
		[HWS_CODE_DEADLINE_EXCEEDED] = -ETIMEDOUT,
		[HWS_CODE_NOT_FOUND] = -ENOENT,
		[HWS_CODE_ALREADY_EXISTS] = -EEXIST,
		[HWS_CODE_PERMISSION_DENIED] = -EPERM,
		[HWS_CODE_RESOURCE_EXHAUSTED] = -ENOSPC,
		[HWS_CODE_FAILED_PRECONDITION] = -EBADFD,
		[HWS_CODE_ABORTED] = -EAGAIN,
		[HWS_CODE_OUT_OF_RANGE] = -ERANGE,
		[HWS_CODE_UNIMPLEMENTED] = -EOPNOTSUPP,
		[HWS_CODE_INTERNAL] = -EIO,
		[HWS_CODE_UNAVAILABLE] = -ENODEV,
		[HWS_CODE_DATA_LOSS] = -EBADMSG,
		[HWS_CODE_UNAUTHENTICATED] = -EKEYREJECTED,
	};
	struct hws_plugin *plugin = opened();
	struct hws_values *values;

	for (int code = HWS_CODE_CANCELLED; code < HWS_CODES; code++) {
		plug.answer = mistake((enum hws_code)code, "x");
		ck_assert_int_eq(plugin_attributes(plugin, &values), codes[code]);
	}
	plug.answer = mistake((enum hws_code)999, "x");
	ck_assert_int_eq(plugin_attributes(plugin, &values), -EIO);
	plugin_close(plugin, NULL);
}
END_TEST

START_TEST(error_that_was_never_given_is_quarantine)
{
	struct hws_plugin *plugin = opened();
	struct hws_values *values;

	plug.answer = (void *)(uintptr_t)0xdeadbeef;
	ck_assert_int_eq(plugin_attributes(plugin, &values), -EPROTO);
	plug.answer = NULL;
	in_quarantine(plugin, "it wasn't given");
}
END_TEST

START_TEST(error_returned_twice_is_quarantine)
{
	struct hws_plugin *plugin = opened();
	struct hws_values *values;

	plug.answer = mistake(HWS_CODE_ABORTED, "once");
	ck_assert_int_eq(plugin_attributes(plugin, &values), -EAGAIN);
	ck_assert_int_eq(plugin_attributes(plugin, &values), -EPROTO);
	plug.answer = NULL;
	in_quarantine(plugin, "it wasn't given");
}
END_TEST

START_TEST(errors_never_returned_run_out_without_harm)
{
	struct hws_plugin *plugin = opened();
	struct plugin_leftovers left;
	struct hws_values *values;

	for (int i = 0; i < PLUGIN_ERRORS; i++)
		(void)mistake(HWS_CODE_UNKNOWN, "kept");
	plug.answer = mistake(HWS_CODE_INTERNAL, "lost");
	ck_assert_int_eq(plugin_attributes(plugin, &values), -ENOSPC);
	plugin_close(plugin, &left);
	ck_assert_uint_eq(left.errors, PLUGIN_ERRORS);
}
END_TEST

START_TEST(create_that_fails_leaves_nothing)
{
	struct hws_plugin *plugin;

	plug.answer = (void *)(uintptr_t)16;
	ck_assert_int_eq(try_open(&plugin), -EPROTO);
	ck_assert_int_eq(plug.released, 1);
	ck_assert_int_eq(plug.destroyed, 0);
}
END_TEST

START_TEST(attributes_are_copied_and_checked)
{
	static const int64_t dims[] = { 2, 3, 5 };
	struct hws_value values[] = {
		{ sizeof(values[0]), "size", HWS_VALUE_INT, 0, 1, { .integer = -4 } },
		{ sizeof(values[0]), "dims", HWS_VALUE_INTS, 0, 3, { .integers = dims } },
		{ sizeof(values[0]), "name", HWS_VALUE_STRING, 0, 4, { .string = "four" } },
		{ sizeof(values[0]), "fast", HWS_VALUE_BOOL, 0, 1, { .boolean = 1 } },
		{ sizeof(values[0]), "rate", HWS_VALUE_FLOAT, 0, 1, { .floating = 0.5 } },
	};
	struct hws_plugin *plugin = opened();
	struct hws_values *copy;
	const int64_t *numbers;
	const char *string;
	uint64_t count;
	int64_t number;
	double rate;
	bool fast;

	plug.attributes = (struct hws_values) { values, 5 };
	ck_ok(plugin_attributes(plugin, &copy));
	memset(values, 0xff, sizeof(values));
	ck_ok(hws_value_int(hws_value_find(copy, "size"), &number));
	ck_assert_int_eq(number, -4);
	ck_ok(hws_value_ints(hws_value_find(copy, "dims"), &numbers, &count));
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(numbers[2], 5);
	ck_ok(hws_value_string(hws_value_find(copy, "name"), &string, &count));
	ck_assert_uint_eq(count, 4);
	ck_assert_str_eq(string, "four");
	ck_ok(hws_value_bool(hws_value_find(copy, "fast"), &fast));
	ck_assert(fast);
	ck_ok(hws_value_float(hws_value_find(copy, "rate"), &rate));
	ck_assert_int_eq(hws_value_int(hws_value_find(copy, "rate"), &number), -EBADMSG);
	ck_assert_int_eq(hws_value_int(hws_value_find(copy, "none"), &number), -ENOENT);
	plugin_free_values(copy);
	plugin_close(plugin, NULL);
}
END_TEST

/* One wrong value each; where it is told. */
static const struct {
	struct hws_value value;
	uint64_t count;
	const char *words;
} lies[] = {
	{ { sizeof(struct hws_value), "x", 77, 0, 1, { 0 } }, 1, "kind 77" },
	{ { sizeof(struct hws_value), "x", HWS_VALUE_NONE, 0, 1, { 0 } }, 1, "kind 0" },
	{ { 3, "x", HWS_VALUE_INT, 0, 1, { 0 } }, 1, "says it has 3 bytes" },
	{ { sizeof(struct hws_value), NULL, HWS_VALUE_INT, 0, 1, { 0 } }, 1, "name: is NULL" },
	{ { sizeof(struct hws_value), "", HWS_VALUE_INT, 0, 1, { 0 } }, 1, "no name" },
	{ { sizeof(struct hws_value), "x", HWS_VALUE_INT, 0, 2, { 0 } }, 1, "2 elements" },
	{ { sizeof(struct hws_value), "x", HWS_VALUE_BOOL, 0, 1, { .boolean = 2 } },
	  1,
	  "truth is 2" },
	{ { sizeof(struct hws_value), "x", HWS_VALUE_STRING, 0, 9, { .string = NULL } },
	  1,
	  "is NULL" },
	{ { sizeof(struct hws_value), "x", HWS_VALUE_INTS, 0, 1 << 20, { 0 } }, 1, "elements" },
	{ { sizeof(struct hws_value), "x", HWS_VALUE_INT, 0, 1, { 0 } },
	  1000000,
	  "1000000 values" },
};

START_TEST(values_that_lie_are_quarantine)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct hws_plugin *plugin = opened();
		struct hws_values *copy;

		plug.attributes = (struct hws_values) { &lies[i].value, lies[i].count };
		ck_assert_int_eq(plugin_attributes(plugin, &copy), -EPROTO);
		in_quarantine(plugin, lies[i].words);
		plug.released = 0;
	}
}
END_TEST

START_TEST(values_at_null_are_quarantine)
{
	struct hws_plugin *plugin = opened();
	struct hws_values *copy;

	plug.attributes = (struct hws_values) { NULL, 3 };
	ck_assert_int_eq(plugin_attributes(plugin, &copy), -EPROTO);
	in_quarantine(plugin, "3 values is NULL");
}
END_TEST

START_TEST(values_twice_the_same_name_are_quarantine)
{
	const struct hws_value same = { sizeof(same), "x", HWS_VALUE_INT, 0, 1, { 0 } };
	const struct hws_value values[] = { same, same };
	struct hws_plugin *plugin = opened();
	struct hws_values *copy;

	plug.attributes = (struct hws_values) { values, 2 };
	ck_assert_int_eq(plugin_attributes(plugin, &copy), -EPROTO);
	in_quarantine(plugin, "two values");
}
END_TEST

static void saved(uint64_t context, void *data, uint64_t size)
{
	(void)data;
	(void)size;
	ck_assert_uint_eq(context, 7);
	plug.done++;
}

START_TEST(saved_bytes_are_copied_and_let_go)
{
	struct hws_plugin *plugin = opened();
	char bytes[] = "saved";
	uint64_t memory = memory_of(plugin);
	void *copy;
	uint64_t size;

	to_save = (struct hws_chunk) { sizeof(to_save), bytes, 6, saved, 7 };
	ck_ok(plugin_save(plugin, memory, &copy, &size));
	ck_assert_uint_eq(size, 6);
	ck_assert_str_eq(copy, "saved");
	ck_assert_int_eq(plug.done, 1);
	free(copy);
	to_save.data = NULL;
	ck_assert_int_eq(plugin_save(plugin, memory, &copy, &size), -EPROTO);
	in_quarantine(plugin, "save gave 6 bytes");
	ck_assert_int_eq(plug.done, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		table_is_refused_when_it_lies,
		table_may_be_older_or_newer,
		chain_is_refused_when_it_lies,
		unknown_extensions_are_passed_over,
		error_is_told_and_freed,
		errors_have_their_codes,
		error_that_was_never_given_is_quarantine,
		error_returned_twice_is_quarantine,
		errors_never_returned_run_out_without_harm,
		create_that_fails_leaves_nothing,
		attributes_are_copied_and_checked,
		values_that_lie_are_quarantine,
		values_at_null_are_quarantine,
		values_twice_the_same_name_are_quarantine,
		saved_bytes_are_copied_and_let_go,
		NULL,
	};

	return suite_run("shim/plugin-lies", tests);
}
