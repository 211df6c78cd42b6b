/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_HELPER_SERVE_OPTIONS_H
#define HWSAFE_HELPER_SERVE_OPTIONS_H

#include "helper/helper.h"
#include "helper/serve.h"

/* Strings are borrowed from the command line; *ret_options must not move. */
enum result serve_take_options(int count, char **arguments, struct serve_options *ret_options);

#endif
