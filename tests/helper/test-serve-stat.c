/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the helper counts, in a file that others look at. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/helper/serve-kit.h"

#define POLICY                                                        \
	"[alice]\nuser = 41000\nmsr = 0x10 r\nbar = 1234:11e8 0 rw\n" \
	"pci = 1234:11e8 r\n"

static char path[96];
static char text[65536];

/* What hwprobe prints of it; "" where there is none. */
static const char *look(void)
{
	char command[512];
	FILE *out;
	size_t n;

	snprintf(command, sizeof(command), "%s stat --from %s 2>&1", HWPROBE, path);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	n = fread(text, 1, sizeof(text) - 1, out);
	text[n] = '\0';
	return pclose(out) == 0 ? text : "";
}

/* Does the line of this name come to this number? */
static bool comes_to(const char *name, unsigned int number)
{
	char wanted[96];

	snprintf(wanted, sizeof(wanted), "\n%-40s %u\n", name, number);
	for (int waited = 0; !strstr(look(), wanted) && waited < 500; waited++)
		usleep(20000);
	return strstr(text, wanted);
}

static int uses_registers(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_mmio *mmio;
	struct hws_msr *msr;
	uint64_t value;
	char byte;

	close(((int *)context)[1]);
	must(hws_msr_open(hw, "0", 0x10, 0x11, HWS_R, &msr) == 0);
	for (int i = 0; i < 5; i++)
		must(hws_msr_read(msr, 0, 0x10, &value) == 0);
	must(hws_msr_read(msr, 0, 0x11, &value) == -EACCES);
	must(hws_mmio_map(hw, "00:03.0", 0, 0, 0, HWS_RW, &mmio) == 0);
	/* what it counted is looked at meanwhile */
	must(read(((int *)context)[0], &byte, 1) == 0);
	return 0;
}

START_TEST(numbers_are_what_was_decided_and_go_with_the_helper)
{
	const char *const arguments[] = { "--stat", path, NULL };
	char folder[] = "/tmp/hwsafe-stat-XXXXXX";
	struct daemon daemon = { 0 };
	struct stat is;
	int ends[2];
	pid_t pid;

	need_root();
	need("hwprobe", *HWPROBE, "hwprobe is not built");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/stat", folder);
	daemon_start(&daemon, POLICY, arguments);
	ck_ok(stat(path, &is));
	ck_assert_uint_eq(is.st_mode & 0777, 0600);
	ck_assert(comes_to("policy.rules", 3));
	ck_ok(pipe(ends));
	pid = as_user_begin(ALICE, uses_registers, &daemon, ends);
	close(ends[0]);
	ck_assert(comes_to("kinds.msr.slow_accesses", 5));
	ck_assert(comes_to("denials.no-rule", 1));
	ck_assert(comes_to("kinds.bar.handles_given", 1));
	close(ends[1]);
	ck_assert_int_eq(as_user_end(pid), 0);
	daemon_stop(&daemon);
	ck_assert_int_eq(stat(path, &is), -1);
	ck_ok(rmdir(folder));
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-stat",
			 (const TTest *[]) {
				 numbers_are_what_was_decided_and_go_with_the_helper,
				 NULL,
			 });
}
