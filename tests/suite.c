/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPS = 128 };

/* Shared with the children, which write it: what did not run and why. */
struct skips {
	_Atomic unsigned int count;
	struct {
		char test[96];
		char why[160];
		bool not_here;
	} at[SKIPS];
};
static struct skips *skips;

static bool in_list(const char *list, const char *what)
{
	size_t length = strlen(what);

	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == length && !strncmp(list, what, n))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

static bool must_run(const char *what)
{
	const char *list = getenv("HWS_MUST_RUN");

	return in_list(list, what) || in_list(list, "all");
}

bool suite_in_lab(void)
{
	return getenv("HWS_LAB_HAS") != NULL;
}

bool suite_emulated(void)
{
	return getenv("HWS_EMULATED") != NULL;
}

bool suite_valgrind(void)
{
	return getenv("HWS_VALGRIND") != NULL;
}

int suite_rounds(int count)
{
	return suite_emulated() || suite_valgrind() ? (count + 19) / 20 : count;
}

bool suite_lab_has(const char *what)
{
	return in_list(getenv("HWS_LAB_HAS"), what);
}

static void note(bool not_here, const char *what, const char *why, const char *function)
{
	size_t length = strlen(function);
	unsigned int n = skips->count;

	if (n == SKIPS)
		return;
	skips->count = n + 1;
	if (length > 3 && !strcmp(function + length - 3, "_fn"))
		length -= 3;
	snprintf(skips->at[n].test, sizeof(skips->at[n].test), "%.*s", (int)length, function);
	snprintf(skips->at[n].why, sizeof(skips->at[n].why), "%s: %s", what, why);
	skips->at[n].not_here = not_here;
}

void suite_skip(const char *what, const char *why, const char *function)
{
	ck_assert_uint_lt(skips->count, SKIPS);
	ck_assert_msg(!must_run(what), "must run here (HWS_MUST_RUN) but needs %s: %s", what, why);
	note(false, what, why, function);
}

void suite_not_here(const char *what, const char *function)
{
	ck_assert_uint_lt(skips->count, SKIPS);
	note(true, what, "for another of the lab's machines", function);
}

/* Check's own line: "ok 1 - file:suite:test: message"; ours: "ok 1 - suite test # SKIP why". */
static void print_line(const char *line, unsigned int *count)
{
	char verdict[8];
	char file[256];
	char suite[64];
	char test[96];
	char message[3072];

	if (sscanf(line, "%7[nokt ] %*d - %255[^:]:%63[^:]:%95[^:]: %3071[^\n]", verdict, file,
		   suite, test, message) != 5)
		return;
	for (unsigned int i = 0; i < skips->count && verdict[0] == 'o'; i++) {
		if (strcmp(skips->at[i].test, test) != 0)
			continue;
		if (skips->at[i].not_here)
			printf("# not here: %s (%s)\n", test, skips->at[i].why);
		else
			printf("ok %u - %s %s # SKIP %s\n", ++*count, suite, test,
			       skips->at[i].why);
		return;
	}
	printf("%s%u - %s %s\n", verdict, ++*count, suite, test);
}

static void print_tap(const char *path)
{
	char line[4096];
	unsigned int count = 0;
	FILE *file = fopen(path, "r");

	if (!file) {
		printf("Bail out! no results at %s\n", path);
		return;
	}
	while (fgets(line, sizeof(line), file))
		print_line(line, &count);
	fclose(file);
	printf("1..%u\n", count);
}

static void print_failures(SRunner *runner)
{
	TestResult **results = srunner_failures(runner);

	for (int i = 0; i < srunner_ntests_failed(runner); i++)
		printf("# %s:%d: %s\n", tr_lfile(results[i]), tr_lno(results[i]),
		       tr_msg(results[i]));
	free(results);
}

START_TEST(nothing)
{
}
END_TEST

/* Why the table HWS_TEST_SKIPS ("PROGRAM:TEST", a tab, why) has no use for the test here. */
static bool is_listed(const char *test, char *line, size_t size)
{
	const char *name = getenv("HWS_TEST_SKIPS");
	FILE *table = name ? fopen(name, "re") : NULL;
	char key[160];
	bool found = false;
	int length = snprintf(key, sizeof(key), "%s:%s\t", program_invocation_short_name, test);

	while (table && !found && fgets(line, (int)size, table))
		found = strncmp(line, key, (size_t)length) == 0;
	if (table)
		fclose(table);
	if (found) {
		line[strcspn(line, "\n")] = '\0';
		memmove(line, line + length, strlen(line + length) + 1);
	}
	return found;
}

/* The test, or one of its name that does nothing, and is told as skipped. */
static const TTest *test_or_nothing(const TTest *test)
{
	static TTest none[SKIPS];
	char why[256];

	if (skips->count == SKIPS || !is_listed(test->name, why, sizeof(why)))
		return test;
	none[skips->count] = *nothing;
	none[skips->count].name = test->name;
	note(false, "valgrind", why, test->name);
	return &none[skips->count - 1];
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
	tcase_set_timeout(one, suite_valgrind() ? 10 * seconds : seconds);
	for (; *tests; tests++)
		tcase_add_test(one, test_or_nothing(*tests));
	suite_add_tcase(suite, one);
	runner = srunner_create(suite);
	srunner_set_tap(runner, path);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	print_tap(path);
	print_failures(runner);
	srunner_free(runner);
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
	return WIFSIGNALED(status) ? WTERMSIG(status) == signal || WTERMSIG(status) == SIGABRT
				   : WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 66;
}
