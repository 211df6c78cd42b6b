/* SPDX-License-Identifier: LGPL-2.1-or-later */
uint32_t hws_needs_stdint(void);
