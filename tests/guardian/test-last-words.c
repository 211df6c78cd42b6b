/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of risky accesses: on disk before the access, there after a kill. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardian/context-internal.h"
#include "guardian/last-words-internal.h"
#include "shim/sim-internal.h"
#include "tests/guardian/sim-context.h"

#define KINDS "0000:00:05.0" /* the built-in machine's device with a register of every kind */
#define RISKY                                                \
	"port = 0x80 rw\nbar = 1234:11ea 0 0x000-0x007 rw\n" \
	"bar = 1234:11ea 0 0x008-0xfff rw, last-words"

static char folder[] = "/tmp/hwsafe-words-XXXXXX";
static char path[64];

static void in_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/last", folder);
}

static void clean(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static struct hws *open_words(const char *policy, bool always)
{
	struct hws_options options = sim_with(policy);
	struct hws *hw;

	options.last_words = path;
	options.last_words_always = always;
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	return hw;
}

static struct hws_mmio *mapped(struct hws *hw)
{
	struct hws_mmio *mmio;

	ck_assert_msg(hws_mmio_map(hw, KINDS, 0, 0, 0, HWS_RW, &mmio) == 0, "%s", hws_why());
	return mmio;
}

static int words_now(struct hws_last_words words[HWS_LAST_WORDS])
{
	int n = hws_last_words_read(NULL, path, words, HWS_LAST_WORDS);

	ck_assert_msg(n >= 0, "%s", hws_why());
	return n;
}

static void killed_by(const struct sim_access *access, void *context)
{
	if (access->write && access->offset == *(const uint64_t *)context)
		kill(getpid(), SIGKILL);
}

/* Writes to several registers; the machine dies of the one at *context. */
static void die_in_the_middle(void *context)
{
	struct hws *hw = open_words(RISKY, false);
	struct hws_mmio *mmio = mapped(hw);

	sim_set_log(hw->shim.self, killed_by, context);
	hws_mmio_put32(mmio, 0x00c, 0x11);
	hws_mmio_put32(mmio, 0x004, 0x22); /* not risky, the rule says */
	hws_mmio_put64(mmio, 0x038, 0x3333333344444444);
	hws_mmio_put32(mmio, 0x00c, 0x55);
}

START_TEST(file_tells_what_killed_the_process)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	uint64_t deadly = 0x038;
	int status;

	in_folder();
	status = suite_child(die_in_the_middle, &deadly);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_int_eq(words_now(words), 2);
	ck_assert_uint_eq(words[0].sequence, 2);
	ck_assert(!words[0].over);
	ck_assert_int_eq(words[0].access.kind, HWS_KIND_BAR);
	ck_assert_uint_eq(words[0].access.rights, HWS_W);
	ck_assert_uint_eq(words[0].access.first, 0x038);
	ck_assert_uint_eq(words[0].access.last, 0x03f);
	ck_assert_uint_eq(words[0].access.width, 8);
	ck_assert_uint_eq(words[0].access.value, 0x3333333344444444);
	ck_assert_uint_eq(words[0].access.bdf.device, 5);
	ck_assert_uint_gt(words[0].time_ns, 1600000000000000000);
	ck_assert_uint_ne(words[0].pid, (uint32_t)getpid());
	ck_assert(words[1].over);
	ck_assert_uint_eq(words[1].access.first, 0x00c);
	ck_assert_uint_eq(words[1].access.value, 0x11);
	clean();
}
END_TEST

START_TEST(who_comes_after_keeps_what_was_begun)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	uint64_t deadly = 0x00c;
	struct hws *hw;
	struct hws_mmio *mmio;
	int begun = 0;

	in_folder();
	suite_child(die_in_the_middle, &deadly);
	hw = open_words(RISKY, false);
	mmio = mapped(hw);
	for (int i = 0; i < 2 * HWS_LAST_WORDS; i++)
		hws_mmio_put32(mmio, 0x00c, 1);
	ck_assert_int_eq(words_now(words), HWS_LAST_WORDS);
	for (int i = 0; i < HWS_LAST_WORDS; i++) {
		begun += !words[i].over;
		ck_assert(i == 0 || words[i].sequence < words[i - 1].sequence);
	}
	ck_assert_int_eq(begun, 1);
	ck_assert_uint_eq(words[0].sequence, 1 + 2 * HWS_LAST_WORDS);
	ck_assert_uint_eq(words[HWS_LAST_WORDS - 1].sequence, 1);
	ck_assert_int_eq(hws_last_words_read(NULL, path, words, 3), 3);
	hws_mmio_unmap(mmio);
	hws_close(hw);
	clean();
}
END_TEST

START_TEST(every_access_leaves_words_when_asked)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	struct hws *hw;
	struct hws_port *port;
	struct hws_msr *msr;
	uint64_t value;
	uint8_t byte;

	in_folder();
	hw = open_words("port = 0x80 rw\nmsr = 0x10 r", true);
	ck_assert_int_eq(hws_port_open(hw, 0x80, 1, HWS_RW, &port), 0);
	ck_assert_int_eq(hws_port_read8(port, 0x80, &byte), 0);
	ck_assert_int_eq(hws_port_write8(port, 0x80, 0x5a), 0);
	ck_assert_int_eq(hws_port_read8(port, 0x81, &byte), -ERANGE); /* never began */
	ck_assert_int_eq(hws_msr_open(hw, "2", 0x10, 0x10, HWS_R, &msr), 0);
	ck_assert_int_eq(hws_msr_read(msr, 2, 0x10, &value), 0);
	ck_assert_int_eq(words_now(words), 3);
	ck_assert_int_eq(words[0].access.kind, HWS_KIND_MSR);
	ck_assert_uint_eq(words[0].access.cpu, 2);
	ck_assert_uint_eq(words[1].access.rights, HWS_W);
	ck_assert_uint_eq(words[1].access.value, 0x5a);
	for (int i = 0; i < 3; i++)
		ck_assert(words[i].over);
	hws_msr_close(msr);
	hws_port_close(port);
	hws_close(hw);
	clean();
}
END_TEST

static void fill(const char *file, const char *text)
{
	FILE *stream = fopen(file, "w");

	ck_assert_ptr_nonnull(stream);
	fputs(text, stream);
	fclose(stream);
}

/* The rule alone: the built-in policy would let root read without any words. */
static struct hws *open_ruled(const char *text)
{
	struct hws_options options = sim_with(NULL);
	char file[64];
	struct hws *hw;

	snprintf(file, sizeof(file), "%s/t.conf", folder);
	fill(file, text);
	options.policy_directory = folder;
	options.policy_owner = getuid();
	options.last_words = path;
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	unlink(file);
	return hw;
}

START_TEST(old_value_for_a_mask_is_an_access_too)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	struct hws *hw;
	struct hws_mmio *mmio;

	in_folder();
	hw = open_ruled("[t]\nbar = 1234:11ea 0 rw, mask 0xff, last-words\n");
	mmio = mapped(hw);
	ck_assert_int_eq(hws_mmio_write32(mmio, 0x004, 0x12345600), 0);
	ck_assert_int_eq(words_now(words), 2);
	ck_assert_uint_eq(words[0].access.rights, HWS_W);
	ck_assert_uint_eq(words[1].access.rights, HWS_R);
	ck_assert(words[0].over && words[1].over);
	ck_assert_int_eq(hws_mmio_write32(mmio, 0x004, 0), -EACCES);
	ck_assert_int_eq(words_now(words), 3); /* that it was looked at, not that it was written */
	hws_mmio_unmap(mmio);
	hws_close(hw);
	clean();
}
END_TEST

static void must_not_be(const struct sim_access *access, void *context)
{
	(void)context;
	if (access->kind == SIM_MMIO)
		_exit(3);
}

/* The file can't grow, nor be written: a full disk. */
static void disk_is_full(void *context)
{
	struct rlimit none = { 0, 0 };
	struct hws *hw = open_words(RISKY, false);
	struct hws_mmio *mmio = mapped(hw);
	int r;

	(void)context;
	sim_set_log(hw->shim.self, must_not_be, NULL);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	r = hws_mmio_write32(mmio, 0x00c, 1);
	if (r != -EACCES || hws_last_denial()->reason != HWS_REASON_LAST_WORDS ||
	    !strstr(hws_why(), "its last words can't be written"))
		_exit(4);
	_exit(5);
}

START_TEST(access_that_can_not_be_recorded_is_refused)
{
	struct hws *hw = open_with(RISKY);
	struct hws_mmio *mmio = mapped(hw);
	int status;

	sim_set_log(hw->shim.self, must_not_be, NULL);
	ck_assert_int_eq(hws_mmio_write32(mmio, 0x00c, 1), -EACCES);
	ck_assert_int_eq(hws_last_denial()->reason, HWS_REASON_LAST_WORDS);
	ck_assert_ptr_nonnull(strstr(hws_why(), "hws_options.last_words"));
	sim_set_log(hw->shim.self, NULL, NULL);
	ck_assert_int_eq(hws_mmio_write32(mmio, 0x004, 1), 0);
	hws_mmio_unmap(mmio);
	hws_close(hw);
	in_folder();
	status = suite_child(disk_is_full, NULL);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 5);
	clean();
}
END_TEST

static int code_of_opening(bool always)
{
	struct hws_options options = sim_with(RISKY);
	struct hws *hw = NULL;
	int r;

	options.last_words = *path ? path : NULL;
	options.last_words_always = always;
	r = hws_open(&options, &hw);
	if (r < 0)
		ck_assert_str_ne(hws_why(), "");
	hws_close(hw);
	return r;
}

START_TEST(file_that_is_none_is_refused)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	struct hws *hw;

	ck_assert_int_eq(code_of_opening(true), -EINVAL);
	in_folder();
	ck_assert_int_eq(hws_last_words_read(NULL, path, words, 1), -ENOENT);
	ck_assert_int_eq(hws_last_words_read(NULL, NULL, words, 1), -EINVAL);
	ck_assert_int_eq(hws_last_words_read(folder, "/last", words, 1), -ENOENT);
	fill(path, "root:x:0:0:root:/root:/bin/bash\n");
	ck_assert_int_eq(code_of_opening(false), -EBADMSG);
	ck_assert_int_eq(hws_last_words_read(NULL, path, words, 1), -EBADMSG);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(code_of_opening(false), -EINVAL);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_eq(code_of_opening(false), -ELOOP);
	ck_assert_int_eq(unlink(path), 0);
	hw = open_words(RISKY, false);
	ck_assert_int_eq(code_of_opening(false), -EBUSY);
	ck_assert_int_eq(words_now(words), 0);
	hws_close(hw);
	clean();
	ck_assert_int_eq(code_of_opening(false), -ENOENT);
}
END_TEST

enum { THREADS = 4, EACH = 30 };

static void *say_often(void *context)
{
	struct hws_access access = { .kind = HWS_KIND_PORT, .rights = HWS_R, .width = 1 };

	for (int i = 0; i < EACH; i++) {
		uint32_t slot;

		ck_assert_int_eq(last_words_say(context, &access, &slot), 0);
		last_words_over(context, slot);
	}
	return NULL;
}

START_TEST(spoiled_file_is_read_as_far_as_it_goes)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	char bytes[2048];
	uint64_t state = 4711;
	struct last_words *own;
	int fd;

	in_folder();
	ck_assert_int_eq(last_words_open(-1, path, &own), 0);
	say_often(own);
	last_words_close(own);
	fd = open(path, O_RDWR);
	ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	ck_assert_int_eq(strncmp(bytes, "last-words 1 over  sequence=1 time=", 35), 0);
	for (int i = 0; i < 3000; i++) {
		char bad[sizeof(bytes)];
		int r;

		memcpy(bad, bytes, sizeof(bad));
		for (int k = 0; k < 4; k++) {
			state = state * 6364136223846793005 + 1442695040888963407;
			bad[(state >> 33) % sizeof(bad)] = (char)(state >> 25);
		}
		ck_assert_int_eq(pwrite(fd, bad, sizeof(bad), 0), sizeof(bad));
		r = hws_last_words_read(NULL, path, words, HWS_LAST_WORDS);
		ck_assert_int_ge(r,
				 EACH - 4); /* a line that is spoiled does not spoil the others */
		ck_assert_int_le(r, EACH);
	}
	close(fd);
	clean();
}
END_TEST

START_TEST(threads_do_not_mix_their_words)
{
	struct hws_last_words all[HWS_LAST_WORDS];
	struct last_words *words;
	pthread_t threads[THREADS];

	in_folder();
	ck_assert_int_eq(last_words_open(-1, path, &words), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, say_often, words), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	last_words_close(words);
	last_words_close(NULL);
	ck_assert_int_eq(words_now(all), HWS_LAST_WORDS);
	for (int i = 0; i < HWS_LAST_WORDS; i++) {
		ck_assert(all[i].over);
		ck_assert_uint_eq(all[i].sequence, (uint64_t)(THREADS * EACH - i));
	}
	clean();
}
END_TEST

int main(void)
{
	return suite_run("guardian/last-words", (const TTest *[]) {
							file_tells_what_killed_the_process,
							who_comes_after_keeps_what_was_begun,
							every_access_leaves_words_when_asked,
							old_value_for_a_mask_is_an_access_too,
							access_that_can_not_be_recorded_is_refused,
							file_that_is_none_is_refused,
							spoiled_file_is_read_as_far_as_it_goes,
							threads_do_not_mix_their_words,
							NULL,
						});
}
