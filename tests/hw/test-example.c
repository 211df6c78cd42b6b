/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An example on the lab's real devices: its file, what it NEEDS of the lab, what it SAYS. */
int example_main(int argc, char **argv);
#define main example_main
#include EXAMPLE
#undef main

#include <sys/wait.h>
#include <unistd.h>

#include "tests/suite.h"

START_TEST(example_does_what_it_shows)
{
	char *argv[] = { "example", NULL };
	char said[4096] = "";
	int ends[2];
	int status = 0;
	pid_t pid;

	need_lab(NEEDS);
	fflush(stdout);
	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		exit(example_main(1, argv));
	}
	close(ends[1]);
	for (size_t at = 0; at < sizeof(said) - 1;) {
		ssize_t n = read(ends[0], said + at, sizeof(said) - 1 - at);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_msg(strstr(said, SAYS), "it said: %s", said);
}
END_TEST

int main(void)
{
	return suite_run("examples/" EXAMPLE,
			 (const TTest *[]) { example_does_what_it_shows, NULL });
}
