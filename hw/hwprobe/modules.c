/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/modules.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 4096, PATTERN = 512 };

/* The whole file, or NULL. */
static char *read_all(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;
	bool read = file && getdelim(&text, &room, '\0', file) > 0;

	if (file)
		fclose(file);
	if (read)
		return text;
	free(text);
	return NULL;
}

char *modules_read(const char *sysroot)
{
	const char *root = sysroot ? sysroot : "";
	char path[PATH];
	char *release;
	char *text;

	snprintf(path, sizeof(path), "%s/proc/sys/kernel/osrelease", root);
	release = read_all(path);
	if (!release)
		return NULL;
	release[strcspn(release, "\n")] = '\0';
	snprintf(path, sizeof(path), "%s/lib/modules/%s/modules.alias", root, release);
	text = strchr(release, '/') ? NULL : read_all(path);
	free(release);
	return text;
}

bool modules_next(const char *alias, const char **at, char name[MODULE_NAME])
{
	char last[MODULE_NAME];

	strcpy(last, name);
	while (**at) {
		char pattern[PATTERN];
		int fields = sscanf(*at, "alias %511s %63s", pattern, name);

		*at += strcspn(*at, "\n");
		*at += **at == '\n';
		if (fields == 2 && fnmatch(pattern, alias, 0) == 0 && strcmp(last, name) != 0)
			return true;
	}
	return false;
}
