/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that fingers know. Under the name of one (its own, by a link, or
 * after --as) hwprobe takes its arguments, prints as it does, and ends with its
 * codes; what may be done is still the policy's to say.
 *
 *	hwprobe --sim --grant 'msr = 0x10 r' --as rdmsr -p 2 0x10
 */
#ifndef HWPROBE_PERSONALITY_H
#define HWPROBE_PERSONALITY_H

#include "hw/hwprobe/hwprobe.h"

/* As main(), argv[0] being the name; @settings are those before --as. Gives what to end with. */
typedef int personality_fn(const struct settings *settings, int argc, char **argv);

struct personality {
	const char *name;
	personality_fn *run;
};

/* By the last component of @path; NULL: hwprobe itself. */
const struct personality *personality_find(const char *path);
/* Tells which names there are; gives what to end with. */
int personality_refuse(const char *name);

/* Each is defined in its area's file, and listed once more in personality.c. */
personality_fn devmem_main;
personality_fn io_main; /* inb, outl … */
personality_fn lspci_main;
personality_fn rdmsr_main;
personality_fn setpci_main;
personality_fn wrmsr_main;

#endif
