/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "native.h"
#include "guardian/high.h"
#include "low-internal.h"
/* #include "hw/comment.h" */
#include "nowhere.h"
#if defined(__x86_64__) || \
	defined(__aarch64__)
#endif
