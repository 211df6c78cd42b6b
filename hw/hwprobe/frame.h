/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a screen shows, drawn in memory: headings, and gauges side by side. */
#ifndef HWPROBE_FRAME_H
#define HWPROBE_FRAME_H

#include "hw/hwprobe/hwprobe.h"

/* "dma        [####........]  33% 2.7M/8.0M" */
struct gauge {
	const char *section; /* a heading stands before the first of each; compared as pointers */
	char name[16];
	char detail[32];
	double share; /* 0 to 1; below 0: there is nothing to measure against */
	bool idle;    /* not shown where there is no room for all */
};

struct frame {
	unsigned int rows;
	unsigned int columns;
	bool color;
	bool unicode;
};

enum { GAUGES = 96 };
struct gauges {
	struct gauge at[GAUGES];
	size_t count;
};

/* A copy of what a file had: control characters would be the terminal's. */
void frame_plain(char *to, size_t size, const char *from);

/* Room for one more, zeroed but for its name and section; the last one again when all are taken. */
struct gauge *gauge_add(struct gauges *gauges, const char *section, const char *name);

/*
 * The whole screen: the head line, the gauges, a foot line; never more than the frame has. The
 * caller's to free; NULL: no memory.
 */
char *frame_draw(const struct frame *frame, const char *head, const struct gauges *gauges,
		 const char *foot, size_t *ret_length);

#endif
