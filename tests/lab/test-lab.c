/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ground facts of a lab scenario, asked of the kernel itself: what
 * HWS_LAB_HAS names is there for this user, and what it doesn't name is not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/suite.h"

#define EDU	  "/sys/bus/pci/devices/0000:00:03.0/"
#define EDU_ID	  0x010000edu
#define TESTDEV	  "/sys/bus/pci/devices/0000:00:04.0/"
#define NVME_SIZE (16 << 20)

/* The first line of a file, or "". */
static const char *line_of(const char *path)
{
	static char line[256];
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* A field of /proc/self/status, in hex. */
static unsigned long long status_of(const char *name)
{
	unsigned long long value = ~0ull;
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), ": %llx", &value);
	fclose(file);
	return value;
}

/* Reads @size bytes at @offset of @path; false where that can't be done. */
static bool reads(const char *path, off_t offset, void *ret_bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool whole = fd >= 0 && pread(fd, ret_bytes, size, offset) == (ssize_t)size;

	if (fd >= 0)
		close(fd);
	return whole;
}

/* Asks for the ports of the clock and gives them back: 0 or -errno. */
static int ask_for_ports(void)
{
#ifdef SYS_ioperm
	if (syscall(SYS_ioperm, 0x70, 2, 1) < 0 || syscall(SYS_ioperm, 0x70, 2, 0) < 0)
		return -errno;
	return 0;
#else
	return -ENOSYS;
#endif
}

static bool has_ioport(void)
{
	return ask_for_ports() == 0;
}

static bool has_no_ioport(void)
{
	return ask_for_ports() == -EPERM;
}

/* EFER says that the processor is in long mode (Intel SDM vol. 4, table 2-2). */
static bool has_msr(void)
{
	uint64_t efer;

	return reads("/dev/cpu/1/msr", 0xc0000080, &efer, sizeof(efer)) && (efer & 1 << 10);
}

static bool has_cpuid(void)
{
	uint32_t leaf[4];

	return reads("/dev/cpu/1/cpuid", 0, leaf, sizeof(leaf)) && leaf[0] > 0;
}

/* The clock's register 10 says how it divides time: 0x26 in every PC. */
static bool has_rtc(void)
{
	uint8_t value = 10;
	int fd = has_ioport() ? open("/dev/port", O_RDWR | O_CLOEXEC) : -1;
	bool rtc = fd >= 0 && pwrite(fd, &value, 1, 0x70) == 1 && pread(fd, &value, 1, 0x71) == 1;

	if (fd >= 0)
		close(fd);
	return rtc && (value & 0x7f) == 0x26;
}

/* Opens a file of a PCI function whose decoding is on, which takes root. */
static int open_bar(const char *enable, const char *path)
{
	int fd = open(enable, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (pwrite(fd, "1", 1, 0) < 0 && errno != EBUSY) { /* it has a driver: init did it */
		close(fd);
		return -1;
	}
	close(fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Maps the BAR of edu, whose second register gives back what is written, inverted. */
static bool has_edu(void)
{
	int fd = open_bar(EDU "enable", EDU "resource0");
	volatile uint32_t *bar;
	bool alive;

	if (fd < 0)
		return false;
	bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (bar == MAP_FAILED)
		return false;
	bar[1] = 0x12345678;
	alive = bar[0] == EDU_ID && bar[1] == ~0x12345678u;
	munmap((void *)(uintptr_t)bar, 4096);
	return alive;
}

/* The kernel shows edu but doesn't let this user map it. */
static bool has_no_bar(void)
{
	return !strcmp(line_of(EDU "vendor"), "0x1234") &&
	       !strcmp(line_of(EDU "device"), "0x11e8") && !has_edu();
}

/* The first port of pci-testdev is the number of its test, 0 at first. */
static bool has_io_bar(void)
{
	uint8_t test = 0xff;
	int fd = open_bar(TESTDEV "enable", TESTDEV "resource1");
	bool works = fd >= 0 && pread(fd, &test, 1, 0) == 1 && test == 0 &&
		     pwrite(fd, &test, 1, 0) == 1;

	if (fd >= 0)
		close(fd);
	return works;
}

static bool has_iommu(void)
{
	DIR *groups = opendir("/sys/kernel/iommu_groups");
	unsigned int entries = 0;

	if (!groups)
		return false;
	while (readdir(groups))
		entries++;
	closedir(groups);
	return entries > 2 && access("/dev/vfio/vfio", R_OK | W_OK) == 0 &&
	       access("/sys/bus/pci/drivers/vfio-pci/bind", W_OK) == 0;
}

static bool has_vfio(void)
{
	char group[256];
	char path[300];
	const char *number;
	ssize_t n =
		readlink("/sys/bus/pci/devices/0000:00:03.0/iommu_group", group, sizeof(group) - 1);

	if (n < 0 || access("/sys/bus/pci/drivers/vfio-pci/0000:00:03.0", F_OK) < 0)
		return false;
	group[n] = '\0';
	number = strrchr(group, '/');
	snprintf(path, sizeof(path), "/dev/vfio%s", number ? number : "");
	return access(path, R_OK | W_OK) == 0;
}

static bool has_nvme(void)
{
	int fd = open("/dev/nvme0n1", O_RDWR | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

	if (fd >= 0)
		close(fd);
	return size == NVME_SIZE;
}

static bool has_pku(void)
{
	int key = pkey_alloc(0, 0);

	return key >= 0 && pkey_free(key) == 0;
}

/* Sets a ring up and gives it back: 0 or -errno. */
static int ask_for_ring(void)
{
	struct io_uring_params params = { 0 };
	int fd = (int)syscall(SYS_io_uring_setup, 2, &params);

	return fd < 0 ? -errno : close(fd);
}

static bool has_uring(void)
{
	return ask_for_ring() == 0;
}

static bool has_no_uring(void)
{
	return ask_for_ring() == -EPERM;
}

static bool has_hugepages(void)
{
	return atoi(line_of("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")) == 16;
}

static bool is_root(void)
{
	return geteuid() == 0 && status_of("CapEff") == status_of("CapBnd") &&
	       status_of("CapEff") >> 40 == 1;
}

static bool is_unprivileged(void)
{
	return geteuid() == 1000 && getuid() == 1000 && !status_of("CapEff") &&
	       !status_of("CapPrm") && !status_of("CapAmb");
}

static bool is_locked_down(void)
{
	return strstr(line_of("/sys/kernel/security/lockdown"), "[integrity]") != NULL;
}

static const struct {
	const char *name;
	bool (*holds)(void);
} words[] = {
	{ "ioport", has_ioport },
	{ "msr", has_msr },
	{ "cpuid", has_cpuid },
	{ "rtc", has_rtc },
	{ "edu", has_edu },
	{ "no-ioport", has_no_ioport },
	{ "no-bar", has_no_bar },
	{ "io-bar", has_io_bar },
	{ "iommu", has_iommu },
	{ "vfio", has_vfio },
	{ "nvme", has_nvme },
	{ "pku", has_pku },
	{ "uring", has_uring },
	{ "no-uring", has_no_uring },
	{ "hugepages", has_hugepages },
	{ "root", is_root },
	{ "unprivileged", is_unprivileged },
	{ "lockdown", is_locked_down },
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static bool in_guest(void)
{
	return getenv("HWS_LAB") && getenv("HWS_LAB_HAS") && getenv("HWS_LAB_KERNEL");
}
#define need_guest() need("guest", in_guest(), "runs in a machine of the lab")

START_TEST(lab_offers_what_it_names_and_nothing_else)
{
	char wrong[512] = "";

	need_guest();
	for (size_t i = 0; i < WORDS; i++) {
		size_t used = strlen(wrong);

		if (words[i].holds() != suite_lab_has(words[i].name))
			snprintf(wrong + used, sizeof(wrong) - used, " %s%s", words[i].name,
				 suite_lab_has(words[i].name) ? " is missing;"
							      : " is there unnamed;");
	}
	ck_assert_msg(!wrong[0], "in %s:%s", getenv("HWS_LAB"), wrong);
}
END_TEST

START_TEST(lab_names_only_known_words)
{
	char list[512];

	need_guest();
	snprintf(list, sizeof(list), "%s", getenv("HWS_LAB_HAS"));
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < WORDS && strcmp(words[i].name, word))
			i++;
		ck_assert_msg(i < WORDS, "unknown word '%s'", word);
	}
}
END_TEST

START_TEST(lab_boots_the_kernel_it_names)
{
	const char *line = getenv("HWS_LAB_KERNEL");
	struct utsname name;

	need_guest();
	ck_assert_int_eq(uname(&name), 0);
	ck_assert_msg(!strncmp(name.release, line, strlen(line)) &&
			      name.release[strlen(line)] == '.',
		      "kernel %s, wanted %s", name.release, line);
}
END_TEST

START_TEST(lab_has_two_processors)
{
	need_guest();
	ck_assert_int_eq(sysconf(_SC_NPROCESSORS_ONLN), 2);
}
END_TEST

int main(void)
{
	return suite_run("lab", (const TTest *[]) { lab_offers_what_it_names_and_nothing_else,
						    lab_names_only_known_words,
						    lab_boots_the_kernel_it_names,
						    lab_has_two_processors, NULL });
}
