/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every architecture's raw instructions share: their place in the exception table. */
#ifndef HWSAFE_SHIM_ARCH_FIXUP_INTERNAL_H
#define HWSAFE_SHIM_ARCH_FIXUP_INTERNAL_H

/* An entry of the exception table: where it may fault, where to go on. */
#define RAW_FIXUP                           \
	".pushsection hws_extable, \"a\"\n" \
	".balign 4\n"                       \
	".long 1b - ., %l[fault] - .\n"     \
	".popsection\n"

/*
 * gcc 12 drops a fix-up that does nothing but set the value that the instruction would have given;
 * an empty statement makes it a block of its own.
 */
#define RAW_APART __asm__ volatile("")

#endif
