/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int sys_now(void);

long now(void)
{
	struct timespec now = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_nsec + getpid() + (long)sys_now() + (fopen("/proc/meminfo", "r") != NULL);
}
