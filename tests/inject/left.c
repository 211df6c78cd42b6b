/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/inject/left.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* Blocks, or where a sanitizer counts bytes. */
enum { SLACK = SUITE_SANITIZED ? 2048 : 0 };

static _Atomic long mapped;

void inject_mapped(long bytes)
{
	/* relaxed: a sum, looked at when threads are gone */
	atomic_fetch_add_explicit(&mapped, bytes, memory_order_relaxed);
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* The kernel's own, with which it serves io_uring, end when it likes. */
static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		char path[300];
		char name[4] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "r");
		count += file && fread(name, 1, 4, file) == 4 && memcmp(name, "iou-", 4) != 0;
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
	return count;
}

/* What of files, devices and loaded objects is mapped. */
static int count_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	char line[512];
	int count = 0;

	while (file && fgets(line, sizeof(line), file))
		count += strchr(line, '/') != NULL;
	if (file)
		fclose(file);
	return count;
}

struct left left_now(void)
{
	struct left left = {
		.blocks = inject_allocated(),
		.mapped = mapped,
		.fds = count_entries("/proc/self/fd"),
		.threads = count_threads(),
		.mappings = count_mappings(),
	};

	while (waitpid(-1, NULL, WNOHANG) > 0)
		left.children++;
	left.children += errno != ECHILD;
	return left;
}

bool left_is_no_more(const struct left *a, const struct left *b)
{
	/* libc and sanitizers keep some of what the first thread needed; the kernel's end later */
	return a->blocks <= b->blocks + SLACK && a->mapped == b->mapped && a->fds == b->fds &&
	       a->threads <= b->threads && a->children == b->children && a->mappings == b->mappings;
}

void left_complain(const struct left *left, const struct left *expected)
{
	if (left->fds != expected->fds)
		inject_bad("leaves %d descriptors", left->fds - expected->fds);
	if (left->mapped != expected->mapped)
		inject_bad("leaves %ld bytes mapped", left->mapped - expected->mapped);
	if (left->blocks > expected->blocks + SLACK)
		inject_bad("leaves %ld blocks of memory", left->blocks - expected->blocks);
	if (left->threads > expected->threads)
		inject_bad("leaves %d threads", left->threads - expected->threads);
	if (left->mappings != expected->mappings)
		inject_bad("leaves %d mappings", left->mappings - expected->mappings);
	if (left->children != expected->children)
		inject_bad("leaves a child");
}
