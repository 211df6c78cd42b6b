/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which system calls are left to the processes of hwsafe-helper serve; all others give EPERM. */
#ifndef HWSAFE_HELPER_SERVE_FILTER_H
#define HWSAFE_HELPER_SERVE_FILTER_H

struct sock_fprog;

enum serve_filter {
	SERVE_FILTER_SERVER, /* the one that serves */
	SERVE_FILTER_EXE,    /* the one that looks what programs are */
};

/* Can calls be judged one by one on this architecture? 0, or -EOPNOTSUPP and why() says it. */
int serve_filter_check(void);
/* A program for the kernel; its code is for free(). 0 or -errno. */
int serve_filter(enum serve_filter which, struct sock_fprog *ret_program);

#endif
