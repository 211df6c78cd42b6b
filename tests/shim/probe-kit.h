/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Captured trees, made of pieces, and what the probe says of them. */
#ifndef HWSAFE_TESTS_PROBE_KIT_H
#define HWSAFE_TESTS_PROBE_KIT_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/probe.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum { WAYS = 96 };

struct seen {
	size_t count;
	struct {
		char kind[16];
		char way[32];
		char through[16];
		char why[256];
		char fix[320];
		char rest[192];
		enum hws_probe_status status;
		int code;
	} at[WAYS];
};

static inline void see(const struct hws_probe_result *result, void *context)
{
	struct seen *seen = context;
	size_t n = seen->count++;

	ck_assert_uint_lt(n, WAYS);
	snprintf(seen->at[n].kind, sizeof(seen->at[n].kind), "%s", result->kind);
	snprintf(seen->at[n].way, sizeof(seen->at[n].way), "%s", result->way);
	snprintf(seen->at[n].why, sizeof(seen->at[n].why), "%s", result->why);
	snprintf(seen->at[n].fix, sizeof(seen->at[n].fix), "%s", result->fix);
	snprintf(seen->at[n].rest, sizeof(seen->at[n].rest), "%s", result->rest);
	snprintf(seen->at[n].through, sizeof(seen->at[n].through), "%s", result->through);
	ck_assert_ptr_nonnull(result->backend);
	seen->at[n].status = result->status;
	seen->at[n].code = result->code;
}

static inline size_t index_of(const struct seen *seen, const char *way)
{
	size_t i = 0;

	while (i < seen->count && strcmp(seen->at[i].way, way) != 0)
		i++;
	ck_assert_msg(i < seen->count, "no way '%s'", way);
	return i;
}

/* A tree in a directory of its own. */
static char tree[64];

static inline void make_directories(char *path)
{
	for (char *at = strchr(path + strlen(tree) + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(path, 0755);
		*at = '/';
	}
}

/* A path that ends with '/' is a directory; a text "-> X" a link to X. */
static inline void put(const char *name, const char *content, size_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", tree, name);
	make_directories(path);
	if (path[strlen(path) - 1] == '/')
		return;
	if (!strncmp(content, "-> ", 3)) {
		ck_ok(symlink(content + 3, path));
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, size), (ssize_t)size);
	close(fd);
}

static inline void make_tree(void)
{
	strcpy(tree, "/tmp/hwsafe-probe-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tree));
}

static inline int remove_one(const char *path, const struct stat *stat, int type, struct FTW *at)
{
	(void)stat, (void)type, (void)at;
	return remove(path);
}

static inline void remove_tree(void)
{
	nftw(tree, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void probe_tree(struct seen *seen)
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
#define GROUP "sys/kernel/iommu_groups/7/devices/"
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
	{ "unbounded", "proc/self/status", "CapEff:\t0\nCapBnd:\t00000000a80425fb\n" },
	{ "sealed", "proc/self/status", "CapEff:\t0\nNoNewPrivs:\t1\n" },
	{ "program", "proc/self/exe", "-> /opt/bin/tool" },
	{ "nosuid", "proc/self/mountinfo",
	  "20 1 8:1 / / rw - ext4 /dev/sda rw\n21 20 8:2 / /opt rw,nosuid - ext4 /dev/sdb rw\n"
	  "22 20 8:3 / /op rw - ext4 /dev/sdc rw\n" },
	{ "suid", "proc/self/mountinfo",
	  "21 20 8:2 / /opt rw,nosuid - ext4 /dev/sdb rw\n22 21 8:3 / /opt/bin rw - ext4 x rw\n" },
	{ "memlock", "proc/self/limits",
	  "Limit  Soft  Hard  Units\nMax locked memory         8388608  8388608  bytes\n" },
	{ "no-memlock", "proc/self/limits", "Max locked memory         0  0  bytes\n" },
	{ "any-memlock", "proc/self/limits", "Max locked memory         unlimited  0  bytes\n" },
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
	{ "edu", GROUP "0000:00:03.0/", "" },
	{ "edu-free", "sys/bus/pci/devices/0000:00:03.0/iommu_group", "-> ../../7" },
	{ "edu-vfio", "sys/bus/pci/devices/0000:00:03.0/driver", "-> ../vfio-pci" },
	{ "sibling", GROUP "0000:00:07.0/", "" },
	{ "sibling-kept", "sys/bus/pci/devices/0000:00:07.0/driver", "-> ../virtio-pci" },
	{ "sibling-port", "sys/bus/pci/devices/0000:00:07.0/driver", "-> ../pcieport" },
	{ "socket", "run/hwsafe/helper.sock", "" },
	{ "unit", "lib/systemd/system/hwsafe-helper.socket", "" },
};

/* Adds the pieces that @words names. */
static inline void put_pieces(const char *words)
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

#endif
