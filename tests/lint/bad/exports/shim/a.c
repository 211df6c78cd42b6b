/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/a.h"

int hws_everywhere(void)
{
	return 0;
}

HWS_API int hws_no_header(void)
{
	return 0;
}
