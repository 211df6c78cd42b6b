/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#define GIVE_UP() abort()

struct ops {
	void (*exit)(int n);
};

void loud(int n, FILE *out, const struct ops *ops)
{
	assert(n > 0); /* exit(1) in a comment is none */
	fprintf(out, "exit(1) in a string is none");
	fprintf(stderr, "%d\n", n);
	printf("%d\n", n);
	if (n == 3)
		exit(1);
	if (n == 4)
		errx(1, "four");
	if (n == 5)
		GIVE_UP();
	perror("allowed");
	ops->exit(n);
}
