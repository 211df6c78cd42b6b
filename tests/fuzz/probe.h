/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hwprobe's commands, run within the target; what they print is kept from the screen. */
#ifndef HWSAFE_TESTS_FUZZ_PROBE_H
#define HWSAFE_TESTS_FUZZ_PROBE_H

#include "hw/hwprobe/hwprobe.h"

enum { PROBE_WORDS = 15 };

/* The words behind "hwprobe"; ends with NULL. */
struct probe {
	const char *words[PROBE_WORDS + 1];
	int count;
};
void probe_add(struct probe *probe, const char *word);

/* What it printed on stdout is the caller's to free; what on stderr is thrown away. */
enum result probe_run(const struct probe *probe, char **ret_text);

/* The same for what is called itself: between begin and end nothing gets to the screen. */
void probe_begin(void);
char *probe_end(void);

/* The file of fuzz_directory(), for a command. */
const char *probe_file(const char *name);

/* Nothing in it but text: no terminal would obey any of it. */
bool probe_is_plain(const char *text);

#endif
