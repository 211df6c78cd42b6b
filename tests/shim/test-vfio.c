/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VFIO as far as files show it: what stands in the way, what a kernel tells, its log. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "tests/suite.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define PCI	     "sys/bus/pci/devices/"

static const struct hws_bdf edu = { .device = 3 };
static char root[] = "/tmp/hwsafe-vfio-XXXXXX";

/* One file, directory or link below the root: "dir/", "link -> where" or a file with a text. */
static void create(const char *entry)
{
	char path[256];
	char *arrow;

	snprintf(path, sizeof(path), "%s/%s", root, entry);
	arrow = strstr(path, " -> ");
	if (arrow)
		*arrow = '\0';
	for (char *slash = path + sizeof(root); (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	if (arrow)
		ck_assert_int_eq(symlink(arrow + 4, path), 0);
	else if (path[strlen(path) - 1] != '/')
		ck_assert_int_eq(mknod(path, S_IFREG | 0644, 0), 0);
}

static void build(const char *const *entries)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (; *entries; entries++)
		create(*entries);
}

static void destroy(void)
{
	char command[sizeof(root) + 16];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
	memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
}

/* What hold_open() says on a machine of these files. */
static void refuses(int line, const char *const *entries, int error, const char *said)
{
	struct hws_shim_options options = { .size = sizeof(options), .sysroot = root };
	struct hws_hold hold = { .way = "untouched" };
	struct hws_shim shim;
	int r;

	build(entries);
	ck_ok(shim_open(&native_ops, &options, &shim));
	r = shim_ops(&shim)->hold_open(shim.self, edu, &hold);
	ck_assert_msg(r == error, "line %d: %d (%s)", line, r, hws_why());
	ck_assert_msg(strstr(hws_why(), said) != NULL, "line %d: %s", line, hws_why());
	ck_assert_str_eq(hold.way, "untouched");
	shim_close(&shim);
	destroy();
}
#define REFUSES(error, said, ...) \
	refuses(__LINE__, (const char *const[]) { __VA_ARGS__, NULL }, error, said)

#define EDU	 PCI "0000:00:03.0/config"
#define GROUP	 PCI "0000:00:03.0/iommu_group -> ../../../../kernel/iommu_groups/7"
#define OF_VFIO	 PCI "0000:00:03.0/driver -> ../../drivers/vfio-pci"
#define AN_IOMMU "sys/class/iommu/dmar0/"
#define LOADED	 "sys/bus/pci/drivers/vfio-pci/"

START_TEST(hold_open_names_what_stands_in_the_way)
{
	REFUSES(-ENODEV, "no PCI function 0000:00:03.0", PCI "0000:00:04.0/config");
	REFUSES(-EOPNOTSUPP, "intel_iommu=on", EDU);
	REFUSES(-EOPNOTSUPP, "intel_iommu=on", EDU, "sys/class/iommu/");
	REFUSES(-EOPNOTSUPP, "does not cover it", EDU, AN_IOMMU, LOADED, OF_VFIO);
	REFUSES(-EOPNOTSUPP, "does not cover it", EDU, AN_IOMMU, LOADED, OF_VFIO,
		PCI "0000:00:03.0/iommu_group -> ../../../../kernel/iommu_groups/x");
	REFUSES(-ENXIO, "/dev/vfio/7: no such file", EDU, AN_IOMMU, LOADED, OF_VFIO, GROUP);
	/* a file that is no group */
	REFUSES(-ENOTTY, "IOMMU group 7", EDU, AN_IOMMU, LOADED, OF_VFIO, GROUP, "dev/vfio/7");
}
END_TEST

START_TEST(hold_open_gives_the_commands_that_bind)
{
	REFUSES(-ENXIO,
		"0000:00:03.0 is not bound to vfio-pci. As root: cd /sys/bus/pci; echo vfio-pci "
		">devices/0000:00:03.0/driver_override; echo 0000:00:03.0 >drivers_probe",
		EDU, AN_IOMMU, LOADED, GROUP);
	REFUSES(-ENXIO, "modprobe vfio-pci; cd", EDU, AN_IOMMU, GROUP);
	REFUSES(-EBUSY,
		"bound to e1000e, not vfio-pci. As root: modprobe vfio-pci; cd /sys/bus/pci; "
		"echo vfio-pci >devices/0000:00:03.0/driver_override; "
		"echo 0000:00:03.0 >devices/0000:00:03.0/driver/unbind; "
		"echo 0000:00:03.0 >drivers_probe",
		EDU, AN_IOMMU, GROUP, PCI "0000:00:03.0/driver -> ../../drivers/e1000e");
	/* no driver's name can push the commands out */
	REFUSES(-EBUSY, "not vfio-pci", EDU, AN_IOMMU, GROUP,
		PCI "0000:00:03.0/driver -> "
		    "a-driver-with-a-name-that-is-longer-than-that-of-any-driver-anybody-has-seen");
}
END_TEST

/* What a kernel tells of its IOMMU. */
struct told {
	struct vfio_iommu_type1_info head;
	struct {
		struct vfio_info_cap_header header; /* as …_cap_iova_range */
		uint32_t nr_iovas;
		uint32_t reserved;
		struct vfio_iova_range range[3];
	} ranges;
	struct vfio_iommu_type1_info_dma_avail available;
};

static struct told a_kernel(void)
{
	return (struct told) {
		.head = { .argsz = sizeof(struct told),
			  .flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
			  .iova_pgsizes = 0x40201000,
			  .cap_offset = offsetof(struct told, ranges) },
		.ranges = { .header = { .id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
					.next = offsetof(struct told, available) },
			    .nr_iovas = 3,
			    .range = { { 0, 0xfedfffff },
				       { 9, 8 },
				       { 0xfef00000, 0x7fffffffff } } },
		.available = { .header = { .id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL }, .avail = 77 },
	};
}

START_TEST(info_is_read)
{
	struct told told = a_kernel();
	struct hws_hold hold = { 0 };

	vfio_read_info(&told, sizeof(told), &hold);
	ck_assert_uint_eq(hold.page, 0x1000);
	ck_assert_uint_eq(hold.max_maps, 77);
	ck_assert_uint_eq(hold.span_count, 2);
	ck_assert_uint_eq(hold.spans[0].last, 0xfedfffff);
	ck_assert_uint_eq(hold.spans[1].first, 0xfef00000);
	told.head.flags = 0; /* a kernel from before all that */
	vfio_read_info(&told, 8, &hold);
	ck_assert_uint_eq(hold.page, sys_page_size());
	ck_assert_uint_eq(hold.max_maps, 65535);
	ck_assert_uint_eq(hold.span_count, 1);
}
END_TEST

START_TEST(info_that_is_wrong_is_survived)
{
	struct told told = a_kernel();
	struct hws_hold hold;

	for (size_t size = 0; size <= sizeof(told); size++) /* cut short */
		vfio_read_info(&told, size, &hold);
	told.ranges.nr_iovas = UINT32_MAX;
	vfio_read_info(&told, sizeof(told), &hold);
	ck_assert_uint_le(hold.span_count, HWS_HOLD_SPANS);
	told.ranges.header.next = told.head.cap_offset; /* in a circle */
	vfio_read_info(&told, sizeof(told), &hold);
	told.ranges.header.next = UINT32_MAX;
	vfio_read_info(&told, sizeof(told), &hold);
	for (uint32_t at = 0; at < 2 * sizeof(told); at++) { /* anywhere */
		told.head.cap_offset = at;
		vfio_read_info(&told, sizeof(told), &hold);
		ck_assert_uint_le(hold.span_count, HWS_HOLD_SPANS);
	}
}
END_TEST

START_TEST(region_is_read_with_its_areas)
{
	struct {
		struct vfio_region_info head;
		struct {
			struct vfio_info_cap_header header; /* as …_cap_sparse_mmap */
			uint32_t nr_areas;
			uint32_t reserved;
		} areas;
		struct vfio_region_sparse_mmap_area area[3];
	} told = {
		.head = { .flags = VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS,
			  .cap_offset = sizeof(told.head),
			  .size = 0x4000,
			  .offset = UINT64_C(1) << 40 },
		.areas = { .header = { .id = VFIO_REGION_INFO_CAP_SPARSE_MMAP }, .nr_areas = 3 },
		.area = { { 0, 0x1000 }, { 0x3000, 0x2000 }, { 0x2000, 0x2000 } },
	};
	struct vfio_region region;

	vfio_read_region(&told, sizeof(told), &region);
	ck_assert(!region.maps && region.start == UINT64_C(1) << 40 && region.size == 0x4000);
	ck_assert_uint_eq(region.area_count, 2); /* one ends outside */
	ck_assert(region.areas[1].first == 0x2000 && region.areas[1].last == 0x3fff);
	told.areas.header.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE;
	vfio_read_region(&told, sizeof(told), &region);
	ck_assert(region.maps && region.area_count == 0);
	told.areas.header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	told.areas.nr_areas = UINT32_MAX;
	for (size_t size = 0; size <= sizeof(told); size++) {
		vfio_read_region(&told, size, &region);
		ck_assert_uint_le(region.area_count, 2);
	}
	told.head.flags = 0;
	vfio_read_region(&told, sizeof(told), &region);
	ck_assert(!region.maps && region.area_count == 0);
}
END_TEST

#define INTEL "DMAR: [DMA Write NO_PASID] Request device [00:03.0] fault addr 0x100000 "

/* Held, as far as the back end can tell. */
static struct hws_hold hold_one(struct native *native, struct vfio_device *device)
{
	native->vfio.devices = device;
	native->vfio.held[1].device = device;
	native->vfio.held[1].cookie = 1;
	return (struct hws_hold) { .cookie = 1, .bdf = device->bdf };
}

/* The log, as a file, of a device that nobody opened. */
static int read_log(const char *text, struct hws_dma_fault *ret_fault)
{
	struct native native = { .root = SYS_REAL_ROOT, .vfio = { PTHREAD_MUTEX_INITIALIZER } };
	struct vfio_device device = { .bdf = edu, .hold = 1, .refs = 1, .fd = -1 };
	struct hws_hold hold = hold_one(&native, &device);
	char path[64];
	int fd;
	int r;

	build((const char *const[]) { "dev/kmsg", NULL });
	native.root = sys_root_open(root);
	snprintf(path, sizeof(path), "%s/dev/kmsg", root);
	fd = open(path, O_WRONLY);
	ck_assert_int_gt(write(fd, "3,1,1,-;" INTEL "\n", 70), 0); /* before: not ours */
	vfio_log_open(native.root, &device);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	r = native_dma_fault(&native, &hold, ret_fault);
	vfio_log_close(&device);
	sys_close(native.root);
	destroy();
	return r;
}

START_TEST(log_is_believed_when_the_kernel_wrote_it)
{
	struct hws_dma_fault fault = { 0 };

	ck_assert_int_eq(read_log("", &fault), -ENOENT);
	ck_ok(read_log("3,1234,5678,-;" INTEL "[fault reason 0x05]\n SUBSYSTEM=pci\n", &fault));
	ck_assert_uint_eq(fault.sequence, 1);
	ck_assert_int_eq(read_log("11,1234,5678,-;" INTEL "\n", &fault), -ENOENT); /* a program */
	ck_assert_int_eq(read_log("-3,1234,5678,-;" INTEL "\n", &fault), -ENOENT);
	ck_assert_int_eq(read_log("3;" INTEL "\n", &fault), -ENOENT);
	ck_assert_int_eq(read_log("3,1234,5678,-" INTEL "\n", &fault), -ENOENT);
}
END_TEST

START_TEST(log_that_can_not_be_read_is_told)
{
	struct native native = { .vfio = { PTHREAD_MUTEX_INITIALIZER } };
	struct vfio_device device = { .bdf = edu, .hold = 1, .refs = 1, .fd = -1 };
	struct hws_hold hold = hold_one(&native, &device);
	struct hws_dma_fault fault;

	build((const char *const[]) { "dev/", NULL });
	native.root = sys_root_open(root);
	vfio_log_open(native.root, &device);
	ck_assert_int_eq(native_dma_fault(&native, &hold, &fault), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(hws_why(), "/dev/kmsg: No such file"));
	device.kmsg = -EPERM;
	ck_assert_int_eq(native_dma_fault(&native, &hold, &fault), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(hws_why(), "dmesg_restrict"));
	hold.cookie = 2;
	ck_assert_int_eq(native_dma_fault(&native, &hold, &fault), -ENODEV);
	sys_close(native.root);
	destroy();
}
END_TEST

/* As if it were open: a window uses it, and what was written keeps it. */
START_TEST(device_that_a_write_keeps_goes_with_its_last_user)
{
	for (int window_goes_first = 0; window_goes_first < 2; window_goes_first++) {
		struct vfio_device *device = calloc(1, sizeof(*device));
		struct native *native;
		struct hws_shim shim;

		ck_assert_ptr_nonnull(device);
		ck_ok(shim_open(&native_ops, NULL, &shim));
		native = shim.self;
		*device = (struct vfio_device) {
			.bdf = edu, .refs = 1, .container = -1, .group = -1, .fd = -1
		};
		native->vfio.devices = device;
		vfio_keep(native, device);
		vfio_keep(native, device);
		if (window_goes_first)
			vfio_put(native, device);
		ck_assert(native_has_open(native, edu));
		native_let_go(native, edu);
		ck_assert(native_has_open(native, edu) == !window_goes_first);
		native_let_go(native, edu);
		if (!window_goes_first)
			vfio_put(native, device);
		ck_assert(!native_has_open(native, edu));
		shim_close(&shim);
	}
}
END_TEST

int main(void)
{
	return suite_run("shim/vfio", (const TTest *[]) {
					      hold_open_names_what_stands_in_the_way,
					      hold_open_gives_the_commands_that_bind,
					      info_is_read,
					      info_that_is_wrong_is_survived,
					      region_is_read_with_its_areas,
					      log_is_believed_when_the_kernel_wrote_it,
					      log_that_can_not_be_read_is_told,
					      device_that_a_write_keeps_goes_with_its_last_user,
					      NULL,
				      });
}
