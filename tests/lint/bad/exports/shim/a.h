/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define HWS_API __attribute__((visibility("default")))
HWS_API int hws_everywhere(void);
HWS_API int
hws_header_only(void);
int hws_no_api(void);
