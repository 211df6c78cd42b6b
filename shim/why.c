/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/why-internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char reason[512];
static _Thread_local unsigned int times;

void note_why(const char *format, ...)
{
	char text[sizeof(reason)]; /* the arguments may be, or lie in, the reason up to now */
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	memcpy(reason, text, strlen(text) + 1);
	times++;
}

unsigned int why_times(void)
{
	return times;
}

const char *hws_why(void)
{
	return reason;
}

const char *hws_version(void)
{
	return HWS_VERSION;
}
