/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tells one machine from another of its kind, taken out of what is shown or kept. */
#ifndef HWPROBE_SANITIZE_H
#define HWPROBE_SANITIZE_H

#include "hw/hwprobe/hwprobe.h"

#define ARGS_SANITIZE                                                  \
	{                                                              \
		"sanitize", 0, NULL, "serial numbers of devices are 0" \
	}

/* Of configuration space from 0 on: the numbers in it are 0 then. */
void sanitize_config(uint8_t *bytes, uint32_t size);
/* Does the register hold such a number? */
bool sanitize_register(const struct hws_register *reg);
/* Of /proc/cpuinfo: some kernels of boards tell the board's number there. */
void sanitize_cpuinfo(char *text);

#endif
