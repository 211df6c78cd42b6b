/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/caps-internal.h"
#include "guardian/readers-internal.h"
#include "tests/suite.h"

/* A tree of files below a directory of its own. */
struct file {
	const char *path, *text;
};

static char tree_path[] = "/tmp/hwsafe-caps-XXXXXX";

static int tree(const struct file *files)
{
	int fd;

	memcpy(tree_path, "/tmp/hwsafe-caps-XXXXXX", sizeof(tree_path));
	ck_assert_ptr_nonnull(mkdtemp(tree_path));
	for (; files->path; files++) {
		char path[512];
		FILE *file;

		snprintf(path, sizeof(path), "mkdir -p \"$(dirname %s/%s)\"", tree_path,
			 files->path);
		ck_assert_int_eq(system(path), 0);
		snprintf(path, sizeof(path), "%s/%s", tree_path, files->path);
		file = fopen(path, "w");
		ck_assert_ptr_nonnull(file);
		fputs(files->text, file);
		fclose(file);
	}
	fd = sys_root_open(tree_path);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void fell(int root)
{
	char command[64];

	sys_close(root);
	snprintf(command, sizeof(command), "rm -r %s", tree_path);
	ck_assert_int_eq(system(command), 0);
}

#define MEMINFO                                                         \
	{                                                               \
		"proc/meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\n"   \
				"MemAvailable: 600 kB\n"                \
				"SwapTotal: 400 kB\nSwapFree: 300 kB\n" \
	}
#define KB 1024u

static void check_reading(const struct file *files, enum hws_resource resource, int code,
			  uint64_t capacity, uint64_t usage)
{
	struct hws_usage seen = { .capacity = 77 };
	int root = tree(files);
	int r = readers_read(root, resource, &seen);

	ck_assert_msg(r == code, "%s: %d, not %d", hws_resource_name(resource), r, code);
	ck_assert_uint_eq(seen.capacity, code ? 77 : capacity);
	if (code == 0)
		ck_assert_uint_eq(seen.usage, usage);
	fell(root);
}

#define CHECK_READING(resource, code, capacity, usage, ...)                                  \
	check_reading((const struct file[]) { __VA_ARGS__, { NULL, NULL } }, resource, code, \
		      capacity, usage)

START_TEST(readers_read_meminfo)
{
	CHECK_READING(HWS_RAM, 0, 1000 * KB, 400 * KB, MEMINFO);
	CHECK_READING(HWS_SWAP, 0, 400 * KB, 100 * KB, MEMINFO);
	CHECK_READING(HWS_SWAP, 0, 0, 0, { "proc/meminfo", "SwapTotal: 0 kB\nSwapFree: 0 kB\n" });
	CHECK_READING(HWS_RAM, -ENOENT, 0, 0, { "proc/other", "" });
	CHECK_READING(HWS_RAM, -EBADMSG, 0, 0, { "proc/meminfo", "" });
	CHECK_READING(HWS_RAM, -EBADMSG, 0, 0, { "proc/meminfo", "MemTotal: 5 kB\n" });
	CHECK_READING(HWS_RAM, -EBADMSG, 0, 0,
		      { "proc/meminfo", "MemTotal: -5 kB\nMemAvailable: 1 kB\n" });
	CHECK_READING(HWS_RAM, -EBADMSG, 0, 0,
		      { "proc/meminfo", "MemTotal: 5 kB\nMemAvailable: 6 kB\n" });
	CHECK_READING(
		HWS_RAM, -EBADMSG, 0, 0,
		{ "proc/meminfo", "MemTotal: 99999999999999999999 kB\nMemAvailable: 6 kB\n" });
	CHECK_READING(
		HWS_RAM, -EBADMSG, 0, 0,
		{ "proc/meminfo", "MemTotal: 18446744073709551615 kB\nMemAvailable: 6 kB\n" });
	CHECK_READING(HWS_IRQ, -EOPNOTSUPP, 0, 0, MEMINFO);
}
END_TEST

START_TEST(readers_read_pressure)
{
	static const struct {
		const char *text;
		int code;
		uint32_t pressure;
	} cases[] = {
		{ "some avg10=7.00 avg60=0.00\nfull avg10=91.25 avg60=0.00 total=1\n", 0, 9125 },
		{ "full avg10=0.07\n", 0, 7 },
		{ "full avg10=100.00\n", 0, 10000 },
		{ "full avg10=101.00\n", -EBADMSG, 0 },
		{ "full avg10=1\n", -EBADMSG, 0 },
		{ "full avg10=1.5\n", -EBADMSG, 0 },
		{ "", -EBADMSG, 0 },
		{ "full avg10=x\n", -EBADMSG, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hws_usage usage = { 0 };
		int root = tree((const struct file[]) {
			MEMINFO, { "proc/pressure/memory", cases[i].text }, { NULL, NULL } });

		ck_assert_msg(readers_read(root, HWS_RAM, &usage) == cases[i].code, "%s",
			      cases[i].text);
		ck_assert_uint_eq(usage.pressure, cases[i].pressure);
		fell(root);
	}
}
END_TEST

#define GROUP(text)                      \
	{                                \
		"proc/self/cgroup", text \
	}
#define CG(name, text)                      \
	{                                   \
		"sys/fs/cgroup/" name, text \
	}

START_TEST(readers_heed_cgroups_v2)
{
	CHECK_READING(HWS_RAM, 0, 500 * KB, 100 * KB, MEMINFO, GROUP("0::/a/b\n"),
		      CG("a/b/memory.max", "512000\n"), CG("a/b/memory.current", "204800\n"),
		      CG("a/b/memory.stat", "anon 5\ninactive_file 102400\n"));
	/* an ancestor's limit counts as well */
	CHECK_READING(HWS_RAM, 0, 300 * KB, 300 * KB, MEMINFO, GROUP("0::/a/b\n"),
		      CG("a/memory.max", "307200\n"), CG("a/memory.current", "999999\n"),
		      CG("a/b/memory.max", "max\n"));
	CHECK_READING(HWS_RAM, 0, 100 * KB, 0, MEMINFO, GROUP("0::/\n"),
		      CG("memory.max", "102400\n"));
	CHECK_READING(HWS_RAM, 0, 100 * KB, 0, MEMINFO, GROUP("0::/../x\n"),
		      CG("memory.max", "102400\n"));
	CHECK_READING(HWS_RAM, 0, 100 * KB, 0, MEMINFO, GROUP("1:cpu:/\n0::/y\n"),
		      CG("unified/y/memory.max", "102400\n"));
	CHECK_READING(HWS_SWAP, 0, 0, 0, MEMINFO, GROUP("0::/a\n"), CG("a/memory.swap.max", "0\n"));
	CHECK_READING(HWS_SWAP, 0, 200 * KB, 50 * KB, MEMINFO, GROUP("0::/a\n"),
		      CG("a/memory.swap.max", "204800\n"), CG("a/memory.swap.current", "51200\n"));
	CHECK_READING(HWS_CPU, 0, 250, 0, GROUP("0::/a\n"), CG("a/cpu.max", "25000 100000\n"));
	CHECK_READING(HWS_CPU, -EBADMSG, 0, 0, GROUP("0::/a\n"), CG("a/cpu.max", "25000 0\n"));
	CHECK_READING(HWS_CPU, -EBADMSG, 0, 0, GROUP("0::/a\n"), CG("a/cpu.max", "25000\n"));
	CHECK_READING(HWS_RAM, -EBADMSG, 0, 0, MEMINFO, GROUP("0::/a\n"),
		      CG("a/memory.max", "lots\n"));
	CHECK_READING(HWS_RAM, -EBADMSG, 0, 0, MEMINFO, GROUP("nonsense\n"));
}
END_TEST

START_TEST(readers_heed_cgroups_v1)
{
	CHECK_READING(HWS_RAM, 0, 500 * KB, 150 * KB, MEMINFO, GROUP("4:cpuset,memory:/m\n0::/x\n"),
		      CG("memory/m/memory.limit_in_bytes", "512000\n"),
		      CG("memory/m/memory.usage_in_bytes", "204800\n"),
		      CG("memory/m/memory.stat", "inactive_file 9\ntotal_inactive_file 51200\n"));
	CHECK_READING(HWS_RAM, 0, 1000 * KB, 400 * KB, MEMINFO, GROUP("4:memory:/m\n"),
		      CG("memory/m/memory.limit_in_bytes", "9223372036854771712\n"));
	CHECK_READING(HWS_SWAP, 0, 100 * KB, 50 * KB, MEMINFO, GROUP("4:memory:/m\n"),
		      CG("memory/m/memory.limit_in_bytes", "102400\n"),
		      CG("memory/m/memory.usage_in_bytes", "51200\n"),
		      CG("memory/m/memory.memsw.limit_in_bytes", "204800\n"),
		      CG("memory/m/memory.memsw.usage_in_bytes", "102400\n"));
	CHECK_READING(HWS_CPU, 0, 500, 0, GROUP("3:cpuacct,cpu:/\n"),
		      CG("cpu/cpu.cfs_quota_us", "50000\n"),
		      CG("cpu/cpu.cfs_period_us", "100000\n"));
	CHECK_READING(HWS_CPU, 0, (uint64_t)sys_cpus_allowed() * 1000, 0, GROUP("3:cpu:/\n"),
		      CG("cpu/cpu.cfs_quota_us", "-1\n"), CG("cpu/cpu.cfs_period_us", "100000\n"));
}
END_TEST

START_TEST(readers_read_this_machine)
{
	static const enum hws_resource all[] = { HWS_RAM, HWS_SWAP, HWS_CPU, HWS_DMA, HWS_HEAP };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct hws_usage usage = { 0 };

		ck_ok(readers_read(SYS_REAL_ROOT, all[i], &usage));
		ck_assert(all[i] == HWS_SWAP || usage.capacity > 0);
		ck_assert_uint_le(usage.usage, usage.capacity);
	}
}
END_TEST

START_TEST(caps_deny_swap_where_there_is_none)
{
	struct hws_cap_state states[HWS_RESOURCES];
	struct hws_token token;
	struct caps caps;
	int root = tree((const struct file[]) {
		{ "proc/meminfo", "SwapTotal: 0 kB\nSwapFree: 0 kB\n" }, { NULL, NULL } });

	ck_ok(caps_init(&caps, root, NULL));
	ck_assert_int_eq(caps_reserve(&caps, HWS_SWAP, 1, &token), HWS_REASON_NO_CAPACITY);
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 1, &token), HWS_REASON_NO_CAPACITY);
	ck_assert_ptr_nonnull(strstr(hws_why(), "can't be read"));
	caps_read(&caps, states);
	ck_assert_uint_eq(states[HWS_SWAP].denied_no_capacity, 1);
	caps_fini(&caps);
	fell(root);
}
END_TEST

int main(void)
{
	return suite_run("guardian/readers",
			 (const TTest *[]) { readers_read_meminfo, readers_read_pressure,
					     readers_heed_cgroups_v2, readers_heed_cgroups_v1,
					     readers_read_this_machine,
					     caps_deny_swap_where_there_is_none, NULL });
}
