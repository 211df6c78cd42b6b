/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
uint32_t hws_good(void);
