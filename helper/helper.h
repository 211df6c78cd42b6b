/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of hwsafe-helper. */
#ifndef HWSAFE_HELPER_HELPER_H
#define HWSAFE_HELPER_HELPER_H

/* What the helper ends with. */
enum result {
	RESULT_OK = 0,
	RESULT_FAILURE = 1,
	RESULT_USAGE = 2,
};

/* self-check: what this process holds; arguments follow the command's name. */
enum result self_check(int count, char **arguments);

#endif
