/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hwsafe-helper: the privileged process. Its vocabulary is one table. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "helper/harden.h"
#include "helper/helper.h"
#include "hw/hwsafe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum result show_help(int count, char **arguments);

static enum result show_version(int count, char **arguments)
{
	(void)count, (void)arguments;
	printf("hwsafe-helper %s\nlibhwsafe %s\n", HWS_VERSION, hws_version());
	return RESULT_OK;
}

static const struct {
	const char *name;
	enum result (*run)(int count, char **arguments);
	bool takes_arguments;
	bool answers; /* on standard output: without one it is no use */
	const char *usage;
	const char *help;
} commands[] = {
	{ "run", run_command, true, false, "run -p PROFILE [-u USER] [-v] -- COMMAND [ARGUMENT...]",
	  "starts a program with what the policy's profile grants it" },
	{ "serve", serve_command, true, false,
	  "serve [--socket PATH] [--user NAME] [--journals DIRECTORY] [--audit FILE] ...",
	  "hands out hardware over a socket, as the policy says; docs/helper.md has all options" },
	{ "check", check_command, true, true, "check POLICY", "is that file a policy?" },
	{ "self-check", self_check, true, true,
	  "self-check [--json] [--pid PID] [--expect CAP,...|none|serve] | --declared",
	  "what this process holds, or a helper that runs; 1 if beyond --expect; or what serve may" },
	{ "--help", show_help, false, true, "--help", "this page" },
	{ "--version", show_version, false, true, "--version", "the version" },
};

static enum result show_help(int count, char **arguments)
{
	(void)count, (void)arguments;
	printf("Usage: hwsafe-helper COMMAND\nThe privileged process of libhwsafe.\n\nCommands:\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		printf("  %s\n      %s\n", commands[i].usage, commands[i].help);
	printf("\nExit codes:\n  0 done\n  1 failed, or holds more than expected\n"
	       "  2 wrong arguments\n  3 no such profile, user, command or device\n"
	       "  4 denied by the policy\n  5 refused by the system\n"
	       "run: the program's own, once it was started\n");
	return RESULT_OK;
}

static enum result refuse(const char *what, const char *argument)
{
	fprintf(stderr, "hwsafe-helper: %s '%s'; known:", what, argument);
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(stderr, " %s", commands[i].name);
	fputc('\n', stderr);
	return RESULT_USAGE;
}

/*
 * Where the file itself has capabilities, whoever may start it chooses the options. run minds that;
 * serve would take his policy for root's. It keeps them only where the file is made to serve: that
 * one has a capability that run needs not, and is for one user (docs/helper.md).
 */
static bool may_keep(enum result (*command)(int count, char **arguments))
{
	uint64_t permitted;

	if (command != serve_command)
		return command == run_command || command == self_check;
	return harden_permitted(&permitted) == 0 && permitted >> CAP_SYS_PTRACE & 1;
}

static enum result act(int argc, char **argv, bool has_output)
{
	/* argc may be 0: then there is no command either */
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < COUNT(commands); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (argc > 2 && !commands[i].takes_arguments)
			return refuse("unexpected argument", argv[2]);
		if (commands[i].answers && !has_output) {
			fprintf(stderr, "hwsafe-helper: standard output is closed\n");
			return RESULT_FAILURE;
		}
		if (argc > 2 && strcmp(argv[2], "--help") == 0)
			return show_help(0, NULL);
		if (getauxval(AT_SECURE) && !may_keep(commands[i].run) && harden_forgo() < 0)
			return RESULT_SYSTEM;
		return commands[i].run(argc - 2, argv + 2);
	}
	return refuse("unknown command", name);
}

/* A file opened later must not become a standard stream. */
static bool keep_streams(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	bool has_output = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
	enum result result;

	if (!keep_streams()) {
		fprintf(stderr, "hwsafe-helper: a standard stream is closed, and /dev/null does "
				"not open\n");
		return RESULT_FAILURE;
	}
	result = act(argc, argv, has_output);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "hwsafe-helper: cannot write: %s\n", strerror(errno));
		return RESULT_FAILURE;
	}
	return (int)result;
}
