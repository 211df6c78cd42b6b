/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

int sys_now(void)
{
	return getppid() + close(-1);
}
