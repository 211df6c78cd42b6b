/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program of somebody else's, as C and as C++: it sees what is installed and nothing more. */
#ifndef _GNU_SOURCE /* g++ has it */
#define _GNU_SOURCE /* for its own mkdtemp() and ftruncate() */
#endif
#include <hwsafe.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int once_cell(void)
{
	HWS_ONCE(int) cell;
	const int value = 7;

	memset(&cell, 0, sizeof(cell));
	return hws_once_set(&cell, &value) == 0 && *hws_once_get(&cell) == 7 ? 0 : 1;
}

static int addresses(void)
{
	struct hws_bdf bdf;
	char text[HWS_BDF_TEXT];

	if (hws_bdf_parse("00:03.0", &bdf) != 0)
		return 1;
	return strcmp(hws_bdf_format(bdf, text), "0000:00:03.0") || hws_range_ok(UINT64_MAX, 1, 4);
}

static int simulated(void)
{
	struct hws_options options;
	struct hws *hw;
	struct hws_mmio *edu;
	uint32_t id = 0;

	memset(&options, 0, sizeof(options));
	options.size = sizeof(options);
	options.backend = "sim";
	options.policy_text = "bar = 1234:11e8 0 r";
	if (hws_open(&options, &hw) != 0)
		return hws_explain(hws_open(&options, &hw), stderr);
	if (hws_mmio_map(hw, "0000:00:03.0", 0, 0, 0x100, HWS_R, &edu) != 0)
		return 1;
	if (hws_mmio_read32(edu, 0, &id) != 0 || id != 0x010000ed)
		return 2;
	hws_mmio_unmap(edu);
	hws_close(hw);
	return 0;
}

/* A device of files that vanishes under the reader: the exception table came along. */
static int unplugged(void)
{
	static const char *const folders[] = { "/sys", "/sys/bus", "/sys/bus/pci",
					       "/sys/bus/pci/devices",
					       "/sys/bus/pci/devices/0000:00:03.0" };
	char root[] = "/tmp/hwsafe-consumer-XXXXXX";
	static const char config[64] = { 0x34, 0x12, (char)0xe8, 0x11 };
	char path[128];
	char config_path[sizeof(path) + 8];
	struct hws_options options;
	struct hws *hw;
	struct hws_mmio *bar;
	uint32_t value = 0;
	int fd;

	if (!mkdtemp(root))
		return 1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		mkdir(path, 0700);
	}
	snprintf(config_path, sizeof(config_path), "%s/config", path);
	fd = open(config_path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || write(fd, config, sizeof(config)) != (int)sizeof(config))
		return 2;
	close(fd);
	strcat(path, "/resource0");
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, 4096) != 0)
		return 2;
	memset(&options, 0, sizeof(options));
	options.size = sizeof(options);
	options.sysroot = root;
	options.policy_text = "bar = 0000:00:03.0 0 r";
	if (hws_open(&options, &hw) != 0 ||
	    hws_mmio_map(hw, "00:03.0", 0, 0, 0, HWS_R, &bar) != 0) {
		fprintf(stderr, "%s\n", hws_why());
		return 3;
	}
	if (hws_mmio_read32(bar, 0, &value) != 0 || ftruncate(fd, 0) != 0)
		return 4;
	if (hws_mmio_read32(bar, 0, &value) != -EIO || hws_mmio_get32(bar, 0) != UINT32_MAX)
		return 5;
	hws_mmio_unmap(bar);
	hws_close(hw);
	close(fd);
	unlink(path);
	unlink(config_path);
	for (size_t i = sizeof(folders) / sizeof(folders[0]); i-- > 0;) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		rmdir(path);
	}
	return rmdir(root);
}

int main(void)
{
	if (once_cell() || addresses())
		return 1;
	if (simulated())
		return 2;
	if (unplugged())
		return 3;
	printf("%s\n", hws_version());
	return 0;
}
