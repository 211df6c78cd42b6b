/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef __x86_64__
#endif
