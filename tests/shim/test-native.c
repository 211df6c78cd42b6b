/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The native back end on a machine made of files: what hardware shows late, or never. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/grants-internal.h"
#include "shim/shim-internal.h"
#include "tests/suite.h"

static char root[] = "/tmp/hwsafe-native-XXXXXX";
static struct hws_shim shim;
static const struct hws_bdf edu = { .device = 3 };
static const struct hws_bdf absent = { .device = 9 };
#define EDU "/sys/bus/pci/devices/0000:00:03.0"

static int create(const char *path, mode_t mode)
{
	char whole[256];
	int fd;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *slash = whole + sizeof(root); (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		ck_assert(mkdir(whole, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	fd = open(whole, O_RDWR | O_CREAT | O_TRUNC, mode);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void create_text(const char *path, const char *text)
{
	int fd = create(path, 0644);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* edu: 64 bytes of configuration, a BAR of two pages, one of 16 ports at 0x1000; two CPUs' MSRs */
static void build_machine(void)
{
	static const uint32_t id = 0x11e81234;
	static const uint64_t msr = 0x1122334455667788;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(root));
	fd = create(EDU "/config", 0644);
	ck_assert_int_eq(ftruncate(fd, 64), 0);
	ck_assert_int_eq(pwrite(fd, &id, sizeof(id), 0), sizeof(id));
	close(fd);
	fd = create(EDU "/resource0", 0600);
	ck_assert_int_eq(ftruncate(fd, 8192), 0);
	close(fd);
	fd = create(EDU "/resource1", 0600);
	ck_assert_int_eq(ftruncate(fd, 16), 0);
	close(fd);
	create_text(EDU "/resource", "0x00000000fea00000 0x00000000fea01fff 0x0000000000040200\n"
				     "0x0000000000001000 0x000000000000100f 0x0000000000040101\n");
	create_text("/sys/bus/pci/devices/0001:00:00.0/config", "");
	create_text("/sys/bus/pci/devices/0000:02:00.0/config", "");
	create_text("/sys/bus/pci/devices/README", "");
	create_text("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1",
		    "0x00000000410fd083\n");
	fd = create("/dev/cpu/0/msr", 0600);
	ck_assert_int_eq(pwrite(fd, &msr, sizeof(msr), 0x10), sizeof(msr));
	close(fd);
}

static void setup(void)
{
	struct hws_shim_options options = { .size = sizeof(options), .sysroot = root };

	build_machine();
	ck_ok(shim_open(&native_ops, &options, &shim));
}

static void teardown(void)
{
	char command[sizeof(root) + 16];

	shim_close(&shim);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

/* Each test gets a machine of its own. */
#define NATIVE_TEST(name)      \
	START_TEST(name)       \
	{                      \
		setup();       \
		name##_body(); \
		teardown();    \
	}                      \
	END_TEST

static void pci_next_goes_in_order_body(void)
{
	static const char *const order[] = { "0000:00:03.0", "0000:02:00.0", "0001:00:00.0" };
	struct hws_bdf at;
	char text[HWS_BDF_TEXT];
	int r = shim_ops(&shim)->pci_next(shim.self, NULL, &at);

	for (size_t i = 0; i < 3; i++) {
		ck_ok(r);
		ck_assert_str_eq(hws_bdf_format(at, text), order[i]);
		r = shim_ops(&shim)->pci_next(shim.self, &at, &at);
	}
	ck_assert_int_eq(r, -ENOENT);
}
NATIVE_TEST(pci_next_goes_in_order)

static void pci_read_tells_refusals_apart_body(void)
{
	const struct hws_shim_ops *ops = shim_ops(&shim);
	uint32_t value = 0;

	ck_ok(ops->pci_read(shim.self, edu, 0, 4, &value));
	ck_assert_uint_eq(value, 0x11e81234);
	ck_ok(ops->pci_read(shim.self, edu, 2, 2, &value));
	ck_assert_uint_eq(value, 0x11e8);
	ck_assert_int_eq(ops->pci_read(shim.self, edu, 64, 4, &value), -EPERM);
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_assert_ptr_nonnull(strstr(hws_why(), "beyond 64 bytes"));
	ck_assert_int_eq(ops->pci_read(shim.self, absent, 0, 1, &value), -ENODEV);
	ck_assert_uint_eq(value, UINT8_MAX);
	ck_assert_ptr_nonnull(strstr(hws_why(), "0000:00:09.0"));
	ck_ok(ops->pci_write(shim.self, edu, 4, 2, 0x0407));
	ck_ok(ops->pci_read(shim.self, edu, 4, 2, &value));
	ck_assert_uint_eq(value, 0x0407);
	ck_assert_int_eq(ops->pci_write(shim.self, absent, 4, 2, 0), -ENODEV);
}
NATIVE_TEST(pci_read_tells_refusals_apart)

static void bar_map_reads_and_writes_inside_body(void)
{
	const struct hws_shim_ops *ops = shim_ops(&shim);
	struct hws_window window;
	uint64_t value;

	ck_ok(ops->bar_map(shim.self, edu, 0, 0x1004, 0x10, HWS_RW, &window));
	ck_assert_uint_eq(window.first, 0x1004);
	ck_assert_uint_eq(window.size, 0x10);
	ck_assert_str_eq(window.way, "resource0");
	for (uint32_t width = 1; width <= 8; width *= 2) {
		ck_ok(ops->mmio_write(shim.self, &window, 4, width, UINT64_C(0x1122334455667788)));
		ck_ok(ops->mmio_read(shim.self, &window, 4, width, &value));
		ck_assert_uint_eq(value, UINT64_C(0x1122334455667788) & shim_ones(width));
	}
	ops->bar_unmap(shim.self, &window);
	ck_assert_ptr_null(window.direct);
	ops->bar_unmap(shim.self, &window);
	ck_ok(ops->bar_map(shim.self, edu, 0, 0x1000, 0, HWS_R, &window));
	ck_assert_uint_eq(window.size, 0x1000);
	ck_assert_int_eq(ops->mmio_write(shim.self, &window, 0, 4, 1), -EIO);
	ops->bar_unmap(shim.self, &window);
}
NATIVE_TEST(bar_map_reads_and_writes_inside)

/* A function with a small BAR: 256 bytes that begin at @base, all 0xaa. */
static const struct hws_bdf small = { .device = 4 };
static void build_small(const char *device, unsigned int base)
{
	char path[128], text[96], bytes[257] = "";

	memset(bytes, 0xaa, sizeof(bytes) - 1);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:00:%s.0/resource", device);
	snprintf(text, sizeof(text), "0x%016x 0x%016x 0x0000000000040200\n", base, base + 255);
	create_text(path, text);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:00:%s.0/resource0", device);
	create_text(path, bytes);
}

/* The kernel shows the page in which it lies: the file's first byte is the page's. */
static void bar_smaller_than_a_page_is_where_it_begins_body(void)
{
	const struct hws_shim_ops *ops = shim_ops(&shim);
	struct hws_window window;
	uint64_t value = 0;

	build_small("04", 0xfea20000);
	ck_ok(ops->bar_map(shim.self, small, 0, 4, 8, HWS_RW, &window));
	ck_ok(ops->mmio_read(shim.self, &window, 0, 4, &value));
	ck_assert_uint_eq(value, 0xaaaaaaaa);
	ops->bar_unmap(shim.self, &window);
	build_small("04", 0xfea20100);
	ck_ok(ops->bar_map(shim.self, small, 0, 4, 8, HWS_RW, &window));
	ck_assert_uint_eq((uintptr_t)window.direct % 4096, 0x104);
	ck_ok(ops->mmio_read(shim.self, &window, 0, 4, &value));
	ck_assert_uint_eq(value, 0); /* where there is no byte of the file any more */
	ops->bar_unmap(shim.self, &window);
}
NATIVE_TEST(bar_smaller_than_a_page_is_where_it_begins)

/* 0 where a descriptor is to be had, or -errno. */
static int small_bar_fd(void)
{
	uint64_t size = 0;
	int fd = shim_ops(&shim)->bar_fd(shim.self, small, 0, HWS_RW, &size);

	ck_assert_uint_eq(size, fd < 0 ? 0 : 256);
	return fd < 0 ? fd : close(fd);
}

static void descriptor_of_a_bar_reaches_no_other_body(void)
{
	build_small("04", 0xfea20000);
	ck_ok(small_bar_fd());
	build_small("05", 0xfea20100);
	ck_assert_int_eq(small_bar_fd(), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(hws_why(), "shares a page"));
	build_small("05", 0xfeb00000);
	ck_ok(small_bar_fd());
	build_small("04", 0xfea20100);
	ck_assert_int_eq(small_bar_fd(), -EOPNOTSUPP);
}
NATIVE_TEST(descriptor_of_a_bar_reaches_no_other)

/* Where its BARs lie can't be read any more. */
static void hide_places(const char *device)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/0000:00:%s.0/resource", root, device);
	ck_ok(unlink(path));
	ck_ok(mkdir(path, 0700));
}

static void descriptor_of_a_bar_waits_for_what_can_not_be_told_body(void)
{
	build_small("04", 0xfea20000);
	build_small("05", 0xfeb00000);
	ck_ok(small_bar_fd());
	hide_places("05"); /* they may lie in the same page */
	ck_assert_int_lt(small_bar_fd(), 0);
	hide_places("04");
	ck_assert_int_eq(small_bar_fd(), -EISDIR);
	ck_assert_ptr_nonnull(strstr(hws_why(), "can't be told"));
}
NATIVE_TEST(descriptor_of_a_bar_waits_for_what_can_not_be_told)

/* What else a program was granted says nothing about this. */
static void grants_stand_for_what_they_grant_body(void)
{
	static struct hws_grants head = { .bars = 1 };
	struct hws_grants_bar bar = { .device = 3, .bar = 0, .rights = HWS_RW, .fd = 0 };
	const struct grants grants = { .head = &head, .bars = &bar };
	struct hws_shim_options options = { .size = sizeof(options),
					    .sysroot = root,
					    .grants = &grants };
	const struct hws_shim_ops *ops = shim_ops(&shim);
	struct hws_shim granted;
	char path[256];

	snprintf(path, sizeof(path), "%s" EDU "/driver", root);
	ck_assert_int_eq(symlink("../../../bus/pci/drivers/edu", path), 0);
	create_text("/proc/ioports", "0070-0077 : rtc0\n1000-100f : 0000:00:03.0\n");
	head.ports[0x70 / 8] = 0x3; /* 0x70 and 0x71 */
	ck_ok(shim_open(&native_ops, &options, &granted));
	ck_ok(ops->ports_claimed(granted.self, 0x70, 2));
	ck_assert_int_eq(ops->ports_claimed(granted.self, 0x70, 3), -EBUSY);
	ck_ok(ops->pci_claimed(granted.self, edu, 0));
	ck_assert_int_eq(ops->pci_claimed(granted.self, edu, 1), -EBUSY);
	ck_assert_int_eq(ops->pci_claimed(granted.self, edu, HWS_CONFIG_SPACE), -EBUSY);
	bar.rights = HWS_R;
	ck_assert_int_eq(ops->pci_claimed(granted.self, edu, 0), -EBUSY);
	shim_close(&granted);
}
NATIVE_TEST(grants_stand_for_what_they_grant)

static void bar_map_refuses_what_is_not_there_body(void)
{
	static const struct {
		uint32_t bar;
		uint64_t offset;
		uint64_t size;
		int error;
	} bad[] = {
		{ 0, 8192, 0, -ERANGE },       { 0, 8189, 4, -ERANGE },
		{ 0, 0, 8193, -ERANGE },       { 2, 0, 4, -ENODEV },
		{ 0, 1, UINT64_MAX, -ERANGE }, { 0, UINT64_MAX, 0, -ERANGE },
		{ 6, 0, 4, -EINVAL },	       { UINT32_MAX, 0, 4, -EINVAL },
	};
	struct hws_window window = { .way = "untouched" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = shim_ops(&shim)->bar_map(shim.self, edu, bad[i].bar, bad[i].offset,
						 bad[i].size, HWS_R, &window);

		ck_assert_msg(r == bad[i].error, "row %zu: %s", i, strerror(-r));
		ck_assert_str_eq(window.way, "untouched");
		ck_assert_str_ne(hws_why(), "");
	}
}
NATIVE_TEST(bar_map_refuses_what_is_not_there)

static void device_lost_under_the_reader_gives_all_ones_body(void)
{
	const struct hws_shim_ops *ops = shim_ops(&shim);
	struct hws_window window;
	uint64_t value = 0;
	char path[256];

	ck_ok(ops->bar_map(shim.self, edu, 0, 0, 0, HWS_RW, &window));
	ck_ok(ops->mmio_read(shim.self, &window, 0, 4, &value));
	snprintf(path, sizeof(path), "%s" EDU "/resource0", root);
	ck_assert_int_eq(truncate(path, 0), 0);
	for (uint32_t width = 1; width <= 8; width *= 2) {
		ck_assert_int_eq(ops->mmio_read(shim.self, &window, 0, width, &value), -EIO);
		ck_assert_uint_eq(value, shim_ones(width));
		ck_assert_int_eq(ops->mmio_write(shim.self, &window, 0, width, 0), -EIO);
	}
	ck_assert_ptr_nonnull(strstr(hws_why(), "did not answer"));
	ops->bar_unmap(shim.self, &window);
}
NATIVE_TEST(device_lost_under_the_reader_gives_all_ones)

static void msr_read_tells_a_hole_from_an_absent_cpu_body(void)
{
	const struct hws_shim_ops *ops = shim_ops(&shim);
	uint64_t value = 0;

	ck_ok(ops->msr_read(shim.self, 0, 0x10, &value));
	ck_assert_uint_eq(value, UINT64_C(0x1122334455667788));
	ck_assert_int_eq(ops->msr_read(shim.self, 0, 0x9999, &value), -EIO);
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert_ptr_nonnull(strstr(hws_why(), "0x9999"));
	ck_assert_int_eq(ops->msr_read(shim.self, 100000, 0x10, &value), -ENODEV);
	ck_ok(ops->msr_write(shim.self, 0, 0x10, 5));
	ck_ok(ops->msr_read(shim.self, 0, 0x10, &value));
	ck_assert_uint_eq(value, 5);
}
NATIVE_TEST(msr_read_tells_a_hole_from_an_absent_cpu)

static void ports_go_through_the_bar_that_holds_them_body(void)
{
	const struct hws_shim_ops *ops = shim_ops(&shim);
	struct hws_window ports;
	uint32_t value = 0;

	ck_ok(ops->port_open(shim.self, 0x1004, 8, HWS_RW, &ports));
	ck_assert_str_eq(ports.way, "resource1");
	ck_ok(ops->port_write(shim.self, &ports, 0x1006, 2, 0xbeef));
	ck_ok(ops->port_read(shim.self, &ports, 0x1004, 4, &value));
	ck_assert_uint_eq(value, 0xbeef0000);
	ops->port_close(shim.self, &ports);
	ops->port_close(shim.self, &ports);
	ck_assert_int_eq(ops->port_open(shim.self, 0x100c, 8, HWS_R, &ports), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(hws_why(), "/dev/port"));
	ck_assert_int_eq(ops->port_open(shim.self, 0xffff, 2, HWS_R, &ports), -ERANGE);
	ck_assert_int_eq(ops->port_open(shim.self, 0x70, 0, HWS_R, &ports), -ERANGE);
}
NATIVE_TEST(ports_go_through_the_bar_that_holds_them)

static void dev_port_takes_bytes_only_body(void)
{
	const struct hws_shim_ops *ops = shim_ops(&shim);
	struct hws_window ports;
	uint32_t value = 0;
	int fd = create("/dev/port", 0600);

	need("ports", RAW_HAS_PORTS, "this architecture has no port instructions");
	ck_assert_int_eq(pwrite(fd, "\x5a", 1, 0x71), 1);
	ck_ok(ops->port_open(shim.self, 0x70, 4, HWS_RW, &ports));
	ck_assert_str_eq(ports.way, "/dev/port");
	ck_ok(ops->port_read(shim.self, &ports, 0x71, 1, &value));
	ck_assert_uint_eq(value, 0x5a);
	ck_assert_int_eq(ops->port_read(shim.self, &ports, 0x70, 2, &value), -EOPNOTSUPP);
	ck_assert_uint_eq(value, UINT16_MAX);
	ck_assert_int_eq(ops->port_write(shim.self, &ports, 0x70, 4, 0), -EOPNOTSUPP);
	ck_assert_int_eq(ops->port_read(shim.self, &ports, 0x73, 1, &value), -EIO);
	ops->port_close(shim.self, &ports);
	close(fd);
}
NATIVE_TEST(dev_port_takes_bytes_only)

static void identify_names_the_processor_body(void)
{
	struct hws_cpu cpu;

	create_text("/sys/devices/system/cpu/online", "0,2-5\n");
	ck_ok(shim_ops(&shim)->identify(shim.self, &cpu));
	ck_assert_int_eq(cpu.arch, RAW_ARCH);
	ck_assert(cpu.vendor[0] && cpu.model[0]);
	ck_assert_uint_ne(cpu.id, 0);
	ck_assert_uint_eq(cpu.cpus, 5); /* not this machine's */
	ck_assert_uint_ne(shim_ops(&shim)->timestamp(shim.self), 0);
	shim_ops(&shim)->barrier(shim.self, HWS_BARRIER_READ);
	shim_ops(&shim)->barrier(shim.self, HWS_BARRIER_WRITE);
	shim_ops(&shim)->barrier(shim.self, HWS_BARRIER_FULL);
}
NATIVE_TEST(identify_names_the_processor)

START_TEST(open_names_a_sysroot_that_is_not_there)
{
	struct hws_shim_options options = { .size = sizeof(options), .sysroot = "/nowhere/at/all" };

	ck_assert_int_eq(shim_open(&native_ops, &options, &shim), -ENOENT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "/nowhere/at/all"));
}
END_TEST

int main(void)
{
	if (RAW_ARCH == HWS_ARCH_UNKNOWN) {
		puts("1..0 # SKIP the native back end is the generic one here");
		return EXIT_SUCCESS;
	}
	return suite_run("shim/native", (const TTest *[]) {
						pci_next_goes_in_order,
						pci_read_tells_refusals_apart,
						bar_map_reads_and_writes_inside,
						bar_smaller_than_a_page_is_where_it_begins,
						descriptor_of_a_bar_reaches_no_other,
						descriptor_of_a_bar_waits_for_what_can_not_be_told,
						grants_stand_for_what_they_grant,
						bar_map_refuses_what_is_not_there,
						device_lost_under_the_reader_gives_all_ones,
						msr_read_tells_a_hole_from_an_absent_cpu,
						ports_go_through_the_bar_that_holds_them,
						dev_port_takes_bytes_only,
						identify_names_the_processor,
						open_names_a_sysroot_that_is_not_there,
						NULL,
					});
}
