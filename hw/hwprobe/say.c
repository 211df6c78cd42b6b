/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/say.h"

#include <stdio.h>
#include <string.h>

enum { LINE = 1024 };

_Thread_local char say_place[SAY_PLACE];

size_t say_begin(const char *word)
{
	size_t mark = strlen(say_place);

	snprintf(say_place + mark, SAY_PLACE - mark, "'%.40s': ", word);
	return mark;
}

void say_end(size_t mark)
{
	say_place[mark] = '\0';
}

void say_plain(FILE *out, const char *text)
{
	for (; *text; text++)
		putc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

void say_list(const char *program, const char *format, va_list arguments)
{
	char line[LINE];
	int length = vsnprintf(line, sizeof(line), format, arguments);

	if (length >= LINE)
		strcpy(line + LINE - 4, "...");
	fprintf(stderr, "%s: ", program);
	say_plain(stderr, say_place);
	say_plain(stderr, line);
	putc('\n', stderr);
}

void say_as(const char *program, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say_list(program, format, arguments);
	va_end(arguments);
}

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say_list("hwprobe", format, arguments);
	va_end(arguments);
}
