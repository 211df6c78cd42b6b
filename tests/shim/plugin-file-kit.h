/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in's file in a directory of its own, for the tests of the loader. */
#ifndef HWSAFE_TESTS_PLUGIN_FILE_KIT_H
#define HWSAFE_TESTS_PLUGIN_FILE_KIT_H

#include <string.h>

#include "shim/plugin-library-internal.h"
#include "tests/suite.h"

extern char folder[64], path[96];
/* What is in it; changes are written by write_file(path, bytes, size). */
extern char *bytes;
extern size_t size;

void set_up(const char *which);
void tear_down(void);
void write_file(const char *name, const void *from, size_t length);
int descriptors(void);

/* Trusted without pin and signature. */
struct plugin_source trusting(void);
void refused(const struct plugin_source *source, int code, const char *words);
void loads(const struct plugin_source *source);

#endif
