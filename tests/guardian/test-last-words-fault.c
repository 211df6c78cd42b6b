/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Last words that can't be kept, or not there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guardian/context-internal.h"
#include "guardian/last-words-internal.h"
#include "tests/guardian/sim-context.h"

#define RISKY "bar = 1234:11ea 0 rw, last-words"

static char folder[] = "/tmp/hwsafe-words-XXXXXX";
static char path[64];

static bool sync_fails;
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
	if (!sync_fails)
		return __real_fdatasync(fd);
	errno = EIO;
	return -1;
}

static struct hws_options in_folder(void)
{
	struct hws_options options = sim_with(RISKY);

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/last", folder);
	options.last_words = path;
	return options;
}

static void clean(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(access_whose_words_did_not_reach_the_disk_never_began)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	struct hws_options options = in_folder();
	struct hws_mmio *mmio;
	struct hws *hw;

	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	ck_ok(hws_mmio_map(hw, "0000:00:05.0", 0, 0, 0, HWS_RW, &mmio));
	sync_fails = true;
	ck_assert_int_eq(hws_mmio_write32(mmio, 0x00c, 1), -EACCES);
	ck_assert_ptr_nonnull(strstr(hws_why(), "its last words can't be written"));
	sync_fails = false;
	ck_assert_int_eq(hws_last_words_read(NULL, path, words, HWS_LAST_WORDS), 1);
	ck_assert(words[0].over);
	hws_mmio_unmap(mmio);
	hws_close(hw);
	clean();
}
END_TEST

START_TEST(file_lies_below_the_sysroot)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	struct hws_options options = in_folder();
	struct hws *hw;

	options.sysroot = folder;
	ck_assert_int_eq(hws_open(&options, &hw), -ENOENT);
	ck_assert_int_eq(access(path, F_OK), -1);
	options.last_words = "/last";
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	hws_close(hw);
	ck_assert_int_eq(hws_last_words_read(folder, "/last", words, 1), 0);
	clean();
}
END_TEST

START_TEST(words_of_every_kind_of_access_come_to_their_end)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	struct hws_options options = in_folder();
	struct hws_cpuid *cpuid;
	uint32_t regs[4];
	struct hws *hw;

	options.last_words_always = true;
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	ck_ok(hws_cpuid_open(hw, 0, 1, &cpuid));
	ck_ok(hws_cpuid_read(cpuid, 0, 0, regs));
	ck_ok(hws_cpuid_read(cpuid, 1, 0, regs));
	ck_assert_int_eq(hws_last_words_read(NULL, path, words, HWS_LAST_WORDS), 2);
	ck_assert(words[0].over && words[1].over);
	hws_cpuid_close(cpuid);
	hws_close(hw);
	clean();
}
END_TEST

int main(void)
{
	return suite_run("guardian/last-words-fault",
			 (const TTest *[]) {
				 access_whose_words_did_not_reach_the_disk_never_began,
				 file_lies_below_the_sysroot,
				 words_of_every_kind_of_access_come_to_their_end,
				 NULL,
			 });
}
