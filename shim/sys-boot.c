/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "shim/once.h"
#include "shim/sys-internal.h"

struct boot {
	char id[SYS_BOOT];
};
static HWS_ONCE(struct boot) boot_now;

void sys_boot(char ret_boot[SYS_BOOT])
{
	const struct boot *known = hws_once_get(&boot_now);
	struct boot boot = { "-" };

	if (!known && sys_read_file(SYS_REAL_ROOT, "/proc/sys/kernel/random/boot_id", boot.id,
				    sizeof(boot.id)) > 0) {
		boot.id[strcspn(boot.id, " \n")] = '\0';
		/* who loses the race to it read the same */
		(void)!hws_once_set(&boot_now, &boot);
	}
	memcpy(ret_boot, known ? known->id : boot.id, SYS_BOOT);
}
