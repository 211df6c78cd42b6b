/* SPDX-License-Identifier: LGPL-2.1-or-later */
struct hws_modern {
	_Atomic int count;
};
