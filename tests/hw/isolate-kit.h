/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plug-ins in a process of their own, honest and rogue ones. */
#ifndef HWSAFE_TESTS_ISOLATE_KIT_H
#define HWSAFE_TESTS_ISOLATE_KIT_H

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
static unsigned int log_takes_us;

static inline void on_log(enum hws_level level, const char *line, void *context)
{
	size_t n = strlen(lines);

	(void)level;
	(void)context;
	usleep(log_takes_us);
	snprintf(lines + n, sizeof(lines) - n, "%s\n", line);
}

static inline struct hws *context(const char *file)
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

static inline void end(struct hws *hw)
{
	hws_close(hw);
	ck_assert_int_eq(unlink(path) | rmdir(folder), 0);
	/* no process is left */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static inline int descriptors(void)
{
	DIR *open_ones = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(open_ones))
		count++;
	closedir(open_ones);
	return count;
}

/*
 * With a deed that it does at some place, or none. @hangs: we are to lose patience with it; else it
 * is waited for, however busy the machine is.
 */
static inline int open_rogue(struct hws *hw, const char *deed, int64_t at, bool hangs,
			     struct hws_plugin **ret_plugin)
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
		.patience_ns = UINT64_C(300000000) * (SUITE_SANITIZED ? 10 : 1) * (hangs ? 1 : 100),
		.values = { values, deed ? 2 : 0 },
	};

	return hws_plugin_open(hw, path, &options, ret_plugin);
}

static inline int run(struct hws_accel *accel, const char *name)
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

static inline struct hws_pool *pool_of(struct hws *hw)
{
	const struct hws_pool_options options = { .size = sizeof(options),
						  .classes = { { 3 << 20, 4 } } };
	struct hws_pool *pool;

	ck_ok(hws_pool_open(hw, &options, &pool));
	return pool;
}

#endif
