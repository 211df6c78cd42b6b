/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports and BARs, as far as the kernel itself holds the program to them; what was granted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guardian/context-internal.h"
#include "helper/run.h"

#define DEVICES "/sys/bus/pci/devices"

enum {
	PORTS = 65536,
	BARS = 6,
	IS_IO = 0x100, /* the kernel's IORESOURCE_IO */
};

/* Of this thread, and of what it becomes. -ENOSYS: no such thing on this machine. */
static int set_ports(uint32_t first, uint32_t count, bool on)
{
#ifdef SYS_ioperm
	return syscall(SYS_ioperm, (unsigned long)first, (unsigned long)count, (int)on) < 0 ? -errno
											    : 0;
#else
	(void)first, (void)count, (void)on;
	return -ENOSYS;
#endif
}

static bool is_set(const uint8_t *bits, uint32_t at)
{
	return bits[at / 8] >> at % 8 & 1;
}

/* The kernel opens a port for reading and writing, and keeps no other limit. */
static uint32_t mark_ports(struct run *run, uint64_t first, uint64_t last)
{
	struct hws_access access = { .kind = HWS_KIND_PORT, .rights = HWS_RW };
	uint32_t marked = 0;

	for (uint64_t port = first; port <= last; port++) {
		access.first = access.last = port;
		if (!run_allows(run, &access))
			continue;
		run->grants.ports[port / 8] |= (uint8_t)(1u << port % 8);
		marked++;
	}
	return marked;
}

static uint32_t mark_all_ports(struct run *run)
{
	struct hws_policy_rule rule;
	uint32_t index = 0;
	uint32_t all = 0;

	while (run_next_rule(run, HWS_KIND_PORT, &index, &rule)) {
		uint32_t marked = 0;
		uint64_t first, last;

		for (uint32_t i = 0;
		     hws_policy_rule_span(run->policy, index - 1, i, &first, &last) == 0; i++)
			marked += mark_ports(run, first, last);
		run_say(run, "%s: %u ports%s", rule.text, marked,
			marked < rule.addresses ? "; the kernel can't keep its limits, so the "
						  "others are for hwsafe-helper serve"
						: "");
		all += marked;
	}
	return all;
}

/*
 * What a driver of the kernel's uses is only for rules with the right 'claimed'. Where that can't
 * be told nothing is granted: who starts us may see to it that it can't.
 */
static int close_claimed(struct run *run, uint32_t first, uint32_t count)
{
	struct hws_shim *shim = &run->machine->shim;
	int r = shim_ops(shim)->ports_claimed(shim->self, (uint16_t)first, count);

	if (r != -EBUSY)
		return r;
	if (count == 1) {
		run_say(run, "port 0x%x: not granted: %s", first, hws_why());
		run->grants.ports[first / 8] &= (uint8_t) ~(1u << first % 8);
		return 0;
	}
	r = close_claimed(run, first, count / 2);
	return r < 0 ? r : close_claimed(run, first + count / 2, count - count / 2);
}

static bool is_marked_unclaimed(const struct run *run, uint32_t port)
{
	const struct hws_access access = {
		.kind = HWS_KIND_PORT,
		.rights = HWS_RW | HWS_CLAIMED,
		.first = port,
		.last = port,
	};

	return is_set(run->grants.ports, port) && !run_allows(run, &access);
}

static int close_all_claimed(struct run *run)
{
	int r = run_open_machine(run);

	for (uint32_t port = 0; r == 0 && port < PORTS; port++) {
		uint32_t first = port;

		while (port < PORTS && is_marked_unclaimed(run, port))
			port++;
		if (port > first)
			r = close_claimed(run, first, port - first);
	}
	return r;
}

enum result run_open_ports(struct run *run)
{
	uint32_t marked = mark_all_ports(run);
	int r = marked ? close_all_claimed(run) : 0;

	if (r < 0)
		return run_refuse(RESULT_SYSTEM, "run: who uses ports can't be told: %s",
				  hws_why());
	r = set_ports(0, PORTS, false); /* whatever who started us had open */
	if (r == -ENOSYS && !marked)
		return RESULT_OK;
	for (uint32_t port = 0; r == 0 && port < PORTS; port++) {
		uint32_t first = port;

		while (port < PORTS && is_set(run->grants.ports, port))
			port++;
		if (port > first)
			r = set_ports(first, port - first, true);
	}
	if (r == -ENOSYS)
		return run_refuse(RESULT_SYSTEM, "run: the profile has ports, and this kernel no "
						 "ioperm");
	if (r < 0)
		return run_refuse(RESULT_SYSTEM,
				  "run: ioperm: %s: it needs CAP_SYS_RAWIO and no "
				  "lockdown",
				  strerror(-r));
	return RESULT_OK;
}

static bool read_file(int device, const char *name, char *text, size_t size)
{
	int fd = openat(device, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	return true;
}

static uint32_t read_number(int device, const char *name)
{
	char text[32];

	return read_file(device, name, text, sizeof(text)) ? (uint32_t)strtoul(text, NULL, 16) : 0;
}

/* Line @bar of "resource": start, end, flags. */
static bool is_memory(const char *lines, uint32_t bar, bool *ret_whole_pages)
{
	unsigned long long in_page = (unsigned long long)sysconf(_SC_PAGESIZE) - 1;
	unsigned long long start, end, flags;

	for (uint32_t i = 0; lines && i < bar; i++) {
		lines = strchr(lines, '\n');
		lines = lines ? lines + 1 : NULL;
	}
	if (!lines || sscanf(lines, "%llx %llx %llx", &start, &end, &flags) != 3 || end <= start ||
	    flags & IS_IO)
		return false;
	*ret_whole_pages = !((start | (end + 1)) & in_page);
	return true;
}

/* Does its descriptor reach it alone? What is mapped of it is whole pages. */
static bool is_alone(struct run *run, const struct hws_access *access)
{
	return run_open_machine(run) == 0 &&
	       native_bar_alone(run->machine->shim.self, access->bdf, access->bar) == 0;
}

static bool is_claimed(struct run *run, const struct hws_access *access)
{
	char text[HWS_BDF_TEXT];
	struct hws_mmio *bar;
	int r = run_open_machine(run);

	if (r == 0)
		r = hws_mmio_map(run->machine, hws_bdf_format(access->bdf, text), access->bar, 0, 0,
				 HWS_RW, &bar);
	if (r == 0)
		hws_mmio_unmap(bar);
	else
		run_say(run, "%s BAR %u: not for writing: %s", text, access->bar, hws_why());
	return r < 0;
}

/* The descriptor reaches the BAR as a whole, so the rule has to. */
static uint32_t bar_rights(struct run *run, struct hws_access *access, uint64_t size)
{
	access->first = 0;
	access->last = size - 1;
	access->rights = HWS_RW | HWS_CLAIMED;
	if (run_allows(run, access))
		return HWS_RW;
	access->rights = HWS_RW;
	if (run_allows(run, access) && !is_claimed(run, access))
		return HWS_RW;
	access->rights = HWS_R;
	return run_allows(run, access) ? HWS_R : 0;
}

static enum result open_bar(struct run *run, int device, struct hws_access *access,
			    bool whole_pages)
{
	struct hws_grants_bar *grant = &run->bars[run->grants.bars];
	char text[HWS_BDF_TEXT];
	char name[16];
	struct stat is;
	uint32_t rights;
	int fd;

	snprintf(name, sizeof(name), "resource%u", access->bar);
	if (fstatat(device, name, &is, AT_SYMLINK_NOFOLLOW) < 0 || is.st_size <= 0)
		return RESULT_OK;
	rights = bar_rights(run, access, (uint64_t)is.st_size);
	if (!rights)
		return RESULT_OK;
	hws_bdf_format(access->bdf, text);
	if (!whole_pages && !is_alone(run, access)) {
		run_say(run, "%s %s: not granted: %s", text, name, hws_why());
		return RESULT_OK;
	}
	if (run->grants.bars == HWS_GRANTS_BARS)
		return run_refuse(RESULT_FAILURE, "run: the profile has more than %d BARs",
				  HWS_GRANTS_BARS);
	fd = openat(device, name, (rights & HWS_W ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return run_refuse(RESULT_SYSTEM, "run: %s %s: %s", text, name, strerror(errno));
	*grant = (struct hws_grants_bar) {
		.domain = access->bdf.domain,
		.bus = access->bdf.bus,
		.device = access->bdf.device,
		.function = access->bdf.function,
		.bar = (uint8_t)access->bar,
		.rights = rights,
		.fd = fd,
	};
	run->grants.bars++;
	run_say(run, "%s %s: granted %s", text, name, rights & HWS_W ? "rw" : "r");
	return RESULT_OK;
}

static enum result open_device(struct run *run, int device, struct hws_bdf bdf)
{
	struct hws_access access = {
		.kind = HWS_KIND_BAR,
		.bdf = bdf,
		.vendor = (uint16_t)read_number(device, "vendor"),
		.device = (uint16_t)read_number(device, "device"),
		.class_code = read_number(device, "class"),
	};
	enum result result = RESULT_OK;
	char lines[2048] = "";
	bool whole_pages;

	if (!read_file(device, "resource", lines, sizeof(lines)))
		return RESULT_OK;
	for (; access.bar < BARS && result == RESULT_OK; access.bar++)
		if (is_memory(lines, access.bar, &whole_pages))
			result = open_bar(run, device, &access, whole_pages);
	return result;
}

enum result run_open_bars(struct run *run)
{
	enum result result = RESULT_OK;
	struct hws_policy_rule rule;
	const struct dirent *entry;
	uint32_t index = 0;
	DIR *devices;

	if (!run_next_rule(run, HWS_KIND_BAR, &index, &rule))
		return RESULT_OK;
	devices = opendir(DEVICES);
	while (devices && result == RESULT_OK && (entry = readdir(devices))) {
		struct hws_bdf bdf;
		int device;

		if (hws_bdf_parse(entry->d_name, &bdf) < 0)
			continue;
		device = openat(dirfd(devices), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (device < 0)
			continue; /* it was unplugged meanwhile */
		result = open_device(run, device, bdf);
		close(device);
	}
	if (devices)
		closedir(devices);
	return result;
}

static bool put(int fd, const void *bytes, size_t size)
{
	return size == 0 || write(fd, bytes, size) == (ssize_t)size;
}

enum result run_describe(struct run *run)
{
	struct hws_grants *head = &run->grants;
	size_t bars = head->bars * sizeof(run->bars[0]);
	size_t rings = head->rings * sizeof(run->rings[0]);
	size_t holds = head->holds * sizeof(run->holds[0]);
	int fd = memfd_create("hwsafe-grants", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	head->magic = HWS_GRANTS_MAGIC;
	head->version = HWS_GRANTS_VERSION;
	head->uid = run->uid;
	head->text = (uint32_t)run->text_size;
	head->size = (uint32_t)(sizeof(*head) + bars + rings + holds + run->text_size);
	run->description = fd;
	if (fd < 0 || !put(fd, head, sizeof(*head)) || !put(fd, run->bars, bars) ||
	    !put(fd, run->rings, rings) || !put(fd, run->holds, holds) ||
	    !put(fd, run->text, run->text_size))
		r = -errno;
	else
		r = sys_seal(fd);
	if (r < 0)
		return run_refuse(RESULT_SYSTEM, "run: what is granted can't be written down: %s",
				  strerror(-r));
	return RESULT_OK;
}
