/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same program by itself and through the helper: the same answers, on either machine. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/helper/serve-tree.h"

/* Without users: whoever the program runs as, it is allowed the same. */
#define POLICY                                                          \
	"[all]\nport = 0x70-0x71 rw\nport = 0x80 r\nmsr = 0x19c r\n"    \
	"msr = 0x199 rw\nmsr = 0x610 rw, mask 0xff\ncpuid = 0-0xff r\n" \
	"pci = * r\npci = 1234:11e8 rw\nbar = 1234:11e8 0 rw\n"         \
	"bar = 1234:11e8 1 r\nbar = 1234:11e8 2 0x0-0xff rw\n"          \
	"deny msr = 0x1b rw\n"

enum { SPARE = 16384 };

/* What the program saw. */
struct story {
	char text[SPARE];
	size_t length;
	bool whole;
};

__attribute__((format(printf, 2, 3))) static void tell(struct story *story, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	story->length += (size_t)vsnprintf(story->text + story->length, SPARE - story->length,
					   format, arguments);
	va_end(arguments);
	must(story->length < SPARE);
}

static void look_at_processors(struct hws *hw, struct story *story)
{
	static const uint32_t leaves[] = { 0, 1, 7, 0xb, 0xff, 0x100, 0x80000000 };
	struct hws_topology topology = { 0 };
	struct hws_cpuid *cpuid;
	int r = hws_get_topology(hw, &topology);

	tell(story, "topology %d %u %u %u\n", r, topology.packages, topology.cores,
	     topology.threads);
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		uint32_t regs[4] = { 0 };

		r = hws_cpuid_open(hw, leaves[i], leaves[i], &cpuid);
		if (r == 0) {
			r = hws_cpuid_read(cpuid, leaves[i], 0, regs);
			hws_cpuid_close(cpuid);
		}
		/* leaf 1 names the very processor there */
		tell(story, "cpuid 0x%x %d 0x%x 0x%x 0x%x\n", leaves[i], r, regs[0],
		     leaves[i] == 1 ? 0 : regs[1], regs[2]);
	}
}

static void look_at_functions(struct hws *hw, struct story *story)
{
	struct hws_bdf bdf = { 0 };
	const struct hws_bdf *after = NULL;

	for (; hws_pci_next(hw, after, &bdf) == 0; after = &bdf) {
		struct hws_pci_info info = { .size = sizeof(info) };
		char text[HWS_BDF_TEXT];
		int r = hws_pci_get_info(hw, hws_bdf_format(bdf, text), &info);

		tell(story, "%s %d %04x:%04x %04x:%04x %06x %u %d %d %d '%s' '%s'\n", text, r,
		     info.vendor, info.device, info.subsystem_vendor, info.subsystem_device,
		     info.class_code, info.revision, info.enabled, info.numa_node, info.iommu_group,
		     info.driver, info.power);
		for (int i = 0; i < HWS_PCI_BARS; i++)
			tell(story, " 0x%" PRIx64 "+0x%" PRIx64 " %u", info.bars[i].base,
			     info.bars[i].size, info.bars[i].flags);
		tell(story, "\n");
	}
}

static void use_configuration(struct hws *hw, struct story *story)
{
	struct hws_pci *pci;
	uint32_t value = 0;
	uint16_t id = 0;
	int r = hws_pci_open(hw, "00:03.0", 0, 0, HWS_RW, &pci);

	tell(story, "config %d\n", r);
	if (r < 0)
		return;
	r = hws_pci_read16(pci, 0, &id);
	tell(story, "id %d 0x%x\n", r, id);
	r = hws_pci_write8(pci, 0x3c, 7);
	tell(story, "line %d\n", r);
	r = hws_pci_read32(pci, 0x3c, &value);
	tell(story, "line %d 0x%x\n", r, value);
	tell(story, "outside %d\n", hws_pci_read32(pci, 0x1000, &value));
	tell(story, "askew %d\n", hws_pci_read32(pci, 2, &value));
	hws_pci_close(pci);
}

static void use_bars(struct hws *hw, struct story *story)
{
	static const struct {
		uint32_t bar;
		uint64_t offset, size;
		uint32_t rights;
	} table[] = {
		{ 0, 0, 0, HWS_RW },	     { 0, 0, 0x100, HWS_R },  { 1, 0, 0, HWS_R },
		{ 1, 0, 0, HWS_RW },	     { 2, 0, 0x100, HWS_RW }, { 2, 0, 0x101, HWS_RW },
		{ 2, 0x1000, 0x100, HWS_R }, { 3, 0, 4, HWS_R },      { 0, 0x100000000, 4, HWS_R },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct hws_mmio *mmio;
		uint32_t value = 0;
		int r = hws_mmio_map(hw, "00:03.0", table[i].bar, table[i].offset, table[i].size,
				     table[i].rights, &mmio);

		tell(story, "bar %u 0x%" PRIx64 " %d", table[i].bar, table[i].offset, r);
		if (r == 0) {
			tell(story, " 0x%" PRIx64, hws_mmio_size(mmio));
			r = hws_mmio_read32(mmio, 0x10, &value);
			tell(story, " %d 0x%x", r, value);
			tell(story, " %d", hws_mmio_write32(mmio, 0x20, 0x55 + table[i].bar));
			tell(story, " 0x%x", hws_mmio_get32(mmio, 0x20));
			tell(story, " %d", hws_mmio_read32(mmio, 0x100000, &value));
			hws_mmio_unmap(mmio);
		}
		tell(story, "\n");
	}
}

static void use_ports_and_registers(struct hws *hw, struct story *story)
{
	static const uint32_t registers[] = { 0x19c, 0x199, 0x1b, 0x10, 0x610 };
	struct hws_port *port;
	struct hws_msr *msr;
	uint64_t value = 0;
	uint8_t byte = 0;
	int r = hws_port_open(hw, 0x70, 2, HWS_RW, &port);

	tell(story, "ports %d\n", r);
	if (r == 0) {
		r = hws_port_write8(port, 0x70, 9);
		tell(story, "clock %d", r);
		r = hws_port_read8(port, 0x71, &byte);
		tell(story, " %d 0x%x\n", r, byte);
		hws_port_close(port);
	}
	tell(story, "other ports %d", hws_port_open(hw, 0x80, 1, HWS_RW, &port));
	tell(story, " %d\n", hws_port_open(hw, 0x60, 1, HWS_R, &port));
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		r = hws_msr_open(hw, "0", registers[i], registers[i], HWS_R, &msr);
		/* the helper is asked for each access, not for the set */
		if (r == 0) {
			r = hws_msr_read(msr, 0, registers[i], &value);
			hws_msr_close(msr);
		}
		tell(story, "msr 0x%x %d 0x%" PRIx64 "\n", registers[i], r, r ? 0 : value);
	}
}

static void use_batches(struct hws *hw, struct story *story)
{
	struct hws_step steps[4];
	struct hws_txn *txn;
	struct hws_pci *pci;
	int r;

	must(hws_pci_open(hw, "00:03.0", 0, 0x80, HWS_RW, &pci) == 0);
	steps[0] = hws_step_write(hws_in_pci(pci, 0x3c, 1), 0x11);
	steps[1] = hws_step_update(hws_in_pci(pci, 0x3c, 1), 0xf0, 0x20);
	steps[2] = hws_step_read(hws_in_pci(pci, 0x3c, 1));
	steps[3] = hws_step_read(hws_in_pci(pci, 0, 4));
	r = hws_batch_run(steps, 4, 0);
	tell(story, "batch %d", r);
	for (int i = 0; i < 4; i++)
		tell(story, " %d 0x%" PRIx64, steps[i].status, steps[i].result);
	must(hws_txn_open(hw, NULL, &txn) == 0);
	r = hws_txn_run(txn, steps, 2);
	tell(story, "\ntransaction %d", r);
	r = hws_txn_undo(txn);
	steps[0] = hws_step_read(hws_in_pci(pci, 0x3c, 1));
	tell(story, " %d %d 0x%" PRIx64 "\n", r, hws_batch_run(steps, 1, 0), steps[0].result);
	hws_txn_close(txn);
	hws_pci_close(pci);
}

static void run_program(struct hws *hw, struct story *story)
{
	look_at_processors(hw, story);
	look_at_functions(hw, story);
	use_configuration(hw, story);
	use_bars(hw, story);
	use_ports_and_registers(hw, story);
	use_batches(hw, story);
	story->whole = true;
	hws_close(hw);
}

static int runs_by_the_helper(const struct daemon *daemon, void *context)
{
	run_program(ask_helper(daemon), context);
	return 0;
}

static int runs_by_itself(const struct daemon *daemon, void *context)
{
	char policy[96];
	struct hws_options options = { .size = sizeof(options) };
	struct hws *hw;

	snprintf(policy, sizeof(policy), "%s/policy.d", daemon->folder);
	options.backend = daemon->arguments ? "native" : "sim";
	options.sysroot = daemon->arguments ? daemon->arguments[3] : NULL;
	/* the helper's own is the real root's, whatever machine it looks at */
	options.policy_directory = options.sysroot ? NULL : policy;
	must(hws_open(&options, &hw) == 0);
	run_program(hw, context);
	return 0;
}

static struct story *new_story(void)
{
	struct story *story = mmap(NULL, sizeof(*story), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(story, MAP_FAILED);
	return story;
}

static void show_difference(const char *a, const char *b)
{
	for (int line = 1; *a || *b; line++) {
		size_t m = strcspn(a, "\n");
		size_t n = strcspn(b, "\n");

		if (m != n || strncmp(a, b, n) != 0)
			fprintf(stderr, "# %d: by itself: %.*s\n# %d: by the helper: %.*s\n", line,
				(int)m, a, line, (int)n, b);
		a += m + (a[m] != '\0');
		b += n + (b[n] != '\0');
	}
}

static void compare(struct daemon *daemon, void (*between)(const struct daemon *daemon))
{
	struct story *first = new_story();
	struct story *second = new_story();

	ck_assert_int_eq(as_user(0, runs_by_itself, daemon, first), 0);
	if (between)
		between(daemon);
	ck_assert_int_eq(as_user(ALICE, runs_by_the_helper, daemon, second), 0);
	ck_assert(first->whole && second->whole);
	if (strcmp(first->text, second->text) != 0)
		show_difference(first->text, second->text);
	ck_assert(!strcmp(first->text, second->text));
	/* it did something */
	ck_assert_ptr_nonnull(strstr(first->text, "id 0 0x1234"));
	ck_assert_ptr_nonnull(strstr(first->text, "batch 0 0"));
}

START_TEST(program_sees_the_same_simulated_machine)
{
	struct daemon daemon = { 0 };

	daemon_start(&daemon, POLICY, NULL);
	compare(&daemon, NULL);
	daemon_stop(&daemon);
}
END_TEST

static void refill(const struct daemon *daemon)
{
	const char *root = daemon->arguments[3];

	for (int bar = 0; bar < 3; bar++) {
		char name[64];

		snprintf(name, sizeof(name), TREE_FUNCTION "/resource%d", bar);
		tree_write(root, name, 0x20, 0, TREE_BAR);
	}
	tree_write(root, TREE_FUNCTION "/config", 0x3c, 0, TREE_CONFIG);
}

START_TEST(program_sees_the_same_machine_of_files)
{
	struct daemon daemon = { 0 };
	char command[1024];
	char root[64];

	tree_make(root);
	snprintf(
		command, sizeof(command),
		"umask 022; mkdir -p '%s/etc/hwsafe/policy.d' && cat > '%s/etc/hwsafe/policy.d/test.conf' "
		"<<'END'\n" POLICY "END",
		root, root);
	ck_assert_int_eq(system(command), 0);
	daemon_start(&daemon, POLICY,
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	refill(&daemon);
	compare(&daemon, refill);
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

static int sees_no_other_functions(const struct daemon *daemon, void *context)
{
	static const char *const others[] = { "00:02.0", "00:09.0", "00:1f.7" };
	struct hws *hw = ask_helper(daemon);
	struct hws_pci_info info = { .size = sizeof(info) };
	char said[2][256];

	(void)context;
	must(hws_pci_get_info(hw, "00:03.0", &info) == 0 && info.vendor == 0x1234);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		must(hws_pci_get_info(hw, others[i], &info) == -EACCES);
		snprintf(said[i > 0], sizeof(said[0]), "%s", hws_why());
		must(!i || !strcmp(said[0], said[1]));
	}
	hws_close(hw);
	return 0;
}

START_TEST(p16_functions_that_are_denied_look_like_none)
{
	struct daemon daemon = { 0 };

	daemon_start(&daemon, "[alice]\nuser = 41000\npci = 1234:11e8 r\n", NULL);
	ck_assert_int_eq(as_user(ALICE, sees_no_other_functions, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static int is_denied_by_rules_first(const struct daemon *daemon, void *context)
{
	struct hws_options options = { .size = sizeof(options),
				       .backend = "native",
				       .sysroot = context,
				       .policy_text = "bar = 1234:11e8 2 0x0-0xff r" };
	struct hws *hw;
	struct hws_mmio *mmio;

	(void)daemon;
	must(hws_open(&options, &hw) == 0);
	must(hws_mmio_map(hw, "00:03.0", 2, 0, 0x100, HWS_RW, &mmio) == -EACCES);
	must(strstr(hws_why(), "no rule of the policy"));
	must(hws_mmio_map(hw, "00:03.0", 2, 0x100, 4, HWS_R, &mmio) == -EACCES);
	must(hws_mmio_map(hw, "00:03.0", 2, 0, 0, HWS_R, &mmio) == -EACCES);
	must(hws_mmio_map(hw, "00:03.0", 0, 0, 0x100, HWS_R, &mmio) == -EACCES);
	/* inside the rule it is the kernel's word */
	must(hws_mmio_map(hw, "00:03.0", 2, 0, 0x100, HWS_R, &mmio) == -EPERM);
	hws_close(hw);
	return 0;
}

START_TEST(bar_outside_its_rule_is_denied_by_the_policy_not_by_the_kernel)
{
	char root[64];
	char path[128];

	tree_make(root);
	ck_ok(chmod(root, 0755));
	snprintf(path, sizeof(path), "%s" TREE_FUNCTION "/config", root);
	ck_ok(chmod(path, 0644));
	ck_assert_int_eq(as_user(ALICE, is_denied_by_rules_first, NULL, root), 0);
	tree_remove(root);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-same",
			 (const TTest *[]) {
				 program_sees_the_same_simulated_machine,
				 program_sees_the_same_machine_of_files,
				 p16_functions_that_are_denied_look_like_none,
				 bar_outside_its_rule_is_denied_by_the_policy_not_by_the_kernel,
				 NULL,
			 });
}
