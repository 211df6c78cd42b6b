/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left of a run, where nothing should be. */
#ifndef HWSAFE_TESTS_INJECT_LEFT_H
#define HWSAFE_TESTS_INJECT_LEFT_H

#include "tests/inject/inject.h"

/* What a run leaves: the same whether something failed in it or not. */
struct left {
	long blocks;
	long mapped;
	int fds;
	int threads;
	int children;
	int mappings;
};

struct left left_now(void);
bool left_is_no_more(const struct left *left, const struct left *expected);
/* Of all in which they differ. */
void left_complain(const struct left *left, const struct left *expected);

#endif
