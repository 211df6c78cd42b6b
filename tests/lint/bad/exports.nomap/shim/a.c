/* SPDX-License-Identifier: LGPL-2.1-or-later */
__attribute__((visibility("default"))) int hws_stray(void)
{
	return 0;
}
