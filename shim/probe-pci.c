/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to PCI functions: configuration space, BARs of memory and of ports. */
#include "shim/probe-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES "/sys/bus/pci/devices"
enum {
	BARS = 6,
	PATH = 512,
	CONFIG_HEAD = 64,    /* what everybody may read */
	RESOURCE_IO = 0x100, /* IORESOURCE_IO and _MEM of the kernel's resource file */
	RESOURCE_MEMORY = 0x200,
};

static const struct node config_node = {
	.path = DEVICES "/*/config",
	.capability = CAP_SYS_ADMIN,
	.absent_why = "there are no PCI functions",
	.absent_fix = "",
};

/*
 * Does a function suit? Gives a value, or -errno; the file that was asked for goes
 * to @path, of PATH bytes.
 */
typedef int fits_function(const struct scene *scene, const char *directory, char *path);

/* Asks each function until one suits; @ret_path is its file, or the last one refused. */
static int find(const struct scene *scene, fits_function *fits, char *ret_path)
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	char path[PATH];
	int refused = -ENOENT;

	if (sys_opendir(scene->root, DEVICES, &dir) < 0)
		return -ENOENT;
	while ((entry = readdir(dir))) {
		char directory[sizeof(DEVICES) + sizeof(entry->d_name)];
		int r;

		if (!scene_any_name(entry->d_name))
			continue;
		snprintf(directory, sizeof(directory), DEVICES "/%s", entry->d_name);
		r = fits(scene, directory, path);
		if (r == -ENOENT)
			continue;
		memcpy(ret_path, path, PATH);
		refused = r;
		if (r >= 0)
			return r;
	}
	return refused;
}

/*
 * Safety: reading the first 64 bytes changes nothing in a device that keeps to the standard
 * (PCI 3.0 §6.1). Checked here: nothing.
 */
static ssize_t raw_config_head(int fd, uint8_t ret_head[CONFIG_HEAD])
{
	return sys_pread(fd, ret_head, CONFIG_HEAD, 0);
}

/* The size of configuration space, when its first 64 bytes can be read. */
static int config_reads(const struct scene *scene, const char *directory, char *path)
{
	uint8_t head[CONFIG_HEAD];
	struct stat stat;
	int r;

	snprintf(path, PATH, "%s/config", directory);
	HWS_CLEANUP_FD int fd = sys_open(scene->root, path, O_RDONLY);

	if (fd < 0)
		return fd;
	/* SAFETY: no more than the standard header is read, as every lspci does */
	r = (int)raw_config_head(fd, head);
	if (r < 0)
		return r;
	r = r < CONFIG_HEAD ? -EIO : sys_fstat(fd, &stat);
	return r < 0 ? r : (int)stat.st_size;
}

static int config_writes(const struct scene *scene, const char *directory, char *path)
{
	snprintf(path, PATH, "%s/config", directory);
	return scene_access(scene, path, HWS_RW);
}

/* May this process open the first BAR of the kind that is there? 0, -ENOENT, -EACCES … */
static int bar_opens(const struct scene *scene, const char *directory, uint64_t wanted, char *path)
{
	char text[4096];
	char *line = text;

	snprintf(path, PATH, "%s/resource", directory);
	if (sys_read_file(scene->root, path, text, sizeof(text)) < 0)
		return -ENOENT;
	for (unsigned int bar = 0; bar < BARS && *line; bar++) {
		uint64_t first = strtoull(line, &line, 16);
		uint64_t last = strtoull(line, &line, 16);
		uint64_t flags = strtoull(line, &line, 16);
		int r;

		line += *line == '\n';
		if (last <= first || !(flags & wanted))
			continue;
		snprintf(path, PATH, "%s/resource%u", directory, bar);
		r = scene_access(scene, path, HWS_RW);
		if (r != -ENOENT)
			return r;
	}
	return -ENOENT;
}

static int memory_bar_opens(const struct scene *scene, const char *directory, char *path)
{
	return bar_opens(scene, directory, RESOURCE_MEMORY, path);
}

static int port_bar_opens(const struct scene *scene, const char *directory, char *path)
{
	return bar_opens(scene, directory, RESOURCE_IO, path);
}

/* True when one fits; else the finding says why none does. */
static bool found(const struct scene *scene, fits_function *fits, const struct node *about,
		  struct finding *f, int *ret_value)
{
	char path[PATH] = "";
	struct node node = *about;
	int r = find(scene, fits, path);

	if (path[0])
		node.path = path;
	if (r < 0)
		probe_refused(scene, r, &node, f);
	else
		*ret_value = r;
	return r >= 0;
}

void probe_config_head(const struct scene *scene, struct finding *f)
{
	int size;

	if (found(scene, config_reads, &config_node, f, &size))
		probe_says(f, HWS_PROBE_WORKS, 0, "the first 64 bytes, for everybody", "");
}

void probe_config_full(const struct scene *scene, struct finding *f)
{
	int size;

	if (!found(scene, config_reads, &config_node, f, &size))
		return;
	if (!scene_has(scene, CAP_SYS_ADMIN)) {
		probe_refused(scene, -EPERM, &config_node, f);
		return;
	}
	probe_says(f, HWS_PROBE_WORKS, 0, "", "");
	snprintf(f->why, sizeof(f->why), "all %d bytes", size);
}

void probe_config_write(const struct scene *scene, struct finding *f)
{
	static const struct node locked_node = { .path = "", .locked_out = true };
	int unused;

	if (!found(scene, config_writes, &config_node, f, &unused))
		return;
	if (scene->locked)
		probe_refused(scene, -EPERM, &locked_node, f);
	else
		probe_says(f, HWS_PROBE_WORKS, 0, "as the file's mode says", "");
}

void probe_bar(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = DEVICES "/*/resource0",
		.locked_out = true,
		.absent_why = "no function has a memory BAR that can be mapped",
		.absent_fix = "",
	};
	int unused;

	if (!found(scene, memory_bar_opens, &node, f, &unused))
		return;
	if (scene->locked)
		probe_refused(scene, -EPERM, &node, f);
	else
		probe_says(f, HWS_PROBE_WORKS, 0, "mapped into the process, at full speed", "");
}

void probe_io_resource(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = DEVICES "/*/resource0",
		.absent_why = "no function has a BAR of ports",
		.absent_fix = "",
	};
	int unused;

	if (!found(scene, port_bar_opens, &node, f, &unused))
		return;
	if (scene->locked)
		probe_says(f, HWS_PROBE_PARTIAL, -EPERM, "reads only: the kernel is locked down",
			   "turn Secure Boot off, or boot without lockdown=");
	else
		probe_says(f, HWS_PROBE_WORKS, 0, "the ports of PCI functions", "");
}
