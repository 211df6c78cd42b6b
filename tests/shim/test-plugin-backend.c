/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Back ends that plug-ins bring: what is asked of them, and what is believed. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "raw-internal.h"
#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "tests/shim/plugin-kit.h"

/* What the next entry that is asked gives. */
static struct {
	int code;
	uint64_t value;
	struct hws_window window;
	struct hws_bdf next;
	struct hws_hold hold;
	struct hws_cpu cpu;
	struct hws_pci_info info;
	const char *words;
	bool no_self;
	int calls;
	int closed;
	int unmapped;
} answer;

static int give(void)
{
	answer.calls++;
	if (answer.words)
		plug.host->why(plug.instance, answer.words);
	return answer.code;
}

static int their_open(const struct hws_shim_options *options, void **ret_self)
{
	ck_assert_ptr_null(options->plugin);
	*ret_self = answer.no_self ? NULL : &answer;
	return give();
}
static void their_close(void *self)
{
	ck_assert_ptr_eq(self, &answer);
	answer.closed++;
}
static int their_identify(void *self, struct hws_cpu *ret_cpu)
{
	(void)self;
	*ret_cpu = answer.cpu;
	return give();
}
static int their_port_open(void *self, uint16_t first, uint32_t count, enum hws_rights rights,
			   struct hws_window *ret_ports)
{
	(void)self, (void)first, (void)count, (void)rights;
	*ret_ports = answer.window;
	return give();
}
static int their_port_read(void *self, const struct hws_window *ports, uint16_t port,
			   uint32_t width, uint32_t *ret_value)
{
	(void)self, (void)ports, (void)port, (void)width;
	*ret_value = (uint32_t)answer.value;
	return give();
}
static int their_msr_read(void *self, uint32_t cpu, uint32_t reg, uint64_t *ret_value)
{
	(void)self, (void)cpu, (void)reg;
	*ret_value = answer.value;
	return give();
}
static int their_pci_next(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf)
{
	(void)self, (void)after;
	*ret_bdf = answer.next;
	return give();
}
static int their_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset,
			 uint64_t size, enum hws_rights rights, struct hws_window *ret_window)
{
	(void)self, (void)bdf, (void)bar, (void)offset, (void)size, (void)rights;
	*ret_window = answer.window;
	return give();
}
static void their_bar_unmap(void *self, struct hws_window *window)
{
	(void)self;
	ck_assert_ptr_eq(window->direct, answer.window.direct);
	answer.unmapped++;
}
static int their_mmio_read(void *self, const struct hws_window *window, uint64_t offset,
			   uint32_t width, uint64_t *ret_value)
{
	(void)self, (void)window, (void)offset, (void)width;
	*ret_value = answer.value;
	return give();
}
static int their_hold_open(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold)
{
	(void)self, (void)bdf;
	*ret_hold = answer.hold;
	return give();
}
static int their_pci_info(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info)
{
	(void)self, (void)bdf;
	*ret_info = answer.info;
	return give();
}
static int their_msr_batch(void *self, struct hws_msr_op *ops, size_t count)
{
	(void)self;
	for (size_t i = 0; i < count; i++)
		ops[i] = (struct hws_msr_op) { 77, 77, answer.value, (int32_t)answer.window.size,
					       0 };
	return give();
}

static struct hws_shim_ops ops = {
	.struct_size = sizeof(ops),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE,
	.name = "th\033em",
	.open = their_open,
	.close = their_close,
	.identify = their_identify,
	.port_open = their_port_open,
	.port_read = their_port_read,
	.msr_read = their_msr_read,
	.pci_next = their_pci_next,
	.bar_map = their_bar_map,
	.bar_unmap = their_bar_unmap,
	.mmio_read = their_mmio_read,
	.hold_open = their_hold_open,
	.pci_info = their_pci_info,
	.msr_batch = their_msr_batch,
};
static struct hws_ext_backend backend = {
	.ext = { .struct_size = sizeof(backend), .type = HWS_EXT_BACKEND, .version = 1 },
	.ops = &ops,
};

static struct hws_plugin *plugin;
static struct hws_shim shim;

static int try_backend(void)
{
	const struct hws_shim_options options = { .size = sizeof(options), .plugin = plugin };

	return shim_open(&plugin_ops, &options, &shim);
}

static const struct hws_shim_ops *begin(void)
{
	int r;

	memset(&answer, 0, sizeof(answer));
	table.next = &backend.ext;
	plugin = opened();
	r = try_backend();
	ck_assert_msg(r == 0, "%d: %s", r, hws_why());
	return shim_ops(&shim);
}

static void end(void)
{
	shim_close(&shim);
	plugin_close(plugin, NULL);
}

/* It lied: this is said, nothing of it is called again, reads are all-ones. */
static void caught(const char *words)
{
	int calls = answer.calls;
	uint64_t value = 0;

	ck_assert_msg(strstr(hws_why(), "quarantine") && strstr(hws_why(), words), "'%s': %s",
		      words, hws_why());
	answer.code = 0;
	ck_assert_int_eq(shim_ops(&shim)->msr_read(shim.self, 0, 1, &value), -EPROTO);
	ck_assert_uint_eq(value, UINT64_MAX);
	shim_close(&shim);
	ck_assert_int_eq(answer.calls, calls);
	ck_assert_int_eq(answer.closed, 0);
	plugin_close(plugin, NULL);
}

START_TEST(absent_entries_are_never_called)
{
	const struct hws_shim_ops *o;
	struct hws_shim_ops all = ops;
	struct hws_window window;
	uint32_t value = 0;
	uint64_t wide = 0;

	memset((char *)&ops + offsetof(struct hws_shim_ops, identify), 0,
	       sizeof(ops) - offsetof(struct hws_shim_ops, identify));
	o = begin();
	ck_assert_int_eq(o->port_open(shim.self, 1, 1, HWS_RW, &window), -EOPNOTSUPP);
	ck_assert_msg(strstr(hws_why(), "no I/O ports"), "%s", hws_why());
	ck_assert_int_eq(o->port_read(shim.self, &window, 1, 2, &value), -EOPNOTSUPP);
	ck_assert_uint_eq(value, 0xffff);
	ck_assert_int_eq(o->mmio_read(shim.self, &window, 1, 8, &wide), -EOPNOTSUPP);
	ck_assert_uint_eq(wide, UINT64_MAX);
	ck_assert_int_eq(o->ports_claimed(shim.self, 0, 1), 0);
	ck_assert_uint_eq(o->timestamp(shim.self), 0);
	o->barrier(shim.self, HWS_BARRIER_FULL);
	ck_assert_int_eq(answer.calls, 1); /* open() */
	end();
	ck_assert_int_eq(answer.closed, 1);
	ops = all;
}
END_TEST

START_TEST(shorter_table_ends_where_it_says)
{
	const struct hws_shim_ops *o;
	uint64_t value = 0;

	ops.struct_size = offsetof(struct hws_shim_ops, msr_read);
	o = begin();
	ck_assert_int_eq(o->msr_read(shim.self, 0, 1, &value), -EOPNOTSUPP);
	ck_assert_uint_eq(value, UINT64_MAX);
	end();
	/* half an entry is no entry */
	ops.struct_size += sizeof(void *) / 2;
	plug.released = 0;
	refused(-EPROTO, "middle of an entry");
	ops.struct_size = sizeof(ops);
}
END_TEST

START_TEST(errors_have_the_plugins_words_or_ours)
{
	const struct hws_shim_ops *o = begin();
	struct hws_window window = { 0 };
	uint32_t value = 0;

	answer.code = -EIO;
	ck_assert_int_eq(o->port_read(shim.self, &window, 1, 1, &value), -EIO);
	ck_assert_uint_eq(value, 0xff);
	ck_assert_str_eq(hws_why(), "plug-in test: port_read: Input/output error");
	answer.words = "the cable\n is out";
	ck_assert_int_eq(o->port_read(shim.self, &window, 1, 1, &value), -EIO);
	ck_assert_str_eq(hws_why(), "the cable? is out");
	end();
}
END_TEST

START_TEST(code_that_is_no_errno_is_quarantine)
{
	static const int codes[] = { 1, 5, INT32_MAX, -4096, INT32_MIN };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		const struct hws_shim_ops *o = begin();
		uint64_t value = 0;

		answer.code = codes[i];
		ck_assert_int_eq(o->msr_read(shim.self, 0, 1, &value), -EPROTO);
		ck_assert_uint_eq(value, UINT64_MAX);
		caught("neither 0 nor an errno");
	}
}
END_TEST

START_TEST(value_wider_than_the_read_is_quarantine)
{
	const struct hws_shim_ops *o = begin();
	struct hws_window window = { 0 };
	uint32_t value = 0;
	uint64_t wide = 0;

	answer.value = 0xff;
	ck_ok(o->port_read(shim.self, &window, 1, 1, &value));
	ck_assert_uint_eq(value, 0xff);
	answer.value = 0x100;
	ck_assert_int_eq(o->port_read(shim.self, &window, 1, 1, &value), -EPROTO);
	ck_assert_uint_eq(value, 0xff);
	caught("0x100, which has more than 1 bytes");
	o = begin();
	answer.value = UINT64_C(1) << 32;
	ck_assert_int_eq(o->mmio_read(shim.self, &window, 0, 4, &wide), -EPROTO);
	ck_assert_uint_eq(wide, 0xffffffff);
	caught("mmio_read gave");
}
END_TEST

/* Asked for 0x100 bytes at 0x40. */
static int arming;

int __real_fault_arm(void);
int __wrap_fault_arm(void);
int __wrap_fault_arm(void)
{
	return arming < 0 ? arming : __real_fault_arm();
}

START_TEST(window_that_would_not_be_safe_is_given_back)
{
	static uint64_t here[32];
	const struct hws_bdf bdf = { 0 };
	const struct hws_shim_ops *o = begin();
	struct hws_window window;

	answer.window = (struct hws_window) { .size = sizeof(here), .direct = here };
	arming = -ENOSPC;
	ck_assert_int_eq(o->bar_map(shim.self, bdf, 0, 0, sizeof(here), HWS_RW, &window), -ENOSPC);
	ck_assert_ptr_null(window.direct);
	ck_assert_int_eq(answer.unmapped, 1);
	arming = 0;
	ck_assert_int_eq(o->bar_map(shim.self, bdf, 0, 0, sizeof(here), HWS_RW, &window),
			 RAW_ARCH == HWS_ARCH_UNKNOWN ? -EOPNOTSUPP : 0);
	ck_assert_int_eq(answer.unmapped, RAW_ARCH == HWS_ARCH_UNKNOWN ? 2 : 1);
	end();
}
END_TEST

static const struct hws_window wrong_windows[] = {
	{ .first = 0x40, .size = 0x1000 },
	{ .first = 0x40, .size = 0xff },
	{ .first = 0x40, .size = 0 },
	{ .first = 0x41, .size = 0x100 },
	{ .first = 0x40, .size = 0x100, .direct = (void *)(uintptr_t)8 },
	{ .first = 0x40, .size = 0x100, .direct = (void *)(uintptr_t)0x10001 },
	{ .first = 0x40, .size = 0x100, .direct = (void *)(UINTPTR_MAX - 0x7f) },
};

START_TEST(window_other_than_asked_is_quarantine)
{
	const struct hws_bdf bdf = { 0 };

	for (size_t i = 0; i < sizeof(wrong_windows) / sizeof(wrong_windows[0]); i++) {
		const struct hws_shim_ops *o = begin();
		struct hws_window window;
		int r;

		answer.window = wrong_windows[i];
		r = o->bar_map(shim.self, bdf, 0, 0x40, 0x100, HWS_RW, &window);
		ck_assert_msg(r == -EPROTO, "%zu: %d", i, r);
		ck_assert_uint_eq(window.size, 0);
		caught("bar_map gave a window");
	}
}
END_TEST

START_TEST(ports_other_than_asked_are_quarantine)
{
	const struct hws_shim_ops *o = begin();
	struct hws_window window;
	char here[16] __attribute__((aligned(8)));

	answer.window = (struct hws_window) { .first = 0x70, .size = 2, .way = "\n" };
	ck_ok(o->port_open(shim.self, 0x70, 2, HWS_RW, &window));
	ck_assert_str_eq(window.way, "th?em");
	ck_assert_int_eq(o->port_open(shim.self, 0x70, 1, HWS_RW, &window), -EPROTO);
	caught("port_open gave a window");
	o = begin();
	answer.window = (struct hws_window) { .first = 0x70, .size = 2, .direct = here };
	ck_assert_int_eq(o->port_open(shim.self, 0x70, 2, HWS_RW, &window), -EPROTO);
	caught("ports at an address");
}
END_TEST

START_TEST(pci_functions_come_in_order_or_it_is_quarantine)
{
	static const struct hws_bdf wrong[] = {
		{ 0, 1, 2, 3 }, { 0, 0, 31, 7 }, { 0, 1, 32, 0 }, { 0, 2, 0, 8 }
	};
	const struct hws_bdf after = { 0, 1, 2, 3 };
	struct hws_bdf next;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct hws_shim_ops *o = begin();

		answer.next = (struct hws_bdf) { 0, 1, 2, 4 };
		ck_ok(o->pci_next(shim.self, &after, &next));
		answer.next = wrong[i];
		ck_assert_int_eq(o->pci_next(shim.self, &after, &next), -EPROTO);
		ck_assert_uint_eq(next.function, 4); /* untouched */
		caught("pci_next");
	}
}
END_TEST

START_TEST(hold_that_cannot_be_is_quarantine)
{
	const struct hws_hold good = { .page = 4096, .span_count = 1, .spans = { { 0, 99 } } };
	const struct hws_bdf bdf = { 0 };
	struct hws_hold got;

	for (int i = 0; i < 6; i++) {
		const struct hws_shim_ops *o = begin();
		struct hws_hold *bad = &answer.hold;

		*bad = good;
		ck_ok(o->hold_open(shim.self, bdf, &got));
		ck_assert_str_eq(got.way, "th?em");
		switch (i) {
		case 0:
			bad->page = 0;
			break;
		case 1:
			bad->page = 4097;
			break;
		case 2:
			bad->span_count = HWS_HOLD_SPANS + 1;
			break;
		case 3:
			bad->spans[0].first = 100;
			break;
		case 4:
			bad->irqs[HWS_IRQ_MSIX] = UINT32_MAX;
			break;
		default:
			bad->bdf.device = 1;
		}
		ck_assert_int_eq(o->hold_open(shim.self, bdf, &got), -EPROTO);
		caught("hold_open");
	}
}
END_TEST

START_TEST(names_that_do_not_end_are_quarantine)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	const struct hws_bdf bdf = { 0 };
	struct hws_cpu cpu;

	ck_ok(begin()->identify(shim.self, &cpu));
	memset(answer.cpu.model, 'x', sizeof(answer.cpu.model));
	ck_assert_int_eq(shim_ops(&shim)->identify(shim.self, &cpu), -EPROTO);
	ck_assert_str_eq(cpu.model, "");
	caught("identify gave");
	ck_ok(begin()->pci_info(shim.self, bdf, &info));
	memset(answer.info.driver, 'x', sizeof(answer.info.driver));
	ck_assert_int_eq(shim_ops(&shim)->pci_info(shim.self, bdf, &info), -EPROTO);
	caught("pci_info gave");
}
END_TEST

START_TEST(batch_gives_results_only)
{
	const struct hws_shim_ops *o = begin();
	struct hws_msr_op one[2] = { { .cpu = 1, .reg = 2 },
				     { .cpu = 3, .reg = 4, .value = 5, .write = 1 } };

	answer.value = 9;
	ck_ok(o->msr_batch(shim.self, one, 2));
	ck_assert(one[0].cpu == 1 && one[0].reg == 2 && one[0].value == 9 && !one[0].write);
	ck_assert(one[1].cpu == 3 && one[1].reg == 4 && one[1].value == 5 && one[1].write);
	answer.window.size = 7; /* a status */
	ck_assert_int_eq(o->msr_batch(shim.self, one, 2), -EPROTO);
	ck_assert_int_eq(one[0].status, -EPROTO);
	ck_assert_uint_eq(one[0].value, UINT64_MAX);
	caught("msr_batch gave 7");
}
END_TEST

START_TEST(open_that_lies_or_fails_leaves_nothing)
{
	begin();
	end();
	plugin = opened();
	answer.code = -EBUSY;
	ck_assert_int_eq(try_backend(), -EBUSY);
	answer.code = 0;
	answer.no_self = true;
	ck_assert_int_eq(try_backend(), -EPROTO);
	ck_assert_msg(strstr(hws_why(), "gave nothing"), "%s", hws_why());
	plugin_close(plugin, NULL);
	/* a plug-in that brings only a device */
	table.next = &device.ext;
	plugin = opened();
	ck_assert_int_eq(try_backend(), -EOPNOTSUPP);
	ck_assert_msg(strstr(hws_why(), "no back end"), "%s", hws_why());
	plugin_close(plugin, NULL);
	plugin = NULL;
	ck_assert_int_eq(try_backend(), -EINVAL);
}
END_TEST

static void scribble(void *context)
{
	signal(SIGSEGV, SIG_DFL); /* whoever watches over it in the tests */
	memset(context, 0, 64);
}

START_TEST(opened_back_end_is_read_only_and_in_one_slot)
{
	const struct hws_shim_ops *o = begin();
	int killer = 0;

	ck_assert_int_eq(sys_child(scribble, shim.self, 10, &killer), -ECANCELED);
	ck_assert_int_eq(killer, SIGSEGV);
	ck_assert_int_eq(sys_child(scribble, (void *)(uintptr_t)o, 10, &killer), -ECANCELED);
	end();
	ck_assert_ptr_eq(begin(), o);
	end();
}
END_TEST

START_TEST(back_end_that_is_not_thread_safe_is_serialised)
{
	ops.flags = 0;
	begin();
	ck_assert(plugin->serial);
	end();
	ops.flags = HWS_SHIM_THREAD_SAFE;
	begin();
	ck_assert(!plugin->serial);
	end();
}
END_TEST

/* From here on: a file, and the policy. */

static char folder[64], file[96];

static void copy_file(const char *from)
{
	char command[512];

	snprintf(folder, sizeof(folder), "/tmp/hwsafe-backend-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/p.so", folder);
	snprintf(command, sizeof(command), "cp '%s' %s && chmod 600 %s", from, file, file);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(policy_lets_a_back_end_in_before_it_runs)
{
	char rule[192];
	struct hws_options options = {
		.size = sizeof(options),
		.plugin = file,
		.policy_directory = "/nowhere",
		.policy_owner = getuid(),
	};
	struct hws *hw = NULL;
	struct hws_pci *pci;

	copy_file(SIM);
	ck_assert_int_eq(hws_open(&options, &hw), -EACCES);
	ck_assert_ptr_null(hw);
	snprintf(rule, sizeof(rule),
		 "[test]\nplugin = %s unsigned\nport = 0x70-0x71 rw\npci = * r\n", file);
	options.policy_text = rule;
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	ck_assert_str_eq(hws_backend(hw), "plugin");
	/* what it opened holds the context, and that the plug-in */
	ck_assert_msg(hws_pci_open(hw, "0000:00:03.0", 0, 64, HWS_R, &pci) == 0, "%s", hws_why());
	hws_close(hw);
	hws_pci_close(pci);
	options.backend = "plugin";
	options.plugin = NULL;
	ck_assert_int_eq(hws_open(&options, &hw), -EINVAL);
	ck_assert_msg(strstr(hws_why(), "none was named"), "%s", hws_why());
	ck_assert_int_eq(unlink(file) | rmdir(folder), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		absent_entries_are_never_called,
		shorter_table_ends_where_it_says,
		errors_have_the_plugins_words_or_ours,
		code_that_is_no_errno_is_quarantine,
		value_wider_than_the_read_is_quarantine,
		window_that_would_not_be_safe_is_given_back,
		window_other_than_asked_is_quarantine,
		ports_other_than_asked_are_quarantine,
		pci_functions_come_in_order_or_it_is_quarantine,
		hold_that_cannot_be_is_quarantine,
		names_that_do_not_end_are_quarantine,
		batch_gives_results_only,
		open_that_lies_or_fails_leaves_nothing,
		opened_back_end_is_read_only_and_in_one_slot,
		back_end_that_is_not_thread_safe_is_serialised,
		policy_lets_a_back_end_in_before_it_runs,
		NULL,
	};

	return suite_run("shim/plugin-backend", tests);
}
