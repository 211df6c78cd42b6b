/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in's file: found, trusted, loaded. */
#ifndef HWSAFE_SHIM_PLUGIN_LIBRARY_INTERNAL_H
#define HWSAFE_SHIM_PLUGIN_LIBRARY_INTERNAL_H

#include "shim/plugin.h"

struct plugin_library;

/* Gives up a share; the last one unloads it. NULL does nothing. */
void plugin_library_close(struct plugin_library *library);

#endif
