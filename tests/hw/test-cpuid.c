/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Features by name, and how processors are grouped. */
#include "hw/topology-internal.h"
#include "shim/shim-internal.h"
#include "tests/hw/lab-kit.h"
#include "tests/hw/tree-kit.h"

static struct hws_cpuid *open_leaves(struct hws *hw)
{
	struct hws_cpuid *cpuid;

	ck_works(hws_cpuid_open(hw, 0, UINT32_MAX, &cpuid));
	return cpuid;
}

static struct hws *open_machine(const char *sim)
{
	struct hws_options options = sim_with(NULL);
	struct hws *hw;

	options.sim = sim;
	ck_works(hws_open(&options, &hw));
	return hw;
}

START_TEST(features_are_bits_of_their_leaves)
{
	struct hws *hw = open_with(NULL);
	struct hws_cpuid *cpuid = open_leaves(hw);
	struct hws_cpuid *few;

	ck_assert_int_eq(hws_cpuid_has(cpuid, "fpu"), 1);
	ck_assert_int_eq(hws_cpuid_has(cpuid, "avx2"), 1);
	ck_assert_int_eq(hws_cpuid_has(cpuid, "pku"), 1);
	ck_assert_int_eq(hws_cpuid_has(cpuid, "umip"), 1);
	ck_assert_int_eq(hws_cpuid_has(cpuid, "avx512f"), 0);
	ck_assert_int_eq(hws_cpuid_has(cpuid, "hypervisor"), 0);
	ck_assert_int_eq(hws_cpuid_has(cpuid, "svm"), 0);
	ck_assert_int_eq(hws_cpuid_has(cpuid, "constant_tsc"), 0); /* a leaf beyond the last */
	ck_assert_int_eq(hws_cpuid_has(cpuid, "avx3"), -ENOENT);
	ck_assert_int_eq(hws_cpuid_has(cpuid, ""), -ENOENT);
	ck_assert_msg(strstr(hws_why(), "no feature"), "%s", hws_why());
	ck_works(hws_cpuid_open(hw, 0, 1, &few));
	ck_assert_int_eq(hws_cpuid_has(few, "sse2"), 1);
	ck_denied(hws_cpuid_has(few, "avx2"), HWS_REASON_RANGE);
	hws_cpuid_close(few);
	hws_cpuid_close(cpuid);
	hws_close(hw);
}
END_TEST

START_TEST(names_are_listed_once)
{
	unsigned int count = 0;

	for (; hws_cpuid_feature_name(count); count++) {
		for (unsigned int i = 0; i < count; i++)
			ck_assert_str_ne(hws_cpuid_feature_name(i), hws_cpuid_feature_name(count));
	}
	ck_assert_uint_gt(count, 100);
	ck_assert_ptr_null(hws_cpuid_feature_name(UINT32_MAX));
}
END_TEST

START_TEST(every_name_is_answered)
{
	struct hws_options options = sim_with(NULL);
	struct hws_cpuid *cpuid;
	struct hws *hw;

	options.guards[HWS_GUARD_CPUID] =
		(struct hws_guard_limit) { .handle = 1 << 20, .context = 1 << 20 };
	ck_works(hws_open(&options, &hw));
	cpuid = open_leaves(hw);
	for (unsigned int i = 0; hws_cpuid_feature_name(i); i++)
		ck_assert_int_ge(hws_cpuid_has(cpuid, hws_cpuid_feature_name(i)), 0);
	hws_cpuid_close(cpuid);
	hws_close(hw);
}
END_TEST

START_TEST(topology_is_read_from_leaves)
{
	static const struct {
		const char *sim;
		uint32_t threads;
		int code;
		struct hws_topology wanted;
	} rows[] = {
		{ NULL, 4, 0, { 1, 4, 4 } },
		{ "cpu count 8\ncpuid 0 any 0x1f 0 0 0\ncpuid 0x1f 0 1 2 0x100 0\n"
		  "cpuid 0x1f 1 2 4 0x201 0\ncpuid 0x1f 2 3 4 0x502 0\n",
		  8,
		  0,
		  { 2, 4, 8 } },
		{ "cpu count 6\ncpuid 0 any 0x1f 0 0 0\ncpuid 0xb 0 1 2 0x100 0\n"
		  "cpuid 0xb 1 2 6 0x201 0\n",
		  6,
		  0,
		  { 1, 3, 6 } },
		{ "cpu count 2\ncpuid 0 any 0xb 0 0 0\ncpuid 0xb 0 0 1 0x100 0\n",
		  2,
		  0,
		  { 1, 2, 2 } },
		{ "cpu count 2\ncpuid 0 any 4 0 0 0\n", 2, -EOPNOTSUPP, { 0, 0, 0 } },
		/* a chain without end */
		{ "cpu count 2\ncpuid 0 any 0xb 0 0 0\ncpuid 0xb any 0 1 0x100 0\n",
		  2,
		  0,
		  { 1, 2, 2 } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hws *hw = open_machine(rows[i].sim);
		struct hws_cpuid *cpuid = open_leaves(hw);
		struct hws_topology found = { 0 };
		int r = cpuid_topology(cpuid, rows[i].threads, &found);

		ck_assert_msg(r == rows[i].code, "row %zu: %s", i, hws_why());
		ck_assert_msg(!memcmp(&found, &rows[i].wanted, sizeof(found)),
			      "row %zu: %u packages, %u cores, %u threads", i, found.packages,
			      found.cores, found.threads);
		hws_cpuid_close(cpuid);
		hws_close(hw);
	}
}
END_TEST

START_TEST(topology_is_read_from_sysfs)
{
	static const char *const cores[] = { "0,2\n", "1,3\n", "0,2\n", "1,3\n" };
	struct hws_topology found;
	char path[96];
	struct hws *hw;

	need("native", RAW_ARCH != HWS_ARCH_UNKNOWN, "the native back end is the generic one here");
	tree_begin();
	tree_text("/sys/devices/system/cpu/possible", "0-3\n");
	for (int cpu = 0; cpu < 4; cpu++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/topology/core_cpus_list", cpu);
		tree_text(path, cores[cpu]);
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/topology/package_cpus_list", cpu);
		tree_text(path, "0-3\n");
	}
	hw = tree_open(NULL);
	ck_works(hws_get_topology(hw, &found));
	ck_assert_uint_eq(found.packages, 1);
	ck_assert_uint_eq(found.cores, 2);
	ck_assert_uint_eq(found.threads, 4);
	hws_close(hw);
	tree_end();
}
END_TEST

START_TEST(topology_of_any_machine_adds_up)
{
	struct hws *hw = open_with(NULL);
	struct hws_topology found;

	ck_works(hws_get_topology(hw, &found));
	ck_assert_uint_eq(found.packages, 1);
	ck_assert_uint_eq(found.cores, 4);
	ck_assert_uint_eq(found.threads, 4);
	hws_close(hw);
}
END_TEST

START_TEST(real_processors_are_grouped)
{
	struct hws_topology found;
	struct hws_cpuid *cpuid;
	struct hws *hw;

	need_lab("uring"); /* any machine of the lab */
	hw = open_native();
	ck_works(hws_get_topology(hw, &found));
	ck_assert_uint_eq(found.threads, 2);
	ck_assert_uint_ge(found.cores, found.packages);
	ck_assert_uint_ge(found.threads, found.cores);
	ck_assert_uint_ge(found.packages, 1);
	if (suite_lab_has("pku")) {
		cpuid = open_leaves(hw);
		ck_assert_int_eq(hws_cpuid_has(cpuid, "lm"), 1);
		ck_assert_int_eq(hws_cpuid_has(cpuid, "pku"), 1);
		hws_cpuid_close(cpuid);
	}
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/cpuid", (const TTest *[]) {
					     features_are_bits_of_their_leaves,
					     names_are_listed_once,
					     every_name_is_answered,
					     topology_is_read_from_leaves,
					     topology_is_read_from_sysfs,
					     topology_of_any_machine_adds_up,
					     real_processors_are_grouped,
					     NULL,
				     });
}
