/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/readers-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "shim/sys-internal.h"

enum { FILE_SIZE = 16384 };

int text_number(const char *text, const char *key, uint64_t *ret_value)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		unsigned long long value;
		char *end;

		line += *line == '\n';
		if (strncmp(line, key, length) != 0)
			continue;
		line += length;
		line += strspn(line, " \t");
		if (*line < '0' || *line > '9')
			return -EBADMSG;
		errno = 0;
		value = strtoull(line, &end, 10);
		if (errno)
			return -EBADMSG;
		*ret_value = value;
		return 0;
	}
	return -EBADMSG;
}

void usage_narrow(struct hws_usage *usage, uint64_t limit, uint64_t used)
{
	uint64_t rest = limit > used ? limit - used : 0;
	uint64_t have = usage->capacity > usage->usage ? usage->capacity - usage->usage : 0;

	if (limit < usage->capacity)
		usage->capacity = limit;
	if (rest > have)
		rest = have;
	usage->usage = usage->capacity > rest ? usage->capacity - rest : 0;
}

/* Stalled time in hundredths of a percent: @which line's "avg10=1.23". No such file: 0. */
static int read_pressure(int root, const char *path, const char *which, uint32_t *ret_pressure)
{
	char text[512];
	uint64_t whole;
	const char *dot;
	ssize_t n = sys_read_file(root, path, text, sizeof(text));

	/* kernels without it, and those started with it off */
	if (n == -ENOENT || n == -EOPNOTSUPP)
		return 0;
	if (n < 0)
		return (int)n;
	if (text_number(text, which, &whole) < 0 || whole > 100)
		return -EBADMSG;
	dot = strchr(strstr(text, which), '.');
	if (!dot || strspn(dot + 1, "0123456789") < 2)
		return -EBADMSG;
	*ret_pressure =
		(uint32_t)whole * 100 + (uint32_t)(dot[1] - '0') * 10 + (uint32_t)(dot[2] - '0');
	return 0;
}

/* Bytes from two of meminfo's lines: all there is, and how much of it is free. */
static int read_meminfo(int root, const char *total, const char *free, struct hws_usage *usage)
{
	char text[FILE_SIZE];
	uint64_t all;
	uint64_t rest;
	ssize_t n = sys_read_file(root, "/proc/meminfo", text, sizeof(text));

	if (n < 0)
		return (int)n;
	if (text_number(text, total, &all) < 0 || text_number(text, free, &rest) < 0 ||
	    rest > all || all > UINT64_MAX / 1024)
		return -EBADMSG;
	usage->capacity = all * 1024;
	usage->usage = (all - rest) * 1024;
	return read_pressure(root, "/proc/pressure/memory", "full avg10=", &usage->pressure);
}

static int read_ram(int root, struct hws_usage *usage)
{
	int r = read_meminfo(root, "MemTotal:", "MemAvailable:", usage);

	return r < 0 ? r : cgroup_memory(root, usage);
}

static int read_swap(int root, struct hws_usage *usage)
{
	int r = read_meminfo(root, "SwapTotal:", "SwapFree:", usage);

	return r < 0 ? r : cgroup_swap(root, usage);
}

static int read_cpu(int root, struct hws_usage *usage)
{
	int cpus = sys_cpus_allowed();
	int r = cpus < 0 ? cpus
			 : read_pressure(root, "/proc/pressure/cpu",
					 "some avg10=", &usage->pressure);

	if (r < 0)
		return r;
	usage->capacity = (uint64_t)cpus * 1000;
	return cgroup_cpu(root, usage);
}

/* What a limit of this process and the ceiling of all RAM both allow; in use: not known. */
static int read_rlimit(int root, int which, uint64_t ram_percent, struct hws_usage *usage)
{
	struct hws_usage ram = { 0 };
	uint64_t limit;
	int r = sys_getrlimit(which, &limit);

	if (r < 0)
		return r;
	r = read_ram(root, &ram);
	if (r < 0)
		return r;
	ram.capacity = ram.capacity / 100 * ram_percent;
	usage->capacity = limit < ram.capacity ? limit : ram.capacity;
	return 0;
}

static int read_dma(int root, struct hws_usage *usage)
{
	return read_rlimit(root, RLIMIT_MEMLOCK, 80, usage);
}

static int read_heap(int root, struct hws_usage *usage)
{
	return read_rlimit(root, RLIMIT_DATA, 100, usage);
}

/* Nobody reports how many vectors there are: its limit is a number. */
static int read_none(int root, struct hws_usage *usage)
{
	(void)root, (void)usage;
	return -EOPNOTSUPP;
}

int readers_read(int root, enum hws_resource resource, struct hws_usage *ret_usage)
{
	static int (*const readers[HWS_RESOURCES])(int, struct hws_usage *) = {
		[HWS_RAM] = read_ram,  [HWS_SWAP] = read_swap, [HWS_CPU] = read_cpu,
		[HWS_IRQ] = read_none, [HWS_DMA] = read_dma,   [HWS_HEAP] = read_heap,
	};
	struct hws_usage usage = { 0 };
	int r = readers[resource](root, &usage);

	if (r == 0)
		*ret_usage = usage;
	return r;
}
