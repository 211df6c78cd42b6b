/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "native.h"
#ifdef __i386__
#endif
