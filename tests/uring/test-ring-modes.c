/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a ring gets of a kernel: mode, memory, keys; and what is said where there is less. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "shim/pkey-internal.h"
#include "tests/uring/rig.h"
#include "uring/op-internal.h"

#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif

#define DEFER (IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER)
#define COOP  IORING_SETUP_COOP_TASKRUN

static const uint32_t depths[HWS_RING_PRESETS] = { 256, 64, 1024 };

/* A kernel that knows none of these flags. */
static uint32_t unknown;

int __real_io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
				      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
				      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
				      struct io_uring_params *params)
{
	if (params->flags & unknown)
		return -EINVAL;
	return __real_io_uring_queue_init_params(entries, ring, params);
}

static struct hws_uring_report probed(void)
{
	struct hws_uring_report report;

	ck_ok(hws_uring_probe(&report));
	return report;
}
#define need_native() \
	need_where("uring", probed().code == 0 && !getenv("HWS_TEST_BACKEND"), probed().why)

/* The mode that a preset is to get of a kernel that takes these flags. */
static const char *best_mode(uint32_t preset, uint32_t flags)
{
	if (preset == HWS_RING_LOW_LATENCY || !(flags & IORING_SETUP_SUBMIT_ALL))
		return "plain";
	if ((flags & DEFER) == DEFER)
		return "defer";
	return flags & COOP ? "coop" : "plain";
}

static void expect_mode(uint32_t preset, const char *mode, const char *reduced)
{
	struct hws_ring *ring = rig_open(&(struct hws_ring_options) { .preset = preset });
	struct hws_ring_info info;

	hws_ring_get_info(ring, &info);
	ck_assert_str_eq(info.backend, "uring");
	ck_assert_str_eq(info.mode, mode);
	ck_assert_int_eq((info.setup_flags & DEFER) == DEFER, strcmp(mode, "defer") == 0);
	ck_assert_int_eq((info.setup_flags & COOP) == COOP, strcmp(mode, "coop") == 0);
	ck_assert_uint_eq(info.depth, depths[preset]);
	ck_assert_msg(strstr(info.reduced, reduced) != NULL, "'%s', not '%s'", info.reduced,
		      reduced);
	for (uint64_t i = 0; i < 2 * depths[preset]; i++) {
		ck_ok(hws_nop(ring, i));
		ck_assert_uint_eq(rig_one(ring).tag, i);
	}
	rig_close(ring);
}

START_TEST(each_preset_gets_the_best_that_the_kernel_takes)
{
	uint32_t flags = probed().setup_flags;

	need_native();
	for (uint32_t preset = 0; preset < HWS_RING_PRESETS; preset++)
		expect_mode(preset, best_mode(preset, flags), "");
}
END_TEST

START_TEST(each_preset_goes_down_where_flags_are_unknown)
{
	need_native();
	unknown = IORING_SETUP_DEFER_TASKRUN;
	expect_mode(HWS_RING_DEFAULT, "coop", "\"defer\"");
	expect_mode(HWS_RING_THROUGHPUT, "coop", "\"defer\"");
	expect_mode(HWS_RING_LOW_LATENCY, "plain", "");
	unknown = IORING_SETUP_DEFER_TASKRUN | COOP;
	expect_mode(HWS_RING_DEFAULT, "plain", "\"coop\"");
	expect_mode(HWS_RING_THROUGHPUT, "plain", "\"coop\"");
}
END_TEST

START_TEST(kernels_of_the_lab_take_every_flag)
{
	uint32_t flag;

	need_lab("uring");
	for (unsigned int i = 0; hws_uring_setup_flag(i, &flag); i++)
		ck_assert_msg(probed().setup_flags & flag, "%s", hws_uring_setup_flag(i, &flag));
}
END_TEST

/* Who may pin memory has the pool registered; who has keys has it guarded. */
START_TEST(rings_of_the_lab_have_what_the_machine_has)
{
	struct hws_ring *ring;
	struct hws_ring_info info;

	need_lab("uring");
	ring = rig_open(NULL);
	hws_ring_get_info(ring, &info);
	if (suite_lab_has("root")) {
		ck_assert_str_eq(info.reduced, "");
		ck_assert(info.registered);
	}
	ck_assert_int_eq(info.guarded, suite_lab_has("pku"));
	ck_assert_uint_gt(info.files, 0);
	rig_close(ring);
}
END_TEST

struct told {
	int warnings;
	char last[256];
};

static void note_warning(enum hws_level level, const char *line, void *context)
{
	struct told *told = context;

	if (level != HWS_LEVEL_WARNING || !strstr(line, "ring"))
		return;
	told->warnings++;
	snprintf(told->last, sizeof(told->last), "%s", line);
}

static struct hws *open_context(struct told *told)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_directory = "/nowhere/policy.d",
		.log = note_warning,
		.log_context = told,
	};
	struct hws *hw;

	ck_ok(hws_open(&options, &hw));
	return hw;
}

START_TEST(rings_without_io_uring_name_the_cause_once)
{
	struct told told = { 0 };
	const char *value;
	struct hws *hw;

	need_lab("no-uring");
	value = suite_lab_has("root") ? "io_uring_disabled = 2" : "io_uring_disabled = 1";
	hw = open_context(&told);
	for (uint32_t preset = 0; preset < HWS_RING_PRESETS; preset++) {
		struct hws_ring_options options = { .preset = preset };
		struct hws_ring_info info;
		struct hws_ring *ring;

		ck_ok(hws_ring_open(hw, &options, &ring));
		hws_ring_get_info(ring, &info);
		ck_assert_str_eq(info.backend, "epoll");
		ck_assert_str_eq(info.mode, "threads");
		ck_assert_uint_eq(info.depth, depths[preset]);
		ck_assert_ptr_nonnull(strstr(info.reduced, value));
		ck_ok(hws_nop(ring, 1));
		ck_assert_uint_eq(rig_one(ring).tag, 1);
		rig_close(ring);
	}
	ck_assert_int_eq(told.warnings, 1);
	/* the cause and the remedy */
	ck_assert_ptr_nonnull(strstr(told.last, value));
	ck_assert_ptr_nonnull(strstr(told.last, "sysctl kernel.io_uring_"));
	hws_close(hw);
}
END_TEST

START_TEST(who_insists_on_io_uring_is_refused_with_the_cause)
{
	struct hws_ring_options options = { .backend = "uring" };
	struct hws_ring *ring = NULL;

	need_lab("no-uring");
	ck_assert_int_eq(hws_ring_open(NULL, &options, &ring), -EPERM);
	ck_assert_ptr_null(ring);
	ck_assert_ptr_nonnull(strstr(hws_why(), "kernel.io_uring_disabled"));
}
END_TEST

/* Files by a pool in huge pages, with every guard that it can have. */
START_TEST(pools_in_huge_pages_serve_rings)
{
	static const enum hws_pool_guard guards[] = { HWS_POOL_GUARD_AUTO, HWS_POOL_GUARD_NONE };
	char *bytes;

	need_lab("hugepages");
	bytes = calloc(1, 1 << 20);
	for (int i = 0; i < 4; i++) {
		struct hws_pool_options pool = {
			.size = sizeof(pool),
			.classes = { { 4096, 64 }, { 1 << 20, 4 } },
			.guard = guards[i / 2],
			.huge = HWS_HUGE_MUST,
		};
		struct hws_ring_options options = {
			.pool_options = &pool,
			.flags = i % 2 ? HWS_RING_UNREGISTERED : 0,
		};
		struct hws_ring *ring = rig_open(&options);
		struct hws_pool_stats stats = { .size = sizeof(stats) };
		struct hws_buf buf = rig_buf(ring, 1 << 20, 0);
		int fd;

		ck_ok(hws_pool_read_stats(hws_ring_pool(ring), &stats));
		ck_assert(stats.huge);
		ck_assert_int_eq(ring->registered, rig_native(ring) && i % 2 == 0);
		memset(bytes, 'h' + i, 1 << 20);
		fd = rig_disk(bytes, 1 << 20);
		ck_assert_int_eq(rig_move(ring, HWS_OP_READ, fd, buf, 1 << 20).result, 1 << 20);
		ck_assert(rig_holds(ring, buf, bytes, 1 << 20));
		rig_give(ring, buf);
		rig_close(ring);
		close(fd);
	}
	free(bytes);
}
END_TEST

/* What the child that touches leaves for its parent. */
struct seen {
	struct hws_pool *pool;
	struct hws_stray stray;
	struct hws_buf buf;
	const char *at;
	uint32_t number; /* of the operation */
	int code;	 /* si_code */
	enum hws_pool_guard guard;
};
static struct seen *seen;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	seen->code = info->si_code;
	_exit(hws_pool_last_stray(seen->pool, &seen->stray) < 0 ? 3 : 42);
}

/* Looks into a buffer while a read that waits at a pipe has it. */
static void touch_in_flight(void *unused)
{
	struct hws_pool_options sizes = {
		.size = sizeof(sizes),
		.classes = { { 4096, 8 } },
		.guard = seen->guard,
	};
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct hws_ring *ring;
	size_t size;
	void *bytes;
	int ends[2];

	(void)unused;
	sigaction(SIGSEGV, &action, NULL);
	ring = rig_open(&(struct hws_ring_options) { .pool_options = &sizes });
	ck_assert_int_eq(pipe(ends), 0);
	seen->pool = hws_ring_pool(ring);
	seen->buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_buf_view(seen->pool, seen->buf, HWS_R, &bytes, &size));
	ck_ok(hws_buf_unview(seen->pool, seen->buf));
	ck_ok(hws_read(ring, ends[0], seen->buf, HWS_HERE, 4096, 0));
	ck_ok(hws_submit(ring));
	seen->number = op_number(slab_find(&ring->slab, hws_op_last(ring).id));
	seen->at = (char *)bytes + 77;
	(void)*(volatile const char *)seen->at;
}

START_TEST(a_touch_in_flight_faults_and_names_the_operation)
{
	static const enum hws_pool_guard guards[] = { HWS_POOL_GUARD_KEYS, HWS_POOL_GUARD_STRICT };
	const struct pkey_set *set;

	need_where("pku", pkey_take(&set) == 0, "no protection keys in processor or kernel");
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(seen, MAP_FAILED);
	for (size_t i = 0; i < 2; i++) {
		*seen = (struct seen) { .guard = guards[i] };
		ck_assert_int_eq(WEXITSTATUS(suite_child(touch_in_flight, NULL)), 42);
		ck_assert_int_eq(seen->code, SEGV_PKUERR);
		ck_assert(seen->stray.key);
		ck_assert_ptr_eq(seen->stray.address, seen->at);
		ck_assert_uint_eq(seen->stray.offset, 77);
		ck_assert_int_eq(seen->stray.owner, HWS_OWNER_KERNEL);
		ck_assert_uint_eq(seen->stray.by, seen->number);
		ck_assert_mem_eq(&seen->stray.buf, &seen->buf, sizeof(seen->buf));
	}
}
END_TEST

int main(void)
{
	return suite_run("uring/ring-modes",
			 (const TTest *[]) {
				 each_preset_gets_the_best_that_the_kernel_takes,
				 each_preset_goes_down_where_flags_are_unknown,
				 kernels_of_the_lab_take_every_flag,
				 rings_of_the_lab_have_what_the_machine_has,
				 rings_without_io_uring_name_the_cause_once,
				 who_insists_on_io_uring_is_refused_with_the_cause,
				 pools_in_huge_pages_serve_rings,
				 a_touch_in_flight_faults_and_names_the_operation,
				 NULL,
			 });
}
