/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plug-ins in a process of their own: what goes wrong there is an error here. */
#include "tests/hw/isolate-kit.h"

START_TEST(isolated_device_works_as_the_other)
{
	struct hws_plugin_options options = { .size = sizeof(options), .isolate = true };
	struct hws *hw = context(ACCELERATOR);
	struct hws_pool *pool = pool_of(hw);
	struct hws_plugin *plugin;
	struct hws_event *event;
	struct hws_accel *accel;
	struct hws_buf buf;
	uint64_t memory, size;
	void *saved;
	int64_t most;
	int code;
	HWS_VIEW(view);

	need_confined();
	ck_ok(hws_plugin_open(hw, path, &options, &plugin));
	ck_ok(hws_accel_open(plugin, pool, &accel));
	ck_ok(hws_value_int(hws_value_find(hws_accel_attributes(accel), "most"), &most));
	ck_assert_int_eq(most, 64 << 20);
	ck_ok(hws_accel_alloc(accel, 3 << 20, &memory));
	ck_ok(hws_buf_take(pool, 3 << 20, &buf));
	/* three windows full */
	ck_ok(hws_view_open(pool, buf, HWS_RW, &view));
	for (uint64_t i = 0; i < view.size; i++)
		((uint8_t *)view.bytes)[i] = (uint8_t)(i >> 12);
	hws_view_close(&view);
	ck_ok(hws_accel_put(accel, memory, 0, buf, 3 << 20, NULL));
	ck_ok(hws_view_open(pool, buf, HWS_RW, &view));
	memset(view.bytes, 0, view.size);
	hws_view_close(&view);
	ck_ok(hws_accel_get(accel, memory, 0, buf, 3 << 20, NULL));
	ck_ok(hws_view_open(pool, buf, HWS_R, &view));
	for (uint64_t i = 0; i < view.size; i += 4096)
		ck_assert_uint_eq(((uint8_t *)view.bytes)[i], (uint8_t)(i >> 12));
	hws_view_close(&view);
	ck_ok(hws_accel_run(accel, "sum", NULL, &memory, 1, &event));
	ck_ok(hws_event_wait(event, 0, &code));
	ck_assert_int_eq(code, 0);
	hws_event_close(event);
	ck_ok(hws_accel_save(accel, memory, &saved, &size));
	ck_assert_uint_eq(size, 3 << 20);
	free(saved);
	ck_assert_int_eq(hws_accel_run(accel, "dance", NULL, &memory, 1, &event), -EOPNOTSUPP);
	ck_assert_msg(strstr(hws_why(), "there are sum"), "%s", hws_why());
	ck_assert_int_eq(hws_accel_get(accel, memory, 1, buf, 3 << 20, NULL), -ERANGE);
	ck_ok(hws_accel_free(accel, memory));
	ck_ok(hws_buf_give(pool, buf));
	hws_accel_close(accel);
	ck_assert_int_eq(hws_pool_close(pool, NULL), 0);
	ck_assert_msg(strstr(lines, "the engine runs"), "%s", lines);
	ck_assert_msg(!strstr(lines, "left behind"), "%s", lines);
	end(hw);
}
END_TEST

static const struct {
	const char *name;
	int code;
	const char *words;
} ends[] = {
	{ "crash", -ENODEV, "died of SIGSEGV in run" },
	{ "overflow", -ENODEV, "died of SIGSEGV in run" },
	{ "quit", -ENODEV, "died of SIGABRT in run" },
	{ "leave", -ENODEV, "ended in run" },
	{ "hang", -ETIMEDOUT, "did not answer run in time" },
};

static bool hangs(size_t i)
{
	return ends[i].code == -ETIMEDOUT;
}

START_TEST(what_kills_it_is_an_error_here)
{
	need_confined();
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct hws *hw = context(ROGUE);
		struct hws_pool *pool = pool_of(hw);
		int before = descriptors();
		struct hws_plugin *plugin;
		struct hws_accel *accel;
		uint64_t memory;
		int r;

		ck_ok(open_rogue(hw, NULL, 0, hangs(i), &plugin));
		ck_ok(hws_accel_open(plugin, pool, &accel));
		ck_ok(hws_accel_alloc(accel, SIZE, &memory));
		r = run(accel, ends[i].name);
		ck_assert_msg(r == ends[i].code && strstr(hws_why(), ends[i].words), "%s: %d: %s",
			      ends[i].name, r, hws_why());
		/* and stays one */
		ck_assert_int_eq(run(accel, "refuse"), -ENODEV);
		ck_assert_msg(strstr(hws_why(), ends[i].words), "%s", hws_why());
		ck_ok(hws_accel_free(accel, memory));
		hws_accel_close(accel);
		ck_assert_int_eq(descriptors(), before);
		ck_assert_int_eq(hws_pool_close(pool, NULL), 0);
		end(hw);
	}
}
END_TEST

/* One call of each entry, until one fails; in rogue-plugin.c's order of places. */
static int use_all(struct hws_accel *accel, struct hws_pool *pool)
{
	uint64_t memory, size;
	struct hws_buf buf;
	void *saved;
	int r;

	ck_ok(hws_buf_take(pool, SIZE, &buf));
	r = hws_accel_alloc(accel, SIZE, &memory);
	r = r < 0 ? r : hws_accel_put(accel, memory, 0, buf, SIZE, NULL);
	r = r < 0 ? r : hws_accel_get(accel, memory, 0, buf, SIZE, NULL);
	r = r < 0 ? r : hws_accel_save(accel, memory, &saved, &size);
	if (r == 0)
		free(saved);
	r = r < 0 ? r : hws_accel_free(accel, memory);
	/* free() can't tell: the next call does */
	r = r < 0 ? r : hws_accel_alloc(accel, SIZE, &memory);
	ck_ok(hws_buf_give(pool, buf)); /* whatever came of it, the buffer is ours */
	return r;
}

START_TEST(what_kills_it_in_any_entry_is_an_error)
{
	static const char *const entries[] = { [3] = "attributes", [5] = "alloc",    [6] = "free",
					       [7] = "copy_in",	   [8] = "copy_out", [9] = "save" };

	need_confined();
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct hws *hw = context(ROGUE);
		struct hws_pool *pool = pool_of(hw);

		for (int64_t at = 3; at < 10; at++) {
			struct hws_accel *accel = NULL;
			struct hws_plugin *plugin;
			int before = descriptors();
			int r;

			if (!entries[at])
				continue;
			ck_ok(open_rogue(hw, ends[i].name, at, hangs(i), &plugin));
			r = hws_accel_open(plugin, pool, &accel);
			r = r < 0 ? r : use_all(accel, pool);
			ck_assert_msg((r == ends[i].code || (at == 6 && r == -ENODEV)) &&
					      strstr(hws_why(), entries[at]),
				      "%s in %s: %d: %s", ends[i].name, entries[at], r, hws_why());
			if (accel)
				hws_accel_close(accel);
			else
				hws_plugin_close(plugin);
			ck_assert_int_eq(descriptors(), before);
		}
		ck_assert_int_eq(hws_pool_close(pool, NULL), 0);
		end(hw);
	}
}
END_TEST

START_TEST(what_kills_it_at_the_start_is_an_error)
{
	need_confined();
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct hws *hw = context(ROGUE);
		struct hws_plugin *plugin = NULL;
		int before = descriptors();

		ck_assert_int_eq(open_rogue(hw, ends[i].name, 1, hangs(i), &plugin), ends[i].code);
		ck_assert_msg(strstr(hws_why(), "create"), "%s", hws_why());
		ck_assert_ptr_null(plugin);
		ck_assert_int_eq(descriptors(), before);
		end(hw);
	}
}
END_TEST

START_TEST(what_kills_it_at_the_end_is_the_end)
{
	need_confined();
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct hws *hw = context(ROGUE);
		struct hws_plugin *plugin;
		int before = descriptors();

		ck_ok(open_rogue(hw, ends[i].name, 2, hangs(i), &plugin));
		hws_plugin_close(plugin);
		ck_assert_msg(strstr(lines, "destroy"), "%s", lines);
		lines[0] = '\0';
		ck_assert_int_eq(descriptors(), before);
		end(hw);
	}
}
END_TEST

START_TEST(it_reaches_nothing_but_its_own)
{
	struct hws *hw = context(ROGUE);
	struct hws_pool *pool = pool_of(hw);
	struct hws_plugin *plugin;
	struct hws_accel *accel;
	int r;

	need_confined();
	ck_ok(open_rogue(hw, NULL, 0, false, &plugin));
	ck_ok(hws_accel_open(plugin, pool, &accel));
	r = run(accel, "reach-out");
	ck_assert_msg(r == 0, "%d: %s", r, hws_why());
	ck_assert_int_eq(run(accel, "refuse"), -EBADMSG);
	ck_assert_msg(strstr(hws_why(), "no, thank you"), "%s", hws_why());
	ck_assert_msg(strstr(lines, "reach-out"), "%s", lines);
	ck_assert_int_eq(access("/tmp/rogue", F_OK), -1);
	hws_accel_close(accel);
	ck_assert_int_eq(hws_pool_close(pool, NULL), 0);
	end(hw);
}
END_TEST

START_TEST(lies_are_found_in_there_too)
{
	struct hws *hw = context(ROGUE);
	struct hws_pool *pool = pool_of(hw);
	struct hws_plugin *plugin;
	struct hws_accel *accel;

	need_confined();
	ck_ok(open_rogue(hw, "", 4, false, &plugin));
	ck_assert_int_lt(hws_accel_open(plugin, pool, &accel), 0);
	ck_assert_msg(strstr(hws_why(), "5 values is NULL"), "%s", hws_why());
	hws_plugin_close(plugin);
	ck_assert_int_eq(hws_pool_close(pool, NULL), 0);
	end(hw);
}
END_TEST

START_TEST(memory_of_the_program_is_not_there)
{
	struct hws *hw = context(ROGUE);
	const struct hws_pool_options open_pool = { .size = sizeof(open_pool),
						    .guard = HWS_POOL_GUARD_NONE };
	struct hws_plugin *plugin;
	struct hws_accel *accel;
	struct hws_pool *pool;
	struct hws_buf buf;
	uint64_t memory;

	need_confined();
	ck_ok(hws_pool_open(hw, &open_pool, &pool));
	ck_ok(open_rogue(hw, NULL, 0, false, &plugin));
	ck_ok(hws_accel_open(plugin, pool, &accel));
	ck_ok(hws_buf_take(pool, SIZE, &buf));
	ck_assert_int_eq(hws_accel_alloc_of(accel, buf, HWS_SHARE_ZERO_COPY, &memory), -EOPNOTSUPP);
	ck_ok(hws_buf_give(pool, buf));
	hws_accel_close(accel);
	ck_assert_int_eq(hws_pool_close(pool, NULL), 0);
	end(hw);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		isolated_device_works_as_the_other,
		what_kills_it_is_an_error_here,
		what_kills_it_in_any_entry_is_an_error,
		what_kills_it_at_the_start_is_an_error,
		what_kills_it_at_the_end_is_the_end,
		it_reaches_nothing_but_its_own,
		lies_are_found_in_there_too,
		memory_of_the_program_is_not_there,
		NULL,
	};

	return suite_run("hw/isolate", tests);
}
