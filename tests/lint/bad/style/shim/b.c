/* SPDX-License-Identifier: LGPL-2.1-or-later */
int c(void) {
	/*
	 *  a comment may
	 */
	return   3;
}
