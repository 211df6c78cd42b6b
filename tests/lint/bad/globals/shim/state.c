/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>

int counter;
static uint64_t table[4] = { 1, 2 };
_Atomic unsigned int hits;
static _Thread_local int mine = 1;
static const char *names[] = { "a", "b" };
static const char *const constant[] = { "a", "b" };
static int special __attribute__((section("cells"))) = 1;

int count(int at)
{
	static int calls;

	mine++;
	hits++;
	special += at;
	table[at & 3]++;
	names[at & 1] = constant[at & 1];
	return ++calls + counter++ + mine + (int)table[at & 1] + *names[0];
}
