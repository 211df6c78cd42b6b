/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each check at its boundaries, in tables. */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guardian/validate.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNTOUCHED    UINT64_C(0x5a5a5a5a)

START_TEST(range_is_checked_at_its_boundaries)
{
	static const struct {
		uint64_t off, len, size;
		bool ok;
	} rows[] = {
		{ 0, 0, 0, true },
		{ 0, 1, 0, false },
		{ 1, 0, 0, false },
		{ 0, 16, 16, true },
		{ 16, 0, 16, true },
		{ 15, 1, 16, true },
		{ 15, 2, 16, false },
		{ UINT64_MAX, 1, UINT64_MAX, false },
		{ UINT64_MAX, 0, UINT64_MAX, true },
		{ 1, UINT64_MAX, UINT64_MAX, false },
		{ 2, UINT64_MAX - 1, 16, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(hws_range_ok(rows[i].off, rows[i].len, rows[i].size) == rows[i].ok,
			      "row %zu", i);
}
END_TEST

START_TEST(sums_products_and_alignment_do_not_overflow)
{
	static const struct {
		int (*call)(uint64_t a, uint64_t b, uint64_t *ret);
		uint64_t a, b;
		int code;
		uint64_t value;
	} rows[] = {
		{ hws_add, 1, 2, 0, 3 },
		{ hws_add, UINT64_MAX, 0, 0, UINT64_MAX },
		{ hws_add, UINT64_MAX, 1, -EOVERFLOW, UNTOUCHED },
		{ hws_multiply, UINT64_C(1) << 32, UINT64_C(1) << 31, 0, UINT64_C(1) << 63 },
		{ hws_multiply, UINT64_C(1) << 32, UINT64_C(1) << 32, -EOVERFLOW, UNTOUCHED },
		{ hws_multiply, UINT64_MAX, 0, 0, 0 },
		{ hws_align_up, 0, 4096, 0, 0 },
		{ hws_align_up, 1, 4096, 0, 4096 },
		{ hws_align_up, 4096, 4096, 0, 4096 },
		{ hws_align_up, 4097, 4096, 0, 8192 },
		{ hws_align_up, UINT64_MAX, 1, 0, UINT64_MAX },
		{ hws_align_up, UINT64_MAX - 4095, 4096, 0, UINT64_MAX - 4095 },
		{ hws_align_up, UINT64_MAX - 4094, 4096, -EOVERFLOW, UNTOUCHED },
		{ hws_align_up, 1, 0, -EINVAL, UNTOUCHED },
		{ hws_align_up, 1, 3, -EINVAL, UNTOUCHED },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = UNTOUCHED;

		ck_assert_msg(rows[i].call(rows[i].a, rows[i].b, &value) == rows[i].code, "row %zu",
			      i);
		ck_assert_msg(value == rows[i].value, "row %zu: %lx", i, (unsigned long)value);
	}
}
END_TEST

START_TEST(sizes_fit_or_are_refused)
{
	uint32_t value = 1;
	size_t size = 1;

	ck_ok(hws_to_u32(UINT32_MAX, &value));
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_assert_int_eq(hws_to_u32(UINT64_C(1) << 32, &value), -EOVERFLOW);
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_ok(hws_to_size(PTRDIFF_MAX, &size));
	ck_assert_uint_eq(size, PTRDIFF_MAX);
	ck_assert_int_eq(hws_to_size((uint64_t)PTRDIFF_MAX + 1, &size), -EOVERFLOW);
}
END_TEST

START_TEST(powers_and_multiples_are_told)
{
	for (int i = 0; i < 64; i++) {
		ck_assert(hws_is_power(UINT64_C(1) << i));
		ck_assert(i < 2 || !hws_is_power((UINT64_C(1) << i) - 1));
		ck_assert(hws_is_aligned(UINT64_C(1) << i, UINT64_C(1) << i));
		ck_assert(i == 0 || !hws_is_aligned(1, UINT64_C(1) << i));
	}
	ck_assert(!hws_is_power(0));
	ck_assert(hws_is_aligned(0, 4096));
	ck_assert(!hws_is_aligned(4096, 0));
	ck_assert(!hws_is_aligned(6, 3));
}
END_TEST

static char memory[64] __attribute__((aligned(64)));

START_TEST(buffer_is_checked_before_the_kernel_gets_it)
{
	const struct {
		const void *bytes;
		uint64_t length, alignment;
		int code;
	} rows[] = {
		{ NULL, 0, 1, 0 },
		{ NULL, 1, 1, -EFAULT },
		{ memory, 64, 64, 0 },
		{ memory + 1, 63, 1, 0 },
		{ memory + 1, 64, 64, -EINVAL },
		{ memory, 63, 64, -EINVAL },
		{ memory, 64, 0, -EINVAL },
		{ memory, 64, 48, -EINVAL },
		{ memory, HWS_IO_MAX, 64, 0 },
		{ memory, (uint64_t)HWS_IO_MAX + 1, 1, -EMSGSIZE },
		{ memory, UINT64_MAX, 1, -EMSGSIZE },
		{ (const void *)(UINTPTR_MAX - 7), 8, 8, -EINVAL },
		{ (const void *)(UINTPTR_MAX - 15), 8, 8, 0 },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(hws_check_buffer(rows[i].bytes, rows[i].length, rows[i].alignment) ==
				      rows[i].code,
			      "row %zu", i);
}
END_TEST

START_TEST(slices_stay_inside)
{
	struct hws_slice whole = { 0 };
	struct hws_slice part = { 0 };

	ck_ok(hws_slice_sub(whole, 0, 0, &part));
	ck_assert_int_eq(hws_slice_sub(whole, 0, 1, &part), -ERANGE);
	ck_assert_int_eq(hws_slice_init(NULL, 1, 1, &whole), -EFAULT);
	ck_assert_int_eq(hws_slice_init(memory + 1, 8, 2, &whole), -EINVAL);
	ck_assert_int_eq(hws_slice_init(memory, UINT64_MAX, 1, &whole), -EOVERFLOW);
	ck_assert_int_eq(hws_slice_init(memory, (uint64_t)PTRDIFF_MAX + 1, 1, &whole), -EOVERFLOW);
	ck_assert_int_eq(hws_slice_init((void *)UINTPTR_MAX, 1, 1, &whole), -EOVERFLOW);
	ck_assert_ptr_null(whole.bytes);
	ck_ok(hws_slice_init(memory, sizeof(memory), 64, &whole));
	ck_ok(hws_slice_sub(whole, 60, 4, &part));
	ck_assert_ptr_eq(part.bytes, memory + 60);
	ck_assert_uint_eq(part.length, 4);
	ck_assert_int_eq(hws_slice_sub(part, 0, 5, &part), -ERANGE);
	ck_assert_int_eq(hws_slice_sub(whole, UINT64_MAX, 2, &part), -ERANGE);
	ck_ok(hws_slice_sub(whole, 64, 0, &part));
	ck_assert(hws_slice_contains(whole, memory, 64));
	ck_assert(hws_slice_contains(whole, memory + 64, 0));
	ck_assert(!hws_slice_contains(whole, memory + 64, 1));
	ck_assert(!hws_slice_contains(whole, memory + 1, 64));
	ck_assert(!hws_slice_contains(whole, (const void *)((uintptr_t)memory - 1), 1));
	ck_assert(!hws_slice_contains(whole, memory + 1, UINT64_MAX));
	ck_assert(!hws_slice_contains(whole, NULL, 1));
}
END_TEST

START_TEST(fields_are_read_and_changed_alone)
{
	uint64_t value = UNTOUCHED;

	ck_assert_uint_eq(hws_field_get(0xabcd, 0x0f0), 0xc);
	ck_assert_uint_eq(hws_field_get(UINT64_MAX, UINT64_C(1) << 63), 1);
	ck_assert_uint_eq(hws_field_get(4711, UINT64_MAX), 4711);
	ck_assert_uint_eq(hws_field_get(4711, 0), 0);
	ck_assert_int_eq(hws_field_put(0, 0, 0, &value), -EINVAL);
	ck_assert_int_eq(hws_field_put(0, 0x5, 1, &value), -EINVAL);
	ck_assert_int_eq(hws_field_put(0, 0xf0, 16, &value), -ERANGE);
	ck_assert_int_eq(hws_field_put(0, UINT64_C(1) << 63, 2, &value), -ERANGE);
	ck_assert_uint_eq(value, UNTOUCHED);
	ck_ok(hws_field_put(0xabcd, 0xf0, 0, &value));
	ck_assert_uint_eq(value, 0xab0d);
	ck_ok(hws_field_put(0, UINT64_MAX, UINT64_MAX, &value));
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_ok(hws_field_put(0, UINT64_C(1) << 63, 1, &value));
	ck_assert_uint_eq(value, UINT64_C(1) << 63);
}
END_TEST

START_TEST(wheel_takes_no_bad_mask_and_sees_broken_counters)
{
	static const struct {
		uint32_t entries, mask;
		int code;
	} rows[] = {
		{ 1, 0, 0 },
		{ 8, 7, 0 },
		{ 0, UINT32_MAX, -EINVAL },
		{ 8, 15, -EINVAL },
		{ 8, 6, -EINVAL },
		{ 6, 5, -EINVAL },
		{ 1u << 31, INT32_MAX, 0 },
		{ 8, 0, -EINVAL },
	};
	struct hws_wheel wheel = { 0 };
	uint32_t used = 99;

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(hws_wheel_init(rows[i].entries, rows[i].mask, &wheel) == rows[i].code,
			      "row %zu", i);
	ck_ok(hws_wheel_init(8, 7, &wheel));
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_uint_lt(hws_wheel_place(wheel, UINT32_MAX - 50 + i), 8);
	/* across the counters' own wrap: empty, full, and more than full */
	ck_ok(hws_wheel_used(wheel, UINT32_MAX, UINT32_MAX, &used));
	ck_assert_uint_eq(used, 0);
	ck_ok(hws_wheel_used(wheel, UINT32_MAX - 3, 4, &used));
	ck_assert_uint_eq(used, 8);
	ck_assert_int_eq(hws_wheel_used(wheel, UINT32_MAX - 3, 5, &used), -EBADMSG);
	ck_assert_int_eq(hws_wheel_used(wheel, 5, 4, &used), -EBADMSG);
	ck_assert_uint_eq(used, 8);
}
END_TEST

START_TEST(descriptors_are_known_by_kind)
{
	int pipes[2];
	int sockets[2];
	char name[] = "/tmp/hwsafe-validate-XXXXXX";

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	{
		const struct {
			int fd;
			uint32_t kind;
		} rows[] = {
			{ pipes[0], HWS_FD_PIPE },
			{ sockets[0], HWS_FD_SOCKET },
			{ mkstemp(name), HWS_FD_FILE },
			{ open("/", O_RDONLY | O_DIRECTORY), HWS_FD_DIRECTORY },
			{ open("/dev/null", O_RDWR), HWS_FD_CHARACTER },
			{ eventfd(0, 0), HWS_FD_OTHER },
		};

		for (size_t i = 0; i < COUNT(rows); i++) {
			ck_ok(hws_check_fd(rows[i].fd, rows[i].kind));
			ck_ok(hws_check_fd(rows[i].fd, HWS_FD_ANY));
			ck_assert_int_eq(hws_check_fd(rows[i].fd, HWS_FD_ANY & ~rows[i].kind),
					 -EINVAL);
			close(rows[i].fd);
			ck_assert_int_eq(hws_check_fd(rows[i].fd, rows[i].kind), -EBADF);
		}
	}
	unlink(name);
	close(pipes[1]);
	close(sockets[1]);
}
END_TEST

START_TEST(descriptors_that_can_not_be_are_refused)
{
	struct rlimit limit;
	struct hws_io_alignment alignment;

	ck_assert_int_eq(hws_check_fd(0, 0), -EINVAL);
	ck_assert_int_eq(hws_check_fd(0, HWS_FD_ANY + 1), -EINVAL);
	ck_assert_int_eq(hws_check_fd(-1, HWS_FD_ANY), -EBADF);
	ck_assert_int_eq(hws_check_fd(INT32_MIN, HWS_FD_ANY), -EBADF);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(hws_check_fd(4711, HWS_FD_ANY), -EBADF);
	ck_assert_ptr_nonnull(strstr(hws_why(), "only 64"));
	ck_assert_int_eq(hws_io_alignment(-1, &alignment), -EBADF);
}
END_TEST

START_TEST(io_alignment_is_always_a_power_that_works)
{
	char name[] = "/tmp/hwsafe-validate-XXXXXX";
	struct hws_io_alignment alignment = { 0 };
	int fd = mkstemp(name);
	int r;

	ck_assert_int_ge(fd, 0);
	unlink(name);
	r = hws_io_alignment(fd, &alignment);
	if (r != -EOPNOTSUPP) {
		ck_ok(r);
		ck_assert(hws_is_power(alignment.memory));
		ck_assert(hws_is_power(alignment.offset));
		ck_assert_uint_le(alignment.offset, 65536);
	}
	close(fd);
	/* nothing to ask: the safe guess */
	ck_assert_int_ge(fd = open("/dev/null", O_RDONLY), 0);
	r = hws_io_alignment(fd, &alignment);
	ck_assert(r == -EOPNOTSUPP || alignment.memory == 4096);
	close(fd);
}
END_TEST

int main(void)
{
	return suite_run("guardian/validate",
			 (const TTest *[]) {
				 range_is_checked_at_its_boundaries,
				 sums_products_and_alignment_do_not_overflow,
				 sizes_fit_or_are_refused,
				 powers_and_multiples_are_told,
				 buffer_is_checked_before_the_kernel_gets_it,
				 slices_stay_inside,
				 fields_are_read_and_changed_alone,
				 wheel_takes_no_bad_mask_and_sees_broken_counters,
				 descriptors_are_known_by_kind,
				 descriptors_that_can_not_be_are_refused,
				 io_alignment_is_always_a_power_that_works,
				 NULL,
			 });
}
