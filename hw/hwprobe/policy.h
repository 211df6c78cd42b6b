/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs of the policy share. */
#ifndef HWPROBE_POLICY_H
#define HWPROBE_POLICY_H

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/document.h"

/* The errors of policies: how many, and where they go. */
struct policy_errors {
	struct json_object *array; /* NULL: errors go to stderr */
	size_t count;
};

/*
 * The policy of a file or a directory; of @path NULL: that of the machine, or
 * the built-in one. Errors are told. 0 or -errno; @ret_policy: for
 * hws_policy_unref().
 */
int policy_read(const struct settings *settings, const char *path, struct policy_errors *errors,
		struct hws_policy **ret_policy);
/* The result of a policy_read() that failed. */
enum result policy_result(int code);

/* The path below the sysroot, the caller's to free; NULL: no memory. */
char *path_below(const struct settings *settings, const char *path);
/* A file below the sysroot, for reading; NULL: errno says why not. */
FILE *open_below(const struct settings *settings, const char *path);

/* Options of verbs that ask for an access, first in their tables. */
enum { ACCESS_WIDTH, ACCESS_VALUE, ACCESS_OLD, ACCESS_CPU, ACCESS_OPTIONS };
#define POLICY_ACCESS_OPTIONS                                           \
	[ACCESS_WIDTH] = { "width", 0, "BYTES", "of a single access" }, \
	[ACCESS_VALUE] = { "value", 0, "N", "what would be written" },  \
	[ACCESS_OLD] = { "old", 0, "N", "what stands there now" },      \
	[ACCESS_CPU] = { "cpu", 0, "N", "on which processor" }

/* The access that the call's words and options name, from a struct that is all zero. */
enum result policy_access(const struct call *call, struct hws_access *ret_access);

/* A name of a register is an operand as well: REGISTER, REGISTER.FIELD; and BDF:BAR+OFFSET. */
bool policy_is_name(const char *text);
enum result policy_name(const char *text, struct hws_access *access);
bool policy_cut_bar(char *text, char **ret_bar, char **ret_offset);

#endif
