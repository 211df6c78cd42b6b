/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes to stderr: a line each, "hwprobe: …", however long and whatever
 * characters the words of the user have that are repeated in it.
 */
#ifndef HWPROBE_SAY_H
#define HWPROBE_SAY_H

#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>

/* What is taken apart: "FILE:LINE: ", and the word; else "". Lines begin with it. */
enum { SAY_PLACE = 160 };
extern _Thread_local char say_place[SAY_PLACE];

/* Appends "'WORD': ": what follows is about a part of it. Gives what say_end() ends it with. */
size_t say_begin(const char *word);
void say_end(size_t mark);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* In the name of another program. */
void say_as(const char *program, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_list(const char *program, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
/*
 * What somebody else wrote: a terminal would obey its control characters, and one line would become
 * several.
 */
void say_plain(FILE *out, const char *text);

#endif
