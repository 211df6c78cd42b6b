/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe on captured trees, where every cause can be made; and on the machine it runs on. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/probe.h"
#include "shim/shim-internal.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum { WAYS = 32 };

struct seen {
	size_t count;
	struct {
		char kind[16];
		char way[32];
		char why[192];
		char fix[192];
		char rest[192];
		enum hws_probe_status status;
		int code;
	} at[WAYS];
};

static void see(const struct hws_probe_result *result, void *context)
{
	struct seen *seen = context;
	size_t n = seen->count++;

	ck_assert_uint_lt(n, WAYS);
	snprintf(seen->at[n].kind, sizeof(seen->at[n].kind), "%s", result->kind);
	snprintf(seen->at[n].way, sizeof(seen->at[n].way), "%s", result->way);
	snprintf(seen->at[n].why, sizeof(seen->at[n].why), "%s", result->why);
	snprintf(seen->at[n].fix, sizeof(seen->at[n].fix), "%s", result->fix);
	snprintf(seen->at[n].rest, sizeof(seen->at[n].rest), "%s", result->rest);
	ck_assert_ptr_nonnull(result->backend);
	seen->at[n].status = result->status;
	seen->at[n].code = result->code;
}

static size_t index_of(const struct seen *seen, const char *way)
{
	size_t i = 0;

	while (i < seen->count && strcmp(seen->at[i].way, way) != 0)
		i++;
	ck_assert_msg(i < seen->count, "no way '%s'", way);
	return i;
}

/* A tree in a directory of its own. */
static char tree[64];

static void make_directories(char *path)
{
	for (char *at = strchr(path + strlen(tree) + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(path, 0755);
		*at = '/';
	}
}

/* A path that ends with '/' is a directory. */
static void put(const char *name, const char *content, size_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", tree, name);
	make_directories(path);
	if (path[strlen(path) - 1] == '/')
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, size), (ssize_t)size);
	close(fd);
}

static void make_tree(void)
{
	strcpy(tree, "/tmp/hwsafe-probe-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tree));
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *at)
{
	(void)stat, (void)type, (void)at;
	return remove(path);
}

static void remove_tree(void)
{
	nftw(tree, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void probe_tree(struct seen *seen)
{
	struct hws_shim_options options = { .size = sizeof(options), .sysroot = tree };

	seen->count = 0;
	ck_ok(hws_probe(&options, see, seen));
}

/* The pieces that trees are made of. A path that ends with '/' is a directory. */
#define FUNCTION "sys/bus/pci/devices/0000:00:03.0/"
#define BARS                                                         \
	"0x00000000fe000000 0x00000000fe0fffff 0x0000000000040200\n" \
	"0x000000000000c000 0x000000000000c01f 0x0000000000040101\n"
static const struct {
	const char *name;
	const char *path;
	const char *content;
} pieces[] = {
	{ "x86", "proc/sys/kernel/arch", "x86_64\n" },
	{ "arm", "proc/sys/kernel/arch", "aarch64\n" },
	{ "intel", "proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu pku ospke\n\n" },
	{ "root", "proc/self/status", "Uid:\t0\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n" },
	{ "nobody", "proc/self/status", "Uid:\t9\nCapEff:\t0000000000000000\nSeccomp:\t0\n" },
	{ "userns", "proc/self/uid_map", "0 1000 1\n" },
	{ "docker", ".dockerenv", "" },
	{ "open", "sys/kernel/security/lockdown", "[none] integrity confidentiality\n" },
	{ "locked", "sys/kernel/security/lockdown", "none [integrity] confidentiality\n" },
	{ "lsm", "sys/kernel/security/lsm", "capability" },
	{ "cmdline", "proc/cmdline", "quiet lockdown=integrity\n" },
	{ "port", "dev/port", "" },
	{ "port-class", "sys/class/mem/port/dev", "1:4\n" },
	{ "msr", "dev/cpu/0/msr", "" },
	{ "msr-off", "sys/module/msr/parameters/allow_writes", "off\n" },
	{ "bars", FUNCTION "resource", BARS },
	{ "bar0", FUNCTION "resource0", "" },
	{ "bar1", FUNCTION "resource1", "" },
	{ "vfio", "dev/vfio/vfio", "" },
	{ "group", "dev/vfio/7", "" },
	{ "iommu", "sys/class/iommu/dmar0/", "" },
	{ "groups", "sys/kernel/iommu_groups/0/", "" },
};

/* Adds the pieces that @words names. */
static void put_pieces(const char *words)
{
	while (*words) {
		size_t length = strcspn(words, " ");
		size_t i = 0;

		while (strlen(pieces[i].name) != length || strncmp(pieces[i].name, words, length))
			ck_assert_uint_lt(++i, COUNT(pieces));
		put(pieces[i].path, pieces[i].content, strlen(pieces[i].content));
		words += length + strspn(words + length, " ");
	}
}

/* A tree, a way, and what must be said of it. */
#define YES  HWS_PROBE_WORKS, 0
#define HALF HWS_PROBE_PARTIAL
#define NO   HWS_PROBE_NO
static const struct {
	const char *tree;
	const char *way;
	enum hws_probe_status status;
	int code;
	const char *why;
	const char *fix;
} causes[] = {
	{ "x86 root open", "ioperm", YES, "exactly", "" },
	{ "x86 nobody open", "ioperm", NO, -EPERM, "CAP_SYS_RAWIO", "setcap" },
	{ "x86 root locked", "ioperm", NO, -EPERM, "locked down", "lockdown=" },
	{ "x86 root cmdline", "ioperm", NO, -EPERM, "locked down", "lockdown=" },
	{ "x86 root userns", "ioperm", NO, -EPERM, "user namespace", "outside" },
	{ "arm root", "ioperm", NO, -EOPNOTSUPP, "no port instructions", "" },
	{ "x86 root", "/dev/port", NO, -ENOENT, "built without", "CONFIG_DEVPORT" },
	{ "x86 root port open", "/dev/port", YES, "system call", "" },
	{ "x86 root port locked", "/dev/port", NO, -EPERM, "locked down", "lockdown=" },
	{ "x86 root port-class", "/dev/port", NO, -ENOENT, "its node in /dev", "devtmpfs" },
	{ "x86 docker port-class", "/dev/port", NO, -ENOENT, "container", "--device=/dev/port" },
	{ "x86 root open", "PCI resourceN", NO, -ENOENT, "no function", "" },
	{ "x86 root open bars bar1", "PCI resourceN", YES, "ports", "" },
	{ "x86 root locked bars bar1", "PCI resourceN", HALF, -EPERM, "reads only", "lockdown=" },
	{ "x86 root open", "/dev/cpu/N/msr", NO, -ENOENT, "module msr", "modprobe msr" },
	{ "x86 root open msr", "/dev/cpu/N/msr", YES, "writes", "" },
	{ "x86 nobody msr", "/dev/cpu/N/msr", NO, -EPERM, "CAP_SYS_RAWIO", "cap_sys_rawio" },
	{ "x86 root locked msr", "/dev/cpu/N/msr", HALF, -EPERM, "reads only", "lockdown=" },
	{ "x86 root msr msr-off", "/dev/cpu/N/msr", HALF, -EPERM, "msr module", "allow_writes" },
	{ "arm", "/dev/cpu/N/msr", NO, -EOPNOTSUPP, "no MSRs", "" },
	{ "x86 root", "config, 64 bytes", NO, -ENOENT, "no PCI functions", "" },
	{ "x86 root", "config, write", NO, -ENOENT, "no PCI functions", "" },
	{ "x86 root open bars bar0", "resourceN mmap", YES, "mapped", "" },
	{ "x86 root locked bars bar0", "resourceN mmap", NO, -EPERM, "locked down", "lockdown=" },
	{ "x86 root open bars", "resourceN mmap", NO, -ENOENT, "no function", "" },
	{ "x86", "instruction", YES, "", "" },
	{ "arm", "MIDR in sysfs", NO, -ENOENT, "ID registers", "" },
	{ "x86 root", "VFIO container", NO, -ENOENT, "vfio-pci", "modprobe vfio-pci" },
	{ "x86 root vfio", "VFIO container", HALF, -ENODEV, "no device is bound", "vfio-pci" },
	{ "x86 root vfio group", "VFIO container", YES, "1 group of", "" },
	{ "x86 root", "iommufd", NO, -ENOENT, "module iommufd", "modprobe iommufd" },
	{ "x86 intel", "IOMMU", NO, -ENODEV, "no IOMMU", "intel_iommu=on" },
	{ "x86", "IOMMU", NO, -ENODEV, "no IOMMU", "AMD-Vi" },
	{ "arm", "IOMMU", NO, -ENODEV, "no IOMMU", "SMMU" },
	{ "x86 iommu", "IOMMU", HALF, -ENODEV, "no device is behind", "vfio-pci" },
	{ "x86 iommu groups", "IOMMU", YES, "1 group", "" },
	{ "x86 locked", "lockdown", HALF, -EPERM, "integrity", "lockdown=" },
	{ "x86 open", "lockdown", YES, "not locked", "" },
	{ "x86 lsm", "lockdown", YES, "not locked", "" },
	{ "x86", "lockdown", YES, "to be seen", "" },
	{ "x86 intel", "protection keys", YES, "hardware", "" },
	{ "x86", "protection keys", NO, -EOPNOTSUPP, "processor", "" },
	{ "", "simulated machine", YES, "", "" },
	{ "", "safe defaults", YES, "", "" },
};

static void check_cause(size_t c)
{
	struct seen seen;
	size_t i;

	make_tree();
	put_pieces(causes[c].tree);
	probe_tree(&seen);
	remove_tree();
	i = index_of(&seen, causes[c].way);
	ck_assert_msg(seen.at[i].status == causes[c].status && seen.at[i].code == causes[c].code &&
			      strstr(seen.at[i].why, causes[c].why) &&
			      strstr(seen.at[i].fix, causes[c].fix),
		      "'%s', %s: %s %d '%s' '%s'", causes[c].tree, seen.at[i].way,
		      hws_probe_status_name(seen.at[i].status), seen.at[i].code, seen.at[i].why,
		      seen.at[i].fix);
	ck_assert_int_eq(seen.at[i].rest[0] == '\0', seen.at[i].status == HWS_PROBE_WORKS);
}

START_TEST(probe_tells_causes_apart)
{
	for (size_t c = 0; c < COUNT(causes); c++)
		check_cause(c);
}
END_TEST

START_TEST(probe_reads_config_space_by_rights)
{
	static const char zeros[4096];
	static const struct {
		const char *capabilities;
		size_t size;
		enum hws_probe_status full;
		int code;
	} cases[] = {
		{ "CapEff:\t000001ffffffffff\n", 4096, HWS_PROBE_WORKS, 0 },
		{ "CapEff:\t0000000000000000\n", 4096, HWS_PROBE_NO, -EPERM },
		{ "CapEff:\t000001ffffffffff\n", 63, HWS_PROBE_NO, -EIO },
	};
	struct seen seen;

	for (size_t c = 0; c < COUNT(cases); c++) {
		make_tree();
		put("proc/self/status", cases[c].capabilities, strlen(cases[c].capabilities));
		put("sys/bus/pci/devices/0000:00:03.0/config", zeros, cases[c].size);
		probe_tree(&seen);
		remove_tree();
		ck_assert_int_eq(seen.at[index_of(&seen, "config, 64 bytes")].status,
				 cases[c].size < 64 ? HWS_PROBE_NO : HWS_PROBE_WORKS);
		ck_assert_int_eq(seen.at[index_of(&seen, "config, full")].status, cases[c].full);
		ck_assert_int_eq(seen.at[index_of(&seen, "config, full")].code, cases[c].code);
	}
}
END_TEST

START_TEST(probe_refuses_what_is_no_directory)
{
	struct hws_shim_options options = { .sysroot = "/nonexistent/tree" };
	struct hws_probe_machine machine = { .cpus = 77 };
	struct seen seen = { 0 };

	ck_assert_int_eq(hws_probe(&options, see, &seen), -ENOENT);
	ck_assert_int_eq(hws_probe_machine(&options, &machine), -ENOENT);
	options.sysroot = "/dev/null";
	ck_assert_int_eq(hws_probe(&options, see, &seen), -ENOTDIR);
	ck_assert_uint_eq(seen.count, 0);
	ck_assert_uint_eq(machine.cpus, 77);
}
END_TEST

START_TEST(machine_speaks_for_its_tree)
{
	static const char cpuinfo[] = "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
	struct hws_shim_options options = { .size = sizeof(options), .sysroot = tree };
	struct hws_probe_machine m;

	make_tree();
	put("proc/cpuinfo", cpuinfo, strlen(cpuinfo));
	put("proc/sys/kernel/osrelease", "6.1.0-test\n", 11);
	put("sys/devices/system/cpu/online", "0-3,8\n", 6);
	put("proc/self/status", "Uid:\t12\t13\nSeccomp:\t2\nCapEff:\t21\n", 34);
	put("run/.containerenv", "", 0);
	ck_ok(hws_probe_machine(&options, &m));
	remove_tree();
	ck_assert_str_eq(m.arch, "aarch64");
	ck_assert_str_eq(m.kernel, "6.1.0-test");
	ck_assert_str_eq(m.cpu_vendor, "implementer 0x41");
	ck_assert_str_eq(m.cpu_model, "part 0xd0c");
	ck_assert_str_eq(m.container, "podman");
	ck_assert_uint_eq(m.cpus, 5);
	ck_assert_uint_eq(m.uid, 12);
	ck_assert_uint_eq(m.seccomp, 2);
	ck_assert_uint_eq(m.effective, 0x21);
}
END_TEST

START_TEST(probe_changes_nothing_here)
{
	struct hws_shim_options options = { .size = sizeof(options) };
	int before = open("/dev/null", O_RDONLY);
	int after;
	struct seen seen = { 0 };

	ck_ok(hws_probe(&options, see, &seen));
	ck_ok(hws_probe(NULL, see, &seen));
	close(before);
	after = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(before, after);			   /* no descriptor stayed open */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1); /* nor a child */
	for (size_t i = 0; i < seen.count; i++)
		ck_assert_int_eq(seen.at[i].code == 0, seen.at[i].status == HWS_PROBE_WORKS);
	/* the generic library has no instruction to reach anything with */
	if (!native_ops.identify)
		ck_assert_int_eq(seen.at[index_of(&seen, "instruction")].code, -EOPNOTSUPP);
}
END_TEST

/* What a lab machine has must be seen; "partial" here means at least that. */
START_TEST(probe_agrees_with_the_lab)
{
	static const struct {
		const char *what;
		const char *way;
		enum hws_probe_status status;
	} facts[] = {
		{ "ioport", "ioperm", HWS_PROBE_WORKS },
		{ "no-ioport", "ioperm", HWS_PROBE_NO },
		{ "msr", "/dev/cpu/N/msr", HWS_PROBE_PARTIAL },
		{ "edu", "resourceN mmap", HWS_PROBE_WORKS },
		{ "no-bar", "resourceN mmap", HWS_PROBE_NO },
		{ "io-bar", "PCI resourceN", HWS_PROBE_PARTIAL },
		{ "iommu", "IOMMU", HWS_PROBE_PARTIAL },
		{ "pku", "protection keys", HWS_PROBE_WORKS },
		{ "lockdown", "lockdown", HWS_PROBE_PARTIAL },
	};
	struct seen seen = { 0 };

	ck_ok(hws_probe(NULL, see, &seen));
	for (size_t f = 0; f < COUNT(facts); f++) {
		size_t i = index_of(&seen, facts[f].way);
		bool agrees = facts[f].status == HWS_PROBE_PARTIAL
				      ? seen.at[i].status != HWS_PROBE_NO
				      : seen.at[i].status == facts[f].status;

		ck_assert_msg(agrees || !suite_lab_has(facts[f].what), "%s: %s is %s: %s",
			      facts[f].what, facts[f].way, hws_probe_status_name(seen.at[i].status),
			      seen.at[i].why);
	}
}
END_TEST

START_TEST(names_are_safe_past_the_end)
{
	unsigned int count = 0;

	ck_assert_str_eq(hws_probe_status_name(HWS_PROBE_PARTIAL), "partial");
	ck_assert_str_eq(hws_probe_status_name((enum hws_probe_status)3), "?");
	while (hws_probe_backend(count))
		count++;
	ck_assert_uint_eq(count, 3);
	ck_assert_ptr_null(hws_probe_backend(UINT32_MAX));
}
END_TEST

int main(void)
{
	return suite_run(
		"shim/probe",
		(const TTest *[]) { probe_reads_config_space_by_rights,
				    probe_refuses_what_is_no_directory, machine_speaks_for_its_tree,
				    probe_changes_nothing_here, probe_agrees_with_the_lab,
				    names_are_safe_past_the_end, probe_tells_causes_apart, NULL });
}
