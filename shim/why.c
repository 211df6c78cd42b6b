/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/why-internal.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char reason[512];
static _Thread_local unsigned int times;

void note_why(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
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
