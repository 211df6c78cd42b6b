/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process holds, as the kernel sees it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/soak/soak.h"

static FILE *open_of(pid_t pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return fopen(path, "re");
}

static int read_status(pid_t pid, double *figures)
{
	FILE *file = open_of(pid, "status");
	char line[256];

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "VmRSS:", 6))
			figures[SOAK_RSS] = strtod(line + 6, NULL);
		if (!strncmp(line, "Threads:", 8))
			figures[SOAK_THREADS] = strtod(line + 8, NULL);
	}
	fclose(file);
	return 0;
}

static int count_maps(pid_t pid, double *figures)
{
	FILE *file = open_of(pid, "maps");

	if (!file)
		return -errno;
	figures[SOAK_MAPS] = 0;
	for (int c; (c = getc(file)) != EOF;)
		figures[SOAK_MAPS] += c == '\n';
	fclose(file);
	return 0;
}

static int count_fds(pid_t pid, double *figures)
{
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	figures[SOAK_FDS] = 0;
	while (readdir(dir))
		figures[SOAK_FDS]++;
	closedir(dir);
	return 0;
}

int soak_sample(pid_t pid, double ret_figures[SOAK_FIGURES])
{
	int r = read_status(pid, ret_figures);

	r = r < 0 ? r : count_maps(pid, ret_figures);
	return r < 0 ? r : count_fds(pid, ret_figures);
}
