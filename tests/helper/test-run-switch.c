/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's switch for io_uring: for all, for one group, for nobody. */
#include <stdio.h>
#include <unistd.h>

#include "tests/helper/client.h"
#include "tests/helper/launch.h"
#include "tests/suite.h"

#define SWITCH "/proc/sys/kernel/io_uring_disabled"

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

/* For all, for one group and for nobody; the last user can't make a ring of his own in any case. */
START_TEST(p20_ring_is_granted_as_io_uring_disabled_says)
{
	const char *file = client_secret();
	const char *policy = launch_policy("[mine]\nuser = alice\nring = %s r\n", file);
	char before[8] = "";
	FILE *now;

	need_lab("root");
	need("root", launch_can(), "only root can become somebody else");
	now = fopen(SWITCH, "re");
	if (!now) {
		suite_not_here("io_uring_disabled", __func__);
		return;
	}
	ck_assert_ptr_nonnull(fgets(before, sizeof(before), now));
	fclose(now);
	for (char value[] = "0"; *value <= '2'; ++*value) {
		struct launch of = { 0 };

		put(SWITCH, value);
		launch_client(&of, policy, "mine", "alice", "ring", file, "r", NULL);
		if (*value < '2')
			launch_went_well(&of);
		else
			launch_refused(&of, 5, "kernel.io_uring_disabled");
	}
	put(SWITCH, before);
	unlink(file);
}
END_TEST

int main(int argc, char **argv)
{
	int code = client_main(argc, argv);

	if (code >= 0)
		return code;
	return suite_run("helper/run-switch",
			 (const TTest *[]) { p20_ring_is_granted_as_io_uring_disabled_says, NULL });
}
