/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "tests/suite.h"

static int dummy_open(const struct hws_shim_options *options, void **ret_self)
{
	static const char nothing;

	(void)options;
	*ret_self = (void *)(uintptr_t)&nothing;
	return 0;
}

static void dummy_close(void *self)
{
	(void)self;
}

static uint64_t dummy_timestamp(void *self)
{
	(void)self;
	return 4711;
}

#define DUMMY                                                                                     \
	{                                                                                         \
		.struct_size = sizeof(struct hws_shim_ops), .abi = HWS_SHIM_ABI, .name = "dummy", \
		.open = dummy_open, .close = dummy_close, .timestamp = dummy_timestamp,           \
	}
static const struct hws_shim_ops dummy = DUMMY;

/* No device is to be had, and one that was never opened can be closed. */
static void check_hold_defaults(const struct hws_shim *shim)
{
	const struct hws_shim_ops *ops = shim_ops(shim);
	const struct hws_bdf bdf = { .device = 3 };
	const struct hws_hold_limits limits = { 0 };
	struct hws_hold hold = { .cookie = 1 };
	struct hws_dma_fault fault = { 0 };
	int32_t fds[HWS_HOLD_FDS] = { -1, -1 };

	ck_assert_int_eq(ops->hold_open(shim->self, bdf, &hold), -EOPNOTSUPP);
	ck_assert_uint_eq(hold.cookie, 0);
	ck_assert_int_eq(ops->hold_adopt(shim->self, bdf, fds, &limits, &hold), -EOPNOTSUPP);
	ck_assert_int_eq(ops->hold_fds(shim->self, &hold, fds), -EOPNOTSUPP);
	ck_assert_int_eq(fds[0], -1);
	ck_assert_int_eq(ops->hold_reset(shim->self, &hold), -EOPNOTSUPP);
	ck_assert_int_eq(ops->dma_map(shim->self, &hold, 0, &fault, 4096, HWS_RW), -EOPNOTSUPP);
	ck_assert_int_eq(ops->dma_unmap(shim->self, &hold, 0, 4096), -EOPNOTSUPP);
	ck_assert_int_eq(ops->dma_fault(shim->self, &hold, &fault), -EOPNOTSUPP);
	ck_assert_int_eq(ops->irq_bind(shim->self, &hold, HWS_IRQ_INTX, fds, 1), -EOPNOTSUPP);
	ck_assert_int_eq(ops->irq_unmask(shim->self, &hold, HWS_IRQ_INTX), -EOPNOTSUPP);
	hold.cookie = 1;
	ops->hold_close(shim->self, &hold);
	ck_assert_uint_eq(hold.cookie, 0);
}

/* It can neither tell what there is nor do much at once; and knows of nobody who uses anything. */
static void check_list_defaults(const struct hws_shim *shim)
{
	const struct hws_shim_ops *ops = shim_ops(shim);
	const struct hws_bdf bdf = { .device = 3 };
	struct hws_pci_info info = { .size = sizeof(info) };
	struct hws_topology topology = { 0 };
	struct hws_shim_step step = { 0 };
	struct hws_msr_op msr = { 0 };
	uint64_t size = 7;

	ck_assert_int_eq(ops->pci_info(shim->self, bdf, &info), -EOPNOTSUPP);
	ck_assert_int_eq(ops->topology(shim->self, &topology), -EOPNOTSUPP);
	ck_assert_int_eq(ops->batch(shim->self, &step, 1, false), -EOPNOTSUPP);
	ck_assert_int_eq(ops->msr_batch(shim->self, &msr, 1), -EOPNOTSUPP);
	ck_assert_int_eq(ops->bar_fd(shim->self, bdf, 0, HWS_R, &size), -EOPNOTSUPP);
	ck_assert_uint_eq(size, 7);
	ck_assert_int_eq(ops->ports_claimed(shim->self, 0, 65536), 0);
	ck_assert_int_eq(ops->pci_claimed(shim->self, bdf, 0), 0);
	ck_assert_int_eq(ops->txn(shim->self, true), 0);
}

/* Every operation of a back end that has none: the safe default, and -EOPNOTSUPP. */
static void check_defaults(const struct hws_shim *shim)
{
	const struct hws_shim_ops *ops = shim_ops(shim);
	const struct hws_bdf bdf = { .device = 3 };
	struct hws_bdf next;
	struct hws_window window = { .direct = shim->self };
	struct hws_cpu cpu;
	uint32_t regs[4] = { 0 };

	ck_assert_int_eq(ops->identify(shim->self, &cpu), -EOPNOTSUPP);
	ck_assert_int_eq(cpu.arch, HWS_ARCH_UNKNOWN);
	ck_assert_int_eq(ops->cpuid(shim->self, 0, 0, regs), -EOPNOTSUPP);
	ck_assert_uint_eq(regs[3], UINT32_MAX);
	ck_assert_int_eq(ops->port_open(shim->self, 0x70, 2, HWS_R, &window), -EOPNOTSUPP);
	for (uint32_t width = 1; width <= 8; width *= 2) {
		uint32_t value = 0;
		uint64_t wide = 0;

		if (width <= 4) {
			ck_assert_int_eq(ops->port_read(shim->self, &window, 0x70, width, &value),
					 -EOPNOTSUPP);
			ck_assert_uint_eq(value, shim_ones(width));
			ck_assert_int_eq(ops->port_write(shim->self, &window, 0x70, width, 0),
					 -EOPNOTSUPP);
			ck_assert_int_eq(ops->pci_read(shim->self, bdf, 0, width, &value),
					 -EOPNOTSUPP);
			ck_assert_uint_eq(value, shim_ones(width));
			ck_assert_int_eq(ops->pci_write(shim->self, bdf, 0, width, 0), -EOPNOTSUPP);
		}
		ck_assert_int_eq(ops->mmio_read(shim->self, &window, 0, width, &wide), -EOPNOTSUPP);
		ck_assert_uint_eq(wide, shim_ones(width));
		ck_assert_int_eq(ops->mmio_write(shim->self, &window, 0, width, 0), -EOPNOTSUPP);
	}
	ops->port_close(shim->self, &window);
	ck_assert_int_eq(ops->msr_read(shim->self, 0, 0x10, &(uint64_t) { 0 }), -EOPNOTSUPP);
	ck_assert_int_eq(ops->msr_write(shim->self, 0, 0x10, 0), -EOPNOTSUPP);
	ck_assert_int_eq(ops->pci_next(shim->self, NULL, &next), -EOPNOTSUPP);
	ck_assert_int_eq(ops->bar_map(shim->self, bdf, 0, 0, 4, HWS_R, &window), -EOPNOTSUPP);
	ops->bar_unmap(shim->self, &window);
	ck_assert_ptr_null(window.direct);
	ops->barrier(shim->self, HWS_BARRIER_FULL);
	check_hold_defaults(shim);
	check_list_defaults(shim);
	ck_assert_str_ne(hws_why(), "");
}

START_TEST(shim_that_was_never_opened_gives_safe_defaults)
{
	const struct hws_shim none = { .slot = SHIM_SLOTS - 1 };
	void *self = &(char) { 0 };

	check_defaults(&none);
	ck_assert_int_eq(shim_ops(&none)->open(NULL, &self), -EOPNOTSUPP);
	ck_assert_ptr_null(self);
	ck_assert_uint_eq(shim_ops(&none)->timestamp(NULL), 0);
}
END_TEST

START_TEST(generic_back_end_gives_safe_defaults)
{
	struct hws_shim shim;

	ck_ok(shim_open(&generic_ops, NULL, &shim));
	check_defaults(&shim);
	shim_close(&shim);
	shim_close(&shim);
}
END_TEST

START_TEST(install_gives_the_same_table_the_same_slot)
{
	int slot = shim_install(&dummy);

	ck_ok(slot);
	ck_assert_int_eq(shim_install(&dummy), slot);
	ck_assert_int_ne(shim_install(&generic_ops), slot);
	ck_assert_str_eq(shim_slots[slot].cell.value.ops.name, "dummy");
}
END_TEST

START_TEST(install_completes_what_is_absent)
{
	struct hws_shim shim;

	ck_ok(shim_open(&dummy, NULL, &shim));
	ck_assert_uint_eq(shim_ops(&shim)->timestamp(shim.self), 4711);
	check_defaults(&shim);
	shim_close(&shim);
}
END_TEST

START_TEST(install_takes_an_older_shorter_table)
{
	struct hws_shim_ops older = DUMMY;
	struct hws_shim shim;

	older.struct_size = offsetof(struct hws_shim_ops, timestamp);
	ck_ok(shim_open(&older, NULL, &shim));
	ck_assert_uint_eq(shim_ops(&shim)->timestamp(shim.self), 0);
	shim_close(&shim);
}
END_TEST

START_TEST(install_refuses_a_broken_table)
{
	static const struct hws_ext short_node = { .struct_size = sizeof(short_node) - 1 };
	static struct hws_ext loop = { .struct_size = sizeof(loop), .next = &loop };
	const struct hws_shim_ops good = DUMMY;
	struct hws_shim_ops bad[12];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		bad[i] = good;
	bad[n++].struct_size = 0;
	bad[n++].struct_size = offsetof(struct hws_shim_ops, identify) - 1;
	bad[n++].struct_size = 4097;
	bad[n++].struct_size = offsetof(struct hws_shim_ops, cpuid) + sizeof(void *) / 2;
	bad[n++].abi = 0;
	bad[n++].abi = HWS_SHIM_ABI + 0x10000;
	bad[n++].name = NULL;
	bad[n++].name = "";
	bad[n++].name = "no\nnewlines";
	bad[n++].open = NULL;
	bad[n++].next = &short_node;
	bad[n++].next = &loop;
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(shim_install(&bad[i]) == -EINVAL, "took table %zu", i);
	ck_assert_int_eq(shim_install(NULL), -EINVAL);
	ck_assert(!hws_once_ready(&shim_slots[0].cell.once));
}
END_TEST

START_TEST(install_says_when_all_slots_are_taken)
{
	static struct hws_shim_ops many[SHIM_SLOTS + 1];

	for (int i = 0; i < SHIM_SLOTS; i++) {
		many[i] = dummy;
		ck_assert_int_eq(shim_install(&many[i]), i);
	}
	many[SHIM_SLOTS] = dummy;
	ck_assert_int_eq(shim_install(&many[SHIM_SLOTS]), -ENOSPC);
	ck_assert_int_eq(shim_install(&many[3]), 3);
}
END_TEST

static void write_to_slot(void *slot)
{
	*(volatile char *)slot = 1;
}

static void make_writable_and_write(void *slot)
{
	if (mprotect(slot, sizeof(struct slot_page), PROT_READ | PROT_WRITE) == 0)
		*(volatile char *)slot = 1;
	_exit(42);
}

static bool kernel_seals(void)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return syscall(462 /* mseal */, page, 4096, 0) == 0;
}

START_TEST(sealed_slot_kills_who_writes_and_goes_on_reading)
{
	struct hws_shim shim;
	int status;

	ck_ok(shim_open(&dummy, NULL, &shim));
	status = suite_child(write_to_slot, &shim_slots[shim.slot]);
	ck_assert(suite_died(status, SIGSEGV));
	ck_assert_uint_eq(shim_ops(&shim)->timestamp(shim.self), 4711);
}
END_TEST

START_TEST(sealed_slot_stays_read_only_for_good)
{
	struct hws_shim shim;

	need("mseal", kernel_seals(), "Linux 6.10 or newer");
	ck_ok(shim_open(&dummy, NULL, &shim));
	ck_assert_int_eq(mprotect(&shim_slots[shim.slot], sizeof(struct slot_page), PROT_WRITE),
			 -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(WEXITSTATUS(suite_child(make_writable_and_write, &shim_slots[shim.slot])),
			 42);
}
END_TEST

/* From now on nothing of this process can be made read-only. */
static void deny_mprotect(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { sizeof(rules) / sizeof(rules[0]), rules };

	if (sys_confine(&filter) < 0)
		_exit(1);
}

static void install_without_mprotect(void *unused)
{
	(void)unused;
	deny_mprotect();
	for (int i = 0; i < 3; i++)
		if (shim_install(&dummy) != -ENOMEM)
			_exit(2);
	_exit(42);
}

START_TEST(nobody_gets_a_slot_that_can_not_be_sealed)
{
	need_kernel("seccomp");
	ck_assert_int_eq(WEXITSTATUS(suite_child(install_without_mprotect, NULL)), 42);
}
END_TEST

static void *install_dummy(void *ret_slot)
{
	*(int *)ret_slot = shim_install(&dummy);
	return NULL;
}

START_TEST(install_from_many_threads_makes_one_slot)
{
	enum { THREADS = 16 };
	pthread_t thread[THREADS];
	int slot[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, install_dummy, &slot[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(slot[i], 0);
	ck_assert(!hws_once_ready(&shim_slots[1].cell.once));
}
END_TEST

int main(void)
{
	return suite_run("shim/slot", (const TTest *[]) {
					      shim_that_was_never_opened_gives_safe_defaults,
					      generic_back_end_gives_safe_defaults,
					      install_gives_the_same_table_the_same_slot,
					      install_completes_what_is_absent,
					      install_takes_an_older_shorter_table,
					      install_refuses_a_broken_table,
					      install_says_when_all_slots_are_taken,
					      sealed_slot_kills_who_writes_and_goes_on_reading,
					      sealed_slot_stays_read_only_for_good,
					      nobody_gets_a_slot_that_can_not_be_sealed,
					      install_from_many_threads_makes_one_slot,
					      NULL,
				      });
}
