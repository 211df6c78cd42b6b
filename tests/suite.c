/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPS = 128 };

/* Shared with the children, which write it: what was skipped and why. */
struct skips {
	_Atomic unsigned int count;
	struct {
		char test[96];
		char why[160];
	} at[SKIPS];
};
static struct skips *skips;

static bool must_run(const char *what)
{
	const char *list = getenv("HWS_MUST_RUN");
	size_t length = strlen(what);

	while (list && *list) {
		size_t n = strcspn(list, ",");

		if ((n == length && !strncmp(list, what, n)) ||
		    (n == 3 && !strncmp(list, "all", n)))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

void suite_skip(const char *what, const char *why, const char *function)
{
	size_t length = strlen(function);
	unsigned int n;

	ck_assert_msg(!must_run(what), "must run here (HWS_MUST_RUN) but needs %s: %s", what, why);
	n = skips->count++;
	ck_assert_uint_lt(n, SKIPS);
	if (length > 3 && !strcmp(function + length - 3, "_fn"))
		length -= 3;
	snprintf(skips->at[n].test, sizeof(skips->at[n].test), "%.*s", (int)length, function);
	snprintf(skips->at[n].why, sizeof(skips->at[n].why), "%s: %s", what, why);
}

/* Check's own TAP line is "ok 1 - file:case:test: message"; a skipped one also says so. */
static void print_line(const char *line)
{
	for (unsigned int i = 0; i < skips->count && !strncmp(line, "ok ", 3); i++) {
		char wanted[sizeof(skips->at[i].test) + 3];

		snprintf(wanted, sizeof(wanted), ":%s:", skips->at[i].test);
		if (strstr(line, wanted)) {
			printf("%.*s # SKIP %s\n", (int)strcspn(line, "\n"), line,
			       skips->at[i].why);
			return;
		}
	}
	fputs(line, stdout);
}

static void print_tap(const char *path)
{
	char line[4096];
	FILE *file = fopen(path, "r");

	if (!file) {
		printf("Bail out! no results at %s\n", path);
		return;
	}
	while (fgets(line, sizeof(line), file))
		print_line(line);
	fclose(file);
}

int suite_run_for(const char *name, const TTest *const *tests, double seconds)
{
	char path[] = "/tmp/hwsafe-tap-XXXXXX";
	int fd = mkstemp(path);
	Suite *suite = suite_create(name);
	TCase *one = tcase_create(name);
	SRunner *runner;
	int failed;

	skips = mmap(NULL, sizeof(*skips), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (fd < 0 || skips == MAP_FAILED) {
		perror("tests: cannot set up");
		return EXIT_FAILURE;
	}
	tcase_set_timeout(one, seconds);
	for (; *tests; tests++)
		tcase_add_test(one, *tests);
	suite_add_tcase(suite, one);
	runner = srunner_create(suite);
	srunner_set_tap(runner, path);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	print_tap(path);
	close(fd);
	unlink(path);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int suite_run(const char *name, const TTest *const *tests)
{
	return suite_run_for(name, tests, SUITE_SECONDS);
}

int suite_child(void (*body)(void *), void *context)
{
	int status = -1;
	pid_t child;

	fflush(NULL);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		body(context);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

bool suite_died(int status, int signal)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) == signal || WTERMSIG(status) == SIGABRT :
				     WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 66;
}
