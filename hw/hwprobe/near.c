/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/near.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be put in, taken out, changed or swapped; capitals are no matter. */
static size_t distance(const char *from, const char *to)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t width = strlen(to);

	if (width > LONGEST || strlen(from) > LONGEST)
		return SIZE_MAX;
	for (size_t x = 0; x <= width; x++)
		last[x] = x;
	for (size_t y = 1; from[y - 1]; y++) {
		size_t *free_row = before;

		now[0] = y;
		for (size_t x = 1; x <= width; x++) {
			int a = tolower((unsigned char)from[y - 1]);
			int b = tolower((unsigned char)to[x - 1]);

			now[x] = least(last[x - 1] + (a != b), least(last[x], now[x - 1]) + 1);
			if (x > 1 && y > 1 && a == tolower((unsigned char)to[x - 2]) &&
			    b == tolower((unsigned char)from[y - 2]))
				now[x] = least(now[x], before[x - 2] + 1);
		}
		before = last;
		last = now;
		now = free_row;
	}
	return last[width];
}

void near_try(struct near *near, const char *name)
{
	size_t word = strlen(near->word);
	size_t length = strlen(name);
	size_t longer = word > length ? word : length;
	size_t d;

	/* a third of it may differ; letters that one has more are a difference each */
	if (3 * (longer - least(word, length)) > longer)
		return;
	d = distance(near->word, name);
	if (3 * d > longer || (near->best && d >= near->distance))
		return;
	near->best = name;
	near->distance = d;
}
