/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What many refusals, hostile names and sudden deaths do to the helper, its trail and others. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/ring-kit.h"

#define POLICY                                                                        \
	"[alice]\nuser = 41000\nport = 0x70-0x71 rw\nmsr = 0x19c r\nmsr = 0x199 rw\n" \
	"pci = 1234:11e8 r\nbar = 1234:11e8 0 rw\n[bob]\nuser = 41001\nmsr = 0x10 r\n"

enum { REFUSED = SUITE_SANITIZED ? 3000 : 20000 };

static struct hws_wire_step *step_of(union wire_request *request)
{
	return (void *)(request->bytes + sizeof(request->head) + sizeof(struct hws_wire_run));
}

/* Over four connections, of which two have rings; how many were taken. */
static int asks_over_all(const struct daemon *daemon, void *context)
{
	struct bare_ring rings[2];
	int *pipe_end = context;
	uint32_t taken = 0;
	int fds[4];

	for (int i = 0; i < 4; i++)
		must((fds[i] = bare_hello(daemon)) >= 0);
	for (int i = 0; i < 2; i++)
		must(bare_ring_open(fds[i], &rings[i]) == 0);
	for (uint32_t n = 0; n < 2000; n++) {
		union wire_request request;
		union wire_reply reply;
		uint32_t which = n % 4;
		int r;

		make_good(&request, n);
		r = which < 2 ? bare_ring_ask(&rings[which], fds[which], &request, &reply)
			      : bare_ask(fds[which], &request, &reply);
		must(r == 0 || r == -EDQUOT);
		taken += r == 0;
	}
	must(write(*pipe_end, &taken, sizeof(taken)) == sizeof(taken));
	return 0;
}

START_TEST(p15_rate_of_a_user_counts_messages_and_rings_of_all_its_connections)
{
	static const char *const slow[] = { "--rate", "200", NULL };
	struct daemon daemon = { 0 };
	uint64_t begin;
	uint64_t end;
	uint32_t taken;
	int pipes[2];

	ck_ok(pipe(pipes));
	daemon_start(&daemon, POLICY, slow);
	ck_ok(sys_clock(CLOCK_MONOTONIC, &begin));
	ck_assert_int_eq(as_user(ALICE, asks_over_all, &daemon, &pipes[1]), 0);
	ck_ok(sys_clock(CLOCK_MONOTONIC, &end));
	ck_assert_int_eq(read(pipes[0], &taken, sizeof(taken)), sizeof(taken));
	/* a second's worth, and what time has brought since */
	ck_assert_uint_le(taken, 200 + 200 * ((end - begin) / 1000000000 + 1));
	daemon_stop(&daemon);
}
END_TEST

/* A batch of more than a second's worth comes through once that is there, and is paid for later. */
static int asks_for_more_than_a_second(const struct daemon *daemon, void *context)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_run *run = (void *)(request.bytes + sizeof(request.head));
	int fd = bare_hello(daemon);
	int r = -EDQUOT;

	(void)context;
	must(fd >= 0);
	wire_begin(&request, HWS_WIRE_RUN, HWS_WIRE_STEPS, 1);
	run->count = HWS_WIRE_STEPS;
	for (uint32_t i = 0; i < HWS_WIRE_STEPS; i++)
		step_of(&request)[i] =
			(struct hws_wire_step) { .kind = HWS_KIND_MSR, .width = 8, .at = 0x19c };
	for (int i = 0; i < 1000 && r == -EDQUOT; i++) {
		r = bare_ask(fd, &request, &reply);
		usleep(r < 0 ? 20000 : 0);
	}
	must(r == 0);
	must(bare_msr(fd, 0x19c) == -EDQUOT && bare_ask(fd, &request, &reply) == -EDQUOT);
	sys_close(fd);
	return 0;
}

START_TEST(p15_batch_of_more_than_a_second_has_is_paid_for_later)
{
	static const char *const slow[] = { "--rate", "5", NULL };
	struct daemon daemon = { 0 };

	need_root();
	daemon_start(&daemon, POLICY, slow);
	ck_assert_int_eq(as_user(ALICE, asks_for_more_than_a_second, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static int is_refused_often(const struct daemon *daemon, void *context)
{
	union wire_request request;
	struct bare_ring ring;
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0 && bare_ring_open(fd, &ring) == 0);
	make_good(&request, 1);
	for (uint32_t i = 0; i < REFUSED; i += HWS_WIRE_SLOTS) {
		for (uint32_t n = 0; n < HWS_WIRE_SLOTS; n++)
			bare_ring_put(&ring, &request);
		bare_ring_kick(&ring);
		must(bare_ring_wait(&ring, fd, ring.asked));
	}
	bare_ring_close(&ring);
	/* and comes and goes */
	for (int i = 0; i < 300; i++)
		must(sys_close(bare_connect(daemon)) == -1);
	return 0;
}

struct trail {
	uint64_t refusals; /* recorded one by one */
	uint64_t counted;  /* told by their number */
	uint64_t lines;
	uint64_t named;	  /* with what becomes of the hostile name */
	uint64_t without; /* for want of a descriptor */
	bool clean;	  /* printable lines, each of which begins and ends as a record */
};

static uint64_t number_behind(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	return at ? strtoull(at + strlen(name), NULL, 0) : 0;
}

static void remove_trail(const char *path)
{
	static const char *const with[] = { "", ".head", ".lock" };

	for (int i = 0; i < 3; i++) {
		char name[160];

		snprintf(name, sizeof(name), "%s%s", path, with[i]);
		ck_assert_int_eq(unlink(name), 0);
	}
}

static struct trail read_trail(const char *path)
{
	struct trail trail = { .clean = true };
	char line[4096];
	FILE *file = fopen(path, "r");

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		size_t length = strlen(line);

		trail.lines++;
		trail.refusals += strstr(line, "\"uid\":41001") && strstr(line, "\"access\"");
		if (strstr(line, "counted, not recorded one by one"))
			trail.counted += number_behind(line, "\"value\":\"");
		trail.without += strstr(line, "no descriptor left") != NULL;
		trail.named += strstr(line, "x1b[2J") != NULL;
		trail.clean &= length > 2 && line[0] == '{' && !strcmp(line + length - 2, "}\n");
		for (size_t i = 0; i + 1 < length; i++)
			trail.clean &= line[i] >= 0x20 && line[i] <= 0x7e;
	}
	fclose(file);
	return trail;
}

START_TEST(p15_refusals_do_not_flood_the_trail_and_none_goes_uncounted)
{
	static char path[128];
	static const char *const arguments[] = { "--audit", path, "--rate", "0", NULL };
	struct daemon daemon = { 0 };
	struct trail trail;
	uint64_t begin;
	uint64_t end;

	snprintf(path, sizeof(path), "/tmp/hwsafe-trail-%d", getpid());
	daemon_start(&daemon, POLICY, arguments);
	ck_ok(sys_clock(CLOCK_MONOTONIC, &begin));
	ck_assert_int_eq(as_user(BOB, is_refused_often, &daemon, NULL), 0);
	ck_ok(sys_clock(CLOCK_MONOTONIC, &end));
	daemon_stop(&daemon);
	trail = read_trail(path);
	remove_trail(path);
	ck_assert(trail.clean);
	/* each refusal is one of the two; comings and goings are counted along */
	ck_assert_uint_ge(trail.refusals + trail.counted, REFUSED);
	ck_assert_uint_gt(trail.counted, 0);
	ck_assert_uint_le(trail.lines, 500 * ((end - begin) / 1000000000 + 2) + 50);
}
END_TEST

static int comes_and_goes(const struct daemon *daemon, void *context)
{
	(void)context;
	for (int i = 0; i < 4000; i++)
		must(sys_close(bare_connect(daemon)) == -1);
	return 0;
}

/* Whom the helper doesn't hear has no account; what is recorded of him has its limit, too. */
START_TEST(p15_users_that_are_nobody_do_not_flood_the_trail)
{
	static char path[128];
	static const char *const arguments[] = { "--audit", path, NULL };
	struct daemon daemon = { 0 };
	struct trail trail;
	uint64_t begin;
	uint64_t end;

	need_root();
	snprintf(path, sizeof(path), "/tmp/hwsafe-trail-%d", getpid());
	daemon_start(&daemon, POLICY, arguments);
	ck_ok(sys_clock(CLOCK_MONOTONIC, &begin));
	ck_assert_int_eq(as_user(65534, comes_and_goes, &daemon, NULL), 0);
	daemon_stop(&daemon);
	ck_ok(sys_clock(CLOCK_MONOTONIC, &end));
	trail = read_trail(path);
	remove_trail(path);
	ck_assert_uint_le(trail.lines, 500 * ((end - begin) / 1000000000 + 2) + 50);
}
END_TEST

/* Nor does who is sent away because no descriptor is left for him. */
START_TEST(p15_connections_without_a_descriptor_do_not_flood_the_trail)
{
	enum { FILL = 8 };
	static char path[128];
	static const char *const arguments[] = { "--audit", path, NULL };
	struct daemon daemon = { 0 };
	struct rlimit limit;
	struct rlimit none;
	struct trail trail;
	uint64_t begin;
	uint64_t end;
	uint64_t most;
	int filled[FILL];
	int fd;

	need_root();
	snprintf(path, sizeof(path), "/tmp/hwsafe-trail-%d", getpid());
	daemon_start(&daemon, POLICY, arguments);
	ck_ok(sys_clock(CLOCK_MONOTONIC, &begin));
	fd = bare_hello(&daemon); /* by then none is left of who came before */
	ck_assert_int_ge(fd, 0);
	none.rlim_cur = (rlim_t)daemon_fds(&daemon);
	ck_ok(prlimit(daemon.pid, RLIMIT_NOFILE, NULL, &limit));
	none.rlim_max = limit.rlim_max;
	ck_ok(prlimit(daemon.pid, RLIMIT_NOFILE, &none, NULL));
	for (int i = 0; i < FILL; i++) /* what was closed in between may have left some */
		filled[i] = bare_connect(&daemon);
	ck_assert_int_eq(as_user(ALICE, comes_and_goes, &daemon, NULL), 0);
	ck_ok(prlimit(daemon.pid, RLIMIT_NOFILE, &limit, NULL));
	for (int i = 0; i < FILL; i++)
		sys_close(filled[i]);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	sys_close(fd);
	daemon_stop(&daemon);
	ck_ok(sys_clock(CLOCK_MONOTONIC, &end));
	trail = read_trail(path);
	remove_trail(path);
	ck_assert_uint_gt(trail.without, 0);
	most = 500 * ((end - begin) / 1000000000 + 2);
	ck_assert_uint_le(trail.without, most);
	ck_assert_uint_le(trail.lines - trail.without, most + 50);
}
END_TEST

/* A copy of this program under a name that would be lines, records and colours in a log. */
static void copy_self(const char *path)
{
	char bytes[65536];
	FILE *from = fopen("/proc/self/exe", "r");
	FILE *to = fopen(path, "w");
	size_t size;

	ck_assert(from && to);
	while ((size = fread(bytes, 1, sizeof(bytes), from)) > 0)
		ck_assert_uint_eq(fwrite(bytes, 1, size, to), size);
	fclose(from);
	ck_assert_int_eq(fclose(to), 0);
	ck_ok(chmod(path, 0755));
}

static int becomes_it(const struct daemon *daemon, void *context)
{
	execl(context, "x", "connect", daemon->socket, NULL);
	return 1;
}

START_TEST(p15_names_of_programs_stay_one_printable_record)
{
	static char path[128];
	/* --soft: a simulated machine leaves it nothing by which others' names could be read */
	static const char *const arguments[] = { "--audit", path, "--soft", NULL };
	static const char name[] = "\x1b[2J\"}\n{\"uid\":0}\r\xff\x7f";
	struct daemon daemon = { 0 };
	struct trail trail;
	char program[160];

	snprintf(path, sizeof(path), "/tmp/hwsafe-trail-%d", getpid());
	daemon_start(&daemon, POLICY, arguments);
	snprintf(program, sizeof(program), "%s/%s", daemon.folder, name);
	copy_self(program);
	ck_assert_int_eq(as_user(BOB, becomes_it, &daemon, program), 0);
	daemon_stop(&daemon);
	trail = read_trail(path);
	remove_trail(path);
	ck_assert(trail.clean);
	ck_assert_uint_ge(trail.named, 1); /* it was recorded, with what it is called */
}
END_TEST

static int dies_at_once(const struct daemon *daemon, void *context)
{
	const uint32_t *which = context;
	union wire_request request;
	struct bare_ring ring;
	int fd = bare_hello(daemon);

	must(fd >= 0);
	make_good(&request, 1);
	step_of(&request)->at = 0x199;
	if (*which % 2 == 0) {
		for (int i = 0; i < 8; i++)
			must(sys_send_message(fd, &request, request.head.size) > 0);
	} else {
		must(bare_ring_open(fd, &ring) == 0);
		bare_ring_put(&ring, &request);
		bare_ring_kick(&ring);
	}
	for (uint32_t i = 0; i < *which * 50; i++)
		__asm__ volatile("");
	raise(SIGKILL);
	return 0;
}

START_TEST(p6_who_dies_between_check_and_reply_is_forgotten)
{
	struct daemon daemon = { 0 };
	int before;

	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	before = daemon_fds(&daemon);
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_int_eq(as_user(ALICE, dies_at_once, &daemon, &i), -1);
	ck_assert(daemon_has_fds(&daemon, before));
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "connect")) {
		struct daemon daemon = { 0 };
		int fd;

		snprintf(daemon.socket, sizeof(daemon.socket), "%s", argv[2]);
		fd = bare_hello(&daemon);
		return sys_close(fd) == -1 && fd >= 0 ? 0 : 1;
	}
	return suite_run(
		"helper/serve-load",
		(const TTest *[]) {
			p15_rate_of_a_user_counts_messages_and_rings_of_all_its_connections,
			p15_batch_of_more_than_a_second_has_is_paid_for_later,
			p15_refusals_do_not_flood_the_trail_and_none_goes_uncounted,
			p15_users_that_are_nobody_do_not_flood_the_trail,
			p15_connections_without_a_descriptor_do_not_flood_the_trail,
			p15_names_of_programs_stay_one_printable_record,
			p6_who_dies_between_check_and_reply_is_forgotten,
			NULL,
		});
}
