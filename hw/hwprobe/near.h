/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "did you mean …": of many names the one that is nearest to a word. */
#ifndef HWPROBE_NEAR_H
#define HWPROBE_NEAR_H

#include <stddef.h>

struct near {
	const char *word;
	const char *best; /* NULL: none is near enough */
	size_t distance;
};

/* Looks at one more name, which must outlive it. */
void near_try(struct near *near, const char *name);

#endif
