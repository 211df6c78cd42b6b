/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../shim/low-internal.h"
