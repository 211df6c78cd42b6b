/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/serve-start.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* How a start ends: its code, and all of what it said. */
static int start_with(const struct daemon *daemon, const char *option, const char *value,
		      char said[1024])
{
	char command[2048 + 8192];
	size_t n;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "timeout 20 %s serve --backend sim --soft --socket %s/other --policy %s/policy.d "
		 "%s '%s' 2>&1",
		 HELPER, daemon->folder, daemon->folder, option, value);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	n = fread(said, 1, 1023, pipe);
	said[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

char *daemon_path(const struct daemon *daemon, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", daemon->folder, name);
	return path;
}

void start_is_refused(const struct daemon *daemon, const char *option, const char *value,
		      const char *words)
{
	char said[1024];
	int code = start_with(daemon, option, value, said);

	ck_assert_msg(code != 0 && code != 124, "%s %.200s: %d", option, value, code);
	ck_assert_msg(strstr(said, words), "%s %.200s: %.200s", option, value, said);
	/* one line */
	ck_assert_msg(strchr(said, '\n') == said + strlen(said) - 1, "%s", said);
}

void write_text_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	must(file && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, 0600) == 0);
}
