/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processors, nodes and devices, in a tree of our own and on this machine. */
#include "uring/numa.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/uring/pools.h"

#include "hw/hwsafe.h"

/* Makes the file, and the folders above it. */
static void put(const char *root, const char *path, const char *text)
{
	char full[256];
	int fd;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *at = strchr(full + strlen(root) + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		ck_assert(mkdir(full, 0700) == 0 || errno == EEXIST);
		*at = '/';
	}
	if (!text)
		return;
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static struct hws *open_below(const char *root)
{
	struct hws_options options = {
		.size = sizeof(options),
		.sysroot = root,
		.backend = "sim",
	};
	struct hws *hw;

	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	return hw;
}

static void away(const char *root)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(nodes_are_found_in_the_tree)
{
	char root[] = "/tmp/hwsafe-numa-XXXXXX";
	struct hws *hw;
	uint32_t got = 77;

	ck_assert_ptr_nonnull(mkdtemp(root));
	put(root, "/sys/devices/system/cpu/cpu0/node0/", NULL);
	put(root, "/sys/devices/system/cpu/cpu5/node3/", NULL);
	put(root, "/sys/devices/system/cpu/cpu6/cache/", NULL);
	put(root, "/sys/devices/system/node/node0/cpulist", "0-4\n");
	put(root, "/sys/devices/system/node/node3/cpulist", "5,7\n");
	put(root, "/sys/devices/system/node/node4/cpulist", "\n");
	put(root, "/sys/bus/pci/devices/0000:03:00.0/numa_node", "3\n");
	put(root, "/sys/bus/pci/devices/0000:00:01.0/numa_node", "-1\n");
	hw = open_below(root);
	ck_assert_int_eq(hws_numa_node(hw, 9, &got), -ENODEV);
	ck_assert_int_eq(hws_numa_cpu(hw, 9, &got), -ENODEV);
	ck_assert_int_eq(hws_numa_cpu(hw, 4, &got), -ENODEV);
	ck_assert_int_eq(hws_numa_of_device(hw, "nonsense", &got), -EINVAL);
	ck_assert_int_eq(hws_numa_of_device(hw, "0000:04:00.0", &got), -ENODEV);
	ck_assert_int_eq(hws_numa_of_device(hw, "0000:00:01.0", &got), -ENODATA);
	ck_assert_str_ne(hws_why(), "");
	ck_assert_uint_eq(got, 77);
	ck_ok(hws_numa_node(hw, 5, &got));
	ck_assert_uint_eq(got, 3);
	ck_ok(hws_numa_node(hw, 6, &got));
	ck_assert_uint_eq(got, 0);
	ck_ok(hws_numa_cpu(hw, 3, &got));
	ck_assert_uint_eq(got, 5);
	ck_ok(hws_numa_of_device(hw, "03:00.0", &got));
	ck_assert_uint_eq(got, 3);
	hws_close(hw);
	away(root);
}
END_TEST

START_TEST(a_kernel_without_nodes_has_one)
{
	char root[] = "/tmp/hwsafe-numa-XXXXXX";
	struct hws *hw;
	uint32_t got = 77;

	ck_assert_ptr_nonnull(mkdtemp(root));
	put(root, "/sys/devices/system/cpu/online", "2-3\n");
	hw = open_below(root);
	ck_ok(hws_numa_cpu(hw, 0, &got));
	ck_assert_uint_eq(got, 2);
	ck_assert_int_eq(hws_numa_cpu(hw, 1, &got), -ENODEV);
	hws_close(hw);
	away(root);
}
END_TEST

START_TEST(a_pinned_thread_stays)
{
	uint32_t cpu;
	uint32_t node;
	uint32_t now;

	hws_numa_here(&cpu, NULL);
	ck_ok(hws_numa_pin(cpu));
	for (int i = 0; i < 1000; i++) {
		sys_yield();
		hws_numa_here(&now, &node);
		ck_assert_uint_eq(now, cpu);
	}
	ck_assert_int_eq(sys_cpus_allowed(), 1);
	ck_ok(hws_numa_node(NULL, cpu, &now));
	ck_assert_uint_eq(now, node);
	ck_assert_int_eq(hws_numa_pin(8191), -EINVAL);
	ck_assert_int_eq(hws_numa_pin(UINT32_MAX), -EINVAL);
	ck_assert_ptr_nonnull(strstr(hws_why(), "processor 4294967295"));
	ck_assert_int_eq(sys_cpus_allowed(), 1);
}
END_TEST

START_TEST(a_pool_says_which_nodes_there_are)
{
	struct hws_pool_options options = one_class(1, 4096);
	struct hws_pool *pool;

	need_kernel("mbind()");
	options.flags = HWS_POOL_NODE;
	options.node = 999;
	ck_assert_int_lt(hws_pool_open(NULL, &options, &pool), 0);
	ck_assert_ptr_nonnull(strstr(hws_why(), "NUMA node 999"));
	need("numa", access("/sys/devices/system/node/has_memory", F_OK) == 0,
	     "no NUMA in this kernel");
	ck_assert_ptr_nonnull(strstr(hws_why(), "some here are 0"));
	hws_numa_here(NULL, &options.node);
	ck_ok(hws_pool_open(NULL, &options, &pool));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

int main(void)
{
	return suite_run("uring/numa", (const TTest *[]) {
					       nodes_are_found_in_the_tree,
					       a_kernel_without_nodes_has_one,
					       a_pinned_thread_stays,
					       a_pool_says_which_nodes_there_are,
					       NULL,
				       });
}
