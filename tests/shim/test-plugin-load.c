/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in's file: which are loaded, and which are not. */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/shim/plugin-file-kit.h"

START_TEST(file_must_be_its_owners_alone)
{
	struct plugin_source source;
	char other[128];

	need_kernel("openat2()");
	set_up(HELLO);
	source = trusting();
	ck_assert_int_eq(chmod(path, 0664), 0);
	refused(&source, -EACCES, "writable by group or others");
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(chmod(folder, 0770), 0);
	refused(&source, -EACCES, "writable by group or others");
	ck_assert_int_eq(chmod(folder, 0700), 0);
	source.owner++;
	refused(&source, -EACCES, "belongs to uid");
	source.owner--;
	snprintf(other, sizeof(other), "%s/link.so", folder);
	ck_assert_int_eq(symlink("p.so", other), 0);
	source.path = other;
	refused(&source, -EACCES, "is a link");
	ck_assert_int_eq(unlink(other), 0);
	ck_assert_int_eq(mkfifo(other, 0600), 0);
	refused(&source, -EACCES, "no regular file");
	source.path = folder;
	refused(&source, -EACCES, "");
	source.path = "p.so";
	refused(&source, -EINVAL, "no absolute path");
	source.path = "/tmp/../tmp/p.so";
	refused(&source, -EXDEV, "can't be opened");
	source.path = "/proc/self/root/bin/sh";
	refused(&source, -EACCES, "");
	tear_down();
}
END_TEST

/* Changes to the file that make it something else, and what is said. */
static void flip_machine(void)
{
	((ElfW(Ehdr) *)(void *)bytes)->e_machine ^= 0x55;
}
static void flip_class(void)
{
	bytes[EI_CLASS] ^= 3;
}
static void make_program(void)
{
	((ElfW(Ehdr) *)(void *)bytes)->e_type = ET_REL;
}
static void cut_header(void)
{
	size = 40;
}
static void cut_segments(void)
{
	size = 100;
}
static void far_segments(void)
{
	((ElfW(Ehdr) *)(void *)bytes)->e_phoff = (ElfW(Off)) - 8;
}
static void be_text(void)
{
	memcpy(bytes, "#!/b", 4);
}
static void be_empty(void)
{
	size = 0;
}
static char *note_at(void)
{
	char *at = memmem(bytes, size, "hwsafe\0\0", 8);

	ck_assert_ptr_nonnull(at);
	return at + 8;
}
static void other_version(void)
{
	((struct hws_plugin_note *)(void *)note_at())->abi += 0x10000;
}
static void long_name(void)
{
	memset(note_at() + 8, 'x', 32);
}
static void rude_name(void)
{
	note_at()[9] = '\033';
}
static void large_note(void)
{
	((struct hws_plugin_note *)(void *)note_at())->struct_size = 4000;
}

static const struct {
	void (*change)(void);
	int code;
	const char *words;
} changes[] = {
	{ flip_machine, -ENOEXEC, "for another machine" },
	{ flip_class, -ENOEXEC, "for another machine" },
	{ make_program, -ENOEXEC, "no shared object" },
	{ cut_header, -ENOEXEC, "too short" },
	{ cut_segments, -ENOEXEC, "cut off" },
	{ far_segments, -ENOEXEC, "cut off" },
	{ be_text, -ENOEXEC, "no ELF file" },
	{ be_empty, -ENOEXEC, "is empty" },
	{ other_version, -EPROTO, "speaks version 2 of the boundary, not 1" },
	{ long_name, -ENOEXEC, "no proper name" },
	{ rude_name, -ENOEXEC, "no proper name" },
	{ large_note, -ENOEXEC, "note says a size" },
};

START_TEST(file_must_be_a_plugin_for_this_machine)
{
	struct plugin_source source;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		set_up(HELLO);
		source = trusting();
		changes[i].change();
		write_file(path, bytes, size);
		refused(&source, changes[i].code, changes[i].words);
		tear_down();
	}
	set_up(NO_NOTE);
	source = trusting();
	refused(&source, -ENOEXEC, "no note of hwsafe");
	tear_down();
}
END_TEST

START_TEST(file_changed_after_the_check_is_not_what_is_loaded)
{
	const struct hws_plugin_table *table;
	struct plugin_library *library;
	struct plugin_source source;

	set_up(HELLO);
	source = trusting();
	ck_ok(plugin_library_open(&source, &library));
	memset(bytes, 0, size);
	write_file(path, bytes, size);
	ck_assert_int_eq(unlink(path), 0);
	ck_ok(plugin_library_load(library, &table));
	ck_assert_ptr_nonnull(table->create);
	plugin_library_close(library);
	tear_down();
}
END_TEST

static void fails_to_load(const char *which, int code, const char *words)
{
	const struct hws_plugin_table *table;
	struct plugin_library *library;
	struct plugin_source source;
	int before = descriptors();
	int r;

	set_up(which);
	source = trusting();
	ck_ok(plugin_library_open(&source, &library));
	r = plugin_library_load(library, &table);
	ck_assert_msg(r == code && strstr(hws_why(), words), "%d: %s", r, hws_why());
	plugin_library_close(library);
	ck_assert_int_eq(descriptors(), before);
	tear_down();
}

START_TEST(linker_says_what_it_lacks)
{
	fails_to_load(UNRESOLVED, -ELIBBAD, "nobody_has_this");
	fails_to_load(NO_TABLE, -EPROTO, "gave no table");
}
END_TEST

START_TEST(two_of_one_file_are_two)
{
	const struct hws_plugin_table *tables[2];
	struct plugin_library *libraries[2];
	struct plugin_source source;

	set_up(HELLO);
	source = trusting();
	for (int i = 0; i < 2; i++) {
		ck_ok(plugin_library_open(&source, &libraries[i]));
		ck_ok(plugin_library_load(libraries[i], &tables[i]));
	}
	ck_assert_ptr_ne(tables[0], tables[1]);
	plugin_library_close(libraries[0]);
	ck_assert_ptr_nonnull(tables[1]->create);
	plugin_library_close(libraries[1]);
	plugin_library_close(NULL);
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		file_must_be_its_owners_alone,
		file_must_be_a_plugin_for_this_machine,
		file_changed_after_the_check_is_not_what_is_loaded,
		linker_says_what_it_lacks,
		two_of_one_file_are_two,
		NULL,
	};

	return suite_run("shim/plugin-load", tests);
}
