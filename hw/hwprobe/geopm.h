/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that GEOPM gives to registers of processors: PERF_CTL:FREQ. */
#ifndef HWPROBE_GEOPM_H
#define HWPROBE_GEOPM_H

#include "hw/hwprobe/hwprobe.h"

struct geopm_name {
	uint32_t number;
	uint32_t low;	/* the lowest bit of the field; 0 without one */
	uint64_t mask;	/* of the field; all ones without one */
	bool read_only; /* the register, or the field */
};

/* The description of them; for hws_registers_unref(). NULL: no memory. */
struct hws_registers *geopm_names(void);
/* REGISTER or REGISTER:FIELD; -ENOENT: there is none. */
int geopm_find(const struct hws_registers *names, const char *text, struct geopm_name *ret_name);

#endif
