/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/personality.h"

#include <string.h>

#include "hw/hwprobe/args.h"

/* clang-format off */
static const struct personality personalities[] = {
	{ "devmem", devmem_main },
	{ "inb", io_main },
	{ "inl", io_main },
	{ "inw", io_main },
	{ "lspci", lspci_main },
	{ "outb", io_main },
	{ "outl", io_main },
	{ "outw", io_main },
	{ "rdmsr", rdmsr_main },
	{ "setpci", setpci_main },
	{ "wrmsr", wrmsr_main },
};
/* clang-format on */

enum { PERSONALITIES = sizeof(personalities) / sizeof(personalities[0]) };

const struct personality *personality_find(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < PERSONALITIES; i++)
		if (!strcmp(personalities[i].name, name))
			return &personalities[i];
	return NULL;
}

int personality_refuse(const char *name)
{
	const char *names[PERSONALITIES];

	for (size_t i = 0; i < PERSONALITIES; i++)
		names[i] = personalities[i].name;
	return (int)args_refuse_unknown("program", name, "", names, PERSONALITIES);
}
