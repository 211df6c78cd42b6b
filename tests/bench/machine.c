/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/bench/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/why-internal.h"

enum { PATH_ROOM = 128 };

static const struct {
	const char *path;
	const char *bytes;
	off_t size;
} files[] = {
	{ MACHINE_CONFIG, "\x34\x12\xe8\x11", 64 },
	{ MACHINE_MEMORY, "", MACHINE_PAGE },
	{ MACHINE_PORTS, "", MACHINE_PORT_COUNT },
	{ MACHINE_FUNCTION "/resource", "0x0 0xfff 0x40200\n0x1000 0x100f 0x40101\n", 0 },
	{ MACHINE_MSRS, "", 4096 },
};

/* 0, or -errno: one file of the machine, and the directories that lead to it. */
static int create(const char *root, const char *path, const char *bytes, off_t size)
{
	char whole[PATH_ROOM];
	FILE *file;
	int r;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *slash = whole + strlen(root); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	file = fopen(whole, "w");
	if (!file)
		return -errno;
	fputs(bytes, file);
	fflush(file);
	r = size && ftruncate(fileno(file), size) < 0 ? -errno : 0;
	fclose(file);
	return r;
}

int machine_make(struct machine_root *ret_root)
{
	struct machine_root root = { "/tmp/hwsafe-bench-XXXXXX" };
	int r = mkdtemp(root.path) ? 0 : -errno;

	if (r < 0)
		return why(r, "%s: no machine can be made there", root.path);
	for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		r = create(root.path, files[i].path, files[i].bytes, files[i].size);
	if (r < 0) {
		machine_remove(&root);
		return why(r, "%s: no machine can be made there", root.path);
	}
	*ret_root = root;
	return 0;
}

void machine_remove(const struct machine_root *root)
{
	char command[sizeof(root->path) + 16];

	if (!root->path[0])
		return;
	snprintf(command, sizeof(command), "rm -rf %s", root->path);
	if (system(command) != 0)
		perror(command);
}

int machine_open(const struct machine_root *root, const char *path, int flags)
{
	char whole[PATH_ROOM];
	int fd;

	snprintf(whole, sizeof(whole), "%s%s", root->path, path);
	fd = open(whole, flags | O_CLOEXEC);
	return fd < 0 ? why(-errno, "%s: %s", whole, strerror(errno)) : fd;
}

volatile uint32_t *machine_map(const struct machine_root *root, bool write)
{
	int fd = machine_open(root, MACHINE_MEMORY, write ? O_RDWR : O_RDONLY);
	void *memory;

	if (fd < 0)
		return NULL;
	memory = mmap(NULL, MACHINE_PAGE, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED) {
		why(-errno, "%s can't be mapped: %s", MACHINE_MEMORY, strerror(errno));
		return NULL;
	}
	return memory;
}

void machine_unmap(volatile uint32_t *memory)
{
	if (memory)
		munmap((void *)(uintptr_t)memory, MACHINE_PAGE);
}
