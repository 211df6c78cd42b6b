/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one user's flood costs the others. All is as it is in daily life: nobody has a priority or a
 * processor of his own, the enemies are several processes, and the helper has no limit of rates
 * that would spare it the flood. The honest program asks without a pause, which is the worst for
 * it: it is never late for a reason of its own.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/ring-kit.h"
#include "tests/helper/storm.h"

#define POLICY                                                               \
	"[alice]\nuser = 41000\nport = 0x70-0x71 rw\nmsr = 0x19c 0x199 rw\n" \
	"[bob]\nuser = 41001\nmsr = 0x10 r\n[root]\nuser = 0\nmsr = 0x19c r\n"

enum {
	WINDOW = 500,
	WORST = WINDOW / 100,
	SETTLE_US = 10000,
	ROUNDS_LEAST = 8,
	ROUNDS_MOST = 60,
	LIMIT = 5, /* times the time without them */
};

/* Who is there at a time; @beside: another honest program of the same user asks, too. */
struct scene {
	const char *what;
	enum storm enemies[STORM_MOST];
	uint32_t pause_us; /* of the honest program, before each request */
	bool beside;
	bool free; /* measured only */
};

static const struct scene scenes[] = {
	/* the scheduler's part of what follows: no helper is to blame, and none can help */
	{ .what = "burns two processors", .enemies = { STORM_BURNS, STORM_BURNS }, .free = true },
	{ .what = "sends anything", .enemies = { STORM_ANYTHING, STORM_ANYTHING } },
	{ .what = "comes and goes", .enemies = { STORM_COMES, STORM_COMES, STORM_HOLDS } },
	{ .what = "sends garbage and halves",
	  .enemies = { STORM_GARBAGE, STORM_RUNS, STORM_HALF } },
	{ .what = "asks all the time", .enemies = { STORM_AHEAD, STORM_RING, STORM_ASKS } },
	{ .what = "never reads", .enemies = { STORM_DEAF, STORM_SPINS } },
	{ .what = "does all of it",
	  .enemies = { STORM_ANYTHING, STORM_GARBAGE, STORM_COMES, STORM_AHEAD } },
	{ .what = "does all of it, to one who asks now and then",
	  .enemies = { STORM_ANYTHING, STORM_GARBAGE, STORM_COMES, STORM_AHEAD },
	  .pause_us = 200 },
	/* who seems to be honest gets no more than his part */
	{ .what = "asks one by one, of one who has two programs",
	  .enemies = { STORM_ASKS },
	  .beside = true },
};
enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The 99th percentile of one window. */
static double look(int fd, const struct scene *scene)
{
	union wire_request request;
	union wire_reply reply;
	uint64_t took[WINDOW];

	usleep(SETTLE_US);
	make_good(&request, 1);
	for (int i = 0; i < WINDOW; i++) {
		uint64_t begin;

		if (scene->pause_us)
			usleep(scene->pause_us);
		ck_ok(sys_clock(CLOCK_MONOTONIC, &begin));
		ck_assert_int_eq(bare_ask(fd, &request, &reply), 0);
		ck_ok(sys_clock(CLOCK_MONOTONIC, &took[i]));
		took[i] -= begin;
	}
	qsort(took, WINDOW, sizeof(took[0]), by_size);
	return (double)took[WINDOW - 1 - WORST];
}

static void keep_less(double *least, double value)
{
	*least = value < *least ? value : *least;
}

/*
 * Both by turns. Of each the best window counts: what else runs on this machine disturbs some of
 * them, the enemies all. While it disturbs nearly all, more are looked at.
 */
static double compare(int fd, const struct scene *scene, const pid_t enemies[STORM_MOST])
{
	double idle = 1e12;
	double flooded = 1e12;

	for (int round = 0; round < ROUNDS_MOST; round++) {
		keep_less(&idle, look(fd, scene));
		storm_tell(enemies, SIGCONT);
		keep_less(&flooded, look(fd, scene));
		storm_tell(enemies, SIGSTOP);
		if (round + 1 >= ROUNDS_LEAST && flooded <= LIMIT * idle)
			break;
	}
	printf("# p99 %5.1f us alone, %6.1f us (%4.1fx) while somebody %s\n", idle / 1e3,
	       flooded / 1e3, flooded / idle, scene->what);
	fflush(stdout);
	return flooded / idle;
}

static int asks_on(const struct daemon *daemon, void *context)
{
	union wire_request request;
	union wire_reply reply;
	int fd = bare_hello(daemon);

	(void)context;
	make_good(&request, 1);
	while (fd >= 0 && bare_ask(fd, &request, &reply) == 0)
		;
	return 1;
}

static const char *const any_rate[] = { "--rate", "0", NULL };

static void begin_all(const struct daemon *daemon, const enum storm *what, pid_t pids[STORM_MOST])
{
	for (int i = 0; i < STORM_MOST && what[i] != STORM_NONE; i++) {
		pids[i] = storm_begin(what[i], daemon->socket, BOB, (uint64_t)i + 77);
		ck_assert_int_gt(pids[i], 0);
	}
}

static double play(const struct scene *scene)
{
	struct daemon daemon = { 0 };
	pid_t enemies[STORM_MOST] = { 0 };
	pid_t beside = 0;
	double ratio;
	int fd;

	daemon_start(&daemon, POLICY, any_rate);
	fd = bare_hello(&daemon);
	ck_assert_int_ge(fd, 0);
	if (scene->beside)
		beside = as_user_begin(0, asks_on, &daemon, NULL);
	begin_all(&daemon, scene->enemies, enemies);
	ratio = compare(fd, scene, enemies);
	storm_end(enemies);
	if (beside) {
		kill(beside, SIGKILL);
		as_user_end(beside);
	}
	sys_close(fd);
	daemon_stop(&daemon);
	return ratio;
}

START_TEST(p15_flood_of_one_user_leaves_others_their_answers_in_time)
{
	for (int i = 0; i < SCENES; i++) {
		double ratio = play(&scenes[i]);

		ck_assert_msg(scenes[i].free || ratio <= LIMIT, "%.1f times while somebody %s",
			      ratio, scenes[i].what);
	}
}
END_TEST

/* How many refusals it got, one after another, and how long that took. */
static int is_refused(const struct daemon *daemon, void *context)
{
	enum { ASKS = 150 };
	const int *out = context;
	uint64_t told[2] = { 0, 0 };
	uint64_t first = 0;
	int fd = bare_hello(daemon);

	must(fd >= 0);
	for (int i = 0; i < ASKS; i++) {
		int r = bare_msr(fd, 0x19c);

		must(r == 0 || r == -EDQUOT);
		must(sys_clock(CLOCK_MONOTONIC, &told[1]) == 0);
		if (r < 0 && told[0]++ == 0)
			first = told[1];
	}
	told[1] -= first;
	must(write(*out, told, sizeof(told)) == sizeof(told));
	return 0;
}

START_TEST(p15_who_has_had_his_rate_waits_for_his_refusals)
{
	static const char *const slow[] = { "--rate", "20", NULL };
	struct daemon daemon = { 0 };
	uint64_t told[2];
	int pipes[2];

	ck_ok(pipe(pipes));
	daemon_start(&daemon, POLICY, slow);
	ck_assert_int_eq(as_user(ALICE, is_refused, &daemon, &pipes[1]), 0);
	ck_assert_int_eq(read(pipes[0], told, sizeof(told)), sizeof(told));
	ck_assert_uint_gt(told[0], 2);
	/* after each a millisecond in which nothing of him is read; the first's began before it */
	ck_assert_uint_ge(told[1], (told[0] - 2) * 1000000);
	daemon_stop(&daemon);
}
END_TEST

/* All at once: whoever may come is let in, if not at once. */
static int comes_with_many(const struct daemon *daemon, void *context)
{
	enum { MANY = 16 };
	int fds[MANY];

	(void)context;
	for (int i = 0; i < MANY; i++)
		must((fds[i] = bare_connect(daemon)) >= 0);
	for (int i = 0; i < MANY; i++) {
		union wire_request request;
		union wire_reply reply;

		must(bare_say_hello(fds[i]) == 0);
		make_good(&request, 1);
		must(bare_ask(fds[i], &request, &reply) == -EACCES);
	}
	return 0;
}

/* A helper and one who asks it all the time; gives how many descriptors it had without him. */
static int start_with_one(struct daemon *daemon, pid_t *ret_honest)
{
	int before;

	daemon_start(daemon, POLICY, any_rate);
	ck_assert_int_eq(as_user(ALICE, is_served, daemon, NULL), 0);
	before = daemon_fds(daemon);
	*ret_honest = as_user_begin(ALICE, asks_on, daemon, NULL);
	return before;
}

START_TEST(p15_who_comes_with_many_waits_in_line_and_comes_in)
{
	struct daemon daemon = { 0 };
	pid_t honest;
	int before;

	before = start_with_one(&daemon, &honest);
	for (int times = 0; times < 3; times++) {
		ck_assert_int_eq(as_user(BOB, comes_with_many, &daemon, NULL), 0);
		/* the honest one's socket and process stay */
		ck_assert(daemon_has_fds(&daemon, before + 2));
	}
	kill(honest, SIGKILL);
	ck_assert_int_eq(as_user_end(honest), -1);
	ck_assert(daemon_has_fds(&daemon, before));
	daemon_stop(&daemon);
}
END_TEST

/* In line they die, the policy changes under them, and the helper ends. */
START_TEST(p15_who_waits_in_line_can_be_ended_by_anything)
{
	static const enum storm all[] = { STORM_COMES, STORM_RING, STORM_AHEAD, STORM_HOLDS };
	struct daemon daemon = { 0 };
	pid_t honest;
	int before;

	before = start_with_one(&daemon, &honest);
	for (int times = 0; times < 4; times++) {
		pid_t enemies[STORM_MOST] = { 0 };

		begin_all(&daemon, all, enemies);
		storm_tell(enemies, SIGCONT);
		usleep(2 * SETTLE_US);
		kill(daemon.pid, times % 2 ? SIGHUP : SIGUSR1);
		usleep(SETTLE_US);
		if (times == 3)
			daemon_end(&daemon);
		storm_end(enemies);
		if (times == 2) {
			kill(honest, SIGKILL);
			ck_assert_int_eq(as_user_end(honest), -1);
			ck_assert(daemon_has_fds(&daemon, before));
			honest = as_user_begin(ALICE, asks_on, &daemon, NULL);
		}
	}
	ck_assert_int_eq(as_user_end(honest), 1);
	daemon_again(&daemon);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run_for("helper/serve-pace",
			     (const TTest *[]) {
				     p15_flood_of_one_user_leaves_others_their_answers_in_time,
				     p15_who_has_had_his_rate_waits_for_his_refusals,
				     p15_who_comes_with_many_waits_in_line_and_comes_in,
				     p15_who_waits_in_line_can_be_ended_by_anything,
				     NULL,
			     },
			     240);
}
