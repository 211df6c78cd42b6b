/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The example's accelerator, loaded by policy, fed from buffers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/accel.h"
#include "uring/pool.h"
#include "tests/suite.h"

enum { SIZE = 4096 };

#define KEY "RWQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static char folder[64], path[128];

static void copy_plugin(const char *from)
{
	char command[512];

	snprintf(folder, sizeof(folder), "/tmp/hwsafe-accel-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/accelerator.so", folder);
	snprintf(command, sizeof(command), "cp '%s' %s && chmod 644 %s", from, path, path);
	ck_assert_int_eq(system(command), 0);
}

static struct {
	int released;
	char lines[1024];
} heard;

static void on_log(enum hws_level level, const char *line, void *context)
{
	size_t n = strlen(heard.lines);

	(void)context;
	snprintf(heard.lines + n, sizeof(heard.lines) - n, "%d %s\n", (int)level, line);
}

static struct hws *context(const char *rule)
{
	char text[512];
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_text = text,
		.policy_owner = getuid(),
		.log = on_log,
	};
	struct hws *hw;

	snprintf(text, sizeof(text), "[test]\ncpuid = *\n%s%s%s", rule ? "plugin = " : "",
		 rule ? path : "", rule ? rule : "");
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	return hw;
}

static void release(void *counter)
{
	++*(int *)counter;
}

struct rig {
	struct hws *hw;
	struct hws_pool *pool;
	struct hws_plugin *plugin;
	struct hws_accel *accel;
};

static struct rig rig_of(const char *file, const char *name, enum hws_pool_guard guard,
			 const struct hws_value *value)
{
	const struct hws_plugin_options options = {
		.size = sizeof(options),
		.values = { value, value != NULL },
		.release = release,
		.context = &heard.released,
	};
	const struct hws_pool_options pool = { .size = sizeof(pool), .guard = guard };
	struct rig made;
	int r;

	copy_plugin(file);
	made.hw = context(" unsigned");
	ck_ok(hws_pool_open(made.hw, &pool, &made.pool));
	r = hws_plugin_open(made.hw, path, &options, &made.plugin);
	ck_assert_msg(r == 0, "%d: %s", r, hws_why());
	ck_assert_str_eq(hws_plugin_name(made.plugin), name);
	ck_ok(hws_plugin_check(made.plugin));
	ck_ok(hws_accel_open(made.plugin, made.pool, &made.accel));
	return made;
}

static struct hws_value number(const char *name, int64_t n)
{
	return (struct hws_value) { sizeof(struct hws_value), name, HWS_VALUE_INT, 0, 1, { n } };
}

static struct rig rig(enum hws_pool_guard guard)
{
	const struct hws_value limit = number("limit", 1 << 20);

	return rig_of(PLUGIN, "accelerator 1.0", guard, &limit);
}

static void end(struct rig *of)
{
	char command[128];

	hws_accel_close(of->accel);
	ck_assert_int_eq(heard.released, 1);
	ck_assert_int_eq(hws_pool_close(of->pool, NULL), 0);
	hws_close(of->hw);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static struct hws_buf buffer(const struct rig *of, char with)
{
	struct hws_buf buf;
	HWS_VIEW(view);

	ck_ok(hws_buf_take(of->pool, SIZE, &buf));
	ck_ok(hws_view_open(of->pool, buf, HWS_RW, &view));
	memset(view.bytes, with, SIZE);
	return buf;
}

static bool holds(const struct rig *of, struct hws_buf buf, char what)
{
	HWS_VIEW(view);

	ck_ok(hws_view_open(of->pool, buf, HWS_R, &view));
	for (int i = 0; i < SIZE; i++)
		if (((char *)view.bytes)[i] != what)
			return false;
	return true;
}

static int result(struct hws_event *event)
{
	int code;

	ck_ok(hws_event_wait(event, HWS_FOREVER, &code));
	hws_event_close(event);
	return code;
}

static int fill(const struct rig *of, uint64_t memory, int value)
{
	const struct hws_value named = number("value", value);
	struct hws_event *event;
	int r = hws_accel_run(of->accel, "fill", &(struct hws_values) { &named, 1 }, &memory, 1,
			      &event);

	return r < 0 ? r : result(event);
}

START_TEST(buffer_goes_there_and_comes_back)
{
	struct rig of = rig(HWS_POOL_GUARD_NONE);
	struct hws_buf buf = buffer(&of, 'a');
	struct hws_event *event;
	uint64_t memory;
	int64_t most;

	ck_ok(hws_value_int(hws_value_find(hws_accel_attributes(of.accel), "most"), &most));
	ck_assert_int_eq(most, 64 << 20);
	ck_ok(hws_accel_alloc(of.accel, SIZE, &memory));
	ck_ok(hws_accel_put(of.accel, memory, 0, buf, SIZE, &event));
	ck_ok(result(event));
	ck_assert(holds(&of, buf, 'a'));
	ck_ok(fill(&of, memory, 'b'));
	ck_ok(hws_accel_get(of.accel, memory, 0, buf, SIZE, &event));
	ck_ok(result(event));
	ck_assert(holds(&of, buf, 'b'));
	ck_ok(hws_accel_free(of.accel, memory));
	ck_assert_int_eq(hws_accel_free(of.accel, memory), -ESTALE);
	ck_ok(hws_buf_give(of.pool, buf));
	end(&of);
	ck_assert_msg(strstr(heard.lines, "the engine runs"), "%s", heard.lines);
	ck_assert_msg(strstr(heard.lines, "without pin or signature"), "%s", heard.lines);
}
END_TEST

START_TEST(guarded_buffers_go_within_the_call_only)
{
	struct rig of = rig(HWS_POOL_GUARD_PAGES);
	struct hws_buf buf = buffer(&of, 'g');
	struct hws_event *event;
	uint64_t memory;

	ck_ok(hws_accel_alloc(of.accel, SIZE, &memory));
	ck_assert_int_eq(hws_accel_put(of.accel, memory, 0, buf, SIZE, &event), -EOPNOTSUPP);
	ck_assert_msg(strstr(hws_why(), "HWS_POOL_GUARD_NONE"), "%s", hws_why());
	ck_assert_int_eq(hws_accel_alloc_of(of.accel, buf, HWS_SHARE_MUTABLE, &memory),
			 -EOPNOTSUPP);
	ck_ok(hws_accel_put(of.accel, memory, 0, buf, SIZE, NULL));
	ck_ok(fill(&of, memory, 'h'));
	ck_ok(hws_accel_get(of.accel, memory, 0, buf, SIZE, NULL));
	ck_assert(holds(&of, buf, 'h'));
	ck_ok(hws_buf_give(of.pool, buf));
	end(&of);
}
END_TEST

START_TEST(buffer_that_memory_is_made_of_is_the_devices)
{
	struct rig of = rig(HWS_POOL_GUARD_NONE);
	struct hws_buf buf = buffer(&of, 'm');
	uint64_t memory, other;
	void *bytes;
	size_t size;

	ck_ok(hws_accel_alloc_of(of.accel, buf, HWS_SHARE_MUTABLE, &memory));
	ck_assert_int_eq(hws_buf_owner(of.pool, buf), HWS_OWNER_DEVICE);
	ck_assert_int_eq(hws_buf_view(of.pool, buf, HWS_R, &bytes, &size), -EBUSY);
	ck_assert_int_eq(hws_buf_give(of.pool, buf), -EBUSY);
	ck_assert_int_eq(hws_accel_alloc_of(of.accel, buf, HWS_SHARE_ZERO_COPY, &other), -EBUSY);
	ck_ok(fill(&of, memory, 'n'));
	ck_ok(hws_accel_free(of.accel, memory));
	ck_assert(holds(&of, buf, 'n'));
	ck_ok(hws_buf_give(of.pool, buf));
	end(&of);
}
END_TEST

START_TEST(buffers_come_back_when_it_is_closed)
{
	struct rig of = rig(HWS_POOL_GUARD_NONE);
	struct hws_buf bufs[8], lent = buffer(&of, 'l');
	struct hws_event *events[8];
	uint64_t memory, made;

	ck_ok(hws_accel_alloc(of.accel, SIZE, &memory));
	ck_ok(hws_accel_alloc_of(of.accel, lent, HWS_SHARE_ZERO_COPY, &made));
	for (int i = 0; i < 8; i++) {
		bufs[i] = buffer(&of, (char)i);
		ck_ok(hws_accel_put(of.accel, memory, 0, bufs[i], SIZE, &events[i]));
	}
	hws_accel_close(of.accel);
	of.accel = NULL;
	for (int i = 0; i < 8; i++) {
		ck_ok(result(events[i]));
		ck_ok(hws_buf_give(of.pool, bufs[i]));
	}
	ck_ok(hws_buf_give(of.pool, lent));
	end(&of);
}
END_TEST

static void chunk_over(uint64_t context, void *data, uint64_t size)
{
	ck_assert_uint_eq(context, 3);
	ck_assert_uint_eq(size, 100);
	memset(data, 'x', (size_t)size);
	heard.lines[0]++;
}

START_TEST(chunks_are_fed_and_bytes_saved)
{
	static char bytes[100];
	const struct hws_chunk chunk = { sizeof(chunk), bytes, 100, chunk_over, 3 };
	struct rig of = rig(HWS_POOL_GUARD_NONE);
	struct hws_event *event;
	uint64_t memory, size;
	char *saved;

	memset(bytes, 'c', sizeof(bytes));
	memset(&heard.lines, 0, sizeof(heard.lines));
	ck_ok(hws_accel_alloc(of.accel, SIZE, &memory));
	ck_ok(hws_accel_feed(of.accel, memory, 4, &chunk, &event));
	ck_ok(result(event));
	ck_ok(hws_accel_save(of.accel, memory, (void **)&saved, &size));
	ck_assert_uint_eq(size, SIZE);
	ck_assert(!saved[3] && saved[4] == 'c' && saved[103] == 'c' && !saved[104]);
	free(saved);
	ck_assert_int_eq(hws_accel_feed(of.accel, memory, SIZE - 99, &chunk, &event), -ERANGE);
	ck_assert_int_eq(heard.lines[0], 2);
	heard.lines[0] = 0;
	end(&of);
}
END_TEST

START_TEST(what_is_wrong_is_told_and_the_buffer_stays)
{
	struct rig of = rig(HWS_POOL_GUARD_NONE);
	struct hws_buf buf = buffer(&of, 'w');
	struct hws_event *event;
	uint64_t memory;

	ck_assert_int_eq(hws_accel_alloc(of.accel, 2 << 20, &memory), -ENOSPC);
	ck_assert_msg(strstr(hws_why(), "no memory is left"), "%s", hws_why());
	ck_ok(hws_accel_alloc(of.accel, SIZE, &memory));
	ck_assert_int_eq(hws_accel_put(of.accel, memory, 1, buf, SIZE, &event), -ERANGE);
	ck_assert_int_eq(hws_accel_put(of.accel, memory, 0, buf, SIZE + 1, NULL), -ERANGE);
	ck_assert_int_eq(hws_accel_get(of.accel, memory + 1, 0, buf, SIZE, &event), -ESTALE);
	ck_assert_int_eq(hws_accel_run(of.accel, "dance", NULL, &memory, 1, &event), -EOPNOTSUPP);
	ck_assert(holds(&of, buf, 'w'));
	ck_ok(hws_buf_give(of.pool, buf));
	ck_assert_int_eq(hws_accel_put(of.accel, memory, 0, buf, SIZE, &event), -ESTALE);
	end(&of);
}
END_TEST

static void refused(const char *rule, int code, const char *words)
{
	struct hws_plugin_options options = {
		.size = sizeof(options),
		.release = release,
		.context = &heard.released,
	};
	struct hws_plugin *plugin = NULL;
	struct hws *hw;
	int r;

	copy_plugin(PLUGIN);
	hw = context(rule);
	r = hws_plugin_open(hw, path, &options, &plugin);
	ck_assert_msg(r == code && strstr(hws_why(), words) && strstr(hws_why(), path), "%d: %s", r,
		      hws_why());
	ck_assert_ptr_null(plugin);
	ck_assert_int_eq(heard.released, 1);
	heard.released = 0;
	hws_close(hw);
	ck_assert_int_eq(unlink(path) | rmdir(folder), 0);
}

START_TEST(plugin_is_loaded_by_policy_only)
{
	refused(NULL, -EACCES, "this one would: plugin = ");
	refused(" sha256 0000000000000000000000000000000000000000000000000000000000000000", -EACCES,
		"SHA-256 is");
	refused(" key " KEY, -EACCES, "not signed");
	refused(" unsigned\ndeny plugin = *", -EACCES, "deny rule");
}
END_TEST

START_TEST(options_are_told_to_the_plugin)
{
	const struct hws_value wrong = { sizeof(wrong),	   "limit", HWS_VALUE_STRING, 0, 1,
					 { .string = "x" } };
	struct hws_plugin_options options = { .size = sizeof(options), .values = { &wrong, 1 } };
	struct hws_plugin *plugin;
	struct hws *hw;

	copy_plugin(PLUGIN);
	hw = context(" unsigned");
	ck_assert_int_eq(hws_plugin_open(hw, path, &options, &plugin), -EINVAL);
	ck_assert_msg(strstr(hws_why(), "'limit' is a number"), "%s", hws_why());
	options.size = 3;
	ck_assert_int_eq(hws_plugin_open(hw, path, &options, &plugin), -EINVAL);
	ck_assert_int_eq(hws_plugin_open(hw, NULL, NULL, &plugin), -EINVAL);
	hws_plugin_close(NULL);
	hws_accel_close(NULL);
	hws_close(hw);
	ck_assert_int_eq(unlink(path) | rmdir(folder), 0);
}
END_TEST

START_TEST(hello_of_the_guide_keeps_what_it_promises)
{
	struct rig of = rig_of(HELLO, "hello 1.0", HWS_POOL_GUARD_NONE, NULL);
	struct hws_buf buf = buffer(&of, 'x');
	struct hws_event *event;
	uint64_t memory, more;

	ck_ok(hws_accel_alloc(of.accel, SIZE, &memory));
	ck_assert_int_eq(hws_accel_alloc(of.accel, 1, &more), -ENOSPC);
	ck_ok(hws_accel_put(of.accel, memory, 0, buf, SIZE, &event));
	ck_ok(result(event));
	ck_ok(hws_accel_get(of.accel, memory, 0, buf, SIZE, NULL));
	ck_assert(holds(&of, buf, 'x'));
	ck_ok(hws_accel_free(of.accel, memory));
	ck_ok(hws_buf_give(of.pool, buf));
	end(&of);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		buffer_goes_there_and_comes_back,
		guarded_buffers_go_within_the_call_only,
		buffer_that_memory_is_made_of_is_the_devices,
		buffers_come_back_when_it_is_closed,
		chunks_are_fed_and_bytes_saved,
		what_is_wrong_is_told_and_the_buffer_stays,
		plugin_is_loaded_by_policy_only,
		options_are_told_to_the_plugin,
		hello_of_the_guide_keeps_what_it_promises,
		NULL,
	};

	return suite_run("hw/accel", tests);
}
