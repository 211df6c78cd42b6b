/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the documents of all verbs are built with. Memory that ran out shows in document_print(). */
#ifndef HWPROBE_DOCUMENT_H
#define HWPROBE_DOCUMENT_H

#include <json-c/json.h>

#include "hw/hwprobe/hwprobe.h"

/* A document with schema_version, version and sysroot. */
struct json_object *document(const struct settings *settings);
/* Prints it, and gives it up. 0 or -errno. */
int document_print(struct json_object *o);
/* One of many, in a line, with schema_version; gives it up. 0 or -errno. */
int document_line(struct json_object *o);

/* Each takes its value. A NULL is null. */
void put(struct json_object *object, const char *key, struct json_object *value);
void put_text(struct json_object *object, const char *key, const char *text);
void put_number(struct json_object *object, const char *key, uint64_t value);
/* As a string, "0x0006": numbers of 64 bits would lose digits. */
void put_hex(struct json_object *object, const char *key, unsigned int digits, uint64_t value);
/* The name of an errno under "error", null for 0. */
void put_error(struct json_object *object, int code);

/* The report's back ends, an object each. */
struct json_object *backends_of(const struct report *report);

#endif
