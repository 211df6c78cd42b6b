/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts of a helper that must not succeed. */
#ifndef HWSAFE_TESTS_HELPER_SERVE_START_H
#define HWSAFE_TESTS_HELPER_SERVE_START_H

#include "tests/helper/serve-kit.h"

/* A path in the daemon's folder, until the next call. */
char *daemon_path(const struct daemon *daemon, const char *name);
/* Another one with its policy and this option ends, with one line that has these words. */
void start_is_refused(const struct daemon *daemon, const char *option, const char *value,
		      const char *words);
/* For a child that a test has for such things: ends it on failure. */
void write_text_file(const char *path, const char *text);

#endif
