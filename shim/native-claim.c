/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who uses it already: the kernel's lists of ports and memory, the drivers of PCI functions, and
 * other programs by VFIO.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/claim-internal.h"
#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* One line of /proc/ioports or /proc/iomem: "  0070-0077 : rtc0". */
struct region {
	unsigned long long first;
	unsigned long long last;
	char name[48];
};

static bool read_region(const char *line, struct region *ret_region)
{
	return sscanf(line, " %llx-%llx : %47[^\n]", &ret_region->first, &ret_region->last,
		      ret_region->name) == 3;
}

static const char *next_line(const char *line)
{
	line = strchr(line, '\n');
	return line && line[1] ? line + 1 : NULL;
}

/* Whoever may not see them sees zeros. */
static bool is_hidden(const char *text)
{
	struct region region;

	for (const char *line = text; line; line = next_line(line)) {
		if (read_region(line, &region) && region.last)
			return false;
	}
	return *text;
}

/* A bus is nobody's: it is where things may lie. */
static bool is_bus(const struct region *region)
{
	return !strncmp(region->name, "PCI Bus ", 8) || !strncmp(region->name, "PCI CardBus ", 12);
}

/* The next region, from *line on, that has any of [first, last]. False: none but buses. */
static bool next_region(const char **line, uint64_t first, uint64_t last, struct region *ret_region)
{
	while (*line) {
		struct region region;
		bool is_one = read_region(*line, &region) && region.last >= first &&
			      region.first <= last && !is_bus(&region);

		*line = next_line(*line);
		if (!is_one)
			continue;
		*ret_region = region;
		return true;
	}
	return false;
}

/* 0, also when there is no such file: *ret_text is then empty. */
static int read_list(struct native *native, const char *path, char **ret_text)
{
	enum { MOST = 1 << 20 };
	HWS_CLEANUP_FREE char *text = malloc(MOST);
	ssize_t n;

	if (!text)
		return why(-ENOMEM, "no memory to read %s", path);
	n = sys_read_file(native->root, path, text, MOST);
	if (n < 0 && n != -ENOENT)
		return why(native_code((int)n), "who uses it can't be told: %s: %s", path,
			   native_cause((int)n));
	if (n < 0)
		text[0] = '\0';
	*ret_text = HWS_TAKE_PTR(text);
	return 0;
}

/* Lies all that [first, last] has of the one in the other? */
static bool hides(const struct region *inner, const struct region *outer, uint64_t first,
		  uint64_t last)
{
	return inner->first <= (outer->first > first ? outer->first : first) &&
	       inner->last >= (outer->last < last ? outer->last : last);
}

static int judge(struct native *native, const struct region *region)
{
	struct hws_bdf bdf;

	/* a BAR that no driver asked for: what counts is who drives the function */
	if (hws_bdf_parse(region->name, &bdf) == 0)
		return native_pci_claimed(native, bdf, HWS_CONFIG_SPACE);
	return claim_of_ports(region->first, region->last, region->name);
}

/*
 * Everybody who has any of them; what comes later in the list lies behind what comes before, or
 * inside it: then the inner one says whose it is.
 */
static int judge_all(struct native *native, const char *text, uint64_t first, uint64_t last)
{
	struct region region;
	bool more = next_region(&text, first, last, &region);
	int r = 0;

	while (more && r == 0) {
		struct region next = { 0 };

		more = next_region(&text, first, last, &next);
		if (!more || !hides(&next, &region, first, last))
			r = judge(native, &region);
		region = next;
	}
	return r;
}

int native_ports_claimed(void *self, uint16_t first, uint32_t count)
{
	HWS_CLEANUP_FREE char *text = NULL;
	const struct native *native = self;
	int r;

	/* the launcher has looked before it granted them; here the list would be hidden */
	if (grants_have_ports(native->grants, first, count))
		return 0;
	r = read_list(self, "/proc/ioports", &text);
	if (r < 0 || !text)
		return r;
	if (is_hidden(text))
		return why(-EBUSY,
			   "who uses the ports can't be told: /proc/ioports hides it from this "
			   "user (CAP_SYS_ADMIN sees it); the right 'claimed' does without");
	return judge_all(self, text, first, (uint64_t)first + count - 1);
}

/* The innermost region that has any of [first, last]: the last of a list. False: none but buses. */
static bool find_region(const char *text, uint64_t first, uint64_t last, struct region *ret_region)
{
	bool found = false;

	while (next_region(&text, first, last, ret_region))
		found = true;
	return found;
}

/*
 * Memory of a function without a driver can be somebody's all the same: a firmware's frame buffer.
 * Where the list is hidden, that there is no driver must do.
 */
static int memory_claimed(struct native *native, struct hws_bdf bdf, uint32_t bar)
{
	struct hws_pci_bar bars[HWS_PCI_BARS];
	HWS_CLEANUP_FREE char *text = NULL;
	struct region region;
	struct hws_bdf own;
	char name[HWS_BDF_TEXT];
	int r;

	if (bar >= HWS_PCI_BARS || native_pci_bars(native, bdf, bars) < 0 || !bars[bar].size ||
	    bars[bar].flags & HWS_BAR_IO)
		return 0;
	r = read_list(native, "/proc/iomem", &text);
	if (r < 0 || !text)
		return r;
	if (is_hidden(text) ||
	    !find_region(text, bars[bar].base, bars[bar].base + bars[bar].size - 1, &region) ||
	    hws_bdf_parse(region.name, &own) == 0)
		return 0;
	return why(-EBUSY,
		   "BAR %u of %s is claimed by %s (/proc/iomem): unload that driver, or give the "
		   "rule the right 'claimed'",
		   bar, hws_bdf_format(bdf, name), region.name);
}

static bool is_bridge(struct native *native, struct hws_bdf bdf)
{
	char path[NATIVE_PATH];
	uint64_t class_code;

	return sys_read_u64(native->root, native_pci_path(bdf, "class", path), &class_code) == 0 &&
	       class_code >> 8 == 0x0604;
}

static bool is_ours(struct native *native, struct hws_bdf bdf)
{
	return native_has_open(native, bdf) || grants_hold(native->grants, bdf);
}

/* VFIO enables a function while it is open; but so may somebody have done who left it at that. */
static bool may_be_open(struct native *native, struct hws_bdf bdf)
{
	char path[NATIVE_PATH];
	char driver[32];
	uint64_t enabled = 0;

	native_pci_link(native, bdf, "driver", driver, sizeof(driver));
	return vfio_is_driver(driver) &&
	       sys_read_u64(native->root, native_pci_path(bdf, "enable", path), &enabled) == 0 &&
	       enabled > 0;
}

/* Its group is opened once, and to open it does nothing: who can, has it alone. */
static bool is_free(struct native *native, struct hws_bdf bdf)
{
	HWS_CLEANUP_FD int fd = -1;
	char path[NATIVE_PATH];
	char group[32];

	native_pci_link(native, bdf, "iommu_group", group, sizeof(group));
	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	fd = sys_open(native->root, path, O_RDWR);
	return fd >= 0;
}

/* What the IOMMU can't tell apart is one: by this function another's memory would be reached. */
static int vfio_claimed(struct native *native, struct hws_bdf bdf)
{
	bool open = may_be_open(native, bdf);
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	struct hws_bdf which = bdf;
	struct hws_bdf one;
	char path[NATIVE_PATH];

	if (is_ours(native, bdf))
		return 0;
	/* without a group there is none to be looked through */
	(void)!sys_opendir(native->root, native_pci_path(bdf, "iommu_group/devices", path), &dir);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (hws_bdf_parse(entry->d_name, &one) < 0)
			continue;
		if (is_ours(native, one))
			return 0;
		if (!open && may_be_open(native, one)) {
			open = true;
			which = one;
		}
	}
	return open && !is_free(native, bdf) ? claim_of_vfio(bdf, which) : 0;
}

int native_pci_claimed(void *self, struct hws_bdf bdf, uint32_t bar)
{
	const struct native *native = self;
	char driver[32];
	char users[128] = "";
	int r;

	/* as for ports: the launcher has looked */
	if (grants_bar(native->grants, bdf, bar, HWS_RW) >= 0)
		return 0;
	native_pci_link(self, bdf, "driver", driver, sizeof(driver));
	/* without a driver nothing can stand on it, but something may lie behind it */
	if (*driver || is_bridge(self, bdf))
		native_users(self, bdf, users, sizeof(users));
	r = claim_of_function(bdf, driver, users);
	r = r < 0 ? r : vfio_claimed(self, bdf);
	return r < 0 || *driver ? r : memory_claimed(self, bdf, bar);
}
