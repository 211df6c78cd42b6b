/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/plugin-library-internal.h"

void plugin_library_close(struct plugin_library *library)
{
	(void)library;
}
