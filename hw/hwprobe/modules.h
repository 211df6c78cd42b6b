/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel modules say that they match a device: the list that depmod makes. */
#ifndef HWPROBE_MODULES_H
#define HWPROBE_MODULES_H

#include "hw/hwprobe/hwprobe.h"

enum { MODULE_NAME = 64 };

/* The list's text, the caller's to free; NULL: there is none. */
char *modules_read(const char *sysroot);
/*
 * The next module for @alias behind *at, which begins as the list's text; one
 * that is listed twice in a row counts once. False: there is none, @name is lost.
 */
bool modules_next(const char *alias, const char **at, char name[MODULE_NAME]);

#endif
