/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in in a process of its own that reaches for more than that, or keeps us waiting. */
#include <linux/landlock.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/hw/isolate-kit.h"

/* Runs one deed: what came of it; all is closed after. */
static int run_once(const char *deed, int64_t at)
{
	struct hws *hw = context(ROGUE);
	struct hws_pool *pool = pool_of(hw);
	struct hws_plugin *plugin;
	struct hws_accel *accel;
	char words[512];
	int r;

	ck_ok(open_rogue(hw, "", at, !strcmp(deed, "babble"), &plugin));
	ck_ok(hws_accel_open(plugin, pool, &accel));
	r = run(accel, deed);
	snprintf(words, sizeof(words), "%s", hws_why());
	hws_accel_close(accel);
	ck_assert_int_eq(hws_pool_close(pool, NULL), 0);
	end(hw);
	printf("# %s: %d: %s\n", deed, r, words);
	return r;
}

START_TEST(ways_that_are_less_known_are_closed_too)
{
	need_confined();
	ck_assert_int_eq(run_once("creep", 0), 0);
}
END_TEST

START_TEST(devices_and_other_processes_cant_be_read)
{
	need_confined();
	need("landlock",
	     syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0,
	     "Linux has no Landlock, or it is not on");
	ck_assert_int_eq(run_once("spy", 0), 0);
}
END_TEST

START_TEST(shared_memory_of_the_program_is_not_there)
{
	int *shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need_confined();
	ck_assert_ptr_ne(shared, MAP_FAILED);
	ck_assert_int_eq(run_once("poke", (int64_t)(intptr_t)shared), -ENODEV);
	ck_assert_int_eq(*shared, 0);
	ck_assert_int_eq(munmap(shared, SIZE), 0);
}
END_TEST

START_TEST(shared_memory_that_can_be_opened_is_not_there)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	const int closed[] = { PROT_READ, PROT_NONE };

	need_confined();
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	for (int i = 0; i < 2; i++) {
		int *shared = mmap(NULL, SIZE, closed[i], MAP_SHARED, fd, 0);
		int now = -1;

		ck_assert_ptr_ne(shared, MAP_FAILED);
		ck_assert_int_eq(run_once("pry", (int64_t)(intptr_t)shared), -ENODEV);
		ck_assert_int_eq(pread(fd, &now, sizeof(now), 0), sizeof(now));
		ck_assert_int_eq(now, 0);
		ck_assert_int_eq(munmap(shared, SIZE), 0);
	}
	close(fd);
}
END_TEST

START_TEST(child_of_fork_does_not_end_the_parents)
{
	struct hws *hw = context(ROGUE);
	struct hws_pool *pool = pool_of(hw);
	struct hws_plugin *plugin;
	struct hws_accel *accel;
	int status;
	pid_t pid;

	need_confined();
	ck_ok(open_rogue(hw, "", 0, false, &plugin));
	ck_ok(hws_accel_open(plugin, pool, &accel));
	pid = fork();
	if (pid == 0) {
		bool refused = run(accel, "boast") == -ENODEV && strstr(hws_why(), "parent's");

		hws_accel_close(accel);
		_exit(refused ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_msg(run(accel, "nothing") == 0, "%s", hws_why());
	hws_accel_close(accel);
	ck_assert_int_eq(hws_pool_close(pool, NULL), 0);
	end(hw);
}
END_TEST

START_TEST(who_only_talks_has_not_answered)
{
	need_confined();
	log_takes_us = 100; /* it is always ahead of us */
	ck_assert_int_eq(run_once("babble", 0), -ETIMEDOUT);
}
END_TEST

START_TEST(patience_may_have_no_end)
{
	struct hws_plugin_options options = { .size = sizeof(options),
					      .isolate = true,
					      .patience_ns = UINT64_MAX };
	struct hws *hw = context(ROGUE);
	struct hws_plugin *plugin;

	need_confined();
	ck_assert_msg(hws_plugin_open(hw, path, &options, &plugin) == 0, "%s", hws_why());
	hws_plugin_close(plugin);
	end(hw);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ways_that_are_less_known_are_closed_too,
		devices_and_other_processes_cant_be_read,
		shared_memory_of_the_program_is_not_there,
		shared_memory_that_can_be_opened_is_not_there,
		child_of_fork_does_not_end_the_parents,
		who_only_talks_has_not_answered,
		patience_may_have_no_end,
		NULL,
	};

	return suite_run("hw/isolate-reach", tests);
}
