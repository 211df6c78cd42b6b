/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The layout of what is shared with the kernel, as Linux's ABI has it for good (io_uring(7)): the
 * headers we are built with must agree. Checked when this compiles; what runs asks the kernel.
 */
#include <errno.h>
#include <liburing.h>
#include <linux/io_uring.h>
#include <stddef.h>
#include <string.h>

#include "guardian/validate.h"
#include "tests/suite.h"

#define AT(type, member, where)                                  \
	_Static_assert(offsetof(struct type, member) == (where), \
		       #type "." #member " is not at " #where)

_Static_assert(sizeof(struct io_uring_sqe) == 64, "a submission entry has 64 bytes");
AT(io_uring_sqe, opcode, 0);
AT(io_uring_sqe, flags, 1);
AT(io_uring_sqe, ioprio, 2);
AT(io_uring_sqe, fd, 4);
AT(io_uring_sqe, off, 8);
AT(io_uring_sqe, addr2, 8);
AT(io_uring_sqe, cmd_op, 8);
AT(io_uring_sqe, addr, 16);
AT(io_uring_sqe, splice_off_in, 16);
AT(io_uring_sqe, len, 24);
AT(io_uring_sqe, rw_flags, 28);
AT(io_uring_sqe, msg_flags, 28);
AT(io_uring_sqe, accept_flags, 28);
AT(io_uring_sqe, cancel_flags, 28);
AT(io_uring_sqe, open_flags, 28);
AT(io_uring_sqe, user_data, 32);
AT(io_uring_sqe, buf_index, 40);
AT(io_uring_sqe, buf_group, 40);
AT(io_uring_sqe, personality, 42);
AT(io_uring_sqe, splice_fd_in, 44);
AT(io_uring_sqe, file_index, 44);
AT(io_uring_sqe, addr3, 48);
AT(io_uring_sqe, cmd, 48);

_Static_assert(sizeof(struct io_uring_cqe) == 16, "a completion entry has 16 bytes");
AT(io_uring_cqe, user_data, 0);
AT(io_uring_cqe, res, 8);
AT(io_uring_cqe, flags, 12);
AT(io_uring_cqe, big_cqe, 16);

_Static_assert(sizeof(struct io_uring_buf) == 16, "a provided buffer's entry has 16 bytes");
AT(io_uring_buf, addr, 0);
AT(io_uring_buf, len, 8);
AT(io_uring_buf, bid, 12);
AT(io_uring_buf, resv, 14);
AT(io_uring_buf_ring, tail, 14);

_Static_assert(sizeof(struct io_uring_params) == 120, "the parameters have 120 bytes");
AT(io_uring_params, features, 20);
AT(io_uring_params, sq_off, 40);
AT(io_uring_params, cq_off, 80);
_Static_assert(sizeof(struct io_sqring_offsets) == 40, "the submission ring's offsets");
_Static_assert(sizeof(struct io_cqring_offsets) == 40, "the completion ring's offsets");
_Static_assert(sizeof(struct io_uring_restriction) == 16, "a restriction has 16 bytes");
_Static_assert(IORING_CQE_BUFFER_SHIFT == 16, "a buffer's number is in the flags' upper half");

START_TEST(kernel_s_rings_have_the_entries_and_masks_they_say)
{
	struct io_uring ring;
	struct hws_wheel wheel;
	uint32_t used;
	int r = io_uring_queue_init(8, &ring, 0);

	need("uring", r == 0, "no io_uring here");
	ck_ok(hws_wheel_init(*ring.sq.kring_entries, *ring.sq.kring_mask, &wheel));
	ck_assert_uint_eq(wheel.mask, 7);
	ck_ok(hws_wheel_init(*ring.cq.kring_entries, *ring.cq.kring_mask, &wheel));
	ck_ok(hws_wheel_used(wheel, *ring.cq.khead, *ring.cq.ktail, &used));
	ck_assert_uint_eq(used, 0);
	io_uring_queue_exit(&ring);
}
END_TEST

START_TEST(kernel_reads_an_entry_as_it_was_written)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	int r = io_uring_queue_init(8, &ring, 0);

	need("uring", r == 0, "no io_uring here");
	memset(io_uring_get_sqe(&ring), 0, sizeof(struct io_uring_sqe));
	ring.sq.sqes[0].opcode = IORING_OP_NOP;
	ring.sq.sqes[0].user_data = UINT64_C(0x0123456789abcdef);
	ck_assert_int_eq(io_uring_submit_and_wait(&ring, 1), 1);
	ck_ok(io_uring_peek_cqe(&ring, &cqe));
	ck_assert_uint_eq(cqe->user_data, UINT64_C(0x0123456789abcdef));
	ck_assert_int_eq(cqe->res, 0);
	io_uring_queue_exit(&ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/abi", (const TTest *[]) {
					      kernel_s_rings_have_the_entries_and_masks_they_say,
					      kernel_reads_an_entry_as_it_was_written,
					      NULL,
				      });
}
