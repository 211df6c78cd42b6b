/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "guardian/context.h"

/* What an error means, what cures it, what works all the same, and main's status for it. */
static const struct {
	int code;
	int status;
	const char *means;
	const char *cure;
	const char *rest;
} errors[] = {
	{ -EACCES, 4, "the policy or the guardian refused",
	  "add a rule to /etc/hwsafe/policy.d, or ask for less", "what other rules allow" },
	{ -EPERM, 5, "the kernel refused", "see what hwprobe says of this kind of access",
	  "the other ways that hwprobe lists, and the simulated machine" },
	{ -EDQUOT, 7, "a guard, a cap or a rate is used up", "wait, release, or re-arm the guard",
	  "accesses of other classes and resources" },
	{ -ERANGE, 2, "outside the window", "check the offset against the window's size",
	  "accesses inside it" },
	{ -ENODEV, 3, "the device is gone or was never there", "check the address with hwprobe",
	  "other devices" },
	{ -EBUSY, 7, "somebody else owns it: the kernel, a device, another driver",
	  "wait for it, or unbind the driver", "what it doesn't own" },
	{ -EBADMSG, 1, "a file is not what it should be", "mend the line that is named", "" },
	{ -EINVAL, 2, "wrong use", "see the function's manual in its header", "" },
	{ -ESTALE, 2, "a handle that stands for nothing any more", "don't use it after its end",
	  "" },
	{ -EOPNOTSUPP, 6, "not supported here", "try another back end", "the simulated machine" },
	{ -ENOENT, 3, "not found", "check the name", "" },
	{ -ENXIO, 6, "no driver stands behind it", "load or bind the driver that is named",
	  "what needs no driver" },
	{ -EIO, 1, "the device did not do it", "see that it is there, and powered",
	  "other devices" },
};

static void say(FILE *file, const char *what, const char *text)
{
	if (*text)
		fprintf(file, "  %-12s %s\n", what, text);
}

int hws_explain(int code, FILE *file)
{
	size_t i = 0;

	if (code >= 0)
		return 0;
	while (i < sizeof(errors) / sizeof(errors[0]) && errors[i].code != code)
		i++;
	if (i == sizeof(errors) / sizeof(errors[0])) {
		if (file)
			fprintf(file, "%s: %s\n", strerror(-code), hws_why());
		return 1;
	}
	if (file) {
		fprintf(file, "%s\n", *hws_why() ? hws_why() : errors[i].means);
		say(file, "that is", errors[i].means);
		say(file, "cure", errors[i].cure);
		say(file, "still works", errors[i].rest);
	}
	return errors[i].status;
}
