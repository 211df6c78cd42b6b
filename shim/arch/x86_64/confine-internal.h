/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a confined process may not call here, beside what no architecture's may. */
#ifndef HWSAFE_ARCH_CONFINE_INTERNAL_H
#define HWSAFE_ARCH_CONFINE_INTERNAL_H

#include <linux/audit.h>

#define CONFINE_MACHINE AUDIT_ARCH_X86_64
#define CONFINE_OPEN	SYS_open
#define CONFINE_DENIED                                                                         \
	SYS_fork, SYS_vfork, SYS_creat, SYS_unlink, SYS_rename, SYS_renameat, SYS_mkdir,       \
		SYS_rmdir, SYS_mknod, SYS_link, SYS_symlink, SYS_chmod, SYS_chown, SYS_lchown, \
		SYS_utime, SYS_utimes, SYS_futimesat, SYS_ioperm, SYS_iopl, SYS_modify_ldt,    \
		SYS_uselib,

#endif
