/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may do what, by the kernel's own word and whatever the policy allows: each cell, for real. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hw/lab-kit.h"

#define DEVICE "0000:00:04.0" /* pci-testdev: nobody uses it */
#define SYSFS  "/sys/bus/pci/devices/" DEVICE "/"
enum { COMMAND = 0x04, APIC_BASE = 0x1b, USER = 1000 };

/* ---- the columns: each opens, uses, closes; 0 or what our API said ---- */

static int use_ports(struct hws *hw)
{
	struct hws_port *port;
	int r = hws_port_open(hw, INDEX, 2, HWS_RW, &port);

	if (r < 0)
		return r;
	r = hws_port_write8(port, INDEX, 0);
	hws_port_close(port);
	return r;
}

static int use_msr(struct hws *hw, bool write)
{
	struct hws_msr *msr;
	uint64_t value;
	int r = hws_msr_open(hw, "0", APIC_BASE, APIC_BASE, HWS_RW, &msr);

	if (r < 0)
		return r;
	r = hws_msr_read(msr, 0, APIC_BASE, &value);
	if (r == 0 && write)
		r = hws_msr_write(msr, 0, APIC_BASE, value);
	hws_msr_close(msr);
	return r;
}

static int read_msr(struct hws *hw)
{
	return use_msr(hw, false);
}

static int write_msr(struct hws *hw)
{
	return use_msr(hw, true);
}

static int read_config(struct hws *hw, uint32_t offset)
{
	struct hws_pci *pci;
	uint32_t value;
	int r = hws_pci_open(hw, DEVICE, 0, 0, HWS_R, &pci);

	if (r < 0)
		return r;
	r = hws_pci_read32(pci, offset, &value);
	hws_pci_close(pci);
	return r;
}

static int read_head(struct hws *hw)
{
	return read_config(hw, 0x3c);
}

static int read_whole(struct hws *hw)
{
	return read_config(hw, 0xfc);
}

static int write_config(struct hws *hw)
{
	struct hws_pci *pci;
	uint16_t command = 0;
	int r = hws_pci_open(hw, DEVICE, 0, 0x40, HWS_RW, &pci);

	if (r < 0)
		return r;
	r = hws_pci_read16(pci, COMMAND, &command);
	if (r == 0)
		r = hws_pci_write16(pci, COMMAND, command);
	hws_pci_close(pci);
	return r;
}

static int map_bar(struct hws *hw)
{
	struct hws_mmio *mmio;
	int r = hws_mmio_map(hw, DEVICE, 0, 0, 0x10, HWS_RW, &mmio);

	if (r < 0)
		return r;
	r = hws_mmio_write8(mmio, 0, 0);
	hws_mmio_unmap(mmio);
	return r;
}

enum { COLUMNS = 7 };
static const struct {
	const char *name;
	int (*use)(struct hws *hw);
} columns[COLUMNS] = {
	{ "ports", use_ports },
	{ "MSR read", read_msr },
	{ "MSR write", write_msr },
	{ "config, 64 bytes", read_head },
	{ "config, 256", read_whole },
	{ "config write", write_config },
	{ "BAR", map_bar },
};

/* ---- the rows ---- */

static void set_capabilities(uint32_t some)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { some, some, 0 }, { 0, 0, 0 } };

	if (syscall(SYS_capset, &header, data) < 0)
		_exit(101);
}

static void become_user(void)
{
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0)
		_exit(102);
}

static void be_root(void)
{
}

static void be_root_without(void)
{
	set_capabilities(0);
}

static void be_user_with_rawio(void)
{
	become_user();
	set_capabilities(1u << CAP_SYS_RAWIO);
}

static void be_user(void)
{
	become_user();
	set_capabilities(0);
}

struct row {
	const char *name;
	void (*become)(void);
	int wanted[COLUMNS];
	int vfio;
};

#define NO -EPERM
static const struct row rows[] = {
	/*				ports	MSR	    config	      BAR	VFIO */
	{ "root", be_root, { 0, 0, 0, 0, 0, 0, 0 }, 0 },
	{ "root, no capability", be_root_without, { NO, NO, NO, 0, NO, 0, 0 }, 0 },
	{ "user with CAP_SYS_RAWIO", be_user_with_rawio, { 0, NO, NO, 0, NO, NO, NO }, -EACCES },
	{ "user", be_user, { NO, NO, NO, 0, NO, NO, NO }, -EACCES },
};
static const struct row locked_down = { "root, lockdown", be_root, { NO, 0, NO, 0, 0, NO, NO }, 0 };
/* what the kernel's own way refuses goes by VFIO, where the device is bound to it */
static const struct row locked_vfio = {
	"root, lockdown, by VFIO", be_root, { NO, 0, NO, 0, 0, 0, 0 }, 0
};

/* What a child found. */
struct found {
	int code[COLUMNS];
	char why[COLUMNS][256];
	int vfio;
};

static int open_group(const char *group)
{
	int fd = open(group, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void look(const struct row *row, const char *group, struct found *found)
{
	struct hws *hw;

	row->become();
	found->vfio = *group ? open_group(group) : row->vfio;
	hw = open_native();
	for (int i = 0; i < COLUMNS; i++) {
		found->code[i] = columns[i].use(hw);
		snprintf(found->why[i], sizeof(found->why[i]), "%s", hws_why());
	}
	hws_close(hw);
}

static void check_row(const struct row *row, const char *group)
{
	struct found *found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t child;

	ck_assert_ptr_ne(found, MAP_FAILED);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		look(row, group, found);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status 0x%x", row->name,
		      status);
	ck_assert_msg(found->vfio == row->vfio, "%s: VFIO: %d", row->name, found->vfio);
	for (int i = 0; i < COLUMNS; i++) {
		ck_assert_msg(found->code[i] == row->wanted[i], "%s: %s: %d, not %d: %s", row->name,
			      columns[i].name, found->code[i], row->wanted[i], found->why[i]);
		ck_assert_msg(found->code[i] == 0 || found->why[i][0], "%s: %s: no words",
			      row->name, columns[i].name);
	}
	munmap(found, sizeof(*found));
}

/* ---- VFIO ---- */

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -errno;
}

/* Binds the device to vfio-pci; its group's file, or "" where there is no IOMMU. */
static const char *bind(void)
{
	static char group[64];
	char target[256];
	ssize_t n;

	if (!suite_lab_has("iommu"))
		return "";
	ck_ok(put(SYSFS "driver_override", "vfio-pci"));
	ck_ok(put("/sys/bus/pci/drivers_probe", DEVICE));
	n = readlink(SYSFS "iommu_group", target, sizeof(target) - 1);
	ck_assert_int_gt(n, 0);
	target[n] = '\0';
	snprintf(group, sizeof(group), "/dev/vfio%s", strrchr(target, '/'));
	return group;
}

static void unbind(void)
{
	if (!suite_lab_has("iommu"))
		return;
	ck_ok(put(SYSFS "driver/unbind", DEVICE));
	ck_ok(put(SYSFS "driver_override", "\n"));
}

/* ---- the tests ---- */

START_TEST(each_may_what_the_kernel_says)
{
	need_lab("rtc"); /* a PC, as root, not locked down */
	for (size_t i = 0; i < COUNT(rows); i++)
		check_row(&rows[i], "");
}
END_TEST

START_TEST(vfio_is_for_who_owns_the_groups_file)
{
	const char *group;

	need_lab("rtc");
	need_lab("iommu");
	group = bind();
	for (size_t i = 0; i < COUNT(rows); i++)
		check_row(&rows[i], group);
	unbind();
}
END_TEST

START_TEST(lockdown_leaves_reading_and_vfio)
{
	const char *group;

	need_lab("lockdown");
	check_row(&locked_down, "");
	group = bind();
	check_row(&locked_vfio, group);
	unbind();
}
END_TEST

START_TEST(user_of_the_scenario_may_what_his_row_says)
{
	const struct row row = { "user", be_root, { NO, NO, NO, 0, NO, NO, NO }, -EACCES };

	need_lab("unprivileged");
	check_row(&row, "");
}
END_TEST

int main(void)
{
	return suite_run("hw/access-matrix", (const TTest *[]) {
						     each_may_what_the_kernel_says,
						     vfio_is_for_who_owns_the_groups_file,
						     lockdown_leaves_reading_and_vfio,
						     user_of_the_scenario_may_what_his_row_says,
						     NULL,
					     });
}
