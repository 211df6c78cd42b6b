/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which file an operation goes to, whatever becomes of the numbers it was named by. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/uring/rig.h"

static void close_both(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

START_TEST(forgetting_a_file_tears_no_chain)
{
	struct hws_request first = { .flags = HWS_LINK, .tag = 1 };
	struct hws_ring *ring;
	int ends[2];
	int file;

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	ck_ok(hws_file_add(ring, ends[1], &file));
	ck_ok(hws_queue(ring, &first, NULL));
	ck_assert_int_eq(hws_file_remove(ring, file), -EBUSY);
	ck_ok(hws_nop(ring, 2));
	ck_assert_uint_eq(rig_one(ring).tag, 1);
	ck_assert_uint_eq(rig_one(ring).tag, 2);
	ck_ok(hws_file_remove(ring, file));
	close_both(ends);
	rig_close(ring);
}
END_TEST

/* Its number is forgotten, and another file is registered, before the write's turn comes. */
START_TEST(what_has_not_started_never_gets_another_file)
{
	struct hws_request chain[] = {
		{ .kind = HWS_OP_TIMEOUT, .flags = HWS_HARDLINK, .tag = 1 },
		{ .kind = HWS_OP_WRITE, .offset = HWS_HERE, .length = 5, .tag = 2 },
	};
	struct hws_ring *ring;
	struct hws_done done[2];
	char got[8];
	int mine[2];
	int other[2];
	int again;

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(mine), 0);
	ck_assert_int_eq(pipe2(other, O_NONBLOCK), 0);
	ck_ok(hws_file_add(ring, mine[1], &chain[1].fd));
	chain[0].offset = rig_after_ms(50);
	chain[1].buf = rig_buf(ring, 4096, 'x');
	ck_ok(hws_chain(ring, chain, 2));
	ck_ok(hws_submit(ring));
	ck_ok(hws_file_remove(ring, chain[1].fd));
	ck_ok(hws_file_add(ring, other[1], &again));
	ck_assert_int_eq(hws_wait_many(ring, done, 2, 2, rig_after_ms(10000)), 2);
	ck_assert(done[1].result == 5 || done[1].result == -EBADF);
	ck_assert_int_eq(read(other[0], got, sizeof(got)), -1);
	rig_give(ring, done[1].buf);
	/* now that it is over the place is free again */
	ck_ok(hws_file_remove(ring, again));
	ck_ok(hws_file_add(ring, mine[1], &again));
	ck_assert_int_eq(again, chain[1].fd);
	close_both(mine);
	close_both(other);
	rig_close(ring);
}
END_TEST

/* It is begun again after a short move, when another file is registered in its file's place. */
START_TEST(what_goes_on_never_gets_another_file)
{
	struct hws_request request = {
		.kind = HWS_OP_READ, .flags = HWS_EXACT, .offset = HWS_HERE, .length = 8
	};
	struct hws_ring *ring;
	struct hws_done done;
	char got[8];
	int mine[2];
	int other[2];
	int file;

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(mine), 0);
	ck_assert_int_eq(pipe2(other, O_NONBLOCK), 0);
	request.buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_file_add(ring, mine[0], &request.fd));
	ck_ok(hws_queue(ring, &request, NULL));
	ck_ok(hws_submit(ring));
	ck_assert_int_eq(write(mine[1], "mine", 4), 4);
	ck_ok(hws_file_remove(ring, request.fd));
	ck_ok(hws_file_add(ring, other[0], &file));
	ck_assert_int_eq(write(other[1], "more", 4), 4);
	done = rig_one(ring);
	ck_assert_int_eq(done.result, 4);
	ck_assert(rig_holds(ring, done.buf, "mine\0\0\0\0", 8));
	ck_assert_int_eq(read(other[0], got, sizeof(got)), 4);
	rig_give(ring, done.buf);
	close_both(mine);
	close_both(other);
	rig_close(ring);
}
END_TEST

START_TEST(a_registered_file_is_neither_closed_nor_a_directory)
{
	struct hws_request requests[] = {
		{ .kind = HWS_OP_CLOSE },
		{ .kind = HWS_OP_OPENAT, .data = "." },
		{ .kind = HWS_OP_STATX, .data = "." },
		{ .kind = HWS_OP_FSYNC },
	};
	struct hws_ring *ring;
	int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
	int file;

	need_uring();
	ring = rig_open(NULL);
	requests[2].buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_file_add(ring, folder, &file));
	for (int i = 0; i < 4; i++) {
		requests[i].fd = file;
		/* the last one: it is there all the same */
		ck_assert_int_eq(rig_do(ring, &requests[i]).result, i < 3 ? -EBADF : 0);
	}
	rig_give(ring, requests[2].buf);
	close(folder);
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/op-files",
			 (const TTest *[]) {
				 forgetting_a_file_tears_no_chain,
				 what_has_not_started_never_gets_another_file,
				 what_goes_on_never_gets_another_file,
				 a_registered_file_is_neither_closed_nor_a_directory,
				 NULL,
			 });
}
