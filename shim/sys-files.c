/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made of what sys.c has: a path's folder, and which start of the machine this is. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "shim/once.h"
#include "shim/sys-internal.h"

int sys_open_folder(int root, const char *path, int flags, const char **ret_name)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *name = slash ? slash + 1 : path;
	size_t length = slash ? (size_t)(name - path) : 1;
	char folder[PATH_MAX];

	if (!name || !*name)
		return -EINVAL;
	if (length >= sizeof(folder) || strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(folder, slash ? path : ".", length);
	folder[length] = '\0';
	*ret_name = name;
	return sys_open(root, folder, flags | O_DIRECTORY);
}

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
