/* SPDX-License-Identifier: LGPL-2.1-or-later */
HWS_API int hws_forgotten(void);
