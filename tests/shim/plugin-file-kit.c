/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/shim/plugin-file-kit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/sys-internal.h"
#include "tests/suite.h"

char folder[64], path[96];

char *bytes;
size_t size;

void write_file(const char *name, const void *from, size_t length)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(from, 1, length, file), length);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(name, 0644), 0);
}

static void read_bytes(const char *name)
{
	FILE *file = fopen(name, "r");

	ck_assert_ptr_nonnull(file);
	bytes = malloc(1 << 22);
	size = fread(bytes, 1, 1 << 22, file);
	ck_assert_uint_gt(size, 4096);
	fclose(file);
}

void set_up(const char *which)
{
	snprintf(folder, sizeof(folder), "/tmp/hwsafe-plugin-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/p.so", folder);
	read_bytes(which);
	write_file(path, bytes, size);
}

void tear_down(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
	free(bytes);
}

struct plugin_source trusting(void)
{
	return (struct plugin_source) {
		.root = SYS_REAL_ROOT,
		.path = path,
		.bare = true,
		.owner = sys_uid(),
	};
}

void refused(const struct plugin_source *source, int code, const char *words)
{
	struct plugin_library *library = NULL;
	int r = plugin_library_open(source, &library);

	ck_assert_msg(r == code && strstr(hws_why(), words), "%d: %s, not %s", r, hws_why(), words);
	ck_assert_ptr_null(library);
}

int descriptors(void)
{
	DIR *open_ones = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(open_ones))
		count++;
	closedir(open_ones);
	return count;
}

void loads(const struct plugin_source *source)
{
	const struct hws_plugin_table *table;
	struct plugin_library *library;
	int before = descriptors();
	int r = plugin_library_open(source, &library);

	ck_assert_msg(r == 0, "%d: %s", r, hws_why());
	ck_assert_str_eq(plugin_library_note(library)->name, "hello");
	r = plugin_library_load(library, &table);
	ck_assert_msg(r == 0, "%d: %s", r, hws_why());
	ck_assert_uint_eq(table->struct_size, sizeof(*table));
	plugin_library_close(library);
	ck_assert_int_eq(descriptors(), before);
}
