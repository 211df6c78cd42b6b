/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of hwsafe-helper. */
#ifndef HWSAFE_HELPER_HELPER_H
#define HWSAFE_HELPER_HELPER_H

/* What the helper ends with. */
enum result {
	RESULT_OK = 0,
	RESULT_FAILURE = 1,
	RESULT_USAGE = 2,
	RESULT_NOT_FOUND = 3,
	RESULT_DENIED = 4, /* by the policy */
	RESULT_SYSTEM = 5, /* refused by the system */
};

/* self-check: what this process holds; arguments follow the command's name. */
enum result self_check(int count, char **arguments);

/* run: becomes a program that has what a profile grants; comes back only when it can't. */
enum result run_command(int count, char **arguments);

/* serve: hands out hardware over a socket until it is told to end. */
enum result serve_command(int count, char **arguments);

/* check: is that file a policy? */
enum result check_command(int count, char **arguments);

#endif
