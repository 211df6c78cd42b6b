/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The limits of control groups. Every group from this process's own up to the
 * root counts, as each limits what is below it. Files that are not there limit
 * nothing; files that can't be read or understood are errors: it is not known
 * then how much there is.
 */
#include "guardian/readers-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sys-internal.h"

#define BASE "/sys/fs/cgroup"

enum { FILE_SIZE = 16384, V1 = 0, V2 = 1, VERSIONS = 2 };

typedef int level_fn(int root, const char *dir, int version, struct hws_usage *usage);

/* Is @controller a word of the comma list [list, end)? */
static bool listed(const char *list, const char *end, const char *controller)
{
	size_t length = strlen(controller);

	while (list < end) {
		size_t n = strcspn(list, ",:");

		if (n == length && !strncmp(list, controller, n))
			return true;
		list += n + 1;
	}
	return false;
}

/*
 * This process's group in /proc/self/cgroup's @text: "4:memory:/path" or, for
 * v2, "0::/path". Returns the version, or -ENOENT: in no group that could
 * limit this.
 */
static int find_group(char *text, const char *controller, const char **ret_path)
{
	int version = -ENOENT;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *list = strchr(line, ':');
		char *path = list ? strchr(list + 1, ':') : NULL;

		if (!path || path[1] != '/')
			return -EBADMSG;
		if (path == list + 1 && version == -ENOENT)
			version = V2;
		else if (path != list + 1 && listed(list + 1, path, controller))
			version = V1;
		else
			continue;
		*ret_path = path + 1;
		if (version == V1)
			break;
	}
	return version;
}

/* Where the hierarchy is mounted; a hybrid set-up has v2 beside the controllers of v1. */
static const char *find_base(int root, int version, const char *controller, char *text, size_t size)
{
	HWS_CLEANUP_FD int fd = -1;

	if (version == V1) {
		snprintf(text, size, BASE "/%s", controller);
		return text;
	}
	fd = sys_open(root, BASE "/unified", O_PATH);
	return fd >= 0 ? BASE "/unified" : BASE;
}

static int walk(int root, const char *controller, level_fn *level, struct hws_usage *usage)
{
	char text[FILE_SIZE];
	char base[64];
	char dir[PATH_MAX];
	const char *path = "/";
	size_t base_length;
	ssize_t n = sys_read_file(root, "/proc/self/cgroup", text, sizeof(text));
	int version;
	int r = 0;

	if (n < 0)
		return n == -ENOENT ? 0 : (int)n;
	version = find_group(text, controller, &path);
	if (version < 0)
		return version == -ENOENT ? 0 : version;
	/* a group outside this namespace's root is not to be seen; that root is */
	if (strstr(path, "/.."))
		path = "/";
	n = snprintf(dir, sizeof(dir), "%s",
		     find_base(root, version, controller, base, sizeof(base)));
	base_length = (size_t)n;
	if (strcmp(path, "/") != 0 && snprintf(dir + n, sizeof(dir) - (size_t)n, "%s", path) >=
					      (int)(sizeof(dir) - (size_t)n))
		return -ENAMETOOLONG;
	for (;;) {
		r = level(root, dir, version, usage);
		if (r < 0 || strlen(dir) <= base_length)
			return r;
		*strrchr(dir, '/') = '\0';
	}
}

/* A file of one group as text: 1, or 0 when there is none. */
static int read_text(int root, const char *dir, const char *name, char *text, size_t size)
{
	char path[PATH_MAX + 64];
	ssize_t n;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	n = sys_read_file(root, path, text, size);
	if (n == -ENOENT)
		return 0;
	return n < 0 ? (int)n : 1;
}

/* A number of one group: 1, or 0 when there is none, or when it says "max" or -1: no limit. */
static int read_number(int root, const char *dir, const char *name, uint64_t *ret_value)
{
	char text[64];
	int r = read_text(root, dir, name, text, sizeof(text));

	if (r <= 0 || !strncmp(text, "max", 3) || !strncmp(text, "-1", 2))
		return r < 0 ? r : 0;
	r = text_number(text, "", ret_value);
	return r < 0 ? r : 1;
}

static int memory_level(int root, const char *dir, int version, struct hws_usage *usage)
{
	static const struct {
		const char *limit, *used, *cache;
	} files[VERSIONS] = {
		[V1] = { "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file " },
		[V2] = { "memory.max", "memory.current", "inactive_file " },
	};
	char stat[FILE_SIZE];
	uint64_t limit;
	uint64_t used = 0;
	uint64_t cache = 0;
	int r = read_number(root, dir, files[version].limit, &limit);

	if (r <= 0)
		return r;
	r = read_number(root, dir, files[version].used, &used);
	if (r < 0)
		return r;
	/* file pages that nobody uses make room by themselves */
	r = read_text(root, dir, "memory.stat", stat, sizeof(stat));
	if (r < 0)
		return r;
	if (r > 0 && text_number(stat, files[version].cache, &cache) < 0)
		cache = 0;
	usage_narrow(usage, limit, used > cache ? used - cache : 0);
	return 0;
}

/* v1 limits memory and swap together: what it leaves for swap is the difference. */
static int swap_level_v1(int root, const char *dir, struct hws_usage *usage)
{
	uint64_t both;
	uint64_t memory;
	uint64_t both_used = 0;
	uint64_t memory_used = 0;
	int r = read_number(root, dir, "memory.memsw.limit_in_bytes", &both);

	if (r <= 0)
		return r;
	r = read_number(root, dir, "memory.limit_in_bytes", &memory);
	if (r <= 0)
		return r;
	r = read_number(root, dir, "memory.memsw.usage_in_bytes", &both_used);
	if (r >= 0)
		r = read_number(root, dir, "memory.usage_in_bytes", &memory_used);
	if (r < 0)
		return r;
	/* both without limit: so is swap */
	if (both < (uint64_t)INT64_MAX / 2)
		usage_narrow(usage, both > memory ? both - memory : 0,
			     both_used > memory_used ? both_used - memory_used : 0);
	return 0;
}

static int swap_level(int root, const char *dir, int version, struct hws_usage *usage)
{
	uint64_t limit;
	uint64_t used = 0;
	int r;

	if (version == V1)
		return swap_level_v1(root, dir, usage);
	r = read_number(root, dir, "memory.swap.max", &limit);
	if (r <= 0)
		return r;
	r = read_number(root, dir, "memory.swap.current", &used);
	if (r < 0)
		return r;
	usage_narrow(usage, limit, used);
	return 0;
}

/* v2: "quota period" in one file, v1: one file each; 1, or 0: no limit. */
static int read_quota(int root, const char *dir, int version, uint64_t *quota, uint64_t *period)
{
	char text[64];
	const char *space;
	int r;

	if (version == V1) {
		r = read_number(root, dir, "cpu.cfs_quota_us", quota);
		return r <= 0 ? r : read_number(root, dir, "cpu.cfs_period_us", period);
	}
	r = read_text(root, dir, "cpu.max", text, sizeof(text));
	if (r <= 0 || !strncmp(text, "max", 3))
		return r < 0 ? r : 0;
	space = strchr(text, ' ');
	if (!space || text_number(text, "", quota) < 0 || text_number(space + 1, "", period) < 0)
		return -EBADMSG;
	return 1;
}

static int cpu_level(int root, const char *dir, int version, struct hws_usage *usage)
{
	uint64_t quota;
	uint64_t period;
	int r = read_quota(root, dir, version, &quota, &period);

	if (r <= 0)
		return r;
	if (period == 0 || quota > UINT64_MAX / 1000)
		return -EBADMSG;
	usage_narrow(usage, quota * 1000 / period, 0);
	return 0;
}

int cgroup_memory(int root, struct hws_usage *usage)
{
	return walk(root, "memory", memory_level, usage);
}

int cgroup_swap(int root, struct hws_usage *usage)
{
	return walk(root, "memory", swap_level, usage);
}

int cgroup_cpu(int root, struct hws_usage *usage)
{
	return walk(root, "cpu", cpu_level, usage);
}
