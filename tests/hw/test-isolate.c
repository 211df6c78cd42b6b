/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plug-ins in a process of their own: what goes wrong there is an error here. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine-internal.h"
#include "hw/accel.h"
#include "tests/suite.h"
#include "uring/pool.h"

enum { SIZE = 4096 };

#define need_confined() \
	need("confine", CONFINE_MACHINE, "system calls can't be filtered on this architecture")

static char folder[64], path[128], lines[4096];

static void on_log(enum hws_level level, const char *line, void *context)
{
	size_t n = strlen(lines);

	(void)level;
	(void)context;
	if (strstr(lines, line))
		usleep(1000); /* who says it again and again never has to wait for us */
	else
		snprintf(lines + n, sizeof(lines) - n, "%s\n", line);
}

static struct hws *context(const char *file)
{
	char command[512], text[256];
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_text = text,
		.policy_owner = getuid(),
		.log = on_log,
	};
	struct hws *hw;

	snprintf(folder, sizeof(folder), "/tmp/hwsafe-isolate-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/p.so", folder);
	snprintf(command, sizeof(command), "cp '%s' %s && chmod 644 %s", file, path, path);
	ck_assert_int_eq(system(command), 0);
	snprintf(text, sizeof(text), "[test]\nplugin = %s unsigned\n", path);
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	return hw;
}

static void end(struct hws *hw)
{
	hws_close(hw);
	ck_assert_int_eq(unlink(path) | rmdir(folder), 0);
	/* no process is left */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static int descriptors(void)
{
	DIR *open_ones = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(open_ones))
		count++;
	closedir(open_ones);
	return count;
}

/* With a deed that it does at some place, or none. */
static int open_rogue(struct hws *hw, const char *deed, int64_t at, struct hws_plugin **ret_plugin)
{
	const struct hws_value values[] = {
		{ sizeof(values[0]), "at", HWS_VALUE_INT, 0, 1, { .integer = at } },
		{ sizeof(values[0]),
		  "deed",
		  HWS_VALUE_STRING,
		  0,
		  deed ? strlen(deed) : 0,
		  { .string = deed } },
	};
	const struct hws_plugin_options options = {
		.size = sizeof(options),
		.isolate = true,
		.patience_ns = UINT64_C(300000000) * (SUITE_SANITIZED ? 10 : 1),
		.values = { values, deed ? 2 : 0 },
	};

	return hws_plugin_open(hw, path, &options, ret_plugin);
}

static int run(struct hws_accel *accel, const char *name)
{
	struct hws_event *event;
	int r = hws_accel_run(accel, name, NULL, NULL, 0, &event);
	int code;

	if (r < 0)
		return r;
	ck_ok(hws_event_wait(event, 0, &code)); /* it is done already */
	hws_event_close(event);
	return code;
}

static struct hws_pool *pool_of(struct hws *hw)
{
	const struct hws_pool_options options = { .size = sizeof(options),
						  .classes = { { 3 << 20, 4 } } };
	struct hws_pool *pool;

	ck_ok(hws_pool_open(hw, &options, &pool));
	return pool;
}

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
	{ "chatter", -ETIMEDOUT, "did not answer run in time" },
};
enum { KILLERS = 5 }; /* those that are tried everywhere */

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

		ck_ok(open_rogue(hw, NULL, 0, &plugin));
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
	for (size_t i = 0; i < KILLERS; i++) {
		struct hws *hw = context(ROGUE);
		struct hws_pool *pool = pool_of(hw);

		for (int64_t at = 3; at < 10; at++) {
			struct hws_accel *accel = NULL;
			struct hws_plugin *plugin;
			int before = descriptors();
			int r;

			if (!entries[at])
				continue;
			ck_ok(open_rogue(hw, ends[i].name, at, &plugin));
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
	for (size_t i = 0; i < KILLERS; i++) {
		struct hws *hw = context(ROGUE);
		struct hws_plugin *plugin = NULL;
		int before = descriptors();

		ck_assert_int_eq(open_rogue(hw, ends[i].name, 1, &plugin), ends[i].code);
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
	for (size_t i = 0; i < KILLERS; i++) {
		struct hws *hw = context(ROGUE);
		struct hws_plugin *plugin;
		int before = descriptors();

		ck_ok(open_rogue(hw, ends[i].name, 2, &plugin));
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
	ck_ok(open_rogue(hw, NULL, 0, &plugin));
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
	ck_ok(open_rogue(hw, "", 4, &plugin));
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
	ck_ok(open_rogue(hw, NULL, 0, &plugin));
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
