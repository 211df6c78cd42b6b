/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program does while operations are in flight: closes, forks, runs others, ends threads. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/uring/rig.h"

enum { DESCRIPTORS = 256 };

/* A read that waits at a pipe; the tag tells which. */
static struct hws_op wait_at(struct hws_ring *ring, int fd, uint64_t tag)
{
	struct hws_request request = {
		.kind = HWS_OP_READ,
		.fd = fd,
		.buf = rig_buf(ring, 4096, 0),
		.length = 4096,
		.offset = HWS_HERE,
		.tag = tag,
	};
	struct hws_op op;

	ck_ok(hws_queue(ring, &request, &op));
	ck_ok(hws_submit(ring));
	return op;
}

static void expect_word(struct hws_ring *ring, uint64_t tag, const char *word)
{
	struct hws_done done = rig_one(ring);

	ck_assert_uint_eq(done.tag, tag);
	ck_assert_int_eq(done.result, (int64_t)strlen(word));
	ck_assert(rig_holds(ring, done.buf, word, strlen(word)));
	rig_give(ring, done.buf);
}

START_TEST(a_closed_descriptor_is_read_to_the_end)
{
	struct hws_ring *ring;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	wait_at(ring, ends[0], 1);
	close(ends[0]);
	ck_assert_int_eq(write(ends[1], "late", 4), 4);
	expect_word(ring, 1, "late");
	rig_close(ring);
}
END_TEST

START_TEST(a_cancel_hits_the_operation_not_who_has_its_number_now)
{
	struct hws_ring *ring;
	struct hws_done done;
	struct hws_op op;
	int first[2];
	int second[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(first), 0);
	ck_assert_int_eq(pipe(second), 0);
	op = wait_at(ring, first[0], 1);
	ck_assert_int_eq(dup2(second[0], first[0]), first[0]);
	wait_at(ring, first[0], 2);
	ck_ok(hws_op_cancel(ring, op));
	done = rig_one(ring);
	ck_assert_uint_eq(done.tag, 1);
	ck_assert_int_eq(done.result, -ECANCELED);
	rig_give(ring, done.buf);
	ck_assert_int_eq(write(second[1], "mine", 4), 4);
	expect_word(ring, 2, "mine");
	rig_close(ring);
}
END_TEST

static void list_descriptors(bool *ret_open)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	memset(ret_open, 0, DESCRIPTORS);
	while ((entry = readdir(dir)))
		if (atoi(entry->d_name) < DESCRIPTORS)
			ret_open[atoi(entry->d_name)] = true;
	closedir(dir);
}

START_TEST(no_descriptor_of_a_ring_outlives_exec)
{
	bool before[DESCRIPTORS];
	bool after[DESCRIPTORS];
	struct hws_ring *ring;
	int ends[2];

	need_uring();
	ck_assert_int_eq(pipe(ends), 0);
	list_descriptors(before);
	ring = rig_open(NULL);
	wait_at(ring, ends[0], 1);
	list_descriptors(after);
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (after[fd] && !before[fd])
			ck_assert_msg(fcntl(fd, F_GETFD) & FD_CLOEXEC, "descriptor %d", fd);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	expect_word(ring, 1, "x");
	rig_close(ring);
}
END_TEST

/* posix_spawn's child shares the memory until it has become another program. */
START_TEST(programs_that_are_run_disturb_nothing)
{
	char *const argv[] = { (char[]) { "true" }, NULL };
	struct hws_ring *ring;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	wait_at(ring, ends[0], 1);
	for (int i = 0; i < 3; i++) {
		int status = -1;
		pid_t child;

		ck_assert_int_eq(posix_spawn(&child, "/bin/true", NULL, NULL, argv, NULL), 0);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(write(ends[1], "here", 4), 4);
	expect_word(ring, 1, "here");
	rig_close(ring);
}
END_TEST

/* A child makes the parent's pages shared ones, to be copied by who writes first: not these. */
START_TEST(what_comes_after_a_fork_reaches_the_parents_buffer)
{
	struct hws_ring *ring;
	pid_t child;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	wait_at(ring, ends[0], 1);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(write(ends[1], "parent", 6), 6);
	expect_word(ring, 1, "parent");
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	rig_close(ring);
}
END_TEST

/* A thread that opens a ring on the pool of all and leaves it with operations in flight. */
struct leaver {
	struct hws_pool *pool;
	struct hws_ring *ring;
	uint64_t seed;
	int pipe;
	int file;
};

enum { LEAVERS = 4, LEFT = 24, ROUNDS = 4 };

static void *leave(void *context)
{
	struct leaver *me = context;

	/* this mode can be finished by another thread */
	me->ring = rig_open(&(struct hws_ring_options) {
		.pool = me->pool, .mode = getenv("HWS_TEST_BACKEND") ? NULL : "coop" });
	for (uint64_t i = 0; i < LEFT; i++) {
		uint32_t dice = rig_next(&me->seed);
		struct hws_op op = wait_at(me->ring, dice & 1 ? me->pipe : me->file, i);

		if (dice & 2 && hws_op_cancel(me->ring, op) == 0)
			ck_ok(hws_submit(me->ring));
		if (dice & 4)
			ck_ok(hws_op_forget(me->ring, op));
	}
	return NULL;
}

START_TEST(threads_that_end_leave_no_buffer_behind)
{
	static const struct hws_pool_options sizes = {
		.size = sizeof(sizes),
		.classes = { { 4096, LEAVERS * LEFT } },
	};
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	uint64_t seed = rig_environment("HWS_TEST_SEED", 31);
	struct leaver leavers[LEAVERS];
	pthread_t threads[LEAVERS];
	struct hws_pool *pool;
	int ends[2];

	need_uring();
	ck_assert_int_eq(pipe(ends), 0);
	ck_ok(hws_pool_open(NULL, &sizes, &pool));
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < LEAVERS; i++) {
			leavers[i] = (struct leaver) { .pool = pool,
						       .seed = seed + (uint64_t)(round * 8 + i),
						       .pipe = ends[0],
						       .file = rig_file("some", 4, 0) };
			ck_assert_int_eq(pthread_create(&threads[i], NULL, leave, &leavers[i]), 0);
		}
		for (int i = 0; i < LEAVERS; i++) {
			pthread_join(threads[i], NULL);
			rig_balance(leavers[i].ring);
			ck_assert_int_eq(hws_ring_close(leavers[i].ring, rig_after_ms(10000)), 0);
			close(leavers[i].file);
		}
		ck_ok(hws_pool_read_stats(pool, &stats));
		ck_assert_uint_eq(stats.owned[HWS_OWNER_KERNEL], 0);
		ck_assert_uint_eq(stats.owned[HWS_OWNER_QUARANTINED], 0);
		ck_assert_uint_eq(stats.in_use, 0);
	}
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

int main(void)
{
	return suite_run("uring/ring-life",
			 (const TTest *[]) {
				 a_closed_descriptor_is_read_to_the_end,
				 a_cancel_hits_the_operation_not_who_has_its_number_now,
				 no_descriptor_of_a_ring_outlives_exec,
				 programs_that_are_run_disturb_nothing,
				 what_comes_after_a_fork_reaches_the_parents_buffer,
				 threads_that_end_leave_no_buffer_behind,
				 NULL,
			 });
}
