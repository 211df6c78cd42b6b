/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../shim/secret-internal.h"
#include "../shim/gone.h"
