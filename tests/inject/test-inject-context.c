/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A context is opened, asked, reloaded, closed: the policy is all there, or nothing is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "tests/inject/inject.h"

static char folder[64];
static char policy[96];

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_ok(chmod(path, 0644));
}

static void make_folder(void)
{
	strcpy(folder, "/tmp/hwsafe-inject-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(policy, sizeof(policy), "%s/policy.d", folder);
	ck_ok(mkdir(policy, 0755));
	write_file("policy.d/10-allow.conf", "[all]\nport = 0x70-0x7f rw\nmsr = 0x19c r\n");
	write_file("policy.d/20-deny.conf", "[none]\ndeny port = 0x71\n");
}

static void remove_folder(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

/* What the files say, whole: who was let in by one is kept out by the other. */
static void check_policy(struct hws *hw)
{
	struct hws_access access = {
		.kind = HWS_KIND_PORT, .rights = HWS_R, .first = 0x70, .last = 0x70, .width = 1
	};

	inject_check(hws_check(hw, &access, NULL, 0) == 0);
	access.first = access.last = 0x71;
	inject_check(hws_check(hw, &access, NULL, 0) == -EACCES);
}

static int use(struct hws *hw)
{
	int r;

	check_policy(hw);
	r = inject_step(hws_reload(hw));
	check_policy(hw);
	return r;
}

static int open_and_reload(void)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_directory = policy,
		.policy_owner = getuid(),
	};
	struct hws *hw = NULL;
	int r = inject_step(hws_open(&options, &hw));

	if (r < 0) {
		inject_check(!hw);
		return r;
	}
	r = use(hw);
	hws_close(hw);
	return r;
}

START_TEST(context_opens_whole_or_not_at_all)
{
	make_folder();
	inject_sweep(&(struct inject_flow) { "context", open_and_reload, 60, false });
	remove_folder();
}
END_TEST

int main(void)
{
	return suite_run_for("inject/context",
			     (const TTest *[]) { context_opens_whole_or_not_at_all, NULL }, 600);
}
