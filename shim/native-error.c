/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel's errors mean to whoever asked for hardware: a code of ours and a cause each. */
#include <errno.h>
#include <string.h>

#include "shim/native-internal.h"

static const struct {
	int from;
	int code;
	const char *cause;
} errors[] = {
	{ -EPERM, -EPERM, "the kernel forbids it: a capability is missing, or lockdown" },
	{ -EACCES, -EPERM, "its file mode keeps this user out; root may, or the helper" },
	{ -EROFS, -EPERM, "it lies on a file system that is read-only" },
	{ -ENOSYS, -EOPNOTSUPP, "this kernel is built without it" },
	{ -EOPNOTSUPP, -EOPNOTSUPP, "not on this architecture" },
	{ -ENOENT, -ENODEV, "it is not there" },
	{ -ENXIO, -ENODEV, "nothing answers behind it: switched off, or never there" },
	{ -ENODEV, -ENODEV, "the device is gone" },
	{ -ELOOP, -ENODEV, "a link, or something that is no device, lies in its place" },
	{ -EIO, -EIO, "the hardware failed or refused" },
};

static size_t find(int r)
{
	size_t i = 0;

	while (i < sizeof(errors) / sizeof(errors[0]) && errors[i].from != r)
		i++;
	return i;
}

int native_code(int r)
{
	size_t i = find(r);

	return i < sizeof(errors) / sizeof(errors[0]) ? errors[i].code : r;
}

const char *native_cause(int r)
{
	size_t i = find(r);

	return i < sizeof(errors) / sizeof(errors[0]) ? errors[i].cause : strerror(-r);
}
