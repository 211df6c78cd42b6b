/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a launcher hands over is believed only where every byte of it can be. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardian/context.h"
#include "shim/grants-internal.h"
#include "shim/shim-internal.h"
#include "tests/suite.h"

#define TEXT "[mine]\nport = 0x70-0x71 rw\n"
enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* A good one; tests spoil it. */
struct whole {
	struct hws_grants head;
	struct hws_grants_bar bar;
	struct hws_grants_ring ring;
	struct hws_grants_hold hold;
	char text[sizeof(TEXT)];
} __attribute__((packed, aligned(8)));

static struct whole good(void)
{
	struct whole whole = {
		.head = {
			.magic = HWS_GRANTS_MAGIC,
			.version = HWS_GRANTS_VERSION,
			.size = sizeof(struct hws_grants) + sizeof(struct hws_grants_bar) +
				sizeof(struct hws_grants_ring) +
				sizeof(struct hws_grants_hold) + sizeof(TEXT),
			.uid = geteuid(),
			.bars = 1,
			.rings = 1,
			.holds = 1,
			.text = sizeof(TEXT),
		},
		.bar = { .device = 3, .rights = HWS_RW, .fd = 5 },
		.ring = { .path = "/dev/disk", .arena = 1 << 20, .size = 1 << 20, .rights = HWS_R,
			  .fd = 6, .arena_fd = 7 },
		.hold = { .bus = 1, .device = 2, .fds = { 8, 9 } },
		.text = TEXT,
	};

	whole.head.ports[0x70 / 8] = 3;
	return whole;
}

static int put(const void *bytes, size_t size, int seals)
{
	int fd = memfd_create("test-grants", MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

START_TEST(grants_tell_what_was_granted)
{
	const struct hws_bdf edu = { .device = 3 };
	const struct hws_bdf other = { .device = 4 };
	const struct hws_bdf whole_one = { .bus = 1, .device = 2 };
	struct whole whole = good();
	struct grants *grants;
	int fd = put(&whole, whole.head.size, SEALS);

	ck_ok(grants_read(fd, &grants));
	ck_assert(grants_have_ports(grants, 0x70, 2));
	ck_assert(!grants_have_ports(grants, 0x70, 3) && !grants_have_ports(grants, 0x6f, 1));
	ck_assert(!grants_have_ports(grants, 0x70, 0) && !grants_have_ports(grants, 0xffff, 2));
	ck_assert_int_eq(grants_bar(grants, edu, 0, HWS_RW), 5);
	ck_assert_int_eq(grants_bar(grants, edu, 1, HWS_R), -ENOENT);
	ck_assert_int_eq(grants_bar(grants, other, 0, HWS_R), -ENOENT);
	ck_assert_ptr_nonnull(grants_ring(grants, "/dev/disk"));
	ck_assert_ptr_null(grants_ring(grants, "/dev/disk1"));
	ck_assert_int_eq(grants_hold(grants, whole_one)->fds[HWS_HOLD_DEVICE], 9);
	ck_assert_ptr_null(grants_hold(grants, edu));
	ck_assert_str_eq(grants->text, TEXT);
	grants_free(grants);
	close(fd);
}
END_TEST

START_TEST(nobody_was_granted_anything_by_nothing)
{
	ck_assert(!grants_have_ports(NULL, 0x70, 1));
	ck_assert_int_eq(grants_bar(NULL, (struct hws_bdf) { 0 }, 0, HWS_R), -ENOENT);
	ck_assert_ptr_null(grants_ring(NULL, "/"));
	ck_assert_ptr_null(grants_hold(NULL, (struct hws_bdf) { 0 }));
	grants_free(NULL);
}
END_TEST

static void is_refused(const void *bytes, size_t size, int seals, int code)
{
	struct grants *grants = NULL;
	int fd = put(bytes, size, seals);

	ck_assert_int_eq(grants_read(fd, &grants), code);
	ck_assert_ptr_null(grants);
	ck_assert_str_ne(hws_why(), "");
	close(fd);
}

#define SPOIL(field, value)                                                \
	{                                                                  \
		offsetof(struct whole, field), sizeof(good().field), value \
	}

START_TEST(a_granted_function_has_one_holder_and_no_heirs)
{
	struct hws_grants_hold hold = { .index = 3, .fds = { dup(0), dup(0) } };

	ck_ok(grants_hold_take(&hold));
	ck_assert_int_eq(fcntl(hold.fds[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(hold.fds[1], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(grants_hold_take(&hold), -EBUSY);
	grants_hold_give(&hold);
	ck_ok(grants_hold_take(&hold));
	grants_hold_give(&hold);
	close(hold.fds[1]);
	ck_assert_int_eq(grants_hold_take(&hold), -EBADF);
	close(hold.fds[0]);
}
END_TEST

/* Of so many bytes, in this machine's order. */
static void put_number(void *at, uint64_t value, size_t size)
{
	uint32_t word = (uint32_t)value;
	uint8_t byte = (uint8_t)value;

	memcpy(at,
	       size == sizeof(value)  ? (const void *)&value
	       : size == sizeof(word) ? (const void *)&word
				      : (const void *)&byte,
	       size);
}

START_TEST(what_can_not_be_is_refused)
{
	static const struct {
		size_t offset;
		size_t size;
		uint64_t value;
	} rows[] = {
		SPOIL(head.magic, 0),
		SPOIL(head.version, HWS_GRANTS_VERSION + 1),
		SPOIL(head.size, 0),
		SPOIL(head.size, UINT32_MAX),
		SPOIL(head.bars, 0),
		SPOIL(head.bars, UINT32_MAX),
		SPOIL(head.rings, 2),
		SPOIL(head.rings, UINT32_MAX),
		SPOIL(head.text, 0),
		SPOIL(head.text, UINT32_MAX),
		SPOIL(bar.device, 32),
		SPOIL(bar.function, 8),
		SPOIL(bar.bar, 6),
		SPOIL(bar.rights, 0),
		SPOIL(bar.rights, HWS_W),
		SPOIL(bar.fd, UINT32_MAX),
		SPOIL(ring.path[0], 'd'),
		SPOIL(ring.arena, 0),
		SPOIL(ring.arena, 1),
		SPOIL(ring.arena, UINT64_C(0xfffffffffffff000)),
		SPOIL(ring.size, 0),
		SPOIL(ring.size, 100),
		SPOIL(ring.size, UINT64_C(1) << 40),
		SPOIL(ring.rights, 0),
		SPOIL(ring.rights, 4),
		SPOIL(ring.fd, UINT32_MAX),
		SPOIL(ring.arena_fd, UINT32_MAX),
		SPOIL(ring.reserved, 1),
		SPOIL(head.holds, 0),
		SPOIL(head.holds, UINT32_MAX),
		SPOIL(head.reserved, 1),
		SPOIL(hold.device, 32),
		SPOIL(hold.function, 8),
		SPOIL(hold.index, 1),
		SPOIL(hold.fds[0], UINT32_MAX),
		SPOIL(hold.fds[1], UINT32_MAX),
		SPOIL(text[3], 0),
		SPOIL(text[sizeof(TEXT) - 1], 'x'),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct whole whole = good();

		put_number((char *)&whole + rows[i].offset, rows[i].value, rows[i].size);
		is_refused(&whole, good().head.size, SEALS, -EBADMSG);
	}
}
END_TEST

START_TEST(what_somebody_could_change_is_refused)
{
	static const int missing[] = { F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE };
	struct whole whole = good();
	struct grants *grants = NULL;

	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		is_refused(&whole, whole.head.size, SEALS & ~missing[i], -EACCES);
	whole.head.uid++;
	is_refused(&whole, whole.head.size, SEALS, -EACCES);
	ck_assert_int_eq(grants_read(STDIN_FILENO, &grants), -EACCES);
	ck_assert_int_eq(grants_read(-1, &grants), -EACCES);
	ck_assert_int_eq(grants_read(1000, &grants), -EACCES);
}
END_TEST

START_TEST(any_length_but_its_own_is_refused)
{
	struct whole whole = good();
	char longer[sizeof(whole) + 64] = { 0 };

	memcpy(longer, &whole, sizeof(whole));
	for (size_t size = 0; size < whole.head.size; size += size < 64 ? 1 : 97)
		is_refused(longer, size, SEALS, -EBADMSG);
	is_refused(longer, whole.head.size + 1, SEALS, -EBADMSG);
}
END_TEST

START_TEST(environment_names_it_or_the_program_does_without)
{
	static const char *const odd[] = { "",	 "-1",	"+3",	   " 3",
					   "3 ", "0x3", "9999999", "1000000000000" };
	struct whole whole = good();
	struct grants *grants = NULL;
	char number[16];
	int fd = put(&whole, whole.head.size, SEALS);

	unsetenv(HWS_GRANTS_NAME);
	ck_assert_int_eq(grants_find(&grants), -ENOENT);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		setenv(HWS_GRANTS_NAME, odd[i], 1);
		ck_assert_int_eq(grants_find(&grants), -EACCES);
	}
	snprintf(number, sizeof(number), "%d", fd);
	setenv(HWS_GRANTS_NAME, number, 1);
	ck_ok(grants_find(&grants));
	grants_free(grants);
}
END_TEST

START_TEST(context_takes_its_rules_from_it)
{
	struct hws_options options = { .size = sizeof(options), .policy_text = "port = * rw" };
	const struct hws_access granted = {
		.kind = HWS_KIND_PORT, .rights = HWS_RW, .first = 0x70, .last = 0x71
	};
	const struct hws_access other = {
		.kind = HWS_KIND_PORT, .rights = HWS_R, .first = 0x60, .last = 0x60
	};
	struct whole whole = good();
	char number[16];
	struct hws *hw;

	snprintf(number, sizeof(number), "%d", put(&whole, whole.head.size, SEALS));
	setenv(HWS_GRANTS_NAME, number, 1);
	ck_ok(hws_open(&options, &hw));
	ck_assert_str_eq(hws_backend(hw), "grants");
	ck_assert_int_eq(hws_check(hw, &granted, NULL, 0), 0);
	/* neither the machine's files nor the program's own line add to what was granted */
	ck_assert_int_eq(hws_check(hw, &other, NULL, 0), -EACCES);
	hws_close(hw);
	setenv(HWS_GRANTS_NAME, "0", 1);
	ck_ok(hws_open(&options, &hw));
	ck_assert_str_eq(hws_backend(hw), "native");
	ck_assert_int_eq(hws_backend_tried(hw, 0)->code, -EACCES);
	hws_close(hw);
}
END_TEST

/* The ports are not the program's any more: a fault tells, even where all signals are blocked. */
static void read_given_up_port(void *unused)
{
	static const struct hws_grants head = { .ports = { [0x70 / 8] = 3 } };
	const struct grants grants = { .head = &head };
	const struct hws_shim_options options = { .size = sizeof(options), .grants = &grants };
	struct hws_window ports;
	struct hws_shim shim;
	sigset_t all;
	uint32_t value;

	(void)unused;
	sigfillset(&all);
	if (shim_open(&native_ops, &options, &shim) == 0 &&
	    pthread_sigmask(SIG_SETMASK, &all, NULL) == 0 &&
	    shim_ops(&shim)->port_open(shim.self, 0x70, 2, HWS_R, &ports) == 0 &&
	    !strcmp(ports.way, "granted") &&
	    shim_ops(&shim)->port_read(shim.self, &ports, 0x70, 1, &value) == -EPERM)
		_exit(42);
}

START_TEST(granted_ports_that_are_gone_end_no_program)
{
	need("ports", RAW_HAS_PORTS, "this architecture has no port instructions");
	ck_assert_int_eq(WEXITSTATUS(suite_child(read_given_up_port, NULL)), 42);
}
END_TEST

int main(void)
{
	return suite_run("shim/grants", (const TTest *[]) {
						grants_tell_what_was_granted,
						nobody_was_granted_anything_by_nothing,
						a_granted_function_has_one_holder_and_no_heirs,
						what_can_not_be_is_refused,
						what_somebody_could_change_is_refused,
						any_length_but_its_own_is_refused,
						environment_names_it_or_the_program_does_without,
						context_takes_its_rules_from_it,
						granted_ports_that_are_gone_end_no_program,
						NULL,
					});
}
