/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/launch.h"

#include <check.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *launch_alice = "alice";
const char *launch_bob = "bob";

__attribute__((constructor)) static void choose_users(void)
{
	if (!getpwnam("alice"))
		launch_alice = "daemon";
	if (!getpwnam("bob"))
		launch_bob = "sys";
}

bool launch_can(void)
{
	return geteuid() == 0 && getenv("HWS_HELPER");
}

const char *launch_policy(const char *text, ...)
{
	static char directory[64];
	char path[96];
	va_list arguments;
	FILE *file;

	strcpy(directory, "/tmp/hwsafe-run-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	snprintf(path, sizeof(path), "%s/test.conf", directory);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	va_start(arguments, text);
	vfprintf(file, text, arguments);
	va_end(arguments);
	ck_assert_int_eq(fclose(file), 0);
	return directory;
}

static void keep(int fd, char text[LAUNCH_TEXT])
{
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, text + length, LAUNCH_TEXT - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	close(fd);
}

/* Nothing of root is left; the socket's name is all that it knows of a helper. */
static void leave(const char *name, const char *socket)
{
	const struct passwd *user = getpwnam(name);

	if (!user || initgroups(user->pw_name, user->pw_gid) < 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		_exit(122);
	setenv("HWSAFE_SOCKET", socket, 1);
}

static void start(struct launch *launch, const char **words)
{
	int out[2];
	int err[2];
	int status;
	pid_t child;

	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(pipe(err), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		close(out[0]), close(out[1]), close(err[0]), close(err[1]);
		if (launch->before)
			launch->before(launch->context);
		if (launch->socket)
			leave(launch->user, launch->socket);
		execv(words[0], (char **)words);
		_exit(120);
	}
	close(out[1]), close(err[1]);
	keep(out[0], launch->out);
	keep(err[0], launch->err);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	launch->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static size_t add(const char **words, size_t count, va_list arguments)
{
	const char *word;

	while ((word = va_arg(arguments, const char *))) {
		ck_assert_uint_lt(count + 1, LAUNCH_WORDS);
		words[count++] = word;
	}
	words[count] = NULL;
	return count;
}

void launch(struct launch *launch, const char *directory, ...)
{
	const char *words[LAUNCH_WORDS] = { getenv("HWS_HELPER"), "run", "--policy", directory };
	va_list arguments;

	va_start(arguments, directory);
	add(words, 4, arguments);
	va_end(arguments);
	start(launch, words);
}

/* The helper's command line that starts this program; the next is for the client's own words. */
static size_t for_client(const char **words, const char *directory, const char *profile,
			 const char *user)
{
	static char self[4096];
	const char *const line[] = { getenv("HWS_HELPER"),
				     "run",
				     "--policy",
				     directory,
				     "-p",
				     profile,
				     "-u",
				     user,
				     "--",
				     self,
				     "client" };

	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	memcpy(words, line, sizeof(line));
	return sizeof(line) / sizeof(line[0]);
}

void launch_client(struct launch *launch, const char *directory, const char *profile,
		   const char *user, ...)
{
	const char *words[LAUNCH_WORDS];
	size_t count = for_client(words, directory, profile, user);
	va_list arguments;

	va_start(arguments, user);
	add(words, count, arguments);
	va_end(arguments);
	start(launch, words);
}

void launch_become_client(const char *directory, const char *profile, const char *user, ...)
{
	const char *words[LAUNCH_WORDS];
	size_t count = for_client(words, directory, profile, user);
	va_list arguments;

	va_start(arguments, user);
	add(words, count, arguments);
	va_end(arguments);
	execv(words[0], (char **)words);
	_exit(120);
}

void launch_become(const char *user, const char *socket, ...)
{
	char self[4096] = "";
	const char *words[LAUNCH_WORDS] = { self };
	va_list arguments;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		_exit(122);
	va_start(arguments, socket);
	add(words, 1, arguments);
	va_end(arguments);
	setpgid(0, 0);
	leave(user, socket);
	execv(self, (char **)words);
	_exit(120);
}

void launch_socket(struct launch *launch, const char *socket, const char *user, ...)
{
	char self[4096] = "";
	const char *words[LAUNCH_WORDS] = { self, "client" };
	va_list arguments;

	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	launch->socket = socket;
	launch->user = user;
	va_start(arguments, user);
	add(words, 2, arguments);
	va_end(arguments);
	start(launch, words);
	launch->socket = NULL;
}

void launch_went_well(const struct launch *launch)
{
	ck_assert_msg(launch->code == 0, "%d: %s%s", launch->code, launch->out, launch->err);
	ck_assert_str_eq(launch->out, "well\n");
}

void launch_refused(const struct launch *launch, int code, const char *word)
{
	const char *end = strchr(launch->err, '\n');

	ck_assert_msg(launch->code == code, "%d, expected %d: %s", launch->code, code, launch->err);
	ck_assert_str_eq(launch->out, "");
	ck_assert_msg(!strncmp(launch->err, "hwsafe-helper: ", 15) && end && !end[1],
		      "not one line: %s", launch->err);
	ck_assert_msg(strstr(launch->err, word) != NULL, "no '%s' in: %s", word, launch->err);
}
