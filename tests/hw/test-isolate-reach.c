/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in in a process of its own that reaches for more than that, or keeps us waiting. */
#include <sys/mman.h>

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
		shared_memory_of_the_program_is_not_there,
		who_only_talks_has_not_answered,
		patience_may_have_no_end,
		NULL,
	};

	return suite_run("hw/isolate-reach", tests);
}
