/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of model-specific registers and their fields: PERF_CTL, PERF_CTL.FREQ. */
#ifndef HWPROBE_MSR_NAME_H
#define HWPROBE_MSR_NAME_H

#include "hw/hwprobe/hwprobe.h"

struct msr_name {
	uint32_t number;
	uint32_t low;	/* the lowest bit of the field; 0 without one */
	uint64_t mask;	/* of the field; all ones without one */
	bool read_only; /* the register, or the field */
};

/* The description of them; for hws_registers_unref(). NULL: no memory. */
struct hws_registers *msr_names(void);
/*
 * Finds REGISTER or REGISTER.FIELD (@separator between). -ENOENT: there is none; hws_why() names
 * some that are alike.
 */
int msr_name_find(struct hws_registers *names, const char *text, char separator,
		  struct msr_name *ret_name);

#endif
