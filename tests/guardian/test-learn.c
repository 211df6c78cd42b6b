/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardian/learn-internal.h"
#include "tests/guardian/sim-context.h"

static const char ports[] = "port = 0x80 rw\nport = 0x81 r";

static struct hws_learn *open_sheet(const struct hws_learn_options *options)
{
	struct hws_learn *learn;
	char number[16];

	ck_ok(hws_learn_open(options, &learn));
	snprintf(number, sizeof(number), "%d", hws_learn_fd(learn));
	setenv(HWS_LEARN_NAME, number, 1);
	return learn;
}

/* The note of that sort about a port; all zero: there is none. */
struct wanted {
	enum hws_learned_what what;
	uint64_t first;
	uint32_t rights;
	struct hws_learned found;
};

static void look(const struct hws_learned *learned, void *context)
{
	struct wanted *wanted = context;

	if (learned->what == wanted->what && learned->access.kind == HWS_KIND_PORT &&
	    learned->access.first == wanted->first && learned->access.rights == wanted->rights)
		wanted->found = *learned;
}

static struct hws_learned find(struct hws_learn *learn, enum hws_learned_what what, uint64_t first,
			       uint32_t rights)
{
	struct wanted wanted = { what, first, rights, { 0 } };
	uint64_t lost;

	ck_ok(hws_learn_each(learn, look, &wanted, &lost));
	ck_assert_uint_eq(lost, 0);
	return wanted.found;
}

START_TEST(learn_notes_windows_accesses_and_values)
{
	struct hws_learn *learn = open_sheet(NULL);
	struct hws *hw = open_with(ports);
	struct hws_port *port;
	struct hws_learned note;
	uint8_t value;

	ck_ok(hws_port_open(hw, 0x80, 1, HWS_RW, &port));
	for (int i = 0; i < 3; i++)
		ck_ok(hws_port_read8(port, 0x80, &value));
	for (uint8_t i = 0; i < 20; i++)
		ck_ok(hws_port_write8(port, 0x80, 100 - i));
	ck_assert_uint_eq(find(learn, HWS_LEARNED_WINDOW, 0x80, HWS_RW).count, 1);
	ck_assert_uint_eq(find(learn, HWS_LEARNED_ACCESS, 0x80, HWS_R).count, 3);
	note = find(learn, HWS_LEARNED_ACCESS, 0x80, HWS_W);
	ck_assert_uint_eq(note.count, 20);
	ck_assert_uint_eq(note.access.width, 1);
	ck_assert_uint_eq(note.value_count, HWS_LEARN_VALUES);
	ck_assert(note.more_values);
	ck_assert_uint_eq(note.least, 81);
	ck_assert_uint_eq(note.greatest, 100);
	hws_port_close(port);
	hws_close(hw);
	hws_learn_close(learn);
}
END_TEST

START_TEST(learn_grants_nothing)
{
	struct hws_learn *learn = open_sheet(NULL);
	struct hws *hw = open_with(ports);
	struct hws_port *port;
	struct hws_learned note;

	ck_assert_int_eq(hws_port_open(hw, 0x81, 1, HWS_RW, &port), -EACCES);
	note = find(learn, HWS_LEARNED_WINDOW, 0x81, HWS_RW);
	ck_assert_uint_eq(note.count, 1);
	ck_assert_int_eq(note.reason, HWS_REASON_NO_RULE);
	hws_close(hw);
	hws_learn_close(learn);
}
END_TEST

START_TEST(learn_does_not_note_what_no_rule_could_cure)
{
	struct hws_learn *learn = open_sheet(NULL);
	struct hws *hw = open_with(ports);
	struct hws_port *port;
	uint8_t value;

	ck_ok(hws_port_open(hw, 0x80, 1, HWS_R, &port));
	ck_assert_int_lt(hws_port_write8(port, 0x80, 1), 0);
	ck_assert_int_lt(hws_port_read8(port, 0x82, &value), 0);
	ck_assert_uint_eq(find(learn, HWS_LEARNED_ACCESS, 0x80, HWS_W).count, 0);
	ck_assert_uint_eq(find(learn, HWS_LEARNED_ACCESS, 0x82, HWS_R).count, 0);
	hws_port_close(port);
	hws_close(hw);
	hws_learn_close(learn);
}
END_TEST

START_TEST(learn_rules_in_line_yield_to_a_files_deny)
{
	struct hws_learn_options with = { .size = sizeof(with), .policy = "port = 0x80-0x81 rw" };
	struct hws_learn *learn = open_sheet(&with);
	char directory[] = "/tmp/hws-learn-XXXXXX";
	struct hws_options options = sim_with(NULL);
	char path[64];
	struct hws_port *port;
	struct hws *hw;
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/a.conf", directory);
	file = fopen(path, "w");
	fputs("[a]\ndeny port = 0x81\n", file);
	fclose(file);
	chmod(path, 0600);
	options.policy_directory = directory;
	options.policy_owner = getuid();
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	ck_ok(hws_port_open(hw, 0x80, 1, HWS_RW, &port));
	hws_port_close(port);
	ck_assert_int_eq(hws_port_open(hw, 0x81, 1, HWS_R, &port), -EACCES);
	hws_close(hw);
	hws_learn_close(learn);
	unlink(path);
	rmdir(directory);
}
END_TEST

START_TEST(learn_simulates_whatever_is_asked_for)
{
	struct hws_learn_options with = { .size = sizeof(with), .simulate = true };
	struct hws_learn *learn = open_sheet(&with);
	struct hws_options options = { .size = sizeof(options), .backend = "native" };
	struct hws_port *port;
	struct hws *hw;

	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	ck_assert_str_eq(hws_backend(hw), "sim");
	ck_ok(hws_port_open(hw, 0x80, 1, HWS_RW, &port));
	hws_port_close(port);
	hws_close(hw);
	hws_learn_close(learn);
	with.policy = "[all]\nport = 0x80 r\n";
	learn = open_sheet(&with);
	options.policy_text = "port = 0x80 rw"; /* counts for nothing: that policy is the whole */
	ck_ok(hws_open(&options, &hw));
	ck_assert_int_eq(hws_port_open(hw, 0x80, 1, HWS_RW, &port), -EACCES);
	ck_ok(hws_reload(hw));
	ck_assert_int_eq(hws_port_open(hw, 0x80, 1, HWS_RW, &port), -EACCES);
	hws_close(hw);
	hws_learn_close(learn);
}
END_TEST

START_TEST(learn_hears_of_the_real_machine)
{
	struct hws_learn *learn;
	struct hws_options options = { .size = sizeof(options),
				       .backend = "native",
				       .policy_text = "port = 0x70-0x71 rw claimed" };
	struct hws_port *clock;
	struct hws_learned note;
	struct hws *hw;
	uint8_t seconds;

	need_lab("rtc");
	learn = open_sheet(NULL);
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	ck_assert_msg(hws_port_open(hw, 0x70, 2, HWS_RW, &clock) == 0, "%s", hws_why());
	ck_ok(hws_port_write8(clock, 0x70, 0));
	ck_ok(hws_port_read8(clock, 0x71, &seconds));
	note = find(learn, HWS_LEARNED_ACCESS, 0x70, HWS_W | HWS_CLAIMED);
	if (!note.count)
		note = find(learn, HWS_LEARNED_ACCESS, 0x70, HWS_W);
	ck_assert_uint_eq(note.count, 1);
	ck_assert_uint_eq(note.value_count, 1);
	ck_assert_uint_eq(find(learn, HWS_LEARNED_ACCESS, 0x71, HWS_R).count, 1);
	ck_assert_int_eq(hws_port_open(hw, 0x80, 1, HWS_W, &clock), -EACCES);
	ck_assert_uint_eq(find(learn, HWS_LEARNED_WINDOW, 0x80, HWS_W).count, 1);
	hws_close(hw);
	hws_learn_close(learn);
}
END_TEST

static void look_for_ring(const struct hws_learned *learned, void *context)
{
	if (learned->access.kind == HWS_KIND_RING && learned->reason == HWS_REASON_DENY_RULE)
		*(uint64_t *)context += learned->count;
}

/* What a policy of the machine forbids must not be open because the rest is simulated. */
START_TEST(learn_simulates_no_files)
{
	struct hws_learn_options with = { .size = sizeof(with), .simulate = true };
	struct hws_options options = { .size = sizeof(options),
				       .policy_text = "ring = /dev/null rw" };
	struct hws_ring *ring;
	struct hws *hw;

	for (int i = 0; i < 2; i++) {
		struct hws_learn *learn = open_sheet(&with);
		uint64_t denied = 0;

		ck_ok(hws_open(&options, &hw));
		ck_assert_int_eq(hws_ring_adopt(hw, "/dev/null", NULL, &ring), -EACCES);
		hws_close(hw);
		ck_ok(hws_learn_each(learn, look_for_ring, &denied, NULL));
		ck_assert_uint_eq(denied, 1);
		hws_learn_close(learn);
		with.policy = "version = 1\n[all]\nring = * rw";
	}
}
END_TEST

/* What was to be simulated must not reach the real machine by mistake. */
START_TEST(learn_fails_closed_without_a_sheet)
{
	static const char *const words[] = { "", "x", "-1", "999", "1x", "0" };
	struct hws_options options = sim_with(ports);
	char number[16];
	struct hws *hw;
	int fd = memfd_create("other", MFD_ALLOW_SEALING);

	ck_ok(fd);
	ck_ok(ftruncate(fd, sizeof(struct learn_sheet)));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		setenv(HWS_LEARN_NAME, words[i], 1);
		ck_assert_int_eq(hws_open(&options, &hw), -EACCES);
		ck_assert_ptr_nonnull(strstr(hws_why(), HWS_LEARN_NAME));
	}
	snprintf(number, sizeof(number), "%d", fd);
	setenv(HWS_LEARN_NAME, number, 1);
	ck_assert_int_eq(hws_open(&options, &hw), -EACCES); /* it could shrink */
	ck_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	ck_assert_int_eq(hws_open(&options, &hw), -EACCES); /* it begins otherwise */
	close(fd);
	unsetenv(HWS_LEARN_NAME);
	ck_ok(hws_open(&options, &hw));
	hws_close(hw);
}
END_TEST

START_TEST(learn_hears_from_children)
{
	struct hws_learn *learn = open_sheet(NULL);
	struct hws *hw;
	struct hws_port *port;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		hw = open_with(ports);
		if (hws_port_open(hw, 0x81, 1, HWS_R, &port) < 0)
			_exit(1);
		hws_port_get8(port, 0x81);
		kill(getpid(), SIGKILL); /* nothing is lost by that */
	}
	waitpid(pid, &status, 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert_uint_eq(find(learn, HWS_LEARNED_ACCESS, 0x81, HWS_R).count, 1);
	hws_learn_close(learn);
}
END_TEST

int main(void)
{
	return suite_run(
		"guardian/learn",
		(const TTest *[]) { learn_notes_windows_accesses_and_values, learn_grants_nothing,
				    learn_does_not_note_what_no_rule_could_cure,
				    learn_rules_in_line_yield_to_a_files_deny,
				    learn_simulates_whatever_is_asked_for,
				    learn_hears_of_the_real_machine, learn_simulates_no_files,
				    learn_fails_closed_without_a_sheet, learn_hears_from_children,
				    NULL });
}
